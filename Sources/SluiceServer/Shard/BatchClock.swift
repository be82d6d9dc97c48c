import SluiceHTTP
import SluiceIO

/// The clocks, read once for all requests that one wakeup brings.
struct BatchClock {
    /// Milliseconds since 1970, UTC.
    private(set) var wallMilliseconds: Int64
    private(set) var monotonicMicroseconds: Int64
    /// The header line of the same moment.
    let date: HTTPDate
    private var isRead = false

    init() {
        wallMilliseconds = WallClock.nowMilliseconds
        monotonicMicroseconds = MonotonicClock.nowMicroseconds
        date = HTTPDate(seconds: wallMilliseconds / 1000)
    }

    mutating func readOncePerBatch() {
        guard !isRead else { return }
        isRead = true
        wallMilliseconds = WallClock.nowMilliseconds
        monotonicMicroseconds = MonotonicClock.nowMicroseconds
        date.update(seconds: wallMilliseconds / 1000)
    }

    mutating func batchEnded() { isRead = false }
}
