import GRDB
import SluiceCore

/// Puts a fresh state file with every row that can still be read in the place of a damaged one, which is renamed.
///
/// Tables are independent of each other: where one is damaged, the others are whole, and of that one the rows
/// before and behind the damage are. Cursors come first: nothing else decides what is sent.
///
/// Invariant: nothing is deleted, and the damaged file keeps its name until the fresh one is complete and synced;
/// a fresh one that is complete gets its name, by the next process where this one ends.
/// Nobody has the file open meanwhile.
struct StateSalvage {
    /// In the order in which they are saved.
    static let tables = [
        "cursor", "replay_job", "quarantine", "log_head", "given_up", "hour_total", "hour_total_end",
        "forgotten_total", "block_outcome", "exceptional_outcome", "refused_request",
    ]

    struct Result: Equatable {
        /// Where the damaged file lies now.
        var aside: String
        /// Whether there is a fresh file; there is none where nothing could be read.
        var isReplaced: Bool
        /// Whether all cursors are in it. Where they are not, it says so to the next start.
        var hasCursors: Bool
        /// Tables of which something could not be read, each with how many rows were kept.
        var lost: [Loss]

        struct Loss: Hashable {
            var table: String
            var kept: Int
        }

        /// What was kept, for people.
        var summary: String { StateSalvage.summary(lost) }
    }

    static func summary(_ lost: [Result.Loss]) -> String {
        if lost.isEmpty { return "nothing that it held is lost" }
        return "of these tables what could not be read is lost: "
            + lost.map { "\($0.table) (\($0.kept) rows kept)" }.joined(separator: ", ")
    }

    let path: String
    /// Cursors that are known better than by the file.
    var cursors: [SluiceCore.Cursor] = []
    /// Whether these are the cursors of all destinations.
    var areAllCursors = false
    /// Has the file that was there before, and is closed; nil where what is there now is to be read.
    var source: DatabaseQueue?

    /// `PRAGMA user_version` of a file from which cursors were lost: a destination that has none may have had one.
    static let cursorsLost = 1

    /// Names of tables that are not sound.
    ///
    /// - Parameter all: not only the small ones.
    static func damagedTables(_ database: Database, all: Bool) throws -> [String] {
        let small: Set = [
            "cursor", "replay_job", "quarantine", "log_head", "given_up", "hour_total", "hour_total_end",
            "forgotten_total",
        ]
        return try tables.filter { table in
            guard all || small.contains(table), try database.tableExists(table) else { return false }
            do {
                return try String.fetchAll(database, sql: "PRAGMA quick_check('\(table)')") != ["ok"]
            } catch let error as DatabaseError where error.resultCode == .SQLITE_CORRUPT {
                return true
            }
        }
    }

    func run(nowMilliseconds: Int64) throws(LogError) -> Result {
        let draft = path + ".creating"
        for suffix in ["", "-wal", "-shm", "-journal"] { try FileCalls.remove(draft + suffix) }
        var lost: [Result.Loss] = []
        var hasCursors = false
        var isReplaced = false
        var hasForgotten = false
        if let source = try? source ?? openDamaged() {
            defer { try? source.close() }
            let fresh = try StateStore.open(draft)
            defer { try? fresh.close() }
            (lost, hasCursors) = try aboutFile(draft) { try copy(source, to: fresh) }
            // A file of an earlier version has no such table, and may have forgotten runs all the same.
            hasForgotten = (try? source.inDatabase { try $0.tableExists("forgotten_total") }) ?? false
            isReplaced = true
        } else {
            lost = StateSalvage.tables.map { Result.Loss(table: $0, kept: 0) }
        }
        hasCursors = hasCursors || areAllCursors
        if isReplaced || !cursors.isEmpty {
            isReplaced = true
            let mark = hasCursors ? 0 : StateSalvage.cursorsLost
            try aboutFile(draft) {
                let fresh = try StateStore.open(draft)
                try fresh.inDatabase { database in
                    try database.inTransaction {
                        try StateStore.insert(cursors, into: database)
                        for table in try StateSalvage.forgetStrangers(database)
                        where !lost.contains(where: { $0.table == table }) {
                            let kept = try Int.fetchOne(database, sql: "SELECT count(*) FROM \(table)") ?? 0
                            lost.append(Result.Loss(table: table, kept: kept))
                        }
                        try database.execute(sql: "PRAGMA user_version = \(mark)")
                        try RunFilling(
                            areRunsWhole: !lost.contains { $0.table == "block_outcome" },
                            isForgottenKnown: hasForgotten && !lost.contains { $0.table == "forgotten_total" }
                        ).fill(database)
                        return .commit
                    }
                    _ = try database.checkpoint(.truncate)
                }
                try fresh.close()
            }
            try FileCalls.syncFile(draft)
        }
        let file = StateFile(path: path)
        if isReplaced {
            for suffix in ["-wal", "-shm", "-journal"] { try FileCalls.remove(draft + suffix) }
            // From here on whoever finds it goes on with it.
            try FileCalls.rename(draft, to: file.finishedPath)
            try FileCalls.syncFolder(FileCalls.folder(of: path))
        }
        let aside = try file.setAside(nowMilliseconds: nowMilliseconds)
        if isReplaced {
            try FileCalls.rename(file.finishedPath, to: path)
            try FileCalls.syncFolder(FileCalls.folder(of: path))
        } else {
            // That there is none tells whoever opens it next that cursors were lost.
            for suffix in ["", "-wal", "-shm", "-journal"] { try FileCalls.remove(draft + suffix) }
        }
        return Result(aside: aside, isReplaced: isReplaced, hasCursors: hasCursors, lost: lost)
    }

