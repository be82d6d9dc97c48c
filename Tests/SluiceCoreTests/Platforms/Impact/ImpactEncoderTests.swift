import Foundation
import Testing

@testable import SluiceCore

@Suite struct ImpactEncoderTests {
    private func encoder() -> ImpactEncoder {
        let encoder = ImpactEncoder(accountSID: "IRsid1", campaignID: 1, eventTypeID: 2)
        encoder.begin(now: DecoderHarness.now)
        return encoder
    }

    private func add(_ line: String, to encoder: ImpactEncoder) -> EncodeResult {
        Array(line.utf8).withBytes { encoder.add($0) }
    }

    private func body(_ encoder: ImpactEncoder) -> String {
        var request = OutgoingRequest()
        encoder.finish(into: &request)
        #expect(request.headers == ["Accept: application/json"])
        let path = request.path.bytes.string
        #expect(path == "/Advertisers/IRsid1/Conversions")
        return request.body.bytes.string
    }

    /// The parameters as Foundation reads them; each name once.
    private func parse(_ form: String) -> [String: String] {
        var result: [String: String] = [:]
        for part in form.split(separator: "&", omittingEmptySubsequences: false) {
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard pair.count == 2, let name = pair[0].removingPercentEncoding,
                let value = pair[1].removingPercentEncoding
            else {
                Issue.record("not a parameter: \(part)")
                continue
            }
            #expect(result[name] == nil, "\(name) twice")
            result[name] = value
        }
        return result
    }

    private func line(_ members: String, platform: String = "native") -> String {
        "{\"id\":\"e\",\"type\":\"purchase\",\"received_at\":\"2026-01-02T03:04:05.678Z\",\"source\":\"s\",\"platform\":\"\(platform)\""
            + (members.isEmpty ? "" : "," + members) + "}"
    }

    /// Events of fixtures come back as the same events.
    @Test(arguments: Fixture.all("impact").filter { $0.status == 200 })
    func roundTrip(_ fixture: Fixture) {
        let lines = fixture.send(.impact()).lines
        let encoder = encoder()
        #expect(add(lines[0], to: encoder) == .added)
        let form = body(encoder)
        _ = parse(form)
        let again = DecoderHarness.impact().send(
            form, path: ImpactDecoderTests.path, contentType: ImpactDecoderTests.form)
        // Numbers and truth values of JSON are text in a form.
        func normalized(_ line: String) -> NSDictionary {
            var event = foundation(line) as? [String: Any] ?? [:]
            var more = (event["ext"] as? [String: Any])?["impact"] as? [String: Any] ?? [:]
            for (name, value) in more where value is NSNumber { more[name] = name == "Custom" ? "true" : "\(value)" }
            event["ext"] = more
            return event as NSDictionary
        }
        #expect(again.lines.map(normalized) == lines.map(normalized))
    }

