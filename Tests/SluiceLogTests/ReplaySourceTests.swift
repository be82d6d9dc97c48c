import Foundation
import SluiceCore
import Testing

@testable import SluiceLog

@Suite struct ReplaySourceTests {
    private func numbers(_ source: any BlockSource, from start: Int64 = 1) throws -> [Int64] {
        try readAll(source, from: start).blocks.map(\.number)
    }

    @Test func `only blocks of its time are read, over all segments`() throws {
        var configuration = LogConfiguration()
        configuration.segmentBytes = 1
        let rig = try LogRig(configuration: configuration)
        rig.start()
        for index in 0..<10 { rig.commit(["e\(index)"], receivedMilliseconds: Int64(index) * 1000) }
        #expect(try numbers(rig.log.makeReplaySource(received: 3000..<6001)) == [4, 5, 6, 7])
        #expect(try numbers(rig.log.makeReplaySource(received: 0..<Int64.max)) == Array(1...10))
        #expect(try numbers(rig.log.makeReplaySource(received: 0..<Int64.max), from: 8) == [8, 9, 10])
        #expect(try numbers(rig.log.makeReplaySource(received: 20_000..<30_000)) == [])
        // In leaps, as between rare outcomes.
        let source = try rig.log.makeReplaySource(received: 0..<Int64.max)
        #expect(try source.block(atOrAfter: 2)?.number == 2)
        #expect(try source.block(atOrAfter: 7)?.number == 7)
        #expect(try source.block(atOrAfter: 8)?.number == 8)
        #expect(try source.block(atOrAfter: 11) == nil)
        rig.stop()
    }

    @Test func `an archived segment is read where it lies`() throws {
        let folder = TemporaryFolder()
        let rig = try LogRig(folder: folder)
        rig.start()
        rig.commit(["a", "b"], receivedMilliseconds: 1000)
        rig.commit(["c"], receivedMilliseconds: 2000)
        rig.stop()
        let segment = try #require(try DataFolder(folder.file("data")).segments().first?.path)
        try runProgram(["cp", segment, folder.file("archived.db")])
        let other = try LogRig()
        other.start()
        let source = try other.log.makeReplaySource(
            received: 0..<Int64.max, segment: folder.file("archived.db"))
        #expect(try readAll(source).ids == ["a", "b", "c"])
        #expect(throws: LogError.missing(path: folder.file("none"))) {
            try other.log.makeReplaySource(received: 0..<1, segment: folder.file("none"))
        }
        try runProgram([
            "sqlite3", folder.file("archived.db"), "PRAGMA user_version = 99; UPDATE segment SET format = 99",
        ])
        #expect(
            throws: LogError.newerFormat(
                path: folder.file("archived.db"), found: 99, supported: SegmentSchema.formatVersion)
        ) { try other.log.makeReplaySource(received: 0..<1, segment: folder.file("archived.db")) }
        other.stop()
    }

    @Test func `damaged blocks are named and passed over`() throws {
        let folder = TemporaryFolder()
        let rig = try LogRig(folder: folder)
        rig.start()
        for name in ["a", "b", "c"] { rig.commit([name], receivedMilliseconds: 1000) }
        rig.stop()
        let segment = try #require(try DataFolder(folder.file("data")).segments().first?.path)
        try runProgram(["sqlite3", segment, "UPDATE block SET crc32c = 1 WHERE number = 2"])
        let log = try EventLog.open(folder: folder.file("data"))
        defer { log.close() }
        let found = try readAll(try log.makeReplaySource(received: 0..<Int64.max))
        #expect(found.ids == ["a", "c"])
        #expect(found.damaged.map(\.number) == [2])
    }
}
