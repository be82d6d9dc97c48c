import SluiceServer
import Testing

@Suite struct RequestBodyTests {
    private static func compressed(
        _ body: [UInt8], _ target: String = "/v1/events", coding: String = "gzip"
    ) -> [UInt8] {
        Array(
            request("POST", target, ["Content-Encoding: \(coding)", "Content-Length: \(body.count)"]).utf8)
            + body
    }

    @Test(arguments: ["gzip", "GZip", "x-gzip"])
    func `gzip is undone`(coding: String) throws {
        let rig = try ShardRig()
        defer { rig.stop() }
        let client = try rig.client()
        let body = try compressedByGzip("[\(click("1")),\(click("2"))]")
        let answer = try client.ask(RequestBodyTests.compressed(body, coding: coding))
        #expect(answer.status == 202)
        #expect(answer.body == #"{"accepted":2,"duplicates":0,"rejected":[]}"#)
        #expect(try rig.events().map { $0["id"] as? String } == ["1", "2"])
    }

    @Test func `identity is no coding`() throws {
        let rig = try ShardRig()
        defer { rig.stop() }
        let answer = try rig.client().ask(post("/v1/events", click("1"), ["Content-Encoding: identity"]))
        #expect(answer.status == 202)
    }

    @Test func `a body at the limit is taken and a byte more is refused`() throws {
        var limits = Limits()
        limits.bodyBytes = 4096
        limits.inflatedBytes = 4096
        let rig = try ShardRig(limits: limits)
        defer { rig.stop() }
        let client = try rig.client()
        let event = click("1")
        let padding = String(repeating: " ", count: 4096 - event.utf8.count)
        let fits = try compressedByGzip(event + padding)
        #expect(try client.ask(RequestBodyTests.compressed(fits)).status == 202)
        let tooLarge = try compressedByGzip(event + padding + " ")
        let refused = try client.ask(RequestBodyTests.compressed(tooLarge))
        #expect(refused.status == 413)
        #expect(
            refused.body == #"{"code":"body_too_large","message":"the body may have at most 4096 bytes"}"#)
    }

    @Test func `a bomb is refused and harms nobody`() throws {
        var limits = Limits()
        limits.bodyBytes = 64 << 10
        limits.inflatedBytes = 64 << 10
        let rig = try ShardRig(limits: limits)
        defer { rig.stop() }
        let client = try rig.client()
        let bomb = try compressedByGzip(String(repeating: " ", count: 32 << 20))
        #expect(bomb.count <= limits.bodyBytes)
        let native = try client.ask(RequestBodyTests.compressed(bomb))
        #expect(native.status == 413)
        let topsort = try client.ask(RequestBodyTests.compressed(bomb, "/topsort/v2/events"))
        #expect(topsort.status == 413)
        #expect(topsort.body.hasPrefix(#"{"errCode":"body_too_large","#))
        #expect(try client.ask(post("/v1/events", click("after"))).status == 202)
        #expect(try rig.events().map { $0["id"] as? String } == ["after"])
    }

    @Test func `what is not gzip is refused`() throws {
        let rig = try ShardRig()
        defer { rig.stop() }
        let client = try rig.client()
        let whole = try compressedByGzip(click("1"))
        var corrupt = whole
        corrupt[corrupt.count - 6] ^= 0xFF
        let bodies = [Array(click("1").utf8), Array(whole.dropLast(1)), corrupt, whole + [1, 2, 3], []]
        for body in bodies {
            let answer = try client.ask(RequestBodyTests.compressed(body))
            #expect(answer.status == 400)
            #expect(answer.body == #"{"code":"bad_request","message":"the body is not valid gzip"}"#)
        }
        let topsort = try client.ask(RequestBodyTests.compressed(corrupt, "/topsort/v2/events"))
        #expect(topsort.status == 400)
        #expect(topsort.body.hasPrefix(#"{"errCode":"bad_request","#))
        #expect(try client.ask(RequestBodyTests.compressed(whole)).status == 202)
        #expect(try rig.lines().count == 1)
    }

    @Test(arguments: ["br", "deflate", "gzip, gzip", "zstd"])
    func `an unknown coding is refused and the known one named`(coding: String) throws {
        let rig = try ShardRig()
        defer { rig.stop() }
        let client = try rig.client()
        let native = try client.ask(post("/v1/events", click("1"), ["Content-Encoding: \(coding)"]))
        #expect(native.status == 415)
        #expect(native.headers["accept-encoding"] == "gzip")
        #expect(native.body.hasPrefix(#"{"code":"unsupported_content_encoding","#))
        let topsort = try client.ask(post("/topsort/v2/events", "{}", ["Content-Encoding: \(coding)"]))
        #expect(topsort.status == 415)
        #expect(topsort.body.hasPrefix(#"{"errCode":"unsupported_content_encoding","#))
        #expect(try rig.lines() == [])
    }
}
