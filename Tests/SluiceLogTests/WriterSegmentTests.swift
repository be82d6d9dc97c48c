import Foundation
import SluiceCore
import Testing

@testable import SluiceLog

@Suite struct WriterSegmentTests {
    private func make(_ temporary: TemporaryFolder, at head: LogHead) throws -> WriterSegment {
        let folder = DataFolder(temporary.file("data"))
        try folder.create()
        try WriterSegment.create(
            in: folder, at: head, nowMilliseconds: 123, configuration: LogConfiguration())
        return try WriterSegment(
            path: folder.segment(firstBlock: head.nextBlock), configuration: LogConfiguration())
    }

    private func write(_ segment: WriterSegment, _ numbers: ClosedRange<Int64>) throws {
        let encoder = BlockEncoder(codec: .zstd)
        try segment.commit { inserter in
            for number in numbers {
                let block = encoder.encode(openBlock(["\(number)"]), number: number, firstEvent: number - 1)
                try inserter.insert(block, columnsOf: encoder)
            }
        }
        segment.noteCommitted(
            blocks: numbers.count, payloadBytes: 100, newestMilliseconds: 400, endEvent: numbers.upperBound,
            nowMilliseconds: 456)
    }

    @Test func isMadeWhole() throws {
        let temporary = TemporaryFolder()
        let segment = try make(temporary, at: LogHead(nextBlock: 40, events: 99))
        #expect(segment.description.firstBlock == 40)
        #expect(segment.description.firstEvent == 99)
        #expect(segment.description.createdMilliseconds == 123)
        #expect(segment.description.format == SegmentSchema.formatVersion)
        #expect(segment.startedMilliseconds == nil)
        #expect(try segment.extent() == nil)
        segment.close()
        #expect(try DataFolder(temporary.file("data")).names().filter { $0.contains("creating") } == [])
    }

    @Test func refusesToMakeAFileWhereNoneIs() throws {
        let temporary = TemporaryFolder()
        #expect(throws: LogError.missing(path: temporary.file("none.sqlite"))) {
            try WriterSegment(path: temporary.file("none.sqlite"), configuration: LogConfiguration())
        }
        #expect(!FileCalls.exists(temporary.file("none.sqlite")))
    }

    @Test func commitsAllOrNothing() throws {
        struct Stop: Error {}
        let temporary = TemporaryFolder()
        let segment = try make(temporary, at: LogHead(nextBlock: 1, events: 0))
        try write(segment, 1...3)
        let encoder = BlockEncoder(codec: .zstd)
        #expect(throws: LogError.self) {
            try segment.commit { inserter in
                let block = encoder.encode(openBlock(["x"]), number: 4, firstEvent: 3)
                try inserter.insert(block, columnsOf: encoder)
                throw Stop()
            }
        }
        #expect(try segment.extent()?.lastBlock == 3)
        #expect(throws: LogError.self) { try write(segment, 3...5) }  // 3 is taken
        #expect(try segment.extent()?.lastBlock == 3)
        try write(segment, 4...4)
        #expect(try segment.extent()?.lastBlock == 4)
        try segment.removeBlocks(from: 3)
        #expect(try segment.extent()?.lastBlock == 2)
        segment.close()
    }

    @Test func sealingLeavesOneFile() throws {
        let temporary = TemporaryFolder()
        let segment = try make(temporary, at: LogHead(nextBlock: 1, events: 0))
        try write(segment, 1...30)
        #expect(FileCalls.exists(segment.path + "-wal"))
        try segment.seal(nowMilliseconds: 789)
        #expect(!FileCalls.exists(segment.path + "-wal"))
        #expect(!FileCalls.exists(segment.path + "-shm"))
        // Alone, elsewhere, and unwritable, it is still whole.
        let copy = temporary.file("archived.sqlite")
        try runProgram(["cp", segment.path, copy])
        try runProgram(["chmod", "a-w", copy])
        let reader = try SegmentReader(path: copy)
        #expect(reader.description.closedMilliseconds == 789)
        #expect(try reader.extent()?.lastBlock == 30)
    }

    @Test func checkpointsAreAskedForAtTheLimit() throws {
        let temporary = TemporaryFolder()
        let segment = try make(temporary, at: LogHead(nextBlock: 1, events: 0))
        #expect(!segment.wantsCheckpoint)
        var number: Int64 = 1
        while !segment.wantsCheckpoint {
            try write(segment, number...number)
            number += 1
        }
        #expect(number > 100)
        try segment.checkpoint()
        #expect(!segment.wantsCheckpoint)
        segment.close()
    }
}
