import Foundation
import GRDB
import SluiceCore
import Testing

@testable import SluiceLog

@Suite struct StateSalvageTests {
    private let names = (0..<3).map { "destination-\($0)" }

    /// A log of nine blocks with forty events each, and a state file with something in each of its large tables.
    private func make() throws -> TemporaryFolder {
        let folder = try DamagedLog.make()
        let log = try EventLog.open(folder: folder.file("data"))
        let state = try log.makeDeliveryState()
        var change = DeliveryChange()
        for name in names {
            var counts = OutcomeCounts()
            counts.delivered = 320
            change.cursors.append(
                Cursor(
                    destination: name, position: EventSequence(block: 9, index: 0), startEvent: 0, counts: counts))
            for block in 1...8 {
                for index in 0..<40 {
                    let place = EventSequence(block: Int64(block), index: index)
                    var run = BlockOutcome(
                        destination: name, first: place, lastBlock: place.block,
                        firstEvent: Int64(block - 1) * 40 + Int64(index), hour: 0)
                    run.counts.delivered = 1
                    change.blocks.append(run)
                    change.exceptions.append(
                        ExceptionalOutcome(
                            destination: name, sequence: place, eventID: "\(block).\(index)", outcome: .delivered,
                            status: 200, reason: String(repeating: "r", count: 80), attempts: 1,
                            firstAttemptMilliseconds: 1, lastAttemptMilliseconds: 1, url: "https://example.test"))
                }
            }
        }
        try state.save(change)
        try state.settleCursors()
        log.close()
        return folder
    }

