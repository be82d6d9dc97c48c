import GRDB
import SluiceCore

/// Places where tests make the disk fail. Both run on the log thread inside the write transaction.
package struct LogFaults: Sendable {
    /// Before the first statement of a group.
    package var beforeInsert: (@Sendable (Database) throws -> Void)?
    /// After the last insert, before COMMIT.
    package var beforeCommit: (@Sendable (Database) throws -> Void)?
    /// Before a segment's file is unlinked, on the thread that does so, with the file's path.
    package var beforeRemove: (@Sendable (String) throws -> Void)?

    package init() {}
}

/// The segment that is written to: the one connection that writes and checkpoints it.
///
/// Invariants: 1. No other connection, here or in another process, writes or checkpoints the file
/// while this one is open ("one connection" in the log's promise; SQLite before 3.51.3 can corrupt a
/// WAL otherwise). 2. A group is one transaction, and COMMIT returns after its fsync
/// (synchronous=FULL). 3. After `seal` the file is complete by itself and nobody changes it again.
/// Owner: the log thread, or the thread that opens the log before that runs.
final class WriterSegment {
    /// Of one page in the write-ahead log ("a 24-byte frame-header followed by page-size bytes", fileformat2.html).
    private static let frameBytes = SegmentSchema.pageSize + 24
    /// Commits after which a checkpoint is worth what it costs by itself: four syncs.
    private static let checkpointCommits = 128

    let path: String
    let description: SegmentDescription
    private let queue: DatabaseQueue
    /// Of the connection; nil before the first commit and after the last.
    private var statements: CommitStatements?
    private let faults: LogFaults
    private let walPath: String
    private let walBytesMax: Int
    /// Nothing can be read through it any more.
    private(set) var isClosed = false
    /// Bytes of the file and of what waits for a checkpoint; an estimate that errs upwards.
    private(set) var bytes: Int
    /// When its first block came, milliseconds since 1970; nil while it holds none.
    private(set) var startedMilliseconds: Int64?
    /// When the newest event was received that this process committed to it, milliseconds since 1970.
    private(set) var newestMilliseconds: Int64?
    /// Events in the log behind its last block.
    private(set) var endEvent: Int64
    private var identity: FileIdentity?
    private var walIdentity: FileIdentity?
    /// Bytes written to the write-ahead log since the last complete checkpoint.
    private var walBytes = 0
    /// Whether the write-ahead log has been written to since then.
    private var isLogBegun = false
    /// `walBytes` below which another checkpoint is not worth an attempt.
    private var checkpointAt: Int
    /// Since the last checkpoint.
    private var commits = 0

    // MARK: Making and opening

    /// Makes a segment that holds nothing yet. The file appears under its name only when it is whole
    /// and on disk, so a crash leaves either no segment or an empty one.
    static func create(
        in folder: DataFolder, at head: LogHead, nowMilliseconds: Int64, configuration: LogConfiguration
    ) throws(LogError) {
        let path = folder.segment(firstBlock: head.nextBlock)
        let draft = path + ".creating"
        // A side file of a file that is gone would be taken for the new one's.
        for name in [draft, path] {
            for suffix in ["-journal", "-wal", "-shm"] { try FileCalls.remove(name + suffix) }
        }
        try FileCalls.remove(draft)
        try makeDraft(draft, at: head, createdMilliseconds: nowMilliseconds, writtenBy: configuration.writtenBy)
        try FileCalls.syncFile(draft)
        try FileCalls.rename(draft, to: path)
        try FileCalls.syncFolder(folder.log)
    }

    /// Makes a segment file without blocks, not synced, that begins at `head`.
    static func makeDraft(
        _ draft: String, at head: LogHead, createdMilliseconds: Int64, writtenBy: String
    ) throws(LogError) {
        try aboutFile(draft) {
            var settings = Configuration()
            settings.foreignKeysEnabled = false
            let queue = try DatabaseQueue(path: draft, configuration: settings)
            try queue.inDatabase { database in
                // The draft is worthless until it is renamed, and is synced before that.
                try database.execute(
                    sql: """
                        PRAGMA page_size = \(SegmentSchema.pageSize);
                        PRAGMA synchronous = OFF;
                        PRAGMA application_id = \(SegmentSchema.applicationID);
                        PRAGMA user_version = \(SegmentSchema.formatVersion);
                        """)
                try database.execute(sql: SegmentSchema.create)
                try database.execute(
                    sql: SegmentSchema.insertSegment,
                    arguments: [
                        SegmentSchema.formatVersion, writtenBy, createdMilliseconds,
                        head.nextBlock, head.events, BloomFilter.bitsPerKey, BloomFilter.hashCount,
                    ])
                try setJournalMode(database, "wal")
            }
            try queue.close()
        }
    }

