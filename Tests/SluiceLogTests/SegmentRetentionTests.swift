import Foundation
import GRDB
import SluiceCore
import Synchronization
import Testing

@testable import SluiceLog

/// Retention on real files.
@Suite struct SegmentRetentionTests {
    private func configuration(_ limits: RetentionLimits) -> LogConfiguration {
        var configuration = LogConfiguration()
        configuration.segmentBytes = 1  // a segment for each block
        configuration.retention = limits
        return configuration
    }

    private func isDone(_ rig: LogRig, _ removed: Int64) {
        eventually({
            rig.parker.wake()
            return rig.log.stats.removedSegments.load(ordering: .relaxed) >= removed
        })
    }

    @Test func givesUpByAgeWhatNobodyNeeds() throws {
        let clock = TestClock()
        let rig = try LogRig(
            configuration: configuration(RetentionLimits(ageSeconds: 1000, bytes: 1 << 40)), clock: clock.clock)
        rig.log.holds.hold("slow", from: 2)
        rig.start()
        let start = clock.milliseconds.load(ordering: .relaxed)
        for block in 0..<4 { rig.commit(["\(block)a", "\(block)b"], receivedMilliseconds: start) }
        rig.commit(["young"], receivedMilliseconds: start + 900_000)
        clock.advance(seconds: 1001)
        isDone(rig, 1)
        eventually({ (try? rig.log.folder.segments().map(\.firstBlock).first) == 2 })
        #expect(rig.log.stats.removedSegments.load(ordering: .relaxed) == 1, "the rest is needed")
        let incidents = rig.log.stats.takeIncidents()
        guard case .removed(let removal)? = incidents.first else {
            Issue.record("nothing was said: \(incidents)")
            return
        }
        #expect(removal.blocks == 1..<2 && removal.events == 2 && removal.reason == .age)
        #expect(rig.log.stats.takeIncidents().isEmpty)
        // What stands behind them no longer needs them.
        rig.log.holds.hold("slow", from: 5)
        isDone(rig, 4)
        rig.stop()
        #expect(try rig.log.folder.segments().map(\.firstBlock) == [5, 6])
        #expect(rig.log.stats.forcedSegments.load(ordering: .relaxed) == 0)
        let again = try EventLog.open(folder: rig.folder.file("data"))
        #expect(again.notices.isEmpty)
        #expect(again.head == LogHead(nextBlock: 6, events: 9))
        #expect(try readAll(again.makeReader()).ids == ["young"])
        again.close()
    }

    @Test func givesUpBySizeAndWhatIsNeededOnlyAtTheHardLimit() throws {
        // An empty segment of ours has 3 pages, one with a small block no more.
        let rig = try LogRig(
            configuration: configuration(
                RetentionLimits(ageSeconds: 1_000_000, bytes: 100_000, hardBytes: 400_000)))
        rig.log.holds.hold("dead", from: 1)
        rig.log.holds.hold("well", from: 1000)
        rig.start()
        for block in 0..<8 { rig.commit(["\(block)"]) }
        #expect(rig.log.diskBytes() > 100_000)
        #expect(rig.log.stats.removedSegments.load(ordering: .relaxed) == 0)
        for block in 8..<40 { rig.commit(["\(block)"]) }
        isDone(rig, 1)
        eventually({
            rig.parker.wake()
            return rig.log.diskBytes() <= 400_000
        })
        let removals = rig.log.stats.takeIncidents().compactMap { incident -> SegmentRemoval? in
            if case .removed(let removal) = incident { removal } else { nil }
        }
        #expect(!removals.isEmpty)
        for (index, removal) in removals.enumerated() {
            #expect(removal.blocks.lowerBound == Int64(index + 1), "the oldest first")
            #expect(removal.neededBy == ["dead"] && removal.reason == .hardSize && removal.events == 1)
        }
        rig.log.holds.release("dead")
        eventually({
            rig.parker.wake()
            return rig.log.diskBytes() <= 100_000
        })
        #expect(isCommitted(rig.commit(["last"]), as: 41))
        #expect(try readAll(rig.log.makeReader()).ids.last == "last")
        rig.stop()
    }

