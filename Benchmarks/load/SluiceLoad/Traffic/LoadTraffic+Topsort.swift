import SluiceCore

extension LoadTraffic {
    /// A single impression is about 400 bytes.
    func topsort(_ random: inout SplitMix64, pad: Int) -> Draft {
        var arrays: [String: [String]] = [:]
        for event in 0..<settings.events {
            let (array, text) = topsortEvent(&random, event: event, pad: pad)
            arrays[array, default: []].append(text)
        }
        // Sibling arrays that are empty are sent, as the JavaScript client does.
        let members = ["impressions", "clicks", "purchases"].map { name in
            "\"\(name)\":[\((arrays[name] ?? []).joined(separator: ","))]"
        }
        let views = arrays["pageviews"].map { ",\"pageviews\":[\($0.joined(separator: ","))]" } ?? ""
        return Draft(
            path: path("/topsort/v2/events"), headers: bearer, body: "{\(members.joined(separator: ","))\(views)}")
    }

    private func topsortEvent(_ random: inout SplitMix64, event: Int, pad: Int) -> (array: String, text: String) {
        let common = """
            "id":"{{id:\(event)}}","occurredAt":"{{time}}","opaqueUserId":"\(Self.uuid(&random))"
            """
        let device = """
            "deviceType":"mobile","channel":"onsite"\(Self.note(&random, pad))
            """
        let type = drawType(&random)
        switch type {
        case .purchase:
            return (
                "purchases",
                """
                {\(common),"items":[{"productId":"\(Self.product(&random))",\
                "unitPrice":\(Self.price(&random)),"quantity":\(1 + random.next(below: 3)),\
                "vendorId":"v-\(100 + random.next(below: 900))"}],\(device)}
                """
            )
        case .pageView:
            return (
                "pageviews",
                """
                {\(common),"page":{"type":"category","pageId":"c-\(10 + random.next(below: 90))"},\(device)}
                """
            )
        default:
            let click = type == .click ? ",\"clickType\":\"product\"" : ""
            let path = ["/categories/shoes", "/categories/coats", "/search?q=running"][random.next(below: 3)]
            return (
                type == .click ? "clicks" : "impressions",
                """
                {\(common),"resolvedBidId":"\(Self.filler(&random, 76))",\
                "placement":{"path":"\(path)","position":\(1 + random.next(below: 9)),"page":1,"pageSize":24},\
                \(device)\(click)}
                """
            )
        }
    }
}