    /// Random valid conversions go back parameter for parameter.
    @Test func roundTripOfRandomConversions() {
        let seed: UInt64 = 20_260_104
        var generator = SeededGenerator(seed: seed)
        for round in 0..<300 {
            let parameters = RandomImpact.conversion(&generator)
            let form = parameters.map { "\(RandomImpact.escaped($0.0))=\(RandomImpact.escaped($0.1))" }.joined(
                separator: "&")
            let outcome = DecoderHarness.impact().send(
                form, path: ImpactDecoderTests.path, contentType: ImpactDecoderTests.form)
            #expect(outcome.status == 200, "seed \(seed), round \(round): \(outcome.answer)\n\(form)")
            guard let line = outcome.lines.first else { continue }
            let encoder = encoder()
            #expect(add(line, to: encoder) == .added)
            #expect(
                parse(body(encoder)) == Dictionary(parameters, uniquingKeysWith: { first, _ in first }),
                "seed \(seed), round \(round)\n\(form)")
        }
    }

    @Test func aPurchaseOfAnotherPlatform() {
        let encoder = encoder()
        let event = line(
            #""user":{"customer_id":"c&d=é"},"ad":{"click_id":"other"},"network":"gowit","order":{"id":"o","currency":"EUR","promo_code":"P","discount":1.50,"items":[{"product_id":"p","quantity":3,"unit_price":19.99},{"sku":"s","quantity":2,"line_total":5.00,"unit_price":2.5,"discount":0.1}]}"#
        )
        #expect(add(event, to: encoder) == .added)
        #expect(
            body(encoder)
                == "CampaignId=1&EventTypeId=2&EventDate=2026-01-02T03%3A04%3A05.678Z&OrderId=o&CustomerId=c%26d%3D%C3%A9&OrderPromoCode=P&CurrencyCode=EUR&OrderDiscount=1.50&ItemSku1=p&ItemQuantity1=3&ItemSubTotal1=59.97&ItemSku2=s&ItemQuantity2=2&ItemSubTotal2=5.00&ItemTotalDiscount2=0.1"
        )
        #expect(add(event, to: encoder) == .full)
    }

    /// Campaign and event type of an account mean nothing, or something else, in another.
    @Test(arguments: ["EventTypeId", "ActionTrackerId", "EventTypeCode"])
    func aConversionOfAnotherAccount(_ type: String) {
        let event = line(
            #""ad":{"click_id":"c"},"order":{"id":"o"},"ext":{"impact":{"CampaignId":"7","\#(type)":"8","Note":"n"}}"#,
            platform: "impact")
        for (others, campaign) in [([], "7"), (["t"], "7"), (["s", "t"], "1")] {
            let encoder = ImpactEncoder(
                accountSID: "IRsid1", campaignID: 1, eventTypeID: 2, otherAccounts: others)
            encoder.begin(now: DecoderHarness.now)
            #expect(add(event, to: encoder) == .added)
            var expected = ["EventDate": "2026-01-02T03:04:05.678Z", "OrderId": "o", "ClickId": "c", "Note": "n"]
            expected["CampaignId"] = campaign
            expected[campaign == "7" ? type : "EventTypeId"] = campaign == "7" ? "8" : "2"
            #expect(parse(body(encoder)) == expected)
        }
    }

    @Test func namesWhatIsMissing() {
        #expect(
            add(line(""), to: encoder())
                == .missing(["order.id", "ad.click_id", "user.customer_id", "order.promo_code"]))
        #expect(
            add(line(#""ad":{"click_id":"c"},"order":{"id":"o","items":[{"sku":"s"}]}"#), to: encoder())
                == .missing(["order.items[0].unit_price"]))
        #expect(add(line(#""order":{"id":"o"},"ext":{"impact":{"CallerId":"+1"}}"#), to: encoder()) == .added)
    }

    @Test(arguments: [
        "\"ad\":{\"click_id\":\"c\"},\"order\":{\"id\":\"\(String(repeating: "o", count: 65))\"}",
        "\"ad\":{\"click_id\":\"\(String(repeating: "c", count: 65))\"},\"order\":{\"id\":\"o\"}",
        #""ad":{"click_id":"c"},"order":{"id":"o","items":[{"quantity":1234567890123456789.1,"unit_price":1234567890123456789.1}]}"#,
        #""user":7"#,
    ])
    func saysWhatIsUnfit(_ members: String) {
        guard case .unfit = add(line(members), to: encoder()) else {
            Issue.record("taken")
            return
        }
    }

    @Test func nothingBreaksOut() {
        let encoder = encoder()
        #expect(
            add(
                line(
                    #""ad":{"click_id":"a&CampaignId=9\r\nX: y"},"order":{"id":"o=&%"},"ext":{"impact":{"a=b&c":"\u202e\u0000","o":{"x":1},"l":[1],"n":null}}"#
                ), to: encoder) == .added)
        let form = body(encoder)
        #expect(form.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F })
        let parsed = parse(form)
        #expect(parsed["CampaignId"] == "1")
        #expect(parsed["ClickId"] == "a&CampaignId=9\r\nX: y")
        #expect(parsed["a=b&c"] == "\u{202E}\0")
        #expect(Set(parsed.keys) == ["CampaignId", "EventTypeId", "EventDate", "OrderId", "ClickId", "a=b&c"])
    }

    // MARK: answers

    @Test(arguments: [
        (200, #"{"Status":"QUEUED","QueuedUri":"/x"}"#, Verdict.delivered),
        (200, #"{"ActionId":"1.2.3","ActionUri":"/x"}"#, .delivered),
        (
            200, #"{"Status":"ERROR","Message":"Validation Failed","Errors":[{"Field":"OrderId","Message":"is bad"}]}"#,
            .rejected(reason: "HTTP 200: Validation Failed; OrderId: is bad")
        ),
        (
            400,
            #"{"Status":"ERROR","Message":"Validation Failed","Errors":[{"Field":"A","Message":"b"},{"Field":"C","Message":"d"}]}"#,
            .rejected(reason: "HTTP 400: Validation Failed; A: b; C: d")
        ),
        (
            400, #"{"Status":"ERROR","errors":[{"field":"A","level":"ERROR","message":"b"}]}"#,
            .rejected(reason: "HTTP 400: ERROR; A: b")
        ),
        (400, "", .rejected(reason: "HTTP 400")),
        (200, "<html>", .deliveredNoting("HTTP 200: <html>")), (201, "", .deliveredNoting("HTTP 201")),
        (204, "", .deliveredNoting("HTTP 204")), (202, #"{"a":1}"#, .deliveredNoting(#"HTTP 202: {"a":1}"#)),
        (201, #"{"Status":"ERROR"}"#, .rejected(reason: "HTTP 201: ERROR")),
        (401, "", .retry(afterSeconds: nil, reason: "HTTP 401")),
        (402, "", .retry(afterSeconds: nil, reason: "HTTP 402")),
        (403, "", .retry(afterSeconds: nil, reason: "HTTP 403")),
        (404, "", .retry(afterSeconds: nil, reason: "HTTP 404")),
        (405, "", .retry(afterSeconds: nil, reason: "HTTP 405")),
        (500, "", .retry(afterSeconds: nil, reason: "HTTP 500")),
        (503, #"{"Status":"QUEUED"}"#, .retry(afterSeconds: nil, reason: #"HTTP 503: {"Status":"QUEUED"}"#)),
        (413, "", .rejected(reason: "HTTP 413")),
    ])
    func readsAnswers(_ status: Int, _ body: String, _ verdict: Verdict) {
        #expect(encoder().classify(UpstreamAnswer(status: status, body: Array(body.utf8)), eventCount: 1) == verdict)
    }

    @Test func waitsAsLongAsTheLimitSays() {
        let answer = UpstreamAnswer(status: 429, headers: [("x-ratelimit-reset", "37")])
        #expect(encoder().classify(answer, eventCount: 1) == .retry(afterSeconds: 37, reason: "HTTP 429"))
    }
}

/// Conversions as impact.com documents them, by the names under which they go back.
enum RandomImpact {
    static func conversion(_ generator: inout SeededGenerator) -> [(String, String)] {
        var result: [(String, String)] = [
            ("CampaignId", "\(Int.random(in: 1...9_999, using: &generator))"),
            ("EventDate", "2026-01-02T03:04:05.678Z"), ("OrderId", string(&generator)),
            [("EventTypeId", "7"), ("ActionTrackerId", "8"), ("EventTypeCode", string(&generator))].randomElement(
                using: &generator)!,
        ]
        let keys = [
            "ClickId", "CustomerId", "CustomProfileId", "OrderPromoCode", "MediaId", "MediaPartnerId", "UniqueUrl",
            "CallerId", "GoogAId",
            "AndroidId", "AppleIfa", "AppleIfv",
        ]
        var given = Set([keys.randomElement(using: &generator)!])
        for key in keys where Int.random(in: 0..<4, using: &generator) == 0 { given.insert(key) }
        if given.contains("MediaId") { given.remove("MediaPartnerId") }
        for key in keys where given.contains(key) { result.append((key, string(&generator))) }
        func maybe(_ name: String, _ value: String) {
            if Bool.random(using: &generator) { result.append((name, value)) }
        }
        for name in [
            "CustomerStatus", "CustomerCity", "CustomerRegion", "CustomerCountry", "CustomerPostCode", "UserAgent",
            "SubId1", "SubId2", "SubId3", "SharedId", "Note", "Text1", "Ünknown &=%",
        ] {
            maybe(name, string(&generator))
        }
        for name in ["OrderShipping", "OrderTax", "OrderDiscount"] { maybe(name, RandomNative.decimal(&generator)) }
        maybe("CurrencyCode", "USD")
        maybe("IpAddress", "203.0.113.0")
        maybe(
            "CustomerEmail",
            Bool.random(using: &generator) ? VtexDecoderTests.hash : String(VtexDecoderTests.hash.prefix(40)))
        for number in 1...Int.random(in: 1...4, using: &generator) {
            // Without any parameter there would be a gap.
            result.append(("ItemSku\(number)", string(&generator)))
            maybe("ItemQuantity\(number)", ["1", "3", "0.5"].randomElement(using: &generator)!)
            let price = Bool.random(using: &generator) ? "ItemPrice" : "ItemSubTotal"
            maybe(
                "\(price)\(number)",
                ["0", "19.10", "12345678901234567890.123456", "1e2"].randomElement(using: &generator)!)
            for name in ["ItemName", "ItemCategory", "ItemSubCategory", "ItemBrand", "ItemMpn", "ItemPromoCode"] {
                maybe("\(name)\(number)", string(&generator))
            }
            for name in ["ItemDiscount", "ItemTotalDiscount"] {
                maybe("\(name)\(number)", "\(Int.random(in: -1...9, using: &generator)).05")
            }
        }
        return result.shuffled(using: &generator)
    }

    /// At least one character, of every sort.
    private static func string(_ generator: inout SeededGenerator) -> String {
        let parts = ["a", "Z", "0", " ", "é", "😀", "\"", "\\", "\r\n", "\u{202E}", "=", "&", "%", "+", "#"]
        return (0..<Int.random(in: 1...10, using: &generator)).map { _ in parts.randomElement(using: &generator)! }
            .joined()
    }

    static func escaped(_ text: String) -> String { text.addingPercentEncoding(withAllowedCharacters: .alphanumerics)! }
}
