// What delivery needs of a state database to give events back, whatever engine is behind it.

/// Which earlier outcome an event must have for a replay to send it again.
package enum ReplayOutcome: String, Sendable, CaseIterable {
    case rejected, parked, expired
    /// Any of these three.
    case any

    package var outcomes: [Outcome] {
        switch self {
        case .rejected: [.rejected]
        case .parked: [.parked]
        case .expired: [.expired]
        case .any: [.rejected, .parked, .expired]
        }
    }
}

/// How many events a replay may send in a time.
package struct ReplayRate: Equatable, Sendable, CustomStringConvertible {
    /// Events, from 1 to a thousand million.
    package let events: Int
    /// 1000, 60 000 or 3 600 000.
    package let periodMilliseconds: Int

    /// - Parameter periodMilliseconds: of a second, a minute or an hour.
    package init?(events: Int, periodMilliseconds: Int) {
        guard (1...1_000_000_000).contains(events), [1000, 60_000, 3_600_000].contains(periodMilliseconds)
        else { return nil }
        self.events = events
        self.periodMilliseconds = periodMilliseconds
    }

    /// Reads `200/s`; the units are `s`, `m` and `h`. Nil for anything else.
    package init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        let periods = ["s": 1000, "m": 60_000, "h": 3_600_000]
        guard parts.count == 2, parts[0].utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let events = Int(parts[0]), let period = periods[String(parts[1])]
        else { return nil }
        self.init(events: events, periodMilliseconds: period)
    }

    package var perSecond: Double { Double(events) * 1000 / Double(periodMilliseconds) }

    package var description: String {
        "\(events)/" + (periodMilliseconds == 1000 ? "s" : periodMilliseconds == 60_000 ? "m" : "h")
    }
}

/// Which events are to be sent again, and where to. Checked before it is made.
package struct ReplaySpec: Equatable, Sendable {
    package var destination: String
    /// By the gateway's clock, milliseconds since 1970.
    package var received: Range<Int64>
    /// Empty: all.
    package var types: [EventType] = []
    /// Names of sources; empty: all.
    package var sources: [String] = []
    /// Nil: every event that the destination's rules take, delivered already or not.
    package var outcome: ReplayOutcome?
    package var rate: ReplayRate?
    /// Absolute path of an archived segment to read instead of the log.
    package var segment: String?

    package init(destination: String, received: Range<Int64>) {
        self.destination = destination
        self.received = received
    }
}

/// What a replay was reckoned to be before it began.
package struct ReplayTotal: Equatable, Sendable {
    package var events: Int64
    /// Of the events as they lie in the log.
    package var bytes: Int64

    package init(events: Int64 = 0, bytes: Int64 = 0) {
        self.events = events
        self.bytes = bytes
    }
}

/// Where a replay is in its life.
///
///     queued --its turn--> running --all sent--> done
///     queued, running --pause--> paused --resume--> queued
///     queued, running, paused --cancel--> cancelled;  queued, running --cannot go on--> failed
package enum ReplayPhase: String, Sendable, CaseIterable {
    case queued, running, paused, done, cancelled, failed

    package var isFinal: Bool { self == .done || self == .cancelled || self == .failed }
}

/// One replay, as it is kept in the state database.
///
/// Invariant: `counts` covers exactly the events from the job's first block to `position`; what is not
/// part of the job counts as filtered.
package struct ReplayJob: Equatable, Sendable {
    /// So many jobs that are over are kept; older ones are forgotten.
    package static let finishedMax = 1000

    /// From 1, never used twice; 0 until the job is stored.
    package var id: Int64
    package var spec: ReplaySpec
    package var phase = ReplayPhase.queued
    /// Why it failed; empty otherwise.
    package var failure = ""
    /// Blocks it reads: fixed when it is made, so that later events are never part of it.
    package var blocks: Range<Int64>
    /// From here on events are left to live delivery: its cursor when the job was made.
    package var end: EventSequence
    /// The first event that the job is not done with.
    package var position: EventSequence
    package var counts = OutcomeCounts()
    package var total: ReplayTotal
    /// Bytes of the requests sent, heads included.
    package var bytesSent: Int64 = 0
    package var requests: Int64 = 0
    /// Events of damaged blocks, which nobody can send any more.
    package var unreadable: Int64 = 0
    /// The last thing that went wrong; empty when nothing did.
    package var lastError = ""
    /// Milliseconds since 1970; 0 while it has not happened.
    package var createdMilliseconds: Int64
    package var startedMilliseconds: Int64 = 0
    package var finishedMilliseconds: Int64 = 0

    package init(
        id: Int64 = 0, spec: ReplaySpec, blocks: Range<Int64>, end: EventSequence, total: ReplayTotal,
        createdMilliseconds: Int64
    ) {
        self.id = id
        self.spec = spec
        self.blocks = blocks
        self.end = end
        position = EventSequence(block: blocks.lowerBound, index: 0)
        self.total = total
        self.createdMilliseconds = createdMilliseconds
    }

    /// Events the job is done with, whatever came of them.
    package var settled: Int64 { counts.total - counts.filtered }
}

/// An exceptional outcome, as far as a replay looks at it.
package struct PriorOutcome: Equatable, Sendable {
    package var sequence: EventSequence
    package var eventID: String
    package var outcome: Outcome

    package init(sequence: EventSequence, eventID: String, outcome: Outcome) {
        self.sequence = sequence
        self.eventID = eventID
        self.outcome = outcome
    }
}

/// Where replays are kept. Owner: the delivery thread.
package protocol ReplayStore: AnyObject {
    /// All jobs, by their number.
    func replayJobs() throws(DeliveryStateError) -> [ReplayJob]
    /// Stores a new job and says its number. Of the jobs that are over, the oldest are forgotten.
    func createReplay(_ job: ReplayJob) throws(DeliveryStateError) -> Int64
    /// The exceptional outcomes of a destination's events in one block.
    func exceptions(
        of destination: String, inBlock number: Int64
    ) throws(DeliveryStateError) -> [ExceptionalOutcome]
    /// The first block from `number` on with an exceptional outcome of these kinds.
    func exceptionalBlock(
        of destination: String, atOrAfter number: Int64, outcomes: [Outcome]
    ) throws(DeliveryStateError) -> Int64?
}
