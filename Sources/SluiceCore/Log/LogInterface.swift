// What delivery needs of a log, whatever engine is behind it.

/// Committed blocks, read in order. Owner: the delivery thread.
package protocol BlockSource: AnyObject {
    /// The first committed block whose number is at least `number`, ready to be read; nil when
    /// there is none yet. Numbers that were given up by retention or quarantined are passed over:
    /// the block returned then has a higher number than asked for.
    func block(atOrAfter number: Int64) throws(BlockSourceError) -> EventBlock?

    /// Where the log ends now.
    var head: LogHead { get }

    /// How many events the log holds before what can be read behind block `number`, which is damaged; nil
    /// where that cannot be told.
    func endEvent(behind number: Int64) -> Int64?
}

extension BlockSource {
    package func endEvent(behind number: Int64) -> Int64? { nil }
}

package enum BlockSourceError: Error {
    /// The block cannot be read as it was written; reading can go on behind it.
    case damaged(number: Int64, eventCount: Int, reason: String)
    /// The log cannot be read at present.
    case unavailable(reason: String)

    /// For metrics and logs.
    package var label: String {
        switch self {
        case .damaged: "damaged"
        case .unavailable: "unavailable"
        }
    }
}

/// What became of one event at one destination.
package enum Outcome: String, Sendable, CaseIterable {
    case delivered, rejected, parked, expired, filtered
}

/// Outcomes of one destination, counted.
package struct OutcomeCounts: Equatable, Sendable {
    package var delivered: Int64 = 0
    package var rejected: Int64 = 0
    package var parked: Int64 = 0
    package var expired: Int64 = 0
    package var filtered: Int64 = 0

    package init() {}

    package var total: Int64 { delivered + rejected + parked + expired + filtered }

    package subscript(outcome: Outcome) -> Int64 {
        get {
            switch outcome {
            case .delivered: delivered
            case .rejected: rejected
            case .parked: parked
            case .expired: expired
            case .filtered: filtered
            }
        }
        set {
            switch outcome {
            case .delivered: delivered = newValue
            case .rejected: rejected = newValue
            case .parked: parked = newValue
            case .expired: expired = newValue
            case .filtered: filtered = newValue
            }
        }
    }
}

/// How far a destination has come. Everything before `position` has its outcome.
package struct Cursor: Equatable, Sendable {
    package var destination: String
    /// The first event that has no outcome yet.
    package var position: EventSequence
    /// How many events the log held before the first event this destination was ever due.
    package var startEvent: Int64
    /// Outcomes of all events from `startEvent` up to `position`:
    /// `counts.total` is the number of events between them.
    package var counts: OutcomeCounts

    package init(destination: String, position: EventSequence, startEvent: Int64, counts: OutcomeCounts) {
        self.destination = destination
        self.position = position
        self.startEvent = startEvent
        self.counts = counts
    }
}

/// An outcome worth a row of its own: anything but filtered, and delivered only with a note.
package struct ExceptionalOutcome: Equatable, Sendable {
    package var destination: String
    package var sequence: EventSequence
    package var eventID: String
    package var outcome: Outcome
    /// The platform's HTTP status, or 0 when no request was made.
    package var status: Int
    /// The platform's or the encoder's words.
    package var reason: String
    package var attempts: Int
    /// Milliseconds since 1970.
    package var firstAttemptMilliseconds: Int64
    package var lastAttemptMilliseconds: Int64
    package var url: String

    package init(
        destination: String, sequence: EventSequence, eventID: String, outcome: Outcome, status: Int,
        reason: String, attempts: Int, firstAttemptMilliseconds: Int64, lastAttemptMilliseconds: Int64,
        url: String
    ) {
        self.destination = destination
        self.sequence = sequence
        self.eventID = eventID
        self.outcome = outcome
        self.status = status
        self.reason = reason
        self.attempts = attempts
        self.firstAttemptMilliseconds = firstAttemptMilliseconds
        self.lastAttemptMilliseconds = lastAttemptMilliseconds
        self.url = url
    }
}

/// Where cursors and exceptional outcomes are kept. Owner: the delivery thread.
package protocol DeliveryState: AnyObject {
    func cursor(of destination: String) throws(DeliveryStateError) -> Cursor?
    /// Saves all of it or none of it. An outcome whose destination and sequence are known replaces
    /// the earlier row.
    func save(cursors: [Cursor], exceptions: [ExceptionalOutcome]) throws(DeliveryStateError)
    /// Work that has time: removes rows about events the log no longer has, a bounded number of them.
    /// True when there is more of it.
    func upkeep() throws(DeliveryStateError) -> Bool
}

extension DeliveryState {
    // For states that live no longer than the process.
    package func upkeep() throws(DeliveryStateError) -> Bool { false }
}

package struct DeliveryStateError: Error {
    package let reason: String
    package init(reason: String) { self.reason = reason }
}
