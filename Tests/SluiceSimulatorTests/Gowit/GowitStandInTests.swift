import SluiceSimulator
import Testing

@Suite struct GowitStandInTests {
    private static let source = "7d0f3f0e-6f0b-4a53-9a6e-0c6c2f1f7f10"
    private let platform = GowitStandIn(key: "k", dataSource: source, marketplace: "17")
    private static let click =
        #"{"event_type":"click","session_id":"s","marketplace_id":"17","ad_id":"a","placement_id":3}"#
    private static let item = #"{"advertiser_id":"v","product_id":"p","unit_price":1.5,"quantity":2}"#
    private static let sale =
        #"{"event_type":"sale","session_id":"s","marketplace_id":17,"sales":[\#(item)]}"#

    private func judge(
        _ body: String, method: String = "POST", path: String = "/server/events", key: String? = "k",
        source: String? = GowitStandInTests.source, contentType: String = "application/json",
        platform: GowitStandIn? = nil
    ) -> Judgement {
        var headers: [(name: String, value: String)] = [("content-type", contentType)]
        if let key { headers.append(("authorization", key)) }
        if let source { headers.append(("data-source-uuid", source)) }
        return (platform ?? self.platform).judge(
            StandInRequest(method: method, path: path, headers: headers, body: Array(body.utf8)),
            nowMilliseconds: 0)
    }

    private func without(_ text: String, _ part: String) -> String {
        let result = text.replacing(part, with: "")
        #expect(result != text)
        return result
    }

    @Test func `ad events and sales are taken`() {
        let click = judge(Self.click)
        #expect(click.refusal == nil && click.answer.status == 204 && click.recorded == ["s/a/click"])
        #expect(judge(Self.click, contentType: "application/json; charset=utf-8").refusal == nil)
        #expect(judge(Self.sale).recorded == ["s/p/sale"])
        let ads = #"{"event_type":"impression","session_id":"s","marketplace_id":"17","ad_ids":["a","b"]}"#
        #expect(judge(ads).recorded == ["s/a/impression", "s/b/impression"])
    }

    @Test func `an offline sale has a customer and a date, and need not have a session`() {
        let offline =
            #"{"event_type":"sale","marketplace_id":"17","channel":"OFFLINE","customer_id":"c","#
            + #""sale_date":"2026-01-02T03:04:05Z","sales":[\#(Self.item)]}"#
        #expect(judge(offline).recorded == ["c/p/sale"])
        #expect(judge(without(offline, #""customer_id":"c","#)).answer.status == 400)
        #expect(judge(without(offline, #""sale_date":"2026-01-02T03:04:05Z","#)).answer.status == 400)
        #expect(judge(offline.replacing("2026-01-02T03:04:05Z", with: "soon")).answer.status == 400)
        #expect(judge(without(Self.sale, #""session_id":"s","#)).answer.status == 400)
    }

    private func sdk(_ method: String, _ target: String, _ body: String = "") -> Judgement {
        let halves = target.split(separator: "?", maxSplits: 1).map(String.init)
        return platform.judge(
            StandInRequest(
                method: method, path: "/server/sdk/" + halves[0], query: halves.count > 1 ? halves[1] : "",
                headers: [("content-type", "application/json")], body: Array(body.utf8)), nowMilliseconds: 0)
    }

    @Test(arguments: [
        ("type=click&session_id=s&ad_id=a&no_redirect=1", "s/a/click"),
        ("type=impression&ad_id=a+b%20c&no_redirect=1", "/a+b c/impression"),
        (
            "type=viewable_impression&session_id=s&ad_id=a&redirect=https://shop.example/?x=1&y=2",
            "s/a/viewable_impression"
        ),
        ("type=click&session_id=s&ad_id=100%", "s/100%/click"),
    ])
    func `the SDK's ad events bear no credential`(query: String, id: String) {
        let judgement = sdk("GET", "events?" + query)
        #expect(judgement.recorded == [id], "\(judgement)")
        #expect(judgement.answer.status == 204)
    }

