import GRDB
import SluiceCore

/// The table `replay_job` of the state file. `docs/log-format.md` describes it for people.
enum ReplayTable {
    static let create = """
        CREATE TABLE replay_job (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            phase TEXT NOT NULL,
            failure TEXT NOT NULL,
            destination TEXT NOT NULL,
            received_from INTEGER NOT NULL,
            received_until INTEGER NOT NULL,
            types TEXT NOT NULL,
            sources TEXT NOT NULL,
            outcome TEXT,
            rate TEXT,
            segment TEXT,
            first_block INTEGER NOT NULL,
            end_block INTEGER NOT NULL,
            end_event_block INTEGER NOT NULL,
            end_event_index INTEGER NOT NULL,
            block INTEGER NOT NULL,
            event_index INTEGER NOT NULL,
            delivered INTEGER NOT NULL,
            rejected INTEGER NOT NULL,
            parked INTEGER NOT NULL,
            expired INTEGER NOT NULL,
            skipped INTEGER NOT NULL,
            unreadable INTEGER NOT NULL,
            total_events INTEGER NOT NULL,
            total_bytes INTEGER NOT NULL,
            bytes_sent INTEGER NOT NULL,
            requests INTEGER NOT NULL,
            last_error TEXT NOT NULL,
            created INTEGER NOT NULL,
            started INTEGER NOT NULL,
            finished INTEGER NOT NULL
        );
        """

    private static let columns = """
        id, phase, failure, destination, received_from, received_until, types, sources, outcome, rate, segment,
        first_block, end_block, end_event_block, end_event_index, block, event_index,
        delivered, rejected, parked, expired, skipped, unreadable, total_events, total_bytes,
        bytes_sent, requests, last_error, created, started, finished
        """

    /// All jobs, by their number.
    static func read(_ database: Database) throws -> [ReplayJob] {
        // Of a file that no gateway of this version has opened yet there is nothing to read.
        guard try database.tableExists("replay_job") else { return [] }
        return try Row.fetchAll(database, sql: "SELECT \(columns) FROM replay_job ORDER BY id").map { row in
            guard let job = job(row) else {
                throw LogError.damaged(path: database.description, reason: "a row of replay_job cannot be read")
            }
            return job
        }
    }

    private static func job(_ row: Row) -> ReplayJob? {
        func number(_ column: String) -> Int64? { Int64.fromDatabaseValue(row[column]) }
        func text(_ column: String) -> String? { String.fromDatabaseValue(row[column]) }
        guard let id = number("id"), let phase = text("phase").flatMap(ReplayPhase.init(rawValue:)),
            let destination = text("destination"), let from = number("received_from"),
            let until = number("received_until"), from <= until,
            let first = number("first_block"), let end = number("end_block"), first <= end,
            let endBlock = number("end_event_block"), let endIndex = number("end_event_index"),
            let block = number("block"), let index = number("event_index"), block >= first, index >= 0,
            let created = number("created")
        else { return nil }
        var spec = ReplaySpec(destination: destination, received: from..<until)
        spec.types = lines(text("types")).compactMap { name in Array(name.utf8).withBytes { EventType($0) } }
        spec.sources = lines(text("sources"))
        spec.outcome = text("outcome").flatMap(ReplayOutcome.init(rawValue:))
        spec.rate = text("rate").flatMap { ReplayRate($0) }
        spec.segment = text("segment")
        var job = ReplayJob(
            id: id, spec: spec, blocks: first..<end, end: EventSequence(block: endBlock, index: Int(endIndex)),
            total: ReplayTotal(events: number("total_events") ?? 0, bytes: number("total_bytes") ?? 0),
            createdMilliseconds: created)
        job.phase = phase
        job.failure = text("failure") ?? ""
        job.position = EventSequence(block: block, index: Int(index))
        job.counts.delivered = number("delivered") ?? 0
        job.counts.rejected = number("rejected") ?? 0
        job.counts.parked = number("parked") ?? 0
        job.counts.expired = number("expired") ?? 0
        job.counts.filtered = number("skipped") ?? 0
        job.unreadable = number("unreadable") ?? 0
        job.bytesSent = number("bytes_sent") ?? 0
        job.requests = number("requests") ?? 0
        job.lastError = text("last_error") ?? ""
        job.startedMilliseconds = number("started") ?? 0
        job.finishedMilliseconds = number("finished") ?? 0
        return job
    }

    /// Names hold no line feeds: the configuration refuses control characters.
    private static func lines(_ text: String?) -> [String] {
        (text ?? "").split(separator: "\n").map(String.init)
    }

