import Foundation
import Testing

@testable import SluiceCore

@Suite struct VtexDecoderTests {
    static let hash = String(repeating: "0123456789abcdef", count: 4)
    static let conversion =
        #""publisher_id":"pub-1","user_id":"u","session_id":"s","order_id":"o","created_at":"2026-01-02T03:04:05Z","channel":"app""#
    static let items = #""items":[{"sku":"a","quantity":1,"price":2}]"#

    private func entries(_ answer: String) -> [[String: Any]] { foundation(answer) as? [[String: Any]] ?? [] }

    /// Each entry as `instancePath keyword`.
    private func errors(_ body: String, path: String = "/v1/beacon/conversion") -> [String] {
        let outcome = DecoderHarness.vtex().send(body, path: path)
        #expect(outcome.status == 422)
        return entries(outcome.answer).map { "\($0["instancePath"]!) \($0["keyword"]!)" }
    }

    @Test(arguments: [("impression", "impression"), ("view", "viewable_impression"), ("click", "click")])
    func answersExactly(_ kind: String, _ type: String) {
        let outcome = DecoderHarness.vtex().send("{\"session_id\":\"s\"}", path: "/v1/beacon/\(kind)/ad", query: "a=b")
        #expect(outcome.status == 202)
        #expect(outcome.answer == "{\"messages\":[\"\(kind) will be processed soon\"]}")
        #expect(text(outcome.lines[0], "type") == type)
        #expect(text(outcome.lines[0], "network") == "vtex")
        #expect(text(outcome.lines[0], "ad.url") == "/v1/beacon/\(kind)/ad?a=b")
    }

