import Foundation
import GRDB
import SluiceCore
import Testing

@testable import SluiceLog

@Suite struct LogReaderTests {
    @Test func readsFromMemoryWhileItKeepsUp() throws {
        let rig = try LogRig()
        let reader = rig.log.makeReader()
        rig.start()
        for number in 0..<5 { rig.commit(["\(number)"]) }
        // Without its file only memory can answer.
        try FileManager.default.moveItem(
            atPath: rig.log.folder.segment(firstBlock: 1), toPath: rig.folder.file("aside"))
        #expect(try readAll(reader).ids == ["0", "1", "2", "3", "4"])
        #expect(try readAll(reader, from: 4).ids == ["3", "4"])
        // A reader made later has nothing in memory.
        #expect(try readAll(rig.log.makeReader()).ids == [])
        try FileManager.default.moveItem(
            atPath: rig.folder.file("aside"), toPath: rig.log.folder.segment(firstBlock: 1))
        #expect(try readAll(rig.log.makeReader()).ids == ["0", "1", "2", "3", "4"])
        rig.stop()
    }

    @Test func readsFromSegmentsWhatMemoryCouldNotHold() throws {
        var configuration = LogConfiguration()
        configuration.recentBytes = 8 << 10
        configuration.decodedBytes = 8 << 10
        configuration.compression = .none
        let rig = try LogRig(configuration: configuration)
        let reader = rig.log.makeReader()
        rig.start()
        var expected: [String] = []
        for block in 0..<100 {
            let ids = (0..<20).map { "\(block)-\($0)" }
            rig.commit(ids)
            expected += ids
        }
        #expect(rig.log.stats.recentDropped.load(ordering: .relaxed) > 0)
        let result = try readAll(reader)
        #expect(result.ids == expected)
        #expect(result.blocks.map(\.firstEvent) == (0..<100).map { Int64($0 * 20) })
        rig.stop()
    }

    @Test func sharesOneDecodedBlockBetweenDestinations() throws {
        let rig = try LogRig()
        rig.start()
        rig.commit(["a"])
        rig.commit(["b"])
        let reader = rig.log.makeReader()
        let first = try #require(try reader.block(atOrAfter: 1))
        _ = try reader.block(atOrAfter: 2)
        #expect(try reader.block(atOrAfter: 1) === first)
        #expect(try reader.block(atOrAfter: 0) === first)
        #expect(try reader.block(atOrAfter: -5) === first)
        #expect(try reader.block(atOrAfter: 3) == nil)
        #expect(try reader.block(atOrAfter: .max) == nil)
        rig.stop()
    }

    /// Reading, from the start and at the end, while blocks are committed and segments change.
    @Test func readsWhileBlocksAreWritten() throws {
        var configuration = LogConfiguration()
        configuration.segmentBytes = 60 << 10
        configuration.walBytes = 32 << 10
        configuration.compression = .none
        configuration.recentBytes = 16 << 10
        let rig = try LogRig(configuration: configuration)
        rig.start()
        let rounds = 150
        let readers = (0..<3).map { index in
            let log = rig.log
            return TestThread {
                let reader = log.makeReader()
                var next: Int64 = 1
                var events: Int64 = 0
                do {
                    while next <= rounds {
                        if index == 2, next % 7 == 0 { Thread.sleep(forTimeInterval: 0.002) }
                        guard let block = try reader.block(atOrAfter: next) else { continue }
                        #expect(block.number == next)
                        #expect(block.firstEvent == events)
                        #expect(ids(of: block) == (0..<30).map { "\(next)-\($0)" })
                        events += Int64(block.eventCount)
                        next = block.number + 1
                    }
                } catch {
                    Issue.record("\(error)")
                }
            }
        }
        for block in 1...rounds { rig.commit((0..<30).map { "\(block)-\($0)" }) }
        for reader in readers { reader.join() }
        #expect(rig.log.segmentCount > 3)
        rig.stop()
    }

    @Test func passesOverWhatWasGivenUp() throws {
        let folder = try closedLog(blocks: 6)
        try change(folder, "DELETE FROM block WHERE number IN (2, 3, 6)")
        let log = try EventLog.open(folder: folder.file("data"))
        let reader = log.makeReader()
        #expect(try reader.block(atOrAfter: 2)?.number == 4)
        #expect(try readAll(reader).blocks.map(\.number) == [1, 4, 5])
        log.close()
    }

    // MARK: Damage

