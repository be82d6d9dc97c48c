import Foundation
import GRDB
import SluiceCore
import Testing

@testable import SluiceLog

/// Files that go, move or rot under a log in use, and disks that refuse.
@Suite struct DiskFailureTests {
    enum Loss: CaseIterable { case unlinked, moved, replaced, walOnly }

    /// The next commit must not go into a file that nobody finds again, and what was acknowledged stays.
    @Test(arguments: Loss.allCases)
    func rescuesTheSegmentThatIsWrittenTo(_ loss: Loss) throws {
        let rig = try LogRig()
        rig.start()
        for number in 0..<50 { rig.commit(["\(number)"]) }
        // A reader with a connection of its own to the file that goes.
        let reader = rig.log.makeReader()
        #expect(try readAll(reader).ids.count == 50)
        let path = rig.log.folder.segment(firstBlock: 1)
        switch loss {
        case .unlinked: try runProgram(["sh", "-c", "rm \(rig.log.folder.log)/*"])
        case .moved: try runProgram(["mv", path, rig.folder.file("elsewhere")])
        case .replaced: try runProgram(["sh", "-c", "mv \(path) \(path).x; head -c 9000 /dev/zero > \(path)"])
        case .walOnly: try runProgram(["rm", path + "-wal"])
        }
        #expect(rig.commitEventually(["50"]) == 51)
        #expect(isCommitted(rig.commit(["51"]), as: 52))
        let incidents = rig.log.stats.takeIncidents()
        #expect(incidents == [.rescued(path: path)] && incidents[0].isLoud)
        let expected = (0...51).map { "\($0)" }
        #expect(try readAll(reader).ids == expected, "the reader follows")
        #expect(try readAll(rig.log.makeReader()).ids == expected)
        rig.stop()
        let again = try EventLog.open(folder: rig.folder.file("data"))
        #expect(try readAll(again.makeReader()).ids == expected)
        #expect(again.head == LogHead(nextBlock: 53, events: 52))
        again.close()
    }

    /// Copying what is open fails, too: what was acknowledged is gone, but nothing more is.
    @Test func goesOnInANewSegmentWhenThereIsNothingToSave() throws {
        let rig = try LogRig()
        rig.start()
        rig.commit(["a"])
        let path = rig.log.folder.segment(firstBlock: 1)
        // A folder where the copy would be made.
        try runProgram(["sh", "-c", "rm \(rig.log.folder.log)/*; mkdir -p \(path).creating/x"])
        #expect(rig.commitEventually(["b"]) == 2)
        let incidents = rig.log.stats.takeIncidents()
        guard case .abandoned(path, 2, _)? = incidents.last else {
            Issue.record("nothing was said: \(incidents)")
            return
        }
        #expect(try readAll(rig.log.makeReader()).ids == ["b"])
        #expect(rig.log.head == LogHead(nextBlock: 3, events: 2), "its numbers are not used again")
        rig.stop()
    }

    @Test(arguments: [
        (ResultCode.SQLITE_READONLY, "permission_denied"), (ResultCode.SQLITE_FULL, "disk_full"),
        (ResultCode.SQLITE_IOERR_READ, "failed"), (ResultCode.SQLITE_IOERR_WRITE, "failed"),
        (ResultCode.SQLITE_CANTOPEN, "failed"),
    ])
    func answersThatNothingIsCommittedAndRecovers(code: ResultCode, label: String) throws {
        let isBroken = Switch()
        var faults = LogFaults()
        faults.beforeInsert = { _ in if isBroken.isOn { throw DatabaseError(resultCode: code) } }
        let rig = try LogRig(faults: faults)
        rig.start()
        #expect(isCommitted(rig.commit(["a"]), as: 1))
        isBroken.isOn = true
        for _ in 0..<3 {
            guard case .failed(let seconds) = rig.commit(["lost"]) else {
                Issue.record("acknowledged what was not committed")
                return
            }
            #expect((1...30).contains(seconds))
        }
        #expect("\(try #require(rig.log.stats.failure).error.label)" == label)
        isBroken.isOn = false
        eventually({ !rig.log.stats.isFailing }, "it must find out by itself")
        #expect(isCommitted(rig.commit(["b"]), as: 2))
        #expect(try readAll(rig.log.makeReader()).ids == ["a", "b"])
        rig.stop()
    }

    // MARK: Damage at rest

    enum Rot: CaseIterable { case payload, treePage, header, truncated, missing }

