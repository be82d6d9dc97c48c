/// Why a number is not an exact decimal, or a result is none.
package enum ExactDecimalError: Error, Equatable, Sendable, CaseIterable {
    /// The text is not a number as JSON writes it.
    case notANumber
    /// More than `ExactDecimal.digitsMax` significant digits would be needed.
    case tooManyDigits
    /// The last significant digit stands outside 10^-40 to 10^40.
    case exponentOutOfRange

    /// Stable, for metrics and error bodies.
    package var label: StaticString {
        switch self {
        case .notANumber: "not_a_number"
        case .tooManyDigits: "too_many_digits"
        case .exponentOutOfRange: "exponent_out_of_range"
        }
    }
}

/// A decimal number without rounding, for money and quantities: `coefficient` times ten to the
/// power of `exponent`.
///
/// Results are exact or an error; nothing passes through a binary float. Trailing zeros are not
/// kept: 2.50 is 2.5.
///
/// Invariants: 1. the coefficient has at most `digitsMax` digits. 2. it is no multiple of ten,
/// unless the number is zero, whose exponent is 0; so equal numbers have equal parts.
/// 3. `-exponentMax <= exponent <= exponentMax`.
package struct ExactDecimal: Hashable, Sendable {
    /// Most significant digits.
    package static let digitsMax = 34
    /// Largest magnitude of the exponent of the last significant digit.
    package static let exponentMax = 40

    let coefficient: Int128
    let exponent: Int

    package static let zero = ExactDecimal(0)

    package init(_ value: Int) {
        var coefficient = Int128(value)
        exponent = ExactDecimal.stripZeros(&coefficient)
        self.coefficient = coefficient
    }

    /// Brings a result into the one form it has, or throws if it has none.
    init(_ coefficient: Int128, exponent: Int) throws(ExactDecimalError) {
        var coefficient = coefficient
        let stripped = ExactDecimal.stripZeros(&coefficient)
        guard coefficient.magnitude <= ExactDecimal.coefficientMax else { throw .tooManyDigits }
        let exponent = coefficient == 0 ? 0 : exponent + stripped
        guard exponent.magnitude <= UInt(ExactDecimal.exponentMax) else { throw .exponentOutOfRange }
        self.coefficient = coefficient
        self.exponent = exponent
    }

    package var isZero: Bool { coefficient == 0 }
    package var isNegative: Bool { coefficient < 0 }
    package var isPositive: Bool { coefficient > 0 }
    package var isInteger: Bool { exponent >= 0 }

    /// The value, if it is an integer and fits.
    package var integer: Int? {
        guard exponent >= 0, coefficient != 0 else { return coefficient == 0 ? 0 : nil }
        guard exponent <= 19 else { return nil }
        let (value, overflow) = coefficient.multipliedReportingOverflow(by: ExactDecimal.power(exponent))
        return overflow ? nil : Int(exactly: value)
    }

    /// Reads a number as JSON writes it (RFC 8259, section 6).
    package static func parse(_ text: Bytes) throws(ExactDecimalError) -> ExactDecimal {
        if let (digits, decimals) = text.wholeNumber {
            // 18 digits fit a machine word, and so few places are never out of range.
            return ExactDecimal(word: Int(digits), exponent: -Int(decimals))
        }
        return try scan(text)
    }

    /// Reads any number, digit by digit.
    static func scan(_ text: Bytes) throws(ExactDecimalError) -> ExactDecimal {
        var scanner = Scanner(text: text)
        return try scanner.number()
    }

    /// - Parameter exponent: -18 to 0.
    private init(word: Int, exponent: Int) {
        var coefficient = word
        var exponent = exponent
        while coefficient % 10 == 0, coefficient != 0 {
            coefficient /= 10
            exponent += 1
        }
        self.coefficient = Int128(coefficient)
        self.exponent = coefficient == 0 ? 0 : exponent
    }

    package func multiplied(by other: ExactDecimal) throws(ExactDecimalError) -> ExactDecimal {
        var left = coefficient
        var right = other.coefficient
        guard left != 0, right != 0 else { return .zero }
        // Twos that meet fives become tens. With those taken out first, the product has as many
        // digits as its value needs, and an overflow means that it truly has too many.
        let tens = ExactDecimal.takeTens(&left, &right) + ExactDecimal.takeTens(&right, &left)
        let (product, overflow) = left.multipliedReportingOverflow(by: right)
        guard !overflow else { throw .tooManyDigits }
        return try ExactDecimal(product, exponent: exponent + other.exponent + tens)
    }

    package func adding(_ other: ExactDecimal) throws(ExactDecimalError) -> ExactDecimal {
        guard !isZero else { return other }
        guard !other.isZero else { return self }
        let (high, low) = exponent >= other.exponent ? (self, other) : (other, self)
        // The sum ends with the last digit of `low`, which is not zero unless the exponents are
        // equal: when `high` cannot be scaled, the sum has too many digits.
        let distance = high.exponent - low.exponent
        guard distance <= 38 else { throw .tooManyDigits }
        let (scaled, overflow) = high.coefficient.multipliedReportingOverflow(
            by: ExactDecimal.power(distance))
        guard !overflow else { throw .tooManyDigits }
        let (sum, over) = scaled.addingReportingOverflow(low.coefficient)
        guard !over else { throw .tooManyDigits }
        return try ExactDecimal(sum, exponent: low.exponent)
    }

    /// The quotient, where it is a decimal number; nil by zero, and when it never ends or has too many
    /// digits.
    package func dividedExactly(by other: ExactDecimal) -> ExactDecimal? {
        guard !other.isZero else { return nil }
        guard !isZero else { return .zero }
        // Most amounts fit a machine word, where division is many times cheaper.
        guard let dividend = Int(exactly: coefficient), let divisor = Int(exactly: other.coefficient), divisor > 0
        else { return dividedInFull(by: other) }
        // It ends only where the dividend holds all that the divisor has besides twos and fives.
        var rest = divisor >> divisor.trailingZeroBitCount
        while rest % 5 == 0 { rest /= 5 }
        guard dividend % rest == 0 else { return nil }
        return divided(dividend, by: divisor, other.exponent) ?? dividedInFull(by: other)
    }

    /// The quotient where machine words are wide enough on the way to it; else nil.
    private func divided(_ dividend: Int, by divisor: Int, _ otherExponent: Int) -> ExactDecimal? {
        var dividend = dividend
        var shift = 0
        while dividend % divisor != 0 {
            let (scaled, overflow) = dividend.multipliedReportingOverflow(by: 10)
            guard !overflow else { return nil }
            dividend = scaled
            shift += 1
        }
        return try? ExactDecimal(Int128(dividend / divisor), exponent: exponent - otherExponent - shift)
    }

    func dividedInFull(by other: ExactDecimal) -> ExactDecimal? {
        var dividend = coefficient
        var shift = 0
        while dividend % other.coefficient != 0 {
            let (scaled, overflow) = dividend.multipliedReportingOverflow(by: 10)
            guard !overflow else { return nil }
            dividend = scaled
            shift += 1
        }
        return try? ExactDecimal(dividend / other.coefficient, exponent: exponent - other.exponent - shift)
    }

    package func subtracting(_ other: ExactDecimal) throws(ExactDecimalError) -> ExactDecimal {
        try adding(other.negated)
    }

    package var negated: ExactDecimal {
        ExactDecimal(unchecked: -coefficient, exponent: exponent)
    }

    private init(unchecked coefficient: Int128, exponent: Int) {
        self.coefficient = coefficient
        self.exponent = exponent
    }
}

