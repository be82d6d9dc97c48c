import GRDB
import SluiceCore
import Synchronization

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
/// single statement or one transaction, so that its figures belong together. Safe from any thread; they wait
/// for each other.
package final class StateReader: Sendable {
    let path: String
    private let opened: Mutex<Opened>

    private struct Opened: Sendable {
        var queue: DatabaseQueue
        var identity: FileIdentity?
    }

    /// Of a data folder, whoever owns it. - Throws: `missing` where no gateway has run yet.
    package convenience init(folder: String) throws(LogError) { try self.init(path: DataFolder(folder).state) }

    init(path: String) throws(LogError) {
        self.path = path
        opened = Mutex(try StateReader.open(path))
    }

    private static func open(_ path: String) throws(LogError) -> Opened {
        guard let identity = FileCalls.identity(path) else { throw .missing(path: path) }
        let queue = try aboutFile(path) {
            var settings = Configuration()
            settings.readonly = true
            settings.label = "sluice.state.reader"
            settings.busyMode = .timeout(2)
            settings.prepareDatabase { database in
                try database.execute(sql: "PRAGMA query_only = 1; PRAGMA wal_autocheckpoint = 0")
            }
            // Where nothing can be written and no WAL is, nobody writes: see `SegmentConnection.anywhere`.
            let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
            let isStill = !FileCalls.isWritable(folder) && !FileCalls.exists(path + "-wal")
            return try DatabaseQueue(
                path: isStill ? SegmentConnection.immutableName(path) : path, configuration: settings)
        }
        return Opened(queue: queue, identity: identity)
    }

    /// A damaged file is replaced by another one while the gateway runs.
    var queue: DatabaseQueue {
        get throws(LogError) {
            try opened.withLock { (opened) throws(LogError) -> DatabaseQueue in
                if opened.identity != FileCalls.identity(path) { opened = try StateReader.open(path) }
                return opened.queue
            }
        }
    }

    /// The destinations that have a cursor, by name.
    package func destinations() throws(LogError) -> [String] {
        try aboutFile(path) {
            try queue.inDatabase { try String.fetchAll($0, sql: "SELECT destination FROM cursor ORDER BY 1") }
        }
    }

    func read<T>(_ body: (Database) throws -> T) throws(LogError) -> T {
        try aboutFile(path) { try queue.inDatabase(body) }
    }

    /// Every destination's standing in respect of the event, by its name.
    package func standings(at sequence: EventSequence) throws(LogError) -> [String: Standing] {
        try aboutFile(path) {
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
                    else { throw LogError.damaged(path: path, reason: "a cursor holds no figures") }
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
