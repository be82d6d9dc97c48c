import SluiceServer
import Testing

@Suite struct RouteTests {
    @Test(arguments: ["/", "/v1", "/v1/", "/v1/events/", "/v1/event", "/v1/pixel.gif/x", "/healthz/", "/v2/events"])
    func `an unknown path is answered in the native form`(path: String) throws {
        let rig = try ShardRig()
        defer { rig.stop() }
        let client = try rig.client()
        let answer = try client.ask(post(path, click("lost")))
        #expect(answer.status == 404)
        #expect(answer.headers["content-type"] == "application/json")
        #expect(answer.body == #"{"code":"not_found","message":"there is nothing at this path"}"#)
        #expect(answer.headers["sluice-acknowledge"] == nil)
        #expect(try client.ask(request("GET", "/healthz")).status == 200, "the connection goes on")
        #expect(try rig.lines() == [])
    }

    @Test(arguments: ["/topsort/", "/topsort/v2/events/", "/topsort/v1/events"])
    func `an unknown path of Topsort's is answered in its form`(path: String) throws {
        let rig = try ShardRig()
        defer { rig.stop() }
        let answer = try rig.client().ask(post(path, "{}"))
        #expect(answer.status == 404)
        #expect(
            answer.body
                == #"{"errCode":"not_found","docUrl":"https://docs.topsort.com/","message":"there is nothing at this path"}"#
        )
    }

    @Test(arguments: [
        ("GET", "/v1/events", "POST, OPTIONS"), ("HEAD", "/v1/events", "POST, OPTIONS"),
        ("PUT", "/v1/events", "POST, OPTIONS"), ("POST", "/v1/pixel.gif", "GET, HEAD, OPTIONS"),
        ("DELETE", "/topsort/v2/events", "POST, OPTIONS"), ("POST", "/healthz", "GET, HEAD, OPTIONS"),
    ])
    func `another method is refused and the right ones are named`(
        method: String, path: String, allow: String
    ) throws {
        let rig = try ShardRig()
        defer { rig.stop() }
        let client = try rig.client()
        let body = method == "GET" || method == "HEAD" ? nil : "{}"
        try client.send(request(method, path, body: body))
        let answer = try client.answer(isHead: method == "HEAD")
        #expect(answer.status == 405)
        #expect(answer.headers["allow"] == allow)
        if method != "HEAD" {
            #expect(answer.body.contains(#":"method_not_allowed""#))
            #expect(answer.body.contains("errCode") == path.hasPrefix("/topsort"))
        }
        #expect(try client.ask(request("GET", "/healthz")).status == 200)
    }

    @Test(arguments: [
        ("/v1/events", "POST, OPTIONS"), ("/v1/pixel.gif", "GET, HEAD, OPTIONS"),
        ("/topsort/v2/events", "POST, OPTIONS"), ("/healthz", "GET, HEAD, OPTIONS"), ("*", "POST, OPTIONS"),
        ("/anywhere", "POST, OPTIONS"),
    ])
    func `OPTIONS names the methods`(path: String, allow: String) throws {
        let rig = try ShardRig()
        defer { rig.stop() }
        let answer = try rig.client().ask(request("OPTIONS", path))
        #expect(answer.status == 204)
        #expect(answer.headers["allow"] == allow)
        #expect(answer.headers["access-control-allow-origin"] == nil)
    }

    @Test(arguments: ["/v1/events", "/topsort/v2/events"])
    func `a preflight from an allowed origin is granted`(path: String) throws {
        let rig = try ShardRig(sources: [.shop])
        defer { rig.stop() }
        let answer = try rig.client().ask(
            request(
                "OPTIONS", path,
                [
                    "Origin: https://shop.example", "Access-Control-Request-Method: POST",
                    "Access-Control-Request-Headers: authorization, content-type",
                ]))
        #expect(answer.status == 204)
        #expect(answer.headers["access-control-allow-origin"] == "https://shop.example")
        #expect(answer.headers["access-control-allow-methods"] == "POST, OPTIONS")
        #expect(answer.headers["access-control-allow-headers"] == "authorization, content-type")
        #expect(answer.headers["access-control-max-age"] == "86400")
        #expect(answer.headers["vary"] == "Origin")
    }

    @Test func `a preflight from a foreign origin is not granted`() throws {
        let rig = try ShardRig(sources: [.shop])
        defer { rig.stop() }
        let answer = try rig.client().ask(
            request(
                "OPTIONS", "/v1/events",
                ["Origin: https://evil.example", "Access-Control-Request-Method: POST"]))
        #expect(answer.status == 204)
        #expect(!answer.headers.keys.contains { $0.hasPrefix("access-control-") })
    }

    @Test func `the pixel records an event and must not be cached`() throws {
        let rig = try ShardRig()
        defer { rig.stop() }
        let answer = try rig.client().ask(request("GET", "/v1/pixel.gif?type=click&user_id=u&ad_id=a&id=p"))
        #expect(answer.status == 200)
        #expect(answer.headers["content-type"] == "image/gif")
        #expect(answer.headers["cache-control"] == "no-store")
        #expect(answer.headers["sluice-acknowledge"] == "committed")
        #expect(answer.body.hasPrefix("GIF89a"))
        #expect(try rig.events().map { $0["id"] as? String } == ["p"])
    }

    @Test func `HEAD of the pixel answers like GET and records nothing`() throws {
        let rig = try ShardRig()
        defer { rig.stop() }
        let client = try rig.client()
        let target = "/v1/pixel.gif?type=click&user_id=u&ad_id=a&id=p"
        try client.send(request("HEAD", target))
        let head = try client.answer(isHead: true)
        let get = try client.ask(request("GET", target))
        #expect(head.status == 200)
        #expect(head.headers["content-type"] == "image/gif")
        #expect(head.headers["cache-control"] == "no-store")
        #expect(head.headers["content-length"] == get.headers["content-length"])
        #expect(head.headers["sluice-acknowledge"] == nil)
        #expect(try rig.lines().count == 1)
        #expect(rig.metrics.count(.accepted, source: 0) == 1)
    }

    @Test func `health is told without credentials`() throws {
        let rig = try ShardRig(sources: [.keyed("app", "secret")])
        defer { rig.stop() }
        let client = try rig.client()
        let answer = try client.ask(request("GET", "/healthz"))
        #expect(answer.status == 200)
        #expect(answer.body == #"{"status":"ok"}"#)
        #expect(answer.headers["cache-control"] == "no-store")
        try client.send(request("HEAD", "/healthz"))
        #expect(try client.answer(isHead: true).headers["content-length"] == "15")
    }
}

extension SourceSettings {
    /// An open source with one origin.
    static var shop: SourceSettings {
        var source = SourceSettings(name: "shop")
        source.origins = ["https://shop.example"]
        return source
    }
}
