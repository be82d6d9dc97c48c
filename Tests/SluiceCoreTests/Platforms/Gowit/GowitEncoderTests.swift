import Foundation
import Testing

@testable import SluiceCore

@Suite struct GowitEncoderTests {
    private func encode(
        _ line: String, marketplace: String = "dest", forwards: Bool = true
    ) -> (EncodeResult, String) {
        let encoder = GowitEncoder(marketplaceID: marketplace, forwardsImpressions: forwards)
        encoder.begin(now: 0)
        let result = Array(line.utf8).withBytes { encoder.add($0) }
        var request = OutgoingRequest()
        encoder.finish(into: &request)
        let path = request.path.bytes.string
        #expect(path.isEmpty)
        return (result, request.body.bytes.string)
    }

    private func line(_ members: String, type: String = "purchase", platform: String = "native") -> String {
        "{\"id\":\"e\",\"type\":\"\(type)\",\"received_at\":\"2026-01-02T03:04:05.678Z\",\"source\":\"s\",\"platform\":\"\(platform)\"\(members.isEmpty ? "" : ","  + members)}"
    }

    private let items =
        #""order":{"id":"o","items":[{"product_id":"p","seller_id":"v","brand":"b","category":"c","quantity":2,"unit_price":12.50},{"sku":"k","seller_id":"w","quantity":1,"unit_price":0}]}"#

