import GRDB
import SluiceCore

/// Where one destination stands in respect of one event.
package struct Standing: Sendable, Equatable {
    /// The first event that has no outcome yet, as of the last save.
    package let position: EventSequence
    /// How many events the log held before the first that was ever due.
    package let startEvent: Int64
    /// The event's outcome there, when it has a row of its own.
    package let exception: Exception?

    package struct Exception: Sendable, Equatable {
        package let outcome: Outcome
        package let reason: String
    }
}

/// Reads the state file beside the delivery thread that writes it.
///
/// The connection is opened with SQLITE_OPEN_READONLY, so that it can never checkpoint; each question is a
/// single statement, so that its figures belong together. Owner: one thread.
package final class StateReader {
    private let queue: DatabaseQueue

    init(path: String) throws(LogError) {
        guard FileCalls.exists(path) else { throw .missing(path: path) }
        queue = try aboutFile(path) {
            var settings = Configuration()
            settings.readonly = true
            settings.label = "sluice.state.reader"
            settings.busyMode = .timeout(2)
            settings.prepareDatabase { database in
                try database.execute(sql: "PRAGMA query_only = 1; PRAGMA wal_autocheckpoint = 0")
            }
            return try DatabaseQueue(path: path, configuration: settings)
        }
    }

    deinit { try? queue.close() }

    /// The destinations that have a cursor, by name.
    package func destinations() throws(LogError) -> [String] {
        try aboutFile(queue.path) {
            try queue.inDatabase { try String.fetchAll($0, sql: "SELECT destination FROM cursor ORDER BY 1") }
        }
    }

    /// Every destination's standing in respect of the event, by its name.
    package func standings(at sequence: EventSequence) throws(LogError) -> [String: Standing] {
        try aboutFile(queue.path) {
            try queue.inDatabase { database in
                let statement = try database.cachedStatement(
                    sql: """
                        SELECT c.destination, c.block, c.event_index, c.start_event, e.outcome, e.reason
                        FROM cursor c LEFT JOIN exceptional_outcome e
                          ON e.destination = c.destination AND e.block = ? AND e.event_index = ?
                        """)
                var standings: [String: Standing] = [:]
                let rows = try Row.fetchCursor(statement, arguments: [sequence.block, sequence.index])
                while let row = try rows.next() {
                    guard let destination = String.fromDatabaseValue(row[0]),
                        let block = Int64.fromDatabaseValue(row[1]), let index = Int.fromDatabaseValue(row[2]),
                        let start = Int64.fromDatabaseValue(row[3])
                    else { throw LogError.damaged(path: queue.path, reason: "a cursor holds no figures") }
                    let outcome = String.fromDatabaseValue(row[4]).flatMap(Outcome.init(rawValue:))
                    standings[destination] = Standing(
                        position: EventSequence(block: block, index: index), startEvent: start,
                        exception: outcome.map {
                            Standing.Exception(outcome: $0, reason: String.fromDatabaseValue(row[5]) ?? "")
                        })
                }
                return standings
            }
        }
    }
}
