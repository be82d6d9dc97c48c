// Sizes, durations and rates as the configuration writes them.

/// Numbers of bytes.
package enum ByteSize {
    private static let units: [(suffix: String, factor: Int)] = [
        ("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10),
        ("TB", 1_000_000_000_000), ("GB", 1_000_000_000), ("MB", 1_000_000), ("KB", 1000), ("B", 1),
    ]

    package static func parse(_ text: String) throws(FormError) -> Int {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let suffix = text.dropFirst(digits.count).drop { $0 == " " }
        let factor = suffix.isEmpty ? 1 : units.first { $0.suffix == suffix }?.factor
        guard !digits.isEmpty, let factor else {
            throw FormError(
                "is not a size: expected a whole number with B, KB, MB, GB, KiB, MiB or GiB, as in 64KiB")
        }
        guard let number = Int(digits) else { throw FormError("is too large") }
        let (bytes, overflow) = number.multipliedReportingOverflow(by: factor)
        guard !overflow else { throw FormError("is too large") }
        return bytes
    }

    /// The shortest exact form, as in `64KiB`.
    package static func text(_ bytes: Int) -> String {
        if bytes == 0 { return "0B" }
        let unit = units.first { bytes % $0.factor == 0 && bytes >= $0.factor } ?? ("B", 1)
        return "\(bytes / unit.factor)\(unit.suffix)"
    }

    /// With one decimal in powers of 1024, for people: `1.5 GiB`.
    package static func rounded(_ bytes: Int) -> String {
        let unit = units.prefix(4).first { bytes >= $0.factor }
        guard let unit else { return "\(bytes) B" }
        let tenths = (Double(bytes) / Double(unit.factor) * 10).rounded() / 10
        return "\(tenths) \(unit.suffix)"
    }
}

extension Duration {
    private static let forms: [(suffix: String, milliseconds: Int)] = [
        ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1),
    ]

    package static func parseMilliseconds(_ text: String) throws(FormError) -> Int {
        let problem = FormError(
            "is not a duration: expected whole numbers with d, h, m, s or ms, as in 10s or 1h30m")
        if text == "0" { return 0 }
        var rest = text[...]
        var total = 0
        var unitsLeft = forms[...]
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            rest = rest.dropFirst(digits.count)
            let suffix = rest.prefix { $0.isLetter }
            rest = rest.dropFirst(suffix.count)
            guard !digits.isEmpty, let place = unitsLeft.firstIndex(where: { $0.suffix == suffix }) else {
                throw problem
            }
            guard let number = Int(digits) else { throw FormError("is too long") }
            let (part, tooLong) = number.multipliedReportingOverflow(by: forms[place].milliseconds)
            let (sum, overflow) = total.addingReportingOverflow(part)
            guard !tooLong, !overflow else { throw FormError("is too long") }
            total = sum
            unitsLeft = forms[(place + 1)...]
        }
        guard !text.isEmpty else { throw problem }
        return total
    }

    /// The shortest exact form, as in `1h30m`.
    package static func text(milliseconds: Int) -> String {
        if milliseconds == 0 { return "0s" }
        var rest = milliseconds
        var text = ""
        for form in forms where rest >= form.milliseconds {
            text += "\(rest / form.milliseconds)\(form.suffix)"
            rest %= form.milliseconds
        }
        return text
    }
}

/// At most so many requests in each period.
package struct Rate: Sendable, Equatable, CustomStringConvertible {
    package enum Period: String, Sendable, CaseIterable {
        case second = "s"
        case minute = "m"
        case hour = "h"
        case day = "d"

        package var seconds: Int {
            switch self {
            case .second: 1
            case .minute: 60
            case .hour: 3600
            case .day: 86_400
            }
        }
    }

    /// From 1 to a thousand million.
    package var requests: Int
    package var period: Period

    package init(requests: Int, period: Period) {
        self.requests = requests
        self.period = period
    }

    package var perSecond: Double { Double(requests) / Double(period.seconds) }
    package var description: String { "\(requests)/\(period.rawValue)" }
}

extension Form where Value == Rate {
    package static var rate: Form {
        Form { (text) throws(FormError) in
            let parts = text.split(separator: "/", omittingEmptySubsequences: false)
            guard parts.count == 2, let requests = Int(parts[0]), (1...1_000_000_000).contains(requests),
                let period = Rate.Period(rawValue: String(parts[1]))
            else {
                throw FormError("is not a rate: expected requests per s, m, h or d, as in 1000/h")
            }
            return Rate(requests: requests, period: period)
        }
    }
}