    /// Opens the segment at `path` for writing; SQLite takes up what its WAL holds.
    init(path: String, configuration: LogConfiguration, faults: LogFaults = LogFaults()) throws(LogError) {
        // SQLite would make an empty file where there is none.
        guard FileCalls.exists(path) else { throw .missing(path: path) }
        self.path = path
        walPath = path + "-wal"
        self.faults = faults
        walBytesMax = configuration.walBytes
        checkpointAt = configuration.walBytes / 8
        let extent: SegmentExtent?
        (queue, description, extent, bytes) = try aboutFile(path) {
            var settings = Configuration()
            settings.foreignKeysEnabled = false
            settings.label = "sluice.log.writer"
            // A fault is injected by GRDB's means in the middle of a transaction that is not GRDB's.
            settings.allowsUnsafeTransactions = faults.beforeInsert != nil || faults.beforeCommit != nil
            // Readers hold no lock for long; whoever else does is waited for at the next tick.
            settings.busyMode = .timeout(0.05)
            let walLimit = configuration.walBytes * 2
            settings.prepareDatabase { database in
                try database.execute(
                    sql: """
                        PRAGMA synchronous = FULL;
                        PRAGMA wal_autocheckpoint = 0;
                        PRAGMA journal_size_limit = \(walLimit);
                        PRAGMA cache_size = -16384;
                        """)
            }
            let queue = try DatabaseQueue(path: path, configuration: settings)
            let (description, extent, bytes) = try queue.inDatabase { database in
                try WriterSegment.checkFormat(database, path: path)
                try WriterSegment.setJournalMode(database, "wal")
                return (
                    try SegmentDescription.read(database, path: path),
                    try SegmentExtent.read(database, path: path),
                    try Int.fetchOne(database, sql: "PRAGMA page_count") ?? 0
                )
            }
            return (queue, description, extent, bytes * SegmentSchema.pageSize)
        }
        startedMilliseconds = extent?.firstReceivedMilliseconds
        newestMilliseconds = extent?.lastReceivedMilliseconds
        endEvent = extent?.endEvent ?? description.firstEvent
        identity = FileCalls.identity(path)
        // What a crash left in the WAL counts as not checkpointed.
        walBytes = Int(FileCalls.size(walPath) ?? 0)
    }

    private static func checkFormat(_ database: Database, path: String) throws {
        guard try Int.fetchOne(database, sql: "PRAGMA application_id") == SegmentSchema.applicationID else {
            throw LogError.foreignFile(path: path)
        }
        let version = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
        guard version <= SegmentSchema.formatVersion else {
            throw LogError.newerFormat(path: path, found: version, supported: SegmentSchema.formatVersion)
        }
    }

    /// The pragma answers with the mode in force, and does not fail when it could not be changed.
    static func setJournalMode(_ database: Database, _ mode: String) throws {
        let answer = try String.fetchOne(database, sql: "PRAGMA journal_mode = \(mode)")
        guard answer == mode else {
            throw DatabaseError(
                resultCode: .SQLITE_BUSY, message: "journal mode stays \(answer ?? "unknown")")
        }
    }

    /// What it holds; nil when it is empty.
    func extent() throws(LogError) -> SegmentExtent? {
        try aboutFile(path) { try queue.inDatabase { try SegmentExtent.read($0, path: path) } }
    }

    // MARK: Writing

    /// Commits what `body` inserts as one transaction. Nothing of it stays when this throws, as far
    /// as SQLite can tell; see `removeBlocks(from:)` for where it cannot.
    func commit(_ body: (CommitStatements) throws -> Void) throws(LogError) {
        try aboutFile(path) {
            let statements = try openStatements()
            do {
                try statements.begin()
                if let fault = faults.beforeInsert { try queue.inDatabase(fault) }
                try body(statements)
                if let fault = faults.beforeCommit { try queue.inDatabase(fault) }
                try statements.commit()
            } catch {
                statements.rollBack()
                throw error
            }
        }
    }

    private func openStatements() throws -> CommitStatements {
        if let statements { return statements }
        let made = try queue.inDatabase { try CommitStatements($0) }
        statements = made
        return made
    }

    /// Counts what a successful `commit` added.
    ///
    /// - Parameters:
    ///   - newestMilliseconds: when the newest of its events was received.
    ///   - endEvent: events in the log behind it.
    func noteCommitted(
        blocks: Int, payloadBytes: Int, newestMilliseconds newest: Int64, endEvent: Int64, nowMilliseconds: Int64
    ) {
        if startedMilliseconds == nil { startedMilliseconds = nowMilliseconds }
        newestMilliseconds = max(newestMilliseconds ?? newest, newest)
        self.endEvent = endEvent
        bytes += payloadBytes + blocks * 512
        walBytes += (statements?.takePagesWritten() ?? 0) * WriterSegment.frameBytes
        commits += 1
    }

