import SluiceCore
import Synchronization

/// Events of one hour that were given up at the hard limit although somebody still needed them.
package struct GivenUpEvents: Sendable, Equatable {
    /// By how many events the log held before each.
    package var events: Range<Int64>
    /// The blocks they were in.
    package var blocks: Range<Int64>
    /// As in `BlockOutcome.hour`, in milliseconds since 1970.
    package var hour: Int64

    package init(events: Range<Int64>, blocks: Range<Int64>, hour: Int64) {
        self.events = events
        self.blocks = blocks
        self.hour = hour
    }

    /// The later range where it follows this one at once; nil where it does not.
    fileprivate func joined(_ next: GivenUpEvents) -> GivenUpEvents? {
        guard hour == next.hour, events.upperBound == next.events.lowerBound,
            blocks.upperBound == next.blocks.lowerBound
        else { return nil }
        return GivenUpEvents(
            events: events.lowerBound..<next.events.upperBound,
            blocks: blocks.lowerBound..<next.blocks.upperBound, hour: hour)
    }

    /// What is left of it beside `other`: nothing, itself, or up to two pieces.
    func without(_ other: GivenUpEvents) -> [GivenUpEvents] {
        guard events.overlaps(other.events) else { return [self] }
        var left: [GivenUpEvents] = []
        if events.lowerBound < other.events.lowerBound {
            let end = min(max(blocks.lowerBound, other.blocks.lowerBound), blocks.upperBound)
            left.append(
                GivenUpEvents(
                    events: events.lowerBound..<other.events.lowerBound, blocks: blocks.lowerBound..<end, hour: hour))
        }
        if events.upperBound > other.events.upperBound {
            let first = min(max(blocks.lowerBound, other.blocks.upperBound), blocks.upperBound)
            left.append(
                GivenUpEvents(
                    events: other.events.upperBound..<events.upperBound, blocks: first..<blocks.upperBound, hour: hour))
        }
        return left
    }
}