extension ExactDecimal: Comparable {
    package static func < (left: ExactDecimal, right: ExactDecimal) -> Bool {
        let leftSign = left.coefficient.signum()
        let rightSign = right.coefficient.signum()
        guard leftSign == rightSign else { return leftSign < rightSign }
        guard leftSign != 0 else { return false }
        let leftTop = digitCount(left.coefficient) + left.exponent
        let rightTop = digitCount(right.coefficient) + right.exponent
        if leftTop != rightTop { return (leftTop < rightTop) == (leftSign > 0) }
        // The first digits stand in the same place, so the exponents differ by less than
        // `digitsMax` and scaling one side up leaves it within `digitsMax` digits.
        let distance = left.exponent - right.exponent
        if distance >= 0 { return left.coefficient * power(distance) < right.coefficient }
        return left.coefficient < right.coefficient * power(-distance)
    }
}

extension ExactDecimal {
    static let coefficientMax = UInt128(power(digitsMax)) - 1

    /// Ten to the power of `exponent`, 0 to 38.
    static func power(_ exponent: Int) -> Int128 {
        var result: Int128 = 1
        for _ in 0..<exponent { result *= 10 }
        return result
    }

    static func digitCount(_ coefficient: Int128) -> Int {
        var rest = coefficient.magnitude
        var digits = 1
        while rest >= 10 {
            rest /= 10
            digits += 1
        }
        return digits
    }

