import GRDB
import SluiceCore

/// What is on record about one event at one destination.
package struct OutcomeRecord: Sendable, Equatable {
    /// As it was when the rest was read.
    package let cursor: SluiceCore.Cursor
    /// The event's own row.
    package let exception: ExceptionalOutcome?
    /// The run that covers it.
    package let run: BlockOutcome?
    /// The row that stands for all events of a run that was lost.
    package let loss: ExceptionalOutcome?
}

/// Outcomes by hour, of all destinations, from one moment.
package struct OutcomesByHour: Sendable, Equatable {
    package var cursors: [SluiceCore.Cursor] = []
    /// By destination and hour.
    package var sums: [String: [Int64: OutcomeCounts]] = [:]
    /// Runs whose hour is not known.
    package var unplaced: [BlockOutcome] = []
    /// Runs that begin before the event asked about, a little longer ago, too; without their bitmaps.
    package var early: [BlockOutcome] = []
    /// Sums of runs that were forgotten with the log's blocks, by destination and hour.
    package var forgotten: [String: [Int64: OutcomeCounts]] = [:]
    /// How many events of the log, by destination, are in these sums or were never due.
    package var forgottenEnd: [String: Int64] = [:]
    /// What was given up although somebody needed it.
    package var givenUp: [GivenUpEvents] = []

    package init() {}
}

extension StateReader {
    /// What every destination with a cursor has on record about the event, in one moment.
    package func records(of sequence: EventSequence) throws(LogError) -> [OutcomeRecord] {
        try reading { database in
            try StateReader.cursors(database).map { cursor in
                let run = try BlockOutcomeTable.find(cursor.destination, sequence, database)
                var loss: ExceptionalOutcome?
                if let run, run.hour == nil, run.counts.expired == run.eventCount {
                    loss = try StateReader.exception(cursor.destination, run.first, database)
                }
                return OutcomeRecord(
                    cursor: cursor,
                    exception: try StateReader.exception(cursor.destination, sequence, database), run: run,
                    loss: loss)
            }
        }
    }

    /// Sums over the runs of the hours from `hour` on.
    ///
    /// - Parameter firstEvent: runs that begin before this event of the log are returned one by one, too.
    package func outcomes(since hour: Int64, firstEvent: Int64) throws(LogError) -> OutcomesByHour {
        try reading { database in
            var outcomes = OutcomesByHour()
            outcomes.cursors = try StateReader.cursors(database)
            let rows = try Row.fetchCursor(
                database,
                sql: """
                    SELECT destination, hour, sum(delivered), sum(rejected), sum(parked), sum(expired),
                           sum(filtered)
                    FROM block_outcome WHERE hour >= ? GROUP BY destination, hour
                    """, arguments: [hour])
            try StateReader.take(rows, into: &outcomes.sums)
            outcomes.unplaced = try BlockOutcomeTable.fetch(
                database, where: "hour IS NULL", arguments: [])
            outcomes.early = try BlockOutcomeTable.fetch(
                database, where: "hour >= ? AND first_event < ?", arguments: [hour - 7_200_000, firstEvent],
                withBitmaps: false)
            // A file of an earlier version has no such tables.
            guard try database.tableExists("hour_total") else { return outcomes }
            try StateReader.take(
                try Row.fetchCursor(
                    database,
                    sql: """
                        SELECT destination, hour, delivered, rejected, parked, expired, filtered
                        FROM hour_total WHERE hour >= ?
                        """, arguments: [hour]), into: &outcomes.forgotten)
            for row in try Row.fetchAll(database, sql: "SELECT destination, end_event FROM hour_total_end") {
                guard let destination = String.fromDatabaseValue(row[0]) else { continue }
                outcomes.forgottenEnd[destination] = Int64.fromDatabaseValue(row[1])
            }
            outcomes.givenUp = try GivenUpTable.read(database).filter { $0.hour >= hour }
            return outcomes
        }
    }

    private static func take(
        _ rows: RowCursor, into sums: inout [String: [Int64: OutcomeCounts]]
    ) throws {
        while let row = try rows.next() {
            guard let destination = String.fromDatabaseValue(row[0]), let hour = Int64.fromDatabaseValue(row[1])
            else { continue }
            var counts = OutcomeCounts()
            for (place, outcome) in BlockOutcomeTable.outcomes.enumerated() {
                counts[outcome] = Int64.fromDatabaseValue(row[2 + place]) ?? 0
            }
            sums[destination, default: [:]][hour] = counts
        }
    }

    private static func cursors(_ database: Database) throws -> [SluiceCore.Cursor] {
        try Row.fetchAll(
            database,
            sql: """
                SELECT destination, block, event_index, start_event, delivered, rejected, parked, expired,
                       filtered
                FROM cursor ORDER BY destination
                """
        ).compactMap { row in
            guard let destination = String.fromDatabaseValue(row[0]),
                let block = Int64.fromDatabaseValue(row[1]), let index = Int.fromDatabaseValue(row[2]),
                let start = Int64.fromDatabaseValue(row[3])
            else { return nil }
            var counts = OutcomeCounts()
            for (place, outcome) in BlockOutcomeTable.outcomes.enumerated() {
                counts[outcome] = Int64.fromDatabaseValue(row[4 + place]) ?? 0
            }
            return SluiceCore.Cursor(
                destination: destination, position: EventSequence(block: block, index: index),
                startEvent: start, counts: counts)
        }
    }

    private static func exception(
        _ destination: String, _ sequence: EventSequence, _ database: Database
    ) throws -> ExceptionalOutcome? {
        let statement = try database.cachedStatement(
            sql: """
                SELECT event_id, outcome, status, reason, attempts, first_attempt, last_attempt, url
                FROM exceptional_outcome WHERE destination = ? AND block = ? AND event_index = ?
                """)
        let row = try Row.fetchOne(statement, arguments: [destination, sequence.block, sequence.index])
        guard let row, let outcome = String.fromDatabaseValue(row[1]).flatMap(Outcome.init(rawValue:)) else {
            return nil
        }
        return ExceptionalOutcome(
            destination: destination, sequence: sequence, eventID: String.fromDatabaseValue(row[0]) ?? "",
            outcome: outcome, status: Int.fromDatabaseValue(row[2]) ?? 0,
            reason: String.fromDatabaseValue(row[3]) ?? "", attempts: Int.fromDatabaseValue(row[4]) ?? 0,
            firstAttemptMilliseconds: Int64.fromDatabaseValue(row[5]) ?? 0,
            lastAttemptMilliseconds: Int64.fromDatabaseValue(row[6]) ?? 0,
            url: String.fromDatabaseValue(row[7]) ?? "")
    }

    /// Reads at one moment: a WAL reader sees what was committed when its transaction began.
    private func reading<T>(_ body: (Database) throws -> T) throws(LogError) -> T {
        try aboutFile(path) {
            try queue.read { try body($0) }
        }
    }
}
