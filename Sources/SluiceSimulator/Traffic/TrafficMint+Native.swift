import SluiceCore

// Requests in the gateway's own form.

extension TrafficMint {
    /// One request with `count` events: an object, an array, an object with `events`, or NDJSON.
    mutating func native(count: Int, now: Int64) -> TrafficRequest {
        var texts: [String] = []
        var events: [TrafficEvent] = []
        for _ in 0..<count {
            let (text, event) = nativeEvent(now: now)
            texts.append(text)
            events.append(event)
        }
        let (body, contentType) = nativeBody(texts)
        return post(
            "/v1/events", body: body, contentType: contentType, events: events, form: .native,
            expectation: .taken)
    }

    private mutating func nativeBody(_ texts: [String]) -> (body: String, contentType: String?) {
        if texts.count == 1 {
            // As a backend, as sendBeacon with a string, and as curl -d send it.
            return (
                texts[0],
                pick([
                    "application/json", "text/plain;charset=UTF-8", "application/x-www-form-urlencoded",
                    nil,
                ])
            )
        }
        switch random.next(below: 3) {
        case 0: return ("[\(texts.joined(separator: ","))]", "application/json")
        case 1: return ("{\"events\":[\(texts.joined(separator: ","))]}", "application/json")
        default: return (texts.joined(separator: "\n") + "\n", "application/x-ndjson")
        }
    }

    mutating func nativeEvent(now: Int64) -> (text: String, event: TrafficEvent) {
        let id = TraceID(using: &random)
        var members = [
            "\"id\":\"\(id)\"", "\"occurred_at\":\"\(time(now))\"",
            "\"session_id\":\"s-\(random.next(below: 50_000))\"", "\"user\":{\"id\":\"\(user())\"}",
            "\"context\":{\"page_url\":\"https://shop.example/p/\(product())\",\"device_type\":\"mobile\"}",
        ]
        var fate = TopsortFate.delivered
        let type: EventType
        switch random.next(below: 100) {
        case ..<45: type = .impression
        case ..<55: type = .viewableImpression
        case ..<75: type = .click
        case ..<85: type = .purchase
        default: type = .pageView
        }
        members.insert("\"type\":\"\(type.name)\"", at: 0)
        switch type {
        case .impression, .viewableImpression, .click:
            let (ad, adFate) = nativeAd()
            fate = type == .viewableImpression ? .filtered : adFate
            members += [ad, nativePlacement()]
        case .purchase:
            members.append(nativeOrder(id: id))
        case .pageView:
            members.append("\"page\":{\"type\":\"PDP\",\"id\":\"\(product())\"}")
        }
        return (
            "{\(members.joined(separator: ","))}",
            TrafficEvent(id: id, type: type, form: .native, topsort: fate)
        )
    }

    /// An ad of Topsort, an ad of another network, or an organic product.
    private mutating func nativeAd() -> (text: String, fate: TopsortFate) {
        switch random.next(below: 10) {
        case ..<5:
            ("\"network\":\"topsort\",\"ad\":{\"id\":\"bid-\(random.next())\"}", .delivered)
        case ..<7:
            ("\"network\":\"gowit\",\"ad\":{\"id\":\"ad-\(random.next(below: 1000))\"}", .filtered)
        default:
            ("\"entity\":{\"type\":\"product\",\"id\":\"\(product())\"}", .delivered)
        }
    }

    private mutating func nativePlacement() -> String {
        """
        "placement":{"path":"/search","position":\(1 + random.next(below: 24)),\
        "search_query":\(PlainJSON.quote(searchWord()))}
        """
    }

    private mutating func nativeOrder(id: TraceID) -> String {
        var items: [String] = []
        for _ in 0..<1 + random.next(below: 4) {
            items.append(
                """
                {"product_id":"\(product())","quantity":\(1 + random.next(below: 3)),\
                "unit_price":\(price())}
                """)
        }
        // The order's id is the event's, so that it can be found at platforms that know orders only.
        return """
            "order":{"id":"\(id)","currency":"EUR","items":[\(items.joined(separator: ","))]}
            """
    }

    /// `GET /v1/pixel.gif`, as an image on a page.
    mutating func pixel(now: Int64) -> TrafficRequest {
        let id = TraceID(using: &random)
        let target =
            "/v1/pixel.gif?type=impression&id=\(id)&user.id=\(user())&entity.type=product"
            + "&entity.id=\(product())&placement.path=%2Fc%2F\(random.next(below: 50))"
        let event = TrafficEvent(id: id, type: .impression, form: .pixel, topsort: .delivered)
        return get(target, events: [event], expectation: .taken)
    }

    func get(
        _ path: String, events: [TrafficEvent], expectation: TrafficExpectation
    ) -> TrafficRequest {
        var headers: [(name: String, value: String)] = [
            ("User-Agent", Self.userAgent), ("Referer", "https://shop.example/c/1"),
        ]
        if let key = target.key { headers.append(("Authorization", "Bearer \(key)")) }
        return TrafficRequest(
            bytes: HTTPClient.bytes("GET", path, host: target.authority, headers: headers),
            events: events, form: .pixel, expectation: expectation)
    }
}
