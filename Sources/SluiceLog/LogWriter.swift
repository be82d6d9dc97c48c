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
    private static let retentionIntervalMicroseconds: Int64 = 1_000_000

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
    private let holds: SegmentHolds
    private let growth: GrowthMeter
    private let givenUp: GivenUp
    private let reaper: SegmentReaper
    private let channels: [ShardChannel]
    private let parker: any Parker
    private let fingerprints: FingerprintTable?
    private let onCommit: @Sendable (LogHead) -> Void
    private let stopping = Atomic<Bool>(false)

    // Log thread only.
    private var head: LogHead
    private var segment: WriterSegment
    private var mustReopen = false
    private var toSeal: [WriterSegment] = []
    private var upkeepNotBefore: Int64 = 0
    private var sealNotBefore: Int64 = 0
    private var retentionNotBefore: Int64 = 0
    private var reaperRetryAt: Int64 = 0
    private let encoder: BlockEncoder
    private var backoff = CommitBackoff()
    /// Whether a round ended since this thread slept last.
    private var isTended = false
    private var group: [Item] = []
    private var stored: [StoredBlock] = []
    private var firstChannel = 0
    private var recents: [RecentBlocks] = []
    private var recentsVersion = -1

    init(
        log: EventLog, segment: WriterSegment, channels: [ShardChannel], parker: any Parker,
        fingerprints: FingerprintTable?, onCommit: @escaping @Sendable (LogHead) -> Void
    ) {
        folder = log.folder
        configuration = log.configuration
        clock = log.clock
        faults = log.faults
        stats = log.stats
        headCell = log.headCell
        catalog = log.catalog
        readers = log.readers
        holds = log.holds
        growth = log.growth
        givenUp = log.givenUp
        let stats = log.stats
        reaper = SegmentReaper(folder: log.folder.log, beforeRemove: log.faults.beforeRemove) {
            stats.noteUpkeepFailure($0)
        }
        let reaper = reaper
        givenUp.whenSaved { [weak reaper] in reaper?.retry() }
        head = log.headCell.load()
        self.segment = segment
        self.channels = channels
        self.parker = parker
        self.fingerprints = fingerprints
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
        try? segment.beginWriteAheadLog(nowMilliseconds: clock.wallMilliseconds())
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
        isTended = true
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
        // On disk, but in a file that nobody will find again.
        guard segment.isInPlace() else { throw .missing(path: segment.path) }
        head = next
    }

    private func succeed(since started: Int64) {
        backoff.succeeded()
        stats.noteRecovery()
        readers.refresh(&recents, at: &recentsVersion)
        var raw = 0
        var compressed = 0
        var events = 0
        var newest = Int64.min
        for block in stored {
            newest = max(newest, block.lastReceivedMilliseconds)
            raw += block.rawSize
            compressed += block.payload.count
            events += block.eventCount
            for recent in recents where !recent.offer(block) {
                stats.recentDropped.add(1, ordering: .relaxed)
            }
        }
        segment.noteCommitted(
            blocks: stored.count, payloadBytes: compressed, newestMilliseconds: newest, endEvent: head.events,
            nowMilliseconds: clock.wallMilliseconds())
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
        rescueIfMoved()
        segment.close()
        do throws(LogError) {
            segment = try reopen()
        } catch {
            switch error {
            case .missing, .damaged, .foreignFile: try replaceSegment(error)
            default: throw error
            }
        }
        mustReopen = false
    }

    /// Where somebody unlinked, moved or replaced the file, gives what is still open in it a name again.
    private func rescueIfMoved() {
        // One that was closed for an attempt before this one has no WAL, and nothing to give.
        guard !segment.isClosed, !segment.isInPlace() else { return }
        let path = segment.path
        let draft = path + ".creating"
        do throws(LogError) {
            try FileCalls.remove(draft)
            try segment.copy(to: draft)
            // Readers' connections share locks with the old file's, and would read it for ever.
            catalog.dropIdle(segment.description.firstBlock)
            // Before the new file has the name: closing removes the write-ahead log by its name.
            segment.close()
            for suffix in ["", "-wal", "-shm", "-journal"] where FileCalls.exists(path + suffix) {
                try FileCalls.rename(path + suffix, to: path + ".damaged-\(clock.wallMilliseconds())" + suffix)
            }
            try FileCalls.rename(draft, to: path)
            try FileCalls.syncFolder(folder.log)
            stats.note(.rescued(path: path))
        } catch {
            // Reopening finds out what can be used.
            stats.noteUpkeepFailure(error)
        }
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
    private func replaceSegment(_ reason: LogError) throws(LogError) {
        let path = segment.path
        let first = segment.description.firstBlock
        if first == head.nextBlock {
            if FileCalls.exists(segment.path) {
                let aside = segment.path + ".damaged-\(clock.wallMilliseconds())"
                try FileCalls.rename(segment.path, to: aside)
            }
            catalog.remove(first)
        }
        segment = try beginSegment()
        stats.note(.abandoned(path: path, nextBlock: head.nextBlock, reason: reason.description))
    }

    // MARK: Between rounds

    /// Nothing waits: sleep, but not past what has its time.
    private func idle() {
        let now = clock.monotonicMicroseconds()
        if backoff.isFailing, backoff.mayTry(now: now) { probe() }
        // A round that has just ended has done both.
        if !isTended || backoff.isFailing {
            // Without commits nobody else would find out; readers would take what is in it for lost.
            if !mustReopen, !segment.isInPlace() {
                mustReopen = true
                do throws(LogError) { try recoverIfNeeded() } catch { noteFailure(error) }
            }
            upkeep()
        }
        isTended = false
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
        fingerprints?.tend(now: clock.monotonicMicroseconds() / 1000)
        // On a full disk this is what makes room.
        retain()
        guard !mustReopen else { return }
        let now = clock.monotonicMicroseconds()
        if now >= upkeepNotBefore {
            do throws(LogError) {
                if segment.wantsCheckpoint {
                    try segment.checkpoint()
                    stats.checkpoints.add(1, ordering: .relaxed)
                    try segment.beginWriteAheadLog(nowMilliseconds: clock.wallMilliseconds())
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
        // What goes wrong here goes wrong again with the first commit, which is then tried again.
        try? next.beginWriteAheadLog(nowMilliseconds: clock.wallMilliseconds())
        return next
    }

    private func noteSealed(_ old: WriterSegment) {
        catalog.sealed(
            old.description.firstBlock, newestMilliseconds: old.newestMilliseconds ?? old.startedMilliseconds,
            endEvent: old.endEvent)
        retentionNotBefore = 0
        stats.sealedSegments.add(1, ordering: .relaxed)
    }

    // MARK: Retention

    /// Gives up what is too old or too much, from the oldest segment on. Costs a few comparisons while
    /// nothing is due; files are unlinked elsewhere.
    private func retain() {
        let now = clock.monotonicMicroseconds()
        guard now >= retentionNotBefore else { return }
        retentionNotBefore = now + LogWriter.retentionIntervalMicroseconds
        var logBytes = catalog.diskBytes()
        growth.note(bytes: logBytes + stats.removedBytes.load(ordering: .relaxed), now: now)
        if now >= reaperRetryAt {
            reaperRetryAt = now + 5_000_000
            reaper.retry()
        }
        guard let limits = configuration.retention else { return }
        let retention = LogRetention(limits: limits)
        let holders = holds.holders
        let wall = clock.wallMilliseconds()
        let entries = catalog.entries
        for (entry, next) in zip(entries, entries.dropFirst()) {
            guard entry.isSealed else { break }
            if next.firstBlock <= givenUp.endBlock {
                // Recorded as given up, and not unlinked before the last stop.
                giveUp(entry, next, .hardSize, [])
                logBytes -= entry.sealedBytes
                continue
            }
            let verdict = retention.verdict(
                endBlock: next.firstBlock, newestMilliseconds: entry.newestMilliseconds, logBytes: logBytes,
                holders: holders, nowMilliseconds: wall)
            guard case .remove(let reason, let neededBy) = verdict else { break }
            giveUp(entry, next, reason, neededBy)
            logBytes -= entry.sealedBytes
        }
        // Only sealed segments can go.
        if logBytes > limits.bytes, Int64(segment.bytes) > limits.bytes, !mustReopen,
            segment.startedMilliseconds != nil
        {
            do throws(LogError) { try roll() } catch { _ = retryDelay(error) }
        }
    }

    private func giveUp(
        _ entry: SegmentCatalog.Entry, _ next: SegmentCatalog.Entry, _ reason: SegmentRemoval.Reason,
        _ neededBy: [String]
    ) {
        var events: Int64?
        var wasPassed = false
        if let first = entry.firstEvent, let end = entry.endEvent ?? next.firstEvent {
            events = end - first
            wasPassed = first < end && givenUp.wasPassed(first..<end)
        }
        if neededBy.isEmpty, next.firstBlock > givenUp.endBlock, !wasPassed {
            catalog.remove(entry.firstBlock)
            reaper.add(entry.path)
        } else {
            let parts = GivenUpSegment(entry, next: next, in: givenUp)
            // Behind this a reader finds a gap, and its destination's cursor passes it.
            parts.note(in: givenUp)
            catalog.remove(entry.firstBlock)
            reaper.add(entry.path) { [givenUp] in parts.isRecorded(in: givenUp) }
        }
        stats.note(
            .removed(
                SegmentRemoval(
                    path: entry.path, blocks: entry.firstBlock..<next.firstBlock, events: events,
                    bytes: entry.sealedBytes, reason: reason, neededBy: neededBy)))
    }

    private func finish() {
        defer { reaper.finish() }
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
