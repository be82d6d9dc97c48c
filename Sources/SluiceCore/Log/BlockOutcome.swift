/// What became of a run of consecutive events at one destination, told by counts and a bitmap.
///
/// A run covers the events `firstEvent..<endEvent` of the log, begins at `first`, and ends within the block
/// `lastBlock`. It stays within one hour, so that the counts of an hour are sums over whole runs. Filtered
/// events are told from the others by `filteredEvents`; rejected, parked and expired ones have rows of their
/// own (`ExceptionalOutcome`), so whatever is neither was delivered.
///
/// Invariants: 1. `filteredEvents` is empty, or holds a bit for each event, the lowest bit of the first byte
/// first, set for the filtered ones. 2. A run whose bitmap is empty has no filtered event or no other, except
/// one that stands for the time before outcomes were kept by block (`tellsApart`).
package struct BlockOutcome: Equatable, Sendable {
    /// A run that has a bitmap does not grow beyond so many events: 2 KiB.
    package static let mixedEventsMax: Int64 = 16_384
    private static let hourMilliseconds: Int64 = 3_600_000

    package var destination: String
    /// Where it begins: usually index 0 of a block.
    package var first: EventSequence
    package var lastBlock: Int64
    /// Events in the log before its first one.
    package var firstEvent: Int64
    /// The hour in which its blocks' first events were received, milliseconds since 1970; nil where that is
    /// not known, as of blocks that were lost.
    package var hour: Int64?
    package var counts: OutcomeCounts
    package var filteredEvents: [UInt8]

    package init(
        destination: String, first: EventSequence, lastBlock: Int64, firstEvent: Int64, hour: Int64?,
        counts: OutcomeCounts = OutcomeCounts(), filteredEvents: [UInt8] = []
    ) {
        self.destination = destination
        self.first = first
        self.lastBlock = lastBlock
        self.firstEvent = firstEvent
        self.hour = hour
        self.counts = counts
        self.filteredEvents = filteredEvents
    }

    /// The hour that holds a time, as `hour` says it.
    package static func hour(of milliseconds: Int64) -> Int64 {
        let rest = milliseconds % hourMilliseconds
        return milliseconds - (rest < 0 ? rest + hourMilliseconds : rest)
    }

    package var eventCount: Int64 { counts.total }
    /// Events in the log before the first one behind the run.
    package var endEvent: Int64 { firstEvent + eventCount }
    /// Whether each event's outcome can be told. False only for the time before outcomes were kept by block.
    package var tellsApart: Bool {
        !filteredEvents.isEmpty || counts.filtered == 0 || counts.filtered == eventCount
    }

    /// Whether the event was filtered; nil when the run does not cover it or cannot tell.
    ///
    /// - Parameter eventNumber: events in the log before it.
    package func isFiltered(_ eventNumber: Int64) -> Bool? {
        guard eventNumber >= firstEvent, eventNumber < endEvent, tellsApart else { return nil }
        guard !filteredEvents.isEmpty else { return counts.filtered > 0 }
        let bit = Int(eventNumber - firstEvent)
        guard bit / 8 < filteredEvents.count else { return nil }
        return filteredEvents[bit / 8] & (1 << UInt8(bit % 8)) != 0
    }

    // MARK: Growing

    /// Adds `count` events of one block, all with the same outcome, that follow the run. False, and nothing
    /// is added, when they must begin another run.
    ///
    /// - Parameters:
    ///   - place: of the first of them.
    ///   - eventNumber: events in the log before the first of them.
    package mutating func append(
        _ outcome: Outcome, _ count: Int64, at place: EventSequence, eventNumber: Int64, hour: Int64?
    ) -> Bool {
        guard eventNumber == endEvent, place.block >= lastBlock, hour == self.hour,
            makeRoom(count, areFiltered: outcome == .filtered)
        else { return false }
        if !filteredEvents.isEmpty { appendBits(outcome == .filtered, count) }
        counts[outcome] += count
        lastBlock = place.block
        return true
    }

    /// Adds a run that follows this one. False, and nothing is added, when it must stand by itself.
    package mutating func append(_ next: BlockOutcome) -> Bool {
        guard next.firstEvent == endEvent, next.first.block >= lastBlock, next.hour == hour, next.tellsApart
        else { return false }
        if next.filteredEvents.isEmpty {
            guard makeRoom(next.eventCount, areFiltered: next.counts.filtered > 0) else { return false }
            if !filteredEvents.isEmpty { appendBits(next.counts.filtered > 0, next.eventCount) }
        } else {
            guard tellsApart, eventCount + next.eventCount <= BlockOutcome.mixedEventsMax else { return false }
            materialize()
            for event in next.firstEvent..<next.endEvent {
                appendBit(next.isFiltered(event) == true, at: Int(event - firstEvent))
            }
        }
        for outcome in Outcome.allCases { counts[outcome] += next.counts[outcome] }
        lastBlock = next.lastBlock
        return true
    }

    /// Whether so many events of one kind may join; makes the bitmap where the run is mixed from now on.
    private mutating func makeRoom(_ count: Int64, areFiltered: Bool) -> Bool {
        guard tellsApart else { return false }
        if filteredEvents.isEmpty, eventCount == 0 || (counts.filtered > 0) == areFiltered { return true }
        guard eventCount + count <= BlockOutcome.mixedEventsMax else { return false }
        materialize()
        return true
    }

    /// Gives a run of one kind its bitmap.
    private mutating func materialize() {
        guard filteredEvents.isEmpty, eventCount > 0 else { return }
        let areFiltered = counts.filtered > 0
        let events = Int(eventCount)
        filteredEvents.reserveCapacity(events / 8 + 64)
        filteredEvents = [UInt8](repeating: areFiltered ? 0xFF : 0, count: (events + 7) / 8)
        // Bits behind the last event are clear, so that adding one only ever sets.
        if areFiltered, events % 8 != 0 { filteredEvents[events / 8] = (1 << UInt8(events % 8)) - 1 }
    }

    private mutating func appendBits(_ value: Bool, _ count: Int64) {
        let start = Int(eventCount)
        let end = start + Int(count)
        let bytes = (end + 7) / 8
        if filteredEvents.count < bytes {
            filteredEvents.append(contentsOf: repeatElement(0, count: bytes - filteredEvents.count))
        }
        guard value else { return }
        for bit in start..<end { filteredEvents[bit / 8] |= 1 << UInt8(bit % 8) }
    }

    private mutating func appendBit(_ value: Bool, at bit: Int) {
        if bit / 8 == filteredEvents.count { filteredEvents.append(0) }
        if value { filteredEvents[bit / 8] |= 1 << UInt8(bit % 8) }
    }

    // MARK: Correcting

    /// Counts one of its events otherwise. False when it has none with the old outcome. The bitmap goes on
    /// saying what was filtered: the event's own row, which such an event has, comes first.
    package mutating func correct(from: Outcome, to: Outcome) -> Bool {
        guard counts[from] > 0 else { return false }
        if tellsApart, counts.filtered > 0 { materialize() }
        counts[from] -= 1
        counts[to] += 1
        return true
    }
}

/// An outcome that turned out otherwise, as when an event is replayed: one event that was, say, rejected and
/// is delivered now. Counts, run and the event's own row change together or not at all.
package struct OutcomeCorrection: Equatable, Sendable {
    /// The outcome it has on record; a correction that finds another one does nothing, so that applying it
    /// twice does no harm.
    package var from: Outcome
    /// Events in the log before it.
    package var eventNumber: Int64
    /// The event's row from now on; with its destination, sequence and new outcome. Its reason is the note.
    package var row: ExceptionalOutcome

    package var destination: String { row.destination }
    package var sequence: EventSequence { row.sequence }
    package var to: Outcome { row.outcome }

    /// - Parameter row: its outcome differs from `from`, and is not `filtered`.
    package init(from: Outcome, eventNumber: Int64, row: ExceptionalOutcome) {
        precondition(from != row.outcome && row.outcome != .filtered, "no correction")
        self.from = from
        self.eventNumber = eventNumber
        self.row = row
    }
}
