import GRDB
import SluiceCore

// What `sluice tail` asks of the state file.
extension StateReader {
    /// The newest refused requests, oldest first.
    package func refusedRequests(newest count: Int) throws(LogError) -> [RefusedRow] {
        try read { try RefusedRow.newest(count, in: $0) }
    }

    /// The first event without an outcome, as of the last save; nil for a destination that is not known.
    package func position(of destination: String) throws(LogError) -> EventSequence? {
        try read { database in
            let statement = try database.cachedStatement(
                sql: "SELECT block, event_index FROM cursor WHERE destination = ?")
            guard let row = try Row.fetchOne(statement, arguments: [destination]),
                let block = Int64.fromDatabaseValue(row[0]), let index = Int.fromDatabaseValue(row[1])
            else { return nil }
            return EventSequence(block: block, index: index)
        }
    }

    /// An outcome with a row of its own.
    package struct ExceptionalRow: Sendable {
        package let outcome: Outcome
        package let status: Int
        package let reason: String
        package let attempts: Int
    }

    /// The outcomes with rows of their own of one block's events at a destination, by index.
    package func exceptions(
        of destination: String, block: Int64
    ) throws(LogError) -> [Int: ExceptionalRow] {
        try read { database in
            let statement = try database.cachedStatement(
                sql: """
                    SELECT event_index, outcome, status, reason, attempts FROM exceptional_outcome
                    WHERE destination = ? AND block = ?
                    """)
            var found: [Int: ExceptionalRow] = [:]
            let rows = try Row.fetchCursor(statement, arguments: [destination, block])
            while let row = try rows.next() {
                guard let index = Int.fromDatabaseValue(row[0]),
                    let outcome = String.fromDatabaseValue(row[1]).flatMap(Outcome.init(rawValue:))
                else { continue }
                found[index] = ExceptionalRow(
                    outcome: outcome, status: Int.fromDatabaseValue(row[2]) ?? 0,
                    reason: String.fromDatabaseValue(row[3]) ?? "", attempts: Int.fromDatabaseValue(row[4]) ?? 0)
            }
            return found
        }
    }
}
