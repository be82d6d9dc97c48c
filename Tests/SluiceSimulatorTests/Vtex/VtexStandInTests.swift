import SluiceSimulator
import Testing

@Suite struct VtexStandInTests {
    private static let hash = String(repeating: "ab", count: 32)
    private static let conversion =
        #"{"publisher_id":"pub","user_id":"u","session_id":"s","order_id":"o1","#
        + #""created_at":"2026-01-02T03:04:05Z","channel":"ecommerce","email_hashed":"\#(hash)","#
        + #""items":[{"sku":"k","quantity":2,"price":10.5,"promotional_price":9,"seller_id":null}]}"#
    private let platform = VtexStandIn(publisher: "pub")

    private static func target(_ kind: String = "click") -> String {
        VtexStandIn.target(
            kind: kind, ad: "ad-1", publisher: "pub",
            query: "campaign_id=7&requested_at=2026-01-02T03%3A04Z&x=%7e~")
    }

    private func judge(
        _ target: String, _ body: String, contentType: String = "application/json", method: String = "POST"
    ) -> Judgement {
        let parts = target.split(separator: "?", maxSplits: 1).map(String.init)
        return platform.judge(
            StandInRequest(
                method: method, path: parts[0], query: parts.count > 1 ? parts[1] : "",
                headers: [("content-type", contentType)], body: Array(body.utf8)), nowMilliseconds: 0)
    }

    private func errors(_ judgement: Judgement) throws -> [PlainJSON] {
        #expect(judgement.answer.status == 422 && judgement.recorded.isEmpty)
        let document = try #require(PlainJSON(judgement.answer.body))
        return try #require(document.elements)
    }

    private func judge(conversion: String) -> Judgement { judge("/v1/beacon/conversion", conversion) }

