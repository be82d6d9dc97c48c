import GRDB
import SluiceCore

/// The state file: cursors and outcomes. `docs/log-format.md` describes it for people.
///
/// Written with synchronous=NORMAL: what was saved survives the process at any moment, but a power
/// loss may take the last saves with it. Destinations then get some events again, never too few,
/// because the log itself never loses what a cursor has passed.
/// A file found damaged while it is in use is set aside and made anew with every cursor this process has
/// read or saved, so that only rows about single events are lost with it.
/// Owner: the delivery thread.
final class StateStore: DeliveryState {
    /// `PRAGMA application_id`: the letters `SluS`.
    static let applicationID = 0x536C_7553

    /// Rows one call of `upkeep` removes at most.
    static let pruneMax = 2000

    /// What the store knows of the log beside it.
    struct Surroundings: Sendable {
        var quarantine = Quarantine()
        var givenUp = GivenUp()
        /// Blocks before this one were given up since the start, and not lost; 0 when none were.
        var removedBlocks: @Sendable () -> Int64 = { 0 }
        /// The oldest block there may be.
        var oldestBlock: @Sendable () -> Int64 = { 0 }
        /// Where the log ends now; nil where that is not known.
        var head: @Sendable () -> LogHead? = { nil }
        var clock = LogClock.system
        var onIncident: @Sendable (LogIncident) -> Void = { _ in }
    }

    let path: String
    private let surroundings: Surroundings
    private(set) var queue: DatabaseQueue
    /// Every cursor read or saved, by destination.
    private var known: [String: SluiceCore.Cursor] = [:]
    /// Whether the file says that cursors were lost: see `settleCursors`.
    private(set) var saysCursorsWereLost = false
    private var watched: WatchedFile?
    private var refusals: RefusalStore?
    /// Whether `known` has every destination's cursor.
    private var knowsAllCursors = false

    /// - Parameter cursorsWereLost: there is no file, although there was one: the new one says so.
    init(
        path: String, surroundings: Surroundings = Surroundings(), cursorsWereLost: Bool = false
    ) throws(LogError) {
        self.path = path
        self.surroundings = surroundings
        do throws(LogError) {
            queue = try StateStore.open(path, cursorsWereLost: cursorsWereLost)
        } catch {
            // A look at it had found nothing.
            guard case .damaged = error else { throw error }
            let result = try StateSalvage(path: path).run(nowMilliseconds: surroundings.clock.wallMilliseconds())
            queue = try StateStore.open(path, cursorsWereLost: cursorsWereLost || !result.hasCursors)
            surroundings.onIncident(
                .stateReplaced(
                    path: path, as: result.aside, reason: error.description, hasCursors: result.hasCursors,
                    lost: result.summary))
        }
        let head = surroundings.head()
        let (damage, parts, withoutHour, mark) = try aboutFile(path) {
            try queue.inDatabase { database in
                var parts = try GivenUpTable.read(database)
                if let end = head?.events, let last = parts.last, last.events.upperBound > end {
                    // They speak of another log, which this one has taken the place of.
                    try database.execute(sql: "DELETE FROM given_up")
                    parts = []
                }
                let damage = try StateStore.quarantined(database)
                return (
                    damage, parts, try GivenUpTable.withoutHour(database, quarantined: damage),
                    try Int.fetchOne(database, sql: "PRAGMA user_version")
                )
            }
        }
        saysCursorsWereLost = mark == StateSalvage.cursorsLost
        watched = WatchedFile(path)
        surroundings.quarantine.load(damage)
        surroundings.givenUp.load(parts, withoutHour: withoutHour)
    }

