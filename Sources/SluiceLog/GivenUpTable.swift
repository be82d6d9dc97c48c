import GRDB
import SluiceCore

/// The statements about the tables `given_up`, `hour_total` and `hour_total_end`: what the books by hour need
/// to know of events the log no longer has.
enum GivenUpTable {
    static let create = """
        CREATE TABLE given_up (
            first_event INTEGER PRIMARY KEY NOT NULL,
            end_event INTEGER NOT NULL,
            first_block INTEGER NOT NULL,
            end_block INTEGER NOT NULL,
            hour INTEGER NOT NULL
        );
        CREATE TABLE hour_total (
            destination TEXT NOT NULL,
            hour INTEGER NOT NULL,
            delivered INTEGER NOT NULL,
            rejected INTEGER NOT NULL,
            parked INTEGER NOT NULL,
            expired INTEGER NOT NULL,
            filtered INTEGER NOT NULL,
            PRIMARY KEY (destination, hour)
        ) WITHOUT ROWID;
        CREATE TABLE hour_total_end (
            destination TEXT PRIMARY KEY NOT NULL,
            end_event INTEGER NOT NULL
        ) WITHOUT ROWID;
        """

    /// How long an hour is remembered whose events are gone: a day more than the books can be asked for.
    static let keptMilliseconds: Int64 = 32 * 86_400_000

    static func read(_ database: Database) throws -> [GivenUpEvents] {
        // A file of an earlier version has no such table.
        guard try database.tableExists("given_up") else { return [] }
        return try Row.fetchAll(
            database,
            sql: "SELECT first_event, end_event, first_block, end_block, hour FROM given_up ORDER BY first_event"
        ).compactMap(events)
    }

    private static func events(_ row: Row) -> GivenUpEvents? {
        guard let first = Int64.fromDatabaseValue(row[0]), let end = Int64.fromDatabaseValue(row[1]),
            let firstBlock = Int64.fromDatabaseValue(row[2]), let endBlock = Int64.fromDatabaseValue(row[3]),
            let hour = Int64.fromDatabaseValue(row[4]), 0 <= first, first < end, 0 <= firstBlock,
            firstBlock <= endBlock
        else { return nil }
        return GivenUpEvents(events: first..<end, blocks: firstBlock..<endBlock, hour: hour)
    }

    /// A part takes the place of what the rows say about its events; one that follows another within an hour becomes
    /// one row with it.
    static func insert(_ parts: [GivenUpEvents], into database: Database) throws {
        for part in parts {
            try cut(part, database)
            try database.execute(
                sql:
                    "UPDATE given_up SET end_event = ?, end_block = ? WHERE end_event = ? AND end_block = ? AND hour = ?",
                arguments: [
                    part.events.upperBound, part.blocks.upperBound, part.events.lowerBound, part.blocks.lowerBound,
                    part.hour,
                ])
            if database.changesCount == 0 { try add(part, database) }
        }
    }

    private static func add(_ part: GivenUpEvents, _ database: Database) throws {
        try database.execute(
            sql: "INSERT OR REPLACE INTO given_up VALUES (?, ?, ?, ?, ?)",
            arguments: [
                part.events.lowerBound, part.events.upperBound, part.blocks.lowerBound, part.blocks.upperBound,
                part.hour,
            ])
    }

    /// Leaves of the rows what `part` does not speak of.
    private static func cut(_ part: GivenUpEvents, _ database: Database) throws {
        let rows = try Row.fetchAll(
            database,
            sql: """
                SELECT first_event, end_event, first_block, end_block, hour FROM given_up
                WHERE first_event < ? AND end_event > ?
                """,
            arguments: [part.events.upperBound, part.events.lowerBound])
        for row in rows {
            try database.execute(
                sql: "DELETE FROM given_up WHERE first_event = ?", arguments: [row[0] as DatabaseValue])
            for piece in events(row)?.without(part) ?? [] { try add(piece, database) }
        }
    }

