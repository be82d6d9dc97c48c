import GRDB
import SluiceCore

/// A read-only connection to one segment.
///
/// Reads are single statements in autocommit, so that a checkpoint is never held up for longer than
/// one of them takes. The file is opened with SQLITE_OPEN_READONLY: such a connection cannot
/// checkpoint, not even as the last one to close. May move between threads; one uses it at a time.
struct SegmentConnection: Sendable {
    let path: String
    let queue: DatabaseQueue

    init(path: String) throws(LogError) {
        self.path = path
        queue = try aboutFile(path) {
            var settings = Configuration()
            settings.readonly = true
            settings.foreignKeysEnabled = false
            settings.label = "sluice.log.reader"
            // Only the moment in which the writer closes the segment locks readers out.
            settings.busyMode = .timeout(2)
            settings.prepareDatabase { database in
                try database.execute(
                    sql: "PRAGMA query_only = 1; PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = -1024")
            }
            return try DatabaseQueue(path: path, configuration: settings)
        }
    }

    func close() { try? queue.close() }

    func description() throws(LogError) -> SegmentDescription {
        try aboutFile(path) {
            try queue.inDatabase { database in
                guard
                    try Int.fetchOne(database, sql: "PRAGMA application_id") == SegmentSchema.applicationID
                else { throw LogError.foreignFile(path: path) }
                let version = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
                guard version <= SegmentSchema.formatVersion else {
                    throw LogError.newerFormat(
                        path: path, found: version, supported: SegmentSchema.formatVersion)
                }
                return try SegmentDescription.read(database, path: path)
            }
        }
    }

    func extent() throws(LogError) -> SegmentExtent? {
        try aboutFile(path) { try queue.inDatabase { try SegmentExtent.read($0, path: path) } }
    }

    /// What to read at once. A block is returned even when it alone is larger than `bytes`.
    struct Limits {
        var blocks = 64
        var bytes = 4 << 20
    }

    /// Blocks whose number is in `numbers` and that hold events received in `received`
    /// (milliseconds since 1970), in order.
    func blocks(
        _ numbers: Range<Int64>, received: Range<Int64> = Int64.min..<Int64.max, limits: Limits = Limits()
    ) throws(LogError) -> [StoredBlock] {
        try aboutFile(path) {
            try queue.inDatabase { database in
                let statement = try database.cachedStatement(sql: SegmentSchema.selectBlocks)
                let rows = try Row.fetchCursor(
                    statement,
                    arguments: [
                        numbers.lowerBound, numbers.upperBound, received.lowerBound, received.upperBound,
                        limits.blocks,
                    ])
                var blocks: [StoredBlock] = []
                var bytes = 0
                while bytes < limits.bytes, let row = try rows.next() {
                    let block = try SegmentConnection.block(row, path: path)
                    bytes += block.payload.count
                    blocks.append(block)
                }
                return blocks
            }
        }
    }

    /// Number and event count of the first block in `numbers`, read without its payload.
    func firstBlock(in numbers: Range<Int64>) throws(LogError) -> (number: Int64, events: Int)? {
        try aboutFile(path) {
            try queue.inDatabase { database in
                let row = try Row.fetchOne(
                    database,
                    sql: """
                        SELECT number, events FROM block WHERE number >= ? AND number < ?
                        ORDER BY number LIMIT 1
                        """, arguments: [numbers.lowerBound, numbers.upperBound])
                guard let row, let number = Int64.fromDatabaseValue(row[0]) else { return nil }
                return (number, Int.fromDatabaseValue(row[1]) ?? 0)
            }
        }
    }

    /// Numbers of the blocks that hold events received in `received` and whose filter affirms `hash`.
    func numbers(
        _ numbers: Range<Int64>, received: Range<Int64>, mayHold hash: UInt64
    ) throws(LogError) -> [Int64] {
        try aboutFile(path) {
            try queue.inDatabase { database in
                let hashCount = try SegmentDescription.read(database, path: path).filterHashes
                let statement = try database.cachedStatement(
                    sql: """
                        SELECT number, filter FROM block
                        WHERE number >= ? AND number < ? AND last_received >= ? AND first_received < ?
                        ORDER BY number
                        """)
                let rows = try Row.fetchCursor(
                    statement,
                    arguments: [
                        numbers.lowerBound, numbers.upperBound, received.lowerBound, received.upperBound,
                    ])
                var found: [Int64] = []
                while let row = try rows.next() {
                    guard let number = Int64.fromDatabaseValue(row[0]) else { continue }
                    let filter = try SegmentConnection.blob(row, 1)
                    if filter.withBytes({ BloomFilter.mayContain(hash, in: $0, hashCount: hashCount) }) {
                        found.append(number)
                    }
                }
                return found
            }
        }
    }

    /// The filter and the fingerprints of each block in `numbers`, in order.
    func hashes(
        _ numbers: Range<Int64>, limit: Int, _ body: (BlockHashes) throws -> Void
    ) throws(LogError) {
        try aboutFile(path) {
            try queue.inDatabase { database in
                let statement = try database.cachedStatement(
                    sql: """
                        SELECT number, filter, fingerprints FROM block
                        WHERE number >= ? AND number < ? ORDER BY number LIMIT ?
                        """)
                let rows = try Row.fetchCursor(
                    statement, arguments: [numbers.lowerBound, numbers.upperBound, limit])
                while let row = try rows.next() {
                    guard let number = Int64.fromDatabaseValue(row[0]) else { continue }
                    try body(
                        BlockHashes(
                            number: number, filter: try SegmentConnection.blob(row, 1),
                            fingerprints: try SegmentConnection.blob(row, 2)))
                }
            }
        }
    }

    /// Reads a row of `SegmentSchema.selectBlocks`. What is out of bounds but readable is passed on:
    /// the decoder names it as damage of that one block.
    private static func block(_ row: Row, path: String) throws -> StoredBlock {
        func number(_ index: Int) -> Int64 { Int64.fromDatabaseValue(row[index]) ?? -1 }
        let codec = String.fromDatabaseValue(row[5]).flatMap(BlockCodec.init(rawValue:))
        return StoredBlock(
            number: number(0), firstEvent: number(1), eventCount: Int(number(2)),
            firstReceivedMilliseconds: number(3), lastReceivedMilliseconds: number(4),
            // A codec nobody knows cannot be decoded, so neither can a block of no size.
            codec: codec ?? .none, rawSize: codec == nil ? -1 : Int(number(6)),
            checksum: UInt32(truncatingIfNeeded: number(7)),
            payload: try blob(row, 8))
    }

    private static func blob(_ row: Row, _ index: Int) throws -> [UInt8] {
        guard case .blob = (row[index] as DatabaseValue).storage else { return [] }
        return try row.withUnsafeData(atIndex: index) { $0.map { [UInt8]($0) } ?? [] }
    }
}

/// What can be asked about a block without decompressing it.
package struct BlockHashes: Sendable {
    package let number: Int64
    /// See `BloomFilter`.
    package let filter: [UInt8]
    /// Unsigned 64-bit integers, little-endian, in the order of events.
    package let fingerprints: [UInt8]
}
