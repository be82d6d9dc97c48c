import Foundation
import Testing

@testable import SluiceCore

@Suite struct TopsortEncoderTests {
    /// 2026-06-01T00:00:00Z
    private let later: Int64 = 1_780_272_000_000

    private func encoder() -> TopsortEncoder {
        let encoder = TopsortEncoder()
        encoder.begin(now: later)
        return encoder
    }

    private func line(_ members: String, type: String = "click", id: String = "e") -> String {
        "{\"id\":\"\(id)\",\"type\":\"\(type)\",\"received_at\":\"2026-01-02T03:04:05.678Z\",\"source\":\"s\","
            + "\"platform\":\"native\"" + (members.isEmpty ? "" : "," + members) + "}"
    }

    private func add(_ line: String, to encoder: TopsortEncoder) -> EncodeResult {
        Array(line.utf8).withBytes { encoder.add($0) }
    }

    private func body(_ encoder: TopsortEncoder) -> String {
        var request = OutgoingRequest()
        encoder.finish(into: &request)
        let path = request.path.bytes.string
        #expect(path == "/v2/events")
        return request.body.bytes.string
    }

    /// One answer does not change what the next one means.
    @Test func eachAnswerIsJudgedByItself() {
        let encoder = encoder()
        let texts = [#"{"status":"ok"}"#, "", #"{"errCode":"bad","message":"m"}"#, #"{"status":"ok"}"#, "{}"]
        for (status, other) in [(200, 400), (200, 500), (204, 200), (400, 200)] {
            for before in texts {
                for text in texts {
                    _ = encoder.classify(UpstreamAnswer(status: status, body: Array(before.utf8)), eventCount: 1)
                    let answer = UpstreamAnswer(status: other, body: Array(text.utf8))
                    #expect(
                        encoder.classify(answer, eventCount: 1) == self.encoder().classify(answer, eventCount: 1))
                    let again = UpstreamAnswer(status: status, body: Array(text.utf8))
                    #expect(encoder.classify(again, eventCount: 1) == self.encoder().classify(again, eventCount: 1))
                }
            }
        }
    }

    // MARK: events

