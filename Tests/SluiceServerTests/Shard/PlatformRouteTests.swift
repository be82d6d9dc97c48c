import SluiceCore
import SluiceServer
import Testing

@Suite struct PlatformRouteTests {
    @Test(arguments: [
        ("/gowit/x", "code", 404), ("/vtex/v1/beacon/like/a", "message", 404),
        ("/vtex/v1/beacon/click/", "message", 404),
        ("/kevel/c//purchase", "nothing at this path", 404), ("/kevel/c/1/purchases", "nothing at this path", 404),
        ("/impact/Advertisers/a/Actions", "\"Status\":\"ERROR\"", 404),
        ("/impact/Advertisers//Conversions", "\"Status\":\"ERROR\"", 404),
    ])
    func `an unknown path is answered in the form of its platform`(
        path: String, part: String, status: Int
    ) throws {
        let rig = try ShardRig()
        defer { rig.stop() }
        let answer = try rig.client().ask(post(path, "{}"))
        #expect(answer.status == status)
        #expect(answer.body.contains(part))
        #expect(!answer.body.contains(#"{"code":"not_found""#) || path.hasPrefix("/gowit"))
        #expect(try rig.lines() == [])
    }

    @Test(arguments: [
        ("PUT", "/gowit/events", "POST, OPTIONS"), ("POST", "/gowit/server/sdk/events", "GET, HEAD, OPTIONS"),
        ("GET", "/gowit/server/sdk/sale_events", "POST, OPTIONS"),
        ("GET", "/vtex/v1/beacon/click/ad?x=1", "POST, OPTIONS"),
        ("GET", "/vtex/v1/beacon/conversion", "POST, OPTIONS"),
        ("PUT", "/kevel/c/1/purchase", "GET, HEAD, POST, OPTIONS"),
        ("GET", "/impact/Advertisers/a/Conversions", "POST, OPTIONS"),
        ("POST", "/impact/Advertisers/a/APISubmissions/A-1", "GET, HEAD, OPTIONS"),
    ])
    func `another method is refused, and OPTIONS names the right ones`(
        method: String, path: String, allow: String
    ) throws {
        let rig = try ShardRig()
        defer { rig.stop() }
        let client = try rig.client()
        let refused = try client.ask(request(method, path, body: method == "GET" ? nil : "{}"))
        #expect(refused.status == 405)
        #expect(refused.headers["allow"] == allow)
        let options = try client.ask(request("OPTIONS", path))
        #expect(options.status == 204)
        #expect(options.headers["allow"] == allow)
    }

    @Test(arguments: PlatformExample.all.indices)
    func `an open source takes every platform's requests`(index: Int) throws {
        let example = PlatformExample.all[index]
        let rig = try ShardRig()
        defer { rig.stop() }
        let answer = try rig.client().ask(
            request(
                example.method, example.target, ["Content-Type: \(example.contentType)"],
                body: example.method == "GET" ? nil : example.body))
        #expect(answer.status == example.status, "\(answer.body)")
        let events = try rig.events()
        #expect(events.count == 1)
        #expect(events.first?["source"] as? String == "local")
        #expect(events.first?["platform"] as? String == "\(example.platform.name)")
    }

    @Test func `a purchase at Kevel is told that it is queued`() throws {
        let rig = try ShardRig()
        defer { rig.stop() }
        let client = try rig.client()
        let target = "/kevel/c/1/purchase?userKey=u&productId=p&timestamp=1767323045&quantity=1&price=2"
        let answer = try client.ask(request("GET", target))
        #expect(answer.status == 204)
        #expect(answer.headers["kevel-debug"] == "queued")
        #expect(answer.headers["cache-control"] == "no-store")
        try client.send(request("HEAD", target))
        #expect(try client.answer(isHead: true).status == 204)
        #expect(try rig.lines().count == 1, "HEAD records nothing")
    }

    @Test(arguments: ["Shop-Events.Example", "shop-events.example:8080", "shop-events.example."])
    func `a host stands for its platform`(host: String) {
        let table = HostTable(["shop-events.example": .vtex, "other.example": .kevel])
        Array(host.utf8).withBytes { #expect(table.platform(of: $0) == .vtex) }
        Array("x.shop-events.example".utf8).withBytes { #expect(table.platform(of: $0) == nil) }
        #expect(table.platform(of: .empty) == nil)
    }

    @Test func `paths need no prefix on a platform's host`() throws {
        let rig = try ShardRig(hosts: ["events.example": .vtex])
        defer { rig.stop() }
        let client = try rig.client()
        let body = #"{"session_id":"s","user_id":"u"}"#
        #expect(try client.ask(post("/v1/beacon/click/ad-1?sign=x", body)).status == 202)
        #expect(try client.ask(post("/v1/events", click("1"))).status == 202)
        #expect(try client.ask(post("/nowhere", "{}")).status == 404)
        let events = try rig.events()
        #expect(events.map { $0["platform"] as? String } == ["vtex", "native"])
    }
}
