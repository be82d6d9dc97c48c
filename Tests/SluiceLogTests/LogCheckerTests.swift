import Foundation
import GRDB
import SluiceCore
import Testing

@testable import SluiceLog

@Suite struct LogCheckerTests {
    private struct Outcome {
        var summary: CheckSummary
        var findings: [CheckFinding]

        var problems: [CheckFinding.Kind] { findings.filter { $0.severity == .problem }.map(\.kind) }
    }

    private func check(_ folder: TemporaryFolder, repairs: Bool = false) throws -> Outcome {
        var findings: [CheckFinding] = []
        var progress = 0
        let checker = LogChecker(
            folder: folder.file("data"), repairs: repairs, onFinding: { findings.append($0) },
            onProgress: { _ in progress += 1 })
        let summary = try checker.run()
        #expect(progress > 0 || summary.progress.segmentsTotal == 0)
        #expect(summary.problems == findings.filter { $0.severity == .problem }.count)
        return Outcome(summary: summary, findings: findings)
    }

    private func names(_ folder: TemporaryFolder) throws -> [String] {
        try DataFolder(folder.file("data")).names().filter { $0 != "." && $0 != ".." }.sorted()
    }

    /// Cursors of two destinations, one in the middle of block 5, one at the end.
    private func saveCursors(_ folder: TemporaryFolder) throws {
        let log = try EventLog.open(folder: folder.file("data"))
        let state = try log.makeDeliveryState()
        var middle = OutcomeCounts()
        middle.delivered = 163
        var end = OutcomeCounts()
        end.delivered = 300
        end.filtered = 60
        try state.save(
            cursors: [
                SluiceCore.Cursor(
                    destination: "middle", position: EventSequence(block: 5, index: 3), startEvent: 0,
                    counts: middle),
                SluiceCore.Cursor(
                    destination: "end", position: EventSequence(block: 10, index: 0), startEvent: 0, counts: end),
            ], exceptions: [])
        log.close()
    }

    private func sql(_ path: String, _ text: String) throws {
        let queue = try DatabaseQueue(path: path)
        try queue.write { try $0.execute(sql: text) }
        try queue.close()
    }

    @Test func findsNothingInASoundLog() throws {
        let folder = try DamagedLog.make()
        try saveCursors(folder)
        let before = try names(folder)
        let outcome = try check(folder)
        #expect(outcome.problems == [] && outcome.summary.exitCode(repairs: false) == 0)
        #expect(outcome.summary.progress.segments == 3 && outcome.summary.progress.blocks == 9)
        #expect(outcome.summary.progress.events == 360)
        #expect(outcome.summary.nextBlock == 10 && outcome.summary.logEvents == 360)
        #expect(try check(folder, repairs: true).problems == [])
        #expect(try names(folder).filter { !$0.hasSuffix("-shm") && !$0.hasSuffix("-wal") } == before)
        #expect(!FileCalls.exists(folder.file("data/state.sqlite.before-fsck-0")))
    }

