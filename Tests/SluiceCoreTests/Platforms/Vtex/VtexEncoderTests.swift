import Foundation
import Testing

@testable import SluiceCore

@Suite struct VtexEncoderTests {
    /// For a publisher that none of the conversions names.
    private func encoder() -> VtexEncoder {
        let encoder = VtexEncoder(publisherID: "pub-9")
        encoder.begin(now: DecoderHarness.now)
        return encoder
    }

    private func add(_ line: String, to encoder: VtexEncoder) -> EncodeResult {
        Array(line.utf8).withBytes { encoder.add($0) }
    }

    private func sent(_ encoder: VtexEncoder) -> (path: String, body: String) {
        var request = OutgoingRequest()
        encoder.finish(into: &request)
        return (request.path.bytes.string, request.body.bytes.string)
    }

    private func line(_ members: String, type: String = "click", platform: String = "native") -> String {
        "{\"id\":\"e\",\"type\":\"\(type)\",\"received_at\":\"2026-01-02T03:04:05.678Z\",\"source\":\"s\","
            + "\"platform\":\"\(platform)\"" + (members.isEmpty ? "" : "," + members) + "}"
    }

    /// What came in goes back, field for field; `product_sku` is `sku`, and a missing promotional price is the price.
    @Test(arguments: Fixture.all("vtex").filter { $0.status == 202 })
    func roundTrip(_ fixture: Fixture) {
        let lines = fixture.send(.vtex()).lines
        let encoder = encoder()
        #expect(add(lines[0], to: encoder) == .added)
        let sent = sent(encoder)
        #expect(sent.path == (fixture.query.isEmpty ? fixture.path : "\(fixture.path)?\(fixture.query)"))
        let again = DecoderHarness.vtex().send(
            sent.body, path: fixture.path, query: fixture.query, contentType: "application/json")
        #expect(again.lines == lines)
        if fixture.contentType.contains("json"), fixture.name != "conversion_older",
            let wanted = foundation(fixture.body) as? [String: Any],
            var got = foundation(sent.body) as? [String: Any]
        {
            if let time = got["created_at"] as? String {
                got["created_at"] = time.replacingOccurrences(of: ".000Z", with: "Z")
            }
            var expected = wanted
            if let hash = expected["first_name_hashed"] as? String { expected["first_name_hashed"] = hash.lowercased() }
            #expect(got as NSDictionary == expected as NSDictionary)
        }
    }

