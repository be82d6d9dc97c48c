import Foundation
import GRDB
import SluiceCore
import Testing

@testable import SluiceLog

@Suite struct EventLogTests {
    @Test func startsEmpty() throws {
        let rig = try LogRig()
        #expect(rig.log.head == LogHead(nextBlock: 1, events: 0))
        #expect(rig.log.notices.isEmpty)
        #expect(try rig.log.makeReader().block(atOrAfter: 1) == nil)
        rig.stop()
    }

    @Test func takesUpWhereItEnded() throws {
        let folder = TemporaryFolder()
        var expected: [String] = []
        for round in 0..<4 {
            let rig = try LogRig(folder: folder)
            #expect(rig.log.head == LogHead(nextBlock: Int64(round * 3 + 1), events: Int64(round * 6)))
            #expect(try readAll(rig.log.makeReader()).ids == expected)
            rig.start()
            for block in 0..<3 {
                let ids = ["\(round)-\(block)-a", "\(round)-\(block)-b"]
                #expect(isCommitted(rig.commit(ids), as: Int64(round * 3 + block + 1)))
                expected += ids
            }
            rig.stop()
        }
        let segments = try DataFolder(folder.file("data")).segments()
        #expect(segments.map(\.firstBlock) == [1])
    }

    @Test func aSecondOwnerIsRefused() throws {
        let rig = try LogRig()
        let path = rig.folder.file("data")
        #expect(throws: LogError.dataFolderInUse(path: path, processID: getpid())) {
            try EventLog.open(folder: path)
        }
        rig.stop()
        try EventLog.open(folder: path).close()
    }

    /// The files as they are at any moment, after any number of commits, are a whole log with every
    /// acknowledged event once.
    @Test func survivesACrashAtAnyMoment() throws {
        let folder = TemporaryFolder()
        let crash = CrashCopies(folder: folder)
        var configuration = LogConfiguration()
        configuration.walBytes = 64 << 10
        configuration.segmentBytes = 200 << 10
        configuration.compression = .none
        var faults = LogFaults()
        faults.beforeCommit = { _ in crash.copy() }
        let rig = try LogRig(folder: folder, configuration: configuration, faults: faults)
        rig.start()
        for number in 0..<24 {
            let ids = (0..<200).map { "\(number)-\($0)" }
            #expect(isCommitted(rig.commit(ids)))
            crash.acknowledge(ids)
        }
        crash.copy()
        #expect(rig.log.segmentCount > 1, "the copies should cover a change of segments")
        rig.stop()
        #expect(crash.copies.count == 25)
        for (path, expected) in crash.copies {
            let log = try EventLog.open(folder: path, configuration: configuration)
            #expect(try readAll(log.makeReader()).ids == expected)
            #expect(log.head.events == Int64(expected.count))
            log.close()
        }
    }

    @Test func removesWhatACrashLeftHalfMade() throws {
        let folder = TemporaryFolder()
        let first = try LogRig(folder: folder)
        first.start()
        first.commit(["a"])
        first.stop()
        let log = folder.file("data/log/")
        try Data("half".utf8).write(to: URL(fileURLWithPath: log + "000000000002.sqlite.creating"))
        try Data().write(to: URL(fileURLWithPath: log + "000000000002.sqlite"))
        let second = try LogRig(folder: folder)
        #expect(
            Set(second.log.notices) == [
                .removedIncomplete(path: log + "000000000002.sqlite.creating"),
                .removedIncomplete(path: log + "000000000002.sqlite"),
            ])
        second.start()
        #expect(isCommitted(second.commit(["b"]), as: 2))
        second.stop()
    }

    /// A crash between making the next segment and closing the one before.
    @Test func closesASegmentThatWasLeftOpen() throws {
        let folder = TemporaryFolder()
        let first = try LogRig(folder: folder)
        first.start()
        first.commit(["a", "b"])
        first.stop()
        let data = DataFolder(folder.file("data"))
        try WriterSegment.create(
            in: data, at: LogHead(nextBlock: 2, events: 2), nowMilliseconds: 5,
            configuration: LogConfiguration())
        let second = try LogRig(folder: folder)
        #expect(second.log.notices == [.sealedLeftover(path: data.segment(firstBlock: 1))])
        #expect(second.log.head == LogHead(nextBlock: 2, events: 2))
        second.start()
        #expect(isCommitted(second.commit(["c"]), as: 2))
        #expect(try readAll(second.log.makeReader()).ids == ["a", "b", "c"])
        second.stop()
        let head = try FileCalls.head(data.segment(firstBlock: 1), count: 20)
        #expect(head[18] == 1 && head[19] == 1, "journal mode delete")
    }

    /// While a disk fails a segment can be made, but not opened: the log goes on in the one before.
    @Test func removesASegmentThatWasNeverBegun() throws {
        let folder = TemporaryFolder()
        let first = try LogRig(folder: folder)
        first.start()
        first.commit(["a"])
        let data = DataFolder(folder.file("data"))
        try WriterSegment.create(
            in: data, at: LogHead(nextBlock: 2, events: 1), nowMilliseconds: 5,
            configuration: LogConfiguration())
        first.commit(["b"])
        first.commit(["c"])
        first.stop()
        let second = try LogRig(folder: folder)
        #expect(
            second.log.notices == [
                .sealedLeftover(path: data.segment(firstBlock: 1)),
                .removedIncomplete(path: data.segment(firstBlock: 2)),
            ])
        second.start()
        #expect(isCommitted(second.commit(["d"]), as: 4))
        #expect(try readAll(second.log.makeReader()).ids == ["a", "b", "c", "d"])
        second.stop()
        #expect(try data.segments().map(\.firstBlock) == [1, 4])
    }

    /// The last thing done to a segment that is closed is to remove a journal; a power loss may undo that.
    @Test func closesASegmentWhoseJournalCameBack() throws {
        let folder = TemporaryFolder()
        let first = try LogRig(folder: folder)
        first.start()
        first.commit(["a", "b"])
        first.stop()
        let data = DataFolder(folder.file("data"))
        let path = data.segment(firstBlock: 1)
        try WriterSegment.create(
            in: data, at: LogHead(nextBlock: 2, events: 2), nowMilliseconds: 5,
            configuration: LogConfiguration())
        try LogRig(folder: folder).stop()
        let queue = try DatabaseQueue(path: path)
        try queue.inDatabase { database in
            try database.execute(sql: "BEGIN IMMEDIATE; UPDATE segment SET probed = 1")
            try FileManager.default.copyItem(atPath: path + "-journal", toPath: folder.file("journal"))
            try database.execute(sql: "ROLLBACK")
        }
        try queue.close()
        try FileManager.default.copyItem(atPath: folder.file("journal"), toPath: path + "-journal")
        let second = try LogRig(folder: folder)
        #expect(second.log.notices == [.sealedLeftover(path: path)])
        #expect(try readAll(second.log.makeReader()).ids == ["a", "b"])
        second.stop()
        #expect(!FileCalls.exists(path + "-journal"))
    }

    @Test func reportsAGapAndGoesOn() throws {
        let folder = try threeSegments()
        let data = DataFolder(folder.file("data"))
        try FileManager.default.removeItem(atPath: data.segment(firstBlock: 2))
        let log = try EventLog.open(folder: data.path)
        #expect(log.notices == [.gap(2..<3)])
        #expect(log.head == LogHead(nextBlock: 4, events: 6))
        let result = try readAll(log.makeReader())
        #expect(result.blocks.map(\.number) == [1, 3])
        #expect(result.blocks.map(\.firstEvent) == [0, 4])
        log.close()
    }

    @Test func goesOnWithoutAnUnreadableOlderSegment() throws {
        let folder = try threeSegments()
        let data = DataFolder(folder.file("data"))
        let path = data.segment(firstBlock: 2)
        try Data(repeating: 0x55, count: 5000).write(to: URL(fileURLWithPath: path))
        let log = try EventLog.open(folder: data.path)
        #expect(log.notices == [.unreadable(path: path, reason: .foreignFile(path: path))])
        let result = try readAll(log.makeReader())
        #expect(result.ids == ["1a", "1b", "3a", "3b"])
        #expect(result.damaged.map(\.number) == [2])
        #expect(result.damaged.map(\.eventCount) == [2])
        log.close()
    }

    @Test func servesNothingOfASegmentUnderAnotherName() throws {
        let folder = try threeSegments()
        let data = DataFolder(folder.file("data"))
        let path = data.segment(firstBlock: 2)
        try runProgram(["cp", data.segment(firstBlock: 1), path])
        let log = try EventLog.open(folder: data.path)
        let reason = LogError.damaged(path: path, reason: "its first block is 1, not 2 as its name says")
        #expect(log.notices == [.unreadable(path: path, reason: reason)])
        #expect(try readAll(log.makeReader()).ids == ["1a", "1b", "3a", "3b"])
        log.close()
        // The newest decides where the log goes on: its name counts, not what it holds.
        let newest = data.segment(firstBlock: 9)
        try runProgram(["cp", data.segment(firstBlock: 1), newest])
        let again = try EventLog.open(folder: data.path)
        #expect(again.head.nextBlock > 9 && again.head.events == 6)
        #expect(!FileCalls.exists(newest))
        again.close()
    }

    @Test func refusesForeignFiles() throws {
        let folder = TemporaryFolder()
        let data = DataFolder(folder.file("data"))
        try data.create()
        let path = data.segment(firstBlock: 1)
        try runProgram(["sqlite3", path, "CREATE TABLE t (x)"])
        #expect(throws: LogError.foreignFile(path: path)) { try EventLog.open(folder: data.path) }
        // The lock was given up each time.
        try FileManager.default.removeItem(atPath: path)
        try EventLog.open(folder: data.path).close()
    }

    @Test func refusesANewerFormat() throws {
        let rig = try LogRig()
        rig.stop()
        let path = rig.log.folder.segment(firstBlock: 1)
        try runProgram(["sqlite3", path, "PRAGMA user_version = 2"])
        #expect(throws: LogError.newerFormat(path: path, found: 2, supported: 1)) {
            try EventLog.open(folder: rig.folder.file("data"))
        }
    }

    /// Ways in which the newest segment can be beyond use.
    enum Damage: CaseIterable { case firstPage, truncated, junk }

    @Test(arguments: Damage.allCases)
    func setsADamagedNewestSegmentAside(_ damage: Damage) throws {
        let rig = try LogRig()
        rig.start()
        rig.commit(["a"])
        rig.commit(["b"])
        rig.stop()
        let data = DataFolder(rig.folder.file("data"))
        let path = data.segment(firstBlock: 1)
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        switch damage {
        case .firstPage:
            try file.seek(toOffset: 100)
            try file.write(contentsOf: Data(repeating: 0xFF, count: 4000))
        case .truncated: try file.truncate(atOffset: 50)
        case .junk: try file.write(contentsOf: Data(repeating: 0x55, count: 5000))
        }
        try file.close()
        let again = try LogRig(folder: rig.folder)
        guard case .setAside(path, let aside, let next, _)? = again.log.notices.last else {
            Issue.record("no notice: \(again.log.notices)")
            return
        }
        #expect(FileCalls.exists(aside) && aside.hasPrefix(path + ".damaged-"))
        #expect(next > 1 && again.log.head.nextBlock == next, "no number is used twice")
        again.start()
        #expect(isCommitted(again.commit(["c"]), as: next))
        again.stop()
        let third = try EventLog.open(folder: data.path)
        #expect(third.head.nextBlock == next + 1 && third.notices.isEmpty)
        third.close()
    }

    /// What the state file knows to have been used is used by nothing else, whether or not a cursor stands there.
    @Test(arguments: [true, false])
    func goesOnBehindAnEndThatIsGone(hasCursor: Bool) throws {
        let rig = try LogRig()
        rig.start()
        rig.commit(["a"])
        rig.commit(["b", "c"])
        rig.commit(["d"])
        let state = try rig.log.makeDeliveryState()
        if hasCursor {
            var counts = OutcomeCounts()
            counts.delivered = 4
            try state.save(
                cursors: [
                    Cursor(
                        destination: "d", position: EventSequence(block: 4, index: 0), startEvent: 0, counts: counts)
                ], exceptions: [])
        } else {
            _ = try state.upkeep()
        }
        rig.stop()
        let data = DataFolder(rig.folder.file("data"))
        let path = data.segment(firstBlock: 1)
        try runProgram(["sqlite3", path, "DELETE FROM block WHERE number >= 2"])
        let again = try LogRig(folder: rig.folder)
        guard case .lostEnd(path, let end, let known, _)? = again.log.notices.last(where: { $0.isLostEnd }) else {
            Issue.record("no notice: \(again.log.notices)")
            return
        }
        #expect(end == LogHead(nextBlock: 2, events: 1))
        #expect(known == LogHead(nextBlock: 4, events: 4) && again.log.head == known)
        again.start()
        #expect(isCommitted(again.commit(["e"]), as: 4), "no number is used twice")
        #expect(again.log.quarantine.blocks.map { [$0.firstBlock, $0.lastBlock, Int64($0.events)] } == [[2, 3, 3]])
        let reader = again.log.makeReader()
        #expect(try reader.block(atOrAfter: 1)?.number == 1)
        let rest = try readAll(reader, from: 2)
        #expect(rest.damaged.map { [Int($0.number), $0.eventCount] } == [[3, 3]], "missed, not forgotten")
        #expect(rest.blocks.map { [$0.number, $0.firstEvent] } == [[4, 4]])
        again.stop()
        let third = try EventLog.open(folder: data.path)
        #expect(third.head == LogHead(nextBlock: 5, events: 5))
        #expect(!third.notices.contains { $0.isLostEnd })
        third.close()
    }

    @Test func aStateFileThatIsMissingBesideALogWasLost() throws {
        let rig = try LogRig()
        #expect(!rig.log.stateWasLost, "nothing is in the log yet")
        rig.start()
        rig.commit(["a"])
        rig.stop()
        let path = rig.folder.file("data")
        let lost = try EventLog.open(folder: path)
        #expect(lost.stateWasLost)
        _ = try lost.makeDeliveryState()
        lost.close()
        let still = try EventLog.open(folder: path)
        #expect(still.stateWasLost, "nobody has a cursor yet")
        try still.makeDeliveryState().settleCursors()
        still.close()
        let known = try EventLog.open(folder: path)
        #expect(!known.stateWasLost)
        known.close()
    }

    /// Blocks 1, 2 and 3, of two events each, in a segment each.
    private func threeSegments() throws -> TemporaryFolder {
        let folder = TemporaryFolder()
        var configuration = LogConfiguration()
        configuration.segmentBytes = 1
        let rig = try LogRig(folder: folder, configuration: configuration)
        rig.start()
        for block in 1...3 { rig.commit(["\(block)a", "\(block)b"]) }
        rig.stop()
        // The last commit began a fourth, empty segment.
        try FileManager.default.removeItem(atPath: DataFolder(folder.file("data")).segment(firstBlock: 4))
        return folder
    }
}

/// Copies of a data folder as its files were while it was in use.
private final class CrashCopies: @unchecked Sendable {
    private let folder: TemporaryFolder
    private let lock = NSLock()
    private var acknowledged: [String] = []
    private var taken: [(path: String, expected: [String])] = []

    init(folder: TemporaryFolder) { self.folder = folder }

    var copies: [(path: String, expected: [String])] { lock.withLock { taken } }

    func acknowledge(_ ids: [String]) { lock.withLock { acknowledged += ids } }

    /// Called while nothing is being written: on the log thread, or while it sleeps.
    func copy() {
        lock.withLock {
            let path = folder.file("crash-\(taken.count)")
            let result = try? runProgram(["cp", "-r", folder.file("data"), path])
            precondition(result?.status == 0, "cp failed")
            try? FileManager.default.removeItem(atPath: path + "/lock")
            _ = try? runProgram(["sh", "-c", "rm -f \(path)/log/*-shm"])
            taken.append((path, acknowledged))
        }
    }
}

extension LogNotice {
    fileprivate var isLostEnd: Bool {
        if case .lostEnd = self { true } else { false }
    }
}
