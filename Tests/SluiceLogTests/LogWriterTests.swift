import Foundation
import GRDB
import SluiceCore
import Synchronization
import Testing

@testable import SluiceLog

@Suite struct LogWriterTests {
    @Test func commitsWhatAllShardsSubmittedTogether() throws {
        let rig = try LogRig(shards: 3)
        for ticket in 1...4 as ClosedRange<UInt64> {
            for shard in 0..<3 {
                #expect(rig.channels[shard].submit(openBlock(["\(shard)-\(ticket)"], ticket: ticket)))
            }
        }
        rig.stop()  // runs the writer here, to its end
        #expect(rig.log.stats.commits.load(ordering: .relaxed) == 1)
        #expect(rig.log.stats.blocks.load(ordering: .relaxed) == 12)
        #expect(rig.log.stats.events.load(ordering: .relaxed) == 12)
        #expect(rig.committedHeads == [LogHead(nextBlock: 13, events: 12)])
        var numbers: [Int64] = []
        for channel in rig.channels {
            var last: Int64 = 0
            for ticket in 1...4 as ClosedRange<UInt64> {
                let block = try #require(channel.takeReturned())
                #expect(block.ticket == ticket)
                guard case .committed(let number) = block.commit else {
                    Issue.record("not committed")
                    continue
                }
                #expect(number > last)
                last = number
                numbers.append(number)
            }
            #expect(channel.takeReturned() == nil)
        }
        #expect(numbers.sorted() == Array(1...12))
    }

    /// Many shards on threads of their own; each sees its blocks come back in order, and the log
    /// holds each event once.
    @Test func keepsOrderUnderLoad() throws {
        let rig = try LogRig(shards: 4)
        rig.start()
        let perShard: UInt64 = 100
        let threads = (0..<4).map { shard in
            let channel = rig.channels[shard]
            let parker = rig.shardParkers[shard]
            return TestThread {
                var next: UInt64 = 1
                var expected: UInt64 = 1
                var lastNumber: Int64 = 0
                while expected <= perShard {
                    while next <= perShard,
                        channel.submit(openBlock(["\(shard)-\(next)-a", "\(shard)-\(next)-b"], ticket: next))
                    { next += 1 }
                    while let block = channel.takeReturned() {
                        if block.ticket != expected { Issue.record("ticket \(block.ticket)") }
                        if case .committed(let number) = block.commit, number > lastNumber {
                            lastNumber = number
                        } else {
                            Issue.record("commit \(block.commit)")
                        }
                        expected += 1
                    }
                    if expected <= perShard { parker.park(milliseconds: 1000) }
                }
            }
        }
        for thread in threads { thread.join() }
        let reader = rig.log.makeReader()
        let result = try readAll(reader)
        rig.stop()
        #expect(result.blocks.map(\.number) == Array(1...400))
        #expect(result.blocks.map(\.firstEvent) == (0..<400).map { Int64($0 * 2) })
        #expect(Set(result.ids).count == 800)
        #expect(result.ids.count == 800)
    }

