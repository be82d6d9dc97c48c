import SluiceCore
import SluiceLog

/// One shard's side of deduplication: inserts the fingerprints of the request at hand, and keeps the
/// sightings of those that were known.
///
/// Invariant: the open block's ticket is published as dirty before one of its fingerprints is in the table, and
/// while it holds events that came together with ids.
///
/// Owner: the shard thread.
final class ShardDeduplicator: Deduplicator {
    let table: FingerprintTable
    let barrier: DuplicateBarrier
    let shard: Int
    let progress: ShardProgress
    /// The duplicates of the request at hand.
    private(set) var found: [FoundDuplicate] = []

    private var allowance = FingerprintAllowance()
    private var ticket: UInt64 = 0
    /// What `progress` says is dirty, and what it said before the open block.
    private var published: UInt64 = 0
    private var before: UInt64 = 0

    init(table: FingerprintTable, barrier: DuplicateBarrier, shard: Int) {
        self.table = table
        self.barrier = barrier
        self.shard = shard
        progress = barrier.shards[shard]
        found.reserveCapacity(64)
    }

    // MARK: one request

    /// A request begins whose events go into the block with this ticket.
    func begin(ticket: UInt64) {
        self.ticket = ticket
        found.removeAll(keepingCapacity: true)
    }

    func expect(fingerprint: UInt64) { table.expect(fingerprint) }

    func isDuplicate(fingerprint: UInt64) -> Bool {
        if published != ticket {
            before = published
            published = ticket
            progress.publish(dirty: ticket)
        }
        guard let sighting = table.insert(fingerprint, &allowance) else { return false }
        found.append(FoundDuplicate(fingerprint: fingerprint, sighting: sighting))
        return true
    }

    func takeBack(fingerprint: UInt64) { table.withdraw(fingerprint) }

    /// The request is decided. An empty block may stay open for long: nobody should wait for it. One with
    /// events stays dirty even where none of them has a fingerprint: they may have come with duplicates.
    func end(_ block: OpenBlock) {
        guard published == block.ticket, block.eventCount == 0 else { return }
        published = before
        progress.publish(dirty: before)
        barrier.wakeOthers(than: shard)
    }

    // MARK: blocks

    /// A block came back.
    func settle(_ block: OpenBlock) {
        if case .failed(let seconds) = block.commit {
            for index in 0..<block.fingerprints.count { table.withdraw(block.fingerprints[index]) }
            barrier.note(retryAfterSeconds: seconds)
        }
        progress.publish(settled: block.ticket)
        barrier.wakeOthers(than: shard)
    }

    func isStillKnown(_ duplicate: FoundDuplicate) -> Bool {
        table.isStillKnown(duplicate.fingerprint, duplicate.sighting)
    }
}

/// An event that was known, and as what.
struct FoundDuplicate {
    let fingerprint: UInt64
    let sighting: FingerprintSighting
}
