import GRDB
import SluiceCore

// What the state file says of the log's blocks, and how it forgets those that are gone.
extension StateStore {
    static func quarantined(_ database: Database) throws -> [QuarantinedBlocks] {
        let rows = try Row.fetchAll(
            database,
            sql: """
                SELECT block, last_block, events, reason, segment, found_at FROM quarantine
                ORDER BY block DESC LIMIT \(Quarantine.blocksMax)
                """)
        return rows.compactMap { row in
            guard let first = Int64.fromDatabaseValue(row[0]), let last = Int64.fromDatabaseValue(row[1]),
                let events = Int.fromDatabaseValue(row[2]), events >= 0, first <= last
            else { return nil }
            return QuarantinedBlocks(
                firstBlock: first, lastBlock: last, events: events,
                reason: String.fromDatabaseValue(row[3]) ?? "", segment: String.fromDatabaseValue(row[4]) ?? "",
                foundMilliseconds: Int64.fromDatabaseValue(row[5]) ?? 0)
        }
    }

    static func insert(_ damage: [QuarantinedBlocks], into database: Database) throws {
        guard !damage.isEmpty else { return }
        let statement = try database.cachedStatement(
            sql: "INSERT OR REPLACE INTO quarantine VALUES (?, ?, ?, ?, ?, ?)")
        for blocks in damage {
            try statement.execute(arguments: [
                blocks.firstBlock, blocks.lastBlock, blocks.events, blocks.reason, blocks.segment,
                blocks.foundMilliseconds,
            ])
        }
    }

    /// Damage is forgotten with the segments it was in. What was lost as a whole is remembered until those
    /// behind it go: that the log begins later does not say that somebody wanted it to.
    static func forgetQuarantine(before block: Int64, _ database: Database) throws {
        try database.execute(sql: "DELETE FROM quarantine WHERE last_block < ?", arguments: [block])
    }

    /// Removes at most `limit` rows about blocks before `oldest`. True when there may be more.
    static func prune(before oldest: Int64, limit: Int, in database: Database) throws -> Bool {
        var left = limit
        // Each step finds the next destination in the index; there are few of them and many rows.
        let next = try database.cachedStatement(
            sql: """
                SELECT min(destination) FROM (
                    SELECT min(destination) AS destination FROM exceptional_outcome WHERE destination > ?1
                    UNION ALL SELECT min(destination) FROM block_outcome WHERE destination > ?1)
                """)
        let delete = try database.cachedStatement(
            sql: """
                DELETE FROM exceptional_outcome WHERE (destination, block, event_index) IN (
                    SELECT destination, block, event_index FROM exceptional_outcome
                    WHERE destination = ? AND block < ? LIMIT ?)
                """)
        var destination = ""
        while left > 0, let name = try String.fetchOne(next, arguments: [destination]) {
            try delete.execute(arguments: [name, oldest, left])
            left -= database.changesCount
            left -= try BlockOutcomeTable.prune(name, below: oldest, max(0, left), database)
            destination = name
        }
        return left <= 0
    }
}