    /// Random valid conversions survive decoding and encoding.
    @Test func roundTripOfRandomConversions() {
        let seed: UInt64 = 20_260_103
        var generator = SeededGenerator(seed: seed)
        for round in 0..<300 {
            let source = RandomVtex.conversion(&generator)
            let outcome = DecoderHarness.vtex().send(source, path: "/v1/beacon/conversion")
            #expect(outcome.status == 202, "seed \(seed), round \(round): \(outcome.answer)\n\(source)")
            guard let line = outcome.lines.first else { continue }
            let encoder = encoder()
            #expect(add(line, to: encoder) == .added)
            #expect(
                foundation(sent(encoder).body) == foundation(source),
                "seed \(seed), round \(round)\n\(source)\n\(sent(encoder).body)")
        }
    }

    /// Random beacons go back to their path and query, byte for byte, with the body they came with.
    @Test func roundTripOfRandomBeacons() {
        let seed: UInt64 = 20_260_106
        var generator = SeededGenerator(seed: seed)
        for round in 0..<300 {
            let kind = ["impression", "view", "click"].randomElement(using: &generator)!
            let ad = ["a", "ad%201", "a+b", "%zz", "ad:1;2,3"].randomElement(using: &generator)!
            let query = (0..<Int.random(in: 0...6, using: &generator)).map { _ in
                [
                    "publisher_id=pub-1", "campaign_id=c%2D1", "requested_at=1767323045678", "sign=a%2Fb+c%3D%3D",
                    "x=%zz", "e=", "=", "?", "",
                ]
                .randomElement(using: &generator)!
            }.joined(separator: "&")
            let source = RandomVtex.beacon(&generator)
            let path = "/v1/beacon/\(kind)/\(ad)"
            let hasQuery = !query.isEmpty || Bool.random(using: &generator)
            let outcome = DecoderHarness.vtex().send(source, path: path, query: query, hasQuery: hasQuery)
            #expect(outcome.status == 202, "seed \(seed), round \(round): \(outcome.answer)\n\(source)")
            guard let line = outcome.lines.first else { continue }
            let encoder = encoder()
            #expect(add(line, to: encoder) == .added)
            let sent = sent(encoder)
            #expect(sent.path == (hasQuery ? "\(path)?\(query)" : path), "seed \(seed), round \(round)")
            #expect(
                foundation(sent.body) == foundation(source), "seed \(seed), round \(round)\n\(source)\n\(sent.body)")
        }
    }

    @Test func aPurchaseOfAnotherPlatform() {
        let encoder = encoder()
        let hash = VtexDecoderTests.hash
        let event = line(
            "\"session_id\":\"s\",\"user\":{\"id\":\"u\",\"email_sha256\":\"\(hash)\",\"gender\":\"M\"},\"order\":{\"id\":\"o\",\"channel\":\"OFFLINE\",\"items\":[{\"product_id\":\"p\",\"quantity\":4,\"line_total\":10.00},{\"sku\":\"s\",\"quantity\":1.50,\"unit_price\":1.10,\"list_price\":2.20}]}",
            type: "purchase")
        #expect(add(event, to: encoder) == .added)
        #expect(
            sent(encoder).body
                == "{\"publisher_id\":\"pub-9\",\"user_id\":\"u\",\"created_at\":\"2026-01-02T03:04:05.678Z\",\"channel\":\"physical store\",\"order_id\":\"o\",\"session_id\":\"s\",\"email_hashed\":\"\(hash)\",\"gender\":\"M\",\"items\":[{\"sku\":\"p\",\"quantity\":4,\"price\":2.5,\"promotional_price\":2.5,\"product_id\":\"p\"},{\"sku\":\"s\",\"quantity\":1.50,\"price\":2.20,\"promotional_price\":1.10}]}"
        )
        #expect(add(event, to: encoder) == .full)
    }

    @Test func namesWhatIsMissing() {
        #expect(add(line(""), to: encoder()) == .missing(["ad.url", "user.id", "session_id"]))
        #expect(
            add(line("", type: "purchase"), to: encoder())
                == .missing(["user.id", "order.id", "order.items", "order.channel", "session_id", "user.email_sha256"]))
        #expect(
            add(
                line(
                    #""session_id":"s","user":{"customer_id":"c"},"order":{"id":"o","channel":"app","items":[{"quantity":3,"line_total":10}]}"#,
                    type: "purchase", platform: "vtex"), to: encoder())
                == .missing(["order.items[0].sku"]))
    }

    /// What is paid for a line is never made up: neither rounded nor taken from the list price.
    @Test(arguments: ["", ",\"list_price\":4"])
    func aLineThatCannotBeDivided(_ more: String) {
        let event = line(
            "\"session_id\":\"s\",\"user\":{\"id\":\"u\",\"email_sha256\":\"\(VtexDecoderTests.hash)\"},\"order\":{\"id\":\"o\",\"channel\":\"app\",\"items\":[{\"sku\":\"s\",\"quantity\":3,\"line_total\":10\(more)}]}",
            type: "purchase")
        #expect(
            add(event, to: encoder())
                == .unfit("order.items[0].unit_price is missing, and line_total cannot be divided exactly"))
    }

    /// `ext.vtex` of an event that did not come by VTEX Ads' protocol names no publisher of a conversion.
    @Test func onlyItsOwnConversionsNameTheirPublisher() {
        for (platform, publisher) in [("native", "pub-9"), ("vtex", "pub-2")] {
            let event = line(
                "\"session_id\":\"s\",\"user\":{\"id\":\"u\",\"email_sha256\":\"\(VtexDecoderTests.hash)\"},\"order\":{\"id\":\"o\",\"channel\":\"app\",\"items\":[{\"sku\":\"s\",\"unit_price\":3}]},\"ext\":{\"vtex\":{\"publisher_id\":\"pub-2\"}}",
                type: "purchase", platform: platform)
            let encoder = encoder()
            #expect(add(event, to: encoder) == .added)
            #expect(text(sent(encoder).body, "publisher_id") == publisher)
        }
    }

    @Test(arguments: [
        ("/v1/beacon/click/a?x=%2f+&sign=%zz", "/v1/beacon/click/a?x=%2f+&sign=%zz"),
        ("https://events.example/v1/beacon/click/a?s=1", "/v1/beacon/click/a?s=1"),
    ])
    func forwardsURLs(_ url: String, _ path: String) {
        let encoder = encoder()
        #expect(add(line("\"session_id\":\"s\",\"ad\":{\"url\":\"\(url)\"}"), to: encoder) == .added)
        #expect(sent(encoder).path == path)
        #expect(sent(encoder).body == #"{"session_id":"s"}"#)
    }

    @Test(arguments: [
        "/v1/beacon/view/a", "/v1/beacon/click/a b", "/v1/beacon/click/a\\r\\nX: y", "/v1/beacon/click/a#b",
        "/v1/beacon/click/..",
        "/v1/beacon/click/../x", "/other", "https://x", "v1/beacon/click/a", "/v1/beacon/click/a?\\u0000",
    ])
    func neverForwards(_ url: String) {
        guard case .unfit = add(line("\"session_id\":\"s\",\"ad\":{\"url\":\"\(url)\"}"), to: encoder()) else {
            Issue.record("taken")
            return
        }
    }

    @Test func takesItsOwnAndPurchases() {
        for (type, network, expected) in [
            (EventType.click, "vtex", true), (.impression, "vtex", true), (.viewableImpression, "vtex", true),
            (.click, "", false),
            (.click, "gowit", false), (.purchase, "", true), (.purchase, "gowit", true), (.pageView, "", false),
        ] {
            #expect(Array(network.utf8).withBytes { encoder().takes(type: type, network: $0) } == expected)
        }
    }

    @Test(arguments: [
        (202, Verdict.delivered), (405, .rejected(reason: "HTTP 405")),
        (401, .retry(afterSeconds: nil, reason: "HTTP 401")),
        (503, .retry(afterSeconds: nil, reason: "HTTP 503")), (200, .retry(afterSeconds: nil, reason: "HTTP 200")),
        (204, .retry(afterSeconds: nil, reason: "HTTP 204")),
        (400, .rejected(reason: "HTTP 400")), (422, .rejected(reason: "HTTP 422")),
        (413, .rejected(reason: "HTTP 413")),
        (404, .retry(afterSeconds: nil, reason: "HTTP 404")), (429, .retry(afterSeconds: nil, reason: "HTTP 429")),
        (500, .retry(afterSeconds: nil, reason: "HTTP 500")), (302, .retry(afterSeconds: nil, reason: "HTTP 302")),
    ])
    func readsTheStatus(_ status: Int, _ verdict: Verdict) {
        #expect(encoder().classify(UpstreamAnswer(status: status), eventCount: 1) == verdict)
    }

    /// A 202 that lists errors is none.
    @Test func aSuccessWithErrorsIsNone() {
        let body =
            ##"[{"instancePath":"","keyword":"required","message":"must have required property 'user_id'","params":{},"schemaPath":"#/required"}]"##
        #expect(
            encoder().classify(UpstreamAnswer(status: 202, body: Array(body.utf8)), eventCount: 1)
                == .rejected(reason: "HTTP 202: must have required property 'user_id'"))
        #expect(
            encoder().classify(
                UpstreamAnswer(status: 202, body: Array(#"{"messages":["click will be processed soon"]}"#.utf8)),
                eventCount: 1)
                == .delivered)
    }

    @Test func keepsAjvsWords() {
        let outcome = DecoderHarness.vtex().send(#"{"user_id":7}"#, path: "/v1/beacon/view/a")
        #expect(
            encoder().classify(UpstreamAnswer(status: 422, body: outcome.answerBytes), eventCount: 1)
                == .rejected(reason: "HTTP 422: /user_id must be string"))
        for body in ["", "<html>", "[", "[]", "{", "7", "[7]", String(repeating: "x", count: 10_000)] {
            guard
                case .rejected(let reason) = encoder().classify(
                    UpstreamAnswer(status: 422, body: Array(body.utf8)), eventCount: 1)
            else {
                Issue.record("not rejected")
                return
            }
            #expect(reason.utf8.count < 600)
        }
    }
}

