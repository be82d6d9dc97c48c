import Foundation
import GRDB
import SluiceCore
import Testing

@testable import SluiceLog

@Suite struct CommitStatementsTests {
    private let temporary = TemporaryFolder()

    private func makeSegment() throws -> WriterSegment {
        let folder = DataFolder(temporary.file("data"))
        try folder.create()
        try WriterSegment.create(
            in: folder, at: LogHead(nextBlock: 1, events: 0), nowMilliseconds: 123, configuration: LogConfiguration())
        return try WriterSegment(path: folder.segment(firstBlock: 1), configuration: LogConfiguration())
    }

    private func commit(_ number: Int64, to segment: WriterSegment) throws {
        let encoder = BlockEncoder(codec: .zstd)
        let block = encoder.encode(openBlock(["\(number)"]), number: number, firstEvent: number - 1)
        try segment.commit { try $0.insert(block, columnsOf: encoder) }
        segment.noteCommitted(
            blocks: 1, payloadBytes: 100, newestMilliseconds: 400, endEvent: number, nowMilliseconds: 456)
    }

    /// Somebody else's connection to the file.
    private func stranger(_ segment: WriterSegment) throws -> DatabaseQueue { try DatabaseQueue(path: segment.path) }

    /// What it binds by hand is what GRDB makes of the same values, kind by kind.
    @Test(arguments: BlockCodec.allCases)
    func writesTheRowThatGRDBWrites(codec: BlockCodec) throws {
        let segment = try makeSegment()
        let encoder = BlockEncoder(codec: codec)
        let empty = openBlock((0..<50).map { "id \($0)" }, receivedMilliseconds: 1_795_322_308_123)
        empty.filterHashes.truncate(to: 0)
        empty.fingerprints.truncate(to: 0)
        for (index, block) in [openBlock((0..<50).map { "id \($0)" }), empty].enumerated() {
            let number = Int64(index * 2 + 1)
            let stored = encoder.encode(block, number: number, firstEvent: 1 << 40)
            #expect(stored.codec == codec)
            try segment.commit { try $0.insert(stored, columnsOf: encoder) }
            try stranger(segment).write { database in
                try database.execute(
                    sql: SegmentSchema.insertBlock,
                    arguments: [
                        number + 1, stored.firstEvent, stored.eventCount, stored.firstReceivedMilliseconds,
                        stored.lastReceivedMilliseconds, stored.codec.rawValue, stored.rawSize,
                        Int64(stored.checksum), Data(encoder.filter.array), Data(encoder.fingerprints.array),
                        Data(stored.payload),
                    ])
                let columns = [
                    "first_event", "events", "first_received", "last_received", "codec", "raw_size", "crc32c", "filter",
                    "fingerprints", "payload",
                ]
                let values = columns.map { "typeof(\($0)), \($0)" }.joined(separator: ", ")
                let rows = try Row.fetchAll(
                    database, sql: "SELECT \(values) FROM block WHERE number BETWEEN ? AND ? ORDER BY number",
                    arguments: [number, number + 1])
                #expect(rows.count == 2)
                #expect(rows.first == rows.last)
                #expect(rows.first?["fingerprints"] == Data(encoder.fingerprints.array))
            }
        }
        segment.close()
    }

    @Test func holdsAReadTransactionUntilItLetsGo() throws {
        let segment = try makeSegment()
        let queue = try stranger(segment)
        let statements = try queue.inDatabase { try CommitStatements($0) }
        let encoder = BlockEncoder(codec: .none)
        for number: Int64 in 1...3 {
            let block = encoder.encode(openBlock(["\(number)"]), number: number, firstEvent: number - 1)
            try statements.begin()
            #expect(statements.isHolding)
            try statements.insert(block, columnsOf: encoder)
            try statements.commit()
            #expect(statements.isHolding)
            #expect(statements.takePagesWritten() > 0)
            #expect(statements.takePagesWritten() == 0)
        }
        // SQLite checkpoints nothing for a connection that reads.
        #expect(throws: DatabaseError.self) { try queue.inDatabase { try $0.checkpoint(.passive) } }
        statements.letGo()
        #expect(!statements.isHolding)
        let result = try queue.inDatabase { try $0.checkpoint(.passive) }
        #expect(result.walFrameCount > 0 && result.checkpointedFrameCount == result.walFrameCount)
        // The next one begins the write-ahead log anew: it does not grow.
        let size = FileCalls.size(segment.path + "-wal")
        let block = encoder.encode(openBlock(["4"]), number: 4, firstEvent: 3)
        try statements.begin()
        try statements.insert(block, columnsOf: encoder)
        try statements.commit()
        #expect(FileCalls.size(segment.path + "-wal") == size)
        statements.rollBack()
        #expect(!statements.isHolding)
        #expect(try segment.extent()?.lastBlock == 4)
        segment.close()
    }

    @Test func goesOnBehindWhatSomebodyElseWrote() throws {
        let segment = try makeSegment()
        try commit(1, to: segment)
        try stranger(segment).write { try $0.execute(sql: "UPDATE segment SET probed = 7") }
        try commit(2, to: segment)
        #expect(try segment.extent()?.lastBlock == 2)
        #expect(try stranger(segment).read { try Int.fetchOne($0, sql: "SELECT probed FROM segment") } == 7)
        segment.close()
    }

    @Test func isBusyOnlyWhileSomebodyElseWrites() throws {
        let segment = try makeSegment()
        try commit(1, to: segment)
        let other = try stranger(segment)
        try other.write { database in
            try database.execute(sql: "UPDATE segment SET probed = 7")
            #expect(throws: LogError.busy(path: segment.path)) { try commit(2, to: segment) }
        }
        try commit(2, to: segment)
        #expect(try segment.extent()?.lastBlock == 2)
        segment.close()
    }

    /// Readers see each commit at once, and none holds the writer up.
    @Test func readersFollow() throws {
        let segment = try makeSegment()
        let reader = try SegmentReader(path: segment.path)
        for number: Int64 in 1...300 {
            try commit(number, to: segment)
            #expect(try reader.extent()?.lastBlock == number)
            if segment.wantsCheckpoint { try segment.checkpoint() }
        }
        segment.close()
    }
}