    /// Three sealed segments of three blocks; the second one rots. The rest is served, what is lost is named,
    /// and the log's own count says exactly how much it is.
    @Test(arguments: Rot.allCases)
    func servesTheRestOfADamagedLog(_ rot: Rot) throws {
        let folder = try DamagedLog.make()
        let path = DataFolder(folder.file("data")).segment(firstBlock: 4)
        try DamagedLog.apply(rot, to: path)
        let log = try EventLog.open(folder: folder.file("data"))
        #expect(log.head == LogHead(nextBlock: 10, events: 360))
        let (events, lost) = try account(log.makeReader())
        #expect(events == 360)
        #expect(lost > 0 && lost % 40 == 0 && lost <= 120)
        #expect(try readAll(log.makeReader()).ids.count == 360 - lost)
        if rot == .missing {
            #expect(log.notices == [.gap(4..<7)])
            #expect(log.quarantine.blocks.map { [$0.firstBlock, $0.lastBlock] } == [[4, 6]])
        } else {
            #expect(log.quarantine.blocks.allSatisfy { $0.segment == "000000000004.sqlite" })
        }
        #expect(log.quarantine.blocks.reduce(0) { $0 + $1.events } == lost)
        let state = try log.makeDeliveryState()
        _ = try state.upkeep()
        #expect(log.quarantine.unsaved.isEmpty)
        let known = log.quarantine.blocks
        log.close()
        let again = try EventLog.open(folder: folder.file("data"))
        _ = try again.makeDeliveryState()
        #expect(again.quarantine.blocks == known, "it is known after a restart, and is not found anew")
        #expect(again.quarantine.unsaved.isEmpty)
        again.close()
    }

    /// Reads to the end as a destination does: how many events there are by the log's count, and how many of
    /// them cannot be had.
    private func account(_ source: any BlockSource) throws(BlockSourceError) -> (events: Int64, lost: Int) {
        var events: Int64 = 0
        var lost: Int64 = 0
        var next: Int64 = 1
        while true {
            do throws(BlockSourceError) {
                guard let block = try source.block(atOrAfter: next) else { return (events, Int(lost)) }
                lost += block.firstEvent - events
                events = block.firstEvent + Int64(block.eventCount)
                next = block.number + 1
            } catch .damaged(let number, _, _) {
                let end = source.endEvent(behind: number) ?? events
                lost += end - events
                events = end
                next = number + 1
            }
        }
    }

    @Test func aDamagedWriteAheadLogLosesNoMoreThanItsDamagedPart() throws {
        let rig = try LogRig()
        rig.start()
        for block in 1...20 { rig.commit(["\(block)"]) }
        let data = rig.folder.file("data")
        // As a crash leaves it, with bits flipped in the middle of the WAL.
        try runProgram(["cp", "-r", data, rig.folder.file("crashed")])
        rig.stop()
        try runProgram(["sh", "-c", "rm -f \(rig.folder.file("crashed"))/lock \(rig.folder.file("crashed"))/log/*-shm"])
        let wal = rig.folder.file("crashed/log/000000000001.sqlite-wal")
        let file = try FileHandle(forUpdating: URL(fileURLWithPath: wal))
        let size = try file.seekToEnd()
        try #require(size > 100_000)
        try file.seek(toOffset: size / 2)
        try file.write(contentsOf: Data(repeating: 0x5A, count: 64))
        try file.close()
        let log = try EventLog.open(folder: rig.folder.file("crashed"))
        let ids = try readAll(log.makeReader()).ids
        #expect(!ids.isEmpty && ids.count < 20)
        #expect(ids == (1...ids.count).map { "\($0)" }, "a prefix, in order")
        #expect(log.head.events == Int64(ids.count))
        log.close()
    }

    // MARK: The state file

    enum StateLoss: CaseIterable { case missing, empty, truncated, junk, firstPage, cursorPage, noTable }

