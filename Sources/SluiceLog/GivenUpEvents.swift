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
}

/// What was given up at the hard limit: the log's oldest events, as far as somebody still needed them.
///
/// The reaper's thread notes a segment before it is unlinked; the delivery thread writes that to the state
/// file's table `given_up`, and only then the file may go. From the moment it is noted no reader for live
/// delivery returns a block of it, so that whatever a destination has not read by then is expired there for
/// certain, and counted so, long before the destination reads on.
///
/// Invariants: 1. `known` rises, without overlaps. 2. what is in `unsaved` is not in the state file yet.
/// 3. `endBlock` and `endEvent` never fall; both lie behind everything in `known`. Safe from any thread.
package final class GivenUp: Sendable {
    private struct State {
        var known: [GivenUpEvents] = []
        var unsaved: [GivenUpEvents] = []
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

    // MARK: The reaper's side

    /// Notes the parts of a segment in their order; what is known of them already is left out.
    func note(_ parts: [GivenUpEvents]) {
        let isNew = state.withLock { state in
            var isNew = false
            for part in parts {
                let end = state.known.last?.events.upperBound ?? Int64.min
                guard part.events.upperBound > end else { continue }
                var part = part
                part.events = max(end, part.events.lowerBound)..<part.events.upperBound
                GivenUp.append(part, to: &state.known)
                if state.isKept { GivenUp.append(part, to: &state.unsaved) }
                isNew = true
            }
            return isNew
        }
        guard isNew else { return }
        publish()
        bell.ring()
    }

    /// Whether files may be unlinked: everything that was noted is in the state file, or there is none.
    var isSaved: Bool { state.withLock { $0.unsaved.isEmpty || $0.isUrgent } }

    /// It cannot be saved for want of room, which only the files that wait for it can make. It is saved as soon as
    /// there is some; a crash before then leaves the hours out of the books, not the events.
    func saveLater() {
        let action: @Sendable () -> Void = state.withLock { state in
            state.isUrgent = !state.unsaved.isEmpty
            return state.onSaved
        }
        action()
    }

    /// Calls `action` each time that all has been saved, on the thread that saved it.
    func whenSaved(_ action: @escaping @Sendable () -> Void) { state.withLock { $0.onSaved = action } }

    // MARK: The state file's side

    /// Takes in what the state file holds. Rows about blocks the log has not come to speak of another log.
    func load(_ parts: [GivenUpEvents]) {
        state.withLock { state in
            state.isKept = true
            state.known = []
            for part in parts.sorted(by: { $0.events.lowerBound < $1.events.lowerBound }) {
                let end = state.known.last?.events.upperBound ?? Int64.min
                if part.events.lowerBound >= end { GivenUp.append(part, to: &state.known) }
            }
        }
        publish()
    }

    var all: [GivenUpEvents] { state.withLock { $0.known } }
    var unsaved: [GivenUpEvents] { state.withLock { $0.unsaved } }

    /// These, which were the first of `unsaved`, are in the state file.
    func saved(_ parts: [GivenUpEvents]) {
        guard let end = parts.last?.events.upperBound else { return }
        let action: (@Sendable () -> Void)? = state.withLock { state in
            state.isUrgent = false
            // The last of them may have grown meanwhile.
            state.unsaved.removeAll { $0.events.upperBound <= end }
            if let first = state.unsaved.first, first.events.lowerBound < end {
                state.unsaved[0].events = end..<first.events.upperBound
                state.unsaved[0].blocks =
                    min(parts[parts.count - 1].blocks.upperBound, first.blocks.upperBound)..<first.blocks.upperBound
            }
            return state.unsaved.isEmpty ? state.onSaved : nil
        }
        action?()
    }

    /// Forgets what the state file has forgotten.
    func forget(before hour: Int64, below event: Int64) {
        state.withLock { state in
            state.known.removeAll { $0.hour < hour && $0.events.upperBound <= event }
        }
    }

    private func publish() {
        let (block, event) = state.withLock { state in
            (state.known.last?.blocks.upperBound ?? 0, state.known.last?.events.upperBound ?? 0)
        }
        // Raised by the reaper's thread, and at the start, one after the other.
        if block > blockEnd.load(ordering: .relaxed) { blockEnd.store(block, ordering: .releasing) }
        if event > eventEnd.load(ordering: .relaxed) { eventEnd.store(event, ordering: .releasing) }
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