    /// What came in by Topsort's protocol goes out as it came, unknown properties apart.
    @Test(arguments: Fixture.all("topsort").filter { $0.status == 204 })
    func roundTrip(_ fixture: Fixture) throws {
        let encoder = encoder()
        let lines = fixture.send(fixture.harness()).lines
        for line in lines { #expect(add(line, to: encoder) == .added) }
        let again = DecoderHarness.topsort().send(body(encoder))
        #expect(again.status == 204)
        let known = lines.map { line in
            var event = foundation(line) as? [String: Any] ?? [:]
            event["ext"] = nil
            // A time in the future is sent as the time of receipt.
            if let time = event["occurred_at"] as? String, time > "2026-06" {
                event["occurred_at"] = event["received_at"]
            }
            return event as NSDictionary
        }
        let returned = again.lines.map { line in
            var event = foundation(line) as? [String: Any] ?? [:]
            event["ext"] = nil
            return event as NSDictionary
        }
        #expect(Set(returned) == Set(known))
    }

    /// Random events of Topsort's schema survive decoding and encoding.
    @Test func roundTripOfRandomEvents() {
        let seed: UInt64 = 20_260_102
        var generator = SeededGenerator(seed: seed)
        for round in 0..<300 {
            let source = RandomTopsort.request(&generator)
            let first = DecoderHarness.topsort().send(source)
            #expect(first.status == 204, "seed \(seed), round \(round): \(first.answer)\n\(source)")
            let encoder = encoder()
            for line in first.lines { #expect(add(line, to: encoder) == .added) }
            let second = DecoderHarness.topsort().send(body(encoder))
            #expect(second.status == 204, "seed \(seed), round \(round): \(second.answer)")
            #expect(second.lines == first.lines, "seed \(seed), round \(round)")
            #expect(
                withoutDefaults(body(encoder)) == withoutDefaults(source), "seed \(seed), round \(round)\n\(source)")
        }
    }

    /// A quantity left out is 1.
    private func withoutDefaults(_ body: String) -> NSDictionary {
        var arrays = foundation(body) as? [String: [[String: Any]]] ?? [:]
        arrays["purchases"] = arrays["purchases"]?.map { purchase in
            var purchase = purchase
            purchase["items"] = (purchase["items"] as? [[String: Any]])?.map { item in
                var item = item
                if item["quantity"] == nil { item["quantity"] = 1 }
                return item
            }
            return purchase
        }
        return arrays as NSDictionary
    }

    @Test func onlyWhatTheSchemaHas() throws {
        let encoder = encoder()
        #expect(
            add(
                line(
                    #""network":"topsort","session_id":"s","user":{"id":"u","email_sha256":"x"},"ad":{"id":"b","click_type":"odd","campaign_id":"c"},"placement":{"position":1},"page":{"type":"odd","id":"p"},"object":{"type":"odd"},"entity":{"type":"brand","id":"b"},"context":{"device_type":"tv","channel":"web"},"ext":{"topsort":{"foo":1,"externalVendorId":"v"}}"#
                ), to: encoder) == .added)
        #expect(
            body(encoder)
                == #"{"clicks":[{"id":"e","occurredAt":"2026-01-02T03:04:05.678Z","opaqueUserId":"u","resolvedBidId":"b","externalCampaignId":"c","externalVendorId":"v"}]}"#
        )
    }

    @Test func anotherNetworksAdIsNoBid() {
        let encoder = encoder()
        #expect(add(line(#""network":"gowit","user":{"id":"u"},"ad":{"id":"a"}"#), to: encoder) == .added)
        #expect(add(line(#""user":{"id":"u"},"ad":{"id":"mine"}"#), to: encoder) == .added)
        let sent = body(encoder)
        #expect(member(sent, "clicks.0.resolvedBidId") == nil)
        #expect(text(sent, "clicks.1.resolvedBidId") == "mine")
    }

    @Test func aSessionStandsForTheUser() {
        let encoder = encoder()
        #expect(add(line(#""session_id":"s""#), to: encoder) == .added)
        #expect(text(body(encoder), "clicks.0.opaqueUserId") == "s")
    }

    @Test func aPurchaseGoesByItsOrder() {
        let encoder = encoder()
        let items =
            #"[{"sku":"s","quantity":2.0,"unit_price":1.50},{"product_id":"p","sku":"x","seller_id":"v","unit_price":3}]"#
        #expect(
            add(
                line("\"user\":{\"id\":\"u\"},\"order\":{\"id\":\"o\",\"items\":\(items)}", type: "purchase"),
                to: encoder) == .added)
        #expect(
            add(line("\"user\":{\"id\":\"u\"},\"order\":{\"items\":\(items)}", type: "purchase"), to: encoder)
                == .added)
        let sent = body(encoder)
        #expect(text(sent, "purchases.0.id") == "o")
        #expect(text(sent, "purchases.1.id") == "e")
        #expect(
            sent.contains(
                #""items":[{"productId":"s","unitPrice":1.50,"quantity":2},{"productId":"p","unitPrice":3,"vendorId":"v"}]"#
            ))
    }

    @Test func namesWhatIsMissing() {
        let encoder = encoder()
        #expect(add(line(""), to: encoder) == .missing(["user.id"]))
        #expect(
            add(line("", type: "page_view"), to: encoder) == .missing(["user.id", "page.type", "page.id"]))
        #expect(add(line(#""user":{"id":"u"}"#, type: "purchase"), to: encoder) == .missing(["order.items"]))
        #expect(
            add(line(#""user":{"id":"u"},"order":{"items":[{"name":"n"}]}"#, type: "purchase"), to: encoder)
                == .missing(["order.items[0].product_id", "order.items[0].unit_price"]))
        #expect(body(encoder) == "{}")
    }

    @Test(arguments: [
        (#""user":{"id":"u"},"order":{"items":[{"sku":"s","unit_price":0}]}"#, "purchase", "unit_price"),
        (
            #""user":{"id":"u"},"order":{"items":[{"sku":"s","unit_price":1,"quantity":1.5}]}"#, "purchase",
            "quantity"
        ),
        (#""user":{"id":"u"}"#, "viewable_impression", "viewable_impression"),
        (#""user":7"#, "click", "cannot be read"),
    ])
    func saysWhatIsUnfit(_ members: String, _ type: String, _ part: String) {
        guard case .unfit(let reason) = add(line(members, type: type), to: encoder()) else {
            Issue.record("taken")
            return
        }
        #expect(reason.contains(part))
    }

    @Test func fiftyPerArraySeveralArrays() {
        let encoder = encoder()
        let click = line(#""user":{"id":"u"}"#)
        let view = line(#""user":{"id":"u"},"page":{"type":"home","id":""}"#, type: "page_view")
        for _ in 0..<50 { #expect(add(click, to: encoder) == .added) }
        #expect(add(click, to: encoder) == .full)
        #expect(add(view, to: encoder) == .added)
        let sent = body(encoder)
        #expect((member(sent, "clicks") as? [Any])?.count == 50)
        #expect((member(sent, "pageviews") as? [Any])?.count == 1)
        #expect(member(sent, "impressions") == nil)
        encoder.begin(now: later)
        #expect(add(click, to: encoder) == .added)
        #expect((member(body(encoder), "clicks") as? [Any])?.count == 1)
    }

    @Test func takesItsOwnAndTheOrganic() {
        let encoder = TopsortEncoder()
        for (type, network, expected) in [
            (EventType.click, "topsort", true), (.click, "", true), (.click, "gowit", false),
            (.viewableImpression, "topsort", false), (.purchase, "", true), (.purchase, "gowit", true),
            (.pageView, "", true), (.impression, "vtex", false),
        ] {
            #expect(Array(network.utf8).withBytes { encoder.takes(type: type, network: $0) } == expected)
        }
    }

    // MARK: answers

    @Test(arguments: [
        (200, 1, Verdict.delivered), (204, 3, .delivered), (400, 1, .rejected(reason: "HTTP 400")),
        (400, 2, .split(reason: "HTTP 400")), (422, 1, .rejected(reason: "HTTP 422")),
        (422, 9, .split(reason: "HTTP 422")), (413, 2, .split(reason: "HTTP 413")),
        (413, 1, .rejected(reason: "HTTP 413")), (401, 1, .retry(afterSeconds: nil, reason: "HTTP 401")),
        (403, 1, .retry(afterSeconds: nil, reason: "HTTP 403")),
        (404, 1, .retry(afterSeconds: nil, reason: "HTTP 404")),
        (408, 1, .retry(afterSeconds: nil, reason: "HTTP 408")),
        (425, 1, .retry(afterSeconds: nil, reason: "HTTP 425")),
        (429, 1, .retry(afterSeconds: nil, reason: "HTTP 429")),
        (500, 1, .retry(afterSeconds: nil, reason: "HTTP 500")),
        (503, 5, .retry(afterSeconds: nil, reason: "HTTP 503")),
        (302, 1, .retry(afterSeconds: nil, reason: "HTTP 302")),
    ])
    func readsTheStatus(_ status: Int, _ count: Int, _ verdict: Verdict) {
        #expect(encoder().classify(UpstreamAnswer(status: status), eventCount: count) == verdict)
    }

    @Test(arguments: [
        #"{"errCode":"bad_request","docUrl":"d","message":"no \"path\""}"#,
        #"[{"docUrl":"d","errCode":"bad_request","message":"no \"path\""},{"errCode":"other"}]"#,
    ])
    func readsBothFormsOfErrors(_ body: String) {
        let answer = UpstreamAnswer(status: 400, body: Array(body.utf8))
        #expect(
            encoder().classify(answer, eventCount: 1)
                == .rejected(reason: #"HTTP 400: bad_request: no "path""#))
    }

    @Test func aPriceFollowsFromALinesTotal() {
        func order(_ members: String) -> String {
            line(
                "\"user\":{\"id\":\"u\"},\"order\":{\"items\":[{\"sku\":\"s\",\"line_total\":10.00\(members)}]}",
                type: "purchase")
        }
        for (members, price) in [(",\"quantity\":4", "2.5,"), ("", "10}")] {
            let encoder = encoder()
            #expect(add(order(members), to: encoder) == .added)
            var request = OutgoingRequest()
            encoder.finish(into: &request)
            #expect(request.body.bytes.string.contains("\"unitPrice\":\(price)"))
        }
        #expect(
            add(order(",\"quantity\":3"), to: encoder())
                == .unfit("order.items[0].unit_price is missing, and line_total cannot be divided exactly"))
    }

    /// Each documented code, also under a status that means success.
    @Test(arguments: [
        "bad_request", "empty_request", "invalid_api_key", "invalid_event_type", "invalid_event_time",
        "no_purchase_items",
        "purchase_item_quantity_less_or_equal_than_zero", "resolved_bid_id_not_found", "missing_placement",
        "missing_product_id",
        "invalid_json", "internal_server_error",
    ])
    func keepsEachCode(_ code: String) {
        let body = Array("{\"errCode\":\"\(code)\",\"docUrl\":\"d\",\"message\":\"m\"}".utf8)
        for status in [200, 400, 422] {
            let answer = UpstreamAnswer(status: status, body: body)
            #expect(encoder().classify(answer, eventCount: 1) == .rejected(reason: "HTTP \(status): \(code): m"))
            #expect(encoder().classify(answer, eventCount: 2) == .split(reason: "HTTP \(status): \(code): m"))
        }
        let broken = UpstreamAnswer(status: 500, body: body)
        #expect(encoder().classify(broken, eventCount: 2) == .retry(afterSeconds: nil, reason: "HTTP 500: \(code): m"))
    }

    @Test(arguments: [
        "", "<html>", "[", "[]", "{", "7", #"{"errCode":7}"#, String(repeating: "x", count: 10_000),
    ])
    func survivesAnyBody(_ body: String) {
        guard
            case .rejected(let reason) = encoder().classify(
                UpstreamAnswer(status: 400, body: Array(body.utf8)), eventCount: 1)
        else {
            Issue.record("not rejected")
            return
        }
        #expect(reason.hasPrefix("HTTP 400"))
        #expect(reason.utf8.count < 600)
    }
}

/// Events as Topsort's schema allows them.
enum RandomTopsort {
    static func request(_ generator: inout SeededGenerator) -> String {
        var arrays: [String] = []
        for kind in TopsortKind.allCases {
            let events = (0..<Int.random(in: 1...3, using: &generator)).map { event(kind, $0, &generator) }
            arrays.append("\"\(kind.name)\":[\(events.joined(separator: ","))]")
        }
        return "{\(arrays.joined(separator: ","))}"
    }

    private static func event(_ kind: TopsortKind, _ index: Int, _ generator: inout SeededGenerator) -> String {
        var members = [
            "\"id\":\"\(kind.name)-\(index)\"",
            "\"occurredAt\":\"2026-01-0\(index + 1)T00:00:00.00\(index)Z\"",
            "\"opaqueUserId\":\(string(&generator))",
        ]
        func maybe(_ member: String) { if Bool.random(using: &generator) { members.append(member) } }
        switch kind {
        case .impressions, .clicks:
            if Bool.random(using: &generator) {
                members.append("\"resolvedBidId\":\(string(&generator))")
                maybe("\"additionalAttribution\":{\"type\":\"product\",\"id\":\(string(&generator))}")
            }
            maybe("\"entity\":{\"type\":\"vendor\",\"id\":\(string(&generator))}")
            maybe(
                "\"placement\":{\"path\":\(string(&generator)),\"position\":3,\"page\":1,\"pageSize\":20,\"productId\":\(string(&generator)),\"searchQuery\":\(string(&generator)),\"categoryIds\":[\(string(&generator)),\(string(&generator))]}"
            )
            maybe(
                "\"page\":{\"type\":\"cart\",\"pageId\":\(string(&generator)),\"value\":[\(string(&generator))]}"
            )
            maybe(
                "\"object\":{\"type\":\"listing\",\"assetId\":\(string(&generator)),\"clickType\":\(string(&generator))}"
            )
            maybe("\"externalVendorId\":\(string(&generator))")
            maybe("\"externalCampaignId\":\(string(&generator))")
            if kind == .clicks {
                maybe(
                    "\"clickType\":\"\(["product", "like", "add-to-cart", "image", "add_to_cart", "purchase_now"].randomElement(using: &generator)!)\""
                )
            }
        case .purchases:
            let items = (0..<Int.random(in: 1...3, using: &generator)).map { _ in item(&generator) }
            members.append("\"items\":[\(items.joined(separator: ","))]")
        case .pageviews:
            members.append("\"page\":{\"type\":\"search\",\"pageId\":\"\",\"value\":\(string(&generator))}")
        }
        maybe("\"deviceType\":\"\(["mobile", "desktop"].randomElement(using: &generator)!)\"")
        maybe("\"channel\":\"\(["onsite", "offsite", "instore"].randomElement(using: &generator)!)\"")
        return "{\(members.shuffled(using: &generator).joined(separator: ","))}"
    }

    private static func item(_ generator: inout SeededGenerator) -> String {
        var members = [
            "\"productId\":\(string(&generator))",
            "\"unitPrice\":\(["1.10", "12345678901234567890.1234567890", "1e2"].randomElement(using: &generator)!)",
        ]
        if Bool.random(using: &generator) { members.append("\"quantity\":\(Int.random(in: 1...9, using: &generator))") }
        if Bool.random(using: &generator) { members.append("\"vendorId\":\(string(&generator))") }
        return "{\(members.shuffled(using: &generator).joined(separator: ","))}"
    }

    /// A JSON string with at least one character, of every sort.
    private static func string(_ generator: inout SeededGenerator) -> String {
        let parts = [
            "a", "Z", "0", " ", "é", "😀", "\\\"", "\\\\", "\\/", "\\n", "\\u0041", "\\ud83d\\ude00",
            "\\u007f", "=", "&",
        ]
        return "\""
            + (0..<Int.random(in: 1...12, using: &generator)).map { _ in
                parts.randomElement(using: &generator)!
            }.joined() + "\""
    }
}