    @Test(arguments: StateLoss.allCases)
    func goesOnAsWithALostStateFile(_ loss: StateLoss) throws {
        let folder = try DamagedLog.make()
        let path = folder.file("data/state.sqlite")
        do {
            let log = try EventLog.open(folder: folder.file("data"))
            let state = try log.makeDeliveryState()
            let cursors = (0..<200).map { index in
                SluiceCore.Cursor(
                    destination: "destination-\(index)", position: EventSequence(block: 5, index: 0),
                    startEvent: 0, counts: OutcomeCounts())
            }
            try state.save(cursors: cursors, exceptions: [])
            log.close()
        }
        let file = { try FileHandle(forUpdating: URL(fileURLWithPath: path)) }
        switch loss {
        case .missing: try FileManager.default.removeItem(atPath: path)
        case .empty: try file().truncate(atOffset: 0)
        case .truncated: try file().truncate(atOffset: 5000)
        case .junk: try Data(repeating: 0x55, count: 5000).write(to: URL(fileURLWithPath: path))
        case .firstPage:
            let handle = try file()
            try handle.seek(toOffset: 100)
            try handle.write(contentsOf: Data(repeating: 0xFF, count: 3000))
        case .cursorPage:
            let queue = try DatabaseQueue(path: path)
            let page = try queue.read { try Int.fetchOne($0, sql: "SELECT pageno FROM dbstat WHERE name = 'cursor'") }
            try queue.close()
            let handle = try file()
            try handle.seek(toOffset: UInt64((try #require(page) - 1) * 4096))
            try handle.write(contentsOf: Data(repeating: 0xEE, count: 4096))
        case .noTable: try runProgram(["sqlite3", path, "DROP TABLE cursor"])
        }
        let log = try EventLog.open(folder: folder.file("data"))
        #expect(log.stateWasLost)
        let isKept = loss != .missing && loss != .empty
        if isKept {
            var aside = ""
            switch log.notices.last {
            case .stateSetAside(path, let name, _)?: aside = name
            case .stateSalvaged(path, let name, _, hasCursors: false, _)?: aside = name
            default: Issue.record("nothing was said: \(log.notices)")
            }
            #expect(aside.hasPrefix(path + ".damaged-") && FileCalls.exists(aside))
        }
        let state = try log.makeDeliveryState()
        #expect(try state.cursor(of: "destination-0") == nil)
        try state.settleCursors()
        log.close()
        let again = try EventLog.open(folder: folder.file("data"))
        #expect(!again.stateWasLost && again.notices.isEmpty)
        again.close()
    }

    @Test func refusesAStateFileOfAnotherProgram() throws {
        let folder = try DamagedLog.make()
        let path = folder.file("data/state.sqlite")
        try runProgram(["sqlite3", path, "CREATE TABLE t (x)"])
        #expect(throws: LogError.foreignFile(path: path)) { try EventLog.open(folder: folder.file("data")) }
        #expect(FileCalls.exists(path))
    }
}

/// A log nobody has open: three segments of three blocks with forty events each, and ways to damage it.
enum DamagedLog {
    static func make() throws -> TemporaryFolder {
        let folder = TemporaryFolder()
        var configuration = LogConfiguration()
        configuration.compression = .none
        configuration.segmentBytes = 44_000
        let rig = try LogRig(folder: folder, configuration: configuration)
        rig.start()
        for block in 1...9 { rig.commit((0..<40).map { "\(block)-\($0)-" + String(repeating: "x", count: 60) }) }
        rig.stop()
        let data = DataFolder(folder.file("data"))
        let segments = try data.segments().map(\.firstBlock)
        // The last commit may have begun an empty one.
        guard segments == [1, 4, 7] || segments == [1, 4, 7, 10] else {
            throw LogError.failed(path: data.log, reason: "segments begin at \(segments)")
        }
        if segments.last == 10 { try FileManager.default.removeItem(atPath: data.segment(firstBlock: 10)) }
        return folder
    }

    static func apply(_ rot: DiskFailureTests.Rot, to path: String) throws {
        switch rot {
        case .missing: try FileManager.default.removeItem(atPath: path)
        case .payload:
            let queue = try DatabaseQueue(path: path)
            try queue.write {
                try $0.execute(
                    sql: "UPDATE block SET payload = CAST(replace(payload, '-7-', '-8-') AS BLOB) WHERE number = 5")
            }
            try queue.close()
        case .treePage:
            let queue = try DatabaseQueue(path: path)
            let page = try queue.read {
                try Int.fetchOne(
                    $0,
                    sql: """
                        SELECT pageno FROM dbstat WHERE name = 'block' AND pagetype = 'leaf'
                        ORDER BY path LIMIT 1 OFFSET 1
                        """)
            }
            try queue.close()
            try overwrite(path, at: UInt64(((page ?? 3) - 1) * SegmentSchema.pageSize), count: SegmentSchema.pageSize)
        case .header: try overwrite(path, at: 0, count: 100)
        case .truncated:
            let file = try FileHandle(forUpdating: URL(fileURLWithPath: path))
            try file.truncate(atOffset: file.seekToEnd() * 2 / 3)
            try file.close()
        }
    }

    static func overwrite(_ path: String, at offset: UInt64, count: Int) throws {
        let file = try FileHandle(forUpdating: URL(fileURLWithPath: path))
        try file.seek(toOffset: offset)
        try file.write(contentsOf: Data(repeating: 0xEE, count: count))
        try file.close()
    }
}
