import GRDB
import SluiceCore
import Synchronization

/// A request the edge refused, wholly or in part, as it is kept for people: never its body, its query or a
/// header.
package struct RefusedRow: Sendable, Equatable {
    /// Milliseconds since 1970.
    package var atMilliseconds: Int64
    package var platform: String
    /// Nil where it is not known who sent it.
    package var source: String?
    /// Without the query.
    package var path: String
    /// What it was answered with; a request of which some events were taken has a 2xx.
    package var status: Int
    package var accepted: Int
    package var rejected: Int
    /// What the sender was told: field names and rules, no values.
    package var reason: String
    /// Refused requests before this one that were counted and not kept.
    package var suppressed: Int

    package init(
        atMilliseconds: Int64, platform: String, source: String?, path: String, status: Int, accepted: Int,
        rejected: Int, reason: String, suppressed: Int
    ) {
        self.atMilliseconds = atMilliseconds
        self.platform = platform
        self.source = source
        self.path = path
        self.status = status
        self.accepted = accepted
        self.rejected = rejected
        self.reason = reason
        self.suppressed = suppressed
    }

    static let create = """
        CREATE TABLE refused_request (
            id INTEGER PRIMARY KEY,
            at INTEGER NOT NULL,
            platform TEXT NOT NULL,
            source TEXT,
            path TEXT NOT NULL,
            status INTEGER NOT NULL,
            accepted INTEGER NOT NULL,
            rejected INTEGER NOT NULL,
            reason TEXT NOT NULL,
            suppressed INTEGER NOT NULL
        );
        """

    private static let columns = "at, platform, source, path, status, accepted, rejected, reason, suppressed"

    func insert(into database: Database) throws {
        let statement = try database.cachedStatement(
            sql: "INSERT INTO refused_request (\(RefusedRow.columns)) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")
        try statement.execute(arguments: [
            atMilliseconds, platform, source, path, status, accepted, rejected, reason, suppressed,
        ])
    }

    /// The newest `count`, oldest first; none where the file was made by a version that kept none.
    static func newest(_ count: Int, in database: Database) throws -> [RefusedRow] {
        guard try database.tableExists("refused_request") else { return [] }
        let rows = try Row.fetchAll(
            database, sql: "SELECT \(columns) FROM refused_request ORDER BY id DESC LIMIT ?",
            arguments: [count])
        return rows.reversed().map { row in
            func number(_ index: Int) -> Int64 { Int64.fromDatabaseValue(row[index]) ?? 0 }
            func text(_ index: Int) -> String { String.fromDatabaseValue(row[index]) ?? "" }
            return RefusedRow(
                atMilliseconds: number(0), platform: text(1), source: String.fromDatabaseValue(row[2]),
                path: text(3), status: Int(number(4)), accepted: Int(number(5)), rejected: Int(number(6)),
                reason: text(7), suppressed: Int(number(8)))
        }
    }
}

/// The refused requests in the state file, written over the delivery thread's own connection: several
/// connections that checkpoint can corrupt a WAL, and two that write wait for each other. Each call holds
/// the connection for one small transaction.
///
/// Owner: one thread beside the delivery thread, and not beyond the `DeliveryState` it was made from.
package final class RefusalStore: @unchecked Sendable {
    // @unchecked: a DatabaseQueue is serialized, and which one it is is behind the mutex.
    private let held: Mutex<DatabaseQueue>

    init(_ queue: DatabaseQueue) { held = Mutex(queue) }

    private var queue: DatabaseQueue { held.withLock { $0 } }

    /// The state file was replaced by another one.
    func follow(_ queue: DatabaseQueue) { held.withLock { $0 = queue } }

    /// Adds rows, and forgets all but the newest `keep`.
    package func add(_ rows: [RefusedRow], keep: Int) throws(LogError) {
        try aboutFile(queue.path) {
            try queue.inDatabase { database in
                try database.inTransaction(.immediate) {
                    for row in rows { try row.insert(into: database) }
                    try database.execute(
                        sql: "DELETE FROM refused_request WHERE id <= (SELECT max(id) FROM refused_request) - ?",
                        arguments: [keep])
                    return .commit
                }
            }
        }
    }

    /// Forgets what is older than `milliseconds` since 1970.
    package func forget(before milliseconds: Int64) throws(LogError) {
        try aboutFile(queue.path) {
            try queue.inDatabase { database in
                // Rows stand in the order of their times: the scan ends at the first that stays.
                try database.execute(
                    sql: """
                        DELETE FROM refused_request WHERE id < coalesce(
                            (SELECT id FROM refused_request WHERE at >= ? ORDER BY id LIMIT 1), 9223372036854775807)
                        """, arguments: [milliseconds])
            }
        }
    }

    /// The newest `count`, oldest first.
    package func newest(_ count: Int) throws(LogError) -> [RefusedRow] {
        try aboutFile(queue.path) { try queue.inDatabase { try RefusedRow.newest(count, in: $0) } }
    }
}

extension EventLog {
    /// Keeps refused requests in the state file that `state` has open.
    ///
    /// - Parameter state: from `makeDeliveryState`.
    package func makeRefusalStore(_ state: any DeliveryState) -> RefusalStore {
        guard let store = state as? StateStore else { preconditionFailure("a state of another log") }
        return store.makeRefusalStore()
    }
}
