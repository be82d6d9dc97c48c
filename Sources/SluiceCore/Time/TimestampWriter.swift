/// Writes points in time, most of which fall on the day of the one before, as `appendTimestamp` writes them.
///
/// Invariant: `text` is the timestamp of `last`. Owner: one thread.
struct TimestampWriter: ~Copyable {
    private var text = ByteBuffer(capacity: 24)
    private var last: Int64
    /// The first millisecond of the day of `last`.
    private var midnight: Int64

    init() {
        last = 0
        midnight = 0
        text.appendTimestamp(0)
    }

    /// - Parameter milliseconds: since 1970.
    @inline(__always)
    mutating func append(_ milliseconds: Int64, to out: inout ByteBuffer) {
        if milliseconds != last { take(milliseconds) }
        out.append(text.bytes)
    }

    private mutating func take(_ milliseconds: Int64) {
        last = milliseconds
        let ofDay = milliseconds &- midnight
        guard ofDay >= 0, ofDay < Timestamp.millisecondsPerDay else {
            text.removeAll()
            text.appendTimestamp(milliseconds)
            // Rounded down, also before 1970. What lies outside the range is written as its end, of another day,
            // and so is the next one then.
            let inRange = min(max(milliseconds, Timestamp.range.lowerBound), Timestamp.range.upperBound)
            let sinceYear0 = inRange - Timestamp.range.lowerBound
            midnight = inRange - sinceYear0 % Timestamp.millisecondsPerDay
            return
        }
        unsafe text.withUnsafeMutablePointer { (start, count) in
            precondition(count == 24)
            // Safety: the content is 24 bytes long, the invariant.
            unsafe ByteBuffer.writeTimeOfDay(UInt32(truncatingIfNeeded: ofDay), at: start + 11)
        }
    }
}
