// swift-format-ignore-file: AlwaysUseLowerCamelCase
// Members are named as they stand on the wire: coding keys would only make the structs longer.
import Foundation

/// The same events through Foundation's `JSONDecoder`, into structs as one would write them, with times as
/// text and nothing checked beyond types: less than a gateway needs.
final class JSONDecoderPass {
    private let decoder = JSONDecoder()
    private let bodies: [Data]
    private let request: CoreRequest

    init(_ request: CoreRequest) {
        self.request = request
        bodies = request.jsonBodies.map { Data($0.utf8) }
    }

    /// Decodes so many requests. Throws when one is not what the struct says.
    func run(events: Int) throws {
        switch request.name {
        case "topsort_impression", "topsort_impression_shuffled", "topsort_purchase": try run(TopsortBody.self, events)
        case "native_click", "native_purchase": try run(NativeBody.self, events)
        case "gowit_click": try run(GowitBody.self, events)
        case "vtex_conversion": try run(VtexBody.self, events)
        case "kevel_purchase": try run(KevelBody.self, events)
        case "impact_conversion": try run(ImpactBody.self, events)
        default: preconditionFailure("no struct for \(request.name)")
        }
    }

    private func run<Body: Decodable>(_ type: Body.Type, _ events: Int) throws {
        for number in 0..<events { keep(try decoder.decode(type, from: bodies[number % bodies.count])) }
    }

    /// Keeps the optimizer from leaving out what nobody reads.
    @inline(never)
    private func keep<Body>(_ body: Body) {}
}

private struct TopsortBody: Codable {
    struct Placement: Codable {
        var path: String
        var position: Int?
        var page: Int?
        var pageSize: Int?
    }
    struct Event: Codable {
        var id: String
        var occurredAt: String
        var opaqueUserId: String
        var resolvedBidId: String?
        var placement: Placement?
        var deviceType: String?
        var channel: String?
    }
    struct Item: Codable {
        var productId: String
        var unitPrice: Double
        var quantity: Int?
        var vendorId: String?
    }
    struct Purchase: Codable {
        var id: String
        var occurredAt: String
        var opaqueUserId: String
        var items: [Item]
    }
    var impressions: [Event]?
    var clicks: [Event]?
    var purchases: [Purchase]?
}

private struct NativeBody: Codable {
    struct User: Codable {
        var id: String?
        var customer_id: String?
        var email_sha256: String?
    }
    struct Ad: Codable {
        var id: String?
        var placement_id: String?
    }
    struct Placement: Codable {
        var path: String?
        var position: Int?
    }
    struct Context: Codable { var page_url: String? }
    struct Item: Codable {
        var product_id: String
        var sku: String?
        var seller_id: String?
        var quantity: Int
        var unit_price: Double
        var list_price: Double?
    }
    struct Order: Codable {
        var id: String
        var currency: String?
        var channel: String?
        var promo_code: String?
        var items: [Item]
    }
    var type: String
    var id: String?
    var occurred_at: String?
    var network: String?
    var session_id: String?
    var user: User?
    var ad: Ad?
    var placement: Placement?
    var context: Context?
    var order: Order?
}

private struct GowitBody: Codable {
    var event_type: String
    var session_id: String
    var marketplace_id: String
    var ad_id: String?
    var placement_id: String?
    var customer_id: String?
    var location_id: String?
    var request_id: String?
    var time: String?
}

private struct VtexBody: Codable {
    struct Item: Codable {
        var sku: String
        var quantity: Double
        var price: Double
        var promotional_price: Double?
        var seller_id: String?
        var product_id: String?
    }
    var publisher_id: String
    var user_id: String
    var session_id: String
    var order_id: String
    var created_at: String
    var channel: String
    var email_hashed: String
    var items: [Item]
}

private struct KevelBody: Codable {
    var userKey: String
    var productId: String
    var timestamp: Int
    var quantity: Int
    var price: Double
    var transactionId: String?
    var merchantId: String?
}

private struct ImpactBody: Codable {
    var CampaignId: Int
    var EventTypeId: Int
    var EventDate: String
    var OrderId: String
    var ClickId: String?
    var CustomerId: String?
    var CurrencyCode: String?
    var OrderPromoCode: String?
    var ItemSku1: String?
    var ItemQuantity1: Int?
    var ItemSubTotal1: Double?
    var ItemSku2: String?
    var ItemQuantity2: Int?
    var ItemSubTotal2: Double?
}
