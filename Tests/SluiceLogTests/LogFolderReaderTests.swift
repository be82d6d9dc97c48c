import Foundation
import GRDB
import SluiceCore
import Testing

@testable import SluiceLog

@Suite struct LogFolderReaderTests {
    /// Block n was received in second n (times `spacing`) and holds `n-a` and `n-b`; segments of some blocks.
    private func rig(blocks: Int, blocksPerSegment: Int = 10, spacing: Int64 = 1) throws -> LogRig {
        var configuration = LogConfiguration()
        configuration.segmentBytes = blocksPerSegment * 512
        let rig = try LogRig(configuration: configuration)
        rig.start()
        for block in 1...blocks { append(block, to: rig, spacing: spacing) }
        return rig
    }

    private func append(_ block: Int, to rig: LogRig, spacing: Int64 = 1) {
        rig.commit(["\(block)-a", "\(block)-b"], receivedMilliseconds: Int64(block) * 1000 * spacing)
    }

    private func reader(_ rig: LogRig) throws -> LogFolderReader {
        try LogFolderReader(folder: rig.log.folder.path)
    }

    private struct Found {
        var numbers: [Int64] = []
        var ids: [String] = []
        var unreadable: [UnreadablePart] = []
    }

    private func read(
        _ reader: LogFolderReader, received: Range<Int64> = Int64.min..<Int64.max, newestFirst: Bool = false,
        from: Int64? = nil, onBlock: (Int64) -> Void = { _ in }
    ) throws -> Found {
        var found = Found()
        reader.onUnreadable = { found.unreadable.append($0) }
        var numbers: [Int64] = []
        var read: [String] = []
        try reader.forEachEventBlock(received: received, newestFirst: newestFirst, from: from) { block in
            numbers.append(block.number)
            read += ids(of: block)
            onBlock(block.number)
            return true
        }
        found.numbers = numbers
        found.ids = read
        return found
    }

    @Test func theFilesSayWhereTheLogEndsAndWhereAnEventIs() throws {
        let rig = try rig(blocks: 100)
        // Nobody begins another segment while they are counted.
        rig.stop()
        let reader = try reader(rig)
        let figures = try reader.figures()
        #expect(figures.nextBlock == rig.log.head.nextBlock && figures.events == rig.log.head.events)
        #expect(figures.segments == rig.log.segmentCount && figures.unreadable == 0)
        #expect(figures.diskBytes > 0)
        let place = try #require(try reader.place(of: EventSequence(block: 57, index: 1)))
        #expect(place.eventNumber == 113 && place.receivedMilliseconds == 57_000)
        #expect(try reader.place(of: EventSequence(block: 57, index: 2)) == nil)
        #expect(try reader.place(of: EventSequence(block: 101, index: 0)) == nil)
        let first = rig.log.folder.segment(firstBlock: 1)
        try Data(repeating: 1, count: 9000).write(to: URL(fileURLWithPath: first))
        let damaged = try reader.figures()
        #expect(damaged.unreadable == 1 && damaged.segments == figures.segments - 1)
        #expect(damaged.events == figures.events)
    }

    @Test func readsAllSegmentsBesideTheWriter() throws {
        let rig = try rig(blocks: 100)
        #expect(rig.log.segmentCount > 3)
        let reader = try reader(rig)
        let found = try read(reader)
        #expect(found.numbers == Array(1...100))
        #expect(found.ids.first == "1-a")
        #expect(found.ids.count == 200)
        #expect(found.unreadable.isEmpty)
        #expect(try read(reader, newestFirst: true).numbers == (1...100).reversed())
        let segments = try reader.segments()
        #expect(segments.count == rig.log.segmentCount)
        #expect(segments.first?.firstBlock == 1)
        #expect(segments.compactMap(\.extent).last?.lastBlock == 100)
        rig.stop()
    }

    @Test func readsFromABlockAndByReceiveTime() throws {
        let rig = try rig(blocks: 100)
        let reader = try reader(rig)
        #expect(try read(reader, from: 93).numbers == Array(93...100))
        #expect(try read(reader, newestFirst: true, from: 7).numbers == (1...7).reversed())
        #expect(try read(reader, received: 40_000..<44_000).numbers == Array(40...43))
        #expect(try read(reader, received: 40_000..<44_000, newestFirst: true).numbers == (40...43).reversed())
        #expect(try read(reader, received: 40_000..<44_000, from: 42).numbers == [42, 43])
        #expect(try read(reader, received: 40_000..<40_000).numbers == [])
        #expect(try read(reader, received: 900_000..<Int64.max).numbers == [])
        rig.stop()
    }

