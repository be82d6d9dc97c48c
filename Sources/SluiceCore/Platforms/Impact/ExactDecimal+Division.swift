extension ExactDecimal {
    /// The quotient, if it has an end within the digits a number may have; else nil, as for a third.
    func dividedExactly(by divisor: ExactDecimal) -> ExactDecimal? {
        guard !divisor.isZero else { return nil }
        guard !isZero else { return .zero }
        var dividend = coefficient
        var shift = 0
        while dividend % divisor.coefficient != 0 {
            let (scaled, overflow) = dividend.multipliedReportingOverflow(by: 10)
            guard !overflow else { return nil }
            dividend = scaled
            shift += 1
        }
        return try? ExactDecimal(dividend / divisor.coefficient, exponent: exponent - divisor.exponent - shift)
    }
}