    /// Nil where not even the list of tables can be read.
    private func openDamaged() throws -> DatabaseQueue? {
        guard FileCalls.exists(path) else { return nil }
        // A damaged file must not become worse: nothing of its WAL is moved into it.
        let queue = try StateFile.openToLook(path, mayBeDamaged: true)
        do {
            let tables = try queue.inDatabase {
                try String.fetchSet($0, sql: "SELECT name FROM sqlite_master WHERE type = 'table'")
            }
            if tables.contains("cursor") { return queue }
        } catch {
            try? queue.close()
            throw error
        }
        try? queue.close()
        return nil
    }

    private func copy(
        _ source: DatabaseQueue, to fresh: DatabaseQueue
    ) throws -> (lost: [Result.Loss], hasCursors: Bool) {
        var lost: [Result.Loss] = []
        var hasCursors = true
        try source.inDatabase { source in
            try fresh.inDatabase { fresh in
                try fresh.execute(sql: "PRAGMA synchronous = OFF")
                for table in StateSalvage.tables {
                    // A file of an earlier version has fewer.
                    guard (try? source.tableExists(table)) ?? true else { continue }
                    var kept = 0
                    var isWhole = false
                    try fresh.inTransaction {
                        isWhole = try copy(table, source, fresh, descending: false)
                        if !isWhole { _ = try copy(table, source, fresh, descending: true) }
                        kept = try Int.fetchOne(fresh, sql: "SELECT count(*) FROM \(table)") ?? 0
                        return .commit
                    }
                    if table == "cursor" {
                        // Where cursors were lost before, they still are.
                        let mark = try? Int.fetchOne(source, sql: "PRAGMA user_version")
                        let isReadable = try StateSalvage.dropUnusableCursors(fresh, path: path)
                        isWhole = isWhole && isReadable
                        hasCursors = isWhole && mark != StateSalvage.cursorsLost
                    }
                    if !isWhole { lost.append(Result.Loss(table: table, kept: kept)) }
                }
            }
        }
        return (lost, hasCursors)
    }

    /// Copies rows until one cannot be read. Whether all of them could.
    private func copy(
        _ table: String, _ source: Database, _ fresh: Database, descending: Bool
    ) throws -> Bool {
        let wanted = try fresh.columns(in: table).map(\.name)
        // The names are our own, and quoted nowhere in the schema.
        let insert = try fresh.cachedStatement(
            sql: """
                INSERT OR IGNORE INTO \(table) (\(wanted.joined(separator: ", ")))
                VALUES (\(wanted.map { _ in "?" }.joined(separator: ", ")))
                """)
        let key = try fresh.primaryKey(table).columns
        let order = key.map { descending ? "\($0) DESC" : $0 }.joined(separator: ", ")
        // By the rows themselves: an index may be what is damaged.
        let orderBy = table == "block_outcome" ? "rowid" + (descending ? " DESC" : "") : order
        do {
            let available = Set(try source.columns(in: table).map(\.name))
            let columns = wanted.map { available.contains($0) ? $0 : "NULL" }.joined(separator: ", ")
            let rows = try Row.fetchCursor(
                source, sql: "SELECT \(columns) FROM \(table) NOT INDEXED ORDER BY \(orderBy)")
            while let row = try rows.next() {
                do {
                    try insert.execute(arguments: StatementArguments(row.databaseValues))
                } catch let error as DatabaseError where error.resultCode == .SQLITE_CONSTRAINT {
                    // A row that the schema does not take is none.
                }
            }
            return true
        } catch let error as DatabaseError where error.resultCode != .SQLITE_FULL {
            return false
        }
    }

    /// A destination without its cursor begins its books anew: what is on record would be counted beside them.
    /// Returns the tables that had such rows.
    private static func forgetStrangers(_ database: Database) throws -> [String] {
        try ["block_outcome", "exceptional_outcome", "hour_total", "hour_total_end", "forgotten_total"].filter {
            table in
            try database.execute(
                sql: "DELETE FROM \(table) WHERE destination NOT IN (SELECT destination FROM cursor)")
            return database.changesCount > 0
        }
    }

    /// Removes cursors that hold no figures. Whether there were none.
    private static func dropUnusableCursors(_ database: Database, path: String) throws -> Bool {
        var areSound = true
        for name in try String.fetchAll(database, sql: "SELECT destination FROM cursor") {
            if (try? StateStore.readCursor(of: name, in: database, path: path)) != nil { continue }
            areSound = false
            try database.execute(sql: "DELETE FROM cursor WHERE destination = ?", arguments: [name])
        }
        return areSound
    }
}
