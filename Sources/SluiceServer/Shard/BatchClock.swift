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
        readAgain()
    }

    /// For what is said between batches, when a time limit has passed: it must not keep the next batch
    /// from reading the clocks.
    mutating func readAgain() {
        wallMilliseconds = WallClock.nowMilliseconds
        monotonicMicroseconds = MonotonicClock.nowMicroseconds
        date.update(seconds: wallMilliseconds / 1000)
    }

    mutating func batchEnded() { isRead = false }
}