    /// Divides by ten as often as that leaves no remainder; returns how often.
    private static func stripZeros(_ coefficient: inout Int128) -> Int {
        guard coefficient != 0 else { return 0 }
        var stripped = 0
        // Most amounts fit a machine word, where division is many times cheaper.
        if var small = Int(exactly: coefficient) {
            while small % 10 == 0 {
                small /= 10
                stripped += 1
            }
            coefficient = Int128(small)
            return stripped
        }
        while coefficient % 10 == 0 {
            coefficient /= 10
            stripped += 1
        }
        return stripped
    }

    /// Takes a factor of two from `even` for each factor of five it takes from `five`.
    private static func takeTens(_ even: inout Int128, _ five: inout Int128) -> Int {
        var taken = 0
        while even & 1 == 0, five % 5 == 0 {
            even /= 2
            five /= 5
            taken += 1
        }
        return taken
    }

    /// Reads one number that makes up the whole text.
    private struct Scanner {
        let text: Bytes
        var here = 0
        var coefficient: Int128 = 0
        var exponent = 0
        /// Zeros read since the last digit that was not; they count only if such a digit follows.
        var pendingZeros = 0

        init(text: Bytes) { self.text = text }

        /// 255 at the end.
        var digit: UInt8 { here < text.count ? text[here] &- 0x30 : 255 }
        func isAt(_ byte: UInt8) -> Bool { here < text.count && text[here] == byte }

        mutating func number() throws(ExactDecimalError) -> ExactDecimal {
            let isNegative = isAt(0x2D)
            if isNegative { here += 1 }
            var tooMany = false
            if digit == 0 { here += 1 } else { try digits(&tooMany) }
            var fractionDigits = 0
            if isAt(0x2E) {
                here += 1
                let first = here
                try digits(&tooMany)
                fractionDigits = here - first
            }
            // The last digit taken in stands `pendingZeros` places before the last one read.
            exponent = pendingZeros - fractionDigits
            if here < text.count, text[here] | 0x20 == 0x65 {
                here += 1
                exponent += try exponentPart()
            }
            guard here == text.count else { throw .notANumber }
            guard coefficient != 0 || tooMany else { return .zero }
            guard !tooMany else { throw .tooManyDigits }
            return try ExactDecimal(isNegative ? -coefficient : coefficient, exponent: exponent)
        }

        /// Takes one digit or more.
        private mutating func digits(_ tooMany: inout Bool) throws(ExactDecimalError) {
            guard digit < 10 else { throw .notANumber }
            while digit < 10 {
                if digit == 0 {
                    if coefficient != 0 || tooMany { pendingZeros += 1 }
                } else if !tooMany {
                    take(digit, &tooMany)
                }
                here += 1
            }
        }