    @Test func segmentsFarFromTheTimesAskedForAreNotOpened() throws {
        // An hour between blocks: whole segments lie outside.
        let rig = try rig(blocks: 60, spacing: 3600)
        rig.stop()
        let segments = try reader(rig).segments()
        let first = try #require(segments.first), last = try #require(segments.last)
        // Whoever opened one of these would complain.
        try Data("not a database".utf8).write(to: URL(fileURLWithPath: first.path))
        let hour: Int64 = 3_600_000
        let middle = (30 * hour)..<(33 * hour)
        let up = try read(try reader(rig), received: middle)
        #expect(up.numbers == [30, 31, 32])
        let down = try read(try reader(rig), received: middle, newestFirst: true)
        #expect(down.numbers == [32, 31, 30])
        #expect(down.unreadable.isEmpty)
        #expect(last.firstBlock > 33)
    }

    @Test func readsWhatIsCommittedMeanwhile() throws {
        let rig = try rig(blocks: 15)
        var appended = 15
        let found = try read(try reader(rig)) { number in
            if number == 15 || number == 30 {
                for block in appended + 1...appended + 30 { append(block, to: rig) }
                appended += 30
            }
        }
        #expect(found.numbers == Array(1...75))
        #expect(found.unreadable.isEmpty)
        rig.stop()
    }

    @Test func theWriterCanCloseASegmentThatIsBeingRead() throws {
        let rig = try rig(blocks: 5, blocksPerSegment: 20)
        let reader = try reader(rig)
        try reader.forEachBlock { block in
            guard block.number == 1 else { return true }
            for number in 6...60 { append(number, to: rig) }
            return false
        }
        eventually { (try? reader.segments().first?.description.closedMilliseconds) != nil }
        #expect(!FileManager.default.fileExists(atPath: rig.log.folder.segment(firstBlock: 1) + "-wal"))
        rig.stop()
    }

    @Test func readsAStoppedFolderAndLeavesItAsItWas() throws {
        let rig = try rig(blocks: 25)
        rig.stop()
        let files = { try FileManager.default.contentsOfDirectory(atPath: rig.log.folder.log).sorted() }
        let before = try files().filter { $0.hasSuffix(".sqlite") }
        #expect(try read(try reader(rig)).numbers == Array(1...25))
        #expect(try files().filter { $0.hasSuffix(".sqlite") } == before)
        // The lock was not taken: the folder can be opened while a reader is there.
        let held = try reader(rig)
        let log = try EventLog.open(folder: rig.log.folder.path)
        #expect(log.head.nextBlock == 26)
        #expect(try read(held).numbers == Array(1...25))
        log.close()
    }

    @Test func readsWhatACrashLeftWithoutCheckpointing() throws {
        let rig = try rig(blocks: 8, blocksPerSegment: 1000)
        let copy = TemporaryFolder()
        // What a killed gateway leaves: the file, its WAL, no lock.
        try runProgram(["cp", "-r", rig.log.folder.path, copy.file("data")])
        try runProgram(["rm", "-f", copy.file("data/log/000000000001.sqlite-shm")])
        rig.stop()
        let wal = copy.file("data/log/000000000001.sqlite-wal")
        let size = FileCalls.size(wal)
        #expect((size ?? 0) > 0)
        #expect(try read(try LogFolderReader(folder: copy.file("data"))).numbers == Array(1...8))
        #expect(FileCalls.size(wal) == size)
    }

    @Test func anImmutableConnectionNeedsNoSideFiles() throws {
        let rig = try rig(blocks: 8, blocksPerSegment: 1000)
        let folder = rig.log.folder
        rig.stop()
        let odd = TemporaryFolder()
        let path = odd.file("a %?#ü.sqlite")
        try runProgram(["cp", folder.segment(firstBlock: 1), path])
        let connection = try SegmentConnection(path: path, isImmutable: true)
        #expect(try connection.blocks(1..<100).map(\.number) == Array(1...8))
        #expect(!FileCalls.exists(path + "-shm"))
        #expect(!FileCalls.exists(path + "-wal"))
        connection.close()
    }

    @Test func readsAnArchivedFile() throws {
        let rig = try rig(blocks: 40)
        let second = try #require(try reader(rig).segments().dropFirst().first)
        let elsewhere = TemporaryFolder()
        try runProgram(["cp", second.path, elsewhere.file("archive.db")])
        rig.stop()
        let reader = try LogFolderReader(file: elsewhere.file("archive.db"))
        let extent = try #require(second.extent)
        #expect(try reader.segments().map(\.extent) == [extent])
        let found = try read(reader)
        #expect(found.numbers == Array(extent.firstBlock...extent.lastBlock))
        #expect(found.unreadable.isEmpty)
    }

