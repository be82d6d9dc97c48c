import SluiceCore
import SluiceSimulator
import Testing

@Suite struct WebhookStandInTests {
    private static let now: Int64 = 1_767_323_045_678
    private static let seconds = now / 1000
    private let platform = WebhookStandIn(secret: "s3cret")

    private static let good = """
        {"id":"e1","type":"click","occurred_at":"2026-01-02T03:04:05.000Z",\
        "received_at":"2026-01-02T03:04:05.678Z","source":"shop","platform":"native"}
        """

    private func request(_ body: [UInt8], signature: String? = nil) -> StandInRequest {
        let signed =
            signature
            ?? "t=\(Self.seconds),v1="
            + WebhookStandIn.signature(secret: "s3cret", seconds: Self.seconds, body: body)
        return StandInRequest(
            method: "POST", path: "/hook",
            headers: [("content-type", "application/json"), ("sluice-signature", signed)], body: body)
    }

    private func judge(_ request: StandInRequest) -> Judgement {
        platform.judge(request, nowMilliseconds: Self.now)
    }

    @Test func `the signature is the one that openssl computes`() {
        // printf '1767323045.[]' | openssl dgst -sha256 -hmac s3cret
        #expect(
            WebhookStandIn.signature(secret: "s3cret", seconds: 1_767_323_045, body: Array("[]".utf8))
                == "de01887c3e950d5c496b74d3eac8c2b0a8aaf65d36a4998e628844ae3070c961")
    }

    @Test func `signed events are taken`() {
        let judgement = judge(request(Array("[\(Self.good),\(Self.good)]".utf8)))
        #expect(judgement.refusal == nil)
        #expect(judgement.answer.status == 200)
        #expect(judgement.recorded == ["e1", "e1"])
    }

    @Test func `an event may lack the sender's time, and nothing else that is required`() {
        let silent = Self.good.replacing("\"occurred_at\":\"2026-01-02T03:04:05.000Z\",", with: "")
        #expect(judge(request(Array("[\(silent)]".utf8))).recorded == ["e1"])
        for name in ["id", "type", "received_at", "source", "platform"] {
            let other = Self.good.replacing("\"\(name)\":", with: "\"ext\":")
            #expect(judge(request(Array("[\(other)]".utf8))).answer.status == 400, "\(name)")
        }
    }

    @Test func `a compressed body is signed as it travels`() throws {
        var packed = ByteBuffer(capacity: 256)
        try Array("[\(Self.good)]".utf8).withBytes { (bytes) throws(CompressionError) in
            try ZlibCompressor(format: .gzip).compress(bytes, into: &packed)
        }
        var gzipped = request(packed.bytes.array)
        gzipped.headers.append(("content-encoding", "gzip"))
        #expect(judge(gzipped).recorded == ["e1"])
        gzipped.headers.removeLast()
        #expect(judge(gzipped).answer.status == 400)
        var broken = request(Array("[\(Self.good)]".utf8))
        broken.headers.append(("content-encoding", "gzip"))
        #expect(judge(broken).answer.status == 415)
        broken.headers[2].value = "br"
        #expect(judge(broken).answer.status == 415)
    }

    @Test func `a wrong signature is refused`() {
        let body = Array("[\(Self.good)]".utf8)
        func signed(_ secret: String, _ seconds: Int64) -> String {
            "t=\(seconds),v1=" + WebhookStandIn.signature(secret: secret, seconds: seconds, body: body)
        }
        for signature in [
            "", "v1=00", "t=\(Self.seconds)", "t=\(Self.seconds),v1=00", signed("other", Self.seconds),
            signed("s3cret", Self.seconds - 301), signed("s3cret", Self.seconds + 301),
        ] {
            #expect(judge(request(body, signature: signature)).answer.status == 401, "\(signature)")
        }
        var unsigned = request(body)
        unsigned.headers.removeLast()
        #expect(judge(unsigned).answer.status == 401)
        // A second signature, as while a secret is being changed.
        let both =
            "t=\(Self.seconds),v1=00,v1="
            + WebhookStandIn.signature(secret: "s3cret", seconds: Self.seconds, body: body)
        #expect(judge(request(body, signature: both)).answer.status == 200)
        var tampered = request(body)
        tampered.body.append(0x20)
        #expect(judge(tampered).answer.status == 401)
    }

    @Test(arguments: [
        "", "{}", "[]", "[1]", "[{}]",
        "[\(good.replacing("\"click\"", with: "\"tap\""))]",
        "[\(good.replacing("\"native\"", with: "\"webhook\""))]",
        "[\(good.replacing("05.678Z", with: "05Z"))]",
        "[\(good.replacing("05.678Z", with: "05.678+00:00"))]",
        "[\(good.replacing("\"e1\"", with: "\"\""))]",
        "[\(good.replacing("\"e1\"", with: "7"))]",
        "[\(good.replacing("\"click\"", with: "\"purchase\""))]",
        "[\(good.dropLast()),\"surprise\":1}]",
        "[\(good.dropLast()),\"user\":{\"email\":\"a@b.c\"}}]",
        "[\(good.dropLast()),\"order\":{\"items\":[]}}]",
    ])
    func `what is not canonical is refused`(body: String) {
        let judgement = judge(request(Array(body.utf8)))
        #expect(judgement.answer.status == 400, "\(body)")
        #expect(judgement.recorded.isEmpty)
    }

    @Test func `the envelope is checked first`() {
        var other = request(Array("[\(Self.good)]".utf8))
        other.path = "/"
        #expect(judge(other).answer.status == 404)
        other.path = "/hook"
        other.method = "PUT"
        #expect(judge(other).answer.status == 405)
        other.method = "POST"
        other.headers[0].value = "text/plain"
        #expect(judge(other).answer.status == 415)
    }
}
