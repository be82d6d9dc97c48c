import SluiceCore
import SluiceHTTP
import SluiceLog
import Testing

@testable import SluiceIO
@testable import SluiceServer

/// What a shard tells of refused requests.
@Suite struct ShardRefusalTests {
    private static let secret = "ana.secret@example.com"

    /// Hands requests to a shard of one keyed source and returns what it told.
    private func told(_ requests: [String]) throws -> [RefusedRequest] {
        let port = RefusalPort(perSecondMax: 1000, desk: try EventFD())
        let shard = Shard(
            sources: SourceTable([.keyed("shop", "k")]),
            channel: ShardChannel(shard: 0, wakeShard: try EventFD(), capacity: Limits.blocksPerShard),
            metrics: EdgeMetrics(sourceNames: ["shop"]), limits: Limits(), refusals: port)
        for text in requests {
            var answer = ByteBuffer(capacity: 16)
            Array(text.utf8).withBytes { bytes in
                var parser = HTTPRequestParser()
                guard case .head(let head) = parser.parseHead(bytes, limits: HTTPLimits()) else {
                    shard.refuse(.badRequest("the head is wrong"), head: parser.unfinishedHead(bytes), answer: &answer)
                    return
                }
                let peer = PeerAddress(numeric: "192.0.2.77", port: 1)!
                _ = shard.handle(
                    EdgeRequest(head: head, body: bytes[head.headBytes..<bytes.count], peer: peer), answer: &answer)
            }
        }
        var told: [RefusedRequest] = []
        while let request = port.next() { told.append(request) }
        return told
    }

    private func post(_ target: String, _ body: String, key: String = "k", _ headers: String = "") -> String {
        "POST \(target) HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \(key)\r\n\(headers)"
            + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    private func reason(_ request: RefusedRequest) -> String { String(decoding: request.reason, as: UTF8.self) }
    private func path(_ request: RefusedRequest) -> String { String(decoding: request.path, as: UTF8.self) }

    @Test func `accepted requests tell nothing`() throws {
        let click = #"{"type":"click","user":{"id":"u"},"ad":{"id":"a"}}"#
        #expect(
            try told([
                post("/v1/events", click), post("/v1/events", "[\(click),\(click)]"),
                "GET /v1/pixel.gif?key=k&type=page_view HTTP/1.1\r\nHost: x\r\n\r\n",
                "HEAD /v1/pixel.gif?key=k&type=page_view HTTP/1.1\r\nHost: x\r\n\r\n",
                "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", "OPTIONS /v1/events HTTP/1.1\r\nHost: x\r\n\r\n",
            ]).isEmpty)
    }

    @Test func `each refusal says where, whose, how many and why`() throws {
        let told = try told([
            post("/v1/events?a=b", #"[{"type":"page_view"},{"type":"click"},{"type":"clack"}]"#),
            post("/v1/events", "{}", key: "wrong"), post("/nowhere", "{}"), post("/topsort/v2/events", "{"),
            "GET /v1/pixel.gif?key=k&type=nothing HTTP/1.1\r\nHost: x\r\n\r\n",
            "POST /kevel/c/1/purchase HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        ])
        #expect(told.map(\.status) == [202, 401, 404, 400, 400, 400])
        #expect(told.map(\.platform) == [.native, .native, .native, .topsort, .native, .kevel])
        #expect(told.map(\.source) == [0, -1, -1, 0, 0, -1])
        #expect(told[0...2].map(path) == ["/v1/events", "/v1/events", "/nowhere"])
        #expect(told[3...].map(path) == ["/topsort/v2/events", "/v1/pixel.gif", "/kevel/c/1/purchase"])
        #expect(told[0].accepted == 1)
        #expect(told[0].rejected == 2)
        #expect(reason(told[0]).contains("ad.id"))
        #expect(reason(told[1]).contains("unauthorized"))
        #expect(reason(told[3]).contains("invalid_json"))
        #expect(reason(told[4]).contains("type must be one of"))
    }

    @Test func `no value, header or query is in it`() throws {
        let secret = Self.secret
        let json = "{\"type\":\"\(secret)\",\"user\":{\"id\":[\"\(secret)\"],\"email\":7,\"phone\":\"\(secret)\"}}"
        let form = "OrderId=\(secret)&CustomerEmail=\(secret)&CurrencyCode=\(secret)&EventDate=\(secret)"
        let told = try told([
            post("/v1/events?key=k&user=\(secret)", json, "User-Agent: \(secret)\r\nReferer: https://\(secret)/\r\n"),
            post("/v1/events", "{\"type\":\"click\",\"\(secret)", key: secret),
            post("/v1/events", "{\"type\":\"click\",\"user\":{\"id\":\"\(secret)\"", "Cookie: \(secret)\r\n"),
            post("/topsort/v2/events", "{\"purchases\":[{\"id\":\"\(secret)\",\"occurredAt\":\"\(secret)\"}]}"),
            post("/gowit/events", "{\"event\":\"\(secret)\",\"user_id\":[\"\(secret)\"]}"),
            post("/vtex/v1/beacon/conversion", "{\"items\":\"\(secret)\",\"order_id\":[]}"),
            post("/kevel/c/1/purchase?userKey=\(secret)&price=\(secret)", ""),
            post(
                "/impact/Advertisers/a/Conversions", form, "Content-Type: application/x-www-form-urlencoded\r\n"),
        ])
        #expect(told.count == 8)
        for request in told {
            #expect(!reason(request).contains("secret"), "\(path(request))")
            #expect(!path(request).contains("secret"))
        }
    }
}