/// Conversions as VTEX Ads documents them, in the form in which they go back.
enum RandomVtex {
    static func beacon(_ generator: inout SeededGenerator) -> String {
        var members: [String] = []
        func maybe(_ member: String) { if Bool.random(using: &generator) { members.append(member) } }
        maybe("\"user_id\":\(string(&generator))")
        if members.isEmpty {
            members.append("\"session_id\":\(string(&generator))")
            maybe("\"user_id\":\(["null", "\"\""].randomElement(using: &generator)!)")
        } else {
            maybe("\"session_id\":\(["null", "\"\"", string(&generator)].randomElement(using: &generator)!)")
        }
        maybe("\"publisher_id\":\(["null", "\"\"", "\"pub-1\""].randomElement(using: &generator)!)")
        maybe("\"unknown \(string(&generator).count)\":{\"a\":[1,null,\(string(&generator))]}")
        return "{\(members.shuffled(using: &generator).joined(separator: ","))}"
    }

    static func conversion(_ generator: inout SeededGenerator) -> String {
        var members = [
            "\"publisher_id\":\"pub-1\"", "\"created_at\":\"2026-01-02T03:04:05.678Z\"",
            "\"email_hashed\":\"\(VtexDecoderTests.hash)\"",
        ]
        for name in ["user_id", "session_id", "order_id"] {
            members.append("\"\(name)\":\(string(&generator))")
        }
        let channels = ["\"ONLINE\"", "\"OFFLINE\"", "\"ecommerce\"", string(&generator)]
        members.append("\"channel\":\(channels.randomElement(using: &generator)!)")
        func maybe(_ member: String) { if Bool.random(using: &generator) { members.append(member) } }
        maybe("\"brand\":\(string(&generator))")
        maybe("\"city\":\(string(&generator))")
        maybe("\"uf\":\(["null", "\"SP\"", "\"\""].randomElement(using: &generator)!)")
        for name in ["social_id_hashed", "first_name_hashed", "last_name_hashed"] {
            maybe("\"\(name)\":\"\(VtexDecoderTests.hash)\"")
        }
        maybe("\"gender\":\(["null", "\"F\"", "\"M\"", "\"O\""].randomElement(using: &generator)!)")
        maybe("\"is_company\":\(Bool.random(using: &generator))")
        maybe("\"phone_hashed\":\"\(VtexDecoderTests.hash)\"")
        maybe("\"unknown \(string(&generator).count)\":{\"a\":[1,null,\(string(&generator))]}")
        let items = (0..<Int.random(in: 1...4, using: &generator)).map { _ in item(&generator) }
        members.append("\"items\":[\(items.joined(separator: ","))]")
        return "{\(members.shuffled(using: &generator).joined(separator: ","))}"
    }

    private static func item(_ generator: inout SeededGenerator) -> String {
        var members = [
            "\"sku\":\(string(&generator))", "\"quantity\":\(["1", "2.5", "1e1"].randomElement(using: &generator)!)",
            "\"price\":\(RandomNative.decimal(&generator))",
            "\"promotional_price\":\(RandomNative.decimal(&generator))",
        ]
        if Bool.random(using: &generator) {
            members.append("\"seller_id\":\(Bool.random(using: &generator) ? "null" : string(&generator))")
        }
        if Bool.random(using: &generator) { members.append("\"product_id\":\(string(&generator))") }
        if Bool.random(using: &generator) { members.append("\"gift\":[true,\(string(&generator))]") }
        return "{\(members.shuffled(using: &generator).joined(separator: ","))}"
    }

    /// A JSON string with at least one character, of every sort.
    static func string(_ generator: inout SeededGenerator) -> String {
        let parts = [
            "a", "Z", "0", " ", "é", "😀", "\\\"", "\\\\", "\\/", "\\r\\n", "\\u202e", "\\ud83d\\ude00", "=", "&", "%",
            "+",
        ]
        return "\""
            + (0..<Int.random(in: 1...12, using: &generator)).map { _ in parts.randomElement(using: &generator)! }
            .joined() + "\""
    }
}