    @Test(arguments: ["session_id=s&ad_id=a", "type=sale&ad_id=a", "type=click", "type=click&ad_id=a&surprise=1"])
    func `the SDK's bad ad events are refused`(query: String) {
        #expect(sdk("GET", "events?" + query).answer.status == 400)
    }

    @Test func `the SDK's sales name the marketplace in either way`() {
        let sale = #"{"session_id":"s","marketplace_uuid":"17","sales":[\#(Self.item)]}"#
        #expect(sdk("POST", "sale_events", sale).recorded == ["s/p/sale"])
        #expect(sdk("POST", "sale_events", sale.replacing("_uuid", with: "_id")).recorded == ["s/p/sale"])
        #expect(sdk("POST", "sale_events", sale.replacing("17", with: "18")).answer.status == 400)
        #expect(sdk("POST", "sale_events", without(sale, #""session_id":"s","#)).answer.status == 400)
        #expect(sdk("GET", "sale_events", sale).answer.status == 405)
        #expect(sdk("POST", "events?type=click&ad_id=a").answer.status == 405)
    }

    @Test(arguments: [
        (#""event_type":"click","#, "event_type"), (#""session_id":"s","#, "session_id"),
        (#""marketplace_id":"17","#, "marketplace_id"), (#""ad_id":"a","#, "ad_id"),
    ])
    func `a missing field is named in the details`(part: String, field: String) throws {
        let judgement = judge(without(Self.click, part))
        #expect(judgement.answer.status == 400 && judgement.recorded.isEmpty)
        let body = try #require(PlainJSON(judgement.answer.body))
        #expect(body["message"]?.string != nil && body["code"]?.string == "validation_error")
        #expect(body["details"]?[field]?.string == "\(field) is required")
    }

    @Test(arguments: [
        Self.click.replacing("\"click\"", with: "\"tap\""),
        Self.click.replacing("\"17\"", with: "\"18\""),
        Self.click.replacing("\"s\"", with: "7"),
        Self.click.replacing("\"s\"", with: "\"\""),
        Self.click.replacing("\"ad_id\"", with: "\"adId\""),
        Self.sale.replacing("[\(Self.item)]", with: "[]"),
        Self.sale.replacing("\"advertiser_id\":\"v\",", with: ""),
        Self.sale.replacing("1.5", with: "-1"),
        Self.sale.replacing("1.5", with: "\"1.5\""),
        Self.sale.replacing(":2}", with: ":0}"),
        "[]", "{", "",
    ])
    func `what breaks a rule is refused`(body: String) {
        let judgement = judge(body)
        #expect(judgement.answer.status == 400 && judgement.refusal != nil)
    }

    @Test func `key, data source, path, method and type are asked for`() {
        #expect(judge(Self.click, key: "Bearer k").answer.status == 401)
        #expect(judge(Self.click, key: nil).answer.status == 401)
        #expect(judge(Self.click, source: nil).answer.status == 400)
        #expect(judge(Self.click, source: "7d0f3f0e-0000-4a53-9a6e-0c6c2f1f7f10").answer.status == 401)
        #expect(judge(Self.click, method: "GET").answer.status == 405)
        #expect(judge(Self.click, path: "/events").answer.status == 404)
        #expect(judge(Self.click, contentType: "text/plain").answer.status == 415)
    }

    @Test func `with auto-impression an impression is a mistake, and a viewable one is none`() {
        let auto = GowitStandIn(key: "k", dataSource: Self.source, marketplace: "17", autoImpression: true)
        #expect(judge(Self.click.replacing("click", with: "impression"), platform: auto).answer.status == 400)
        #expect(
            judge(Self.click.replacing("click", with: "viewable_impression"), platform: auto).refusal == nil)
        #expect(judge(Self.click, platform: auto).refusal == nil)
    }

    @Test func `a free product may be sold`() {
        #expect(judge(Self.sale.replacing("1.5", with: "0")).refusal == nil)
    }

    @Test func `trouble has the documented form`() throws {
        let body = try #require(PlainJSON(platform.trouble(status: 429, message: "slow").body))
        #expect(body["message"]?.string == "slow" && body["details"] == .object([:]))
    }
}