    @Test func saysWhatIsNotThere() throws {
        let folder = TemporaryFolder()
        #expect(throws: LogError.missing(path: folder.file("none/log"))) {
            _ = try LogFolderReader(folder: folder.file("none"))
        }
        #expect(throws: LogError.missing(path: folder.file("a.sqlite"))) {
            _ = try LogFolderReader(file: folder.file("a.sqlite"))
        }
    }

    // MARK: Damage

    private func edit(_ path: String, _ sql: String) throws {
        let result = try runProgram(["sqlite3", path, sql])
        #expect(result.status == 0, "\(result.output)")
    }

    @Test func damagedBlocksArePassedOver() throws {
        let rig = try rig(blocks: 40)
        rig.stop()
        let path = try #require(try reader(rig).segments().last { $0.firstBlock <= 3 }).path
        try edit(path, "UPDATE block SET crc32c = crc32c + 1 WHERE number = 3")
        for newestFirst in [false, true] {
            let found = try read(try reader(rig), newestFirst: newestFirst)
            #expect(found.numbers.sorted() == Array(1...40).filter { $0 != 3 })
            #expect(
                found.unreadable == [.blocks(path: path, numbers: 3..<4, events: 2, reason: "checksum")])
        }
    }

    @Test func aDamagedPageCostsOnlyItsBlocks() throws {
        let rig = try rig(blocks: 200, blocksPerSegment: 1000)
        rig.stop()
        let path = rig.log.folder.segment(firstBlock: 1)
        let page = try runProgram(
            [
                "sqlite3", path,
                "SELECT pageno FROM dbstat WHERE name = 'block' AND pagetype = 'leaf' ORDER BY path LIMIT 1 OFFSET 1",
            ]
        ).output
        guard let number = Int(page.trimmingCharacters(in: .whitespacesAndNewlines)) else {
            return  // sqlite3 without dbstat
        }
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        try handle.seek(toOffset: UInt64((number - 1) * SegmentSchema.pageSize))
        try handle.write(contentsOf: Data(repeating: 0xFF, count: SegmentSchema.pageSize))
        try handle.close()
        let up = try read(try reader(rig))
        let down = try read(try reader(rig), newestFirst: true)
        for found in [up, down] {
            let lost = Set(1...200).subtracting(found.numbers.map(Int.init)).sorted()
            #expect(!lost.isEmpty && lost.count < 120)
            #expect(lost.last! - lost.first! == lost.count - 1)
            #expect(found.unreadable.count == 1)
            guard case .blocks(_, let numbers, _, _)? = found.unreadable.first else {
                Issue.record("\(found.unreadable)")
                continue
            }
            #expect(numbers == Int64(lost.first!)..<Int64(lost.last!) + 1)
        }
        #expect(up.numbers == down.numbers.reversed())
    }

    @Test func damagedAndMissingSegmentsArePassedOver() throws {
        let rig = try rig(blocks: 60)
        rig.stop()
        let segments = try reader(rig).segments()
        try #require(segments.count >= 5)
        try Data("no database at all".utf8).write(to: URL(fileURLWithPath: segments[1].path))
        try FileManager.default.removeItem(atPath: segments[3].path)
        let lost = [segments[1], segments[3]].flatMap { Array($0.extent!.firstBlock...$0.extent!.lastBlock) }
        let found = try read(try reader(rig))
        #expect(found.numbers == Array(1...60).filter { !lost.contains($0) })
        #expect(found.unreadable.count == 2)
        #expect(found.unreadable.first?.label == "segment")
        #expect(
            found.unreadable.last == .gap(segments[3].extent!.firstBlock..<segments[3].extent!.lastBlock + 1))
        // Retention takes the oldest, which leaves no gap.
        for segment in segments[0...3] { try? FileManager.default.removeItem(atPath: segment.path) }
        #expect(try read(try reader(rig)).unreadable.isEmpty)
    }

    @Test func retentionInMidReadIsNoDamage() throws {
        let rig = try rig(blocks: 60)
        let segments = try reader(rig).segments()
        let found = try read(try reader(rig)) { number in
            guard number == 1 else { return }
            for segment in segments[0...2] { try? FileManager.default.removeItem(atPath: segment.path) }
        }
        // The file that is open stays readable; the next two are gone.
        #expect(found.numbers == Array(1..<segments[1].firstBlock) + Array(segments[3].firstBlock...60))
        #expect(found.unreadable.isEmpty)
        rig.stop()
    }
}