    @Test func refusesToRepairBesideAGateway() throws {
        let rig = try LogRig()
        rig.start()
        rig.commit(["a"])
        var findings: [CheckFinding] = []
        let data = rig.folder.file("data")
        #expect {
            try LogChecker(folder: data, repairs: true, onFinding: { findings.append($0) }).run()
        } throws: { error in
            guard case .dataFolderInUse(data, let owner)? = error as? LogError else { return false }
            return owner == getpid() && "\(error)".contains("in use by another process")
        }
        let summary = try LogChecker(folder: data, onFinding: { findings.append($0) }).run()
        #expect(summary.besideGateway && summary.problems == 0 && summary.progress.events == 1)
        // The writer is not disturbed, and nothing was checkpointed by the check.
        #expect(isCommitted(rig.commit(["b"]), as: 2))
        rig.stop()
    }

    @Test(arguments: DiskFailureTests.Rot.allCases)
    func namesDamageAndRepairsIt(_ rot: DiskFailureTests.Rot) throws {
        let folder = try DamagedLog.make()
        try saveCursors(folder)
        let data = DataFolder(folder.file("data"))
        let path = data.segment(firstBlock: 4)
        try DamagedLog.apply(rot, to: path)
        let found = try check(folder)
        #expect(!found.problems.isEmpty && found.summary.exitCode(repairs: false) == 1)
        #expect(Set(found.problems).isSubset(of: [.damagedBlock, .unreadableSegment, .gap]))
        #expect(found.findings.allSatisfy { $0.repair == nil })

        let repaired = try check(folder, repairs: true)
        #expect(repaired.summary.exitCode(repairs: true) == 1, "\(repaired.findings)")
        #expect(repaired.findings.filter { $0.severity == .problem }.allSatisfy { $0.repair != nil })
        #expect(try names(folder).contains { $0.contains(".damaged-") } == (rot != .missing), "nothing is deleted")

        let again = try check(folder)
        #expect(again.problems == [], "\(again.findings)")
        #expect(again.findings.contains { $0.kind == .quarantined && $0.severity == .note })

        // The gateway serves what is sound, and says exactly what is not.
        let log = try EventLog.open(folder: data.path)
        let state = try log.makeDeliveryState()
        let recorded = log.quarantine.blocks
        #expect(!recorded.isEmpty && recorded.allSatisfy { $0.firstBlock >= 4 && $0.lastBlock <= 6 })
        let lost = recorded.reduce(0) { $0 + $1.events }
        let read = try readAll(log.makeReader())
        #expect(read.ids.count == 360 - lost && lost % 40 == 0 && lost > 0)
        #expect(read.damaged.reduce(0) { $0 + $1.eventCount } == lost)
        let outside: [Int64] = read.blocks.map(\.number).filter { $0 < 4 || $0 > 6 }
        #expect(outside == [1, 2, 3, 7, 8, 9])
        #expect(log.head == LogHead(nextBlock: 10, events: 360))
        #expect(try state.cursor(of: "middle")?.position == EventSequence(block: 5, index: 3))
        log.close()
    }

    /// A bit of `user_version` turned in a closed segment: neither the start nor the check refuses for that.
    @Test(arguments: [60, 63])
    func aHeaderThatNamesALaterFormatIsDamage(_ offset: Int) throws {
        let folder = try DamagedLog.make()
        try saveCursors(folder)
        let data = DataFolder(folder.file("data"))
        let path = data.segment(firstBlock: 4)
        let handle = try FileHandle(forUpdating: URL(fileURLWithPath: path))
        try handle.seek(toOffset: UInt64(offset))
        let byte = try #require(try handle.read(upToCount: 1)?.first)
        try handle.seek(toOffset: UInt64(offset))
        try handle.write(contentsOf: Data([byte ^ 0x40]))
        try handle.close()
        let opened = try EventLog.open(folder: data.path)
        let found = opened.notices.compactMap { notice -> String? in
            if case .damagedHeader(let path, _) = notice { path } else { nil }
        }
        #expect(found == [path] && opened.notices.allSatisfy { $0.isLoud })
        #expect(opened.head == LogHead(nextBlock: 10, events: 360))
        #expect(try readAll(opened.makeReader()).ids.count == 360 && opened.quarantine.blocks.isEmpty)
        opened.close()
        #expect(try check(folder).problems == [.damagedHeader])
        let repaired = try check(folder, repairs: true)
        #expect(repaired.summary.exitCode(repairs: true) == 1 && repaired.summary.progress.blocks == 9)
        #expect(try names(folder).contains { $0.contains(".damaged-") })
        #expect(try check(folder).problems == [])
        let again = try EventLog.open(folder: data.path)
        #expect(again.notices.isEmpty && again.head == LogHead(nextBlock: 10, events: 360))
        #expect(try readAll(again.makeReader()).ids.count == 360)
        again.close()
    }

    /// Header and row both name a later format; the newest segment, written behind it, does not: damage all the same.
    /// Where the newest does, a later version was here.
    @Test func onlyTheNewestSegmentSaysThatALaterVersionWasHere() throws {
        let folder = try DamagedLog.make()
        let data = DataFolder(folder.file("data"))
        let later = "PRAGMA user_version = 9; UPDATE segment SET format = 9"
        try sql(data.segment(firstBlock: 4), later)
        let log = try EventLog.open(folder: data.path)
        #expect(log.notices.count == 1 && log.quarantine.blocks.map(\.events) == [120])
        log.close()
        #expect(try check(folder).problems.first == .unreadableSegment)
        try sql(data.segment(firstBlock: 7), later)
        #expect(throws: LogError.self) { try EventLog.open(folder: data.path) }
        #expect(throws: LogError.self) { try check(folder) }
        #expect(throws: LogError.self) { try check(folder, repairs: true) }
        #expect(FileCalls.exists(data.segment(firstBlock: 4)), "nothing of a later version is set aside")
    }

    @Test func salvagesTheNewestSegmentWithoutUsingANumberTwice() throws {
        let folder = try DamagedLog.make()
        try saveCursors(folder)
        let data = DataFolder(folder.file("data"))
        try sql(
            data.segment(firstBlock: 7),
            "UPDATE block SET payload = CAST(replace(payload, '-7-', '-8-') AS BLOB) WHERE number = 9")
        let repaired = try check(folder, repairs: true)
        #expect(repaired.problems == [.damagedBlock] && repaired.summary.exitCode(repairs: true) == 1)
        let log = try EventLog.open(folder: data.path)
        #expect(log.head.nextBlock >= 10 && log.head.events == 360)
        let read = try readAll(log.makeReader())
        #expect(read.blocks.map(\.number) == Array(1...8))
        log.close()
        #expect(try check(folder).problems == [])
    }

    @Test func findsWrongSumsNamesAndOverlaps() throws {
        let folder = try DamagedLog.make()
        let data = DataFolder(folder.file("data"))
        try sql(data.segment(firstBlock: 1), "UPDATE block SET first_event = 41 WHERE number = 2")
        #expect(try check(folder).problems.contains(.wrongSum))

        let second = try DamagedLog.make()
        let files = DataFolder(second.file("data"))
        try runProgram(["mv", files.segment(firstBlock: 4), files.segment(firstBlock: 5)])
        let named = try check(second)
        #expect(named.problems.contains(.wrongName))
        #expect(try check(second, repairs: true).summary.exitCode(repairs: true) != 0)

        let third = try DamagedLog.make()
        try runProgram([
            "sqlite3", DataFolder(third.file("data")).segment(firstBlock: 4),
            "INSERT INTO block SELECT 8, first_event, events, first_received, last_received, codec, raw_size, crc32c, filter, fingerprints, payload FROM block WHERE number = 6",
        ])
        #expect(try check(third).problems.contains(.overlap))
    }

    @Test func findsAndMendsCursors() throws {
        let folder = try DamagedLog.make()
        try saveCursors(folder)
        let path = folder.file("data/state.sqlite")
        try sql(
            path,
            """
            UPDATE cursor SET delivered = delivered + 5 WHERE destination = 'middle';
            UPDATE cursor SET block = 999 WHERE destination = 'end';
            INSERT INTO exceptional_outcome VALUES ('end', 500, 0, 'x', 'rejected', 400, '', 1, 1, 1, '');
            """)
        let found = try check(folder)
        #expect(Set(found.problems) == [.cursorCounts, .cursorBeyondHead, .outcomesBeyondHead])
        #expect(Set(found.findings.compactMap(\.destination)) == ["middle", "end"])
        let repaired = try check(folder, repairs: true)
        #expect(repaired.summary.repaired == 3 && repaired.summary.exitCode(repairs: true) == 1)
        let copies = try FileManager.default.contentsOfDirectory(atPath: folder.file("data"))
            .filter { $0.hasPrefix("state.sqlite.before-fsck-") && !$0.contains("-wal") && !$0.contains("-shm") }
        #expect(copies.count == 1)
        #expect(try check(folder).problems == [])
        let log = try EventLog.open(folder: folder.file("data"))
        let state = try log.makeDeliveryState()
        let end = try #require(try state.cursor(of: "end"))
        #expect(end.position == EventSequence(block: 10, index: 0))
        #expect(end.startEvent == 360)
        let middle = try #require(try state.cursor(of: "middle"))
        let counted: Int64 = middle.startEvent + middle.counts.total
        #expect(counted == 163)
        log.close()
    }

    /// Only a newest segment without a byte is what a crash leaves; another one has lost its blocks.
    @Test func anEmptyFileBetweenOthersIsDamage() throws {
        let folder = try DamagedLog.make()
        let data = DataFolder(folder.file("data"))
        try Data().write(to: URL(fileURLWithPath: data.segment(firstBlock: 4)))
        #expect(try check(folder).problems.contains(.unreadableSegment))
        let repaired = try check(folder, repairs: true)
        #expect(repaired.summary.exitCode(repairs: true) == 1, "\(repaired.findings)")
        #expect(!FileCalls.exists(data.segment(firstBlock: 4)))
        #expect(try names(folder).contains { $0.contains(".damaged-") })
        try Data().write(to: URL(fileURLWithPath: data.segment(firstBlock: 10)))
        let newest = try check(folder)
        #expect(newest.findings.contains { $0.kind == .orphan && $0.severity == .note })
    }

    @Test func findsOrphansAndDamagedState() throws {
        let folder = try DamagedLog.make()
        try saveCursors(folder)
        let log = folder.file("data/log/")
        try Data([1]).write(to: URL(fileURLWithPath: log + "000000000099.sqlite-wal"))
        try Data([1]).write(to: URL(fileURLWithPath: log + "000000000010.sqlite.creating"))
        try Data([1]).write(to: URL(fileURLWithPath: log + "000000000003.sqlite.damaged-17"))
        try DamagedLog.overwrite(folder.file("data/state.sqlite"), at: 100, count: 3000)
        let found = try check(folder)
        #expect(Set(found.problems) == [.orphan, .stateDamaged])
        #expect(found.findings.contains { $0.kind == .setAside })
        let repaired = try check(folder, repairs: true)
        #expect(repaired.summary.exitCode(repairs: true) == 1, "\(repaired.findings)")
        #expect(!FileCalls.exists(folder.file("data/state.sqlite")), "that it is missing says that cursors were lost")
        let again = try check(folder)
        #expect(again.problems == [])
        let opened = try EventLog.open(folder: folder.file("data"))
        #expect(opened.stateWasLost)
        opened.close()
    }

    @Test func needsAFolder() {
        let path = "/nonexistent/data"
        #expect(throws: LogError.self) { try LogChecker(folder: path, onFinding: { _ in }).run() }
    }
}