    @Test func settlesEverythingBeforeItStops() throws {
        let rig = try LogRig()
        rig.start()
        for ticket in 1...8 as ClosedRange<UInt64> {
            #expect(rig.channels[0].submit(openBlock(["\(ticket)"], ticket: ticket)))
        }
        rig.stop()
        for _ in 1...8 { #expect(isCommitted(try #require(rig.channels[0].takeReturned()).commit)) }
    }

    @Test func leavesNothingInTheWriteAheadLogWhenItStopsWhileAReaderIsOpen() throws {
        let rig = try LogRig()
        rig.start()
        for number in 0..<20 { rig.commit(["\(number)"]) }
        // Blocks committed before it was made are read from the segment, which leaves a connection open.
        let reader = rig.log.makeReader()
        #expect(try readAll(reader).ids.count == 20)
        rig.stop()
        let segment = DataFolder(rig.folder.file("data")).segment(firstBlock: 1)
        #expect((FileCalls.size(segment + "-wal") ?? 0) == 0)
    }

    @Test func splitsGroupsThatAreTooLarge() throws {
        var configuration = LogConfiguration()
        configuration.groupBytes = 1
        let rig = try LogRig(shards: 2, configuration: configuration)
        for shard in 0..<2 {
            for ticket in 1...3 as ClosedRange<UInt64> {
                #expect(rig.channels[shard].submit(openBlock(["\(shard)-\(ticket)"], ticket: ticket)))
            }
        }
        rig.stop()
        #expect(rig.log.stats.commits.load(ordering: .relaxed) == 6)
        // In turn, so that no shard waits behind another.
        let log = try EventLog.open(folder: rig.folder.file("data"))
        #expect(try readAll(log.makeReader()).ids == ["0-1", "1-1", "0-2", "1-2", "0-3", "1-3"])
        log.close()
    }

    // MARK: Failures

    @Test(arguments: [ResultCode.SQLITE_IOERR, .SQLITE_IOERR_FSYNC, .SQLITE_FULL, .SQLITE_CORRUPT])
    func failsAGroupAndRecovers(code: ResultCode) throws {
        let isBroken = Switch()
        var faults = LogFaults()
        faults.beforeCommit = { _ in if isBroken.isOn { throw DatabaseError(resultCode: code) } }
        let rig = try LogRig(faults: faults)
        rig.start()
        #expect(isCommitted(rig.commit(["a"]), as: 1))
        isBroken.isOn = true
        for _ in 0..<5 {
            guard case .failed(let seconds) = rig.commit(["lost"]) else {
                Issue.record("acknowledged what was not committed")
                continue
            }
            #expect((1...30).contains(seconds))
        }
        #expect(rig.log.stats.isFailing)
        #expect(rig.log.stats.failedBlocks.load(ordering: .relaxed) == 5)
        #expect(rig.log.head == LogHead(nextBlock: 2, events: 1))
        isBroken.isOn = false
        #expect(rig.commitEventually(["b"]) == 2)
        #expect(!rig.log.stats.isFailing)
        #expect(try readAll(rig.log.makeReader()).ids == ["a", "b"])
        rig.stop()
    }

    @Test func findsOutByItselfThatTheDiskWorksAgain() throws {
        let isBroken = Switch()
        var faults = LogFaults()
        faults.beforeCommit = { _ in
            if isBroken.isOn { throw DatabaseError(resultCode: .SQLITE_IOERR_WRITE) }
        }
        let rig = try LogRig(faults: faults)
        rig.start()
        isBroken.isOn = true
        rig.commit(["lost"])
        let failures = rig.log.stats.failures.load(ordering: .relaxed)
        eventually({ rig.log.stats.failures.load(ordering: .relaxed) > failures }, "it never tried again")
        #expect(rig.log.stats.isFailing)
        isBroken.isOn = false
        eventually({ !rig.log.stats.isFailing })
        #expect(isCommitted(rig.commit(["a"]), as: 1))
        rig.stop()
    }

    /// No room in the file: SQLite itself says SQLITE_FULL, in the middle of the inserts.
    @Test func failsWhenThereIsNoRoom() throws {
        let isFull = Switch()
        var faults = LogFaults()
        faults.beforeInsert = { database in
            let pages = isFull.isOn ? 1 : 1 << 30  // SQLite never goes below what the file has
            try database.execute(sql: "PRAGMA max_page_count = \(pages)")
        }
        var configuration = LogConfiguration()
        configuration.compression = .none
        let rig = try LogRig(configuration: configuration, faults: faults)
        rig.start()
        #expect(isCommitted(rig.commit(["a"]), as: 1))
        isFull.isOn = true
        guard case .failed = rig.commit((0..<1000).map { "large-\($0)" }) else {
            Issue.record("acknowledged what was not committed")
            return
        }
        #expect(rig.log.stats.failure?.error == .diskFull(path: rig.log.folder.segment(firstBlock: 1)))
        isFull.isOn = false
        let ids = (0..<1000).map { "retried-\($0)" }
        #expect(rig.commitEventually(ids) == 2)
        #expect(try readAll(rig.log.makeReader()).ids == ["a"] + ids)
        rig.stop()
    }

    /// COMMIT failed while syncing, and yet its rows are in the file.
    @Test func takesBackRowsOfACommitThatWasReportedAsFailed() throws {
        let isBroken = Switch()
        var faults = LogFaults()
        faults.beforeCommit = { database in
            guard isBroken.isOn else { return }
            try database.execute(sql: "COMMIT")
            throw DatabaseError(resultCode: .SQLITE_IOERR_FSYNC)
        }
        let rig = try LogRig(faults: faults)
        rig.start()
        #expect(isCommitted(rig.commit(["a"]), as: 1))
        isBroken.isOn = true
        guard case .failed = rig.commit(["lost"]) else {
            Issue.record("acknowledged what was not committed")
            return
        }
        #expect(try readAll(rig.log.makeReader()).ids == ["a"])
        isBroken.isOn = false
        #expect(rig.commitEventually(["b"]) == 2)
        rig.stop()
        let log = try EventLog.open(folder: rig.folder.file("data"))
        #expect(try readAll(log.makeReader()).ids == ["a", "b"])
        log.close()
    }

    @Test func savesWhatIsOpenWhenTheFileIsGoneWhileTheDiskFails() throws {
        let isBroken = Switch()
        var faults = LogFaults()
        faults.beforeCommit = { _ in
            if isBroken.isOn { throw DatabaseError(resultCode: .SQLITE_IOERR) }
        }
        let rig = try LogRig(faults: faults)
        rig.start()
        #expect(isCommitted(rig.commit(["a"]), as: 1))
        isBroken.isOn = true
        rig.commit(["lost"])
        try runProgram(["sh", "-c", "rm \(rig.log.folder.log)/*"])
        isBroken.isOn = false
        #expect(rig.commitEventually(["b"]) == 2)
        #expect(try rig.log.folder.segments().map(\.firstBlock) == [1])
        #expect(try readAll(rig.log.makeReader()).ids == ["a", "b"])
        rig.stop()
    }

    @Test func setsADamagedEmptySegmentAside() throws {
        let isBroken = Switch(isOn: true)
        var faults = LogFaults()
        faults.beforeCommit = { _ in
            if isBroken.isOn { throw DatabaseError(resultCode: .SQLITE_IOERR) }
        }
        let rig = try LogRig(faults: faults)
        rig.start()
        rig.commit(["lost"])
        let path = rig.log.folder.segment(firstBlock: 1)
        try runProgram(["sh", "-c", "rm \(path)*; head -c 20000 /dev/zero | tr '\\0' x > \(path)"])
        isBroken.isOn = false
        #expect(rig.commitEventually(["a"]) == 1)
        #expect(try rig.log.folder.names().contains { $0.contains(".damaged-") })
        #expect(try readAll(rig.log.makeReader()).ids == ["a"])
        rig.stop()
    }

    // MARK: Segments

    @Test func beginsANewSegmentBySize() throws {
        var configuration = LogConfiguration()
        configuration.segmentBytes = 100 << 10
        configuration.compression = .none
        let rig = try LogRig(configuration: configuration)
        rig.start()
        var expected: [String] = []
        for block in 0..<20 {
            let ids = (0..<300).map { "\(block)-\($0)" }
            #expect(isCommitted(rig.commit(ids), as: Int64(block + 1)))
            expected += ids
        }
        let result = try readAll(rig.log.makeReader())
        #expect(result.ids == expected)
        #expect(result.blocks.map(\.number) == Array(1...20))
        rig.stop()
        let count = rig.log.segmentCount
        #expect(count >= 4)
        #expect(rig.log.stats.sealedSegments.load(ordering: .relaxed) == Int64(count - 1))
        for segment in try rig.log.folder.segments().dropLast() {
            #expect(!FileCalls.exists(segment.path + "-wal"))
            let reader = try SegmentReader(path: segment.path)
            #expect(reader.description.closedMilliseconds != nil)
            #expect(try #require(try reader.extent()).firstBlock == segment.firstBlock)
        }
    }

    @Test func beginsANewSegmentByAgeWhileIdle() throws {
        let clock = TestClock()
        let rig = try LogRig(clock: clock.clock)
        rig.start()
        clock.advance(seconds: 10_000)
        rig.parker.wake()
        // However old, an empty segment is kept, and its age counts from its first block.
        #expect(isCommitted(rig.commit(["a"]), as: 1))
        #expect(isCommitted(rig.commit(["b"]), as: 2))
        #expect(rig.log.segmentCount == 1)
        clock.advance(seconds: 3599)
        rig.parker.wake()
        #expect(isCommitted(rig.commit(["c"]), as: 3))
        #expect(rig.log.segmentCount == 1)
        clock.advance(seconds: 1)
        rig.parker.wake()
        eventually({ rig.log.stats.sealedSegments.load(ordering: .relaxed) == 1 })
        #expect(rig.log.stats.currentSegment.load(ordering: .relaxed) == 4)
        #expect(isCommitted(rig.commit(["d"]), as: 4))
        #expect(try readAll(rig.log.makeReader()).ids == ["a", "b", "c", "d"])
        rig.stop()
        #expect(try rig.log.folder.segments().map(\.firstBlock) == [1, 4])
    }

    @Test func aRunningReadOnlyKeepsASegmentFromBeingClosed() throws {
        var configuration = LogConfiguration()
        configuration.segmentBytes = 1
        let rig = try LogRig(configuration: configuration)
        rig.start()
        // Somebody looks at the newest segment and keeps it open in the middle of a read.
        let path = rig.log.folder.segment(firstBlock: 1)
        let other = try SegmentConnectionForTests(path: path)
        try other.beginRead()
        #expect(isCommitted(rig.commit(["a"]), as: 1))
        #expect(isCommitted(rig.commit(["b"]), as: 2))
        #expect(rig.log.stats.sealedSegments.load(ordering: .relaxed) == 0)
        #expect(try readAll(rig.log.makeReader()).ids == ["a", "b"])
        try other.endRead()
        eventually({
            rig.parker.wake()
            return rig.log.stats.sealedSegments.load(ordering: .relaxed) == 2
        })
        #expect(try readAll(rig.log.makeReader()).ids == ["a", "b"])
        rig.stop()
    }

    @Test func boundsTheWriteAheadLog() throws {
        var configuration = LogConfiguration()
        configuration.walBytes = 256 << 10
        configuration.compression = .none
        let rig = try LogRig(configuration: configuration)
        rig.start()
        let wal = rig.log.folder.segment(firstBlock: 1) + "-wal"
        var largest: Int64 = 0
        for block in 0..<200 {
            rig.commit((0..<200).map { "\(block)-\($0)" })
            largest = max(largest, FileCalls.size(wal) ?? 0)
        }
        #expect(rig.log.stats.checkpoints.load(ordering: .relaxed) > 5)
        #expect(largest < 600 << 10, "the WAL grew to \(largest) bytes")
        #expect(rig.log.diskBytes() >= 200 * 200 * 50)
        rig.stop()
    }
}

/// A switch that tests turn while other threads look.
final class Switch: Sendable {
    private let value: Atomic<Bool>
    init(isOn: Bool = false) { value = Atomic(isOn) }
    var isOn: Bool {
        get { value.load(ordering: .acquiring) }
        set { value.store(newValue, ordering: .releasing) }
    }
}

/// A stranger's connection, as a shell would have it.
final class SegmentConnectionForTests {
    private let queue: DatabaseQueue

    init(path: String) throws {
        var settings = Configuration()
        settings.readonly = true
        settings.allowsUnsafeTransactions = true
        queue = try DatabaseQueue(path: path, configuration: settings)
    }

    func beginRead() throws {
        try queue.inDatabase { database in
            try database.execute(sql: "BEGIN")
            _ = try Int.fetchOne(database, sql: "SELECT count(*) FROM block")
        }
    }

    func endRead() throws {
        try queue.inDatabase { try $0.execute(sql: "COMMIT") }
        try queue.close()
    }
}
