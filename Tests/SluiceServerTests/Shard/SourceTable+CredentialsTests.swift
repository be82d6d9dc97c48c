import SluiceServer
import Testing

@Suite struct SourceTableCredentialsTests {
    private static let sources = [SourceSettings.local, .keyed("app", "first", "a+b/c==&%"), .keyed("shop", "k")]

    private func source(_ requestText: String) throws -> (status: Int, source: String?, text: String) {
        let rig = try ShardRig(sources: SourceTableCredentialsTests.sources)
        defer { rig.stop() }
        let answer = try rig.client().ask(requestText)
        let events = try rig.events()
        #expect(events.count == ((200..<300).contains(answer.status) ? 1 : 0))
        return (answer.status, events.first?["source"] as? String, try rig.lines().joined())
    }

    private static let topsort =
        #"{"clicks":[{"id":"c","occurredAt":"2026-01-01T00:00:00Z","opaqueUserId":"u","resolvedBidId":"b"}]}"#

    @Test(arguments: [
        ("Authorization: Bearer first", "app"), ("authorization: bearer first", "app"),
        ("Authorization:   BEARER   a+b/c==&%  ", "app"), ("Authorization: Bearer k", "shop"),
    ])
    func `a bearer token names the source`(header: String, name: String) throws {
        let native = try source(post("/v1/events", click("1"), [header]))
        #expect(native.status == 202)
        #expect(native.source == name)
        let topsort = try source(post("/topsort/v2/events", SourceTableCredentialsTests.topsort, [header]))
        #expect(topsort.status == 204)
        #expect(topsort.source == name)
    }

    @Test func `without a credential the open source is taken`() throws {
        #expect(try source(post("/v1/events", click("1"))).source == "local")
        #expect(try source(post("/topsort/v2/events", SourceTableCredentialsTests.topsort)).source == "local")
    }

    @Test(arguments: [
        "Authorization: Bearer firs", "Authorization: Bearer firstx", "Authorization: Bearer FIRST",
        "Authorization: first", "Authorization: Basic Zmlyc3Q=", "Authorization: Bearer",
    ])
    func `a wrong credential never falls back to the open source`(header: String) throws {
        let rig = try ShardRig(sources: SourceTableCredentialsTests.sources)
        defer { rig.stop() }
        let client = try rig.client()
        let native = try client.ask(post("/v1/events", click("1"), [header]))
        #expect(native.status == 401)
        #expect(native.headers["www-authenticate"] == #"Bearer realm="sluice""#)
        #expect(
            native.body == #"{"code":"unauthorized","message":"the credential is missing or unknown"}"#)
        let topsort = try client.ask(
            post("/topsort/v2/events", SourceTableCredentialsTests.topsort, [header]))
        #expect(topsort.status == 401)
        #expect(topsort.body.hasPrefix(#"{"errCode":"invalid_api_key","#))
        #expect(try rig.lines() == [])
    }

    @Test(arguments: [
        "key=first", "a=1&key=first&b=2", "key=a%2Bb%2Fc%3D%3D%26%25", "key=a+b/c==%26%25",
        "k%65y=%66irst", "key=a%2bb/c%3d=%26%25",
    ])
    func `a key in the query names the source`(query: String) throws {
        let found = try source(post("/v1/events?\(query)", click("1")))
        #expect(found.status == 202)
        #expect(found.source == "app")
    }

    @Test(arguments: ["key=", "key", "key=x", "key=first%20", "key=%zz", "key=firs%7", "key=x&key=first"])
    func `a wrong key in the query does not fall back either`(query: String) throws {
        #expect(try source(post("/v1/events?\(query)", click("1"))).status == 401)
        #expect(try source(request("GET", "/v1/pixel.gif?type=page_view&\(query)")).status == 401)
    }

    @Test func `a header comes before the query`() throws {
        let found = try source(post("/v1/events?key=first", click("1"), ["Authorization: Bearer k"]))
        #expect(found.source == "shop")
        #expect(
            try source(post("/v1/events?key=first", click("1"), ["Authorization: Bearer x"])).status == 401)
    }

    @Test func `the query is no credential for Topsort`() throws {
        let found = try source(post("/topsort/v2/events?key=first", SourceTableCredentialsTests.topsort))
        #expect(found.source == "local")
    }

    @Test(arguments: ["key", "k%65y"])
    func `a key does not become part of the event`(name: String) throws {
        let found = try source(request("GET", "/v1/pixel.gif?type=page_view&\(name)=first&utm=x"))
        #expect(found.source == "app")
        #expect(found.text.contains(#""ext":{"native":{"utm":"x"}}"#))
        #expect(!found.text.contains("first"))
    }

    /// Browsers send no Origin with the GETs of GoWit's SDK, and several sources have a marketplace.
    @Test(arguments: [
        (["Referer: https://two.example/p?a=https://one.example"], "two"), (["Referer: https://one.example"], "one"),
        (["Referer: https://one.example/", "Origin: https://two.example"], "two"),
        (["Referer: https://two.example:8443/"], nil), (["Referer: two.example"], nil),
        (["Referer: https://three.example/two.example"], nil), ([], nil),
    ])
    func `the referrer names the source of GoWit's SDK`(headers: [String], name: String?) throws {
        let sources = ["one", "two"].map { name in
            var source = SourceSettings.keyed(name, "key-\(name)")
            source.accounts = [.gowit: "m-\(name)"]
            source.origins = ["https://\(name).example"]
            return source
        }
        let rig = try ShardRig(sources: sources)
        defer { rig.stop() }
        let target = "/gowit/server/sdk/events?type=click&session_id=s&ad_id=a&no_redirect=1"
        #expect(try rig.client().ask(request("GET", target, headers)).status == (name == nil ? 401 : 204))
        #expect(try rig.events().first?["source"] as? String == name)
    }

    @Test func `without an open source nobody gets in unknown`() throws {
        let rig = try ShardRig(sources: [.keyed("app", "first")])
        defer { rig.stop() }
        let client = try rig.client()
        #expect(try client.ask(post("/v1/events", click("1"))).status == 401)
        #expect(try client.ask(post("/v1/events?other=first", click("1"))).status == 401)
        #expect(try client.ask(post("/topsort/v2/events", SourceTableCredentialsTests.topsort)).status == 401)
        #expect(try client.ask(post("/v1/events?key=first", click("1"))).status == 202)
    }
}