    /// What came in by the server form goes out as it came: Foundation finds both JSON texts equal.
    @Test func roundTripOfRandomEvents() {
        let seed: UInt64 = 20_260_103
        var generator = SeededGenerator(seed: seed)
        for round in 0..<600 {
            let source = RandomGowit.event(&generator)
            let first = DecoderHarness.gowit().send(source, path: "/events")
            #expect(first.status == 204, "seed \(seed), round \(round): \(first.answer)\n\(source)")
            for line in first.lines {
                let (result, sent) = encode(line)
                #expect(result == .added)
                let second = DecoderHarness.gowit().send(sent, path: "/events")
                let isAssigned = text(source, "request_id")?.isEmpty ?? true
                #expect(
                    withoutID(second.lines.first ?? "", isAssigned) == withoutID(line, isAssigned),
                    "seed \(seed), round \(round)\n\(source)\n\(sent)")
                guard (member(source, "ad_ids") as? [Any])?.isEmpty ?? true else { continue }
                #expect(
                    foundation(sent) == foundation(source), "seed \(seed), round \(round)\n\(source)\n\(sent)"
                )
            }
        }
    }

    private func withoutID(_ line: String, _ isAssigned: Bool) -> NSDictionary? {
        guard var event = foundation(line) as? [String: Any] else { return nil }
        if isAssigned { event["id"] = nil }
        return event as NSDictionary
    }

    @Test(arguments: Fixture.all("gowit").filter { $0.status == 204 && $0.name != "sdk_viewable" })
    func roundTrip(_ fixture: Fixture) {
        for line in fixture.events {
            let (result, sent) = encode(line)
            #expect(result == .added)
            let again = DecoderHarness.gowit().send(sent, path: "/events")
            #expect(again.status == 204, "\(again.answer)")
            let isAssigned = member(line, "ext.gowit.request_id") == nil
            var expected = withoutID(line, isAssigned) as? [String: Any] ?? [:]
            if var ext = (expected["ext"] as? [String: Any])?["gowit"] as? [String: Any] {
                ext["redirect"] = nil
                ext["no_redirect"] = nil
                // The SDK's query names no marketplace: the destination's is sent.
                if ext["marketplace_id"] == nil { ext["marketplace_id"] = "dest" }
                expected["ext"] = ["gowit": ext]
            } else {
                expected["ext"] = ["gowit": ["marketplace_id": "dest"]]
            }
            #expect(withoutID(again.lines.first ?? "", isAssigned) == expected as NSDictionary)
        }
    }

    @Test func aPurchaseOfAnotherPlatform() {
        let (result, sent) = encode(
            line(
                #""occurred_at":"2026-01-01T00:00:00.000Z","session_id":"s","user":{"id":"u","customer_id":"c"},"ad":{"placement_id":"pl"},\#(items),"context":{"location_id":"l"},"ext":{"native":{"a":1},"topsort":{"b":2}}"#
            ))
        #expect(result == .added)
        #expect(
            sent
                == #"{"event_type":"sale","session_id":"s","marketplace_id":"dest","placement_id":"pl","customer_id":"c","location_id":"l","time":"2026-01-01T00:00:00.000Z","sales":[{"advertiser_id":"v","product_id":"p","unit_price":12.50,"quantity":2,"brand":"b","retailer_taxonomy":"c"},{"advertiser_id":"w","product_id":"k","unit_price":0,"quantity":1}]}"#
        )
    }

    @Test(arguments: ["physical store", "OFFLINE", "offline"])
    func aPurchaseInAStore(_ channel: String) {
        let order = items.replacingOccurrences(of: "\"id\":\"o\"", with: "\"channel\":\"\(channel)\"")
        let (result, sent) = encode(line("\"session_id\":\"s\",\"user\":{\"id\":\"u\"},\(order)"))
        #expect(result == .added)
        #expect(text(sent, "channel") == "OFFLINE")
        #expect(text(sent, "customer_id") == "u")
        #expect(text(sent, "sale_date") == "2026-01-02T03:04:05.678Z")
        #expect(member(sent, "session_id") == nil)
        #expect(encode(line(order)).0 == .missing(["user.customer_id"]))
    }

    @Test func namesWhatIsMissing() {
        #expect(encode(line("")).0 == .missing(["session_id", "order.items"]))
        #expect(
            encode(line(""), marketplace: "").0
                == .missing(["session_id", "ext.gowit.marketplace_id", "order.items"]))
        #expect(
            encode(
                line(
                    #""session_id":"s","order":{"items":[{"name":"n"},{"product_id":"p","seller_id":"","quantity":1,"unit_price":1}]}"#
                )
            ).0
                == .missing([
                    "order.items[0].seller_id", "order.items[0].product_id", "order.items[0].unit_price",
                    "order.items[0].quantity", "order.items[1].seller_id",
                ]))
        #expect(encode(line(#""session_id":"s""#, type: "click")).0 == .missing(["ad.id"]))
        #expect(encode(line(#""ad":{"id":"a"}"#, type: "viewable_impression")).0 == .missing(["session_id"]))
    }

    @Test(arguments: [
        ("page_view", ""), ("click", #""network":"topsort","session_id":"s","ad":{"id":"a"}"#),
        (
            "purchase",
            #""session_id":"s","order":{"items":[{"product_id":"p","seller_id":"v","quantity":0,"unit_price":1}]}"#
        ),
        (
            "purchase",
            #""session_id":"s","order":{"items":[{"product_id":"p","seller_id":"v","quantity":1,"unit_price":-1}]}"#
        ),
        (
            "purchase",
            #""session_id":"s","order":{"items":[{"product_id":"p","seller_id":"v","quantity":1,"unit_price":1e9999999999}]}"#
        ),
        ("purchase", #""order":7"#),
    ])
    func saysWhatIsUnfit(_ type: String, _ members: String) {
        guard case .unfit(let reason) = encode(line(members, type: type)).0 else {
            Issue.record("taken")
            return
        }
        #expect(!reason.isEmpty)
    }

    @Test func aPriceFollowsFromALinesTotal() {
        func order(_ quantity: String) -> String {
            line(
                "\"session_id\":\"s\",\"order\":{\"items\":[{\"product_id\":\"p\",\"seller_id\":\"v\",\"quantity\":\(quantity),\"line_total\":10.00}]}"
            )
        }
        let (result, sent) = encode(order("4"))
        #expect(result == .added)
        #expect(sent.contains(#""unit_price":2.5,"quantity":4"#))
        #expect(
            encode(order("3")).0
                == .unfit("order.items[0].unit_price is missing, and line_total cannot be divided exactly"))
    }

    @Test func autoImpression() {
        let impression = line(#""network":"gowit","session_id":"s","ad":{"id":"a"}"#, type: "impression")
        #expect(encode(impression).0 == .added)
        guard case .unfit = encode(impression, forwards: false).0 else {
            Issue.record("sent")
            return
        }
        for (type, network, auto, takes) in [
            (EventType.impression, "gowit", true, false), (.impression, "gowit", false, true),
            (.impression, "", false, false), (.viewableImpression, "gowit", true, true),
            (.click, "gowit", true, true),
            (.click, "vtex", false, false), (.purchase, "", true, true), (.pageView, "", false, false),
        ] {
            let encoder = GowitEncoder(marketplaceID: "m", forwardsImpressions: !auto)
            #expect(Array(network.utf8).withBytes { encoder.takes(type: type, network: $0) } == takes)
        }
    }

    /// An `ext.gowit` that no decoder of ours wrote cannot say anything twice.
    @Test func anyExtensionIsMergedOnce() {
        let (result, sent) = encode(
            line(
                #""session_id":"s",\#(items),"ext":{"gowit":{"session_id":"x","event_type":"click","marketplace_id":{"a":1},"sales":[1],"ad_id":"z","redirect":"r","a\"b":"\r\n"}}"#
            ))
        #expect(result == .added)
        #expect(text(sent, "session_id") == "s")
        #expect(text(sent, "event_type") == "sale")
        #expect(text(sent, "marketplace_id") == "dest")
        #expect(text(sent, "ad_id") == "z")
        #expect(member(sent, "redirect") == nil)
        #expect((foundation(sent) as? [String: Any])?["a\"b"] as? String == "\r\n")
        let hasNoDuplicates = Array(sent.utf8).withBytes { bytes in
            var reader = JSONReader(bytes, scratch: JSONScratch())
            return (try? reader.skipValue()) != nil
        }
        #expect(hasNoDuplicates)
    }

    @Test func oneEventPerRequest() {
        let encoder = GowitEncoder(marketplaceID: "m")
        encoder.begin(now: 0)
        let click = Array(line(#""session_id":"s","ad":{"ids":["a","b"]}"#, type: "click").utf8)
        #expect(click.withBytes { encoder.add($0) } == .added)
        #expect(click.withBytes { encoder.add($0) } == .full)
        var request = OutgoingRequest()
        encoder.finish(into: &request)
        #expect(member(request.body.bytes.string, "ad_ids") as? [String] == ["a", "b"])
    }

    @Test(arguments: [
        (200, "", Verdict.delivered), (204, "", .delivered), (202, "x", .delivered),
        (200, #"{"message":"ok"}"#, .delivered), (200, #"{"message":"ok","code":0,"details":null}"#, .delivered),
        (200, #"{"message":"no","code":"bad_ad"}"#, .rejected(reason: "HTTP 200: no")),
        (202, #"{"code":"bad_ad"}"#, .rejected(reason: "HTTP 202: bad_ad")),
        (200, #"{"message":"no","details":{}}"#, .rejected(reason: "HTTP 200: no")),
        (200, #"{"details":[]}"#, .rejected(reason: #"HTTP 200: {"details":[]}"#)),
        (
            200, #"{"message":"bad","details":{"ad_id":"is unknown"}}"#,
            .rejected(reason: "HTTP 200: bad (ad_id: is unknown)")
        ),
        (403, "", .retry(afterSeconds: nil, reason: "HTTP 403")),
        (
            400, #"{"message":"no \"ad\"","code":"c","details":{"ad_id":"is wrong","x":1}}"#,
            .rejected(reason: "HTTP 400: no \"ad\" (ad_id: is wrong)")
        ),
        (422, #"{"code":"c"}"#, .rejected(reason: "HTTP 422: c")), (400, "", .rejected(reason: "HTTP 400")),
        (400, "{\"message\":", .rejected(reason: "HTTP 400: {\"message\":")),
        (413, "", .rejected(reason: "HTTP 413")),
        (401, "", .retry(afterSeconds: nil, reason: "HTTP 401")),
        (429, "", .retry(afterSeconds: nil, reason: "HTTP 429")),
        (503, "", .retry(afterSeconds: nil, reason: "HTTP 503")),
    ])
    func readsAnswers(_ status: Int, _ body: String, _ verdict: Verdict) {
        let answer = UpstreamAnswer(status: status, body: Array(body.utf8))
        #expect(GowitEncoder(marketplaceID: "m").classify(answer, eventCount: 1) == verdict)
    }
}

/// Events as GoWit documents them, and members it does not.
enum RandomGowit {
    static func event(_ generator: inout SeededGenerator) -> String {
        let type = ["impression", "viewable_impression", "click", "sale"].randomElement(using: &generator)!
        var members = ["\"event_type\":\"\(type)\""]
        members.append(
            "\"marketplace_id\":"
                + (Bool.random(using: &generator)
                    ? "\(Int.random(in: 0...99_999, using: &generator))" : string(&generator)))
        func maybe(_ name: String, _ value: String) {
            if Bool.random(using: &generator) { members.append("\"\(name)\":\(value)") }
        }
        let isOffline = type == "sale" && Int.random(in: 0..<3, using: &generator) == 0
        if isOffline {
            members.append("\"channel\":\"OFFLINE\"")
            members.append("\"sale_date\":\"2026-01-0\(Int.random(in: 1...9, using: &generator))\"")
            members.append("\"customer_id\":\(string(&generator))")
            maybe("session_id", perhapsNone(&generator))
        } else {
            members.append("\"session_id\":\(string(&generator))")
            if type == "sale" {
                maybe("channel", ["\"ONLINE\"", "null", "\"\""].randomElement(using: &generator)!)
                maybe("sale_date", ["null", "\"\""].randomElement(using: &generator)!)
            }
            maybe("customer_id", perhapsNone(&generator))
        }
        maybe("placement_id", perhapsNone(&generator))
        maybe("location_id", perhapsNone(&generator))
        maybe("request_id", perhapsNone(&generator))
        maybe(
            "time",
            ["null", "\"\"", "\"2026-01-02 03:04:05\"", "1767323045", "\"20260102T030405,5+0130\""].randomElement(
                using: &generator)!)
        maybe("unknown", "{\"a\":[1,2.50,\(string(&generator))]}")
        maybe("x\\n", "null")
        if type == "sale" {
            members.append(
                "\"sales\":["
                    + (0..<Int.random(in: 1...12, using: &generator)).map { _ in sale(&generator) }.joined(
                        separator: ",") + "]")
        } else if Int.random(in: 0..<3, using: &generator) == 0 {
            members.append(
                "\"ad_ids\":[" + (0..<3).map { _ in string(&generator) }.joined(separator: ",") + "]")
        } else {
            members.append("\"ad_id\":\(string(&generator))")
            maybe("ad_ids", ["null", "[]"].randomElement(using: &generator)!)
        }
        return "{\(members.shuffled(using: &generator).joined(separator: ","))}"
    }

    private static func sale(_ generator: inout SeededGenerator) -> String {
        var members = [
            "\"advertiser_id\":\(string(&generator))", "\"product_id\":\(string(&generator))",
            "\"unit_price\":\(["0", "12.50", "1e2", "0.10", "12345678901234567890.1234567890"].randomElement(using: &generator)!)",
            "\"quantity\":\(["1", "0.5", "3"].randomElement(using: &generator)!)",
        ]
        if Bool.random(using: &generator) { members.append("\"brand\":\(perhapsNone(&generator))") }
        if Bool.random(using: &generator) {
            members.append(
                "\"retailer_taxonomy\":" + [perhapsNone(&generator), "[\"a\",\"b\"]", "{\"id\":7}"].randomElement(
                    using: &generator)!)
        }
        if Bool.random(using: &generator) { members.append("\"gift\":\(string(&generator))") }
        return "{\(members.shuffled(using: &generator).joined(separator: ","))}"
    }

    /// What an optional property may hold, a value or none.
    private static func perhapsNone(_ generator: inout SeededGenerator) -> String {
        ["null", "\"\"", string(&generator), string(&generator)].randomElement(using: &generator)!
    }

    /// A JSON string with at least one character, of every sort.
    static func string(_ generator: inout SeededGenerator) -> String {
        let parts = [
            "a", "Z", "0", " ", "é", "😀", "\\\"", "\\\\", "\\/", "\\r\\n", "\\u0041", "\\ud83d\\ude00",
            "\u{202E}", "=", "&", "%41", "+",
        ]
        return "\""
            + (0..<Int.random(in: 1...12, using: &generator)).map { _ in
                parts.randomElement(using: &generator)!
            }.joined() + "\""
    }
}
