import GRDB
import SluiceCore

/// A read-only connection to one segment.
///
/// Reads are single statements in autocommit, so that a checkpoint is never held up for longer than
/// one of them takes. The file is opened with SQLITE_OPEN_READONLY: such a connection cannot
/// checkpoint, not even as the last one to close. May move between threads; one uses it at a time.
struct SegmentConnection: Sendable {
    let path: String
    /// Which file it was when it was opened.
    let identity: FileIdentity?
    let queue: DatabaseQueue

    /// - Parameter isImmutable: that nobody writes to the file; it is then read without locks and side files.
    init(path: String, isImmutable: Bool = false) throws(LogError) {
        self.path = path
        identity = FileCalls.identity(path)
        // A pipe, say, would be waited for without end.
        guard FileCalls.isRegular(path) != false else { throw .foreignFile(path: path) }
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
            let name = isImmutable ? SegmentConnection.immutableName(path) : path
            return try DatabaseQueue(path: name, configuration: settings)
        }
    }

    /// "If immutable is set, SQLite opens the database file without any locking" (sqlite.org/uri.html).
    static func immutableName(_ path: String) -> String {
        var name = "file:"
        for byte in path.utf8 {
            if byte < 0x80, byte > 0x20, byte != UInt8(ascii: "%"), byte != UInt8(ascii: "?"), byte != UInt8(ascii: "#")
            {
                name.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                name += byte < 0x10 ? "%0" : "%"
                name += String(byte, radix: 16)
            }
        }
        return name + "?immutable=1"
    }

    func close() { try? queue.close() }

    /// Also where only the header is damaged; see `SegmentDescription.isHeaderDamaged`.
    func description() throws(LogError) -> SegmentDescription {
        try aboutFile(path) {
            try queue.inDatabase { database in
                guard
                    try Int.fetchOne(database, sql: "PRAGMA application_id") == SegmentSchema.applicationID
                else { throw LogError.foreignFile(path: path) }
                let version = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
                guard version > SegmentSchema.formatVersion else {
                    return try SegmentDescription.read(database, path: path)
                }
                guard let description = try? SegmentDescription.read(database, path: path),
                    description.format <= SegmentSchema.formatVersion
                else {
                    throw LogError.newerFormat(
                        path: path, found: version, supported: SegmentSchema.formatVersion)
                }
                return description
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
    /// (milliseconds since 1970), in order, or in descending order.
    func blocks(
        _ numbers: Range<Int64>, received: Range<Int64> = Int64.min..<Int64.max, newestFirst: Bool = false,
        limits: Limits = Limits()
    ) throws(LogError) -> [StoredBlock] {
        try aboutFile(path) {
            try queue.inDatabase { database in
                let statement = try database.cachedStatement(
                    sql: newestFirst ? SegmentSchema.selectBlocksNewestFirst : SegmentSchema.selectBlocks)
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

    /// Number, place and event count of the first (or last) block in `numbers`, read without its payload.
    func firstBlock(
        in numbers: Range<Int64>, newestFirst: Bool = false
    ) throws(LogError) -> (number: Int64, firstEvent: Int64, events: Int)? {
        try aboutFile(path) {
            try queue.inDatabase { database in
                // With "<" the search for the last would begin on the page behind it, which may be damaged.
                let row = try Row.fetchOne(
                    database,
                    sql: """
                        SELECT number, first_event, events FROM block WHERE number >= ? AND number <= ?
                        ORDER BY number \(newestFirst ? "DESC" : "ASC") LIMIT 1
                        """, arguments: [numbers.lowerBound, numbers.upperBound - 1])
                guard let row, let number = Int64.fromDatabaseValue(row[0]) else { return nil }
                return (
                    number, Int64.fromDatabaseValue(row[1]) ?? -1,
                    Int32.fromDatabaseValue(row[2]).map { max(0, Int($0)) } ?? 0
                )
            }
        }
    }

    /// Calls `body` with number, first event, event count and first receive time (milliseconds since 1970) of
    /// each block in `numbers`, in order. Rows that hold something else are passed over.
    func forEachExtent(
        _ numbers: Range<Int64>, _ body: (Int64, Int64, Int64, Int64) -> Void
    ) throws(LogError) {
        try aboutFile(path) {
            try queue.inDatabase { database in
                let statement = try database.cachedStatement(
                    sql: """
                        SELECT number, first_event, events, first_received FROM block
                        WHERE number >= ? AND number < ? ORDER BY number
                        """)
                let rows = try Row.fetchCursor(
                    statement, arguments: [numbers.lowerBound, numbers.upperBound])
                while let row = try rows.next() {
                    guard let number = Int64.fromDatabaseValue(row[0]),
                        let firstEvent = Int64.fromDatabaseValue(row[1]),
                        let events = Int64.fromDatabaseValue(row[2]), events > 0, events <= Int32.max,
                        firstEvent >= 0, let received = Int64.fromDatabaseValue(row[3])
                    else { continue }
                    body(number, firstEvent, events, received)
                }
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
                    if try SegmentConnection.affirms(row, 1, hash, hashCount) { found.append(number) }
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

    /// Asks the filter where SQLite holds it: tens of thousands of them are asked to find one event.
    private static func affirms(_ row: Row, _ index: Int, _ hash: UInt64, _ hashCount: Int) throws -> Bool {
        try row.withUnsafeData(atIndex: index) { data in
            guard let data else { return false }
            // Safety: the view ends with the closure, before SQLite moves on.
            return unsafe data.withUnsafeBytes { buffer in
                let view = unsafe Bytes(buffer.bindMemory(to: UInt8.self))
                return BloomFilter.mayContain(hash, in: view, hashCount: hashCount)
            }
        }
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
