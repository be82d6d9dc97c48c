import Foundation
import SluiceCore

/// One platform's request as its clients send it, and the same event as JSON for parsers that know only that.
///
/// Bodies are templates, filled in `variants` ways, so that no branch predictor learns one by heart:
/// `@I` stands for twelve hexadecimal digits, `@N` for a number of one to four digits; members between `@(` and
/// `@)`, told apart by `@,`, stand in another order each time.
struct CoreRequest {
    /// How many different bodies are sent in turn.
    static let variants = 64

    let name: String
    let platform: Platform
    /// Behind the platform's prefix.
    let path: StaticString
    let query: StaticString
    let contentType: StaticString
    private let template: String
    /// Nil where the body is JSON already.
    private let jsonTemplate: String?

    private init(
        _ name: String, _ platform: Platform, _ path: StaticString, query: StaticString = "",
        contentType: StaticString = "application/json", _ template: String, json: String? = nil
    ) {
        self.name = name
        self.platform = platform
        self.path = path
        self.query = query
        self.contentType = contentType
        self.template = template
        jsonTemplate = json
    }

    /// What Sluice is sent.
    var bodies: [String] { CoreRequest.fill(template) }
    /// What the other parsers are given: the same bytes, or the same event as JSON.
    var jsonBodies: [String] { CoreRequest.fill(jsonTemplate ?? template) }
    var isJSON: Bool { jsonTemplate == nil }

    private static func fill(_ template: String) -> [String] {
        var random = SplitMix64(seed: 2026)
        return (0..<variants).map { _ in
            var text = ""
            let ordered = shuffleMembers(template, &random)
            var rest = ordered[...]
            while let at = rest.firstIndex(of: "@") {
                text += rest[..<at]
                let kind = rest[rest.index(after: at)]
                if kind == "I" {
                    let digits = String(random.next() >> 16, radix: 16)
                    text += String(repeating: "0", count: 12 - digits.count) + digits
                } else {
                    text += String(1 + random.next() % (10 << (random.next() % 10)))
                }
                rest = rest[rest.index(at, offsetBy: 2)...]
            }
            return text + rest
        }
    }

    /// The members between `@(` and `@)`, where there are any, in an order that chance decides.
    private static func shuffleMembers(_ template: String, _ random: inout SplitMix64) -> String {
        guard let open = template.range(of: "@("), let close = template.range(of: "@)") else { return template }
        var members = template[open.upperBound..<close.lowerBound].split(separator: "@,")
        for place in members.indices.dropFirst().reversed() {
            members.swapAt(place, Int(random.next() % UInt64(place + 1)))
        }
        return template[..<open.lowerBound] + members.joined(separator: ",") + template[close.upperBound...]
    }

    static func named(_ name: String) -> CoreRequest? { all.first { $0.name == name } }

    private static let form: StaticString = "application/x-www-form-urlencoded"
    private static let hash = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"