    /// What goes although it is needed is on record, by hour, before its file goes; after a restart, too.
    @Test func recordsWhatIsGivenUpBeforeTheFileGoes() throws {
        let folder = TemporaryFolder()
        let hour: Int64 = 1_767_322_800_000
        let seen = Mutex<[(path: String, recorded: Int64)]>([])
        var faults = LogFaults()
        faults.beforeRemove = { path in
            guard let queue = try? DatabaseQueue(path: folder.file("data/state.sqlite")) else { return }
            let recorded = try queue.read { try Int64.fetchOne($0, sql: "SELECT max(end_block) FROM given_up") }
            seen.withLock { $0.append((path, recorded ?? 0)) }
            try queue.close()
        }
        let limits = RetentionLimits(ageSeconds: 1_000_000_000, bytes: 100_000, hardBytes: 200_000)
        let rig = try LogRig(folder: folder, configuration: configuration(limits), faults: faults)
        let state = try rig.log.makeDeliveryState()
        let cursor = SluiceCore.Cursor(
            destination: "dead", position: EventSequence(block: 1, index: 0), startEvent: 0, counts: OutcomeCounts())
        try state.save(cursors: [cursor], exceptions: [])
        rig.log.holds.hold("dead", from: 1)
        rig.start()
        let rings = Atomic<Int>(0)
        rig.log.stateBell.attach { rings.add(1, ordering: .relaxed) }
        for block in 0..<10 { rig.commit(["\(block)a", "\(block)b"], receivedMilliseconds: hour) }
        for block in 10..<30 {
            rig.commit(["\(block)a", "\(block)b"], receivedMilliseconds: hour + 3_600_000)
        }
        isDone(rig, 15)
        eventually({ rings.load(ordering: .relaxed) > 0 && rig.log.givenUp.count(from: 0) > 0 })
        #expect(FileCalls.exists(rig.log.folder.segment(firstBlock: 1)), "it is not on record yet")
        #expect(state.hasNews)
        let reader = rig.log.makeReader()
        eventually({
            // As the delivery thread does.
            try? state.save(cursors: [cursor], exceptions: [])
            return !FileCalls.exists(rig.log.folder.segment(firstBlock: 15))
        })
        let removals = seen.withLock { $0 }
        #expect(!removals.isEmpty)
        for removal in removals {
            let first = try #require(DataFolder.firstBlock(of: FileCalls.name(of: removal.path)))
            #expect(removal.recorded > first, "\(removal)")
        }
        let count = rig.log.givenUp.count(from: 0)
        #expect(count >= 30 && count % 2 == 0)
        #expect(rig.log.givenUp.count(from: 5) == count - 5 && rig.log.givenUp.count(from: count) == 0)
        let first = try #require(try reader.block(atOrAfter: 1)?.number)
        #expect(first > count / 2, "none of it is delivered any more")
        rig.stop()
        let again = try EventLog.open(folder: folder.file("data"))
        _ = try again.makeDeliveryState()
        #expect(again.givenUp.all.map(\.hour) == [hour, hour + 3_600_000])
        #expect(again.givenUp.all.first?.events == 0..<20)
        #expect(again.givenUp.count(from: 0) == count)
        again.close()
    }

    /// A destination comes upon the gap and saves its cursor behind it, before anything else was saved: all of the
    /// gap is on record with that cursor. After a crash nobody needs those segments any more.
    @Test func noCursorPassesWhatIsNotOnRecord() throws {
        let folder = TemporaryFolder()
        let hour: Int64 = 1_767_322_800_000
        let limits = RetentionLimits(ageSeconds: 1_000_000_000, bytes: 100_000, hardBytes: 200_000)
        var faults = LogFaults()
        // As if the process were killed before a file could go.
        faults.beforeRemove = { throw LogError.failed(path: $0, reason: "EIO") }
        let rig = try LogRig(folder: folder, configuration: configuration(limits), faults: faults)
        let state = try rig.log.makeDeliveryState()
        rig.log.holds.hold("dead", from: 1)
        rig.start()
        for block in 0..<40 { rig.commit(["\(block)a", "\(block)b"], receivedMilliseconds: hour) }
        isDone(rig, 15)
        let block = try #require(try rig.log.makeReader().block(atOrAfter: 1))
        #expect(block.number > 10)
        var counts = OutcomeCounts()
        counts.expired = block.firstEvent
        let run = BlockOutcome(
            destination: "dead", first: EventSequence(block: 1, index: 0), lastBlock: block.number - 1, firstEvent: 0,
            hour: nil, counts: counts)
        let cursor = SluiceCore.Cursor(
            destination: "dead", position: EventSequence(block: block.number, index: 0), startEvent: 0, counts: counts)
        var change = DeliveryChange(cursors: [cursor])
        change.blocks = [run]
        try state.save(change)
        let queue = try DatabaseQueue(path: folder.file("data/state.sqlite"))
        let recorded = try queue.read { try GivenUpTable.read($0) }
        try queue.close()
        #expect(recorded.count == 1 && recorded[0].hour == hour && recorded[0].events.lowerBound == 0)
        #expect((recorded.first?.events.upperBound ?? 0) >= block.firstEvent)
        #expect((recorded.first?.blocks.upperBound ?? 0) >= block.number)
        rig.stop()
    }

