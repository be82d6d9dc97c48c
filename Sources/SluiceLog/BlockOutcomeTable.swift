import Foundation
import GRDB
import SluiceCore

/// The statements about the table `block_outcome`, in which a destination's runs of outcomes are kept.
///
/// A rowid table: a bitmap of 2 KiB would make the pages of a clustered one hold next to nothing.
enum BlockOutcomeTable {
    static let create = """
        CREATE TABLE block_outcome (
            destination TEXT NOT NULL,
            first_block INTEGER NOT NULL,
            first_index INTEGER NOT NULL,
            last_block INTEGER NOT NULL,
            first_event INTEGER NOT NULL,
            hour INTEGER,
            events INTEGER NOT NULL,
            delivered INTEGER NOT NULL,
            rejected INTEGER NOT NULL,
            parked INTEGER NOT NULL,
            expired INTEGER NOT NULL,
            filtered INTEGER NOT NULL,
            filtered_events BLOB,
            PRIMARY KEY (destination, first_block, first_index)
        );
        CREATE INDEX block_outcome_hour ON block_outcome (hour);
        """ + standIn

    /// Gives each cursor one run for all it has passed so far, which cannot say which event was what: where
    /// there is nothing else about them, the sums are right from the first moment on all the same.
    static let standIn = """
        INSERT INTO block_outcome
            SELECT destination, 0, 0, block, start_event, NULL,
                   delivered + rejected + parked + expired + filtered,
                   delivered, rejected, parked, expired, filtered, NULL
            FROM cursor WHERE delivered + rejected + parked + expired + filtered > 0;
        """

    private static let columns = """
        destination, first_block, first_index, last_block, first_event, hour, delivered, rejected, parked,
        expired, filtered, filtered_events
        """

    /// In the order of their columns.
    static let outcomes: [Outcome] = [.delivered, .rejected, .parked, .expired, .filtered]

    /// Runs are saved again as they grow: what is there is changed in place.
    static func write(_ runs: [BlockOutcome], _ database: Database) throws {
        guard !runs.isEmpty else { return }
        let statement = try database.cachedStatement(
            sql: """
                INSERT INTO block_outcome (\(columns), events) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT (destination, first_block, first_index) DO UPDATE SET
                    last_block = excluded.last_block, first_event = excluded.first_event,
                    hour = excluded.hour, events = excluded.events, delivered = excluded.delivered,
                    rejected = excluded.rejected, parked = excluded.parked, expired = excluded.expired,
                    filtered = excluded.filtered, filtered_events = excluded.filtered_events
                """)
        for run in runs {
            try statement.execute(arguments: [
                run.destination, run.first.block, run.first.index, run.lastBlock, run.firstEvent, run.hour,
                run.counts.delivered, run.counts.rejected, run.counts.parked, run.counts.expired,
                run.counts.filtered, run.filteredEvents.isEmpty ? nil : Data(run.filteredEvents),
                run.eventCount,
            ])
        }
    }

    /// The run that covers the event at `sequence`, if it is on record.
    static func find(
        _ destination: String, _ sequence: EventSequence, _ database: Database
    ) throws -> BlockOutcome? {
        let statement = try database.cachedStatement(
            sql: """
                SELECT \(columns) FROM block_outcome
                WHERE destination = ? AND (first_block, first_index) <= (?, ?)
                ORDER BY first_block DESC, first_index DESC LIMIT 1
                """)
        let row = try Row.fetchOne(statement, arguments: [destination, sequence.block, sequence.index])
        guard let run = row.flatMap(BlockOutcomeTable.run), run.lastBlock >= sequence.block else { return nil }
        return run
    }

    /// The runs a condition of our own holds for, in no order.
    static func fetch(
        _ database: Database, where condition: String, arguments: StatementArguments, withBitmaps: Bool = true
    ) throws -> [BlockOutcome] {
        let columns =
            withBitmaps ? columns : columns.replacingOccurrences(of: "filtered_events", with: "NULL")
        return try Row.fetchAll(
            database, sql: "SELECT \(columns) FROM block_outcome WHERE \(condition)", arguments: arguments
        ).compactMap(run)
    }

    /// Nil for a row that holds something else than figures.
    static func run(_ row: Row) -> BlockOutcome? {
        guard let destination = String.fromDatabaseValue(row[0]), let block = Int64.fromDatabaseValue(row[1]),
            let index = Int.fromDatabaseValue(row[2]), let last = Int64.fromDatabaseValue(row[3]),
            let firstEvent = Int64.fromDatabaseValue(row[4])
        else { return nil }
        var counts = OutcomeCounts()
        for (place, outcome) in outcomes.enumerated() {
            guard let count = Int64.fromDatabaseValue(row[6 + place]), count >= 0 else { return nil }
            counts[outcome] = count
        }
        return BlockOutcome(
            destination: destination, first: EventSequence(block: block, index: index), lastBlock: last,
            firstEvent: firstEvent, hour: Int64.fromDatabaseValue(row[5]), counts: counts,
            filteredEvents: Data.fromDatabaseValue(row[11]).map { [UInt8]($0) } ?? [])
    }

    static func forget(_ destination: String, _ database: Database) throws {
        try database.execute(
            sql: "DELETE FROM block_outcome WHERE destination = ?", arguments: [destination])
    }

    /// Forgets runs that end before `block`, and adds them to their hours' totals; the one that ends at the cursor
    /// may still grow, and stays. Returns how many, at most `limit`.
    static func prune(
        _ destination: String, below block: Int64, _ limit: Int, _ database: Database
    ) throws -> Int {
        guard limit > 0 else { return 0 }
        let position = try Int64.fetchOne(
            database,
            sql: """
                SELECT start_event + delivered + rejected + parked + expired + filtered FROM cursor
                WHERE destination = ?
                """, arguments: [destination])
        let condition = """
            destination = ? AND first_block < ? AND last_block < ? AND first_event + events < ?
            ORDER BY first_block, first_index LIMIT ?
            """
        let arguments: StatementArguments = [destination, block, block, position ?? Int64.max, limit]
        let runs = try fetch(database, where: condition, arguments: arguments)
        try GivenUpTable.fold(runs, database)
        try ForgottenTotal.add(runs, database)
        try database.execute(
            sql: "DELETE FROM block_outcome WHERE rowid IN (SELECT rowid FROM block_outcome WHERE \(condition))",
            arguments: arguments)
        return database.changesCount
    }
}