    /// The first one is the impression of `Benchmarks/impression.lua`.
    static let all = [
        CoreRequest(
            "topsort_impression", .topsort, "/v2/events",
            """
            {"impressions":[{"id":"3f2b8a1e-8a6e-4a2f-9b3c-@I","occurredAt":"2026-01-02T10:00:00.123Z",\
            "opaqueUserId":"71303ce0-de89-496d-8270-@I",\
            "resolvedBidId":"WyJiX01mazE1IiwiMTJhNTU4MjgtOGVhZC00Mjk5LTgzMjctY2ViYjAwMmVmZTVlIiwibGlzdGluZ3Mi",\
            "placement":{"path":"/categories/shoes","position":@N,"page":1,"pageSize":24},\
            "deviceType":"mobile","channel":"onsite"}],"clicks":[],"purchases":[]}
            """),
        // A sender whose maps have no order.
        CoreRequest(
            "topsort_impression_shuffled", .topsort, "/v2/events",
            """
            {"impressions":[{@("id":"3f2b8a1e-8a6e-4a2f-9b3c-@I"@,"occurredAt":"2026-01-02T10:00:00.123Z"@,\
            "opaqueUserId":"71303ce0-de89-496d-8270-@I"@,\
            "resolvedBidId":"WyJiX01mazE1IiwiMTJhNTU4MjgtOGVhZC00Mjk5LTgzMjctY2ViYjAwMmVmZTVlIiwibGlzdGluZ3Mi"@,\
            "placement":{"path":"/categories/shoes","position":@N,"page":1,"pageSize":24}@,\
            "deviceType":"mobile"@,"channel":"onsite"@)}],"clicks":[],"purchases":[]}
            """),
        CoreRequest(
            "topsort_purchase", .topsort, "/v2/events",
            """
            {"impressions":[],"clicks":[],"purchases":[{"id":"order-@I","occurredAt":"2026-01-02T10:00:00Z",\
            "opaqueUserId":"71303ce0-de89-496d-8270-@I","items":[\
            {"productId":"p-@N","unitPrice":@N.50,"quantity":@N,"vendorId":"v-@N"},\
            {"productId":"p-@N","unitPrice":@N.99,"quantity":1,"vendorId":"v-@N"}]}]}
            """),
        CoreRequest(
            "native_click", .native, "/events",
            """
            {"type":"click","id":"01989f4e-7c1a-7abc-8def-@I","occurred_at":"2026-01-02T10:00:00.123Z",\
            "network":"topsort","session_id":"s-@I","user":{"id":"u-@N"},"ad":{"id":"bid-@I",\
            "placement_id":"home"},"placement":{"path":"/category/@N","position":@N},\
            "context":{"page_url":"https://shop.example/p/@N?sort=price"}}
            """),
        CoreRequest(
            "native_purchase", .native, "/events",
            """
            {"type":"purchase","id":"order-@I","occurred_at":"2026-01-02T10:00:00Z","session_id":"s-@I",\
            "user":{"id":"u-@N","customer_id":"c-@N","email_sha256":"\(hash)"},"order":{"id":"o-@I",\
            "currency":"EUR","channel":"ecommerce","promo_code":"SAVE","items":[\
            {"product_id":"p-@N","sku":"sku-@N","seller_id":"v-@N","quantity":@N,"unit_price":@N.50,\
            "list_price":@N},{"product_id":"p-@N","quantity":1,"unit_price":@N.99}]}}
            """),
        CoreRequest(
            "gowit_click", .gowit, "/events",
            """
            {"event_type":"click","session_id":"s-@I","marketplace_id":"m-1","ad_id":"YWQtMTIz@I=",\
            "placement_id":"pl-@N","customer_id":"c-@N","location_id":"l-@N","request_id":"r-@I",\
            "time":"2026-01-02T10:00:00Z"}
            """),
        CoreRequest(
            "vtex_conversion", .vtex, "/v1/beacon/conversion",
            """
            {"publisher_id":"pub-1","user_id":"u-@I","session_id":"s-@I","order_id":"o-@I",\
            "created_at":"2026-01-02T10:00:00Z","channel":"ecommerce","email_hashed":"\(hash)",\
            "items":[{"sku":"sku-@N","quantity":@N,"price":@N.50,"promotional_price":9.90,\
            "seller_id":"v-@N","product_id":"p-@N"},{"sku":"sku-@N","quantity":1,"price":@N.99}]}
            """),
        CoreRequest(
            "kevel_purchase", .kevel, "/c/123/purchase", contentType: form,
            "userKey=u-@I&productId=p-@N&timestamp=1767348000123&quantity=@N&price=@N.50&transactionId=o-@I&merchantId=v-@N",
            json: """
                {"userKey":"u-@I","productId":"p-@N","timestamp":1767348000123,"quantity":@N,"price":@N.50,\
                "transactionId":"o-@I","merchantId":"v-@N"}
                """),
        CoreRequest(
            "impact_conversion", .impact, "/Advertisers/IRsid1/Conversions", contentType: form,
            """
            CampaignId=1000&EventTypeId=9876&EventDate=2026-01-02T10%3A00%3A00Z&OrderId=o-@I&ClickId=ck-@I&\
            CustomerId=c-@N&CurrencyCode=EUR&OrderPromoCode=SAVE&ItemSku1=sku-@N&ItemQuantity1=@N&\
            ItemSubTotal1=@N.00&ItemSku2=sku-@N&ItemQuantity2=1&ItemSubTotal2=9.90
            """,
            json: """
                {"CampaignId":1000,"EventTypeId":9876,"EventDate":"2026-01-02T10:00:00Z","OrderId":"o-@I",\
                "ClickId":"ck-@I","CustomerId":"c-@N","CurrencyCode":"EUR","OrderPromoCode":"SAVE",\
                "ItemSku1":"sku-@N","ItemQuantity1":@N,"ItemSubTotal1":@N.00,"ItemSku2":"sku-@N",\
                "ItemQuantity2":1,"ItemSubTotal2":9.90}
                """),
    ]
}
