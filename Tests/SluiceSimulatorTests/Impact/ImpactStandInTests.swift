import SluiceSimulator
import Testing

@Suite struct ImpactStandInTests {
    private static let good =
        "CampaignId=1000&EventDate=2026-01-02T03%3A04%3A05Z&OrderId=o1&EventTypeId=9876&ClickId=c1"
        + "&CurrencyCode=EUR&ItemSku1=a&ItemQuantity1=2&ItemSubTotal1=19.80&ItemSku2=b&ItemSubTotal2=5"
    private let platform = ImpactStandIn(account: "IRsid1", token: "t")

    private func judge(
        _ body: String, method: String = "POST", path: String = "/Advertisers/IRsid1/Conversions",
        credential: String? = ImpactStandIn.credential(account: "IRsid1", token: "t"),
        contentType: String = "application/x-www-form-urlencoded", accept: String? = "application/json",
        platform: ImpactStandIn? = nil
    ) -> Judgement {
        var headers: [(name: String, value: String)] = [("content-type", contentType)]
        if let credential { headers.append(("authorization", credential)) }
        if let accept { headers.append(("accept", accept)) }
        return (platform ?? self.platform).judge(
            StandInRequest(method: method, path: path, headers: headers, body: Array(body.utf8)),
            nowMilliseconds: 0)
    }

    private func json(_ judgement: Judgement) throws -> PlainJSON {
        try #require(PlainJSON(judgement.answer.body))
    }

    private func with(_ name: String, _ value: String?) -> String {
        var parts = Self.good.split(separator: "&").map(String.init)
        parts.removeAll { $0.hasPrefix(name + "=") }
        return (parts + (value.map { ["\(name)=\($0)"] } ?? [])).joined(separator: "&")
    }

    private func fields(_ judgement: Judgement) throws -> [String?] {
        #expect(judgement.answer.status == 400 && judgement.recorded.isEmpty)
        let body = try json(judgement)
        #expect(body["Status"]?.string == "ERROR" && body["Message"]?.string == "Validation Failed")
        return (body["Errors"]?.elements ?? []).map { $0["Field"]?.string }
    }

    @Test func `a conversion is queued, and can be asked for`() throws {
        let judgement = judge(Self.good)
        #expect(judgement.refusal == nil && judgement.answer.status == 200 && judgement.recorded == ["o1"])
        let body = try json(judgement)
        #expect(body["Status"]?.string == "QUEUED")
        let uri = try #require(body["QueuedUri"]?.string)
        #expect(uri.hasPrefix("/Advertisers/IRsid1/APISubmissions/A-"))
        let status = judge("", method: "GET", path: uri)
        #expect(status.answer.status == 200 && status.recorded.isEmpty)
        #expect(try json(status)["OrderId"]?.string == "o1")
        #expect(try json(status)["Status"]?.string == "Complete")
        #expect(judge("", method: "GET", path: uri + "0").answer.status == 404)
    }

    @Test func `it can answer with an action, and with an error inside a success`() throws {
        let action = ImpactStandIn(account: "IRsid1", token: "t", success: .action)
        #expect(try json(judge(Self.good, platform: action))["ActionId"]?.string != nil)
        let inside = ImpactStandIn(account: "IRsid1", token: "t", errorForm: .insideSuccess)
        let bad = judge(with("OrderId", nil), platform: inside)
        #expect(bad.answer.status == 200 && bad.refusal != nil && bad.recorded.isEmpty)
        #expect(try json(bad)["Status"]?.string == "ERROR")
        let other = ImpactStandIn(account: "IRsid1", token: "t", errorForm: .errors)
        let errors = try json(judge(with("OrderId", nil), platform: other))["errors"]?.elements
        #expect(errors?.first?["field"]?.string == "OrderId" && errors?.first?["level"] != nil)
    }

    @Test(arguments: ["CampaignId", "EventDate", "OrderId", "EventTypeId", "ClickId"])
    func `what is required is named`(name: String) throws {
        #expect(try fields(judge(with(name, nil))) == [name])
        #expect(try fields(judge(with(name, ""))) == [name])
    }

