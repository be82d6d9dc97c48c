/// Columns of text for a terminal: the first on the left, all others on the right.
struct TextTable {
    private var rows: [[String]]

    init(_ head: [String]) { rows = [head] }

    mutating func append(_ row: [String]) { rows.append(row) }

    /// Lines without line ends.
    var lines: [String] {
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in
            rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
        }
        return rows.map { row in
            row.enumerated().map { column, text in
                let fill = String(repeating: " ", count: widths[column] - text.count)
                return column == 0 ? text + fill : fill + text
            }.joined(separator: "  ")
        }
    }
}

/// Numbers for people.
enum Readable {
    /// With a comma between thousands.
    static func count(_ value: some BinaryInteger) -> String {
        let digits = String(value.magnitude)
        var text = ""
        for (place, digit) in digits.enumerated() {
            if place > 0, (digits.count - place) % 3 == 0 { text += "," }
            text.append(digit)
        }
        return (value < 0 ? "-" : "") + text
    }

    /// In thousands or millions with one decimal, from ten thousand on.
    static func short(_ value: Int64) -> String {
        switch value {
        case ..<10_000: "\(value)"
        case ..<1_000_000: "\(oneDecimal(Double(value) / 1000))k"
        default: "\(oneDecimal(Double(value) / 1_000_000))M"
        }
    }

    /// In the unit that fits.
    static func duration(microseconds: UInt64, separator: String = " ") -> String {
        switch microseconds {
        case ..<1000: "\(microseconds)\(separator)us"
        case ..<1_000_000: "\(oneDecimal(Double(microseconds) / 1000))\(separator)ms"
        default: "\(oneDecimal(Double(microseconds) / 1_000_000))\(separator)s"
        }
    }

    static func oneDecimal(_ value: Double) -> String {
        let tenths = Int((value * 10).rounded())
        return "\(tenths / 10).\(abs(tenths % 10))"
    }
}
