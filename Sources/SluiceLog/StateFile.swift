import GRDB

/// The state file before it is used: whether it can be, and what becomes of one that cannot.
///
/// A state file that is damaged is no reason to let senders wait: what can be read of it is put into a fresh one
/// (`StateSalvage`), and it is set aside, never deleted. Where cursors are lost with it, their destinations begin
/// again (docs/decisions/0007-a-lost-state-file-means-sending-again.md).
struct StateFile {
    let path: String

    enum Condition: Equatable {
        /// Cursors, if there were any, are there.
        case sound
        /// It is sound, and was made from a damaged one whose cursors could not all be read.
        case withoutCursors
        /// There is no file, or one without content.
        case missing
        case damaged(LogError)
    }

    /// Files up to this size are checked whole, which takes a fraction of a second; of larger ones the large tables
    /// are not. Damage in these is found when they are written to (`StateStore`).
    private static let checkedBytesMax: Int64 = 64 << 20

    /// Looks at the cursors, which decide what is sent, and at the other tables.
    ///
    /// Changes nothing, and moves nothing out of the file's WAL.
    ///
    /// - Parameter header: the file's first 20 bytes, if this process has the file open; see `FileCalls.syncFile`.
    /// - Throws: what is no damage: a later version's file, another program's, no permission, a lock.
    func examine(header: [UInt8]? = nil) throws(LogError) -> Condition {
        guard let size = FileCalls.size(path) else { return .missing }
        if size == 0 { return .missing }
        do throws(LogError) {
            var header = header ?? []
            if header.isEmpty { header = try FileCalls.head(path, count: 20) }
            return try aboutFile(path) {
                let queue = try StateFile.openToLook(path)
                defer { try? queue.close() }
                return try queue.inDatabase { [header] in try condition($0, header: header) }
            }
        } catch {
            if case .damaged = error { return .damaged(error) }
            throw error
        }
    }

    /// A connection that changes nothing: one that cannot write does not checkpoint when it is closed, either.
    ///
    /// - Parameter mayBeDamaged: entries of the schema that cannot be understood are passed over.
    static func openToLook(_ path: String, mayBeDamaged: Bool = false) throws -> DatabaseQueue {
        var settings = Configuration()
        settings.readonly = true
        settings.busyMode = .timeout(2)
        settings.prepareDatabase { database in
            if mayBeDamaged { try database.execute(sql: "PRAGMA writable_schema = ON") }
            try database.execute(sql: "PRAGMA query_only = 1; PRAGMA wal_autocheckpoint = 0")
        }
        return try DatabaseQueue(path: path, configuration: settings)
    }

    /// - Throws: damage, too.
    func condition(_ database: Database, header: [UInt8]) throws -> Condition {
        // SQLite opens a file with a write version it does not know for reading only.
        guard header.count == 20, header[18] == header[19], (1...2).contains(header[18]) else {
            throw LogError.damaged(path: path, reason: "its header names no way to write to it")
        }
        let tables = try String.fetchSet(database, sql: "SELECT name FROM sqlite_master WHERE type = 'table'")
        guard !tables.isEmpty else { return .missing }
        guard try Int.fetchOne(database, sql: "PRAGMA application_id") == StateStore.applicationID else {
            // With our tables in it, it is ours, and its first page is damaged.
            if tables.isSuperset(of: ["cursor", "grdb_migrations"]) {
                throw LogError.damaged(path: path, reason: "its application_id is another program's")
            }
            throw LogError.foreignFile(path: path)
        }
        // Whoever made it was stopped in the middle; the next to open it goes on.
        if tables == ["grdb_migrations"] { return .missing }
        guard tables.isSuperset(of: ["cursor", "grdb_migrations"]) else {
            throw LogError.damaged(path: path, reason: "the table of cursors is gone")
        }
        try checkMigrations(database)
        let check = try String.fetchAll(database, sql: "PRAGMA quick_check('cursor')")
        guard check == ["ok"] else {
            throw LogError.damaged(path: path, reason: check.prefix(3).joined(separator: "; "))
        }
        for name in try String.fetchAll(database, sql: "SELECT destination FROM cursor") {
            _ = try StateStore.readCursor(of: name, in: database, path: path)
        }
        let isSmall = FileCalls.size(path) ?? 0 <= StateFile.checkedBytesMax
        let damaged = try StateSalvage.damagedTables(database, all: isSmall)
        guard damaged.isEmpty else {
            throw LogError.damaged(
                path: path, reason: "its tables \(damaged.joined(separator: ", ")) cannot be read whole")
        }
        let mark = try Int.fetchOne(database, sql: "PRAGMA user_version")
        return mark == StateSalvage.cursorsLost ? .withoutCursors : .sound
    }

    /// The list of the steps by which the schema came about; without it nobody can open the file.
    private func checkMigrations(_ database: Database) throws {
        let check = try String.fetchAll(database, sql: "PRAGMA integrity_check('grdb_migrations')")
        guard check == ["ok"] else {
            throw LogError.damaged(path: path, reason: check.prefix(3).joined(separator: "; "))
        }
        let migrator = StateStore.migrator
        let applied = try String.fetchSet(database, sql: "SELECT identifier FROM grdb_migrations")
        // A later version's file has gone through all steps there are here.
        guard applied.isSubset(of: migrator.migrations) || applied.isSuperset(of: migrator.migrations) else {
            throw LogError.damaged(path: path, reason: "its list of steps is not one that a version has made")
        }
    }

    /// Where a finished file of `StateSalvage` waits for its name.
    var finishedPath: String { path + ".salvaged" }

    /// Puts in place what `StateSalvage` had finished when its process ended.
    func finishSalvage(nowMilliseconds: Int64) throws(LogError) {
        guard FileCalls.exists(finishedPath) else { return }
        _ = try setAside(nowMilliseconds: nowMilliseconds)
        try FileCalls.rename(finishedPath, to: path)
        try FileCalls.syncFolder(FileCalls.folder(of: path))
    }

    /// Renames the file and what belongs to it; nothing is deleted. Returns the new name.
    func setAside(nowMilliseconds: Int64) throws(LogError) -> String {
        let aside = path + ".damaged-\(nowMilliseconds)"
        for suffix in ["-wal", "-shm", "-journal", ""] where FileCalls.exists(path + suffix) {
            try FileCalls.rename(path + suffix, to: aside + suffix)
        }
        try FileCalls.syncFolder(FileCalls.folder(of: path))
        return aside
    }
}
