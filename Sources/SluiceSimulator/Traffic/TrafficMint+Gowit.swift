import SluiceCore

// Requests as GoWit's clients make them: server events and both forms of the SDK.

extension TrafficMint {
    /// An ad's event goes back to GoWit alone. A sale is due everywhere. Topsort knows it by the
    /// request's id, Kevel by none; VTEX and impact.com want an order's id, which GoWit does not have.
    private static let adFates = TrafficFates(gowit: .delivered)
    private static let saleFates = TrafficFates(
        topsort: .delivered, gowit: .delivered, vtex: .refused, kevel: .delivered, impact: .refused)
    /// Sold in a shop: nobody but the customer is known, which is no user's id to Topsort.
    private static let offlineFates = TrafficFates(
        topsort: .refused, gowit: .delivered, vtex: .refused, kevel: .delivered, impact: .refused)

    mutating func gowit(_ accounts: TrafficAccounts, now: Int64) -> TrafficRequest {
        switch random.next(below: 100) {
        case ..<45: gowitAd(accounts, now: now)
        case ..<75: gowitPixel(accounts)
        case ..<85: gowitSale(accounts, now: now, path: "/gowit/events", form: .gowit)
        case ..<90: gowitOfflineSale(accounts, now: now)
        default: gowitSale(accounts, now: now, path: "/gowit/server/sdk/sale_events", form: .gowitSDK)
        }
    }

    private func gowitHeaders(_ accounts: TrafficAccounts) -> [(name: String, value: String)] {
        [
            ("Authorization", accounts.key), ("Data-Source-UUID", accounts.dataSource),
            ("Content-Type", "application/json"),
        ]
    }

    private mutating func gowitType() -> EventType {
        pick([.impression, .impression, .click, .viewableImpression])
    }

    /// One ad, or several that were shown at once.
    private mutating func gowitAd(_ accounts: TrafficAccounts, now: Int64) -> TrafficRequest {
        let id = TraceID(using: &random)
        let type = gowitType()
        let count = chance(0.2) ? 2 + random.next(below: 3) : 1
        let ids = (0..<count).map { id.sibling($0) }
        let ads =
            count == 1
            ? "\"ad_id\":\"\(id)\"" : "\"ad_ids\":[\(ids.map { "\"\($0)\"" }.joined(separator: ","))]"
        let body = """
            {"event_type":"\(type.name)","session_id":"\(TrafficEvent.session(of: id))",\
            "marketplace_id":"\(accounts.gowitMarketplace)",\(ads),"placement_id":"\(random.next(below: 40))",\
            "customer_id":"\(user())","time":"\(time(now))"}
            """
        return request(
            "POST", "/gowit/events", headers: gowitHeaders(accounts), body: body,
            events: ids.map { TrafficEvent(id: $0, type: type, form: .gowit, fates: Self.adFates) },
            form: .gowit)
    }

    private mutating func gowitPixel(_ accounts: TrafficAccounts) -> TrafficRequest {
        let id = TraceID(using: &random)
        let type = gowitType()
        let redirect = chance(0.3) ? "&redirect=https%3A%2F%2Fshop.example%2Fp%2F1" : ""
        // A browser has no API key: the data source says whose event it is.
        return request(
            "GET",
            "/gowit/server/sdk/events?type=\(type.name)&session_id=\(TrafficEvent.session(of: id))"
                + "&ad_id=\(id)&no_redirect=1\(redirect)",
            headers: [("Data-Source-UUID", accounts.dataSource), ("Referer", "https://shop.example/c/1")],
            events: [TrafficEvent(id: id, type: type, form: .gowitSDK, fates: Self.adFates)], form: .gowitSDK)
    }

    private mutating func gowitSale(
        _ accounts: TrafficAccounts, now: Int64, path: String, form: TrafficForm
    ) -> TrafficRequest {
        let id = TraceID(using: &random)
        let count = 1 + random.next(below: 3)
        let items = gowitItems(of: id, count: count)
        let name = form == .gowitSDK && chance(0.5) ? "marketplace_uuid" : "marketplace_id"
        let body = """
            {"event_type":"sale","session_id":"\(TrafficEvent.session(of: id))",\
            "\(name)":"\(accounts.gowitMarketplace)","customer_id":"\(user())","request_id":"\(id)",\
            "sales":[\(items)]}
            """
        return request(
            "POST", path, headers: gowitHeaders(accounts), body: body,
            events: [TrafficEvent(id: id, type: .purchase, form: form, items: count, fates: Self.saleFates)],
            form: form)
    }

    private mutating func gowitItems(of id: TraceID, count: Int) -> String {
        var items: [String] = []
        for item in 0..<count {
            items.append(
                """
                {"advertiser_id":"v-\(random.next(below: 200))","product_id":"\(TrafficEvent.product(of: id, item: item))",\
                "unit_price":\(price()),"quantity":\(1 + random.next(below: 3))}
                """)
        }
        return items.joined(separator: ",")
    }

    /// From the till of a shop: no session, and the customer's number in its place.
    private mutating func gowitOfflineSale(_ accounts: TrafficAccounts, now: Int64) -> TrafficRequest {
        let id = TraceID(using: &random)
        let count = 1 + random.next(below: 3)
        let body = """
            {"event_type":"sale","channel":"OFFLINE","sale_date":"\(time(now))",\
            "customer_id":"\(TrafficEvent.session(of: id))","marketplace_id":"\(accounts.gowitMarketplace)",\
            "request_id":"\(id)","sales":[\(gowitItems(of: id, count: count))]}
            """
        return request(
            "POST", "/gowit/events", headers: gowitHeaders(accounts), body: body,
            events: [
                TrafficEvent(id: id, type: .purchase, form: .gowit, items: count, fates: Self.offlineFates)
            ], form: .gowit)
    }

    /// Without a field that is required.
    mutating func gowitRefused(_ accounts: TrafficAccounts) -> TrafficRequest {
        let marketplace = "\"marketplace_id\":\"\(accounts.gowitMarketplace)\""
        let body = pick([
            "{\"session_id\":\"s\",\(marketplace),\"ad_id\":\"a\"}",
            "{\"event_type\":\"click\",\"session_id\":\"s\",\(marketplace)}",
            "{\"event_type\":\"sale\",\"session_id\":\"s\",\(marketplace),\"sales\":[]}",
            "{\"event_type\":\"click\",",
        ])
        return request(
            "POST", "/gowit/events", headers: gowitHeaders(accounts), body: body, events: [], form: .gowit,
            expectation: .refused(statuses: [400]))
    }
}
