import Foundation
import Testing

@testable import SluiceCore

@Suite struct WebhookEncoderTests {
    private struct Sent {
        var body: [UInt8]
        var headers: [String]
    }

    private func send(_ events: [String], gzip: Bool = false, secret: String? = nil) -> Sent {
        let encoder = WebhookEncoder(gzip: gzip, secret: secret)
        encoder.begin(now: 1_767_323_045_678)
        for event in events { #expect(Array(event.utf8).withBytes { encoder.add($0) } == .added) }
        var request = OutgoingRequest()
        encoder.finish(into: &request)
        let path = request.path.count
        #expect(path == 0)
        return Sent(body: request.body.bytes.array, headers: request.headers)
    }

    @Test func sendsEventsAsTheyAre() {
        let sent = send([#"{"id":"1"}"#, #"{"id":"2"}"#])
        #expect(String(decoding: sent.body, as: UTF8.self) == #"[{"id":"1"},{"id":"2"}]"#)
        #expect(sent.headers.isEmpty)
    }

    /// The digits were made with `printf '1767323045.[{"id":"1"}]' | openssl dgst -sha256 -hmac secret`.
    @Test func signsTheBytesSent() {
        let sent = send([#"{"id":"1"}"#], secret: "secret")
        #expect(
            sent.headers == [
                "Sluice-Signature: t=1767323045,v1=969c911c480f90c5016b2df8968276356dc4b7d545f29271de92b4b1ca1594d3"
            ])
    }

    @Test func compressesBeforeItSigns() throws {
        let event = "{\"id\":\"\(String(repeating: "x", count: 10_000))\"}"
        let sent = send([event], gzip: true, secret: "secret")
        #expect(sent.body.count < 500)
        #expect(sent.headers.count == 2)
        #expect(sent.headers[0] == "Content-Encoding: gzip")
        var inflated = ByteBuffer(capacity: 16)
        try sent.body.withBytes { bytes throws(CompressionError) in
            try ZlibDecompressor(format: .gzip).inflate(bytes, limit: 1 << 20, into: &inflated)
        }
        #expect(inflated.bytes.string == "[\(event)]")
        var message = ByteBuffer(capacity: 16)
        message.append("1767323045.")
        sent.body.withBytes { message.append($0) }
        var code = ByteBuffer(capacity: 64)
        Array("secret".utf8).withBytes { HMACSHA256(key: $0) }.appendHex(of: message.bytes, into: &code)
        #expect(sent.headers[1] == "Sluice-Signature: t=1767323045,v1=\(code.bytes.string)")
    }

    @Test func isFullByCountAndBySize() {
        let encoder = WebhookEncoder(gzip: false, secret: nil)
        encoder.begin(now: 0)
        let large = [UInt8](repeating: 0x20, count: CoreLimits.webhookBodyBytesMax + 1)
        #expect(large.withBytes { encoder.add($0) } == .added)
        #expect(large.withBytes { encoder.add($0) } == .full)
        encoder.begin(now: 0)
        for _ in 0..<encoder.eventsPerRequestMax { #expect(encoder.add(Bytes("{}")) == .added) }
        #expect(encoder.add(Bytes("{}")) == .full)
    }

    @Test func whatItSendsAnotherGatewayTakes() {
        let lines = Fixture.all("topsort").filter { $0.status == 204 }.flatMap { $0.send($0.harness()).lines }
        let sent = send(lines)
        let outcome = DecoderHarness.native().send(sent.body)
        #expect(outcome.lines.count == lines.count)
        #expect(outcome.result.rejected == 0)
    }

    @Test(arguments: [
        (200, 1, Verdict.delivered), (299, 5, .delivered), (400, 2, .split(reason: "HTTP 400")),
        (400, 1, .rejected(reason: "HTTP 400")), (413, 2, .split(reason: "HTTP 413")),
        (422, 1, .rejected(reason: "HTTP 422")), (410, 5, .rejected(reason: "HTTP 410")),
        (401, 5, .retry(afterSeconds: nil, reason: "HTTP 401")),
        (404, 5, .retry(afterSeconds: nil, reason: "HTTP 404")),
        (500, 1, .retry(afterSeconds: nil, reason: "HTTP 500")),
    ])
    func readsTheStatus(_ status: Int, _ count: Int, _ verdict: Verdict) {
        #expect(
            WebhookEncoder(gzip: false, secret: nil).classify(
                UpstreamAnswer(status: status), eventCount: count) == verdict)
    }
}

@Suite struct UpstreamRulesTests {
    /// 1994-11-06T08:49:00Z
    private let now: Int64 = 784_111_740_000

    @Test(
        arguments: [
            ("retry-after", "120", 503, 120), ("retry-after", " 0 ", 503, 0), ("retry-after", "-5", 503, 0),
            ("retry-after", "999999999", 503, 86_400),
            ("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT", 503, 37),
            ("retry-after", "Sun, 06 Nov 1993 08:49:37 GMT", 503, 0), ("retry-after", "soon", 503, nil),
            ("retry-after", "Sun, 06 Xxx 1994 08:49:37 GMT", 503, nil), ("retry-after", "", 503, nil),
            ("x-ratelimit-reset", "30", 429, 30), ("x-ratelimit-reset", "0.5", 429, 1),
            ("x-ratelimit-reset", "784111800", 429, 60), ("x-ratelimit-reset", "784111800000", 429, 60),
            ("x-ratelimit-reset", "30", 503, nil), ("x-ratelimit-reset", "nan", 429, nil),
            ("x-ratelimit-reset", "1e300", 429, 86_400), ("other", "1", 429, nil),
        ] as [(String, String, Int, Int?)])
    func readsHowLongToWait(_ name: String, _ value: String, _ status: Int, _ seconds: Int?) {
        let answer = UpstreamAnswer(status: status, headers: [(name, value)])
        #expect(UpstreamRules.retryAfterSeconds(answer, now: now) == seconds)
    }
}
