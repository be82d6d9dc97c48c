import Foundation

/// The body of `POST /topsort/v2/events`, as far as the comparison sends it.
struct TopsortEvents: Decodable {
    struct Placement: Codable {
        var path: String
        var position: Int?
        var page: Int?
        var pageSize: Int?
    }

    struct Event: Codable {
        var id: String
        var occurredAt: Date
        var opaqueUserId: String
        var resolvedBidId: String?
        var placement: Placement?
        var deviceType: String?
        var channel: String?
    }

    var impressions: [Event]?
    var clicks: [Event]?
}
