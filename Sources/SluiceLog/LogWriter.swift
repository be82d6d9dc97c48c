import SluiceCore
import Synchronization

/// The log thread: takes the blocks of all shards, commits them together, and gives them back.
///
/// One round: take everything that waits; compress, checksum and insert it in one transaction;
/// COMMIT, which returns after the fsync; publish the new head; give the blocks back and wake their
/// shards; then, with no answer waiting, checkpoint or begin a new segment where it is time.
///
/// Invariants: 1. A block is given back as committed only after the fsync of its transaction.
/// 2. Numbers are consecutive: a group that failed has used none. 3. Every block taken is given
/// back, in the order of its channel. 4. Nobody else writes to a segment.
/// Owner: the log thread; `stop` may be called from any.
// @unchecked: everything but `stopping` and `parker` belongs to the log thread.
package final class LogWriter: @unchecked Sendable {
    private static let tickMilliseconds = 1000

    private struct Item {
        let block: OpenBlock
        let channel: Int
    }

    private let folder: DataFolder
    private let configuration: LogConfiguration
    private let clock: LogClock
    private let faults: LogFaults
    private let stats: LogStats
    private let headCell: LogHeadCell
    private let catalog: SegmentCatalog
    private let readers: RecentReaders
    private let channels: [ShardChannel]
    private let parker: any Parker
    private let onCommit: @Sendable (LogHead) -> Void
    private let stopping = Atomic<Bool>(false)

    // Log thread only.
    private var head: LogHead
    private var segment: WriterSegment
    private var mustReopen = false
    private var toSeal: [WriterSegment] = []
    private var upkeepNotBefore: Int64 = 0
    private var sealNotBefore: Int64 = 0
    private let encoder: BlockEncoder
    private var backoff = CommitBackoff()
    private var group: [Item] = []
    private var stored: [StoredBlock] = []
    private var firstChannel = 0
    private var recents: [RecentBlocks] = []
    private var recentsVersion = -1

    init(
        log: EventLog, segment: WriterSegment, channels: [ShardChannel], parker: any Parker,
        onCommit: @escaping @Sendable (LogHead) -> Void
    ) {
        folder = log.folder
        configuration = log.configuration
        clock = log.clock
        faults = log.faults
        stats = log.stats
        headCell = log.headCell
        catalog = log.catalog
        readers = log.readers
        head = log.headCell.load()
        self.segment = segment
        self.channels = channels
        self.parker = parker
        self.onCommit = onCommit
        encoder = BlockEncoder(codec: log.configuration.compression)
        for channel in channels { channel.attach(parker) }
    }

    /// Makes `run` return once everything submitted so far is settled. Any thread.
    package func stop() {
        stopping.store(true, ordering: .releasing)
        parker.wake()
    }

    /// The body of the log thread. Returns after `stop`.
    package func run() {
        while true {
            // Read before collecting: what was submitted before `stop` is then still settled.
            let isLast = stopping.load(ordering: .acquiring)
            if collect() {
                settle()
                continue
            }
            if isLast { break }
            idle()
        }
        finish()
    }

    // MARK: One round

    /// Takes what waits, channel by channel, up to `groupBytes`; the next round begins with another
    /// channel, so that none waits behind the others for ever. False when nothing waits.
    private func collect() -> Bool {
        var bytes = 0
        for offset in 0..<channels.count {
            let index = (firstChannel + offset) % channels.count
            while bytes < configuration.groupBytes, let block = channels[index].takeSubmitted() {
                group.append(Item(block: block, channel: index))
                bytes += block.payload.count
            }
        }
        if channels.count > 1 { firstChannel = (firstChannel + 1) % channels.count }
        return !group.isEmpty
    }

    private func settle() {
        let started = clock.monotonicMicroseconds()
        if backoff.mayTry(now: started) {
            do throws(LogError) {
                try recoverIfNeeded()
                try commitGroup()
                succeed(since: started)
            } catch {
                fail(error)
            }
        } else {
            giveBackFailed()
        }
        upkeep()
    }

    private func commitGroup() throws(LogError) {
        stored.removeAll(keepingCapacity: true)
        var next = head
        try segment.commit { inserter in
            for item in group {
                let block = encoder.encode(item.block, number: next.nextBlock, firstEvent: next.events)
                try inserter.insert(block, columnsOf: encoder)
                stored.append(block)
                next.nextBlock += 1
                next.events += Int64(block.eventCount)
            }
        }
        head = next
    }

    private func succeed(since started: Int64) {
        backoff.succeeded()
        stats.noteRecovery()
        readers.refresh(&recents, at: &recentsVersion)
        var raw = 0
        var compressed = 0
        var events = 0
        for block in stored {
            raw += block.rawSize
            compressed += block.payload.count
            events += block.eventCount
            for recent in recents where !recent.offer(block) {
                stats.recentDropped.add(1, ordering: .relaxed)
            }
        }
        segment.noteCommitted(
            blocks: stored.count, payloadBytes: compressed, nowMilliseconds: clock.wallMilliseconds())
        // Behind the offers, so that a reader that sees the new head finds the blocks in memory.
        headCell.publish(head)
        for (item, block) in zip(group, stored) {
            item.block.commit = .committed(number: block.number)
        }
        stats.commits.add(1, ordering: .relaxed)
        stats.blocks.add(Int64(stored.count), ordering: .relaxed)
        stats.events.add(Int64(events), ordering: .relaxed)
        stats.rawBytes.add(Int64(raw), ordering: .relaxed)
        stats.storedBytes.add(Int64(compressed), ordering: .relaxed)
        stats.commitTime.observe(microseconds: clock.monotonicMicroseconds() - started)
        giveBack()
        stored.removeAll(keepingCapacity: true)
        onCommit(head)
    }

    private func fail(_ error: LogError) {
        noteFailure(error)
        giveBackFailed()
    }

    private func noteFailure(_ error: LogError) {
        backoff.failed(now: clock.monotonicMicroseconds())
        stats.failures.add(1, ordering: .relaxed)
        stats.noteFailure(error, at: clock.wallMilliseconds())
        // After an error in COMMIT nobody but a new connection can say what the file holds.
        mustReopen = true
    }

    private func giveBackFailed() {
        let seconds = backoff.retryAfterSeconds(now: clock.monotonicMicroseconds())
        for item in group { item.block.commit = .failed(retryAfterSeconds: seconds) }
        stats.failedBlocks.add(Int64(group.count), ordering: .relaxed)
        giveBack()
    }

    /// Gives all blocks of the group back, then wakes each shard that got some.
    private func giveBack() {
        var woken: UInt64 = 0
        for item in group { channels[item.channel].giveBack(item.block) }
        for item in group {
            // Beyond 64 shards some are woken more than once, which costs little.
            let bit: UInt64 = item.channel < 64 ? 1 << UInt64(item.channel) : 0
            if bit != 0, woken & bit != 0 { continue }
            woken |= bit
            channels[item.channel].wake()
        }
        group.removeAll(keepingCapacity: true)
    }

    // MARK: Recovery

    /// After a failure, opens the segment anew, or begins another where it cannot be used any more.
    private func recoverIfNeeded() throws(LogError) {
        guard mustReopen else { return }
        segment.close()
        do throws(LogError) {
            segment = try reopen()
        } catch {
            switch error {
            case .missing, .damaged, .foreignFile: try replaceSegment()
            default: throw error
            }
        }
        mustReopen = false
    }

    /// The same file through a new connection, holding exactly what was acknowledged.
    private func reopen() throws(LogError) -> WriterSegment {
        try FileCalls.makeWALDurable(of: segment.path)
        let opened = try WriterSegment(path: segment.path, configuration: configuration, faults: faults)
        do throws(LogError) {
            try opened.removeBlocks(from: head.nextBlock)
            let end = try opened.extent().map { $0.lastBlock + 1 } ?? opened.description.firstBlock
            guard end == head.nextBlock else {
                throw .damaged(path: opened.path, reason: "it ends before block \(end)")
            }
        } catch {
            opened.close()
            throw error
        }
        return opened
    }

    /// Goes on in a new segment. The old file stays for those who repair it; when it bears the name
    /// the new one needs, it holds no acknowledged block and is set aside.
    private func replaceSegment() throws(LogError) {
        let first = segment.description.firstBlock
        if first == head.nextBlock {
            if FileCalls.exists(segment.path) {
                let aside = segment.path + ".damaged-\(clock.wallMilliseconds())"
                try FileCalls.rename(segment.path, to: aside)
            }
            catalog.remove(first)
        }
        segment = try beginSegment()
    }

    // MARK: Between rounds

    /// Nothing waits: sleep, but not past what has its time.
    private func idle() {
        let now = clock.monotonicMicroseconds()
        if backoff.isFailing, backoff.mayTry(now: now) { probe() }
        upkeep()
        var wait = LogWriter.tickMilliseconds
        if backoff.isFailing {
            wait = min(wait, max(1, backoff.millisecondsLeft(now: clock.monotonicMicroseconds())))
        }
        parker.park(milliseconds: wait)
    }

    /// Without traffic nobody else would find out that the disk works again.
    private func probe() {
        do throws(LogError) {
            try recoverIfNeeded()
            try segment.probe(nowMilliseconds: clock.wallMilliseconds())
            backoff.succeeded()
            stats.noteRecovery()
        } catch {
            noteFailure(error)
        }
    }

    /// Checkpoints, begins and closes segments where it is time. Trouble here fails no block: it is
    /// noted, and tried again later.
    private func upkeep() {
        guard !mustReopen else { return }
        let now = clock.monotonicMicroseconds()
        if now >= upkeepNotBefore {
            do throws(LogError) {
                if segment.wantsCheckpoint {
                    try segment.checkpoint()
                    stats.checkpoints.add(1, ordering: .relaxed)
                }
                if isSegmentDue { try roll() }
            } catch {
                upkeepNotBefore = now + retryDelay(error)
            }
        }
        if now >= sealNotBefore {
            do throws(LogError) {
                while let old = toSeal.first {
                    try old.seal(nowMilliseconds: clock.wallMilliseconds())
                    toSeal.removeFirst()
                    noteSealed(old)
                }
            } catch {
                // The others need not wait for one that cannot be closed.
                toSeal.append(toSeal.removeFirst())
                sealNotBefore = now + retryDelay(error)
            }
        }
    }

    /// Microseconds until upkeep that failed is tried again.
    private func retryDelay(_ error: LogError) -> Int64 {
        // A reader holds the file for a moment, or somebody looks at it with a shell: no trouble.
        if case .busy = error { return 1_000_000 }
        stats.noteUpkeepFailure(error)
        return 5_000_000
    }

    private var isSegmentDue: Bool {
        guard let started = segment.startedMilliseconds else { return false }
        let age = clock.wallMilliseconds() - started
        return segment.bytes >= configuration.segmentBytes
            || age >= Int64(configuration.segmentAgeSeconds) * 1000
    }

    private func roll() throws(LogError) {
        let next = try beginSegment()
        catalog.beginSealing(segment.description.firstBlock)
        toSeal.append(segment)
        segment = next
    }

    private func beginSegment() throws(LogError) -> WriterSegment {
        try WriterSegment.create(
            in: folder, at: head, nowMilliseconds: clock.wallMilliseconds(), configuration: configuration)
        let path = folder.segment(firstBlock: head.nextBlock)
        let next: WriterSegment
        do throws(LogError) {
            next = try WriterSegment(path: path, configuration: configuration, faults: faults)
        } catch {
            // The log goes on in the old segment and passes this one's number: it must not stay. Where it
            // does all the same, the next start removes it.
            for suffix in ["-wal", "-shm", "-journal", ""] { try? FileCalls.remove(path + suffix) }
            throw error
        }
        catalog.add(
            SegmentCatalog.Entry(
                firstBlock: head.nextBlock, path: path, firstEvent: head.events, isSealed: false))
        stats.currentSegment.store(head.nextBlock, ordering: .relaxed)
        return next
    }

    private func noteSealed(_ old: WriterSegment) {
        catalog.sealed(old.description.firstBlock)
        stats.sealedSegments.add(1, ordering: .relaxed)
    }

    private func finish() {
        for old in toSeal {
            if (try? old.seal(nowMilliseconds: clock.wallMilliseconds())) == nil {
                old.close()  // sealed at the next start
            } else {
                noteSealed(old)
            }
        }
        toSeal.removeAll()
        // Readers may still be open, and then closing alone would leave the blocks in the WAL.
        if !mustReopen { try? segment.checkpoint(emptying: true) }
        segment.close()
    }
}
