import SluiceCore

extension LoadTraffic {
    /// One event is an object, several are an object with `events`.
    func native(_ random: inout SplitMix64, pad: Int) -> Draft {
        var events: [String] = []
        for event in 0..<settings.events { events.append(nativeEvent(&random, event: event, pad: pad)) }
        let body = events.count == 1 ? events[0] : "{\"events\":[\(events.joined(separator: ","))]}"
        return Draft(path: path("/v1/events"), headers: bearer, body: body)
    }

    private func nativeEvent(_ random: inout SplitMix64, event: Int, pad: Int) -> String {
        let id = "{{id:\(event)}}"
        let common = """
            "id":"\(id)","occurred_at":"{{time}}","session_id":"\(Self.uuid(&random))",\
            "user":{"id":"\(Self.uuid(&random))"},"context":{"page_url":"https://shop.example/p/\(Self.product(&random))","device_type":"mobile"}\(Self.note(&random, pad))
            """
        let type = drawType(&random)
        switch type {
        case .purchase:
            return """
                {"type":"purchase",\(common),"order":{"id":"\(id)","currency":"EUR","channel":"ecommerce",\
                "items":[{"product_id":"\(Self.product(&random))","seller_id":"v-\(100 + random.next(below: 900))",\
                "quantity":\(1 + random.next(below: 3)),"unit_price":\(Self.price(&random))}]}}
                """
        case .pageView:
            return "{\"type\":\"page_view\",\(common),\"page\":{\"type\":\"PDP\",\"id\":\"\(Self.product(&random))\"}}"
        default:
            let name = type == .view ? "viewable_impression" : type == .click ? "click" : "impression"
            return """
                {"type":"\(name)",\(common),"network":"topsort","ad":{"id":"\(Self.filler(&random, 40))"},\
                "placement":{"path":"/search","position":\(1 + random.next(below: 9)),"search_query":"running shoes"}}
                """
        }
    }
}
