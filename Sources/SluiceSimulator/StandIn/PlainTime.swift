/// RFC 3339 times by the plain rules of the calendar, independent of the gateway's own code.
package enum PlainTime {
    /// Milliseconds since 1970 of `2026-01-02T03:04:05.678+01:00`; nil when the text is no such
    /// time. The offset is required. A leap second counts as the second after it.
    package static func milliseconds(_ text: String) -> Int64? {
        let bytes = Array(text.utf8)
        guard bytes.count >= 20, bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-"),
            bytes[10] | 0x20 == UInt8(ascii: "t"), bytes[13] == UInt8(ascii: ":"),
            bytes[16] == UInt8(ascii: ":"),
            let year = number(bytes[0..<4]), let month = number(bytes[5..<7]),
            let day = number(bytes[8..<10]), let hour = number(bytes[11..<13]),
            let minute = number(bytes[14..<16]), let second = number(bytes[17..<19]),
            (1...12).contains(month), day >= 1, day <= daysInMonth(month, year: year),
            hour < 24, minute < 60, second <= 60
        else { return nil }

        var place = 19
        var fraction: Int64 = 0
        if bytes[place] == UInt8(ascii: ".") {
            let digits = bytes[(place + 1)...].prefix { (0x30...0x39).contains($0) }
            guard !digits.isEmpty else { return nil }
            for (index, digit) in digits.prefix(3).enumerated() {
                fraction += Int64(digit - 0x30) * [100, 10, 1][index]
            }
            place = digits.endIndex
        }
        guard place < bytes.count, let offset = offsetMinutes(bytes[place...]) else { return nil }
        let days = Int64(daysSince1970(year: year, month: month, day: day))
        let seconds = days * 86_400 + Int64(hour * 3600 + minute * 60 + second - offset * 60)
        return seconds * 1000 + fraction
    }

    /// `2026-01-02T03:04:05.678Z`.
    package static func text(_ milliseconds: Int64) -> String {
        let seconds = floorDivide(milliseconds, 1000)
        let days = floorDivide(seconds, 86_400)
        let rest = Int(seconds - days * 86_400)
        let (year, month, day) = civil(days: Int(days))
        let date = [pad(year, 4), pad(month, 2), pad(day, 2)].joined(separator: "-")
        let time = [pad(rest / 3600, 2), pad(rest / 60 % 60, 2), pad(rest % 60, 2)].joined(separator: ":")
        return "\(date)T\(time).\(pad(Int(milliseconds - seconds * 1000), 3))Z"
    }

    private static func offsetMinutes(_ bytes: ArraySlice<UInt8>) -> Int? {
        guard let sign = bytes.first else { return nil }
        if sign | 0x20 == UInt8(ascii: "z") { return bytes.count == 1 ? 0 : nil }
        let rest = bytes.dropFirst()
        let start = rest.startIndex
        guard sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-"), rest.count == 5,
            rest[start + 2] == UInt8(ascii: ":"), let hours = number(rest[start..<start + 2]),
            let minutes = number(rest[(start + 3)...]), hours < 24, minutes < 60
        else { return nil }
        return (hours * 60 + minutes) * (sign == UInt8(ascii: "-") ? -1 : 1)
    }

    private static func number(_ digits: ArraySlice<UInt8>) -> Int? {
        var value = 0
        for digit in digits {
            guard (0x30...0x39).contains(digit) else { return nil }
            value = value * 10 + Int(digit - 0x30)
        }
        return value
    }

    private static func isLeap(_ year: Int) -> Bool {
        year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    }

    private static func daysInMonth(_ month: Int, year: Int) -> Int {
        month == 2 && isLeap(year) ? 29 : [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]
    }

    private static func daysBefore(year: Int) -> Int {
        let past = year - 1
        return past * 365 + floorDivide(past, 4) - floorDivide(past, 100) + floorDivide(past, 400)
    }

    private static func daysSince1970(year: Int, month: Int, day: Int) -> Int {
        var days = daysBefore(year: year) - daysBefore(year: 1970) + day - 1
        for earlier in 1..<month { days += daysInMonth(earlier, year: year) }
        return days
    }

    private static func civil(days: Int) -> (year: Int, month: Int, day: Int) {
        // Never too late, before 1970 neither.
        var year = 1970 + floorDivide(days, days < 0 ? 365 : 366)
        while daysSince1970(year: year + 1, month: 1, day: 1) <= days { year += 1 }
        var rest = days - daysSince1970(year: year, month: 1, day: 1)
        var month = 1
        while rest >= daysInMonth(month, year: year) {
            rest -= daysInMonth(month, year: year)
            month += 1
        }
        return (year, month, rest + 1)
    }

    private static func floorDivide<N: BinaryInteger>(_ value: N, _ divisor: N) -> N {
        let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? quotient - 1 : quotient
    }

    private static func pad(_ value: Int, _ width: Int) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
