import SluiceServer
import Testing

@Suite struct SourceTableTests {
    @Test(arguments: ["https://shop.example", "HTTPS://Shop.Example"])
    func `an allowed origin may send, whatever its case`(origin: String) throws {
        let rig = try ShardRig(sources: [.shop])
        defer { rig.stop() }
        let answer = try rig.client().ask(post("/v1/events", click("1"), ["Origin: \(origin)"]))
        #expect(answer.status == 202)
        #expect(answer.headers["access-control-allow-origin"] == origin)
        #expect(answer.headers["vary"] == "Origin")
        #expect(try rig.lines().count == 1)
    }

    @Test(arguments: ["https://evil.example", "http://shop.example", "https://shop.example:8443", "null"])
    func `a foreign origin may not, and its page cannot read why`(origin: String) throws {
        let rig = try ShardRig(sources: [.shop])
        defer { rig.stop() }
        let client = try rig.client()
        let native = try client.ask(post("/v1/events", click("1"), ["Origin: \(origin)"]))
        #expect(native.status == 403)
        #expect(
            native.body
                == #"{"code":"origin_not_allowed","message":"the source may not send from this origin"}"#)
        #expect(native.headers["access-control-allow-origin"] == nil)
        let topsort = try client.ask(post("/topsort/v2/events", "{}", ["Origin: \(origin)"]))
        #expect(topsort.status == 403)
        #expect(topsort.body.hasPrefix(#"{"errCode":"origin_not_allowed""#))
        #expect(try rig.lines() == [])
    }

    @Test func `an origin belongs to its source alone`() throws {
        var other = SourceSettings.keyed("other", "other-key")
        other.origins = ["https://other.example"]
        let rig = try ShardRig(sources: [.shop, other])
        defer { rig.stop() }
        let client = try rig.client()
        let origin = "Origin: https://other.example"
        let refused = try client.ask(post("/v1/events", click("1"), [origin]))
        #expect(refused.status == 403)
        #expect(
            refused.headers["access-control-allow-origin"] == "https://other.example",
            "some source takes events from there, so its page may read the refusal")
        #expect(
            try client.ask(post("/v1/events", click("2"), [origin, "Authorization: Bearer other-key"]))
                .status == 202)
        #expect(try rig.events().map { $0["source"] as? String } == ["other"])
    }

    @Test func `a source without origins takes any, and none at all`() throws {
        let rig = try ShardRig()
        defer { rig.stop() }
        let client = try rig.client()
        let answer = try client.ask(post("/v1/events", click("1"), ["Origin: https://any.example"]))
        #expect(answer.status == 202)
        #expect(answer.headers["access-control-allow-origin"] == "https://any.example")
        #expect(try client.ask(post("/v1/events", click("2"))).headers["access-control-allow-origin"] == nil)
    }
}
