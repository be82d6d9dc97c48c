import SluiceCore

/// Keeps a failing destination from being sent more than a single probe at a time.
///
///     closed --failures reach the threshold--> open --probe time, started--> probing
///     probing --failed--> open (later probe time)       open, probing --any success--> closed
///
/// A failure is a connection error or a 5xx; any other answer shows that the upstream is alive and
/// counts as a success, a refusal included.
///
/// Invariants: 1. `failures` is 0 after a success. 2. while open or probing at most one request is
/// started. 3. `probeAt` has a meaning only while open.
package struct Breaker: ~Copyable {
    package enum State: String, Sendable, CaseIterable {
        case closed, open, probing
    }

    package private(set) var state = State.closed
    /// Consecutive failures.
    package private(set) var failures = 0
    private var probes = 0
    private var probeAt: Int64 = 0
    private let threshold: Int
    private let policy: RetryPolicy

    /// - Parameter threshold: consecutive failures that open it, at least 1.
    package init(threshold: Int = 5, policy: RetryPolicy) {
        self.threshold = max(threshold, 1)
        self.policy = policy
    }

    /// Whether a request may start now.
    package func allows(_ now: Int64) -> Bool {
        switch state {
        case .closed: true
        case .open: now >= probeAt
        case .probing: false
        }
    }

    /// When `allows` may turn true without any answer; nil while that hangs on an answer.
    package var allowsAt: Int64? {
        switch state {
        case .closed: 0
        case .open: probeAt
        case .probing: nil
        }
    }

    /// A request starts. True when it is the probe.
    package mutating func started() -> Bool {
        guard state == .open else { return false }
        state = .probing
        return true
    }

    /// The upstream is alive. True when this closes the breaker.
    package mutating func succeeded() -> Bool {
        failures = 0
        probes = 0
        guard state != .closed else { return false }
        state = .closed
        return true
    }

    /// A connection error or a 5xx. True when the breaker is open now and this opened it or was
    /// its probe; late failures of requests that were under way change nothing.
    package mutating func failed(
        wasProbe: Bool, now: Int64, using random: inout SplitMix64
    ) -> Bool {
        failures += 1
        guard (wasProbe && state == .probing) || (state == .closed && failures >= threshold) else {
            return false
        }
        probes += 1
        state = .open
        probeAt = now + policy.delay(attempts: probes, using: &random)
        return true
    }
}
