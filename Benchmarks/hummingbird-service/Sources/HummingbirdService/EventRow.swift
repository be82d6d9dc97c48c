import Foundation
import GRDB

/// One event in the database; the placement is stored as JSON, as GRDB does with nested records.
struct EventRow: Codable, PersistableRecord {
    static let databaseTableName = "event"

    var type: String
    var id: String
    var occurredAt: Date
    var receivedAt: Date
    var opaqueUserId: String
    var resolvedBidId: String?
    var placement: TopsortEvents.Placement?
    var deviceType: String?
    var channel: String?

    init(_ event: TopsortEvents.Event, type: String, receivedAt: Date) {
        self.type = type
        id = event.id
        occurredAt = event.occurredAt
        self.receivedAt = receivedAt
        opaqueUserId = event.opaqueUserId
        resolvedBidId = event.resolvedBidId
        placement = event.placement
        deviceType = event.deviceType
        channel = event.channel
    }

    /// An event that was stored before is not stored again.
    static let persistenceConflictPolicy = PersistenceConflictPolicy(insert: .ignore)

    static func createTable(in database: Database) throws {
        try database.create(table: databaseTableName) { table in
            table.column("type", .text).notNull()
            table.column("id", .text).notNull()
            table.column("occurredAt", .datetime).notNull()
            table.column("receivedAt", .datetime).notNull()
            table.column("opaqueUserId", .text).notNull()
            table.column("resolvedBidId", .text)
            table.column("placement", .jsonText)
            table.column("deviceType", .text)
            table.column("channel", .text)
            table.primaryKey(["type", "id"])
        }
    }
}
