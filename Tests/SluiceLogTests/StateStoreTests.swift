import Foundation
import GRDB
import SluiceCore
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

    @Test func namesADamagedFile() throws {
        let folder = TemporaryFolder()
        let path = folder.file("state.sqlite")
        try Data("not a database, but long enough to be looked at".utf8).write(to: URL(fileURLWithPath: path))
        #expect {
            try StateStore(path: path)
        } throws: { error in
            guard case .damaged(path, _)? = error as? LogError else { return false }
            return "\(error)".contains(path)
        }
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
}