    @Test(arguments: [0, 1, 2, 3]) func namesADamagedPayload(place: Int) throws {
        let folder = try closedLog(blocks: 3)
        let queue = try DatabaseQueue(path: folder.file("data/log/000000000001.sqlite"))
        try queue.write { database in
            var payload = try #require(
                try Data.fetchOne(database, sql: "SELECT payload FROM block WHERE number = 2"))
            payload[(payload.count - 1) * place / 3] ^= 1
            try database.execute(
                sql: "UPDATE block SET payload = ? WHERE number = 2", arguments: [payload])
        }
        try queue.close()
        try expectOnlyTheSecondDamaged(folder, eventCount: 40)
    }

    @Test(arguments: [
        "crc32c = crc32c + 1", "raw_size = raw_size + 1", "raw_size = -1", "raw_size = 1 << 60",
        "codec = 'zlib'", "codec = 'lzma'", "payload = x''", "payload = 'text'",
        "payload = substr(payload, 1, length(payload) - 1)",
    ])
    func namesDamagedFigures(assignment: String) throws {
        let folder = try closedLog(blocks: 3)
        try change(folder, "UPDATE block SET \(assignment) WHERE number = 2")
        try expectOnlyTheSecondDamaged(folder, eventCount: 40)
    }

    @Test func namesAWrongEventCount() throws {
        let folder = try closedLog(blocks: 3)
        try change(folder, "UPDATE block SET events = 41 WHERE number = 2")
        try expectOnlyTheSecondDamaged(folder, eventCount: 41)
    }

    /// Bits flipped anywhere in a closed segment's file: what is read is right, all else is named.
    @Test func neverDeliversWhatWasNotWritten() throws {
        let folder = try closedLog(blocks: 12, isSealed: true)
        let data = DataFolder(folder.file("data"))
        let path = data.segment(firstBlock: 1)
        let original = try Data(contentsOf: URL(fileURLWithPath: path))
        let expected = (1...12).map { block in (0..<40).map { "\(block)-\($0)" } }
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = SplitMix(state: seed)
        for round in 0..<60 {
            var bytes = original
            for _ in 0..<(1 + round % 3) {
                bytes[Int(random.next() % UInt64(bytes.count))] ^= UInt8(1 << (random.next() % 8))
            }
            try bytes.write(to: URL(fileURLWithPath: path))
            guard let log = try? EventLog.open(folder: data.path) else { continue }
            let reader = log.makeReader()
            var next: Int64 = 1
            while next <= 12 {
                do throws(BlockSourceError) {
                    guard let block = try reader.block(atOrAfter: next) else { break }
                    #expect(block.number >= next && block.number <= 12, "seed \(seed), round \(round)")
                    #expect(
                        expected.contains(ids(of: block)), "seed \(seed), round \(round)")
                    next = block.number + 1
                } catch .damaged(let number, _, _) {
                    #expect(number >= next, "seed \(seed), round \(round)")
                    next = number + 1
                } catch {
                    Issue.record("seed \(seed), round \(round): \(error)")
                    break
                }
            }
            log.close()
        }
    }

    private func expectOnlyTheSecondDamaged(_ folder: TemporaryFolder, eventCount: Int) throws {
        let log = try EventLog.open(folder: folder.file("data"))
        let result = try readAll(log.makeReader())
        #expect(result.blocks.map(\.number) == [1, 3])
        #expect(result.damaged.map(\.number) == [2])
        #expect(result.damaged.map(\.eventCount) == [eventCount])
        log.close()
    }

    /// A log nobody has open, with blocks of 40 events, `1-0` to `1-39` the first.
    private func closedLog(blocks: Int, isSealed: Bool = false) throws -> TemporaryFolder {
        let folder = TemporaryFolder()
        let clock = TestClock()
        let rig = try LogRig(folder: folder, clock: clock.clock)
        rig.start()
        for block in 1...blocks { rig.commit((0..<40).map { "\(block)-\($0)" }) }
        if isSealed {
            clock.advance(seconds: 4000)
            rig.parker.wake()
            eventually({ rig.log.stats.sealedSegments.load(ordering: .relaxed) == 1 })
        }
        rig.stop()
        return folder
    }

    private func change(_ folder: TemporaryFolder, _ sql: String) throws {
        let queue = try DatabaseQueue(path: folder.file("data/log/000000000001.sqlite"))
        try queue.write { try $0.execute(sql: sql) }
        try queue.close()
    }
}

/// Numbers that are the same for the same seed.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
