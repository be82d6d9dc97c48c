import SluiceCore

/// Spreads a replay's events over time: after a request of n events none starts for as long as n events
/// take at the rate.
///
/// Invariant: over any time, no more events start than the rate allows plus one request's.
package struct ReplayPace {
    private let microsecondsPerEvent: Double?
    /// Monotonic microseconds.
    private var nextAt: Double = 0

    /// - Parameter rate: nil limits nothing.
    package init(_ rate: ReplayRate?) {
        microsecondsPerEvent = rate.map { Double($0.periodMilliseconds) * 1000 / Double($0.events) }
    }

    /// When a request may start, monotonic milliseconds: `now` or later.
    package func readyAt(_ now: Int64) -> Int64 { max(now, Int64((nextAt / 1000).rounded(.up))) }

    /// A request with so many events starts.
    package mutating func take(_ events: Int, _ now: Int64) {
        guard let microsecondsPerEvent else { return }
        nextAt = max(nextAt, Double(now) * 1000) + Double(events) * microsecondsPerEvent
    }
}