    /// A cursor that stands behind segments whose loss has no hour: before they go, it is noted.
    @Test func recordsTheHoursOfWhatWasPassedWithoutOne() throws {
        let folder = TemporaryFolder()
        let hour: Int64 = 1_767_322_800_000
        let limits = RetentionLimits(ageSeconds: 1_000_000_000, bytes: 100_000, hardBytes: 1 << 40)
        let first = try LogRig(folder: folder, configuration: configuration(limits))
        first.log.holds.hold("dead", from: 1)
        first.start()
        for block in 0..<30 { first.commit(["\(block)a", "\(block)b"], receivedMilliseconds: hour) }
        first.stop()
        let rig = try LogRig(folder: folder, configuration: configuration(limits))
        var counts = OutcomeCounts()
        counts.expired = 20
        var change = DeliveryChange(cursors: [
            SluiceCore.Cursor(
                destination: "dead", position: EventSequence(block: 11, index: 0), startEvent: 0, counts: counts)
        ])
        change.blocks = [
            BlockOutcome(
                destination: "dead", first: EventSequence(block: 1, index: 0), lastBlock: 10, firstEvent: 0, hour: nil,
                counts: counts)
        ]
        try rig.log.makeDeliveryState().save(change)
        let state = try rig.log.makeDeliveryState()
        rig.log.holds.hold("dead", from: 11)
        rig.start()
        isDone(rig, 10)
        #expect(rig.log.stats.forcedSegments.load(ordering: .relaxed) == 0)
        eventually({
            _ = try? state.save(DeliveryChange())
            return !FileCalls.exists(rig.log.folder.segment(firstBlock: 10))
        })
        rig.stop()
        #expect(rig.log.givenUp.all == [GivenUpEvents(events: 0..<20, blocks: 1..<11, hour: hour)])
        #expect(rig.log.givenUp.unsaved.isEmpty)
    }

    /// However many files wait for the state file: it is written once for all of them, and they go in their order.
    @Test func oneSaveLetsAllFilesGoThatWait() throws {
        let folder = TemporaryFolder()
        let gone = Mutex<[String]>([])
        let asked = Mutex<Set<String>>([])
        let saved = Mutex<Set<String>>([])
        let reaper = SegmentReaper(folder: folder.path, beforeRemove: { path in gone.withLock { $0.append(path) } }) {
            Issue.record("\($0)")
        }
        let paths = (10..<30).map { folder.file("\($0)") }
        for path in paths {
            try Data([1]).write(to: URL(fileURLWithPath: path))
            reaper.add(path) {
                _ = asked.withLock { $0.insert(path) }
                return saved.withLock { $0.contains(path) }
            }
        }
        reaper.retry()
        eventually({ asked.withLock { $0.count } == paths.count })
        #expect(gone.withLock { $0 }.isEmpty)
        saved.withLock { $0 = asked.withLock { $0 } }
        reaper.retry()
        reaper.finish()
        #expect(gone.withLock { $0 } == paths)
        #expect(paths.allSatisfy { !FileCalls.exists($0) })
    }

    @Test func rollsASegmentThatIsAloneTooLarge() throws {
        var configuration = configuration(RetentionLimits(ageSeconds: 1_000_000, bytes: 60_000))
        configuration.segmentBytes = 1 << 30
        configuration.compression = .none
        configuration.walBytes = 8192
        let rig = try LogRig(configuration: configuration)
        rig.start()
        rig.commit((0..<2000).map { "large-\($0)" })
        isDone(rig, 1)
        #expect(isCommitted(rig.commit(["next"]), as: 2))
        rig.stop()
        #expect(try rig.log.folder.segments().map(\.firstBlock) == [2])
        let again = try EventLog.open(folder: rig.folder.file("data"))
        #expect(again.head == LogHead(nextBlock: 3, events: 2001))
        again.close()
    }

