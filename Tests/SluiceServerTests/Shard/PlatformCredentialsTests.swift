import SluiceCore
import SluiceServer
import Testing

@Suite struct PlatformCredentialsTests {
    private static let id = "7d0f3f0e-6f0b-4a53-9a6e-0c6c2f1f7f10"

    private static var shop: SourceSettings {
        var source = SourceSettings.keyed("shop", "key-1")
        source.id = id
        source.accounts = [.gowit: "m-1", .vtex: "pub-1", .kevel: "123", .impact: "IRsid1"]
        source.origins = ["https://shop.example"]
        return source
    }

    private static var other: SourceSettings {
        var source = SourceSettings.keyed("other", "key-2")
        source.accounts = [.gowit: "m-2", .vtex: "pub-2"]
        source.origins = ["https://other.example"]
        return source
    }

    /// Status, and whose the event is.
    private func send(
        _ method: String, _ target: String, _ headers: [String], _ body: String?,
        sources: [SourceSettings] = [.local, shop, other]
    ) throws -> (status: Int, source: String?, body: String) {
        let rig = try ShardRig(sources: sources)
        defer { rig.stop() }
        let type = body?.hasPrefix("{") == false ? "application/x-www-form-urlencoded" : "application/json"
        let answer = try rig.client().ask(
            request(method, target, headers + ["Content-Type: \(type)"], body: body))
        let events = try rig.events()
        #expect(events.count == ((200..<300).contains(answer.status) ? 1 : 0))
        return (answer.status, events.first?["source"] as? String, answer.body)
    }

    private static func click(_ marketplace: String = "m-1") -> String {
        #"{"event_type":"click","session_id":"s","marketplace_id":"\#(marketplace)","ad_id":"a"}"#
    }

    @Test(arguments: [
        (["Authorization: key-1"], "shop"), (["Authorization: key-2", "Data-Source-UUID: \(id)"], "other"),
        (["Data-Source-UUID: \(id.uppercased())"], "shop"), ([], "local"),
    ])
    func `GoWit's key or data source names the source`(headers: [String], name: String) throws {
        let found = try send("POST", "/gowit/events", headers, PlatformCredentialsTests.click())
        #expect(found.status == 204)
        #expect(found.source == name)
    }

    @Test(arguments: [
        ["Authorization: Bearer key-1"], ["Authorization: key-3"],
        ["Data-Source-UUID: 00000000-0000-0000-0000-000000000000"],
        ["Authorization: key-1", "Data-Source-UUID: 00000000-0000-0000-0000-000000000000"],
    ])
    func `a wrong credential at GoWit never falls back`(headers: [String]) throws {
        #expect(try send("POST", "/gowit/events", headers, PlatformCredentialsTests.click()).status == 401)
    }

    @Test func `GoWit's SDK is known by its page or its marketplace`() throws {
        let target = "/gowit/server/sdk/events?type=click&session_id=s&ad_id=a&no_redirect=1"
        #expect(try send("GET", target, ["Origin: https://other.example"], nil).source == "other")
        let sale = #"""
            {"session_id":"s","marketplace_id":"m-2",
            "sales":[{"advertiser_id":"v","product_id":"p","unit_price":1,"quantity":1}]}
            """#
        #expect(try send("POST", "/gowit/server/sdk/sale_events", [], sale).source == "other")
        let unknown = sale.replacing("m-2", with: "m-9")
        #expect(try send("POST", "/gowit/server/sdk/sale_events", [], unknown).status == 401)
    }

    @Test(arguments: [
        ("/vtex/v1/beacon/click/ad?publisher_id=pub-2", [], "other"),
        ("/vtex/v1/beacon/click/ad?publisher_id=pub%2D1&sign=x", ["Origin: https://shop.example"], "shop"),
        ("/vtex/v1/beacon/click/ad", ["Origin: https://other.example"], "other"),
        ("/vtex/v1/beacon/click/ad", [], "local"),
    ])
    func `VTEX's publisher or the page names the source`(
        target: String, headers: [String], name: String
    ) throws {
        let found = try send("POST", target, headers, #"{"session_id":"s","user_id":"u"}"#)
        #expect(found.status == 202)
        #expect(found.source == name)
    }

    @Test func `an unknown publisher is a 422, and a page of another source is refused`() throws {
        let body = #"{"session_id":"s","user_id":"u"}"#
        let unknown = try send("POST", "/vtex/v1/beacon/click/ad?publisher_id=pub-9", [], body)
        #expect(unknown.status == 422)
        #expect(unknown.body.contains("publisher_id"))
        let foreign = try send(
            "POST", "/vtex/v1/beacon/click/ad?publisher_id=pub-1", ["Origin: https://other.example"], body)
        #expect(foreign.status == 403)
        let only = try send("POST", "/vtex/v1/beacon/click/ad", [], body, sources: [PlatformCredentialsTests.shop])
        #expect(only.source == "shop")
    }

    @Test func `a conversion names its publisher in the body`() throws {
        let example = try #require(PlatformExample.all.first { $0.platform == .vtex && $0.kind == .purchase })
        let body = example.body.replacing("pub-1", with: "pub-2")
        #expect(try send("POST", example.target, [], body).source == "other")
        #expect(try send("POST", example.target, ["Origin: https://shop.example"], body).status == 422)
        #expect(try send("POST", example.target, [], example.body.replacing("pub-1", with: "pub-9")).status == 422)
    }

    @Test func `a lenient source takes conversions without an email`() throws {
        let example = try #require(PlatformExample.all.first { $0.platform == .vtex && $0.kind == .purchase })
        let hash = try #require(example.body.firstRange(of: "\"email_hashed\":\""))
        var body = example.body
        body.replaceSubrange(hash.lowerBound..<body.index(hash.upperBound, offsetBy: 66), with: "")
        #expect(try send("POST", example.target, [], body).status == 422)
        var source = PlatformCredentialsTests.shop
        source.lenient = true
        #expect(try send("POST", example.target, [], body, sources: [source]).status == 202)
    }

    @Test func `Kevel's network names the source`() throws {
        let query = "purchase?userKey=u&productId=p&timestamp=1767323045&quantity=1&price=2"
        #expect(try send("GET", "/kevel/c/123/\(query)", [], nil).source == "shop")
        #expect(try send("GET", "/kevel/c/124/\(query)", [], nil).status == 401)
        #expect(try send("GET", "/kevel/c/124/\(query)", [], nil, sources: [.local]).source == "local")
    }

    // base64 of IRsid1:key-1, IRsid1:key-2, other:key-1, without a colon
    @Test(arguments: [
        (["Authorization: Basic SVJzaWQxOmtleS0x"], 200), (["Authorization: basic SVJzaWQxOmtleS0x"], 200),
        (["Authorization: Basic SVJzaWQxOmtleS0y"], 401), (["Authorization: Basic b3RoZXI6a2V5LTE="], 401),
        (["Authorization: Basic SVJzaWQx"], 401), (["Authorization: Basic ==="], 401),
        (["Authorization: Bearer key-1"], 401), ([], 401),
    ])
    func `impact's account and token name the source`(headers: [String], status: Int) throws {
        let example = try #require(PlatformExample.all.first { $0.platform == .impact })
        let found = try send("POST", example.target, headers, example.body)
        #expect(found.status == status)
        #expect(found.source == (status == 200 ? "shop" : nil))
        let elsewhere = example.target.replacing("IRsid1", with: "IRsid2")
        #expect(try send("POST", elsewhere, headers, example.body).status == 401)
    }
}
