import GRDB
import Glibc

/// What a segment file looks like. `docs/log-format.md` describes the same for people; the two
/// change together, and every change that an older reader would misread raises `formatVersion`.
package enum SegmentSchema {
    /// `PRAGMA user_version`.
    package static let formatVersion = 1
    /// `PRAGMA application_id`: the letters `SluL`.
    package static let applicationID = 0x536C_754C
    /// Blocks are blobs of some 100 KiB under load and of some 300 bytes when idle: a page large
    /// enough for short overflow chains, small enough that a lone event does not write much.
    static let pageSize = 8192

    static let create = """
        CREATE TABLE segment (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            format INTEGER NOT NULL,
            written_by TEXT NOT NULL,
            created INTEGER NOT NULL,
            closed INTEGER,
            first_block INTEGER NOT NULL,
            first_event INTEGER NOT NULL,
            filter_bits_per_key INTEGER NOT NULL,
            filter_hashes INTEGER NOT NULL,
            probed INTEGER
        );
        CREATE TABLE block (
            number INTEGER PRIMARY KEY,
            first_event INTEGER NOT NULL,
            events INTEGER NOT NULL,
            first_received INTEGER NOT NULL,
            last_received INTEGER NOT NULL,
            codec TEXT NOT NULL,
            raw_size INTEGER NOT NULL,
            crc32c INTEGER NOT NULL,
            filter BLOB NOT NULL,
            fingerprints BLOB NOT NULL,
            payload BLOB NOT NULL
        );
        """

    static let insertSegment = """
        INSERT INTO segment (id, format, written_by, created, first_block, first_event,
                             filter_bits_per_key, filter_hashes)
        VALUES (1, ?, ?, ?, ?, ?, ?, ?)
        """

    static let insertBlock = """
        INSERT INTO block (number, first_event, events, first_received, last_received, codec,
                           raw_size, crc32c, filter, fingerprints, payload)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """

    /// The statements that read blocks, with the columns `SegmentConnection` expects.
    static let selectBlocks = selectBlocks(order: "ASC")
    static let selectBlocksNewestFirst = selectBlocks(order: "DESC")

    private static func selectBlocks(order: String) -> String {
        """
        SELECT number, first_event, events, first_received, last_received, codec, raw_size, crc32c,
               payload
        FROM block WHERE number >= ? AND number < ? AND last_received >= ? AND first_received < ?
        ORDER BY number \(order) LIMIT ?
        """
    }
}

/// The first bytes of an SQLite file, read without opening it as a database.
struct SegmentHeader {
    enum Kind {
        /// No bytes: what a crash leaves of a file that was just made.
        case empty
        case foreign
        case newer(version: Int)
        case ours(isWAL: Bool)
    }

    /// Reads the header of the file at `path`, which no connection of this process may have open.
    ///
    /// Offsets: sqlite.org/fileformat2.html, "The Database Header".
    static func read(_ path: String, applicationID: Int, version: Int) throws(LogError) -> Kind {
        let bytes = try FileCalls.head(path, count: 100)
        if bytes.isEmpty { return .empty }
        guard bytes.count == 100, Array(bytes[0..<16]) == Array("SQLite format 3\0".utf8) else {
            return .foreign
        }
        func number(at offset: Int) -> Int {
            bytes[offset..<offset + 4].reduce(0) { $0 << 8 | Int($1) }
        }
        guard number(at: 68) == applicationID else { return .foreign }
        let found = number(at: 60)
        guard found <= version else { return .newer(version: found) }
        return .ours(isWAL: bytes[18] == 2 || bytes[19] == 2)
    }
}

/// What a segment says of itself in its table `segment`.
package struct SegmentDescription: Equatable, Sendable {
    package let path: String
    package let format: Int
    package let writtenBy: String
    /// Milliseconds since 1970.
    package let createdMilliseconds: Int64
    /// Nil while the segment may still grow.
    package let closedMilliseconds: Int64?
    /// The number its first block has or will have.
    package let firstBlock: Int64
    /// Events in the log before its first block.
    package let firstEvent: Int64
    package let filterHashes: Int
    /// What the file's header says of its format.
    package let headerFormat: Int

    /// The file says its format twice, in the header and in the row that was read: where only the header names one
    /// that is not known, a bit of it has turned.
    package var isHeaderDamaged: Bool { headerFormat > SegmentSchema.formatVersion }

    static func read(_ database: Database, path: String) throws -> SegmentDescription {
        let row = try Row.fetchOne(
            database,
            sql: """
                SELECT format, written_by, created, closed, first_block, first_event, filter_hashes
                FROM segment WHERE id = 1
                """)
        guard let row,
            let format = Int.fromDatabaseValue(row[0]),
            let writtenBy = String.fromDatabaseValue(row[1]),
            let created = Int64.fromDatabaseValue(row[2]),
            let firstBlock = Int64.fromDatabaseValue(row[4]),
            let firstEvent = Int64.fromDatabaseValue(row[5]),
            let filterHashes = Int.fromDatabaseValue(row[6])
        else { throw LogError.damaged(path: path, reason: "the table segment has no usable row") }
        let header = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
        return SegmentDescription(
            path: path, format: format, writtenBy: writtenBy, createdMilliseconds: created,
            closedMilliseconds: Int64.fromDatabaseValue(row[3]), firstBlock: firstBlock,
            firstEvent: firstEvent, filterHashes: filterHashes, headerFormat: header)
    }
}

/// The blocks a segment holds, in sum.
package struct SegmentExtent: Equatable, Sendable {
    package let firstBlock: Int64
    package let lastBlock: Int64
    /// Events in the log before its first block, and behind its last.
    package let firstEvent: Int64
    package let endEvent: Int64
    /// When the first event of its first block was received, milliseconds since 1970.
    package let firstReceivedMilliseconds: Int64
    /// The newest of the receive times of its first and its last block, milliseconds since 1970.
    package let lastReceivedMilliseconds: Int64

    /// Nil when the segment holds no block.
    static func read(_ database: Database, path: String) throws -> SegmentExtent? {
        let sql = "SELECT number, first_event, events, first_received, last_received FROM block ORDER BY number"
        guard let first = try Row.fetchOne(database, sql: sql + " ASC LIMIT 1"),
            let last = try Row.fetchOne(database, sql: sql + " DESC LIMIT 1")
        else { return nil }
        guard let firstBlock = Int64.fromDatabaseValue(first[0]),
            let firstEvent = Int64.fromDatabaseValue(first[1]),
            let firstReceived = Int64.fromDatabaseValue(first[3]),
            let firstEnd = Int64.fromDatabaseValue(first[4]), let lastEnd = Int64.fromDatabaseValue(last[4]),
            let lastBlock = Int64.fromDatabaseValue(last[0]),
            let lastEvent = Int64.fromDatabaseValue(last[1]),
            let events = Int64.fromDatabaseValue(last[2]), events > 0, events <= Int32.max
        else { throw LogError.damaged(path: path, reason: "a block's row holds no numbers") }
        return SegmentExtent(
            firstBlock: firstBlock, lastBlock: lastBlock, firstEvent: firstEvent,
            endEvent: lastEvent &+ events, firstReceivedMilliseconds: firstReceived,
            lastReceivedMilliseconds: max(firstEnd, lastEnd))
    }
}
