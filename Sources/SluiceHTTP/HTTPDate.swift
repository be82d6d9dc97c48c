import SluiceCore

/// The time of day as a `Date` header line, made anew once per second.
///
/// Belongs to one thread, which keeps it for as long as it uses the views it gives. Allocates only
/// when it is created.
package final class HTTPDate {
    private var buffer: ByteBuffer
    private var seconds: Int64

    /// Seconds since 1970 that the first text shows.
    package init(seconds: Int64) {
        buffer = ByteBuffer(capacity: 64)
        self.seconds = seconds
        write()
    }

    /// Shows another second. Cheap when it is the same: call it as often as the clock is read.
    ///
    /// - Parameter seconds: since 1970; 0...253402300799, the years a four-digit year can say.
    @inline(__always)
    package func update(seconds: Int64) {
        guard seconds != self.seconds else { return }
        self.seconds = seconds
        write()
    }

    /// `Sun, 06 Nov 1994 08:49:37 GMT`; IMF-fixdate, RFC 9110, 5.6.7. Ends
    /// with the next update.
    package var text: Bytes { buffer.bytes[6..<35] }

    /// `Date: `, the text, and the line's end.
    package var line: Bytes { buffer.bytes }

    private func write() {
        buffer.removeAll()
        buffer.append("Date: ")
        HTTPDate.append(seconds: seconds, to: &buffer)
        buffer.append("\r\n")
    }

    /// Appends an IMF-fixdate of 29 bytes.
    package static func append(seconds: Int64, to buffer: inout ByteBuffer) {
        let clamped = min(max(seconds, 0), 253_402_300_799)
        let days = Int(clamped / 86_400)
        let second = Int(clamped % 86_400)
        let (year, month, day) = civil(daysSince1970: days)
        // 1 January 1970 was a Thursday.
        appendName(Bytes("SunMonTueWedThuFriSat"), (days + 4) % 7, &buffer)
        buffer.append(", ")
        appendTwo(day, &buffer)
        buffer.append(0x20)
        appendName(Bytes("JanFebMarAprMayJunJulAugSepOctNovDec"), month - 1, &buffer)
        buffer.append(0x20)
        appendTwo(year / 100, &buffer)
        appendTwo(year % 100, &buffer)
        buffer.append(0x20)
        appendTwo(second / 3600, &buffer)
        buffer.append(0x3A)
        appendTwo(second / 60 % 60, &buffer)
        buffer.append(0x3A)
        appendTwo(second % 60, &buffer)
        buffer.append(" GMT")
    }

    /// The proleptic Gregorian date. Counts in years that begin in March, so that the leap day is a
    /// year's last, and in eras of 400 years, which all have 146097 days.
    static func civil(daysSince1970 days: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = days + 719_468  // days since 1 March of year 0
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        // Months from March on have 31 30 31 30 31 days, over and over: 153 days in five months.
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        return (era * 400 + yearOfEra + (month <= 2 ? 1 : 0), month, day)
    }

    private static func appendName(_ names: Bytes, _ index: Int, _ buffer: inout ByteBuffer) {
        buffer.append(names[index * 3..<index * 3 + 3])
    }

    private static func appendTwo(_ value: Int, _ buffer: inout ByteBuffer) {
        buffer.append(UInt8(truncatingIfNeeded: value / 10) &+ 0x30)
        buffer.append(UInt8(truncatingIfNeeded: value % 10) &+ 0x30)
    }
}
