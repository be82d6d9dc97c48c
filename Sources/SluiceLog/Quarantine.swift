import Synchronization

/// Blocks of the log that cannot be read as they were written.
package struct QuarantinedBlocks: Equatable, Sendable {
    package var firstBlock: Int64
    /// The same as `firstBlock`, unless a whole stretch of a segment is damaged.
    package var lastBlock: Int64
    /// How many events they held, as far as that can be told.
    package var events: Int
    package var reason: String
    /// The file's name in the log folder; empty when there is none.
    package var segment: String
    /// Milliseconds since 1970.
    package var foundMilliseconds: Int64

    package init(
        firstBlock: Int64, lastBlock: Int64, events: Int, reason: String, segment: String,
        foundMilliseconds: Int64
    ) {
        self.firstBlock = firstBlock
        self.lastBlock = lastBlock
        self.events = events
        self.reason = reason
        self.segment = segment
        self.foundMilliseconds = foundMilliseconds
    }
}

/// The damage that is known. Readers note what they come across; the delivery thread writes it to the
/// state file's table `quarantine` with its next save; tools and figures read it.
///
/// Invariants: 1. `known` has at most one entry for each first block. 2. what is in `unsaved` is not in
/// the state file yet. Safe from any thread; the lock is taken only when damage or a gap was found.
package final class Quarantine: Sendable {
    /// More are kept in the state file only.
    static let blocksMax = 1000

    private struct State {
        var known: [QuarantinedBlocks] = []
        var unsaved: [QuarantinedBlocks] = []
    }

    private let state = Mutex(State())
    private let bell: StateBell

    package init(bell: StateBell = StateBell()) { self.bell = bell }

    /// By their numbers; at most the newest thousand.
    package var blocks: [QuarantinedBlocks] { state.withLock { $0.known } }

    /// The damage that begins with block `number`.
    func blocks(from number: Int64) -> QuarantinedBlocks? {
        state.withLock { state in state.known.first { $0.firstBlock == number } }
    }

    /// Notes what a reader found; nothing new when it is known.
    func note(_ blocks: QuarantinedBlocks) {
        let isNew = state.withLock { state in
            guard !Quarantine.covers(state.known, blocks) else { return false }
            Quarantine.add(blocks, to: &state)
            if state.unsaved.count < Quarantine.blocksMax { state.unsaved.append(blocks) }
            return true
        }
        if isNew { bell.ring() }
    }

    /// What the state file holds already. What was noted before it could be asked is then known, not new.
    func load(_ blocks: [QuarantinedBlocks]) {
        state.withLock { state in
            let noted = state.known
            state.known = []
            state.unsaved = []
            for block in blocks { Quarantine.add(block, to: &state) }
            for block in noted where !Quarantine.covers(state.known, block) {
                Quarantine.add(block, to: &state)
                state.unsaved.append(block)
            }
        }
    }

    /// Whether all of the blocks are in entries of the list, which is in order.
    private static func covers(_ known: [QuarantinedBlocks], _ blocks: QuarantinedBlocks) -> Bool {
        var next = blocks.firstBlock
        for entry in known where entry.firstBlock <= next { next = max(next, entry.lastBlock + 1) }
        return next > blocks.lastBlock
    }

    private static func add(_ blocks: QuarantinedBlocks, to state: inout State) {
        // A stretch takes in what was found of it before.
        state.known.removeAll { blocks.firstBlock <= $0.firstBlock && $0.lastBlock <= blocks.lastBlock }
        state.known.append(blocks)
        state.known.sort { $0.firstBlock < $1.firstBlock }
        if state.known.count > Quarantine.blocksMax {
            state.known.removeFirst(state.known.count - Quarantine.blocksMax)
        }
    }

    // MARK: The delivery thread's side

    var unsaved: [QuarantinedBlocks] { state.withLock { $0.unsaved } }

    /// The first `count` of `unsaved` are in the state file.
    func saved(_ count: Int) { state.withLock { $0.unsaved.removeFirst(count) } }

    /// Forgets damage in segments that were given up.
    func forget(before number: Int64) {
        state.withLock { state in state.known.removeAll { $0.lastBlock < number } }
    }
}