    /// Every event that a destination counted as expired without anybody knowing the hour, and that is not
    /// quarantined: in the order of the log, at most 10,000 ranges.
    static func withoutHour(_ database: Database, quarantined: [QuarantinedBlocks]) throws -> [Range<Int64>] {
        let rows = try Row.fetchAll(
            database,
            sql: """
                SELECT first_event, events, first_block, last_block FROM block_outcome
                WHERE hour IS NULL AND expired = events ORDER BY first_event LIMIT 10000
                """)
        var ranges: [Range<Int64>] = []
        for row in rows {
            guard let first = Int64.fromDatabaseValue(row[0]), let count = Int64.fromDatabaseValue(row[1]),
                let firstBlock = Int64.fromDatabaseValue(row[2]), let lastBlock = Int64.fromDatabaseValue(row[3]),
                0 <= first, 0 < count, count < Int64.max - first,
                !quarantined.contains(where: { $0.firstBlock <= lastBlock && firstBlock <= $0.lastBlock })
            else { continue }
            if let last = ranges.last, first <= last.upperBound {
                ranges[ranges.count - 1] = last.lowerBound..<max(last.upperBound, first + count)
            } else {
                ranges.append(first..<first + count)
            }
        }
        return ranges
    }

    /// Forgets hours nobody can ask for any more; of what was given up only what every destination has passed.
    static func forget(before hour: Int64, below event: Int64, _ database: Database) throws {
        try database.execute(sql: "DELETE FROM hour_total WHERE hour < ?", arguments: [hour])
        try database.execute(
            sql: "DELETE FROM given_up WHERE hour < ? AND end_event <= ?", arguments: [hour, event])
    }

    static func forget(_ destination: String, _ database: Database) throws {
        for table in ["hour_total", "hour_total_end"] {
            try database.execute(
                sql: "DELETE FROM \(table) WHERE destination = ?", arguments: [destination])
        }
    }

    /// Takes up what is about to be forgotten as runs, so that its hours stay in the books.
    ///
    /// - Parameter runs: of one destination, in their order.
    static func fold(_ runs: [BlockOutcome], _ database: Database) throws {
        guard let last = runs.last else { return }
        var totals: [Int64: OutcomeCounts] = [:]
        for run in runs {
            if let hour = run.hour {
                for outcome in Outcome.allCases {
                    totals[hour, default: OutcomeCounts()][outcome] += run.counts[outcome]
                }
                continue
            }
            // Lost together. Of what was given up it is known when it was received; of the rest it is not.
            guard let only = Outcome.allCases.first(where: { run.counts[$0] == run.eventCount }) else { continue }
            let parts = try Row.fetchAll(
                database,
                sql: "SELECT first_event, end_event, hour FROM given_up WHERE end_event > ? AND first_event < ?",
                arguments: [run.firstEvent, run.endEvent])
            for part in parts {
                guard let first = Int64.fromDatabaseValue(part[0]), let end = Int64.fromDatabaseValue(part[1]),
                    let hour = Int64.fromDatabaseValue(part[2])
                else { continue }
                totals[hour, default: OutcomeCounts()][only] += max(
                    0, min(end, run.endEvent) - max(first, run.firstEvent))
            }
        }
        let add = try database.cachedStatement(
            sql: """
                INSERT INTO hour_total VALUES (?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT (destination, hour) DO UPDATE SET
                    delivered = delivered + excluded.delivered, rejected = rejected + excluded.rejected,
                    parked = parked + excluded.parked, expired = expired + excluded.expired,
                    filtered = filtered + excluded.filtered
                """)
        for (hour, counts) in totals {
            try add.execute(arguments: [
                last.destination, hour, counts.delivered, counts.rejected, counts.parked, counts.expired,
                counts.filtered,
            ])
        }
        try database.execute(
            sql: "INSERT OR REPLACE INTO hour_total_end VALUES (?, ?)", arguments: [last.destination, last.endEvent])
    }
}
