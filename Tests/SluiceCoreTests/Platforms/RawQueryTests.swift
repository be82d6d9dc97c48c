import Testing

@testable import SluiceCore

/// Queries that hold bytes beyond ASCII as they are, as some clients send them.
@Suite struct RawQueryTests {
    private func send(
        _ harness: DecoderHarness, _ method: RequestMethod, _ path: String, _ query: [UInt8], _ body: String
    ) -> (status: Int, answer: String, lines: [String]) {
        var answer = PlatformAnswer()
        [path, body].withAllBytes { parts in
            query.withBytes { query in
                let request = PlatformRequest(
                    method: method, path: parts[0], query: query, contentType: .empty, body: parts[1],
                    origin: RequestOrigin(
                        receivedMilliseconds: DecoderHarness.now, sourceName: Bytes("shop"), sourceHash: 42))
                _ = harness.decoder.decode(request, into: harness.block, answer: &answer)
            }
        }
        let lines = harness.block.payload.bytes.string.split(separator: "\n").map(String.init)
        return (answer.status, answer.body.bytes.string, lines)
    }

    private struct Case {
        var harness: DecoderHarness
        var method = RequestMethod.get
        var path: String
        /// `§` is replaced.
        var query: String
        var body = ""
        /// Where the text becomes part of the event.
        var member: String
        var refusal: Int
        /// Stands in the answer that refuses it.
        var name: String
    }

    private static var cases: [Case] {
        [
            Case(
                harness: .gowit(), path: "/server/sdk/events", query: "type=click&ad_id=a&session_id=§",
                member: "session_id", refusal: 400, name: #""session_id":""#),
            Case(
                harness: .gowit(), path: "/server/sdk/events",
                query: "type=click&session_id=s&ad_id=a&redirect=https://§",
                member: "ext.gowit.redirect", refusal: 400, name: #""redirect":""#),
            Case(
                harness: .vtex(), method: .post, path: "/v1/beacon/click/a", query: "sign=§", body: #"{"user_id":"u"}"#,
                member: "ad.url", refusal: 422, name: #""instancePath":"""#),
            Case(
                harness: .kevel(), path: "/c/123/purchase",
                query: "userKey=§&productId=p&timestamp=1767323045&quantity=1&price=2", member: "user.id", refusal: 400,
                name: "userKey"),
        ]
    }

    @Test func textIsTakenAsItIs() throws {
        for test in RawQueryTests.cases {
            let query = Array(test.query.replacing("§", with: "café😀").utf8)
            let outcome = send(test.harness, test.method, test.path, query, test.body)
            #expect((200..<300).contains(outcome.status), "\(test.path): \(outcome.answer)")
            #expect(text(try #require(outcome.lines.first), test.member)?.contains("café😀") == true, "\(test.path)")
        }
    }

    /// What is no UTF-8 is refused in the platform's form.
    @Test(arguments: [[0x80], [0xC3], [0xFF, 0xFE], [0xED, 0xA0, 0x80], [0xC0, 0xAF]] as [[UInt8]])
    func otherBytesAreRefused(_ bytes: [UInt8]) {
        for test in RawQueryTests.cases {
            let parts = test.query.split(separator: "§", omittingEmptySubsequences: false).map { Array($0.utf8) }
            let outcome = send(test.harness, test.method, test.path, parts[0] + bytes + parts[1], test.body)
            #expect(outcome.status == test.refusal, "\(test.path): \(outcome.answer)")
            #expect(outcome.answer.contains(test.name), "\(test.path): \(outcome.answer)")
            #expect(outcome.lines.isEmpty)
        }
    }
}
