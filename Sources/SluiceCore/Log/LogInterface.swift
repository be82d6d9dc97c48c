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

    /// How many events were given up for good from event number `event` of the log on (by how many come before
    /// it): `block(atOrAfter:)` never returns them again.
    func givenUpEvents(from event: Int64) -> Int64
}

extension BlockSource {
    package func endEvent(behind number: Int64) -> Int64? { nil }
    package func givenUpEvents(from event: Int64) -> Int64 { 0 }
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
package struct OutcomeCounts: Equatable, Sendable, CustomStringConvertible {
    package var delivered: Int64 = 0
    package var rejected: Int64 = 0
    package var parked: Int64 = 0
    package var expired: Int64 = 0
    package var filtered: Int64 = 0

    package init() {}

    package var total: Int64 { delivered + rejected + parked + expired + filtered }

    /// `12 delivered, 1 rejected, 0 parked, 0 expired, 3 filtered`.
    package var description: String {
        Outcome.allCases.map { "\(self[$0]) \($0.rawValue)" }.joined(separator: ", ")
    }

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

/// What is saved at one time, about any number of destinations.
package struct DeliveryChange: Equatable, Sendable {
    package var cursors: [Cursor] = []
    /// An outcome whose destination and sequence are known replaces the earlier row.
    package var exceptions: [ExceptionalOutcome] = []
    /// Runs that the cursors have passed. One that begins where an earlier one began replaces it.
    package var blocks: [BlockOutcome] = []
    /// Applied after all of the above.
    package var corrections: [OutcomeCorrection] = []
    /// Destinations whose runs so far speak of another log; forgotten before all of the above.
    package var restarted: [String] = []
    /// Replays that changed; each was created before.
    package var replays: [ReplayJob] = []

    package init() {}

    package init(cursors: [Cursor], exceptions: [ExceptionalOutcome] = []) {
        self.cursors = cursors
        self.exceptions = exceptions
    }

    /// Adds what is to be saved about another destination.
    package mutating func append(_ other: DeliveryChange) {
        cursors += other.cursors
        exceptions += other.exceptions
        blocks += other.blocks
        corrections += other.corrections
        restarted += other.restarted
        replays += other.replays
    }
}

/// Where cursors and outcomes are kept. Owner: the delivery thread.
///
/// Invariant: for each destination the counts of its runs add up to those of its cursor, until runs are
/// pruned with the blocks they speak of.
package protocol DeliveryState: AnyObject {
    func cursor(of destination: String) throws(DeliveryStateError) -> Cursor?
    /// Saves all of it or none of it. Returns the corrections that found what they correct.
    @discardableResult
    func save(_ change: DeliveryChange) throws(DeliveryStateError) -> [OutcomeCorrection]
    /// Work that has time: removes rows about events the log no longer has, a bounded number of them.
    /// True when there is more of it.
    func upkeep() throws(DeliveryStateError) -> Bool
    /// Whether there is something to save of which `save` needs not be told: it takes it along.
    var hasNews: Bool { get }
    /// Every configured destination has its cursor saved: whoever has none from here on is new. Until this is
    /// called, a state whose cursors were lost says so to the next process, too.
    func settleCursors() throws(DeliveryStateError)
    /// Called every few seconds: what was saved is put back where somebody took it away.
    func lookAfterFile() throws(DeliveryStateError)
    /// The last call before the process ends, after the last save.
    func finish() throws(DeliveryStateError)
}

extension DeliveryState {
    // For states that live no longer than the process.
    package func upkeep() throws(DeliveryStateError) -> Bool { false }
    package var hasNews: Bool { false }
    package func settleCursors() throws(DeliveryStateError) {}
    package func lookAfterFile() throws(DeliveryStateError) {}
    package func finish() throws(DeliveryStateError) {}
}

package struct DeliveryStateError: Error {
    package let reason: String
    package init(reason: String) { self.reason = reason }
}
