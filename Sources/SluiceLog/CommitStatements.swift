import GRDB
import GRDBSQLite
import SluiceCore

/// The statements of a commit, compiled once for a connection and stepped directly: GRDB compiles BEGIN and
/// COMMIT anew each time and boxes every value it binds, which is more than SQLite does for a small commit.
///
/// Between commits it holds a read transaction open, in a query that is not read to its end: a commit then takes and
/// releases the write lock only, and SQLite trusts its page cache without looking. Whoever checkpoints, changes
/// the journal mode or closes has to `letGo` first. Readers are not in each other's way for it.
///
/// Invariants: 1. No statement is in the middle of a step but the query, and that only while `isHolding`. 2. What is
/// bound is used by the step that follows, and by none after it. 3. All statements are finalized when the object
/// goes, which has to be before the connection is closed.
/// Owner: the thread of its segment. GRDB opens connections with SQLITE_OPEN_NOMUTEX, for one thread at a time.
@safe final class CommitStatements {
    private let connection: SQLiteConnection
    // GRDB's objects own what is stepped here.
    private let beginning: Statement
    private let inserting: Statement
    private let committing: Statement
    private let reading: Statement
    private(set) var isHolding = false

    init(_ database: Database) throws {
        guard let connection = unsafe database.sqliteConnection else {
            throw DatabaseError(resultCode: .SQLITE_MISUSE, message: "the connection is closed")
        }
        unsafe self.connection = connection
        // GRDB's hooks tell observers of transactions, of which there are none here, and expect to run on its queue.
        unsafe sqlite3_commit_hook(connection, nil, nil)
        unsafe sqlite3_rollback_hook(connection, nil, nil)
        beginning = try database.makeStatement(sql: "BEGIN IMMEDIATE")
        inserting = try database.makeStatement(sql: SegmentSchema.insertBlock)
        committing = try database.makeStatement(sql: "COMMIT")
        reading = try database.makeStatement(sql: "SELECT id FROM segment")
    }

    /// Begins a write transaction. When this throws, none is open.
    func begin() throws {
        if !isHolding { try hold() }
        // Safety: here and below the statements live as long as their owners, which `self` holds.
        var code = unsafe run(beginning.sqliteStatement)
        if code & 0xFF == SQLITE_BUSY {
            // What is held may be older than what somebody else wrote ("SQLITE_BUSY_SNAPSHOT"), and SQLite
            // waits for a lock only where nothing is held.
            letGo()
            code = unsafe run(beginning.sqliteStatement)
        }
        if code != SQLITE_DONE { throw failure() }
    }

    /// Inserts a row. Within a transaction only.
    func insert(_ stored: StoredBlock, columnsOf encoder: BlockEncoder) throws {
        let statement = unsafe inserting.sqliteStatement
        // Safety: what is bound without a copy outlives `run`: literals for ever, the blobs within the closures.
        unsafe sqlite3_bind_int64(statement, 1, stored.number)
        unsafe sqlite3_bind_int64(statement, 2, stored.firstEvent)
        unsafe sqlite3_bind_int64(statement, 3, Int64(stored.eventCount))
        unsafe sqlite3_bind_int64(statement, 4, stored.firstReceivedMilliseconds)
        unsafe sqlite3_bind_int64(statement, 5, stored.lastReceivedMilliseconds)
        let codec = CommitStatements.name(stored.codec)
        unsafe codec.withUnsafePointer { (start: UnsafePointer<UInt8>, count: Int) in
            _ = unsafe start.withMemoryRebound(to: CChar.self, capacity: count) {
                unsafe sqlite3_bind_text(statement, 6, $0, Int32(count), nil)
            }
        }
        unsafe sqlite3_bind_int64(statement, 7, Int64(stored.rawSize))
        unsafe sqlite3_bind_int64(statement, 8, Int64(stored.checksum))
        unsafe bind(encoder.filter, to: 9)
        unsafe bind(encoder.fingerprints, to: 10)
        let code = stored.payload.withBytes { payload in
            unsafe bind(payload, to: 11)
            return unsafe run(statement)
        }
        if code != SQLITE_DONE { throw failure() }
    }

    /// Returns when what was inserted is on disk.
    func commit() throws {
        if unsafe run(committing.sqliteStatement) != SQLITE_DONE { throw failure() }
    }

    /// Ends a transaction that failed, where SQLite has not done so itself.
    func rollBack() {
        // Safety: the connection is open, invariant 3.
        if unsafe sqlite3_get_autocommit(connection) == 0 {
            unsafe sqlite3_exec(connection, "ROLLBACK", nil, nil, nil)
        }
        letGo()
    }

    /// Ends the read transaction, so that a checkpoint can copy all there is and the next commit can begin the
    /// write-ahead log anew.
    func letGo() {
        guard isHolding else { return }
        isHolding = false
        unsafe sqlite3_reset(reading.sqliteStatement)
    }

    /// Pages this connection wrote to the write-ahead log since the last call.
    func takePagesWritten() -> Int {
        var pages: Int32 = 0
        var most: Int32 = 0
        // Safety: fills the two numbers on this frame.
        unsafe sqlite3_db_status(connection, SQLITE_DBSTATUS_CACHE_WRITE, &pages, &most, 1)
        return Int(pages)
    }

    // MARK: Steps

    private func hold() throws {
        guard unsafe sqlite3_step(reading.sqliteStatement) == SQLITE_ROW else {
            let error = failure()
            unsafe sqlite3_reset(reading.sqliteStatement)
            throw error
        }
        isHolding = true
    }

    /// Steps a statement that answers with no rows, and makes it ready for the next time.
    @unsafe private func run(_ statement: SQLiteStatement) -> CInt {
        let code = unsafe sqlite3_step(statement)
        let reset = unsafe sqlite3_reset(statement)
        // "If the most recent call to sqlite3_step(S) [...] indicated an error, then sqlite3_reset(S) returns an
        // appropriate error code."
        return code == SQLITE_DONE ? code : reset
    }

    /// The caller keeps the bytes in place until the statement has run.
    @unsafe private func bind(_ bytes: Bytes, to column: CInt) {
        let statement = unsafe inserting.sqliteStatement
        // No destructor: SQLITE_STATIC. A blob without memory would be NULL.
        if bytes.isEmpty {
            unsafe sqlite3_bind_zeroblob(statement, column, 0)
        } else {
            unsafe sqlite3_bind_blob(statement, column, bytes.base, Int32(bytes.count), nil)
        }
    }

    private func failure() -> DatabaseError {
        // Safety: SQLite's text is copied before the next call.
        unsafe DatabaseError(
            resultCode: ResultCode(rawValue: sqlite3_extended_errcode(connection)),
            message: String(cString: sqlite3_errmsg(connection)))
    }

    private static func name(_ codec: BlockCodec) -> Bytes {
        switch codec {
        case .none: Bytes("none")
        case .zlib: Bytes("zlib")
        case .zstd: Bytes("zstd")
        }
    }
}
