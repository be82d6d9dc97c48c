import Foundation
import Testing

@testable import SluiceCore

private let fixtures = Fixture.all("kevel")

extension DecoderHarness {
    static func kevel() -> DecoderHarness {
        DecoderHarness(KevelDecoder(identifiers: UUIDv7Generator(seed: 1)))
    }

    func kevel(_ query: String) -> Outcome {
        send([], method: .get, path: "/c/123/purchase", query: query, contentType: "")
    }
}

@Suite struct KevelDecoderTests {
    private let missing =
        "required parameter missing: expected userKey, timestamp, productId, quantity and price"
    private let valid = "productId=p&timestamp=1767323045&quantity=1&price=1"

    @Test func foundAll() { #expect(fixtures.count >= 11) }

    @Test(arguments: fixtures)
    func replay(_ fixture: Fixture) throws {
        let outcome = fixture.send(.kevel())
        if Fixture.isRecording {
            return try fixture.record(status: outcome.status, answer: outcome.answer, events: outcome.lines)
        }
        #expect(outcome.status == fixture.status)
        #expect(outcome.answer == fixture.answer)
        #expect(outcome.lines == fixture.events)
        check(outcome)
    }

    /// Wherever query or body is cut and whatever a byte becomes, the answer is in Kevel's form and
    /// what was kept is canonical.
    @Test(arguments: fixtures)
    func cutAndChangedAnywhere(_ fixture: Fixture) {
        var generator = SeededGenerator(seed: 0x6E_1E1)
        let harness = DecoderHarness.kevel()
        let query = Array(fixture.query.utf8)
        for index in query.indices {
            check(fixture.send(harness, query: String(decoding: query[..<index], as: UTF8.self)))
            for _ in 0..<8 {
                var changed = query
                changed[index] = UInt8.random(in: 0...127, using: &generator)
                check(fixture.send(harness, query: String(decoding: changed, as: UTF8.self)))
            }
        }
        let body = Array(fixture.body.utf8)
        for index in body.indices {
            check(fixture.send(harness, body: Array(body[..<index])))
            for _ in 0..<8 {
                var changed = body
                changed[index] = UInt8.random(in: 0...255, using: &generator)
                check(fixture.send(harness, body: changed))
            }
        }
    }

    private func check(_ outcome: DecoderHarness.Outcome) {
        if outcome.status == 204 {
            #expect(outcome.answer.isEmpty)
            #expect(outcome.extraLine == "kevel-debug: queued\r\n")
            #expect(outcome.lines.count == 1)
        } else {
            #expect(outcome.status == 400 || outcome.status == 415)
            #expect(outcome.contentType == .text)
            #expect(outcome.extraLine.isEmpty)
            #expect(outcome.lines.isEmpty)
            #expect(outcome.answer.utf8.allSatisfy { $0 >= 0x20 })
        }
        let reader = CanonicalReader()
        var fields = EventFields()
        for line in outcome.lines {
            #expect(foundation(line) is NSDictionary)
            #expect(throws: Never.self) {
                try Array(line.utf8).withBytes { bytes throws(CanonicalError) in
                    try reader.parse(bytes, into: &fields)
                }
            }
        }
    }

    @Test func aHundredUserKeys() {
        func keys(_ count: Int) -> String { (0..<count).map { "userKey=u,\($0)" }.joined(separator: "&") }
        let line = DecoderHarness.kevel().kevel(keys(100) + "&" + valid).lines[0]
        #expect((member(line, "user.keys") as? [String])?.count == 100)
        #expect(text(line, "user.id") == "u,0")
        let outcome = DecoderHarness.kevel().kevel(keys(101) + "&" + valid)
        #expect(outcome.status == 400)
        #expect(outcome.answer == "maximum of 100 userKeys exceeded")
        #expect(DecoderHarness.kevel().kevel(keys(101)).answer == missing)
    }

    @Test(arguments: ["userKey", "productId", "timestamp", "quantity", "price"])
    func eachRequiredParameter(_ name: String) {
        let all = ["userKey=u"] + valid.split(separator: "&").map(String.init)
        let rest = all.filter { !$0.hasPrefix(name) }.joined(separator: "&")
        for query in [rest, rest + "&\(name)", rest + "&\(name)="] {
            let outcome = DecoderHarness.kevel().kevel(query)
            #expect(outcome.status == 400)
            #expect(outcome.answer == missing)
        }
    }

