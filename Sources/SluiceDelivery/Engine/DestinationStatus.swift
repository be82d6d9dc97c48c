import SluiceCore

/// How long requests took, as counts per bucket.
package struct DurationHistogram: Equatable, Sendable {
    /// Upper bounds, inclusive, in microseconds; a last bucket takes the rest.
    package static let boundsMicroseconds: [Int64] = [
        1000, 2500, 5000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
        5_000_000, 10_000_000, 30_000_000,
    ]

    /// One count per bound and one more; not cumulative.
    package private(set) var counts = [Int64](repeating: 0, count: boundsMicroseconds.count + 1)
    package private(set) var sumMicroseconds: Int64 = 0
    package private(set) var count: Int64 = 0

    package init() {}

    package mutating func record(microseconds: Int64) {
        let bounds = DurationHistogram.boundsMicroseconds
        counts[bounds.firstIndex { microseconds <= $0 } ?? bounds.count] += 1
        sumMicroseconds += microseconds
        count += 1
    }
}

/// A destination as the admin side sees it: a consistent picture of one turn of the engine.
package struct DestinationStatus: Sendable {
    package var name: String
    package var platform: Platform
    /// False while the destination's cursor cannot be read or saved for the first time.
    package var isOpen = false
    /// The first event without an outcome.
    package var position = EventSequence(block: 0, index: 0)
    /// How many events the log held before the first that was ever due here.
    package var startEvent: Int64 = 0
    /// How many events the log holds before `position`, by the log's own count.
    package var positionEvent: Int64 = 0
    /// How many events of the log it has read so far, or passed.
    package var readEvent: Int64 = 0
    /// Outcomes of all events so far, those behind `position` included.
    package var counts = OutcomeCounts()
    /// Those of them that the cursor brought along when it was opened.
    package var countsAtStart = OutcomeCounts()
    /// How many of those outcomes are of events behind `position`.
    package var ahead: Int64 = 0
    /// The same by hour, without those that were given up before they were read.
    package var settledAhead = SettledAhead()
    /// When the event at `position` was received, milliseconds since 1970; nil when none waits there or
    /// it has not been read yet.
    package var waitingSinceMilliseconds: Int64?
    /// Events of the log without an outcome yet.
    package var pending: Int64 = 0
    /// Requests on their way.
    package var inFlight = 0
    /// Batches that wait to be sent again.
    package var waiting = 0
    /// Requests started since the process began, and those of them that repeated an earlier one.
    package var attempts: Int64 = 0
    package var retries: Int64 = 0
    package var lastError: String?
    /// Milliseconds since 1970; nil without an error.
    package var lastErrorMilliseconds: Int64?
    package var breaker = Breaker.State.closed
    /// Of requests that were answered.
    package var durations = DurationHistogram()
    package var bytesSent: Int64 = 0
    package var connectionsReused: Int64 = 0
    package var http2Requests: Int64 = 0

    package init(name: String, platform: Platform) {
        self.name = name
        self.platform = platform
    }

    /// How long the first event without an outcome has been in the log; 0 when there is none.
    package func lagSeconds(now milliseconds: Int64) -> Double {
        guard pending > 0, let waitingSinceMilliseconds else { return 0 }
        return Double(max(0, milliseconds - waitingSinceMilliseconds)) / 1000
    }
}