    private func destroyLeaf(of table: String, _ path: String) throws {
        let queue = try DatabaseQueue(path: path)
        _ = try queue.inDatabase { try $0.checkpoint(.truncate) }
        let page = try queue.read {
            try Int.fetchOne(
                $0,
                sql: """
                    SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf' ORDER BY path LIMIT 1
                    OFFSET (SELECT count(*) / 2 FROM dbstat WHERE name = ? AND pagetype = 'leaf')
                    """, arguments: [table, table])
        }
        try queue.close()
        try DamagedLog.overwrite(path, at: UInt64((try #require(page) - 1) * 4096), count: 4096)
    }

    private func count(_ table: String, _ path: String) throws -> Int {
        let queue = try DatabaseQueue(path: path)
        defer { try? queue.close() }
        return try queue.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM \(table)") ?? 0 }
    }

    /// Nothing but rows of the damaged table is lost, and of these only what was on the damaged page.
    @Test(arguments: ["exceptional_outcome", "block_outcome"], [true, false])
    func keepsWhatCanBeRead(_ table: String, byCheck: Bool) throws {
        let folder = try make()
        let path = folder.file("data/state.sqlite")
        try destroyLeaf(of: table, path)
        if byCheck {
            var findings: [CheckFinding] = []
            let found = LogChecker(folder: folder.file("data"), onFinding: { findings.append($0) })
            #expect(try found.run().problems == 1)
            let checker = LogChecker(folder: folder.file("data"), repairs: true, onFinding: { findings.append($0) })
            let summary = try checker.run()
            #expect(summary.problems == 1 && summary.repaired == 1)
            let repair = try #require(findings.last { $0.kind == .stateDamaged }?.repair)
            #expect(repair.contains("every cursor") && repair.contains(table), "\(repair)")
        }
        let log = try EventLog.open(folder: folder.file("data"))
        #expect(!log.stateWasLost)
        if byCheck {
            #expect(log.notices.isEmpty)
        } else {
            guard case .stateSalvaged(path, let aside, _, hasCursors: true, let lost)? = log.notices.last else {
                Issue.record("\(log.notices)")
                return
            }
            #expect(FileCalls.exists(aside) && lost.contains(table))
            #expect(StateSalvage.tables.filter { lost.contains("\($0) (") } == [table])
        }
        let state = try log.makeDeliveryState()
        for name in names { #expect(try state.cursor(of: name)?.counts.delivered == 320) }
        log.close()
        let kept = try count(table, path)
        #expect(kept > 100 && kept < 960, "\(kept)")
        let other = table == "block_outcome" ? "exceptional_outcome" : "block_outcome"
        #expect(try count(other, path) == 960)
        // What is missing is made up for: sums and cursors agree, event by event.
        let queue = try DatabaseQueue(path: path)
        let sums = try queue.read {
            try Int.fetchAll($0, sql: "SELECT sum(delivered) FROM block_outcome GROUP BY destination")
        }
        #expect(sums == [320, 320, 320])
        #expect(try queue.read { try String.fetchAll($0, sql: "PRAGMA integrity_check") } == ["ok"])
        try queue.close()
    }

    /// Whoever lost its cursor begins again at the oldest block; the others go on.
    @Test func saysThatCursorsWereLost() throws {
        let folder = try make()
        let path = folder.file("data/state.sqlite")
        try runProgram(["sqlite3", path, "UPDATE cursor SET delivered = 'x' WHERE destination = 'destination-1'"])
        let log = try EventLog.open(folder: folder.file("data"))
        #expect(log.stateWasLost)
        guard case .stateSalvaged(_, _, _, hasCursors: false, _)? = log.notices.last else {
            Issue.record("\(log.notices)")
            return
        }
        #expect("\(log.notices)".contains("NOT EVERY CURSOR"))
        let state = try log.makeDeliveryState()
        #expect(try state.cursor(of: "destination-0")?.position == EventSequence(block: 9, index: 0))
        #expect(try state.cursor(of: "destination-1") == nil)
        log.close()
        #expect(try count("block_outcome", path) == 640, "its books begin anew")
        let still = try EventLog.open(folder: folder.file("data"))
        #expect(still.stateWasLost, "it has no cursor yet")
        try still.makeDeliveryState().settleCursors()
        still.close()
        let again = try EventLog.open(folder: folder.file("data"))
        #expect(!again.stateWasLost && again.notices.isEmpty)
        again.close()
    }

    private func flip(_ path: String, at offset: Int, bits: UInt8 = 0x40) throws {
        for suffix in ["-wal", "-shm"] { try? FileManager.default.removeItem(atPath: path + suffix) }
        var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
        bytes[offset] ^= bits
        try Data(bytes).write(to: URL(fileURLWithPath: path))
    }

    private func checkpoint(_ path: String) throws {
        let queue = try DatabaseQueue(path: path)
        _ = try queue.inDatabase { try $0.checkpoint(.truncate) }
        try queue.close()
    }

    enum Damage: CaseIterable { case applicationID, writeVersion, migrations, schema }

    /// Wherever the damage is, cursors that can be read are kept, by a start as by a repair.
    @Test(arguments: Damage.allCases, [true, false]) func keepsCursors(_ damage: Damage, byCheck: Bool) throws {
        let folder = try make()
        let path = folder.file("data/state.sqlite")
        try checkpoint(path)
        switch damage {
        case .applicationID: try flip(path, at: 68)
        case .writeVersion: try flip(path, at: 18)
        case .migrations: try destroyLeaf(of: "grdb_migrations", path)
        case .schema:
            try runProgram([
                "sqlite3", path,
                "PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = 'CREATE INDEX x ON nothing (nothing)'"
                    + " WHERE name = 'exceptional_outcome_event_id'",
            ])
        }
        if byCheck {
            #expect(try LogChecker(folder: folder.file("data"), onFinding: { _ in }).run().problems == 1)
            let summary = try LogChecker(folder: folder.file("data"), repairs: true, onFinding: { _ in }).run()
            #expect(summary.problems == 1 && summary.repaired == 1)
        }
        let log = try EventLog.open(folder: folder.file("data"))
        #expect(!log.stateWasLost)
        #expect(log.notices.count == (byCheck ? 0 : 1), "\(log.notices)")
        let state = try log.makeDeliveryState()
        for name in names { #expect(try state.cursor(of: name)?.counts.delivered == 320) }
        log.close()
    }

    /// Whoever comes after a process that ended between the two names goes on with what it had finished.
    @Test(arguments: [true, false]) func aSalvageThatWasCutShortIsFinished(isSetAside: Bool) throws {
        let folder = try make()
        let path = folder.file("data/state.sqlite")
        try checkpoint(path)
        try flip(path, at: 68)
        let result = try StateSalvage(path: path).run(nowMilliseconds: 1)
        try FileCalls.rename(path, to: StateFile(path: path).finishedPath)
        if !isSetAside { try FileCalls.rename(result.aside, to: path) }
        let log = try EventLog.open(folder: folder.file("data"))
        #expect(!log.stateWasLost && !FileCalls.exists(StateFile(path: path).finishedPath))
        let state = try log.makeDeliveryState()
        for name in names { #expect(try state.cursor(of: name)?.counts.delivered == 320) }
        log.close()
    }

    /// What is set aside is what was found.
    @Test func nothingIsMovedIntoADamagedFile() throws {
        let folder = try make()
        let path = folder.file("data/state.sqlite")
        try checkpoint(path)
        let writer = try DatabaseQueue(path: path)
        try writer.inDatabase { try $0.execute(sql: "UPDATE cursor SET delivered = 'x'") }
        let copies = ["", "-wal"].map { try? Data(contentsOf: URL(fileURLWithPath: path + $0)) }
        try writer.close()
        for (suffix, copy) in zip(["", "-wal"], copies) {
            try #require(copy).write(to: URL(fileURLWithPath: path + suffix))
        }
        let log = try EventLog.open(folder: folder.file("data"))
        guard case .stateSalvaged(_, let aside, _, hasCursors: false, _)? = log.notices.last else {
            Issue.record("\(log.notices)")
            return
        }
        for (suffix, copy) in zip(["", "-wal"], copies) {
            #expect(try Data(contentsOf: URL(fileURLWithPath: aside + suffix)) == copy)
        }
        log.close()
    }

    /// Sums of hours are forgotten after a month, and runs with their blocks: that is no reason to forget others.
    @Test(arguments: [true, false]) func forgetsNothingThatCanBeRead(areRunsDamaged: Bool) throws {
        let folder = try make()
        let path = folder.file("data/state.sqlite")
        do {
            let store = try StateStore(path: path)
            try store.queue.inDatabase { database in
                #expect(try !StateStore.prune(before: 3, limit: 10_000, in: database))
                try GivenUpTable.forget(before: .max, below: 0, database)
            }
        }
        #expect(try count("block_outcome", path) == 720)
        if areRunsDamaged {
            try destroyLeaf(of: "block_outcome", path)
        } else {
            try checkpoint(path)
            try flip(path, at: 68)
        }
        let log = try EventLog.open(folder: folder.file("data"))
        guard case .stateSalvaged(_, _, _, hasCursors: true, let lost)? = log.notices.last else {
            Issue.record("\(log.notices)")
            return
        }
        #expect(StateSalvage.tables.filter { lost.contains("\($0) (") } == (areRunsDamaged ? ["block_outcome"] : []))
        log.close()
        let queue = try DatabaseQueue(path: path)
        defer { try? queue.close() }
        try queue.read { database in
            let runs = try Int.fetchOne(database, sql: "SELECT count(*) FROM block_outcome WHERE hour IS NOT NULL")
            #expect(try #require(runs) > (areRunsDamaged ? 300 : 719))
            for name in names {
                let sum = try Int.fetchOne(
                    database,
                    sql: """
                        SELECT (SELECT sum(delivered) FROM block_outcome WHERE destination = ?1)
                            + (SELECT delivered FROM forgotten_total WHERE destination = ?1)
                        """, arguments: [name])
                #expect(sum == 320)
                // One after the other, and none twice.
                let ends = try Row.fetchAll(
                    database,
                    sql: "SELECT first_event, first_event + events FROM block_outcome WHERE destination = ? ORDER BY 1",
                    arguments: [name])
                #expect(ends.first?[0] == 80 && ends.last?[1] == 320)
                for (run, next) in zip(ends, ends.dropFirst()) { #expect(run[1] as Int == next[0] as Int) }
            }
        }
    }

    @Test func anEmptyStateFileIsNotMissing() throws {
        let folder = try make()
        try Data().write(to: URL(fileURLWithPath: folder.file("data/state.sqlite")))
        var findings: [CheckFinding] = []
        let checker = LogChecker(folder: folder.file("data"), onFinding: { findings.append($0) })
        #expect(try checker.run().problems == 1)
        #expect(findings.map(\.kind).contains(.stateDamaged) && !findings.map(\.kind).contains(.stateMissing))
    }
}
