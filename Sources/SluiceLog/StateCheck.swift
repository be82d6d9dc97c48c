import GRDB
import SluiceCore

/// The state file's part of a check. What it says is read before the log is, because the log only grows.
final class StateCheck {
    private let folder: DataFolder
    private let repairs: Bool
    private var findings: [CheckFinding] = []
    private var cursors: [SluiceCore.Cursor] = []
    private var known: [QuarantinedBlocks] = []
    /// Whether rows can be added to it.
    private(set) var isUsable = false

    init(_ folder: DataFolder, repairs: Bool, clock: LogClock) throws(LogError) {
        self.folder = folder
        self.repairs = repairs
        let path = folder.state
        if repairs { try StateFile(path: path).finishSalvage(nowMilliseconds: clock.wallMilliseconds()) }
        guard FileCalls.exists(path) else {
            findings.append(
                CheckFinding(
                    .stateMissing, .note, file: path,
                    "there is none: with events in the log, the next start sends all that is retained again"))
            return
        }
        guard FileCalls.size(path) != 0 else {
            var finding = CheckFinding(
                .stateDamaged, file: path,
                "it is there and holds nothing: with events in the log, the next start sends all that is retained again"
            )
            if repairs {
                let aside = try StateFile(path: path).setAside(nowMilliseconds: clock.wallMilliseconds())
                finding.repair = "renamed to \(FileCalls.name(of: aside)); the next start makes a new one"
            }
            findings.append(finding)
            return
        }
        do throws(LogError) {
            try aboutFile(path) { try read(path) }
        } catch {
            switch error {
            case .damaged, .foreignFile:
                var finding = CheckFinding(.stateDamaged, file: path, error.description)
                if repairs, case .damaged = error {
                    let result = try StateSalvage(path: path).run(nowMilliseconds: clock.wallMilliseconds())
                    finding.repair = StateCheck.text(result)
                    if result.isReplaced {
                        cursors = []
                        known = []
                        try aboutFile(path) { try read(path) }
                    }
                }
                findings.append(finding)
            case .newerFormat:
                findings.append(CheckFinding(.stateNewer, file: path, error.description))
            default: throw error
            }
        }
    }

    private func read(_ path: String) throws {
        let header = try FileCalls.head(path, count: 20)
        let queue = try StateFile.openToLook(path)
        defer { try? queue.close() }
        try queue.inDatabase { database in
            // As a start looks at it.
            guard try StateFile(path: path).condition(database, header: header) != .missing else {
                throw LogError.damaged(path: path, reason: "it holds no tables")
            }
            let tables = try String.fetchSet(database, sql: "SELECT name FROM sqlite_master WHERE type = 'table'")
            if try StateStore.migrator.hasBeenSuperseded(database) {
                throw LogError.newerFormat(
                    path: path, found: try StateStore.migrator.appliedIdentifiers(database).count,
                    supported: StateStore.migrator.migrations.count)
            }
            let check = try String.fetchAll(database, sql: "PRAGMA integrity_check(10)")
            guard check == ["ok"] else {
                throw LogError.damaged(path: path, reason: check.joined(separator: "; "))
            }
            for name in try String.fetchAll(database, sql: "SELECT destination FROM cursor ORDER BY destination") {
                if let cursor = try StateStore.readCursor(of: name, in: database, path: path) {
                    cursors.append(cursor)
                }
            }
            if tables.contains("quarantine") { known = try StateStore.quarantined(database) }
        }
        isUsable = true
    }

    private static func text(_ result: StateSalvage.Result) -> String {
        let aside = "the damaged file is \(FileCalls.name(of: result.aside))"
        guard result.isReplaced else {
            return "\(aside); nothing of it could be read, and the next start sends all that is retained again"
        }
        let cursors =
            result.hasCursors
            ? "every cursor" : "not every cursor: destinations without one begin again at the oldest block there is"
        return "\(aside); what could be read is in a new one: \(cursors); \(result.summary)"
    }

    /// Whether a cursor stands in the block.
    func wantsBlock(_ number: Int64) -> Bool { cursors.contains { $0.position.block == number } }

    /// What is known of a gap: that all of it was quarantined earlier.
    func quarantined(_ gap: ClosedRange<Int64>) -> QuarantinedBlocks? {
        let parts = known.filter { $0.firstBlock <= gap.upperBound && $0.lastBlock >= gap.lowerBound }
            .sorted { $0.firstBlock < $1.firstBlock }
        var next = gap.lowerBound
        for part in parts where part.firstBlock <= next { next = max(next, part.lastBlock + 1) }
        return next > gap.upperBound ? parts.first : nil
    }

    // MARK: Beside the log