    @Test func `aliases and alternatives do as well`() {
        #expect(judge(with("OrderId", nil) + "&Oid=o9").recorded == ["o9"])
        #expect(judge(with("EventTypeId", nil) + "&ActionTrackerId=5").refusal == nil)
        #expect(judge(with("EventTypeId", nil) + "&EventTypeCode=SALE").refusal == nil)
        for key in [
            "CustomerId", "CustomProfileId", "OrderPromoCode", "PromoCode", "MediaId", "MediaPartnerId",
            "UniqueUrl", "CallerId", "GoogAId", "AndroidId", "AppleIfa", "AppleIfv",
        ] {
            #expect(judge(with("ClickId", nil) + "&\(key)=x").refusal == nil, "\(key)")
        }
        #expect(judge(with("EventDate", "NOW")).refusal == nil)
        #expect(judge(Self.good + "&MyOwnKey=1&SubId1=x&Text1=y").refusal == nil)
    }

    @Test(arguments: [
        ("CampaignId", "x", "CampaignId"), ("EventDate", "soon", "EventDate"),
        ("OrderId", String(repeating: "o", count: 65), "OrderId"),
        ("ClickId", String(repeating: "c", count: 65), "ClickId"),
        ("CustomerId", String(repeating: "c", count: 256), "CustomerId"),
        ("CurrencyCode", "euro", "CurrencyCode"), ("OrderTax", "1,5", "OrderTax"),
        ("CustomerEmail", "a%40b.test", "CustomerEmail"), ("ItemSubTotal1", "free", "ItemSubTotal1"),
        ("ItemSku4", "d", "ItemSku3"), ("ItemSku0", "d", "ItemSku0"), ("ItemPrice1", "1", "ItemPrice1"),
    ])
    func `a wrong value is named`(name: String, value: String, field: String) throws {
        #expect(try fields(judge(with(name, value))) == [field])
    }

    @Test func `both media are too many, and so is a key given twice`() throws {
        #expect(try fields(judge(Self.good + "&MediaId=1&MediaPartnerId=2")) == ["MediaId"])
        #expect(try fields(judge(Self.good + "&CampaignId=1")) == ["CampaignId"])
        #expect(judge(Self.good + "&ItemSubTotal=1&ItemSubTotal=2").refusal == nil)
    }

    @Test(arguments: [
        ("&ItemSku=a&ItemSubTotal=9.90&ItemSku=b&ItemSubTotal=5", []),
        ("&ItemSku=a&ItemSubTotal=x", ["ItemSubTotal"]),
        ("&ItemSku=a&ItemPrice=1&ItemSubTotal=1", ["ItemPrice"]),
    ])
    func `items without numbers go by their order`(items: String, wrong: [String]) throws {
        let order = "CampaignId=1000&EventDate=NOW&OrderId=o1&EventTypeId=9876&ClickId=c1"
        let judgement = judge(order + items)
        if wrong.isEmpty { #expect(judgement.refusal == nil) } else { #expect(try fields(judgement) == wrong) }
    }

    @Test func `the same keys as JSON`() {
        let body =
            #"{"CampaignId":1000,"EventDate":"NOW","OrderId":"o2","EventTypeId":9876,"CustomerId":"c","ItemSubTotal1":1.5}"#
        #expect(judge(body, contentType: "application/json").recorded == ["o2"])
        #expect(judge("[]", contentType: "application/json").answer.status == 400)
        #expect(judge("a=b c").answer.status == 400)
    }

    @Test func `account, token, campaign, path and method are asked for`() throws {
        #expect(judge(Self.good, credential: nil).answer.status == 401)
        #expect(judge(Self.good, credential: "Basic SVJzaWQxOnU=").answer.status == 401)
        #expect(judge(Self.good, path: "/Advertisers/IRsid2/Conversions").answer.status == 404)
        #expect(judge(Self.good, method: "PUT").answer.status == 405)
        let one = ImpactStandIn(account: "IRsid1", token: "t", campaign: 7)
        #expect(try fields(judge(Self.good, platform: one)) == ["CampaignId"])
        // base64("IRsid1:t"), from another tool.
        #expect(ImpactStandIn.credential(account: "IRsid1", token: "t") == "Basic SVJzaWQxOnQ=")
    }

    @Test func `who does not ask for JSON gets XML`() {
        let judgement = judge(Self.good, accept: nil)
        #expect(judgement.recorded == ["o1"])
        #expect(PlainJSON(judgement.answer.body) == nil)
        #expect(judgement.answer.headers.first { $0.name == "content-type" }?.value == "text/xml")
    }
}