    /// Whether its names still lead to the files that are open here. What is committed to a file without a
    /// name is gone with the process. Costs two calls that touch no disk.
    func isInPlace() -> Bool {
        guard identity != nil, identity == FileCalls.identity(path) else { return false }
        // SQLite makes the WAL with the first transaction and keeps it until the connection is closed.
        let wal = FileCalls.identity(walPath)
        if walIdentity == nil { walIdentity = wal }
        return wal != nil && wal == walIdentity
    }

    /// Writes everything that can be read through this connection to a new file at `path`, synced.
    func copy(to path: String) throws(LogError) {
        try aboutFile(path) {
            let copy = try DatabaseQueue(path: path)
            try queue.backup(to: copy)
            try copy.close()
        }
        try FileCalls.syncFile(path)
    }

    /// Proves that the disk takes writes, or throws.
    func probe(nowMilliseconds: Int64) throws(LogError) {
        try aboutFile(path) {
            try queue.inDatabase { database in
                try database.inTransaction(.immediate) {
                    try faults.beforeInsert?(database)
                    try database.execute(
                        sql: "UPDATE segment SET probed = ? WHERE id = 1", arguments: [nowMilliseconds])
                    try faults.beforeCommit?(database)
                    return .commit
                }
            }
        }
    }

    /// Takes back blocks from `number` on. When COMMIT fails while syncing, its frames may already
    /// stand in the WAL, and opening the file anew may take them for committed. Their senders were
    /// told to try again, so they must go.
    func removeBlocks(from number: Int64) throws(LogError) {
        try aboutFile(path) {
            try queue.inDatabase { database in
                try database.execute(sql: "DELETE FROM block WHERE number >= ?", arguments: [number])
                startedMilliseconds = try SegmentExtent.read(database, path: path)?.firstReceivedMilliseconds
            }
        }
    }

    // MARK: Checkpoints

    /// Whether enough has been committed that a checkpoint should follow.
    ///
    /// It holds the next commit up for half a millisecond per megabyte. So small commits are not made to wait until
    /// the limit: one in `checkpointCommits` of them waits, for as long as they were large.
    var wantsCheckpoint: Bool {
        walBytes >= checkpointAt && (commits >= WriterSegment.checkpointCommits || walBytes >= walBytesMax)
    }

    /// Copies the WAL into the file, so that the next commit begins it anew. What a reader holds up
    /// is copied later; a WAL grown to four times its limit makes this wait for the reader.
    ///
    /// - Parameter emptying: also cuts the WAL to nothing; waits for readers briefly.
    func checkpoint(emptying: Bool = false) throws(LogError) {
        statements?.letGo()
        commits = 0
        let isUrgent = walBytes >= walBytesMax * 4
        let result = try aboutFile(path) {
            try queue.inDatabase { try $0.checkpoint(emptying ? .truncate : isUrgent ? .restart : .passive) }
        }
        if result.checkpointedFrameCount >= result.walFrameCount {
            walBytes = 0
            isLogBegun = false
            checkpointAt = walBytesMax / 8
        } else {
            walBytes = result.walFrameCount * WriterSegment.frameBytes
            checkpointAt = walBytes + walBytesMax / 4
        }
    }

    /// Begins the write-ahead log anew where all of it was copied, so that the next commit need not: the first
    /// transaction in it costs a sync of its header besides its own ("Sync the header [...] otherwise an
    /// out-of-order write following a WAL restart could result in database corruption", wal.c).
    ///
    /// The row is given another value each time: SQLite writes no page whose content stays the same.
    func beginWriteAheadLog(nowMilliseconds: Int64) throws(LogError) {
        guard !isLogBegun, walBytes == 0 else { return }
        try aboutFile(path) {
            try queue.inDatabase { database in
                try database.execute(
                    sql: "UPDATE segment SET probed = ? WHERE id = 1", arguments: [nowMilliseconds])
            }
        }
        isLogBegun = true
    }

    /// Makes the file complete by itself: no WAL, no side files, never changed again. The connection
    /// is closed when this returns, and stays open when it throws (`busy`: a reader was in the way).
    func seal(nowMilliseconds: Int64) throws(LogError) {
        statements?.letGo()
        statements = nil
        try aboutFile(path) {
            try queue.inDatabase { database in
                try database.execute(
                    sql: "UPDATE segment SET closed = ? WHERE id = 1 AND closed IS NULL",
                    arguments: [nowMilliseconds])
                try database.checkpoint(.truncate)
                try WriterSegment.setJournalMode(database, "delete")
            }
            try queue.close()
        }
        try FileCalls.syncFolder(String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]))
    }

    /// Closes the connection; the WAL is copied into the file where that is possible.
    func close() {
        isClosed = true
        statements?.letGo()
        statements = nil
        // A failure costs nothing: what was committed is in the WAL and is taken up at the next start.
        try? queue.close()
    }
}