    /// Compares with the log, repairs where asked, and answers with what was found.
    ///
    /// - Parameters:
    ///   - head: where the log ends.
    ///   - oldest: the oldest block retained.
    ///   - blocks: the blocks that cursors stand in, as far as they can be read.
    ///   - damage: to be recorded.
    func check(
        head: LogHead, oldest: Int64, blocks: [Int64: (firstEvent: Int64, events: Int)],
        damage: [QuarantinedBlocks], clock: LogClock
    ) throws(LogError) -> [CheckFinding] {
        let path = folder.state
        guard isUsable else {
            // Not replaced by a new one: that there is none tells the next start that cursors were lost.
            if repairs,
                let index = findings.firstIndex(where: { $0.kind == .stateDamaged && $0.repair == nil })
            {
                let aside = try StateFile(path: path).setAside(nowMilliseconds: clock.wallMilliseconds())
                findings[index].repair =
                    "renamed to \(FileCalls.name(of: aside)); the next start sends all that is retained again"
            }
            return findings
        }
        var mended: [SluiceCore.Cursor] = []
        for cursor in cursors { judge(cursor, head, blocks, damage, &mended) }
        let beyond = try outcomes("block >= ?", head.nextBlock)
        if beyond > 0 {
            findings.append(
                CheckFinding(
                    .outcomesBeyondHead, file: path, events: beyond,
                    "\(beyond) outcomes are of events behind block \(head.nextBlock - 1), the log's last"))
        }
        let outdated = try outcomes("block < ?", oldest)
        if outdated > 0 {
            findings.append(
                CheckFinding(
                    .outcomesOutdated, .note, file: path, events: outdated,
                    "\(outdated) outcomes are of events that were given up; the gateway removes them in time"))
        }
        guard repairs, !mended.isEmpty || beyond > 0 || !damage.isEmpty else { return findings }
        let copy = path + ".before-fsck-\(clock.wallMilliseconds())"
        try write(mended, damage, beyond: head.nextBlock, copy: copy)
        for index in findings.indices where findings[index].severity == .problem && findings[index].repair == nil {
            findings[index].repair = "corrected; the file as it was is \(FileCalls.name(of: copy))"
        }
        return findings
    }

    private func judge(
        _ cursor: SluiceCore.Cursor, _ head: LogHead, _ blocks: [Int64: (firstEvent: Int64, events: Int)],
        _ damage: [QuarantinedBlocks], _ mended: inout [SluiceCore.Cursor]
    ) {
        let name = cursor.destination
        let counted = cursor.startEvent + cursor.counts.total
        if cursor.position > EventSequence(block: head.nextBlock, index: 0) || counted > head.events {
            findings.append(
                CheckFinding(
                    .cursorBeyondHead, file: folder.state, destination: name,
                    "the cursor of \(name) is at \(cursor.position), after \(counted) events; the log ends at"
                        + " \(head.nextBlock).0, after \(head.events)"))
            // As the gateway does: the books of another log's events end here.
            mended.append(
                Cursor(
                    destination: name, position: EventSequence(block: head.nextBlock, index: 0),
                    startEvent: head.events, counts: OutcomeCounts()))
            return
        }
        let number = cursor.position.block
        let lost = damage + known
        if let stretch = lost.first(where: { $0.firstBlock <= number && number <= $0.lastBlock }) {
            findings.append(
                CheckFinding(
                    .cursorInDamage, .note, file: folder.state, blocks: stretch.firstBlock...stretch.lastBlock,
                    destination: name,
                    "the cursor of \(name) is at \(cursor.position), in blocks that cannot be read: they become"
                        + " expired there"))
            return
        }
        var expected: Int64?
        if let block = blocks[number] {
            expected = block.firstEvent + Int64(min(cursor.position.index, block.events))
        } else if number == head.nextBlock {
            expected = head.events
        }
        guard let expected, expected != counted else { return }
        findings.append(
            CheckFinding(
                .cursorCounts, file: folder.state, destination: name,
                "the cursor of \(name) at \(cursor.position) counts \(counted) events; the log has \(expected)"
                    + " before it"))
        var right = cursor
        right.startEvent = expected - cursor.counts.total
        if right.startEvent < 0 {
            // More outcomes than there were events: nothing of these books can be right.
            right.startEvent = expected
            right.counts = OutcomeCounts()
        }
        mended.append(right)
    }

    private func outcomes(_ condition: String, _ block: Int64) throws(LogError) -> Int64 {
        try aboutFile(folder.state) {
            var settings = Configuration()
            settings.readonly = true
            settings.busyMode = .timeout(2)
            let queue = try DatabaseQueue(path: folder.state, configuration: settings)
            defer { try? queue.close() }
            return try queue.inDatabase { database in
                try Int64.fetchOne(
                    database, sql: "SELECT count(*) FROM exceptional_outcome WHERE \(condition)",
                    arguments: [block]) ?? 0
            }
        }
    }

    private func write(
        _ mended: [SluiceCore.Cursor], _ damage: [QuarantinedBlocks], beyond: Int64, copy: String
    ) throws(LogError) {
        try aboutFile(folder.state) {
            let queue = try StateStore.open(folder.state)
            defer { try? queue.close() }
            let backup = try DatabaseQueue(path: copy)
            try queue.backup(to: backup)
            try backup.close()
            try queue.inDatabase { database in
                try database.inTransaction(.immediate) {
                    try StateStore.insert(mended, into: database)
                    try StateStore.insert(damage, into: database)
                    try database.execute(
                        sql: "DELETE FROM exceptional_outcome WHERE block >= ?", arguments: [beyond])
                    return .commit
                }
            }
        }
        try FileCalls.syncFile(copy)
    }
}