    /// A reader in the middle of a segment when that goes: what it has open it reads to the end.
    @Test func readersCopeWithASegmentThatGoes() throws {
        let rig = try LogRig(
            configuration: configuration(
                RetentionLimits(ageSeconds: 1_000_000, bytes: 1_000_000_000, hardBytes: 1_000_000_000)))
        rig.start()
        for block in 0..<3 { rig.commit(["\(block)a", "\(block)b"]) }
        rig.stop()
        let log = try EventLog.open(folder: rig.folder.file("data"))
        let reader = log.makeReader()
        let finder = log.makeFinder()
        let entry = log.catalog.entries[0]
        try log.catalog.withConnection(to: entry) { (connection) throws(LogError) in
            log.catalog.remove(1)
            try FileCalls.remove(entry.path)
            let numbers = try connection.blocks(1..<10).map(\.number)
            #expect(numbers == [1])
        }
        #expect(log.catalog.idleCount == 0, "its bytes are free when it is given back")
        #expect(throws: LogError.missing(path: entry.path)) {
            try log.catalog.withConnection(to: entry) { (connection) throws(LogError) in
                _ = try connection.extent()
            }
        }
        let result = try readAll(reader)
        #expect(result.ids == ["1a", "1b", "2a", "2b"])
        #expect(result.blocks.first?.firstEvent == 2, "how many events are gone can be told")
        let id = Array("0a".utf8)
        let found = try id.withBytes { (bytes) throws(LogError) in
            try finder.find(id: bytes, received: 0..<Int64.max)
        }
        #expect(found == nil)
        log.close()
    }

    @Test func triesAgainWhereAFileCannotBeUnlinked() throws {
        let isBroken = Switch(isOn: true)
        var faults = LogFaults()
        faults.beforeRemove = { path in
            if isBroken.isOn { throw LogError.failed(path: path, reason: "EIO") }
        }
        let reaped = Mutex<[LogError]>([])
        let folder = TemporaryFolder()
        for name in ["a", "b"] { try Data([1]).write(to: URL(fileURLWithPath: folder.file(name))) }
        let reaper = SegmentReaper(folder: folder.path, beforeRemove: faults.beforeRemove) { error in
            reaped.withLock { $0.append(error) }
        }
        reaper.add(folder.file("a"))
        eventually({ reaped.withLock { !$0.isEmpty } })
        #expect(FileCalls.exists(folder.file("a")))
        #expect(reaped.withLock { $0 } == [.failed(path: folder.file("a"), reason: "EIO")])
        isBroken.isOn = false
        // The newer waits behind the older, so that a crash leaves no hole.
        reaper.add(folder.file("b"))
        #expect(FileCalls.exists(folder.file("b")))
        reaper.retry()
        reaper.finish()
        #expect(!FileCalls.exists(folder.file("a")) && !FileCalls.exists(folder.file("b")))
    }

    /// Commits fail for want of room: retention goes on, and makes it.
    @Test func makesRoomWhileCommitsFail() throws {
        let isFull = Switch()
        var faults = LogFaults()
        faults.beforeCommit = { _ in if isFull.isOn { throw DatabaseError(resultCode: .SQLITE_FULL) } }
        faults.beforeRemove = { _ in isFull.isOn = false }
        let clock = TestClock()
        let rig = try LogRig(
            configuration: configuration(RetentionLimits(ageSeconds: 1000, bytes: 1 << 40)), clock: clock.clock,
            faults: faults)
        rig.start()
        rig.commit(["a"], receivedMilliseconds: clock.milliseconds.load(ordering: .relaxed))
        isFull.isOn = true
        guard case .failed = rig.commit(["lost"]) else {
            Issue.record("acknowledged what was not committed")
            return
        }
        clock.advance(seconds: 2000)
        isDone(rig, 1)
        #expect(rig.commitEventually(["b"]) == 2)
        rig.stop()
    }

    @Test func saysHowMuchAHolderHolds() throws {
        let rig = try LogRig(
            configuration: configuration(RetentionLimits(ageSeconds: 1_000_000, bytes: 1 << 40)))
        rig.start()
        for block in 0..<3 { rig.commit(["\(block)"]) }
        eventually({ rig.log.stats.sealedSegments.load(ordering: .relaxed) == 3 })
        #expect(rig.log.held(from: 0).segments == 4)
        #expect(rig.log.held(from: 0).bytes == rig.log.diskBytes())
        #expect(rig.log.held(from: 3).segments == 2)
        #expect(rig.log.held(from: 3).bytes < rig.log.diskBytes())
        #expect(rig.log.held(from: 4).segments == 0)
        #expect(rig.log.held(from: 4).bytes == 0)
        let runway = rig.log.runway()
        #expect(runway.sizeBytes == 1 << 40 && runway.hardSizeBytes == 1 << 40)
        #expect(try #require(runway.fileSystemFreeBytes) > 0)
        rig.stop()
    }
}
