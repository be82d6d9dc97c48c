import SluiceCore
import Synchronization

/// How far one shard's blocks have come, for the others.
///
/// Invariants: 1. `dirty` is at least a block's ticket before any of the block's fingerprints can be seen.
/// 2. Fingerprints of a block that failed, or of a request that was refused as a whole, are withdrawn
/// before `settled` rises to its ticket or `dirty` falls below it. 3. `settled` never falls.
///
/// Written by the shard's thread, `isWaiting` included; read by all.
final class ShardProgress: Sendable {
    /// Ticket of the newest block whose fingerprints are in the table.
    private let dirty = Atomic<UInt64>(0)
    /// Ticket of the newest block that is on disk, or that was given up.
    private let settled = Atomic<UInt64>(0)
    /// Whether duplicates of this shard's wait for other shards' blocks.
    fileprivate let isWaiting = Atomic<Bool>(false)
    fileprivate let waker: any Waker
    // Keeps two shards' figures out of each other's cache lines, adjacent-line prefetch included.
    private let padding: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0, 0, 0, 0)
    private let morePadding: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) = (
        0, 0, 0, 0, 0, 0, 0, 0
    )

    init(waker: any Waker) { self.waker = waker }

    /// The block with this ticket is about to have fingerprints in the table. Own shard only.
    func publish(dirty ticket: UInt64) { dirty.store(ticket, ordering: .sequentiallyConsistent) }

    /// The block with this ticket is settled; of a failed one, everything is withdrawn. Own shard only.
    func publish(settled ticket: UInt64) { settled.store(ticket, ordering: .sequentiallyConsistent) }

    /// The ticket to wait for now; 0 when there is nothing to wait for.
    var outstanding: UInt64 {
        let ticket = dirty.load(ordering: .sequentiallyConsistent)
        return settled.load(ordering: .sequentiallyConsistent) < ticket ? ticket : 0
    }

    /// Whether what was outstanding with this ticket is decided: its block is settled, or nothing of it was
    /// kept.
    func isOver(_ ticket: UInt64) -> Bool {
        settled.load(ordering: .sequentiallyConsistent) >= ticket
            || dirty.load(ordering: .sequentiallyConsistent) < ticket
    }
}

/// Lets answers to duplicates wait for the commit of their originals, whichever shard's block these are in.
///
/// A duplicate does not know where its original is. So it waits for the newest block of each shard that was
/// not settled at the time. Whoever sends nothing twice pays one store for each block and one load of a
/// cache line that nobody writes.
///
/// Shared by all shards.
package final class DuplicateBarrier: Sendable {
    let shards: [ShardProgress]
    /// Shards with duplicates that wait.
    private let waiting = Atomic<Int>(0)
    /// Shards whose loops have not ended: as long as there are any, somebody may have to wait.
    private let running: Atomic<Int>
    /// What the last failed commit said, for those whose original was in it.
    private let retryAfter = Atomic<Int>(1)

    /// - Parameter wakers: of the shards, in their order.
    package init(wakers: [any Waker]) {
        shards = wakers.map { ShardProgress(waker: $0) }
        running = Atomic(wakers.count)
    }

    /// Seconds.
    var retryAfterSeconds: Int { retryAfter.load(ordering: .relaxed) }

    func note(retryAfterSeconds: Int) { retryAfter.store(retryAfterSeconds, ordering: .relaxed) }

    /// Whether `shard` has duplicates that wait. It must look for what is outstanding after this, so that
    /// either it sees that a block is settled, or the block's shard sees that it waits.
    func setWaiting(_ isWaiting: Bool, shard: Int) {
        guard shards[shard].isWaiting.exchange(isWaiting, ordering: .sequentiallyConsistent) != isWaiting
        else { return }
        waiting.add(isWaiting ? 1 : -1, ordering: .sequentiallyConsistent)
    }

    /// `shard` has published something: wakes the others that may have waited for it.
    func wakeOthers(than shard: Int) {
        guard waiting.load(ordering: .sequentiallyConsistent) > 0 else { return }
        for (index, other) in shards.enumerated()
        where index != shard && other.isWaiting.load(ordering: .sequentiallyConsistent) {
            other.waker.wake()
        }
    }

    /// A shard's loop has ended: it asks nothing more.
    func end() { running.subtract(1, ordering: .sequentiallyConsistent) }

    var isAnyRunning: Bool { running.load(ordering: .sequentiallyConsistent) > 0 }
}
