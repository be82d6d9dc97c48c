import Foundation
import SluiceCore
import Testing

@testable import SluiceLog

@Suite struct SegmentReaderTests {
    /// Block n was received in second n and holds `n-a` and `n-b`.
    private func rig(blocks: Int) throws -> LogRig {
        let rig = try LogRig()
        rig.start()
        for block in 1...blocks {
            rig.commit(["\(block)-a", "\(block)-b"], receivedMilliseconds: Int64(block) * 1000)
        }
        return rig
    }

    private func numbers(
        _ reader: SegmentReader, _ range: Range<Int64> = 1..<Int64.max,
        received: Range<Int64> = Int64.min..<Int64.max
    ) throws -> [Int64] {
        var numbers: [Int64] = []
        try reader.forEachBlock(numbers: range, received: received) { block in
            numbers.append(block.number)
            return true
        }
        return numbers
    }

    @Test func readsRangesBesideTheWriter() throws {
        let rig = try rig(blocks: 150)
        let reader = try SegmentReader(path: rig.log.folder.segment(firstBlock: 1))
        #expect(reader.description.firstBlock == 1)
        #expect(reader.description.firstEvent == 0)
        #expect(reader.description.closedMilliseconds == nil)
        let extent = try #require(try reader.extent())
        #expect(extent.lastBlock == 150)
        #expect(extent.endEvent == 300)
        #expect(try numbers(reader) == Array(1...150))
        #expect(try numbers(reader, 140..<145) == Array(140..<145))
        #expect(try numbers(reader, received: 7000..<9000) == [7, 8])
        #expect(try numbers(reader, 8..<100, received: 7000..<9000) == [8])
        #expect(try numbers(reader, 200..<300) == [])
        rig.commit(["late"])
        #expect(try numbers(reader, 150..<Int64.max) == [150, 151])
        rig.stop()
    }

    @Test func stopsWhenTold() throws {
        let rig = try rig(blocks: 5)
        let reader = try SegmentReader(path: rig.log.folder.segment(firstBlock: 1))
        var seen: [Int64] = []
        try reader.forEachBlock { block in
            seen.append(block.number)
            return seen.count < 2
        }
        #expect(seen == [1, 2])
        rig.stop()
    }

    @Test func findsBlocksByTheirFilters() throws {
        let rig = try rig(blocks: 300)
        let reader = try SegmentReader(path: rig.log.folder.segment(firstBlock: 1))
        var found: [Int64] = []
        var count = 0
        try reader.forEachHashes { hashes in
            count += 1
            if hashes.filter.withBytes({ BloomFilter.mayContain(idHash("217-b"), in: $0) }) {
                found.append(hashes.number)
            }
            let expected = ["a", "b"].flatMap { letter in
                let hash = idHash("click \(hashes.number)-\(letter)")
                return (0..<8).map { UInt8(truncatingIfNeeded: hash >> UInt64($0 * 8)) }
            }
            #expect(hashes.fingerprints == expected)
        }
        #expect(count == 300)
        #expect(found.contains(217))
        #expect(found.count < 20)
        rig.stop()
    }

    @Test func refusesWhatIsNoSegment() throws {
        let folder = TemporaryFolder()
        let path = folder.file("a.sqlite")
        #expect(throws: LogError.missing(path: path)) { try SegmentReader(path: path) }
        try runProgram(["sqlite3", path, "CREATE TABLE t (x)"])
        #expect(throws: LogError.foreignFile(path: path)) { try SegmentReader(path: path) }
        try runProgram([
            "sqlite3", path, "PRAGMA application_id = \(SegmentSchema.applicationID); PRAGMA user_version = 9",
        ])
        #expect(throws: LogError.newerFormat(path: path, found: 9, supported: 1)) {
            try SegmentReader(path: path)
        }
    }
}
