import GRDB
import SluiceCore

/// The state file: cursors and exceptional outcomes. `docs/log-format.md` describes it for people.
///
/// Written with synchronous=NORMAL: what was saved survives the process at any moment, but a power
/// loss may take the last saves with it. Destinations then get some events again, never too few,
/// because the log itself never loses what a cursor has passed.
/// Owner: the delivery thread.
final class StateStore: DeliveryState {
    /// `PRAGMA application_id`: the letters `SluS`.
    static let applicationID = 0x536C_7553

    private let queue: DatabaseQueue

    init(path: String) throws(LogError) {
        let isNew = !FileCalls.exists(path)
        try FileCalls.makeWALDurable(of: path)
        queue = try aboutFile(path) {
            var settings = Configuration()
            settings.label = "sluice.state"
            // Somebody looks at the file with a shell: every destination waits as long as this does, and the
            // next save comes soon.
            settings.busyMode = .timeout(0.25)
            settings.prepareDatabase { database in
                try database.execute(sql: "PRAGMA synchronous = NORMAL")
            }
            let queue = try DatabaseQueue(path: path, configuration: settings)
            do {
                try StateStore.prepare(queue, path: path)
            } catch {
                try? queue.close()
                throw error
            }
            return queue
        }
        if isNew {
            try FileCalls.syncFolder(String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]))
        }
    }

    deinit { try? queue.close() }

    /// The end of the log as far as cursors know it; nil when the file tells nothing.
    static func furthest(path: String) -> LogHead? {
        guard FileCalls.exists(path) else { return nil }
        var settings = Configuration()
        settings.readonly = true
        guard let queue = try? DatabaseQueue(path: path, configuration: settings) else { return nil }
        defer { try? queue.close() }
        let row = try? queue.inDatabase { database in
            try Row.fetchOne(
                database,
                sql: """
                    SELECT max(block), max(event_index),
                           max(start_event + delivered + rejected + parked + expired + filtered)
                    FROM cursor
                    """)
        }
        guard let row, let block = Int64.fromDatabaseValue(row[0]),
            let index = Int64.fromDatabaseValue(row[1]), let events = Int64.fromDatabaseValue(row[2])
        else { return nil }
        // A cursor within a block has used its number.
        return LogHead(nextBlock: index > 0 ? block + 1 : block, events: events)
    }

    private static func prepare(_ queue: DatabaseQueue, path: String) throws {
        try queue.inDatabase { database in
            let isEmpty = try Int.fetchOne(database, sql: "SELECT count(*) FROM sqlite_master") == 0
            if isEmpty {
                try database.execute(sql: "PRAGMA application_id = \(applicationID)")
            } else if try Int.fetchOne(database, sql: "PRAGMA application_id") != applicationID {
                throw LogError.foreignFile(path: path)
            }
            _ = try String.fetchOne(database, sql: "PRAGMA journal_mode = WAL")
        }
        let migrator = StateStore.migrator
        if try queue.read({ try migrator.hasBeenSuperseded($0) }) {
            let applied = try queue.read { try migrator.appliedIdentifiers($0).count }
            throw LogError.newerFormat(path: path, found: applied, supported: migrator.migrations.count)
        }
        try migrator.migrate(queue)
    }

    /// Each step once released is never changed; a new one is appended.
    private static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 cursors and exceptional outcomes") { database in
            try database.execute(
                sql: """
                    CREATE TABLE cursor (
                        destination TEXT PRIMARY KEY NOT NULL,
                        block INTEGER NOT NULL,
                        event_index INTEGER NOT NULL,
                        start_event INTEGER NOT NULL,
                        delivered INTEGER NOT NULL,
                        rejected INTEGER NOT NULL,
                        parked INTEGER NOT NULL,
                        expired INTEGER NOT NULL,
                        filtered INTEGER NOT NULL
                    ) WITHOUT ROWID;
                    CREATE TABLE exceptional_outcome (
                        destination TEXT NOT NULL,
                        block INTEGER NOT NULL,
                        event_index INTEGER NOT NULL,
                        event_id TEXT NOT NULL,
                        outcome TEXT NOT NULL,
                        status INTEGER NOT NULL,
                        reason TEXT NOT NULL,
                        attempts INTEGER NOT NULL,
                        first_attempt INTEGER NOT NULL,
                        last_attempt INTEGER NOT NULL,
                        url TEXT NOT NULL,
                        PRIMARY KEY (destination, block, event_index)
                    ) WITHOUT ROWID;
                    CREATE INDEX exceptional_outcome_event_id ON exceptional_outcome (event_id);
                    """)
        }
        return migrator
    }

    // MARK: DeliveryState

    func cursor(of destination: String) throws(DeliveryStateError) -> SluiceCore.Cursor? {
        try stating { () throws -> SluiceCore.Cursor? in
            try queue.inDatabase { database -> SluiceCore.Cursor? in
                let statement = try database.cachedStatement(
                    sql: """
                        SELECT block, event_index, start_event,
                               delivered, rejected, parked, expired, filtered
                        FROM cursor WHERE destination = ?
                        """)
                guard let row = try Row.fetchOne(statement, arguments: [destination]) else { return nil }
                let figures = (0..<8).compactMap { Int64.fromDatabaseValue(row[$0]) }
                guard figures.count == 8, figures.allSatisfy({ $0 >= 0 }) else {
                    throw LogError.damaged(
                        path: database.description, reason: "the cursor of \(destination) holds no figures")
                }
                var counts = OutcomeCounts()
                counts.delivered = figures[3]
                counts.rejected = figures[4]
                counts.parked = figures[5]
                counts.expired = figures[6]
                counts.filtered = figures[7]
                return SluiceCore.Cursor(
                    destination: destination,
                    position: EventSequence(block: figures[0], index: Int(figures[1])),
                    startEvent: figures[2], counts: counts)
            }
        }
    }

    func save(cursors: [SluiceCore.Cursor], exceptions: [ExceptionalOutcome]) throws(DeliveryStateError) {
        try stating {
            try queue.inDatabase { database in
                try database.inTransaction(.immediate) {
                    try StateStore.insert(cursors, into: database)
                    try StateStore.insert(exceptions, into: database)
                    return .commit
                }
            }
        }
    }

    private static func insert(_ cursors: [SluiceCore.Cursor], into database: Database) throws {
        guard !cursors.isEmpty else { return }
        let statement = try database.cachedStatement(
            sql: "INSERT OR REPLACE INTO cursor VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")
        for cursor in cursors {
            try statement.execute(arguments: [
                cursor.destination, cursor.position.block, cursor.position.index, cursor.startEvent,
                cursor.counts.delivered, cursor.counts.rejected, cursor.counts.parked,
                cursor.counts.expired, cursor.counts.filtered,
            ])
        }
    }

    private static func insert(_ exceptions: [ExceptionalOutcome], into database: Database) throws {
        guard !exceptions.isEmpty else { return }
        let statement = try database.cachedStatement(
            sql: "INSERT OR REPLACE INTO exceptional_outcome VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
        for exception in exceptions {
            try statement.execute(arguments: [
                exception.destination, exception.sequence.block, exception.sequence.index,
                exception.eventID, exception.outcome.rawValue, exception.status, exception.reason,
                exception.attempts, exception.firstAttemptMilliseconds,
                exception.lastAttemptMilliseconds, exception.url,
            ])
        }
    }

    private func stating<T>(_ body: () throws -> T) throws(DeliveryStateError) -> T {
        do {
            return try body()
        } catch {
            throw DeliveryStateError(reason: LogError(error, path: queue.path).description)
        }
    }
}
