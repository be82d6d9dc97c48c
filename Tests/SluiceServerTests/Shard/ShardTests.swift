import SluiceCore
import SluiceHTTP
import SluiceLog
import Testing

@testable import SluiceIO
@testable import SluiceServer

@Suite struct ShardTests {
    private static let body = "{\"type\":\"page_view\"}"

    private func shard(_ sources: [SourceSettings] = [.local]) throws -> Shard {
        Shard(
            sources: SourceTable(sources),
            channel: ShardChannel(shard: 0, wakeShard: try EventFD(), capacity: Limits.blocksPerShard),
            metrics: EdgeMetrics(sourceNames: sources.map(\.name)), limits: Limits())
    }

    /// Hands a whole request to the shard and returns the prepared answer.
    private func handle(_ shard: Shard, _ text: String) -> String {
        var answer = ByteBuffer(capacity: 16)
        Array(text.utf8).withBytes { bytes in
            var parser = HTTPRequestParser()
            guard case .head(let head) = parser.parseHead(bytes, limits: HTTPLimits()) else {
                Issue.record("no head")
                return
            }
            let peer = PeerAddress(numeric: "192.0.2.77", port: 1)!
            _ = shard.handle(
                EdgeRequest(head: head, body: bytes[head.headBytes..<bytes.count], peer: peer), answer: &answer)
        }
        return answer.bytes.string
    }

    /// Hands a head to the shard that the loop refuses.
    private func refuse(_ shard: Shard, _ text: String) -> String {
        var answer = ByteBuffer(capacity: 16)
        Array(text.utf8).withBytes { bytes in
            var parser = HTTPRequestParser()
            guard case .refused(let problem) = parser.parseHead(bytes, limits: HTTPLimits()) else {
                Issue.record("not refused")
                return
            }
            shard.refuse(problem, head: parser.unfinishedHead(bytes), answer: &answer)
        }
        return answer.bytes.string
    }

    private func post(_ path: String, _ headers: String = "") -> String {
        "POST \(path) HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\(headers)Content-Length: \(Self.body.utf8.count)\r\n\r\n\(Self.body)"
    }

    @Test func `a failed commit is told to a page that may read it`() throws {
        let shard = try shard()
        for (origin, expected) in [
            ("Origin: https://shop.example\r\n", "Access-Control-Allow-Origin: https://shop.example\r\n"), ("", ""),
        ] {
            let prepared = handle(shard, post("/v1/events", origin))
            #expect(prepared.hasPrefix("HTTP/1.1 202 "))
            var failure = ByteBuffer(capacity: 16)
            Array(prepared.utf8).withBytes {
                shard.answerFailure(
                    tag: shard.failureTag, retryAfterSeconds: 3, keepAlive: true, isHead: false, prepared: $0,
                    answer: &failure)
            }
            let text = failure.bytes.string
            #expect(text.hasPrefix("HTTP/1.1 503 "))
            #expect(text.contains("Retry-After: 3\r\n"))
            #expect(expected.isEmpty ? !text.contains("Access-Control") : text.contains(expected))
        }
    }

    @Test func `a head that is refused is answered in the words of its path and for its origin`() throws {
        let shard = try shard()
        let bad = "Host: x\r\nOrigin: https://shop.example\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n"
        let topsort = refuse(shard, "POST /topsort/v2/events HTTP/1.1\r\n" + bad)
        #expect(topsort.hasPrefix("HTTP/1.1 400 "))
        #expect(topsort.contains("\"errCode\":\"bad_request\""))
        #expect(topsort.contains("Access-Control-Allow-Origin: https://shop.example\r\n"))
        let native = refuse(shard, "POST /v1/events HTTP/1.1\r\n" + bad)
        #expect(native.contains("\"code\":\"bad_request\""))
        #expect(refuse(shard, "BAD\r\n\r\n").contains("\"code\":\"bad_request\""))
    }

    @Test func `a version that is not served is refused in the words of the path`() throws {
        let shard = try shard()
        let topsort = refuse(shard, "POST /topsort/v2/events HTTP/2.0\r\nHost: x\r\n\r\n")
        #expect(topsort.hasPrefix("HTTP/1.1 505 "))
        #expect(topsort.contains("\"errCode\":\"unsupported_http_version\""))
        let native = refuse(shard, "POST /v1/events HTTP/1.5\r\nHost: x\r\n\r\n")
        #expect(native.hasPrefix("HTTP/1.1 505 "))
        #expect(native.contains("\"code\":\"unsupported_http_version\""))
        let none = refuse(shard, "POST /topsort/v2/events\r\n\r\n")
        #expect(none.hasPrefix("HTTP/1.1 400 "))
        #expect(none.contains("\"errCode\":\"bad_request\""))
        // A HEAD request hears no body whatever its version.
        #expect(refuse(shard, "HEAD /v1/pixel.gif HTTP/2.0\r\n\r\n").hasSuffix("\r\n\r\n"))
    }

    @Test func `too many header lines and CONNECT are told for what they are`() throws {
        let shard = try shard()
        let lines = refuse(
            shard, "POST /v1/events HTTP/1.1\r\nHost: x\r\n" + String(repeating: "X: y\r\n", count: 100) + "\r\n")
        #expect(lines.hasPrefix("HTTP/1.1 431 "))
        #expect(lines.contains("\"code\":\"too_many_header_lines\""))
        #expect(lines.contains("at most 100 header lines"))
        let connect = refuse(shard, "CONNECT shop.example:443 HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(connect.hasPrefix("HTTP/1.1 405 "))
        #expect(connect.contains("\r\nAllow: GET, HEAD, POST, OPTIONS\r\n"))
        #expect(!lines.contains("\r\nAllow:"))
    }

    @Test func `HEAD of the pixel is answered and takes no event`() throws {
        let shard = try shard()
        let head = handle(shard, "HEAD /v1/pixel.gif?type=page_view HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(head.hasPrefix("HTTP/1.1 200 "))
        #expect(head.contains("Content-Type: image/gif\r\n"))
        #expect(!head.contains("Sluice-Acknowledge"))
        #expect(head.hasSuffix("\r\n\r\n"))
    }
}
