import SluiceCore

/// Checks a data folder block by block, and repairs it where asked: `sluice fsck`.
///
/// Memory is bounded: a few blocks, and the findings of one segment. Beside a running gateway it reads
/// what is committed, through connections that cannot write, and changes nothing.
///
/// Invariants: 1. a repair never deletes: files are renamed, the state file is copied before rows change.
/// 2. repairs hold the folder's lock from the first look to the last change. Owner: one thread.
package final class LogChecker {
    let folder: DataFolder
    let repairs: Bool
    let clock: LogClock
    private let writtenBy: String
    private let onFinding: (CheckFinding) -> Void
    private let onProgress: (CheckProgress) -> Void
    private let decoder = BlockDecoder()
    private var summary: CheckSummary
    private var isLive = false

    // What was seen so far.
    private var state: StateCheck?
    private var expected: LogHead?
    private var damage: [QuarantinedBlocks] = []
    private var cursorBlocks: [Int64: (firstEvent: Int64, events: Int)] = [:]

    /// - Parameters:
    ///   - onFinding: called with each finding when it is complete.
    ///   - onProgress: called after each few blocks.
    package init(
        folder path: String, repairs: Bool = false, clock: LogClock = .system, writtenBy: String = "sluice",
        onFinding: @escaping (CheckFinding) -> Void, onProgress: @escaping (CheckProgress) -> Void = { _ in }
    ) {
        folder = DataFolder(path)
        self.repairs = repairs
        self.clock = clock
        self.writtenBy = writtenBy
        self.onFinding = onFinding
        self.onProgress = onProgress
        summary = CheckSummary(folder: path)
    }

    /// - Throws: `dataFolderInUse` when repairs are asked for beside a running gateway; whatever keeps the
    ///   folder from being read.
    package func run() throws(LogError) -> CheckSummary {
        _ = try folder.names()
        let lock = repairs ? try FolderLock(folder) : nil
        defer { lock?.close() }
        isLive = lock == nil && FolderLock.holder(folder).isHeld
        // Before the log, which only grows: a cursor read later could stand behind the blocks seen.
        state = try StateCheck(folder, repairs: repairs, clock: clock)
        try checkSegments()
        try checkOrphans()
        let head = expected ?? LogHead(nextBlock: 1, events: 0)
        isLive = isLive || (lock == nil && FolderLock.holder(folder).isHeld)
        for finding in try state?.check(
            head: head, oldest: oldestBlock, blocks: cursorBlocks, damage: damage, clock: clock) ?? []
        { report(finding) }
        summary.besideGateway = isLive
        summary.nextBlock = head.nextBlock
        summary.logEvents = head.events
        return summary
    }

    private var oldestBlock: Int64 = 1
    /// Whether a later version has written to this log: what it wrote is no damage.
    private var newestIsNewer = false

    private static func isNewer(_ path: String) -> Bool {
        do throws(LogError) {
            let connection = try SegmentConnection.anywhere(path)
            defer { connection.close() }
            _ = try connection.description()
            return false
        } catch {
            if case .newerFormat = error { return true }
            return false
        }
    }

    private func report(_ finding: CheckFinding) {
        var finding = finding
        if finding.severity == .problem {
            summary.problems += 1
            if finding.repair != nil { summary.repaired += 1 }
        } else {
            summary.notes += 1
        }
        if let file = finding.file, file.hasPrefix(folder.path + "/") {
            finding.file = String(file.dropFirst(folder.path.utf8.count + 1))
        }
        onFinding(finding)
    }

    // MARK: Segments

    private func checkSegments() throws(LogError) {
        let segments = try folder.segments()
        summary.progress.segmentsTotal = segments.count
        summary.progress.bytesTotal = segments.reduce(0) { $0 + (FileCalls.size($1.path) ?? 0) }
        oldestBlock = segments.first?.firstBlock ?? 1
        newestIsNewer = segments.last.map { LogChecker.isNewer($0.path) } ?? false
        let before = summary.progress
        for (index, segment) in segments.enumerated() {
            let next = index + 1 < segments.count ? segments[index + 1].firstBlock : nil
            try check(segment.firstBlock, segment.path, next: next)
            summary.progress.segments += 1
            summary.progress.bytes = segments[...index].reduce(before.bytes) { $0 + (FileCalls.size($1.path) ?? 0) }
            onProgress(summary.progress)
        }
    }

    /// - Parameter next: the first block of the segment behind it; nil for the newest.
    private func check(_ firstBlock: Int64, _ path: String, next: Int64?) throws(LogError) {
        // Behind it there are blocks: it had some, too, and the next start leaves it where it is.
        if next == nil, FileCalls.size(path) == 0, (FileCalls.size(path + "-wal") ?? 0) == 0 {
            report(
                CheckFinding(
                    .orphan, .note, file: path, "holds nothing; a crash left it, and the next start removes it"))
            return
        }
        var pass = SegmentPass(firstBlock: firstBlock, path: path, next: next)
        pass.carried = carried
        do throws(LogError) {
            let connection = try SegmentConnection.anywhere(path)
            defer { connection.close() }
            pass.description = try connection.description()
            if let found = pass.description, found.isHeaderDamaged {
                pass.findings.append(
                    CheckFinding(
                        .damagedHeader, file: path,
                        "its header says format \(found.headerFormat), its table segment says \(found.format)"))
                pass.hasDamagedHeader = true
            }
            let extent = try? connection.extent()
            pass.extentEnd = extent.map { LogHead(nextBlock: $0.lastBlock + 1, events: $0.endEvent) }
            if let found = pass.description?.firstBlock, found != firstBlock {
                pass.findings.append(
                    CheckFinding(
                        .wrongName, file: path,
                        "its first block is \(found), not \(firstBlock) as its name says"))
                pass.isBeyondUse = true
            } else if let extent, let next, extent.lastBlock >= next {
                pass.findings.append(
                    CheckFinding(
                        .overlap, file: path, blocks: next...extent.lastBlock,
                        "its blocks \(next) to \(extent.lastBlock) should be in the segment behind it"))
            }
            if extent == nil, !pass.isBeyondUse, let description = pass.description { begin(description, &pass) }
        } catch {
            // Retention took it meanwhile.
            if case .missing = error, !repairs { return }
            var isDamage = error.isDamage
            if case .newerFormat = error, next != nil, !newestIsNewer { isDamage = true }
            guard isDamage else { throw error }
            pass.findings.append(CheckFinding(.unreadableSegment, file: path, error.description))
            pass.isBeyondUse = true
        }
        if !pass.isBeyondUse { walk(&pass) }
        if !repairs, !FileCalls.exists(path) {
            // Retention took it while it was read.
            expected = nil
            return
        }
        // Rows can often be counted where their payload is damaged: no cursor is taken to be beyond them.
        if next == nil, !pass.bad.isEmpty, let end = pass.extentEnd, end.nextBlock > expected?.nextBlock ?? 0,
            end.events >= expected?.events ?? 0
        {
            pass.soundEnd = expected
            expected = end
        }
        if next == nil, pass.isBeyondUse, !repairs, let known = StateStore.furthest(path: folder.state),
            known.nextBlock > expected?.nextBlock ?? 0
        {
            // Where the log ends cannot be told; cursors say how far it came at least.
            expected = known
        }
        if repairs, pass.isDamaged { try repair(&pass) }
        carried = pass.damage
        finish(pass)
    }

    /// A segment without blocks says where the log goes on all the same.
    private func begin(_ description: SegmentDescription, _ pass: inout SegmentPass) {
        let start = LogHead(nextBlock: description.firstBlock, events: description.firstEvent)
        if let expected, expected.nextBlock < start.nextBlock { noteGap(expected, upTo: start, &pass) }
        expected = start
    }

    private func walk(_ pass: inout SegmentPass) {
        var found: [CheckFinding] = []
        let path = pass.path
        let end = pass.next ?? Int64.max
        let walk = SegmentWalk(path: path, received: Int64.min..<Int64.max) { part in
            found.append(SegmentPass.finding(part, path: path, end: end))
        }
        defer { walk.close() }
        // `body` never throws.
        _ = try? walk.ascend(pass.firstBlock..<end) { stored in
            pass.take(found)
            found = []
            judge(stored, &pass)
            return true
        }
        pass.take(found)
    }

    private func judge(_ stored: StoredBlock, _ pass: inout SegmentPass) {
        let wanted = state?.wantsBlock(stored.number) == true
        if wanted { cursorBlocks[stored.number] = (stored.firstEvent, stored.eventCount) }
        do throws(BlockDamage) {
            _ = try decoder.decode(stored)
        } catch {
            pass.findings.append(
                CheckFinding(
                    .damagedBlock, file: pass.path, blocks: stored.number...stored.number,
                    events: Int64(max(0, stored.eventCount)), "\(error.label)"))
            pass.bad.append(stored.number...stored.number)
            return
        }
        pass.good += 1
        pass.goodEvents += Int64(stored.eventCount)
        summary.progress.blocks += 1
        summary.progress.events += Int64(stored.eventCount)
        follow(stored, &pass)
        if summary.progress.blocks % 256 == 0 { onProgress(summary.progress) }
    }

    /// Checks that a sound block goes on where the one before it ended.
    private func follow(_ stored: StoredBlock, _ pass: inout SegmentPass) {
        defer {
            expected = LogHead(
                nextBlock: stored.number + 1, events: stored.firstEvent + Int64(stored.eventCount))
        }
        guard let expected else { return }
        if stored.number == expected.nextBlock {
            if stored.firstEvent != expected.events {
                pass.findings.append(
                    CheckFinding(
                        .wrongSum, file: pass.path, blocks: stored.number...stored.number,
                        "says that \(stored.firstEvent) events are before it; there are \(expected.events)"))
            }
            return
        }
        guard stored.number > expected.nextBlock else { return }  // named as an overlap
        noteGap(expected, upTo: LogHead(nextBlock: stored.number, events: stored.firstEvent), &pass)
    }

    /// What lies between two sound blocks is damaged and named, known from earlier, or missing.
    private func noteGap(_ from: LogHead, upTo to: LogHead, _ pass: inout SegmentPass) {
        let gap = from.nextBlock...(to.nextBlock - 1)
        let events = max(0, to.events - from.events)
        if to.events < from.events {
            pass.findings.append(
                CheckFinding(
                    .wrongSum, file: pass.path, blocks: to.nextBlock...to.nextBlock,
                    "says that \(to.events) events are before it; there are at least \(from.events)"))
        }
        let own = pass.bad.contains { $0.overlaps(gap) }
        if let named = pass.carried.first(where: { $0.blocks.overlaps(gap) }) ?? (own ? (gap, pass.path) : nil) {
            pass.lost.append(
                QuarantinedBlocks(
                    firstBlock: gap.lowerBound, lastBlock: gap.upperBound, events: Int(events),
                    reason: LogChecker.damageReason, segment: FileCalls.name(of: named.path),
                    foundMilliseconds: clock.wallMilliseconds()))
            return
        }
        if let known = state?.quarantined(gap) {
            pass.findings.append(
                CheckFinding(
                    .quarantined, .note, file: known.segment.isEmpty ? nil : known.segment, blocks: gap,
                    events: events, known.reason))
            return
        }
        pass.findings.append(
            CheckFinding(
                .gap, file: pass.path, blocks: gap, events: events,
                "blocks \(gap.lowerBound) to \(gap.upperBound) (\(events) events) are in no segment"))
        pass.lost.append(
            QuarantinedBlocks(
                firstBlock: gap.lowerBound, lastBlock: gap.upperBound, events: Int(events),
                reason: "in no segment", segment: "", foundMilliseconds: clock.wallMilliseconds()))
    }

    static let damageReason = "damaged"

    /// Damage of the segment before: at its end it is bounded only by what comes behind.
    private var carried: [(blocks: ClosedRange<Int64>, path: String)] = []

    private func finish(_ pass: SegmentPass) {
        damage += pass.lost
        let isRecordable = repairs && state?.isUsable == true
        for var finding in pass.findings {
            if finding.repair == nil, repairs {
                switch finding.kind {
                case .gap where isRecordable: finding.repair = "recorded in the state file's table quarantine"
                case .damagedBlock, .unreadableSegment, .damagedHeader, .wrongName, .wrongSum:
                    finding.repair = pass.repair
                default: break
                }
            }
            report(finding)
        }
    }

    // MARK: Repair

    private func repair(_ pass: inout SegmentPass) throws(LogError) {
        let salvage = SegmentSalvage(folder: folder, clock: clock, writtenBy: writtenBy)
        let result = try salvage.replace(pass, before: expectedBefore(pass))
        pass.repair = result.description
        pass.damagedPath = result.aside
        if let head = result.head {
            // The newest: the log goes on behind what was lost.
            let start = pass.soundEnd ?? expected ?? LogHead(nextBlock: pass.firstBlock, events: 0)
            if head.nextBlock > start.nextBlock {
                pass.lost.append(
                    QuarantinedBlocks(
                        firstBlock: start.nextBlock, lastBlock: head.nextBlock - 1,
                        events: Int(max(0, head.events - start.events)), reason: LogChecker.damageReason,
                        segment: FileCalls.name(of: result.aside), foundMilliseconds: clock.wallMilliseconds()))
            }
            expected = head
        }
        let name = FileCalls.name(of: pass.path)
        for index in pass.lost.indices where pass.lost[index].segment == name {
            pass.lost[index].segment = FileCalls.name(of: result.aside)
        }
    }

    private func expectedBefore(_ pass: SegmentPass) -> LogHead {
        LogHead(
            nextBlock: pass.firstBlock,
            events: pass.description?.firstEvent ?? expected?.events ?? 0)
    }

    // MARK: Orphans

    private func checkOrphans() throws(LogError) {
        let names = try folder.names().sorted()
        let all = Set(names)
        for name in names {
            let path = folder.log + "/" + name
            if name.contains(".damaged-") {
                report(CheckFinding(.setAside, .note, file: path, "was set aside earlier; it may be moved away"))
            } else if name.contains(".sqlite.creating") {
                // Beside a gateway it may be the next segment.
                guard !isLive else { continue }
                report(
                    CheckFinding(
                        .orphan, .note, file: path, "a segment that was never finished; the next start removes it"))
            } else if let suffix = ["-wal", "-shm", "-journal"].first(where: { name.hasSuffix($0) }),
                !all.contains(String(name.dropLast(suffix.count)))
            {
                guard !isLive else { continue }
                var finding = CheckFinding(
                    .orphan, file: path, "belongs to a segment that is not there; it may hold its newest blocks")
                if repairs { finding.repair = try setAside(path) }
                report(finding)
            }
        }
    }

    private func setAside(_ path: String) throws(LogError) -> String {
        let aside = path + ".damaged-\(clock.wallMilliseconds())"
        try FileCalls.rename(path, to: aside)
        try FileCalls.syncFolder(folder.log)
        return "renamed to \(FileCalls.name(of: aside))"
    }
}

extension LogError {
    /// Whether the file itself is at fault, and not who reads it.
    var isDamage: Bool {
        switch self {
        case .damaged, .foreignFile, .failed: true
        default: false
        }
    }
}