    @Test(arguments: ["impression", "view", "click"])
    func `an ad event is taken with one id or two, as JSON and as a form`(kind: String) {
        for (body, type) in [
            (#"{"session_id":"s","user_id":"u"}"#, "application/json"),
            (#"{"session_id":"s"}"#, "text/plain"),
            (#"{"user_id":"u","more":1}"#, "application/json; charset=utf-8"),
            ("session_id=s&user_id=u%40x", "application/x-www-form-urlencoded;charset=UTF-8"),
        ] {
            let judgement = judge(Self.target(kind), body, contentType: type)
            #expect(judgement.refusal == nil && judgement.answer.status == 202)
            #expect(judgement.recorded == ["/v1/beacon/\(kind)/ad-1"])
            #expect(
                String(decoding: judgement.answer.body, as: UTF8.self)
                    == "{\"messages\":[\"\(kind) will be processed soon\"]}")
        }
    }

    @Test func `one changed byte of the URL breaks its signature`() {
        let body = #"{"session_id":"s"}"#
        let target = Self.target()
        for changed in [
            target.replacing("%3A", with: "%3a"), target.replacing("%7e", with: "~"),
            target.replacing("campaign_id=7", with: "campaign_id=8"), target.replacing("ad-1", with: "ad-2"),
            String(target.dropLast()), target + "&x=1", target.replacing("/click/", with: "/view/"),
        ] {
            #expect(changed != target)
            #expect(judge(changed, body).answer.status == 403, "\(changed)")
        }
    }

    @Test func `with both ids missing the three documented errors come`() throws {
        let found = try errors(judge(Self.target(), "{}"))
        #expect(
            found.map { $0["schemaPath"]?.string } == ["#/anyOf/0/required", "#/anyOf/1/required", "#/anyOf"])
        #expect(found[0]["params"]?["missingProperty"]?.string == "user_id")
        #expect(found[2]["message"]?.string == "must match a schema in anyOf")
        #expect(found[2]["instancePath"]?.string == "" && found[2]["params"] == .object([:]))
        let typed = try errors(judge(Self.target(), #"{"user_id":7}"#))
        #expect(typed.map { $0["instancePath"]?.string } == ["/user_id"])
        #expect(typed.map { $0["keyword"]?.string } == ["type"])
    }

    @Test func `a conversion is taken by its order id`() {
        let judgement = judge(conversion: Self.conversion)
        #expect(judgement.refusal == nil && judgement.recorded == ["o1"])
        #expect(
            String(decoding: judgement.answer.body, as: UTF8.self)
                == #"{"messages":["conversion will be processed soon"]}"#)
    }

    @Test func `an empty conversion lists what it lacks in the documented order`() throws {
        let found = try errors(judge(conversion: "{}"))
        #expect(
            found.map { $0["params"]?["missingProperty"]?.string } == [
                "user_id", "order_id", "publisher_id", "items", "created_at", "channel", "session_id",
                "email_hashed",
            ])
        #expect(found[0]["message"]?.string == "must have required property 'user_id'")
        #expect(found[0]["schemaPath"]?.string == "#/required" && found[0]["instancePath"]?.string == "")
    }

    @Test(arguments: [
        (#""price":10.5"#, #""price":"10.5""#, "/items/0/price", "type"),
        (#""quantity":2"#, #""quantity":-2"#, "/items/0/quantity", "minimum"),
        (#""promotional_price":9,"#, "", "/items/0", "required"),
        (#""seller_id":null"#, #""seller_id":5"#, "/items/0/seller_id", "type"),
        (#""sku":"k","#, "", "/items/0", "required"),
        (
            #""created_at":"2026-01-02T03:04:05Z""#, #""created_at":"2026-01-02T03:04:05+01:00""#,
            "/created_at", "format"
        ),
        (hash, "a@b.test", "/email_hashed", "pattern"),
        (#""user_id":"u""#, #""user_id":"""#, "/user_id", "minLength"),
        (#""user_id":"u""#, #""user_id":"u","gender":"X""#, "/gender", "enum"),
        (#""user_id":"u""#, #""user_id":"u","is_company":1"#, "/is_company", "type"),
        (#""user_id":"u""#, #""user_id":"u","email":"a@b""#, "", "additionalProperties"),
        (#""publisher_id":"pub""#, #""publisher_id":"other""#, "/publisher_id", "custom"),
    ])
    func `each rule has its error`(part: String, change: String, path: String, keyword: String) throws {
        let body = Self.conversion.replacing(part, with: change)
        #expect(body != Self.conversion)
        let found = try errors(judge(conversion: body))
        #expect(
            found.contains { $0["instancePath"]?.string == path && $0["keyword"]?.string == keyword },
            "\(found)")
    }

    @Test func `all errors come at once`() throws {
        let body = Self.conversion.replacing(#""user_id":"u","#, with: "").replacing("10.5", with: "true")
        #expect(try errors(judge(conversion: body)).count == 2)
        let empty = Self.conversion.prefix { $0 != "[" } + "[]}"
        #expect(try errors(judge(conversion: String(empty))).map { $0["keyword"]?.string } == ["minItems"])
    }

    @Test func `items are taken as real emitters write them`() {
        let emitted = Self.conversion.replacing(
            #""sku":"k","quantity":2,"price":10.5,"promotional_price":9,"#,
            with: #""product_sku":"k","quantity":2,"price":10.5,"#)
        #expect(emitted != Self.conversion)
        #expect(judge(conversion: emitted).refusal == nil)
        let unpriced = emitted.replacing(#""price":10.5,"#, with: "")
        #expect(judge(conversion: unpriced).answer.status == 422)
    }

    @Test func `optional properties pass`() {
        let more =
            #""user_id":"u","gender":null,"uf":"SP","city":"x","is_company":false,"phone_hashed":"\#(Self.hash)""#
        #expect(judge(conversion: Self.conversion.replacing(#""user_id":"u""#, with: more)).refusal == nil)
        let lenient = VtexStandIn(publisher: "pub", allowsUnknown: true)
        let request = StandInRequest(
            method: "POST", path: "/v1/beacon/conversion", headers: [("content-type", "application/json")],
            body: Array(Self.conversion.replacing(#""user_id":"u""#, with: #""user_id":"u","x":1"#).utf8))
        #expect(lenient.judge(request, nowMilliseconds: 0).refusal == nil)
        #expect(platform.judge(request, nowMilliseconds: 0).refusal != nil)
    }

    @Test func `paths, methods and bodies`() {
        #expect(judge("/v1/beacon/tap/a", "{}").answer.status == 404)
        #expect(judge("/v1/beacon/click/", "{}").answer.status == 404)
        #expect(judge("/v2/beacon/conversion", "{}").answer.status == 404)
        #expect(judge("/v1/beacon/conversion", "{}", method: "GET").answer.status == 405)
        #expect(judge(Self.target(), "{").answer.status == 400)
        #expect(judge(Self.target(), "<a/>", contentType: "text/xml").answer.status == 400)
    }
}
