import GRDB
import SluiceCore

/// The statements about the table `forgotten_total`: per destination the sums of all runs that were ever removed
/// with the log's blocks.
///
/// Invariant: a destination's runs and its row here add up to the counts of its cursor. Of a damaged file that tells
/// what is missing; `hour_total` cannot, because its hours are forgotten, too.
enum ForgottenTotal {
    static let create = """
        CREATE TABLE forgotten_total (
            destination TEXT PRIMARY KEY NOT NULL,
            delivered INTEGER NOT NULL,
            rejected INTEGER NOT NULL,
            parked INTEGER NOT NULL,
            expired INTEGER NOT NULL,
            filtered INTEGER NOT NULL
        ) WITHOUT ROWID;
        """

    /// Takes what runs do not say of a cursor's counts for forgotten.
    static func reckon(_ database: Database) throws {
        let sums = BlockOutcomeTable.outcomes.map { outcome in
            "max(0, \(outcome) - coalesce((SELECT sum(b.\(outcome)) FROM block_outcome b"
                + " WHERE b.destination = cursor.destination), 0))"
        }
        try database.execute(
            sql:
                "INSERT OR REPLACE INTO forgotten_total SELECT destination, \(sums.joined(separator: ", ")) FROM cursor"
        )
    }

    /// - Parameter runs: of one destination.
    static func add(_ runs: [BlockOutcome], _ database: Database) throws {
        guard let name = runs.first?.destination else { return }
        var counts = try read(name, database) ?? OutcomeCounts()
        for run in runs {
            for outcome in Outcome.allCases { counts[outcome] += run.counts[outcome] }
        }
        try database.cachedStatement(sql: "INSERT OR REPLACE INTO forgotten_total VALUES (?, ?, ?, ?, ?, ?)")
            .execute(arguments: [
                name, counts.delivered, counts.rejected, counts.parked, counts.expired, counts.filtered,
            ])
    }

    /// Nil where none of its runs was forgotten.
    static func read(_ destination: String, _ database: Database) throws -> OutcomeCounts? {
        let row = try Row.fetchOne(
            database,
            sql: "SELECT delivered, rejected, parked, expired, filtered FROM forgotten_total WHERE destination = ?",
            arguments: [destination])
        guard let row else { return nil }
        var counts = OutcomeCounts()
        for (place, outcome) in BlockOutcomeTable.outcomes.enumerated() {
            counts[outcome] = Int64.fromDatabaseValue(row[place]) ?? 0
        }
        return counts
    }

    /// Of an event whose run is forgotten, and whose own row is not yet.
    static func correct(_ correction: OutcomeCorrection, _ database: Database) throws {
        let from = correction.from.rawValue
        let to = correction.to.rawValue
        // The names are our own, not anybody's text.
        try database.execute(
            sql: """
                UPDATE forgotten_total SET \(from) = \(from) - 1, \(to) = \(to) + 1
                WHERE destination = ? AND \(from) > 0
                """, arguments: [correction.destination])
    }

    static func forget(_ destination: String, _ database: Database) throws {
        try database.execute(sql: "DELETE FROM forgotten_total WHERE destination = ?", arguments: [destination])
    }
}
