import SluiceCore

/// The way of blocks between one shard and the log thread, and back.
///
/// Invariants: 1. At most `capacity` blocks are out at a time, so that handing one back never finds
/// the ring full and the log thread never waits for a shard. 2. Blocks come back in the order in
/// which they were submitted, each with its `commit` set.
// @unchecked: `outCount` belongs to the shard thread; `log` is set before either thread runs.
package final class ShardChannel: @unchecked Sendable {
    package let shard: Int
    package let capacity: Int
    private let submitted: SPSCRing<OpenBlock>
    private let returned: SPSCRing<OpenBlock>
    private let wakeShard: any Waker
    private var log: (any Waker)?  // set by attach, before the threads start
    private var outCount = 0  // shard thread only

    /// - Parameter capacity: blocks that may be out at a time, at least 2; rounded up to a power of two.
    package init(shard: Int, wakeShard: any Waker, capacity: Int) {
        self.shard = shard
        self.wakeShard = wakeShard
        submitted = SPSCRing(capacity: capacity)
        returned = SPSCRing(capacity: capacity)
        self.capacity = submitted.capacity
    }

    // MARK: The shard's side

    /// Blocks submitted and not taken back. Shard thread only.
    package var blocksOut: Int { outCount }

    /// Hands `block` over to be committed. False when too many are out; the block stays the shard's.
    /// Shard thread only.
    package func submit(_ block: OpenBlock) -> Bool {
        precondition(block.eventCount > 0, "an empty block has nothing to commit")
        guard outCount < capacity else { return false }
        let taken = submitted.push(block)
        precondition(taken, "invariant 1")
        outCount += 1
        log?.wake()
        return true
    }

    /// The next block that is settled, or nil; its `commit` says what became of it. Shard thread only.
    package func takeReturned() -> OpenBlock? {
        guard let block = returned.pop() else { return nil }
        outCount -= 1
        return block
    }

    // MARK: The log thread's side

    func attach(_ waker: any Waker) { log = waker }

    func takeSubmitted() -> OpenBlock? { submitted.pop() }

    func giveBack(_ block: OpenBlock) {
        let fits = returned.push(block)
        precondition(fits, "invariant 1")
    }

    func wake() { wakeShard.wake() }
}
