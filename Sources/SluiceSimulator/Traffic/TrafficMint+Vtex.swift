import SluiceCore

// Requests as VTEX's storefront and backends make them.

extension TrafficMint {
    /// An ad's event goes back to VTEX alone. A conversion is due everywhere; impact.com wants a click,
    /// a customer or a promotion to attribute it to, and a user is none of them.
    private static let adFates = TrafficFates(vtex: .delivered)
    private static let conversionFates = TrafficFates(
        topsort: .delivered, gowit: .delivered, vtex: .delivered, kevel: .delivered, impact: .refused)

    mutating func vtex(_ accounts: TrafficAccounts, now: Int64) -> TrafficRequest {
        chance(0.75) ? vtexAd(accounts, now: now) : vtexConversion(accounts, now: now)
    }

    /// The signed URL of an ad, with escapes that must survive as they are.
    mutating func vtexTarget(_ accounts: TrafficAccounts, kind: String, id: TraceID, now: Int64) -> String {
        let product = PlainEscape.component(searchWord())
        return VtexStandIn.target(
            kind: kind, ad: "\(id)", publisher: accounts.vtexPublisher,
            query:
                "campaign_id=\(random.next(below: 90))&requested_at=\(now)&term=\(product)&x=%7e~%2f&empty=")
    }

    private mutating func vtexAd(_ accounts: TrafficAccounts, now: Int64) -> TrafficRequest {
        let id = TraceID(using: &random)
        let type: EventType = pick([.impression, .impression, .viewableImpression, .click])
        let target = vtexTarget(accounts, kind: VtexStandIn.kind(of: type) ?? "", id: id, now: now)
        let session = TrafficEvent.session(of: id)
        let user = user()
        // The storefront's sendBeacon, a backend's JSON, and a beacon of a JSON string.
        let (body, contentType) = pick([
            ("session_id=\(session)&user_id=\(user)", "application/x-www-form-urlencoded;charset=UTF-8"),
            ("{\"session_id\":\"\(session)\",\"user_id\":\"\(user)\"}", "application/json"),
            ("{\"session_id\":\"\(session)\"}", "text/plain;charset=UTF-8"),
        ])
        return request(
            "POST", "/vtex" + target,
            headers: [("Content-Type", contentType), ("Origin", "https://shop.example")], body: body,
            events: [TrafficEvent(id: id, type: type, form: .vtex, fates: Self.adFates)], form: .vtex)
    }

    private mutating func vtexConversion(_ accounts: TrafficAccounts, now: Int64) -> TrafficRequest {
        let id = TraceID(using: &random)
        let count = 1 + random.next(below: 3)
        // Half of them as the documentation has them, half as real emitters write them.
        let isDocumented = chance(0.5)
        var items: [String] = []
        for item in 0..<count {
            let product = TrafficEvent.product(of: id, item: item)
            let price = price()
            let names =
                isDocumented
                ? "\"sku\":\"\(product)\",\"product_id\":\"\(product)\",\"promotional_price\":\(price)"
                : "\"product_sku\":\"\(product)\""
            items.append(
                """
                {\(names),"quantity":\(1 + random.next(below: 3)),"price":\(price),\
                "seller_id":"v-\(random.next(below: 200))"}
                """)
        }
        let body = """
            {"publisher_id":"\(accounts.vtexPublisher)","user_id":"\(user())",\
            "session_id":"\(TrafficEvent.session(of: id))","order_id":"\(id)","created_at":"\(time(now))",\
            "channel":"\(pick(["ecommerce", "app"]))","email_hashed":"\(Self.digest(id))","is_company":false,\
            "gender":\(pick(["\"F\"", "\"M\"", "null"])),"items":[\(items.joined(separator: ","))]}
            """
        return request(
            "POST", "/vtex/v1/beacon/conversion", headers: [("Content-Type", "application/json")], body: body,
            events: [
                TrafficEvent(id: id, type: .purchase, form: .vtex, items: count, fates: Self.conversionFates)
            ], form: .vtex)
    }

    /// 64 hex digits in place of a digest.
    static func digest(_ id: TraceID) -> String {
        let digits = "\(id)".filter { $0 != "-" }
        return digits + digits
    }

    mutating func vtexRefused(_ accounts: TrafficAccounts, now: Int64) -> TrafficRequest {
        let ad = vtexTarget(accounts, kind: "click", id: TraceID(using: &random), now: now)
        let (path, body) = pick([
            (ad, "{}"), (ad, "{\"user_id\":7}"), ("/v1/beacon/conversion", "{}"),
            (
                "/v1/beacon/conversion",
                "{\"publisher_id\":\"\(accounts.vtexPublisher)\",\"order_id\":\"o\",\"items\":[{\"price\":\"1\"}]}"
            ),
        ])
        return request(
            "POST", "/vtex" + path, headers: [("Content-Type", "application/json")], body: body, events: [],
            form: .vtex, expectation: .refused(statuses: [422]))
    }
}