    /// - Parameter cursorsWereLost: what a file that is made here says to whoever opens it next.
    static func open(_ path: String, cursorsWereLost: Bool = false) throws(LogError) -> DatabaseQueue {
        let isNew = !FileCalls.exists(path)
        try FileCalls.makeWALDurable(of: path)
        let queue = try aboutFile(path) {
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
                if try StateStore.prepare(queue, path: path, cursorsWereLost) {
                    // A file that was made once is there for good: that it is missing means that cursors are.
                    try queue.inDatabase { _ = try $0.checkpoint(.truncate) }
                }
            } catch {
                try? queue.close()
                throw error
            }
            return queue
        }
        if isNew {
            try FileCalls.syncFolder(FileCalls.folder(of: path))
        }
        return queue
    }

    deinit { try? queue.close() }

    /// The end of the log as far as cursors know it; nil when the file tells nothing.
    static func furthest(path: String) -> LogHead? {
        guard FileCalls.exists(path) else { return nil }
        var settings = Configuration()
        settings.readonly = true
        guard let queue = try? DatabaseQueue(path: path, configuration: settings) else { return nil }
        defer { try? queue.close() }
        var furthest: LogHead?
        func pass(_ sql: String) {
            guard let row = try? queue.inDatabase({ try Row.fetchOne($0, sql: sql) }),
                let block = Int64.fromDatabaseValue(row[0]), let events = Int64.fromDatabaseValue(row[1])
            else { return }
            let known = furthest ?? LogHead(nextBlock: block, events: events)
            furthest = LogHead(nextBlock: max(known.nextBlock, block), events: max(known.events, events))
        }
        // A cursor within a block has used its number.
        pass(
            """
            SELECT max(block + (event_index > 0)),
                   max(start_event + delivered + rejected + parked + expired + filtered)
            FROM cursor
            """)
        // A file of an earlier version has no such table.
        pass("SELECT next_block, events FROM log_head")
        return furthest
    }

    /// Whether the schema changed.
    private static func prepare(
        _ queue: DatabaseQueue, path: String, _ cursorsWereLost: Bool
    ) throws -> Bool {
        try queue.inDatabase { database in
            let isEmpty = try Int.fetchOne(database, sql: "SELECT count(*) FROM sqlite_master") == 0
            if isEmpty {
                try database.execute(sql: "PRAGMA application_id = \(applicationID)")
            } else if try Int.fetchOne(database, sql: "PRAGMA application_id") != applicationID {
                throw LogError.foreignFile(path: path)
            }
            _ = try String.fetchOne(database, sql: "PRAGMA journal_mode = WAL")
        }
        let migrator = StateStore.makeMigrator(cursorsWereLost: cursorsWereLost)
        if try queue.read({ try migrator.hasBeenSuperseded($0) }) {
            let applied = try queue.read { try migrator.appliedIdentifiers($0).count }
            throw LogError.newerFormat(path: path, found: applied, supported: migrator.migrations.count)
        }
        if try queue.read({ try migrator.hasCompletedMigrations($0) }) { return false }
        try migrator.migrate(queue)
        return true
    }

    /// Each step once released is never changed; a new one is appended.
    static var migrator: DatabaseMigrator { makeMigrator(cursorsWereLost: false) }

    private static func makeMigrator(cursorsWereLost: Bool) -> DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 cursors and exceptional outcomes") { database in
            // Together with the table of cursors: a file that has it and no cursors must not look new.
            if cursorsWereLost {
                try database.execute(sql: "PRAGMA user_version = \(StateSalvage.cursorsLost)")
            }
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
        migrator.registerMigration("2 outcomes per block") { database in
            try database.execute(sql: BlockOutcomeTable.create)
        }
        migrator.registerMigration("3 replay jobs") { database in
            try database.execute(sql: ReplayTable.create)
        }
        migrator.registerMigration("4 quarantined blocks") { database in
            try database.execute(
                sql: """
                    CREATE TABLE quarantine (
                        block INTEGER PRIMARY KEY NOT NULL,
                        last_block INTEGER NOT NULL,
                        events INTEGER NOT NULL,
                        reason TEXT NOT NULL,
                        segment TEXT NOT NULL,
                        found_at INTEGER NOT NULL
                    );
                    """)
        }
        migrator.registerMigration("5 refused requests") { database in
            try database.execute(sql: RefusedRow.create)
        }
        migrator.registerMigration("6 end of the log") { database in
            try database.execute(
                sql: """
                    CREATE TABLE log_head (
                        id INTEGER PRIMARY KEY CHECK (id = 1),
                        next_block INTEGER NOT NULL,
                        events INTEGER NOT NULL
                    );
                    """)
        }
        migrator.registerMigration("7 what was given up, by hour") { database in
            try database.execute(sql: GivenUpTable.create)
        }
        migrator.registerMigration("8 what runs were forgotten") { database in
            try database.execute(sql: ForgottenTotal.create)
            try ForgottenTotal.reckon(database)
        }
        return migrator
    }

    /// Where the log ends is saved beside it, so that a log which lost its end is noticed even where no
    /// cursor had come so far.
    private static func insert(_ head: LogHead?, into database: Database) throws {
        guard let head else { return }
        try database.cachedStatement(sql: "INSERT OR REPLACE INTO log_head VALUES (1, ?, ?)")
            .execute(arguments: [head.nextBlock, head.events])
    }

    func makeRefusalStore() -> RefusalStore {
        let store = refusals ?? RefusalStore(queue)
        refusals = store
        return store
    }

    // MARK: DeliveryState

    func cursor(of destination: String) throws(DeliveryStateError) -> SluiceCore.Cursor? {
        let cursor = try stating { () throws -> SluiceCore.Cursor? in
            try queue.inDatabase { try StateStore.readCursor(of: destination, in: $0, path: path) }
        }
        if let cursor { known[destination] = cursor }
        return cursor
    }

    func settleCursors() throws(DeliveryStateError) {
        if saysCursorsWereLost {
            try stating { try queue.inDatabase { try $0.execute(sql: "PRAGMA user_version = 0") } }
        }
        saysCursorsWereLost = false
        knowsAllCursors = true
    }

    static func readCursor(
        of destination: String, in database: Database, path: String
    ) throws -> SluiceCore.Cursor? {
        let statement = try database.cachedStatement(
            sql: """
                SELECT block, event_index, start_event, delivered, rejected, parked, expired, filtered
                FROM cursor WHERE destination = ?
                """)
        guard let row = try Row.fetchOne(statement, arguments: [destination]) else { return nil }
        let figures = (0..<8).compactMap { Int64.fromDatabaseValue(row[$0]) }
        guard figures.count == 8, figures.allSatisfy({ $0 >= 0 && $0 < 1 << 62 }) else {
            throw LogError.damaged(path: path, reason: "the cursor of \(destination) holds no figures")
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

    @discardableResult
    func save(_ change: DeliveryChange) throws(DeliveryStateError) -> [OutcomeCorrection] {
        try lookAfterFile()
        let damage = surroundings.quarantine.unsaved
        let givenUp = surroundings.givenUp.unsaved
        let applied = try writing {
            try durably(!givenUp.isEmpty) { database in
                var applied: [OutcomeCorrection] = []
                try database.inTransaction(.immediate) {
                    for destination in change.restarted {
                        try BlockOutcomeTable.forget(destination, database)
                        try GivenUpTable.forget(destination, database)
                        try ForgottenTotal.forget(destination, database)
                    }
                    try StateStore.insert(change.cursors, into: database)
                    try BlockOutcomeTable.write(change.blocks, database)
                    try StateStore.insert(change.exceptions, into: database)
                    try ReplayTable.save(change.replays, into: database)
                    applied = try change.corrections.filter { try StateStore.apply($0, database) }
                    try StateStore.insert(damage, into: database)
                    try GivenUpTable.insert(givenUp, into: database)
                    try StateStore.insert(surroundings.head(), into: database)
                    return .commit
                }
                return applied
            }
        }
        for cursor in change.cursors { known[cursor.destination] = cursor }
        for correction in applied {
            known[correction.destination]?.counts[correction.from] -= 1
            known[correction.destination]?.counts[correction.to] += 1
        }
        surroundings.quarantine.saved(damage.count)
        surroundings.givenUp.saved(givenUp)
        return applied
    }

    /// Changes an outcome on record: the event's row, its run, and the cursor's counts. False, and nothing is
    /// changed, when the record says otherwise than the correction expects.
    private static func apply(_ correction: OutcomeCorrection, _ database: Database) throws -> Bool {
        let known = try String.fetchOne(
            database,
            sql: """
                SELECT outcome FROM exceptional_outcome WHERE destination = ? AND block = ? AND event_index = ?
                """,
            arguments: [correction.destination, correction.sequence.block, correction.sequence.index])
        if let known, known != correction.from.rawValue { return false }
        var run = try BlockOutcomeTable.find(correction.destination, correction.sequence, database)
        if run?.correct(from: correction.from, to: correction.to) == true {
            try BlockOutcomeTable.write(run.map { [$0] } ?? [], database)
        } else if known == nil {
            // Nothing on record speaks of such an event.
            return false
        } else {
            try ForgottenTotal.correct(correction, database)
        }
        let from = correction.from.rawValue
        let to = correction.to.rawValue
        // The names are our own, not anybody's text.
        try database.execute(
            sql: "UPDATE cursor SET \(from) = \(from) - 1, \(to) = \(to) + 1 WHERE destination = ?",
            arguments: [correction.destination])
        try insert([correction.row], into: database)
        return true
    }

    /// Removes rows about blocks the log has given up.
    func upkeep() throws(DeliveryStateError) -> Bool {
        let oldest = surroundings.oldestBlock()
        let removed = max(surroundings.removedBlocks(), surroundings.givenUp.endBlock)
        let hour = surroundings.clock.wallMilliseconds() - GivenUpTable.keptMilliseconds
        let passed = known.values.map { $0.startEvent + $0.counts.total }.min() ?? 0
        let damage = surroundings.quarantine.unsaved
        let isMore = try writing {
            try queue.inDatabase { database in
                var isMore = false
                try database.inTransaction(.immediate) {
                    try StateStore.insert(damage, into: database)
                    try StateStore.insert(surroundings.head(), into: database)
                    isMore = try StateStore.prune(before: oldest, limit: StateStore.pruneMax, in: database)
                    try StateStore.forgetQuarantine(before: removed, database)
                    try GivenUpTable.forget(before: hour, below: passed, database)
                    return .commit
                }
                return isMore
            }
        }
        surroundings.quarantine.saved(damage.count)
        surroundings.quarantine.forget(before: removed)
        surroundings.givenUp.forget(before: hour, below: passed)
        return isMore
    }

    static func insert(_ cursors: [SluiceCore.Cursor], into database: Database) throws {
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

    static func insert(_ exceptions: [ExceptionalOutcome], into database: Database) throws {
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

    /// Whether there is something to save that no destination brings along.
    var hasNews: Bool { !surroundings.quarantine.unsaved.isEmpty || !surroundings.givenUp.unsaved.isEmpty }

    /// What allows files to be unlinked must not be taken back by a power loss.
    private func durably<T>(_ isDurable: Bool, _ body: (Database) throws -> T) throws -> T {
        try queue.inDatabase { database in
            guard isDurable else { return try body(database) }
            try database.execute(sql: "PRAGMA synchronous = FULL")
            defer { try? database.execute(sql: "PRAGMA synchronous = NORMAL") }
            return try body(database)
        }
    }

    /// Like `stating`; a file that turns out to be damaged is replaced, and `body` runs once more.
    private func writing<T>(_ body: () throws -> T) throws(DeliveryStateError) -> T {
        do {
            return try body()
        } catch {
            let reason = LogError(error, path: path)
            if case .diskFull = reason { surroundings.givenUp.saveLater() }
            guard case .damaged = reason else { throw DeliveryStateError(reason: reason.description) }
            try stating { try replaceFile(reason) }
            return try stating(body)
        }
    }

    func lookAfterFile() throws(DeliveryStateError) {
        guard let reason = watched?.trouble else { return }
        try stating { try replaceFile(.damaged(path: path, reason: reason)) }
    }

    /// What the next start would find is put right while it is still known.
    func finish() throws(DeliveryStateError) {
        try lookAfterFile()
        let damage: LogError
        do throws(LogError) {
            switch try StateFile(path: path).examine(header: watched?.header(20)) {
            case .sound, .withoutCursors: return
            case .missing: damage = .damaged(path: path, reason: "it holds nothing")
            case .damaged(let reason): damage = reason
            }
        } catch {
            guard case .foreignFile = error else { return }
            damage = error
        }
        try stating { try replaceFile(damage) }
    }

    private func replaceFile(_ reason: LogError) throws {
        var salvage = StateSalvage(path: path, cursors: Array(known.values), areAllCursors: knowsAllCursors)
        // What was removed is there until it is closed, and all of it can be read.
        if watched?.isThere == false { salvage.source = queue } else { try? queue.close() }
        let result = try salvage.run(nowMilliseconds: surroundings.clock.wallMilliseconds())
        queue = try StateStore.open(path, cursorsWereLost: !result.hasCursors)
        refusals?.follow(queue)
        watched = WatchedFile(path)
        saysCursorsWereLost = !result.hasCursors
        try queue.inDatabase { database in
            try database.inTransaction(.immediate) {
                try StateStore.insert(surroundings.quarantine.blocks, into: database)
                try database.execute(sql: "DELETE FROM given_up")
                try GivenUpTable.insert(surroundings.givenUp.all, into: database)
                return .commit
            }
        }
        surroundings.onIncident(
            .stateReplaced(
                path: path, as: result.aside, reason: reason.description, hasCursors: result.hasCursors,
                lost: result.summary))
    }

    func stating<T>(_ body: () throws -> T) throws(DeliveryStateError) -> T {
        do {
            return try body()
        } catch {
            throw DeliveryStateError(reason: LogError(error, path: path).description)
        }
    }
}
