import Foundation
import GRDB
import SluiceCore
import Synchronization
import Testing

@testable import SluiceLog

@Suite struct StateStoreTests {
    private func cursor(_ name: String, block: Int64, index: Int = 3) -> SluiceCore.Cursor {
        var counts = OutcomeCounts()
        counts.delivered = 1
        counts.rejected = 2
        counts.parked = 3
        counts.expired = 4
        counts.filtered = 5
        return SluiceCore.Cursor(
            destination: name, position: EventSequence(block: block, index: index), startEvent: 17,
            counts: counts)
    }

    private func exception(_ name: String, _ sequence: EventSequence, reason: String) -> ExceptionalOutcome {
        ExceptionalOutcome(
            destination: name, sequence: sequence, eventID: "id'\"", outcome: .rejected, status: 422,
            reason: reason, attempts: 2, firstAttemptMilliseconds: 5, lastAttemptMilliseconds: 9,
            url: "https://example.test/")
    }

    private func rows(_ path: String) throws -> [String] {
        let queue = try DatabaseQueue(path: path)
        defer { try? queue.close() }
        return try queue.read { database in
            try String.fetchAll(
                database,
                sql: """
                    SELECT destination || ' ' || block || '.' || event_index || ' ' || event_id || ' '
                        || outcome || ' ' || status || ' ' || reason || ' ' || attempts || ' '
                        || first_attempt || ' ' || last_attempt || ' ' || url
                    FROM exceptional_outcome ORDER BY destination, block, event_index
                    """)
        }
    }

