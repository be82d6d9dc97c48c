import Foundation
import Testing

@testable import SluiceCore

@Suite struct NativeDecoderTests {
    private func rejection(_ body: String) -> (field: String?, code: String?) {
        let answer = DecoderHarness.native().send(body).answer
        return (text(answer, "rejected.0.field"), text(answer, "rejected.0.code"))
    }

    // MARK: media types

    @Test(arguments: [
        "application/json", "application/json; charset=utf-8", "APPLICATION/JSON", "text/plain",
        "text/plain;charset=UTF-8", "application/x-www-form-urlencoded", "", "application/x-ndjson",
    ])
    func takesJSONByAnyName(_ type: String) {
        #expect(DecoderHarness.native().send(#"{"type":"page_view"}"#, contentType: type).status == 202)
    }

    @Test(arguments: [
        "image/png", "application/xml", "multipart/form-data; boundary=x", "application/json2", ";",
    ])
    func refusesOtherTypes(_ type: String) {
        let outcome = DecoderHarness.native().send(#"{"type":"page_view"}"#, contentType: type)
        #expect(outcome.status == 415)
        #expect(text(outcome.answer, "code") == "unsupported_media_type")
        #expect(outcome.lines.isEmpty)
    }

    @Test func refusesOtherPathsAndMethods() {
        #expect(DecoderHarness.native().send("{}", path: "/other").status == 404)
        #expect(DecoderHarness.native().send("{}", method: .get).status == 405)
        #expect(DecoderHarness.native().send("{}", path: "/pixel.gif").status == 405)
    }

    @Test func headOfThePixelSaysWhatGetWouldAndKeepsNothing() {
        let deduplicator = SetDeduplicator()
        let harness = DecoderHarness.native(deduplicator)
        let query = "type=page_view&id=1"
        let head = harness.send([], method: .head, path: "/pixel.gif", query: query, contentType: "")
        #expect(head.status == 200)
        #expect(head.contentType == .gif)
        #expect(head.noStore)
        #expect(head.lines.isEmpty)
        #expect(harness.pixel(query).lines.count == 1)
    }

    @Test func theCredentialOfAPixelIsNotKept() {
        for query in ["key=secret&type=page_view", "type=page_view&k%65y=secret", "type=page_view&key=%ff"] {
            let outcome = DecoderHarness.native().pixel(query)
            #expect(outcome.status == 200)
            #expect(outcome.lines.count == 1)
            #expect(!outcome.lines[0].contains("secret") && !outcome.lines[0].contains("ext"))
        }
    }

    // MARK: shapes of a request

    @Test(arguments: [
        ("", "empty_request"), (" \n ", "empty_request"), ("[]", "empty_request"),
        (#"{"events":[]}"#, "empty_request"),
        ("7", "invalid_json"), (#""x""#, "invalid_json"), ("{", "invalid_json"), ("nul", "invalid_json"),
        (#"{"events":[{"type":"page_view"}],"more":1}"#, "invalid_json"),
        (#"{"type":"page_view"} x"#, "invalid_json"), (#"[{"type":"page_view"}]["#, "invalid_json"),
        (String(repeating: "[", count: 100_000), "invalid_json"),
        // An event that is refused for itself does not hide that the body is not JSON.
        (#"{"type":"page_view","x":{"a":1,"a":2}"#, "invalid_json"),
        (#"[{"type":"page_view","x":{"a":1,"a":2}},{"type":}]"#, "invalid_json"),
        (#"[{"type":"page_view","x":{"a":1,"a":2,"b":"\x"}}]"#, "invalid_json"),
        (#"{"type":"page_view","x":{"a":1,"a":2}}]"#, "invalid_json"),
        ("\u{FEFF}{\"type\":\"page_view\"}", "invalid_json"),
    ])
    func refusesAsAWhole(_ body: String, _ code: String) {
        let outcome = DecoderHarness.native().send(body)
        #expect(outcome.status == 400)
        #expect(text(outcome.answer, "code") == code)
        #expect(outcome.lines.isEmpty)
    }

    @Test func acceptsPrettyPrintedAndLines() {
        let pretty = "{\"user\":{}\n,\"type\":\"page_view\"}"
        #expect(DecoderHarness.native().send(pretty).lines.count == 1)
        let windows = "{\"type\":\"page_view\"}\r\n\r\n{\"type\":\"page_view\"}\r\n"
        #expect(DecoderHarness.native().send(windows).lines.count == 2)
        let half = DecoderHarness.native().send("{\"type\":\"page_view\"}\nrubbish\n")
        #expect(half.status == 202)
        #expect(text(half.answer, "rejected.0.code") == "invalid_json")
        let one = DecoderHarness.native().send("{\"type\":\"page_view\"}\n")
        #expect(one.lines.count == 1)
        let list = DecoderHarness.native().send("{\"events\":[{\"type\":\"page_view\"}\n]}")
        #expect(list.lines.count == 1)
    }

    // MARK: JSON that is refused for one event

    /// A member, the field that is named for it, and the code.
    private static let policies: [(String, String, String)] = [
        (#""zz":{"a":1,"\u0061":2}"#, "zz.a", "duplicate_key"),
        (#""ad":{"id":"a","more":[1,{"b":{"c":1,"c":2}}]}"#, "ad.more[1].b.c", "duplicate_key"),
        (#""ext":{"vtex":{"a":1,"a":2}}"#, "ext.vtex.a", "duplicate_key"),
        (#""ext":{"native":{"a":{"b":1,"b":2}}}"#, "ext.native.a.b", "duplicate_key"),
        (#""user":{"keys":{"a":1,"a":2}}"#, "user.keys.a", "duplicate_key"),
        (
            "\"zz\":" + String(repeating: "[", count: 40) + String(repeating: "]", count: 40), "zz[0][0][0][0][0]",
            "too_deep"
        ),
        (
            "\"zz\":" + String(repeating: #"{"a":"#, count: 5_000) + "1" + String(repeating: "}", count: 5_000),
            "zz.a.a.a.a.a", "too_deep"
        ),
        ("\"zz\":{\"n\":[1," + String(repeating: "9", count: 65) + "]}", "zz.n[1]", "too_long"),
        (
            #""order":{"tax":1."# + String(repeating: "0", count: 70) + "}", "order.tax", "too_long"
        ),
        (
            "\"zz\":{" + (0..<257).map { "\"k\($0)\":1" }.joined(separator: ",") + "}", "zz.k256", "too_many"
        ),
        (#""zz":["\ud800"]"#, "zz[0]", "invalid_encoding"), (#""user":{"id":"\udc00"}"#, "user.id", "invalid_encoding"),
        (#""\ud83d":1"#, "event", "invalid_encoding"), (#""zz":{"\ud83d":1}"#, "zz", "invalid_encoding"),
    ]

    @Test(arguments: policies) func oneBadEventCostsNoOther(_ member: String, _ field: String, _ code: String) {
        let good = #"{"type":"page_view","id":"§"}"#
        let bad = "{\"type\":\"page_view\",\(member)}"
        let events = [good.replacing("§", with: "1"), bad, good.replacing("§", with: "2")]
        let list = events.joined(separator: ",")
        for body in ["[\(list)]", "{\"events\":[\(list)]}", events.joined(separator: "\n")] {
            let outcome = DecoderHarness.native().send(body)
            #expect(outcome.status == 202)
            #expect(outcome.lines.map { text($0, "id") } == ["1", "2"])
            #expect(outcome.result.rejected == 1)
            #expect(whole(outcome.answer, "rejected.0.index") == 1)
            #expect(text(outcome.answer, "rejected.0.field") == field)
            #expect(text(outcome.answer, "rejected.0.code") == code)
            #expect(text(outcome.answer, "rejected.0.message")?.hasPrefix(field + " ") == true)
        }
        let alone = DecoderHarness.native().send(bad)
        #expect(alone.status == 400)
        #expect(text(alone.answer, "rejected.0.field") == field)
        // First in its object, where an envelope is looked for.
        let first = DecoderHarness.native().send("{\(member),\"type\":\"page_view\"}")
        #expect(first.status == 400)
        #expect(text(first.answer, "rejected.0.code") == code)
    }

    @Test func aDeepElementThatIsNoEventCostsNoOther() {
        let deep = String(repeating: "[", count: 50_000) + String(repeating: "]", count: 50_000)
        let outcome = DecoderHarness.native().send("[\(deep),{\"type\":\"page_view\"}]")
        #expect(outcome.lines.count == 1)
        #expect(text(outcome.answer, "rejected.0.code") == "wrong_type")
    }

    @Test func whatWasWrongFirstIsTold() {
        let answer = DecoderHarness.native().send(#"{"type":"page_view","id":7,"zz":{"a":1,"a":2}}"#).answer
        #expect(text(answer, "rejected.0.field") == "id")
    }

    private func whole(_ json: String, _ path: String) -> Int? { member(json, path) as? Int }

    // MARK: the report's size

    @Test func listsAThousandRejections() {
        let bad = #"{"type":"page_view","id":7}"#
        for (count, omitted) in [(1_000, nil), (1_001, 1), (10_000, 9_000)] as [(Int, Int?)] {
            let outcome = DecoderHarness.native().send(
                "[" + [String](repeating: bad, count: count).joined(separator: ",") + "]")
            #expect(outcome.status == 400)
            #expect(outcome.result.rejected == count)
            #expect((member(outcome.answer, "rejected") as? [Any])?.count == min(count, 1_000))
            #expect(whole(outcome.answer, "rejected.999.index") == 999)
            #expect(whole(outcome.answer, "rejected_omitted") == omitted)
        }
        // The next request begins anew.
        let harness = DecoderHarness.native()
        let lines = [String](repeating: "x", count: 1_500).joined(separator: "\n")
        #expect(whole(harness.send(lines, contentType: "application/x-ndjson").answer, "rejected_omitted") == 500)
        let mixed = harness.send("[\(bad),{\"type\":\"page_view\"}]")
        #expect(mixed.status == 202)
        #expect((member(mixed.answer, "rejected") as? [Any])?.count == 1)
        #expect(member(mixed.answer, "rejected_omitted") == nil)
    }

    @Test func boundsTheWordsItRepeats() {
        let key = "k" + String(repeating: "é", count: 100)
        let event = "{\"type\":\"page_view\",\"\(key)\":1,\"\(key)\":2}"
        let answer = DecoderHarness.native().send(event).answer
        #expect(text(answer, "rejected.0.field") == "k" + String(repeating: "é", count: 31) + "…")
        let worst =
            "{\"type\":\"page_view\",\"x\":{\"" + String(repeating: "\\u0001", count: 40_000)
            + "\":{\"a\":1,\"a\":2}}}"
        #expect(DecoderHarness.native().send(worst).answer.utf8.count < 1_500)
        let full = [String](repeating: event, count: 10_000).joined(separator: "\n")
        #expect(DecoderHarness.native().send(full).answer.utf8.count < 400_000)
        let pixel = DecoderHarness.native().pixel("type=page_view&" + String(repeating: "x", count: 5_000) + "=%")
        #expect(pixel.answer.utf8.count < 500)
    }

    @Test func takesTenThousandEventsAndNotOneMore() {
        let event = #"{"type":"page_view"}"#
        let full = [String](repeating: event, count: CoreLimits.eventsPerRequestMax)
        #expect(DecoderHarness.native().send("[" + full.joined(separator: ",") + "]").lines.count == 10_000)
        let harness = DecoderHarness.native()
        for body in [
            "[" + (full + [event]).joined(separator: ",") + "]", (full + [event]).joined(separator: "\n"),
        ] {
            let outcome = harness.send(body)
            #expect(outcome.status == 413)
            #expect(text(outcome.answer, "code") == "too_many_events")
            #expect(outcome.lines.isEmpty)
        }
    }

    // MARK: identity

    @Test func countsDuplicates() {
        let deduplicator = SetDeduplicator()
        let harness = DecoderHarness.native(deduplicator)
        let body =
            #"[{"type":"page_view","id":"1"},{"type":"page_view","id":"1"},{"type":"click","id":"1","ad":{"id":"a"}}]"#
        let first = harness.send(body)
        #expect(first.answer == #"{"accepted":2,"duplicates":1,"rejected":[]}"#)
        #expect(first.result.duplicates == 1)
        let second = harness.send(body)
        #expect(second.status == 202)
        #expect(second.answer == #"{"accepted":0,"duplicates":3,"rejected":[]}"#)
        // Events without an id of the sender's are never duplicates.
        #expect(harness.send(#"[{"type":"page_view"},{"type":"page_view"}]"#).lines.count == 2)
    }

    @Test func aRefusedRequestIsNotRemembered() {
        let deduplicator = SetDeduplicator()
        let harness = DecoderHarness.native(deduplicator)
        #expect(harness.send(#"[{"type":"page_view","id":"1"},"#).status == 400)
        #expect(deduplicator.seen.isEmpty)
        #expect(harness.send(#"[{"type":"page_view","id":"1"}]"#).lines.count == 1)
    }

    @Test func hashesWhatEventsAreFoundBy() {
        let harness = DecoderHarness.native()
        harness.send(
            #"{"type":"purchase","id":"e\u0031","session_id":"s","user":{"id":"u","keys":["k1","k\"2"]},"order":{"id":"o","items":[{"sku":"x"}]}}"#
        )
        var hashes: Set<UInt64> = []
        for index in 0..<harness.block.mark.filterHashes { hashes.insert(harness.block.filterHashes[index]) }
        let expected = ["e1", "s", "u", "k1", "k\"2", "o"].map {
            Array($0.utf8).withBytes { EventHash.filter($0) }
        }
        #expect(hashes == Set(expected))
        #expect(harness.block.mark.fingerprints == 1)
    }

    @Test func addsWhatTheRequestSaysOfTheBrowser() {
        let harness = DecoderHarness.native()
        func send(_ body: String, agent: String = "Agent \"1\"") -> String {
            harness.send(
                Array(body.utf8), userAgent: agent, referrer: "https://shop.example/", address: "192.0.2.0"
            ).lines[0]
        }
        let filled = send(#"{"type":"page_view"}"#)
        #expect(text(filled, "context.user_agent") == "Agent \"1\"")
        #expect(text(filled, "context.page_url") == "https://shop.example/")
        #expect(text(filled, "context.ip") == "192.0.2.0")
        let own = send(
            #"{"type":"page_view","context":{"page_url":"p","user_agent":"a","ip":"2001:db8::1"}}"#)
        #expect(text(own, "context.user_agent") == "a")
        #expect(text(own, "context.page_url") == "p")
        #expect(text(own, "context.ip") == "2001:db8::")
        #expect(
            text(
                send(#"{"type":"page_view"}"#, agent: String(repeating: "x", count: 5_000)),
                "context.user_agent") == nil)
    }

    // MARK: values

    @Test(arguments: [
        (#"{"type":"purchase","order":{"items":[]}}"#, "order.items", "missing"),
        (#"{"type":"purchase"}"#, "order.items", "missing"),
        (#"{"type":"purchase","order":{"items":[{"name":"x"}]}}"#, "order.items[0].product_id", "missing"),
        (#"{"type":"purchase","order":{"items":[{"sku":"x"},7]}}"#, "order.items[1]", "wrong_type"),
        (#"{"type":"purchase","order":{"items":{"sku":"x"}}}"#, "order.items", "wrong_type"),
        (
            #"{"type":"purchase","order":{"items":[{"sku":"x","sku":"y"}]}}"#, "order.items[0].sku",
            "duplicate_key"
        ),
        (
            #"{"type":"purchase","order":{"items":[{"sku":"x","a":1,"\u0061":2}]}}"#, "order.items[0].a",
            "duplicate_key"
        ),
        (
            #"{"type":"purchase","order":{"items":[{"sku":"x","unit_price":-0.01}]}}"#,
            "order.items[0].unit_price", "out_of_range"
        ),
        (
            #"{"type":"purchase","order":{"items":[{"sku":"x","unit_price":1e400}]}}"#,
            "order.items[0].unit_price", "out_of_range"
        ),
        (
            #"{"type":"purchase","order":{"items":[{"sku":"x","quantity":-1}]}}"#, "order.items[0].quantity",
            "out_of_range"
        ),
        (
            #"{"type":"purchase","order":{"items":[{"sku":"x","ltv_quantity":1.5}]}}"#,
            "order.items[0].ltv_quantity", "wrong_type"
        ),
        (
            #"{"type":"purchase","order":{"items":[{"sku":"x","ltv_quantity":2147483648}]}}"#,
            "order.items[0].ltv_quantity", "out_of_range"
        ),
        (#"{"type":"page_view","placement":{"position":0}}"#, "placement.position", "out_of_range"),
        (
            #"{"type":"page_view","placement":{"position":99999999999999999999}}"#, "placement.position",
            "out_of_range"
        ),
        (#"{"type":"page_view","page":{"type":"home"}}"#, "page.id", "missing"),
        (#"{"type":"page_view","page":{"type":"house","id":"x"}}"#, "page.type", "invalid_value"),
        (#"{"type":"page_view","entity":{"id":"x"}}"#, "entity.type", "missing"),
        (#"{"type":"page_view","id":""}"#, "id", "empty"),
        (#"{"type":"page_view","type":"page_view"}"#, "type", "duplicate_key"),
        (
            #"{"type":"page_view","user":{"email":"a@b.c","email_sha256":"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"}}"#,
            "user.email_sha256", "duplicate_key"
        ),
        (#"{"type":"page_view","user":{"email_sha256":"abc"}}"#, "user.email_sha256", "invalid_value"),
        (#"{"type":"page_view","user":{"phone":"12"}}"#, "user.phone", "invalid_value"),
        (#"{"type":"page_view","user":{"keys":["a",1]}}"#, "user.keys", "wrong_type"),
        (#"{"type":"page_view","user":{"keys":[""]}}"#, "user.keys", "empty"),
        (#"{"type":"page_view","user":{"id":"a\u0000b"}}"#, "user.id", "nul_character"),
        (#"{"type":"page_view","context":{"ip":"here"}}"#, "context.ip", "invalid_value"),
        (#"{"type":"page_view","ext":7}"#, "ext", "wrong_type"),
        (#"{"type":"page_view","ext":{"a":7}}"#, "ext", "wrong_type"),
        (#"{"type":"page_view","ext":{"a":{},"a":{}}}"#, "ext", "duplicate_key"),
        (#"{"type":"page_view","foo":1,"ext":{"native":{"foo":2}}}"#, "foo", "conflict"),
        (#"{"type":"page_view","user":{"x":1},"ext":{"native":{"user":{"y":2}}}}"#, "ext.native", "conflict"),
        (#"{"type":"click","ad":{"placement_id":"p"}}"#, "ad.id", "missing"),
        (#"[[]]"#, "event", "wrong_type"),
    ])
    func namesTheField(_ body: String, _ field: String, _ code: String) {
        let harness = DecoderHarness.native()
        let outcome = harness.send(body)
        #expect(outcome.status == 400)
        #expect(text(outcome.answer, "rejected.0.field") == field)
        #expect(text(outcome.answer, "rejected.0.code") == code)
        #expect(text(outcome.answer, "rejected.0.message")?.contains(field) == true)
        #expect(outcome.lines.isEmpty)
    }

    /// Every field of the schema, with a value of every JSON type it is not.
    @Test func refusesWrongTypesForEveryField() {
        let samples: [(String, String)] = [
            ("string", #""x""#), ("number", "1"), ("boolean", "true"), ("array", "[1]"),
            ("object", #"{"q":1}"#),
        ]
        func accepts(_ rule: ValueRule) -> Set<String> {
            switch rule {
            case .text, .characters, .choice, .hash, .personal, .address, .time, .eventType: ["string"]
            case .identifier, .moment: ["string", "number"]
            case .textElseKept: ["string", "number", "boolean", "array", "object"]
            case .decimal, .integer, .number: ["number"]
            case .boolean: ["boolean"]
            case .textList, .anyList, .rows: ["array"]
            case .textOrList: ["string", "array"]
            case .object, .extensions: ["object"]
            }
        }
        var checked = 0
        for object in CanonicalSchema.native.objects {
            for property in object.properties {
                for (kind, sample) in samples where !accepts(property.rule).contains(kind) {
                    var body = "\"\(property.name)\":\(sample)"
                    var path = "\(property.name)"
                    if object.isRow {
                        body = #""order":{"items":[{"sku":"ok"},{"# + body + "}]}"
                        path = "order.items[1]." + path
                    } else if !"\(object.name)".isEmpty {
                        body = "\"\(object.name)\":{\(body)}"
                        path = "\(object.name)." + path
                    }
                    let (field, code) = rejection("{\(body)}")
                    #expect(field == path)
                    #expect(code == "wrong_type", "\(path) as \(kind)")
                    checked += 1
                }
            }
        }
        #expect(checked > 250)
    }

    @Test func boundsEveryString() {
        for (path, max) in [("id", 256), ("session_id", 512), ("network", 64)] {
            let longest = String(repeating: "é", count: max / 2)
            #expect(
                DecoderHarness.native().send("{\"type\":\"page_view\",\"\(path)\":\"\(longest)\"}").status
                    == 202)
            #expect(rejection("{\"type\":\"page_view\",\"\(path)\":\"\(longest)x\"}").code == "too_long")
            // The bound counts what the text says, not how it is written.
            let escaped = String(repeating: "\\u0078", count: max)
            #expect(
                DecoderHarness.native().send("{\"type\":\"page_view\",\"\(path)\":\"\(escaped)\"}").status
                    == 202)
            #expect(rejection("{\"type\":\"page_view\",\"\(path)\":\"\(escaped)y\"}").code == "too_long")
        }
    }

    @Test func boundsLists() {
        let items = [String](repeating: #"{"sku":"s"}"#, count: 1_000)
        func purchase(_ items: [String]) -> String {
            "{\"type\":\"purchase\",\"order\":{\"items\":[\(items.joined(separator: ","))]}}"
        }
        #expect(DecoderHarness.native().send(purchase(items)).status == 202)
        #expect(rejection(purchase(items + [#"{"sku":"s"}"#])) == ("order.items", "too_many"))
        let keys = (0...100).map { "\"k\($0)\"" }.joined(separator: ",")
        #expect(
            rejection("{\"type\":\"page_view\",\"user\":{\"keys\":[\(keys)]}}") == ("user.keys", "too_many"))
        let unknown = (0..<257).map { "\"k\($0)\":1" }.joined(separator: ",")
        #expect(rejection("{\"type\":\"page_view\",\(unknown)}").code == "too_many")
    }

    @Test func normalizesStrings() {
        let line = DecoderHarness.native().send(
            #"{"type":"page_view","session_id":"\u0041\/\ud83d\ude00\n\"\\","user":{"id":"é"}}"#
        ).lines[0]
        #expect(line.contains(#""session_id":"A/😀\n\"\\""#))
    }

    @Test func nullMeansAbsent() {
        let line = DecoderHarness.native().send(
            #"{"type":"page_view","id":null,"user":null,"order":{"items":null,"tax":null},"ext":null,"context":{"referrer":""}}"#
        ).lines[0]
        #expect(member(line, "user") == nil)
        #expect(member(line, "order") == nil)
        #expect(member(line, "ext") == nil)
        #expect(text(line, "id")?.count == 36)
    }

    @Test func afterThreeGatewaysTheFirstIsRemembered() throws {
        var line = DecoderHarness.topsort().send(
            #"{"clicks":[{"id":"c","occurredAt":"2026-01-02T03:04:05Z","opaqueUserId":"u","resolvedBidId":"b","foo":{"bar":1}}]}"#
        ).lines[0]
        for _ in 0..<3 { line = try #require(DecoderHarness.native().send(line).lines.first) }
        #expect(text(line, "ext.native.platform") == "topsort")
        #expect(text(line, "network") == "topsort")
        #expect(member(line, "ext.topsort.foo.bar") as? Int == 1)
    }

    @Test(arguments: [
        EdgeProblem.unauthorized, .notFound, .badRequest("bad \"head\""), .bodyTooLarge(limit: 7),
        .unavailable(retryAfterSeconds: 3), .unsupportedMediaType, .forbiddenOrigin, .requestTimeout,
    ])
    func refusesInItsForm(_ problem: EdgeProblem) {
        var answer = PlatformAnswer()
        NativeDecoder().refuse(problem, answer: &answer)
        let status = answer.status
        #expect(status == problem.status)
        let body = answer.body.bytes.string
        #expect(text(body, "code") == "\(problem.code)")
        #expect(text(body, "message")?.isEmpty == false)
    }
}