        private mutating func take(_ digit: UInt8, _ tooMany: inout Bool) {
            for _ in 0...pendingZeros {
                let (shifted, overflow) = coefficient.multipliedReportingOverflow(by: 10)
                guard !overflow, shifted <= Int128(ExactDecimal.coefficientMax) else {
                    tooMany = true
                    return
                }
                coefficient = shifted
            }
            pendingZeros = 0
            coefficient += Int128(digit)
        }

        private mutating func exponentPart() throws(ExactDecimalError) -> Int {
            let isNegative = isAt(0x2D)
            if isNegative || isAt(0x2B) { here += 1 }
            guard digit < 10 else { throw .notANumber }
            var value = 0
            while digit < 10 {
                // Far outside the range, further digits change nothing but could overflow.
                if value < 1_000_000 { value = value * 10 + Int(digit) }
                here += 1
            }
            return isNegative ? -value : value
        }
    }
}

extension ByteBuffer {
    /// Appends the number as JSON writes it, without an exponent as long as that takes at most 40
    /// digits: `59.97`, `-0.5`, `1200`; else as in `1.5e45`.
    package mutating func append(_ number: ExactDecimal) {
        if number.exponent <= 0, number.exponent >= -18, let word = UInt64(exactly: number.coefficient) {
            return appendAmount(word, decimals: -number.exponent)
        }
        appendAny(number)
    }

    /// Appends `value` with its last `decimals` digits, at most 18, behind a point.
    private mutating func appendAmount(_ value: UInt64, decimals: Int) {
        var digits = InlineArray<40, UInt8>(repeating: 0x30)
        var rest = value
        var first = 40
        let point = 40 - decimals
        // One digit at least stands before the point.
        while rest > 0 || first >= point {
            first -= 1
            digits[first] = UInt8(truncatingIfNeeded: rest % 10) &+ 0x30
            rest /= 10
        }
        for place in first..<point { append(digits[place]) }
        guard decimals > 0 else { return }
        append(0x2E)
        for place in point..<40 { append(digits[place]) }
    }

    mutating func appendAny(_ number: ExactDecimal) {
        if number.isNegative { append(0x2D) }
        let digits = ExactDecimal.digitCount(number.coefficient)
        let exponent = number.exponent
        let integerDigits = digits + exponent
        if exponent >= 0, integerDigits <= 40 {
            appendDigits(number.coefficient.magnitude, from: 0, to: digits)
            for _ in 0..<exponent { append(0x30) }
        } else if exponent < 0, max(integerDigits, 1) - exponent <= 41 {
            appendDigits(number.coefficient.magnitude, from: 0, to: max(integerDigits, 0))
            append(integerDigits > 0 ? "." : "0.")
            for _ in 0..<max(-integerDigits, 0) { append(0x30) }
            appendDigits(number.coefficient.magnitude, from: max(integerDigits, 0), to: digits)
        } else {
            appendDigits(number.coefficient.magnitude, from: 0, to: 1)
            if digits > 1 {
                append(0x2E)
                appendDigits(number.coefficient.magnitude, from: 1, to: digits)
            }
            append(0x65)
            appendDecimal(integerDigits - 1)
        }
    }

    /// Appends the decimal digits `from..<to` of `value`, counted from its first.
    private mutating func appendDigits(_ value: UInt128, from: Int, to: Int) {
        guard from < to else { return }
        var digits = InlineArray<40, UInt8>(repeating: 0)
        var rest = value
        var count = 0
        repeat {
            digits[count] = UInt8(truncatingIfNeeded: rest % 10) &+ 0x30
            rest /= 10
            count += 1
        } while rest > 0
        for place in from..<to { append(digits[count - 1 - place]) }
    }
}
