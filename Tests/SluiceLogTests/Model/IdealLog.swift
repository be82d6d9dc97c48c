import SluiceCore

@testable import SluiceLog

/// What a model found to be wrong.
struct ModelFailure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// The log as it should be: in memory, without a disk, without failures.
///
/// Invariant: `blocks` are numbered from 1 without a gap, and each begins where the one before it ends.
struct IdealLog {
    struct Block: Equatable {
        let number: Int64
        let firstEvent: Int64
        let eventCount: Int
        let payload: [UInt8]
    }

    /// Something a shard has submitted.
    struct Draft: Equatable {
        let shard: Int
        let eventCount: Int
        let payload: [UInt8]
    }

    private(set) var blocks: [Block] = []
    /// The oldest block that must still be there.
    var oldest: Int64 = 1
    /// Drafts of which nobody knows: their commit was under way when the process died, or had failed and
    /// the file had not been put right by then.
    private(set) var doubtful: [Draft] = []
    /// Saved positions of each destination, oldest first; nil: none saved. Unsynced saves that a power loss
    /// has taken may come back with the next end: when SQLite writes the same frames again to the WAL as
    /// before the loss, those that survived behind them belong to it again. Each of them was true.
    private var positions: [String: [Cursor?]] = [:]

    var head: LogHead {
        LogHead(
            nextBlock: Int64(blocks.count) + 1,
            events: blocks.last.map { $0.firstEvent + Int64($0.eventCount) } ?? 0)
    }

    /// A draft was given back as committed.
    mutating func commit(_ draft: Draft, number: Int64) throws {
        guard number == head.nextBlock else {
            throw ModelFailure("block \(number) was committed, \(head.nextBlock) is next")
        }
        append(draft)
    }

    private mutating func append(_ draft: Draft) {
        let head = head
        blocks.append(
            Block(
                number: head.nextBlock, firstEvent: head.events, eventCount: draft.eventCount,
                payload: draft.payload))
    }

    /// The process ended, perhaps not for the first time since the log was last compared.
    mutating func doubt(_ drafts: [Draft]) { doubtful += drafts }

    // MARK: Comparing

    /// What a reader must answer when asked for the block at or after `number`.
    func block(atOrAfter number: Int64) -> Block? {
        let number = max(number, oldest)
        return number < head.nextBlock ? blocks[Int(number) - 1] : nil
    }

    func compare(_ found: EventBlock?, askedFor number: Int64) throws {
        let expected = block(atOrAfter: number)
        guard let found else {
            if let expected { throw ModelFailure("block \(expected.number) is gone") }
            return
        }
        guard let expected else { throw ModelFailure("block \(found.number) is read, and must not be there") }
        try Self.compare(found, expected)
    }

    private static func compare(_ found: EventBlock, _ expected: Block) throws {
        guard found.number == expected.number else {
            throw ModelFailure("block \(found.number) is read in place of \(expected.number)")
        }
        guard found.firstEvent == expected.firstEvent else {
            throw ModelFailure(
                "block \(found.number) begins with event \(found.firstEvent), not \(expected.firstEvent)")
        }
        guard found.eventCount == expected.eventCount, found.payload == expected.payload else {
            throw ModelFailure("block \(found.number) does not hold what was written")
        }
    }

    /// Compares a log opened anew, as read from its oldest block on, and takes up what may have been
    /// committed just before the end.
    mutating func takeUp(_ found: [EventBlock], head: LogHead) throws {
        for (index, block) in found.enumerated() {
            let number = oldest + Int64(index)
            if let expected = self.block(atOrAfter: number) {
                try Self.compare(block, expected)
                continue
            }
            let draft = doubtful.first { $0.payload == block.payload && $0.eventCount == block.eventCount }
            guard let draft else {
                throw ModelFailure("block \(block.number) was never written, reported as failed, or is there twice")
            }
            // What a shard wrote later is not there without what it wrote before in the same group.
            doubtful.removeAll { $0 == draft }
            append(draft)
            try Self.compare(block, blocks[blocks.count - 1])
        }
        guard head == self.head, Int64(found.count) == head.nextBlock - oldest else {
            throw ModelFailure(
                "the log ends with \(head) and \(found.count) blocks from \(oldest) on; it should with \(self.head)")
        }
        doubtful = []
    }

    // MARK: Cursors

    /// Somebody tried to save a cursor; where that failed it may have happened all the same.
    mutating func save(_ cursor: Cursor) { positions[cursor.destination, default: [nil]].append(cursor) }

    /// A cursor read anew.
    ///
    /// - Parameters:
    ///   - afterLoss: the last saves may be missing.
    ///   - sure: what was saved last without an error.
    func compare(_ found: Cursor?, of destination: String, afterLoss: Bool, sure: Cursor?) throws {
        let saved = positions[destination, default: [nil]]
        guard saved.contains(found) else {
            throw ModelFailure("\(destination) stands at \(String(describing: found)), which was never saved")
        }
        if !afterLoss, let sure, let foundIndex = saved.lastIndex(of: found),
            let sureIndex = saved.lastIndex(of: sure), foundIndex < sureIndex
        {
            throw ModelFailure("\(destination) stands at \(String(describing: found)), behind \(sure)")
        }
        if let found, found.position.block > head.nextBlock {
            throw ModelFailure("\(destination) stands at \(found.position), and the log ends at \(head)")
        }
    }
}
