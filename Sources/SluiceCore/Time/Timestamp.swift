import CByteScan

/// Points in time as milliseconds since 1970-01-01T00:00:00Z, written as RFC 3339 has it.
///
/// Days are counted by the Gregorian calendar, also before it was introduced, without leap
/// seconds.
package enum Timestamp {
    /// What four digits of a year can say: 0000-01-01T00:00:00.000Z to 9999-12-31T23:59:59.999Z.
    package static let range: ClosedRange<Int64> = -62_167_219_200_000...253_402_300_799_999

    static let millisecondsPerDay: Int64 = 86_400_000

    /// Bytes of a timestamp as `appendTimestamp` writes it.
    static let bytes = 24

    /// Reads a date and time with its offset, as in `2026-01-02T03:04:05.678Z` or
    /// `2026-01-02t05:04:05+02:00` (RFC 3339, section 5.6). Any number of fractional digits;
    /// those behind the third are cut off.
    ///
    /// Second 60 is accepted where a leap second can be, in the last minute of a UTC month, and
    /// read as 59.999.
    ///
    /// - Returns: nil for anything else, and for times outside `range`.
    package static func parse(_ text: Bytes) -> Int64? {
        if let usual = parseUsual(text) { return usual }
        return parseAny(text)
    }

    /// Reads what most senders write, UTC in whole seconds or milliseconds; nil for anything else.
    @inline(__always)
    private static func parseUsual(_ text: Bytes) -> Int64? {
        // Safety: reads exactly the bytes of the view.
        let time = unsafe cbytescan_find_time(text.base, text.count)
        // No month has fewer days.
        guard time.found != 0, time.month &- 1 < 12, time.day &- 1 < 28, time.hour <= 23, time.minute <= 59,
            time.second <= 59
        else { return nil }
        let days = daysSince1970(year: Int(time.year), month: Int(time.month), day: Int(time.day))
        let seconds = Int64(time.hour &* 3600 &+ time.minute &* 60 &+ time.second)
        return days &* millisecondsPerDay &+ seconds &* 1000 &+ Int64(time.millisecond)
    }

    static func parseAny(_ text: Bytes) -> Int64? {
        guard text.count >= 20 else { return nil }
        var digits = Digits()
        let year = digits.two(text, 0) * 100 + digits.two(text, 2)
        let month = digits.two(text, 5)
        let day = digits.two(text, 8)
        let hour = digits.two(text, 11)
        let minute = digits.two(text, 14)
        let second = digits.two(text, 17)
        guard digits.areValid, text[4] == 0x2D, text[7] == 0x2D, text[10] | 0x20 == 0x74,
            text[13] == 0x3A, text[16] == 0x3A
        else { return nil }
        guard month >= 1, month <= 12, day >= 1, day <= daysInMonth(month, year: year), hour <= 23,
            minute <= 59, second <= 60
        else { return nil }

        var here = 19
        guard let milliseconds = fraction(text, &here), let offset = offsetMinutes(text, here) else {
            return nil
        }
        let minutes =
            daysSince1970(year: year, month: month, day: day) * 1440 + Int64(hour * 60 + minute) - offset
        var result = minutes * 60_000 + Int64(second) * 1000 + Int64(milliseconds)
        if second == 60 {
            guard isLastMinuteOfMonth(minutes) else { return nil }
            result = minutes * 60_000 + 59_999
        }
        return range.contains(result) ? result : nil
    }

    /// Reads a fraction at `here`, if there is one, as whole milliseconds, and passes it.
    @inline(__always)
    private static func fraction(_ text: Bytes, _ here: inout Int) -> Int? {
        guard text[here] == 0x2E else { return 0 }
        here += 1
        let first = here
        var milliseconds = 0
        var place = 100
        while here < text.count, text[here] &- 0x30 < 10 {
            milliseconds += Int(text[here] &- 0x30) * place
            place /= 10
            here += 1
        }
        return here > first && here < text.count ? milliseconds : nil
    }

    /// Reads `Z` or `+hh:mm` at `here`, where the text must end with it.
    @inline(__always)
    private static func offsetMinutes(_ text: Bytes, _ here: Int) -> Int64? {
        switch text[here] {
        case 0x5A, 0x7A: return text.count == here + 1 ? 0 : nil
        case 0x2B, 0x2D:
            guard text.count == here + 6, text[here + 3] == 0x3A else { return nil }
            var digits = Digits()
            let hours = digits.two(text, here + 1)
            let minutes = digits.two(text, here + 4)
            guard digits.areValid, hours <= 23, minutes <= 59 else { return nil }
            let offset = Int64(hours * 60 + minutes)
            return text[here] == 0x2D ? -offset : offset
        default: return nil
        }
    }

    private static func isLastMinuteOfMonth(_ minutes: Int64) -> Bool {
        let next = minutes + 1
        guard next % 1440 == 0 else { return false }
        return civil(daysSince1970: next / 1440).day == 1
    }

    static func daysInMonth(_ month: Int, year: Int) -> Int {
        switch month {
        case 2: isLeap(year) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    static func isLeap(_ year: Int) -> Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }

    /// Days from 1970-01-01 to a date of the years 0 to 9999.
    ///
    /// The year is taken to begin in March, so that the leap day is its last, and the months from
    /// March on have 153 days in each five.
    static func daysSince1970(year: Int, month: Int, day: Int) -> Int64 {
        let beforeMarch = month < 3
        // One cycle of 400 years ahead, to keep every division among natural numbers.
        let marchYear = year + 400 - (beforeMarch ? 1 : 0)
        let marchMonth = beforeMarch ? month + 9 : month - 3
        let days =
            marchYear * 365 + marchYear / 4 - marchYear / 100 + marchYear / 400
            + (153 * marchMonth + 2) / 5 + day - 1
        return Int64(days) - 719_468 - 146_097
    }

    /// The date so many days from 1970-01-01, for the years 0 to 9999.
    static func civil(daysSince1970 days: Int64) -> (year: Int, month: Int, day: Int) {
        let shifted = Int(days) + 719_468 + 146_097
        let cycle = shifted / 146_097
        let dayOfCycle = shifted % 146_097
        // 1460, 36524 and 146096 are the last days of 4, 100 and 400 years.
        let yearOfCycle = (dayOfCycle - dayOfCycle / 1460 + dayOfCycle / 36_524 - dayOfCycle / 146_096) / 365
        let dayOfYear = dayOfCycle - (365 * yearOfCycle + yearOfCycle / 4 - yearOfCycle / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        let year = cycle * 400 + yearOfCycle - 400 + (month < 3 ? 1 : 0)
        return (year, month, dayOfYear - (153 * marchMonth + 2) / 5 + 1)
    }

    /// Reads pairs of decimal digits and remembers whether all were digits.
    private struct Digits {
        private var worst: UInt8 = 0
        var areValid: Bool { worst < 10 }

        @inline(__always)
        mutating func two(_ text: Bytes, _ index: Int) -> Int {
            assert(index >= 0 && index + 1 < text.count)
            // Safety: the callers have looked at the length.
            let tens = unsafe text.base[index] &- 0x30
            let ones = unsafe text.base[index &+ 1] &- 0x30
            worst = max(worst, max(tens, ones))
            return Int(tens) * 10 + Int(ones)
        }
    }
}

extension ByteBuffer {
    /// Appends `2026-01-02T03:04:05.678Z`, 24 bytes.
    ///
    /// - Parameter milliseconds: since 1970; what lies outside `Timestamp.range` is written as
    ///   its nearest end.
    package mutating func appendTimestamp(_ milliseconds: Int64) {
        let inRange = min(max(milliseconds, Timestamp.range.lowerBound), Timestamp.range.upperBound)
        let sinceYear0 = inRange - Timestamp.range.lowerBound
        let ofDay = Int(sinceYear0 % Timestamp.millisecondsPerDay)
        let day = (inRange - Int64(ofDay)) / Timestamp.millisecondsPerDay
        let date = Timestamp.civil(daysSince1970: day)
        // Safety: 24 bytes are reserved; the template fills them all and no place lies behind them.
        unsafe appendUnsafe(room: 24) { target in
            let template: StaticString = "0000-00-00T00:00:00.000Z"
            unsafe target.update(from: template.utf8Start, count: 24)
            unsafe ByteBuffer.writeTwoDigits(UInt32(truncatingIfNeeded: date.year / 100), at: target)
            unsafe ByteBuffer.writeTwoDigits(UInt32(truncatingIfNeeded: date.year % 100), at: target + 2)
            unsafe ByteBuffer.writeTwoDigits(UInt32(truncatingIfNeeded: date.month), at: target + 5)
            unsafe ByteBuffer.writeTwoDigits(UInt32(truncatingIfNeeded: date.day), at: target + 8)
            unsafe ByteBuffer.writeTimeOfDay(UInt32(truncatingIfNeeded: ofDay), at: target + 11)
            return 24
        }
    }

    /// Writes the digits of `hh:mm:ss.sss` to the 12 bytes at `target`, whose separators stand there.
    @inline(__always)
    static func writeTimeOfDay(_ milliseconds: UInt32, at target: UnsafeMutablePointer<UInt8>) {
        let seconds = milliseconds / 1000
        let minutes = seconds / 60
        let fraction = milliseconds % 1000
        // Safety: the caller has 12 bytes there.
        unsafe writeTwoDigits(minutes / 60, at: target)
        unsafe writeTwoDigits(minutes % 60, at: target + 3)
        unsafe writeTwoDigits(seconds % 60, at: target + 6)
        unsafe target[9] = UInt8(truncatingIfNeeded: fraction / 100) &+ 0x30
        unsafe writeTwoDigits(fraction % 100, at: target + 10)
    }

    /// Writes the digits of `value`, 0 to 99, to the two bytes at `target`.
    @inline(__always)
    private static func writeTwoDigits(_ value: UInt32, at target: UnsafeMutablePointer<UInt8>) {
        // Safety: the caller has two bytes there.
        unsafe target[0] = UInt8(truncatingIfNeeded: value / 10) &+ 0x30
        unsafe target[1] = UInt8(truncatingIfNeeded: value % 10) &+ 0x30
    }
}