/// What was given up at the hard limit: the log's oldest events, as far as somebody still needed them.
///
/// The log thread notes a segment, as of the hour of its newest event, before the catalog forgets it; the reaper's
/// thread says better which hours its events belong to; the delivery thread writes both to the state file's table
/// `given_up`, and only then the file may go. From the moment it is noted no reader for live
/// delivery returns a block of it, so that whatever a destination has not read by then is expired there for
/// certain, and counted so, long before the destination reads on.
///
/// Invariants: 1. `known` and `unsaved` rise, without overlaps. 2. what is in `unsaved` is not in the state file yet,
/// or belongs to another hour there. 3. `endBlock` and `endEvent` never fall; both lie behind everything in `known`.
/// 4. a segment is noted before any reader can miss it, and each save takes all of `unsaved` along: no cursor on disk
/// has passed events that were given up and are not on record there. Safe from any thread.
package final class GivenUp: Sendable {
    private struct State {
        var known: [GivenUpEvents] = []
        var unsaved: [GivenUpEvents] = []
        /// Events that a destination counted as expired without anybody knowing when they were received.
        var withoutHour: [Range<Int64>] = []
        /// Whether there is a state file to write to.
        var isKept = false
        /// Whether files may go before: the disk is full, and nothing else makes room.
        var isUrgent = false
        /// What goes on once all is saved.
        var onSaved: @Sendable () -> Void = {}
    }

    private let state = Mutex(State())
    private let blockEnd = Atomic<Int64>(0)
    private let eventEnd = Atomic<Int64>(0)
    private let bell: StateBell

    package init(bell: StateBell = StateBell()) { self.bell = bell }

    /// No block before this one is delivered any more.
    var endBlock: Int64 { blockEnd.load(ordering: .acquiring) }

    /// How many events were given up from event number `event` of the log on. Costs a comparison for whoever
    /// has come past them.
    package func count(from event: Int64) -> Int64 {
        guard event < eventEnd.load(ordering: .acquiring) else { return 0 }
        return state.withLock { state in
            var count: Int64 = 0
            for part in state.known.reversed() {
                guard part.events.upperBound > event else { break }
                count += part.events.upperBound - max(part.events.lowerBound, event)
            }
            return count
        }
    }

    /// Where the events of block `block` begin, when what is known ends right before it.
    func endEvent(before block: Int64) -> Int64? {
        state.withLock { $0.known.last?.blocks.upperBound == block ? $0.known.last?.events.upperBound : nil }
    }

    /// Whether some destination expired all of these events without their hour being on record.
    func wasPassed(_ events: Range<Int64>) -> Bool {
        state.withLock { state in
            state.withoutHour.contains { $0.lowerBound <= events.lowerBound && events.upperBound <= $0.upperBound }
        }
    }

    // MARK: The side of those who give up

    /// Notes parts of a segment in their order; what is known of them already is left out. Never waits for a disk.
    func note(_ parts: [GivenUpEvents]) {
        let isNew = state.withLock { state in
            var isNew = false
            for part in parts {
                let end = state.known.last?.events.upperBound ?? Int64.min
                guard !part.events.isEmpty, part.events.upperBound > end else { continue }
                var part = part
                part.events = max(end, part.events.lowerBound)..<part.events.upperBound
                GivenUp.append(part, to: &state.known)
                if state.isKept { GivenUp.append(part, to: &state.unsaved) }
                isNew = true
            }
            GivenUp.publish(state, blockEnd, eventEnd)
            return isNew
        }
        if isNew { bell.ring() }
    }

    /// Puts noted events into the hours they belong to.
    func refine(_ parts: [GivenUpEvents]) {
        let isNew = state.withLock { state in
            var isNew = false
            for part in parts where !part.events.isEmpty {
                let isKnown = state.known.contains {
                    $0.hour == part.hour && $0.events.lowerBound <= part.events.lowerBound
                        && part.events.upperBound <= $0.events.upperBound
                }
                if isKnown { continue }
                GivenUp.put(part, into: &state.known)
                if state.isKept { GivenUp.put(part, into: &state.unsaved) }
                isNew = true
            }
            return isNew
        }
        if isNew { bell.ring() }
    }

    /// Whether files that end before `block` may be unlinked: what was noted of them is in the state file, or there
    /// is none.
    func isSaved(before block: Int64) -> Bool {
        state.withLock { state in
            state.isUrgent || (state.unsaved.first.map { $0.blocks.lowerBound >= block } ?? true)
        }
    }

    /// It cannot be saved for want of room, which only the files that wait for it can make. It is saved as soon as
    /// there is some; a crash before then leaves the hours out of the books, not the events.
    func saveLater() {
        let action: @Sendable () -> Void = state.withLock { state in
            state.isUrgent = !state.unsaved.isEmpty
            return state.onSaved
        }
        action()
    }

    /// Calls `action` each time that something has been saved, on the thread that saved it.
    func whenSaved(_ action: @escaping @Sendable () -> Void) { state.withLock { $0.onSaved = action } }

    // MARK: The state file's side

    /// Takes in what the state file holds: what was given up, and which events were counted as expired without an
    /// hour. What was noted before this is still to be saved.
    func load(_ parts: [GivenUpEvents], withoutHour: [Range<Int64>] = []) {
        state.withLock { state in
            let noted = state.known
            state.isKept = true
            state.withoutHour = withoutHour
            state.known = []
            for part in parts.sorted(by: { $0.events.lowerBound < $1.events.lowerBound }) {
                let end = state.known.last?.events.upperBound ?? Int64.min
                if part.events.lowerBound >= end { GivenUp.append(part, to: &state.known) }
            }
            for part in noted {
                GivenUp.put(part, into: &state.known)
                GivenUp.put(part, into: &state.unsaved)
            }
            GivenUp.publish(state, blockEnd, eventEnd)
        }
    }

    var all: [GivenUpEvents] { state.withLock { $0.known } }
    var unsaved: [GivenUpEvents] { state.withLock { $0.unsaved } }

    /// These, which were in `unsaved`, are in the state file.
    func saved(_ parts: [GivenUpEvents]) {
        guard !parts.isEmpty else { return }
        let action: @Sendable () -> Void = state.withLock { state in
            state.isUrgent = false
            // Meanwhile there may be more of them, or another hour may have been found.
            for part in parts {
                state.unsaved = state.unsaved.flatMap { $0.hour == part.hour ? $0.without(part) : [$0] }
            }
            return state.onSaved
        }
        action()
    }

    /// Forgets what the state file has forgotten.
    func forget(before hour: Int64, below event: Int64) {
        state.withLock { state in
            state.known.removeAll { $0.hour < hour && $0.events.upperBound <= event }
        }
    }

    /// Within the lock, because several threads raise them.
    private static func publish(
        _ state: State, _ blockEnd: borrowing Atomic<Int64>, _ eventEnd: borrowing Atomic<Int64>
    ) {
        guard let last = state.known.last else { return }
        if last.blocks.upperBound > blockEnd.load(ordering: .relaxed) {
            blockEnd.store(last.blocks.upperBound, ordering: .releasing)
        }
        if last.events.upperBound > eventEnd.load(ordering: .relaxed) {
            eventEnd.store(last.events.upperBound, ordering: .releasing)
        }
    }

    /// In the place of whatever the list says about these events.
    private static func put(_ part: GivenUpEvents, into list: inout [GivenUpEvents]) {
        var pieces = list.flatMap { $0.without(part) }
        let place = pieces.firstIndex { $0.events.lowerBound >= part.events.upperBound } ?? pieces.count
        pieces.insert(part, at: place)
        list.removeAll(keepingCapacity: true)
        for piece in pieces { append(piece, to: &list) }
    }

    private static func append(_ part: GivenUpEvents, to list: inout [GivenUpEvents]) {
        if let last = list.last, let joined = last.joined(part) {
            list[list.count - 1] = joined
        } else {
            list.append(part)
        }
    }
}

/// Wakes whoever writes the state file when there is news for it that no destination brings along.
package final class StateBell: Sendable {
    private let action = Mutex<@Sendable () -> Void>({})

    package init() {}

    package func attach(_ action: @escaping @Sendable () -> Void) { self.action.withLock { $0 = action } }

    func ring() { action.withLock { $0 }() }
}
