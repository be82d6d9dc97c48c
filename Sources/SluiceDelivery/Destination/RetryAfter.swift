/// The header Retry-After: seconds, or a date (RFC 9110, section 10.2.3).
package enum RetryAfter {
    /// Seconds to wait from `wallMilliseconds` on; nil when the value is neither form. A date that
    /// has passed is 0.
    package static func seconds(_ value: String, wallMilliseconds: Int64) -> Int? {
        let text = value.trimmingPrefix { $0 == " " || $0 == "\t" }
        if !text.isEmpty, text.allSatisfy({ $0.isASCII && $0.isNumber }) {
            return Int(text) ?? Int.max
        }
        guard let date = dateSeconds(text) else { return nil }
        return Int(max(0, date - wallMilliseconds / 1000))
    }

    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// `Sun, 06 Nov 1994 08:49:37 GMT` as seconds since 1970. The two obsolete forms of HTTP dates
    /// are not read: the wait then is the policy's own.
    private static func dateSeconds(_ text: Substring) -> Int64? {
        let parts = text.split(separator: " ")
        guard parts.count == 6, parts[5] == "GMT",
            let day = Int64(parts[1]), (1...31).contains(day),
            let month = months.firstIndex(of: String(parts[2])),
            let year = Int64(parts[3]), (1970...9999).contains(year)
        else { return nil }
        let clock = parts[4].split(separator: ":").map { Int64($0) ?? -1 }
        guard clock.count == 3, (0...23).contains(clock[0]), (0...59).contains(clock[1]),
            (0...60).contains(clock[2])
        else { return nil }
        return days(year: year, month: Int64(month) + 1, day: day) * 86_400
            + clock[0] * 3600 + clock[1] * 60 + clock[2]
    }

    /// Days from 1970-01-01 in the Gregorian calendar; years are taken to begin in March, so that
    /// the leap day is their last.
    private static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let monthFromMarch = (month + 9) % 12
        let dayOfYear = (153 * monthFromMarch + 2) / 5 + day - 1
        return shifted * 365 + shifted / 4 - shifted / 100 + shifted / 400 + dayOfYear - 719_468
    }
}