    @Test func bothIDsMissing() {
        let outcome = DecoderHarness.vtex().send("{}", path: "/v1/beacon/click/ad")
        #expect(
            outcome.answer
                == ##"[{"instancePath":"","keyword":"required","message":"must have required property 'user_id'","params":{"missingProperty":"user_id"},"schemaPath":"#/anyOf/0/required"},{"instancePath":"","keyword":"required","message":"must have required property 'session_id'","params":{"missingProperty":"session_id"},"schemaPath":"#/anyOf/1/required"},{"instancePath":"","keyword":"anyOf","message":"must match a schema in anyOf","params":{},"schemaPath":"#/anyOf"}]"##
        )
    }

    @Test func emptyConversionInTheDocumentedOrder() {
        let outcome = DecoderHarness.vtex().send("{}", path: "/v1/beacon/conversion")
        let missing = entries(outcome.answer).map { ($0["params"] as? [String: Any])?["missingProperty"] as? String }
        #expect(
            missing == [
                "user_id", "order_id", "publisher_id", "items", "created_at", "channel", "session_id", "email_hashed",
            ])
        #expect(
            outcome.answer.hasPrefix(
                ##"[{"instancePath":"","keyword":"required","message":"must have required property 'user_id'","params":{"missingProperty":"user_id"},"schemaPath":"#/required"},"##
            ))
    }

    /// Every property of the schema, with a value of every JSON type it is not.
    @Test func refusesWrongTypesForEveryProperty() {
        let samples: [(String, String)] = [
            ("string", #""""#), ("number", "1"), ("boolean", "true"), ("array", "[1]"), ("object", #"{"q":1}"#),
        ]
        for object in VtexSchema.conversion.objects {
            for property in object.properties {
                let own =
                    switch property.rule {
                    case .decimal: "number"
                    case .boolean: "boolean"
                    case .rows: "array"
                    default: "string"
                    }
                for (type, sample) in samples where type != own {
                    let member = "\"\(property.name)\":\(sample)"
                    let body = object.isRow ? "{\"items\":[{\(member)}]}" : "{\(member)}"
                    let path = object.isRow ? "/items/0/\(property.name)" : "/\(property.name)"
                    // An empty string is none where none is as good as a value.
                    if type == "string", property.empty == .aside { continue }
                    #expect(errors(body).contains("\(path) type"), "\(path) as \(type)")
                }
            }
        }
    }

    @Test(arguments: [
        (#""items":[{"sku":"a","quantity":0,"price":2}]"#, "/items/0/quantity exclusiveMinimum"),
        (#""items":[{"sku":"a","quantity":1,"price":-2}]"#, "/items/0/price minimum"),
        (#""items":[{"sku":"a","quantity":1,"price":1e9999999999}]"#, "/items/0/price range"),
        (#""items":[{"quantity":1,"price":2}]"#, "/items/0 required"),
        (#""items":[7]"#, "/items/0 type"), (#""items":[]"#, "/items minItems"),
        (#""items":[{"sku":"a","quantity":1,"price":2}],"gender":"X""#, "/gender enum"),
        (#""items":[{"sku":"a","quantity":1,"price":2}],"phone_hashed":"12""#, "/phone_hashed pattern"),
        (#""items":[{"sku":"a","quantity":1,"price":2}],"city":"\u0000""#, "/city pattern"),
        (#""items":[{"sku":"a","quantity":1,"price":2}],"city":"a","city":"b""#, "/city uniqueKeys"),
        (#""items":[{"sku":"a","quantity":1,"price":2}],"z/~":"a","z/~":"b""#, "/z~1~0 uniqueKeys"),
    ])
    func namesEachFault(_ members: String, _ error: String) {
        #expect(errors("{\(Self.conversion),\"email_hashed\":\"\(Self.hash)\",\(members)}") == [error])
    }

    @Test func thousandItems() {
        func list(_ count: Int) -> String {
            "\"items\":["
                + Array(repeating: #"{"product_sku":"a","quantity":1,"price":2}"#, count: count).joined(separator: ",")
                + "]"
        }
        let start = "{\(Self.conversion),\"email_hashed\":\"\(Self.hash)\","
        #expect(DecoderHarness.vtex().send(start + list(1_000) + "}", path: "/v1/beacon/conversion").status == 202)
        #expect(errors(start + list(1_001) + "}") == ["/items maxItems"])
    }

    // MARK: sources

    private final class Directory: SourceDirectory {
        func resolve(platform: Platform, account: Bytes, into origin: inout RequestOrigin) -> Bool {
            guard platform == .vtex, account.equals("pub-1") || account.equals("pub-2") else { return false }
            origin.sourceName = Bytes("found")
            origin.lenient = account.equals("pub-2")
            return true
        }
    }

    private func send(
        _ body: String, path: String, source: StaticString, isAssumed: Bool = false
    ) -> (Int, String, String) {
        let decoder = VtexDecoder(directory: Directory())
        let block = OpenBlock(capacity: 1_024)
        var answer = PlatformAnswer()
        _ = Array(body.utf8).withBytes { body in
            Array(path.utf8).withBytes { path in
                var origin = RequestOrigin(
                    receivedMilliseconds: DecoderHarness.now, sourceName: Bytes(source), sourceHash: 1)
                origin.isSourceAssumed = isAssumed
                return decoder.decode(
                    PlatformRequest(
                        method: .post, path: path, query: .empty, contentType: Bytes("application/json"), body: body,
                        origin: origin),
                    into: block, answer: &answer)
            }
        }
        return (answer.status, answer.body.bytes.string, block.payload.bytes.string)
    }

    @Test func findsTheSourceByTheBody() {
        let path = "/v1/beacon/conversion"
        let strict = "{\(Self.conversion),\"email_hashed\":\"\(Self.hash)\",\(Self.items)}"
        #expect(send(strict, path: path, source: "").2.contains(#""source":"found""#))
        #expect(send(strict, path: path, source: "known").2.contains(#""source":"known""#))
        let lenient = "{\(Self.conversion),\(Self.items)}".replacingOccurrences(of: "pub-1", with: "pub-2")
        #expect(send(lenient, path: path, source: "").0 == 202)
        #expect(send(lenient, path: path, source: "known").0 == 422)
        #expect(send(#"{"session_id":"s","publisher_id":"pub-1"}"#, path: "/v1/beacon/view/a", source: "").0 == 202)
    }

    /// The page's origin only says who is meant while no publisher is named; the query's publisher is certain.
    @Test func theBodyCountsForMoreThanThePage() {
        let path = "/v1/beacon/view/a"
        for (body, isAssumed, source) in [
            (#"{"session_id":"s","publisher_id":"pub-1"}"#, true, "found"),
            (#"{"session_id":"s","publisher_id":"pub-1"}"#, false, "page"),
            (#"{"session_id":"s"}"#, true, "page"), (#"{"session_id":"s","publisher_id":""}"#, true, "page"),
            (#"{"session_id":"s","publisher_id":null}"#, true, "page"),
        ] {
            let outcome = send(body, path: path, source: "page", isAssumed: isAssumed)
            #expect(outcome.0 == 202)
            #expect(text(outcome.2, "source") == source, "\(body) \(isAssumed)")
        }
        #expect(
            send(#"{"session_id":"s","publisher_id":"nobody"}"#, path: path, source: "page", isAssumed: true).0 == 422)
    }

    /// JSON Schema counts characters: `é` is one, and so is an emoji.
    @Test func lengthsAreCharacters() {
        for letter in ["x", "é", "😀"] {
            func ad(_ count: Int) -> String { "{\"session_id\":\"\(String(repeating: letter, count: count))\"}" }
            #expect(DecoderHarness.vtex().send(ad(512), path: "/v1/beacon/view/a").status == 202)
            let outcome = DecoderHarness.vtex().send(ad(513), path: "/v1/beacon/view/a")
            #expect(outcome.status == 422)
            #expect(outcome.answer.contains("must NOT have more than 512 characters"))
        }
    }

    /// What should be a hash and is an address is hashed; anything else is refused, not stored.
    @Test func plaintextEmailIsHashed() {
        func conversion(_ email: String) -> DecoderHarness.Outcome {
            DecoderHarness.vtex().send(
                "{\(Self.conversion),\"email_hashed\":\"\(email)\",\(Self.items)}", path: "/v1/beacon/conversion")
        }
        let line = conversion(" Jane@Example.com ").lines[0]
        #expect(text(line, "user.email_sha256") == "8c87b489ce35cf2e2f39f80e282cb2e804932a56a213983eeeb428407d43b52d")
        #expect(!line.lowercased().contains("jane"))
        for email in ["jane", "0123", String(repeating: "a", count: 40), String(repeating: "x", count: 600) + "@x"] {
            let outcome = conversion(email)
            #expect(outcome.status == 422)
            #expect(entries(outcome.answer).map { $0["keyword"] as? String } == ["pattern"])
        }
    }

    @Test func noSource() {
        let custom =
            ##"[{"instancePath":"/publisher_id","keyword":"publisher","message":"must be the publisher id of a known source","params":{},"schemaPath":"#/properties/publisher_id/publisher"}]"##
        let body = "{\(Self.conversion),\"email_hashed\":\"\(Self.hash)\",\(Self.items)}"
            .replacingOccurrences(of: "pub-1", with: "nobody")
        for outcome in [
            send(body, path: "/v1/beacon/conversion", source: ""),
            send(#"{"session_id":"s"}"#, path: "/v1/beacon/view/a", source: ""),
        ] {
            #expect(outcome.0 == 422)
            #expect(outcome.1 == custom)
            #expect(outcome.2.isEmpty)
        }
    }

    // MARK: others

    @Test func duplicateOrdersAreTakenOnce() {
        let harness = DecoderHarness.vtex(SetDeduplicator())
        let body = "{\(Self.conversion),\"email_hashed\":\"\(Self.hash)\",\(Self.items)}"
        #expect(harness.send(body, path: "/v1/beacon/conversion").lines.count == 1)
        let again = harness.send(body, path: "/v1/beacon/conversion")
        #expect(again.status == 202)
        #expect(again.lines.isEmpty)
        let ad = #"{"session_id":"s"}"#
        for _ in 0..<2 { #expect(harness.send(ad, path: "/v1/beacon/view/a").lines.count == 1) }
    }

    @Test(arguments: [
        "/v1/beacon/view/", "/v1/beacon/view", "/v1/beacon/view/a/b", "/v1/beacon/view/..", "/v1/beacon/",
        "/v1/beacon/conversion/x", "/",
    ])
    func otherPaths(_ path: String) {
        #expect(DecoderHarness.vtex().send(#"{"session_id":"s"}"#, path: path).status == 404)
    }

    /// A conversion of which nobody can say whose it is.
    @Test(arguments: [
        ("publisher_id=pub-1", 202), ("publisher_id=pub%2D1", 202), ("a=b", 202), ("publisher_id=pub-2", 422),
        ("publisher_id=", 422), ("publisher_id=pub-1&publisher_id=pub-2", 422),
    ])
    func queryAndBodyMustNameOnePublisher(_ query: String, _ status: Int) throws {
        let conversion = try #require(Fixture.all("vtex").first { $0.name == "conversion" })
        let outcome = DecoderHarness.vtex().send(conversion.body, path: "/v1/beacon/conversion", query: query)
        #expect(outcome.status == status)
        if status == 422 {
            #expect(
                outcome.answer
                    == ##"[{"instancePath":"/publisher_id","keyword":"publisher","message":"must be the publisher id that the query names","params":{},"schemaPath":"#/properties/publisher_id/publisher"}]"##
            )
        }
    }

    @Test func otherMethodsAndSizes() {
        let harness = DecoderHarness.vtex()
        #expect(harness.send("", method: .get, path: "/v1/beacon/view/a").status == 405)
        #expect(
            harness.send(#"{"session_id":"s"}"#, path: "/v1/beacon/view/a", query: String(repeating: "q", count: 8_192))
                .status == 431)
        for problem in [EdgeProblem.unavailable(retryAfterSeconds: 3), .bodyTooLarge(limit: 9), .unauthorized] {
            var answer = PlatformAnswer()
            harness.decoder.refuse(problem, answer: &answer)
            let status = answer.status
            #expect(status == problem.status)
            #expect(text(answer.body.bytes.string, "") == nil)
            #expect(entries(answer.body.bytes.string).count == 1)
        }
    }
}
