/// Points in time as platforms' clients write them: ISO 8601 in its usual forms, or a count of
/// seconds or milliseconds since 1970.
package enum Moment {
    /// A count below this is one of seconds, from it on one of milliseconds: as seconds it means the
    /// year 5138, as milliseconds March 1973.
    private static let millisecondsFrom: Int64 = 100_000_000_000

    /// Reads either form; milliseconds since 1970, or nil.
    package static func parse(_ text: Bytes) -> Int64? {
        if let (value, decimals) = text.wholeNumber, decimals == 0, text.count <= 15 { return moment(Int64(value)) }
        if text.count > 4, text[4] == 0x2D { return parseISO8601(text) }
        for index in 0..<text.count where text[index] &- 0x30 > 9 && text[index] != 0x2E {
            return parseISO8601(text)
        }
        return parseEpoch(text)
    }

    /// Reads `1767323045`, `1767323045.678` or `1767323045678`. What is behind the third digit of a
    /// fraction of seconds is cut off, as is any fraction of milliseconds.
    package static func parseEpoch(_ text: Bytes) -> Int64? {
        let point = text.firstIndex(of: 0x2E) ?? text.count
        guard point > 0, point <= 15, point + 1 != text.count else { return nil }
        var value: Int64 = 0
        for index in 0..<point {
            guard text[index] &- 0x30 < 10 else { return nil }
            value = value * 10 + Int64(text[index] &- 0x30)
        }
        var fraction: Int64 = 0
        var place: Int64 = 100
        for index in min(point + 1, text.count)..<text.count {
            guard text[index] &- 0x30 < 10 else { return nil }
            fraction += Int64(text[index] &- 0x30) * place
            place /= 10
        }
        return moment(value, fraction)
    }

    /// - Parameter fraction: milliseconds behind a count of seconds.
    private static func moment(_ value: Int64, _ fraction: Int64 = 0) -> Int64? {
        let milliseconds = value < millisecondsFrom ? value * 1_000 + fraction : value
        return Timestamp.range.contains(milliseconds) ? milliseconds : nil
    }

    /// Reads `2026-01-02T03:04:05.678+01:00` and what ISO 8601 allows beside it: a date alone, which
    /// means its first moment; a space for the `T`; no seconds; a comma before the fraction; the basic
    /// form `20260102T030405Z`; offsets as `+01`, `+0100` and `+01:00`. Without an offset it is UTC. An
    /// offset whose `+` was lost to a form's decoding is read, too.
    package static func parseISO8601(_ text: Bytes) -> Int64? {
        if let milliseconds = Timestamp.parse(text) { return milliseconds }
        var scanner = Scanner(text: text)
        return scanner.moment()
    }

    private struct Scanner {
        let text: Bytes
        var here = 0
        /// Something was not a digit where one must be.
        var isWrong = false

        init(text: Bytes) { self.text = text }

        private func isAt(_ byte: UInt8) -> Bool { here < text.count && text[here] == byte }

        private mutating func take(_ byte: UInt8) -> Bool {
            guard isAt(byte) else { return false }
            here += 1
            return true
        }

        private mutating func twoDigits() -> Int {
            guard here + 1 < text.count, text[here] &- 0x30 < 10, text[here + 1] &- 0x30 < 10 else {
                isWrong = true
                return 0
            }
            let value = Int(text[here] &- 0x30) * 10 + Int(text[here + 1] &- 0x30)
            here += 2
            return value
        }

        mutating func moment() -> Int64? {
            let year = twoDigits() * 100 + twoDigits()
            let isExtended = take(0x2D)
            let month = twoDigits()
            if isExtended, !take(0x2D) { return nil }
            let day = twoDigits()
            guard !isWrong, month >= 1, month <= 12, day >= 1,
                day <= Timestamp.daysInMonth(month, year: year)
            else { return nil }
            let midnight =
                Timestamp.daysSince1970(year: year, month: month, day: day) * Timestamp.millisecondsPerDay
            guard here < text.count else {
                // Eight digits and nothing else are a count, not a date.
                return isExtended ? midnight : nil
            }
            guard take(0x54) || take(0x74) || take(0x20), let time = timeOfDay(isExtended),
                let offset = offset()
            else { return nil }
            let result = midnight + time - offset
            return Timestamp.range.contains(result) ? result : nil
        }

        private mutating func timeOfDay(_ isExtended: Bool) -> Int64? {
            let hour = twoDigits()
            if isExtended, !take(0x3A) { return nil }
            let minute = twoDigits()
            var second = 0
            if isExtended ? take(0x3A) : here < text.count && text[here] &- 0x30 < 10 { second = twoDigits() }
            guard !isWrong, hour <= 23, minute <= 59, second <= 59 else { return nil }
            var milliseconds = 0
            if take(0x2E) || take(0x2C) {
                let first = here
                var place = 100
                while here < text.count, text[here] &- 0x30 < 10 {
                    milliseconds += Int(text[here] &- 0x30) * place
                    place /= 10
                    here += 1
                }
                guard here > first else { return nil }
            }
            return Int64(((hour * 60 + minute) * 60 + second) * 1_000 + milliseconds)
        }

        /// Milliseconds east of Greenwich; the text must end here.
        private mutating func offset() -> Int64? {
            guard here < text.count else { return 0 }
            if take(0x5A) || take(0x7A) { return here == text.count ? 0 : nil }
            let isWest = isAt(0x2D)
            guard take(0x2D) || take(0x2B) || take(0x20) else { return nil }
            let hours = twoDigits()
            var minutes = 0
            if here < text.count {
                _ = take(0x3A)
                minutes = twoDigits()
            }
            guard !isWrong, here == text.count, hours <= 23, minutes <= 59 else { return nil }
            let offset = Int64(hours * 60 + minutes) * 60_000
            return isWest ? -offset : offset
        }
    }
}