    @Test func keepsCursorsAndOutcomes() throws {
        let folder = TemporaryFolder()
        let path = folder.file("state.sqlite")
        do {
            let store = try StateStore(path: path)
            #expect(try store.cursor(of: "topsort") == nil)
            try store.save(DeliveryChange(cursors: [cursor("topsort", block: 4), cursor("hook", block: 9)]))
            try store.save(
                DeliveryChange(
                    cursors: [cursor("topsort", block: 5)],
                    exceptions: [
                        exception("topsort", EventSequence(block: 4, index: 1), reason: "first"),
                        exception("topsort", EventSequence(block: 4, index: 2), reason: "other"),
                        exception("topsort", EventSequence(block: 4, index: 1), reason: "replaced"),
                    ]))
        }
        let store = try StateStore(path: path)
        #expect(try store.cursor(of: "topsort") == cursor("topsort", block: 5))
        #expect(try store.cursor(of: "hook") == cursor("hook", block: 9))
        #expect(
            try rows(path) == [
                "topsort 4.1 id'\" rejected 422 replaced 2 5 9 https://example.test/",
                "topsort 4.2 id'\" rejected 422 other 2 5 9 https://example.test/",
            ])
    }

    @Test func savesAllOrNothing() throws {
        let folder = TemporaryFolder()
        let path = folder.file("state.sqlite")
        let store = try StateStore(path: path)
        try store.save(DeliveryChange(cursors: [cursor("a", block: 1)]))
        let other = try DatabaseQueue(path: path)
        try other.write {
            try $0.execute(
                sql: """
                    CREATE TRIGGER refuse BEFORE INSERT ON exceptional_outcome WHEN NEW.reason = 'bad'
                    BEGIN SELECT RAISE(ABORT, 'refused'); END
                    """)
        }
        try other.close()
        #expect(throws: DeliveryStateError.self) {
            try store.save(
                DeliveryChange(
                    cursors: [cursor("a", block: 2)],
                    exceptions: [
                        exception("a", EventSequence(block: 1, index: 0), reason: "good"),
                        exception("a", EventSequence(block: 1, index: 1), reason: "bad"),
                    ]))
        }
        #expect(try store.cursor(of: "a") == cursor("a", block: 1))
        #expect(try rows(path) == [])
    }

    @Test func survivesACrash() throws {
        let folder = TemporaryFolder()
        let store = try StateStore(path: folder.file("state.sqlite"))
        try store.save(DeliveryChange(cursors: [cursor("a", block: 7)]))
        try runProgram(["sh", "-c", "mkdir c; cp state.sqlite state.sqlite-wal c"], folder: folder.path)
        let copy = try StateStore(path: folder.file("c/state.sqlite"))
        #expect(try copy.cursor(of: "a") == cursor("a", block: 7))
        _ = store
    }

    @Test func replacesADamagedFileThatNobodyLookedAt() throws {
        let folder = TemporaryFolder()
        let path = folder.file("state.sqlite")
        try Data("not a database, but long enough to be looked at".utf8).write(to: URL(fileURLWithPath: path))
        let incidents = Mutex<[LogIncident]>([])
        let store = try StateStore(
            path: path, surroundings: .init(onIncident: { incident in incidents.withLock { $0.append(incident) } }))
        guard case .stateReplaced(path, let aside, _, hasCursors: false, _)? = incidents.withLock({ $0 }).first else {
            Issue.record("nothing was said")
            return
        }
        #expect(FileCalls.exists(aside) && store.saysCursorsWereLost)
    }

    @Test func refusesAForeignFile() throws {
        let folder = TemporaryFolder()
        let path = folder.file("state.sqlite")
        try runProgram(["sqlite3", path, "CREATE TABLE t (x)"])
        #expect(throws: LogError.foreignFile(path: path)) { try StateStore(path: path) }
    }

    @Test func refusesANewerSchema() throws {
        let folder = TemporaryFolder()
        let path = folder.file("state.sqlite")
        _ = try StateStore(path: path)
        try runProgram(["sqlite3", path, "INSERT INTO grdb_migrations VALUES ('99 something later')"])
        #expect {
            try StateStore(path: path)
        } throws: { error in
            guard case .newerFormat(path, let found, let supported)? = error as? LogError else { return false }
            return found == supported + 1
        }
    }

    // MARK: Upkeep

    @Test func forgetsWhatTheLogGaveUpALittleAtATime() throws {
        let folder = TemporaryFolder()
        let path = folder.file("state.sqlite")
        let quarantine = Quarantine()
        let oldest = Atomic<Int64>(0)
        let removed = Atomic<Int64>(0)
        let store = try StateStore(
            path: path,
            surroundings: .init(
                quarantine: quarantine, removedBlocks: { removed.load(ordering: .relaxed) },
                oldestBlock: { oldest.load(ordering: .relaxed) }))
        let rowsPerDestination = StateStore.pruneMax
        for name in ["a", "b"] {
            try store.save(
                cursors: [],
                exceptions: (0..<rowsPerDestination).map {
                    exception(name, EventSequence(block: Int64($0 % 10), index: $0), reason: "r")
                })
        }
        quarantine.note(damage(3...3))
        quarantine.note(damage(8...9))
        let isAny = try store.upkeep()
        #expect(!isAny, "nothing was given up")
        #expect(try rows(path).count == 2 * rowsPerDestination)
        oldest.store(9, ordering: .relaxed)
        let isMore = try store.upkeep()
        #expect(isMore, "there is more than one call may remove")
        #expect(try rows(path).count == rowsPerDestination)
        var calls = 1
        while try store.upkeep() { calls += 1 }
        #expect(calls <= 3)
        #expect(try rows(path).allSatisfy { $0.contains(" 9.") })
        #expect(try rows(path).count == 2 * rowsPerDestination / 10)
        #expect(quarantine.blocks.map(\.firstBlock) == [3, 8], "the log begins later, and nobody gave up the rest")
        removed.store(9, ordering: .relaxed)
        _ = try store.upkeep()
        #expect(quarantine.blocks.map(\.firstBlock) == [8])
        #expect(try saved(path).map(\.firstBlock) == [8])
    }

    private func damage(_ blocks: ClosedRange<Int64>) -> QuarantinedBlocks {
        QuarantinedBlocks(
            firstBlock: blocks.lowerBound, lastBlock: blocks.upperBound, events: 40, reason: "checksum",
            segment: "000000000001.sqlite", foundMilliseconds: 77)
    }

    private func saved(_ path: String) throws -> [QuarantinedBlocks] {
        let queue = try DatabaseQueue(path: path)
        defer { try? queue.close() }
        return try queue.read(StateStore.quarantined)
    }

    @Test func savesDamageWithTheCursors() throws {
        let folder = TemporaryFolder()
        let path = folder.file("state.sqlite")
        let quarantine = Quarantine()
        let store = try StateStore(path: path, surroundings: .init(quarantine: quarantine))
        quarantine.note(damage(3...3))
        quarantine.note(damage(3...3))
        #expect(try saved(path) == [])
        try store.save(cursors: [cursor("a", block: 4)], exceptions: [])
        #expect(try saved(path) == [damage(3...3)])
        #expect(quarantine.unsaved.isEmpty)
        quarantine.note(damage(1...9))
        #expect(quarantine.blocks == [damage(1...9)], "a stretch takes in what was found of it")
        _ = try store.upkeep()
        let again = Quarantine()
        _ = try StateStore(path: path, surroundings: .init(quarantine: again))
        #expect(again.blocks(from: 1) == damage(1...9))
    }

    /// Bits flip in a page that is only looked at when rows are added.
    @Test func replacesAFileThatTurnsOutToBeDamaged() throws {
        let folder = TemporaryFolder()
        let path = folder.file("state.sqlite")
        let incidents = Mutex<[LogIncident]>([])
        do {
            let store = try StateStore(path: path)
            try store.save(
                cursors: [cursor("a", block: 7), cursor("b", block: 9)],
                exceptions: (0..<2000).map {
                    exception("a", EventSequence(block: 1, index: $0), reason: "a reason of some length \($0)")
                })
        }
        try damageExceptionalOutcomes(path)
        let store = try StateStore(
            path: path, surroundings: .init(onIncident: { incident in incidents.withLock { $0.append(incident) } }))
        #expect(try store.cursor(of: "a") == cursor("a", block: 7))
        #expect(try store.cursor(of: "b") == cursor("b", block: 9))
        let reader = try StateReader(path: path)
        try store.save(
            cursors: [cursor("a", block: 8)],
            exceptions: (0..<200).map { exception("a", EventSequence(block: 1, index: $0 * 10), reason: "again") })
        guard case .stateReplaced(path, let aside, _, _, _)? = incidents.withLock({ $0 }).first else {
            Issue.record("nothing was said")
            return
        }
        #expect(FileCalls.exists(aside))
        #expect(try store.cursor(of: "a") == cursor("a", block: 8))
        #expect(try store.cursor(of: "b") == cursor("b", block: 9), "no cursor is lost")
        #expect(try rows(path).count == 200)
        let standings = try reader.standings(at: EventSequence(block: 1, index: 0))
        #expect(standings["a"]?.position.block == 8, "readers follow")
    }

    enum Loss: CaseIterable { case removed, replaced, overwritten, emptied }

    /// What is known is put back, and all that was saved where it can still be read.
    @Test(arguments: Loss.allCases) func noticesThatItsFileWasTakenAway(_ loss: Loss) throws {
        let folder = TemporaryFolder()
        let path = folder.file("state.sqlite")
        let incidents = Mutex<[LogIncident]>([])
        let store = try StateStore(
            path: path, surroundings: .init(onIncident: { incident in incidents.withLock { $0.append(incident) } }))
        try store.save(
            cursors: [cursor("a", block: 7)],
            exceptions: [exception("a", EventSequence(block: 1, index: 0), reason: "r")])
        try store.settleCursors()
        let refusals = store.makeRefusalStore()
        try store.lookAfterFile()
        #expect(incidents.withLock { $0.isEmpty })
        switch loss {
        case .removed: for suffix in ["", "-wal", "-shm"] { try FileCalls.remove(path + suffix) }
        case .replaced:
            try runProgram(["sh", "-c", "cp state.sqlite other; mv other state.sqlite"], folder: folder.path)
        case .overwritten:
            try runProgram(["dd", "if=/dev/zero", "of=\(path)", "bs=4096", "count=1", "conv=notrunc"])
        case .emptied: try runProgram(["truncate", "-s", "0", path])
        }
        try store.save(DeliveryChange(cursors: [cursor("b", block: 9)]))
        #expect(incidents.withLock { $0.count } == 1)
        try store.lookAfterFile()
        try store.finish()
        #expect(incidents.withLock { $0.count } == 1)
        #expect(try StateFile(path: path).examine() == .sound)
        _ = try refusals.newest(1)
        let reader = try StateReader(path: path)
        #expect(try reader.destinations() == ["a", "b"])
        if loss == .removed { #expect(try rows(path).count == 1) }
    }

    /// Damage that was not noticed is put right while the cursors are still known.
    @Test func leavesASoundFile() throws {
        let folder = TemporaryFolder()
        let path = folder.file("state.sqlite")
        let store = try StateStore(path: path)
        try store.save(DeliveryChange(cursors: [cursor("a", block: 7)]))
        try store.settleCursors()
        let page = try store.queue.inDatabase { database in
            _ = try Row.fetchAll(database, sql: "PRAGMA wal_checkpoint(TRUNCATE)")
            return try Int.fetchOne(database, sql: "SELECT rootpage FROM sqlite_master WHERE name = 'cursor'")
        }
        try runProgram([
            "dd", "if=/dev/urandom", "of=\(path)", "bs=4096", "count=1", "conv=notrunc",
            "seek=\(try #require(page) - 1)",
        ])
        try store.finish()
        #expect(try StateFile(path: path).examine() == .sound)
        #expect(try StateStore(path: path).cursor(of: "a") == cursor("a", block: 7))
    }

    /// Overwrites every page of the table and its index but their roots.
    private func damageExceptionalOutcomes(_ path: String) throws {
        let queue = try DatabaseQueue(path: path)
        let (pages, size) = try queue.inDatabase { database in
            _ = try Row.fetchAll(database, sql: "PRAGMA wal_checkpoint(TRUNCATE)")
            return (
                try Int.fetchAll(
                    database,
                    sql: """
                        SELECT pageno FROM dbstat WHERE name LIKE '%exceptional_outcome%' AND path LIKE '/%/%'
                        """),
                try Int.fetchOne(database, sql: "PRAGMA page_size") ?? 0
            )
        }
        try queue.close()
        try #require(!pages.isEmpty)
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        for page in pages {
            try file.seek(toOffset: UInt64((page - 1) * size))
            try file.write(contentsOf: Data(repeating: 0xEE, count: size))
        }
        try file.close()
    }
}
