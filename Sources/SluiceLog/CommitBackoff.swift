/// How long the log leaves a failing disk alone, and what senders are told meanwhile.
///
/// The wait doubles from 100 ms to 5 s. Senders hear the larger of that wait and the time the
/// trouble has lasted (what has lasted a while will likely last as long again), between 1 s and 30 s.
struct CommitBackoff: ~Copyable {
    private static let firstDelayMicroseconds: Int64 = 100_000
    private static let delayMicrosecondsMax: Int64 = 5_000_000

    private var failures = 0
    private var failingSince: Int64 = 0
    private var nextAttempt: Int64 = 0

    var isFailing: Bool { failures > 0 }

    /// Failures since the last success.
    var failuresInARow: Int { failures }

    mutating func failed(now microseconds: Int64) {
        if failures == 0 { failingSince = microseconds }
        failures += 1
        let delay = CommitBackoff.firstDelayMicroseconds << Int64(min(failures - 1, 16))
        nextAttempt = microseconds + min(delay, CommitBackoff.delayMicrosecondsMax)
    }

    mutating func succeeded() { failures = 0 }

    func mayTry(now microseconds: Int64) -> Bool { failures == 0 || microseconds >= nextAttempt }

    /// Milliseconds until the next attempt, rounded up.
    func millisecondsLeft(now microseconds: Int64) -> Int {
        failures == 0 ? 0 : Int(max(0, (nextAttempt - microseconds + 999) / 1000))
    }

    func retryAfterSeconds(now microseconds: Int64) -> Int {
        let wait = max(nextAttempt - microseconds, microseconds - failingSince)
        return Int(min(max((wait + 999_999) / 1_000_000, 1), 30))
    }
}