    /// Stores a new job, says its number, and forgets the oldest of those that are over.
    static func insert(_ job: ReplayJob, into database: Database) throws -> Int64 {
        try execute(
            "INSERT INTO replay_job (\(columns)) VALUES (NULL" + String(repeating: ", ?", count: 30) + ")",
            Array(values(job).dropFirst()), database)
        let id = database.lastInsertedRowID
        try database.execute(
            sql: """
                DELETE FROM replay_job WHERE phase IN ('done', 'cancelled', 'failed') AND id NOT IN (
                    SELECT id FROM replay_job WHERE phase IN ('done', 'cancelled', 'failed')
                    ORDER BY id DESC LIMIT \(ReplayJob.finishedMax))
                """)
        return id
    }

    static func save(_ jobs: [ReplayJob], into database: Database) throws {
        for job in jobs {
            try execute(
                "INSERT OR REPLACE INTO replay_job (\(columns)) VALUES (?" + String(repeating: ", ?", count: 30)
                    + ")", values(job), database)
        }
    }

    private static func execute(
        _ sql: String, _ values: [(any DatabaseValueConvertible)?], _ database: Database
    ) throws {
        try database.cachedStatement(sql: sql).execute(arguments: StatementArguments(values))
    }

    private static func values(_ job: ReplayJob) -> [(any DatabaseValueConvertible)?] {
        [
            job.id, job.phase.rawValue, job.failure, job.spec.destination, job.spec.received.lowerBound,
            job.spec.received.upperBound, job.spec.types.map { "\($0.name)" }.joined(separator: "\n"),
            job.spec.sources.joined(separator: "\n"), job.spec.outcome?.rawValue, job.spec.rate?.description,
            job.spec.segment, job.blocks.lowerBound, job.blocks.upperBound, job.end.block, job.end.index,
            job.position.block, job.position.index, job.counts.delivered, job.counts.rejected, job.counts.parked,
            job.counts.expired, job.counts.filtered, job.unreadable, job.total.events, job.total.bytes,
            job.bytesSent, job.requests, job.lastError, job.createdMilliseconds, job.startedMilliseconds,
            job.finishedMilliseconds,
        ]
    }

    /// A row of `exceptional_outcome` in the order of its columns.
    static func exception(_ row: Row, path: String) throws -> ExceptionalOutcome {
        guard let destination = String.fromDatabaseValue(row[0]), let block = Int64.fromDatabaseValue(row[1]),
            let index = Int.fromDatabaseValue(row[2]), let id = String.fromDatabaseValue(row[3]),
            let outcome = String.fromDatabaseValue(row[4]).flatMap(Outcome.init(rawValue:))
        else { throw LogError.damaged(path: path, reason: "a row of exceptional_outcome cannot be read") }
        return ExceptionalOutcome(
            destination: destination, sequence: EventSequence(block: block, index: index), eventID: id,
            outcome: outcome, status: Int.fromDatabaseValue(row[5]) ?? 0,
            reason: String.fromDatabaseValue(row[6]) ?? "", attempts: Int.fromDatabaseValue(row[7]) ?? 0,
            firstAttemptMilliseconds: Int64.fromDatabaseValue(row[8]) ?? 0,
            lastAttemptMilliseconds: Int64.fromDatabaseValue(row[9]) ?? 0,
            url: String.fromDatabaseValue(row[10]) ?? "")
    }
}

extension StateStore: ReplayStore {
    func replayJobs() throws(DeliveryStateError) -> [ReplayJob] {
        try stating { try queue.inDatabase { try ReplayTable.read($0) } }
    }

    func createReplay(_ job: ReplayJob) throws(DeliveryStateError) -> Int64 {
        try stating {
            try queue.inDatabase { database in
                var id: Int64 = 0
                try database.inTransaction(.immediate) {
                    id = try ReplayTable.insert(job, into: database)
                    return .commit
                }
                return id
            }
        }
    }

    func exceptions(
        of destination: String, inBlock number: Int64
    ) throws(DeliveryStateError) -> [ExceptionalOutcome] {
        try stating {
            try queue.inDatabase { database in
                let statement = try database.cachedStatement(
                    sql: """
                        SELECT destination, block, event_index, event_id, outcome, status, reason, attempts,
                               first_attempt, last_attempt, url
                        FROM exceptional_outcome WHERE destination = ? AND block = ? ORDER BY event_index
                        """)
                return try Row.fetchAll(statement, arguments: [destination, number])
                    .map { try ReplayTable.exception($0, path: queue.path) }
            }
        }
    }

    func exceptionalBlock(
        of destination: String, atOrAfter number: Int64, outcomes: [Outcome]
    ) throws(DeliveryStateError) -> Int64? {
        try stating {
            try queue.inDatabase { database in
                let kinds = outcomes.map { "'\($0.rawValue)'" }.joined(separator: ", ")
                let statement = try database.cachedStatement(
                    sql: """
                        SELECT block FROM exceptional_outcome
                        WHERE destination = ? AND block >= ? AND outcome IN (\(kinds))
                        ORDER BY block, event_index LIMIT 1
                        """)
                return try Int64.fetchOne(statement, arguments: [destination, number])
            }
        }
    }
}