    @Test(arguments: [
        ("1767323045", "2026-01-02T03:04:05.000Z"), ("1767323045.6789", "2026-01-02T03:04:05.678Z"),
        ("1767323045678", "2026-01-02T03:04:05.678Z"), ("2026-01-02", "2026-01-02T00:00:00.000Z"),
        ("2026-01-02T03:04:05+01:00", "2026-01-02T02:04:05.000Z"),
        ("2026-01-02T03:04:05", "2026-01-02T03:04:05.000Z"),
        ("2026-01-02%2003:04", "2026-01-02T03:04:00.000Z"), ("20260102T030405Z", "2026-01-02T03:04:05.000Z"),
    ])
    func timestamps(_ text: String, _ expected: String) {
        let line =
            DecoderHarness.kevel().kevel("userKey=u&productId=p&quantity=1&price=1&timestamp=\(text)").lines
            .first ?? ""
        #expect(SluiceCoreTests.text(line, "occurred_at") == expected)
    }

    @Test(arguments: [
        ("quantity=0", "quantity"), ("quantity=2147483648", "quantity"), ("quantity=-1", "quantity"),
        ("quantity=1.5", "quantity"), ("price=-1", "price"), ("price=x", "price"),
        ("price=1&price=1", "price"),
        ("timestamp=soon", "timestamp"), ("timestamp=2026-13-01", "timestamp"),
        ("ltvQuantity=x", "ltvQuantity"),
        ("ltvValue=1e9999999999", "ltvValue"), ("productId=%FF", "productId"),
        ("productId=a%00", "productId"),
        ("merchantId=%zz", "merchantId"), ("userKey=%FF", "userKey"), ("odd%0D%0Aname=%00", "odd\\r\\nname"),
        ("transactionId=\(String(repeating: "x", count: 257))", "transactionId"),
    ])
    func namesTheParameter(_ parameters: String, _ name: String) {
        let names = parameters.split(separator: "&").map { $0.prefix { $0 != "=" } + "=" }
        let rest = (["userKey=u"] + valid.split(separator: "&").map(String.init)).filter { part in
            !names.contains { part.hasPrefix($0) }
        }
        let outcome = DecoderHarness.kevel().kevel((rest + [parameters]).joined(separator: "&"))
        #expect(outcome.status == 400)
        #expect(outcome.answer.hasPrefix("invalid parameter: \(name) "), "\(outcome.answer)")
    }

    @Test func tooManyUnknownParameters() {
        func others(_ count: Int) -> String { (0..<count).map { "&x\($0)=1" }.joined() }
        #expect(DecoderHarness.kevel().kevel("userKey=u&\(valid)\(others(255))").status == 204)
        #expect(DecoderHarness.kevel().kevel("userKey=u&\(valid)\(others(257))").status == 400)
        #expect(
            DecoderHarness.kevel().kevel("userKey=u&\(valid)&\(String(repeating: "n", count: 257))=1").status
                == 400)
    }

    @Test func pathsMethodsAndTypes() {
        let harness = DecoderHarness.kevel()
        for path in [
            "/c/purchase", "/c//purchase", "/c/1/2/purchase", "/c/1/purchase/", "/c/a%2Fb/purchase",
            "/purchase",
        ] {
            #expect(
                harness.send([], method: .get, path: path, query: "userKey=u&\(valid)", contentType: "")
                    .status == 404)
        }
        #expect(harness.send([], method: .other, path: "/c/1/purchase", contentType: "").status == 405)
        #expect(harness.send("{}", path: "/c/1/purchase").status == 415)
        #expect(harness.send("userKey=u&\(valid)\r\n", path: "/c/1/purchase", contentType: "").status == 204)
        #expect(harness.send("", path: "/c/1/purchase", query: "userKey=u&\(valid)").status == 204)
        #expect(harness.kevel("userKey=u&\(valid)").noStore)
    }

    @Test(arguments: [EdgeProblem.unauthorized, .notFound, .unavailable(retryAfterSeconds: 3)])
    func refusesInItsForm(_ problem: EdgeProblem) {
        var answer = PlatformAnswer()
        KevelDecoder().refuse(problem, answer: &answer)
        let (status, type) = (answer.status, answer.contentType)
        #expect(status == problem.status)
        #expect(type == .text)
        let words = answer.body.bytes.string
        #expect(!words.isEmpty)
    }
}
