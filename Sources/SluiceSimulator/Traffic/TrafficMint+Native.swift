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
            "\"session_id\":\"\(TrafficEvent.session(of: id))\"",
            "\"context\":{\"page_url\":\"https://shop.example/p/\(product())\",\"device_type\":\"mobile\"}",
        ]
        var fates = TrafficFates(topsort: .delivered)
        var user = "\"id\":\"\(user())\""
        var items = 0
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
            let ad: String
            (ad, fates) = nativeAd(id: id, type: type, now: now)
            members += [ad, nativePlacement()]
        case .purchase:
            items = 1 + random.next(below: 4)
            let isFull = chance(0.6)
            members.append(nativeOrder(id: id, items: items, isFull: isFull))
            if isFull {
                user +=
                    ",\"keys\":[\"k-\(random.next())\"],\"customer_id\":\"c-\(random.next(below: 9000))\","
                user += "\"email_sha256\":\"\(Self.digest(id))\""
            }
            fates = isFull ? Self.fullOrderFates : Self.sparseOrderFates
        case .pageView:
            members.append("\"page\":{\"type\":\"PDP\",\"id\":\"\(product())\"}")
        }
        members.append("\"user\":{\(user)}")
        return (
            "{\(members.joined(separator: ","))}",
            TrafficEvent(id: id, type: type, form: .native, items: items, fates: fates)
        )
    }

    /// An order with everything that any platform asks for, and one with what Topsort and Kevel do: that
    /// has neither sellers nor an email, nor a customer for impact.com to attribute it to.
    private static let fullOrderFates = TrafficFates(
        topsort: .delivered, gowit: .delivered, vtex: .delivered, kevel: .delivered, impact: .delivered)
    private static let sparseOrderFates = TrafficFates(
        topsort: .delivered, gowit: .refused, vtex: .refused, kevel: .delivered, impact: .refused)

    /// An ad of Topsort, an ad of another network, or an organic product. Topsort has no viewable
    /// impressions.
    private mutating func nativeAd(id: TraceID, type: EventType, now: Int64) -> (
        text: String, fates: TrafficFates
    ) {
        let atTopsort = TrafficFates(topsort: type == .viewableImpression ? .filtered : .delivered)
        switch random.next(below: 10) {
        case ..<5:
            return ("\"network\":\"topsort\",\"ad\":{\"id\":\"bid-\(random.next())\"}", atTopsort)
        case ..<7:
            guard let accounts = target.accounts, chance(0.5), let kind = VtexStandIn.kind(of: type) else {
                return (
                    "\"network\":\"gowit\",\"ad\":{\"id\":\"\(id)\"}", TrafficFates(gowit: .delivered)
                )
            }
            let url = vtexTarget(accounts, kind: kind, id: id, now: now)
            return (
                "\"network\":\"vtex\",\"ad\":{\"id\":\"\(id)\",\"url\":\(PlainJSON.quote(url))}",
                TrafficFates(vtex: .delivered)
            )
        default:
            return ("\"entity\":{\"type\":\"product\",\"id\":\"\(product())\"}", atTopsort)
        }
    }

    private mutating func nativePlacement() -> String {
        """
        "placement":{"path":"/search","position":\(1 + random.next(below: 24)),\
        "search_query":\(PlainJSON.quote(searchWord()))}
        """
    }

    private mutating func nativeOrder(id: TraceID, items count: Int, isFull: Bool) -> String {
        var items: [String] = []
        for item in 0..<count {
            let product = TrafficEvent.product(of: id, item: item)
            let more = isFull ? ",\"sku\":\"\(product)\",\"seller_id\":\"v-\(random.next(below: 200))\"" : ""
            items.append(
                """
                {"product_id":"\(product)","quantity":\(1 + random.next(below: 3)),\
                "unit_price":\(price())\(more)}
                """)
        }
        let more = isFull ? ",\"channel\":\"ecommerce\"" : ""
        // The order's id is the event's, so that it can be found at platforms that know orders only.
        return """
            "order":{"id":"\(id)","currency":"EUR"\(more),"items":[\(items.joined(separator: ","))]}
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
