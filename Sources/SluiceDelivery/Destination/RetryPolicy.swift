import SluiceCore

/// How long to wait before trying again: exponential backoff with full jitter.
///
/// The wait before attempt n+1 is uniform between 1 ms and `base * 2^(n-1)`, at most `cap`. Full
/// jitter spreads the callers of an upstream that comes back over the whole interval.
package struct RetryPolicy: Equatable, Sendable {
    package var baseMilliseconds: Int64 = 500
    package var capMilliseconds: Int64 = 60_000
    /// An upstream cannot make us wait longer than this at one time.
    package var retryAfterMaxMilliseconds: Int64 = 3_600_000

    package init() {}

    /// The greatest wait after so many failed attempts (at least 1).
    package func ceiling(attempts: Int) -> Int64 {
        let doublings = min(max(attempts, 1) - 1, 40)
        let (product, overflow) = baseMilliseconds.multipliedReportingOverflow(by: 1 << Int64(doublings))
        return max(1, overflow ? capMilliseconds : min(product, capMilliseconds))
    }

    package func delay(attempts: Int, using random: inout SplitMix64) -> Int64 {
        Int64.random(in: 1...ceiling(attempts: attempts), using: &random)
    }

    /// The wait the upstream asked for, within bounds; 0 when it asked for none.
    package func bounded(retryAfterSeconds: Int?) -> Int64 {
        guard let seconds = retryAfterSeconds, seconds > 0 else { return 0 }
        return min(Int64(min(seconds, 1_000_000_000)) * 1000, retryAfterMaxMilliseconds)
    }
}
