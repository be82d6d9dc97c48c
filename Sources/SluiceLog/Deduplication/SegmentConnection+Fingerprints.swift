import GRDB
import SluiceCore

extension SegmentConnection {
    /// The numbers of its blocks, and when the last event of the last one was received (milliseconds since
    /// 1970); nil when there are none.
    func span() throws(LogError) -> (numbers: Range<Int64>, lastReceived: Int64)? {
        try aboutFile(path) {
            try queue.inDatabase { database in
                guard
                    let row = try Row.fetchOne(
                        database,
                        sql: """
                            SELECT (SELECT min(number) FROM block), number, last_received FROM block
                            ORDER BY number DESC LIMIT 1
                            """)
                else { return nil }
                guard let first = Int64.fromDatabaseValue(row[0]), let last = Int64.fromDatabaseValue(row[1]),
                    let received = Int64.fromDatabaseValue(row[2]), first <= last, last < Int64.max
                else { throw LogError.damaged(path: path, reason: "a block's row holds no numbers") }
                return (first..<last + 1, received)
            }
        }
    }

    /// Calls `body` with number, first receive time and fingerprints of each block in `numbers` that holds
    /// events received at or after `cutoff`, the newest first, until it answers false. The bytes end with the call.
    func fingerprints(
        _ numbers: Range<Int64>, receivedFrom cutoff: Int64, _ body: (Int64, Int64, Bytes) throws -> Bool
    ) throws(LogError) {
        try aboutFile(path) {
            try queue.inDatabase { database in
                let statement = try database.cachedStatement(
                    sql: """
                        SELECT number, first_received, fingerprints FROM block
                        WHERE number >= ? AND number < ? AND last_received >= ? ORDER BY number DESC
                        """)
                let rows = try Row.fetchCursor(
                    statement, arguments: [numbers.lowerBound, numbers.upperBound, cutoff])
                while let row = try rows.next() {
                    guard let number = Int64.fromDatabaseValue(row[0]),
                        let received = Int64.fromDatabaseValue(row[1])
                    else { continue }
                    let goesOn = try row.withUnsafeData(atIndex: 2) { data in
                        guard let data else { return true }
                        return try unsafe data.withUnsafeBytes { raw in
                            // Safety: the view ends with the closure, before SQLite goes to the next row.
                            let bytes = unsafe Bytes(raw.bindMemory(to: UInt8.self))
                            return try body(number, received, bytes)
                        }
                    }
                    if !goesOn { return }
                }
            }
        }
    }
}
