// Requests as the vendor's clients make them.

extension TrafficMint {
    /// One request with `count` events, at most 50.
    mutating func topsort(count: Int, now: Int64) -> TrafficRequest {
        var arrays: [String: [String]] = [:]
        var events: [TrafficEvent] = []
        for _ in 0..<count {
            let (array, text, event) = topsortEvent(now: now)
            arrays[array, default: []].append(text)
            events.append(event)
        }
        return post(
            "/topsort/v2/events", body: Self.topsortBody(arrays),
            contentType: pick(["application/json", "application/json; charset=utf-8"]), events: events,
            form: .topsort, expectation: .taken)
    }

    /// Sibling arrays that are empty are sent, as the JavaScript client does.
    static func topsortBody(_ arrays: [String: [String]]) -> String {
        let members = ["impressions", "clicks", "purchases"].map { name in
            "\"\(name)\":[\((arrays[name] ?? []).joined(separator: ","))]"
        }
        let views = arrays["pageviews"].map { ",\"pageviews\":[\($0.joined(separator: ","))]" } ?? ""
        return "{\(members.joined(separator: ","))\(views)}"
    }

    mutating func topsortEvent(now: Int64) -> (array: String, text: String, event: TrafficEvent) {
        let id = TraceID(using: &random)
        let common = """
            "id":"\(id)","occurredAt":"\(time(now))","opaqueUserId":"\(user())",\
            "deviceType":"\(pick(["desktop", "mobile"]))","channel":"onsite"
            """
        switch random.next(below: 100) {
        case ..<55:
            let (ad, fate) = topsortAd()
            return (
                "impressions", "{\(common),\(ad),\(topsortPlacement())}",
                TrafficEvent(id: id, type: .impression, form: .topsort, topsort: fate)
            )
        case ..<80:
            let (ad, fate) = topsortAd()
            return (
                "clicks", "{\(common),\(ad),\(topsortPlacement()),\"clickType\":\"product\"}",
                TrafficEvent(id: id, type: .click, form: .topsort, topsort: fate)
            )
        case ..<90:
            let count = 1 + random.next(below: 4)
            return (
                "purchases", "{\(common),\"items\":[\(topsortItems(of: id, count: count))]}",
                TrafficEvent(id: id, type: .purchase, form: .topsort, items: count, fates: Self.purchaseFates)
            )
        default:
            return (
                "pageviews",
                "{\(common),\"page\":{\"type\":\"category\",\"pageId\":\"c-\(random.next(below: 50))\"}}",
                TrafficEvent(id: id, type: .pageView, form: .topsort, topsort: .delivered)
            )
        }
    }

    /// A promoted product with its bid, an organic one, or, rarely, a bid that upstream does not know.
    private mutating func topsortAd() -> (text: String, fate: TrafficFate) {
        if chance(0.01) {
            return ("\"resolvedBidId\":\"unknown-\(random.next())\"", .refused)
        }
        if chance(0.6) { return ("\"resolvedBidId\":\"bid-\(random.next())\"", .delivered) }
        return ("\"entity\":{\"type\":\"product\",\"id\":\"\(product())\"}", .delivered)
    }

    private mutating func topsortPlacement() -> String {
        if chance(0.5) {
            let word = searchWord()
            return """
                "placement":{"path":"/search?q=x","position":\(1 + random.next(below: 24)),"page":1,\
                "pageSize":24,"searchQuery":\(PlainJSON.quote(word))}
                """
        }
        return """
            "placement":{"path":"/c/\(random.next(below: 50))","position":\(1 + random.next(below: 24)),\
            "categoryIds":["c-\(random.next(below: 50))"]}
            """
    }

    /// It has neither sellers nor an email, nor anything that impact.com could attribute it to.
    private static let purchaseFates = TrafficFates(
        topsort: .delivered, gowit: .refused, vtex: .refused, kevel: .delivered, impact: .refused)

    private mutating func topsortItems(of id: TraceID, count: Int) -> String {
        var items: [String] = []
        for item in 0..<count {
            items.append(
                """
                {"productId":"\(TrafficEvent.product(of: id, item: item))","unitPrice":\(price()),"quantity":\(1 + random.next(below: 3))}
                """)
        }
        return items.joined(separator: ",")
    }
}
