import SluiceCore
import SluiceIO

/// Answers to duplicates wait until their originals are committed.
extension Shard {
    /// Numbers of held answers; those of questions about conversions stay below.
    static let duplicateNumbers: UInt64 = 1 << 62

    /// Keeps an answer that was just written until the duplicates in its request are safe.
    ///
    /// - Parameter ownTicket: of the block with the request's other events; 0 when there are none.
    func hold(
        _ counts: HeldCounts.Entry, ownTicket: UInt64, _ deduplicator: ShardDeduplicator
    ) -> Disposition {
        let number = Shard.duplicateNumbers | nextDuplicate
        nextDuplicate += 1
        duplicates.add(
            DuplicateAnswer(
                number: number, counts: counts, arrivedMicroseconds: clock.monotonicMicroseconds,
                ownTicket: ownTicket, duplicates: deduplicator.found.count),
            deduplicator.found)
        return .held(number)
    }

    /// Has the answers of the batch wait for what is outstanding now.
    func closeDuplicateGroup() {
        guard let deduplicator, duplicates.hasUngrouped else { return }
        deduplicator.barrier.setWaiting(true, shard: deduplicator.shard)
        duplicates.closeGroup(deduplicator.barrier.shards)
        giveDuplicates()
    }

    /// Answers those whose originals' fate is decided.
    func giveDuplicates() {
        guard let deduplicator, !duplicates.isEmpty else { return }
        let barrier = deduplicator.barrier
        while duplicates.isFirstOver(barrier.shards) {
            let now = MonotonicClock.nowMicroseconds
            duplicates.takeFirst(isKnown: deduplicator.isStillKnown) { answer, originalsStand in
                give(answer, originalsStand: originalsStand, now: now, barrier)
            }
        }
        if duplicates.isEmpty { barrier.setWaiting(false, shard: deduplicator.shard) }
    }

    private func give(
        _ answer: DuplicateAnswer, originalsStand: Bool, now: Int64, _ barrier: DuplicateBarrier
    ) {
        if originalsStand, !answer.hasFailed {
            metrics.acknowledge.observe(microseconds: Int(now - answer.arrivedMicroseconds), count: 1)
            count(answer.counts)
            return loop.release(held: answer.number)
        }
        if answer.ownTicket != 0, !answer.hasFailed {
            // Its other events are in the log, whatever its sender hears.
            var entry = answer.counts
            entry.result.duplicates = 0
            countEvents(entry)
        }
        // The sender is to try again: what was not kept is then taken, what was is a duplicate.
        loop.fail(held: answer.number, retryAfterSeconds: max(1, barrier.retryAfterSeconds))
    }

    /// The loop has ended, so that nobody can be answered; but other shards may wait for what this one has
    /// with the log.
    func settleForOthers() {
        guard let deduplicator else { return }
        duplicates.removeAll()
        deduplicator.barrier.setWaiting(false, shard: deduplicator.shard)
        deduplicator.barrier.end()
        while blocksOut > 0, deduplicator.barrier.isAnyRunning {
            loop.parkAfterRun(milliseconds: Shard.settlePollMilliseconds)
            woken()
        }
    }

    /// The end of the last other loop wakes nobody.
    private static let settlePollMilliseconds = 20
}
