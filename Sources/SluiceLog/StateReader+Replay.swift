import GRDB
import SluiceCore

extension StateReader {
    /// A destination's exceptional outcomes from `place` on, at most `limit` of them, in the order of the
    /// log. One statement each time, so that the file's write-ahead log can be checkpointed in between.
    package func priors(
        of destination: String, from place: EventSequence, limit: Int
    ) throws(LogError) -> [PriorOutcome] {
        try aboutFile(path) {
            try queue.inDatabase { database in
                let statement = try database.cachedStatement(
                    sql: """
                        SELECT block, event_index, event_id, outcome FROM exceptional_outcome
                        WHERE destination = ? AND (block, event_index) >= (?, ?)
                        ORDER BY block, event_index LIMIT ?
                        """)
                let rows = try Row.fetchCursor(
                    statement, arguments: [destination, place.block, place.index, limit])
                var priors: [PriorOutcome] = []
                while let row = try rows.next() {
                    guard let block = Int64.fromDatabaseValue(row[0]), let index = Int.fromDatabaseValue(row[1]),
                        let id = String.fromDatabaseValue(row[2]),
                        let outcome = String.fromDatabaseValue(row[3]).flatMap(Outcome.init(rawValue:))
                    else {
                        throw LogError.damaged(
                            path: path, reason: "a row of exceptional_outcome cannot be read")
                    }
                    priors.append(
                        PriorOutcome(
                            sequence: EventSequence(block: block, index: index), eventID: id, outcome: outcome))
                }
                return priors
            }
        }
    }

    /// Where a destination stands as of the last save; nil while it has no cursor.
    package func place(
        of destination: String
    ) throws(LogError) -> (position: EventSequence, startEvent: Int64)? {
        try aboutFile(path) {
            try queue.inDatabase { database in
                let row = try Row.fetchOne(
                    database, sql: "SELECT block, event_index, start_event FROM cursor WHERE destination = ?",
                    arguments: [destination])
                guard let row else { return nil }
                guard let block = Int64.fromDatabaseValue(row[0]), let index = Int.fromDatabaseValue(row[1]),
                    let start = Int64.fromDatabaseValue(row[2])
                else { throw LogError.damaged(path: path, reason: "a cursor holds no figures") }
                return (EventSequence(block: block, index: index), start)
            }
        }
    }

    /// The run of outcomes that covers an event at a destination, if it is on record.
    package func run(of destination: String, at sequence: EventSequence) throws(LogError) -> BlockOutcome? {
        try aboutFile(path) {
            try queue.inDatabase { try BlockOutcomeTable.find(destination, sequence, $0) }
        }
    }

    /// All replays, by their number, as of the last save.
    package func replayJobs() throws(LogError) -> [ReplayJob] {
        try aboutFile(path) { try queue.inDatabase { try ReplayTable.read($0) } }
    }
}

extension DataFolder {
    /// Reads the state file beside whoever writes it, or without anybody.
    package func makeStateReader() throws(LogError) -> StateReader { try StateReader(path: state) }
}
