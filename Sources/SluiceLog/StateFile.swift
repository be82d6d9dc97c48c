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
    /// - Throws: what is no damage: a later version's file, another program's, no permission, a lock.
    func examine() throws(LogError) -> Condition {
        guard let size = FileCalls.size(path) else { return .missing }
        if size == 0 { return .missing }
        do throws(LogError) {
            return try aboutFile(path) { try read() }
        } catch {
            if case .damaged = error { return .damaged(error) }
            throw error
        }
    }

    private func read() throws -> Condition {
        var settings = Configuration()
        settings.busyMode = .timeout(2)
        let queue = try DatabaseQueue(path: path, configuration: settings)
        defer { try? queue.close() }
        return try queue.inDatabase { database in
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
