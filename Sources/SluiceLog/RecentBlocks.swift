import SluiceCore
import Synchronization

/// Hands committed blocks from the log thread to one reader, so that a reader that keeps up never
/// touches the disk. Never makes the log thread wait: what does not fit is dropped here and read
/// from its segment later.
///
/// Invariant: `bytes` is the payload of all blocks in the ring; each block is added before it is
/// pushed and subtracted after it is popped, so the figure never goes below what is held.
final class RecentBlocks: Sendable {
    /// Slots of the ring; small blocks run out of slots before they run out of bytes.
    private static let blocksMax = 4096

    private let ring = SPSCRing<StoredBlock>(capacity: RecentBlocks.blocksMax)
    private let bytes = Atomic<Int>(0)
    private let bytesMax: Int

    init(bytesMax: Int) { self.bytesMax = bytesMax }

    /// Log thread only. False when the block was dropped.
    func offer(_ block: StoredBlock) -> Bool {
        let size = block.payload.count
        guard bytes.load(ordering: .relaxed) + size <= bytesMax else { return false }
        bytes.add(size, ordering: .relaxed)
        if ring.push(block) { return true }
        bytes.subtract(size, ordering: .relaxed)
        return false
    }

    /// The reader's thread only.
    func take() -> StoredBlock? {
        guard let block = ring.pop() else { return nil }
        bytes.subtract(block.payload.count, ordering: .relaxed)
        return block
    }
}

/// The readers the log thread hands recent blocks to.
final class RecentReaders: Sendable {
    private let list = Mutex<[RecentBlocks]>([])
    private let version = Atomic<Int>(0)

    func add(_ recent: RecentBlocks) {
        list.withLock { $0.append(recent) }
        version.add(1, ordering: .releasing)
    }

    func remove(_ recent: RecentBlocks) {
        list.withLock { list in list.removeAll { $0 === recent } }
        version.add(1, ordering: .releasing)
    }

    /// Log thread only: brings `known` up to date; the lock is taken only when readers came or went.
    func refresh(_ known: inout [RecentBlocks], at knownVersion: inout Int) {
        let current = version.load(ordering: .acquiring)
        guard current != knownVersion else { return }
        known = list.withLock { $0 }
        knownVersion = current
    }
}
