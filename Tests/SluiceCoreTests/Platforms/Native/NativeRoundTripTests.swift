import Foundation
import Testing

@testable import SluiceCore

/// A native event with canonical names is its canonical line, and that is what a webhook gets.
@Suite struct NativeRoundTripTests {
    @Test func randomEventsReachTheWebhookAsTheyCame() {
        let seed: UInt64 = 20_260_105
        var generator = SeededGenerator(seed: seed)
        for round in 0..<400 {
            let source = RandomNative.event(&generator)
            let outcome = DecoderHarness.native().send(source)
            #expect(outcome.result.accepted == 1, "seed \(seed), round \(round): \(outcome.answer)\n\(source)")
            guard let line = outcome.lines.first else { continue }
            var got = foundation(line) as? [String: Any] ?? [:]
            for name in ["received_at", "source", "platform"] { got[name] = nil }
            // What has no canonical name stands under ext.native and goes back to where it was.
            let kept = member(line, "ext.native") as? [String: Any]
            #expect(kept?["zz"] as? NSObject == member(source, "zz") as? NSObject, "seed \(seed), round \(round)")
            got["zz"] = kept?["zz"]
            if var ext = got["ext"] as? [String: Any] {
                ext["native"] = nil
                got["ext"] = ext.isEmpty ? nil : ext
            }
            #expect(got as NSDictionary == foundation(source), "seed \(seed), round \(round)\n\(source)\n\(line)")

            let encoder = WebhookEncoder(gzip: false, secret: nil)
            encoder.begin(now: 0)
            #expect(Array(line.utf8).withBytes { encoder.add($0) } == .added)
            var request = OutgoingRequest()
            encoder.finish(into: &request)
            #expect(request.body.bytes.string == "[\(line)]")
        }
    }

    /// Every canonical field is generated, so that none can be lost unnoticed.
    @Test func allFieldsAreGenerated() {
        var generator = SeededGenerator(seed: 1)
        let lines = (0..<200).map { _ in DecoderHarness.native().send(RandomNative.event(&generator)).lines.first ?? ""
        }
        for field in EventField.allCases {
            let path = field.container == .root ? "\(field.name)" : "\(field.container.name).\(field.name)"
            #expect(lines.contains { member($0, path) != nil }, "\(path)")
        }
        for field in ItemField.allCases {
            #expect(lines.contains { member($0, "order.items.0.\(field.name)") != nil }, "\(field.name)")
        }
    }
}

/// Events with every field of the canonical form.
enum RandomNative {
    static func event(_ generator: inout SeededGenerator) -> String {
        let type = EventType.allCases.randomElement(using: &generator)!
        var members = ["\"id\":\(string(&generator))", "\"type\":\"\(type.name)\""]
        func chance() -> Bool { Bool.random(using: &generator) }
        if chance() { members.append("\"occurred_at\":\"2026-01-02T03:04:05.678Z\"") }
        if chance() { members.append("\"network\":\"gowit\"") }
        if chance() { members.append("\"session_id\":\(string(&generator))") }
        if chance() { members.append("\"zz\":{\"a\":[1,2.50,null,\(string(&generator))]}") }
        if chance() { members.append("\"ext\":{\"other\":{\"x\":\(string(&generator))}}") }
        let user =
            texts(["id", "customer_id", "region", "city", "status"], &generator)
            + lists(["keys"], &generator)
            + some(
                ["email", "phone", "tax_id", "first_name", "last_name"].map {
                    "\"\($0)_sha256\":\"\(VtexDecoderTests.hash)\""
                }, &generator)
            + some(["\"gender\":\"F\"", "\"is_company\":true"], &generator)
        add("user", user, &members)
        var ad =
            texts(["placement_id", "click_id", "click_type", "campaign_id", "url"], &generator)
            + lists(["ids"], &generator)
        ad.append("\"id\":\(string(&generator))")
        add("ad", ad, &members)
        add(
            "placement",
            texts(["path", "product_id", "search_query"], &generator) + lists(["category_ids"], &generator)
                + some(["\"position\":1", "\"page\":2147483647", "\"page_size\":20"], &generator), &members)
        if chance() {
            let value = chance() ? string(&generator) : "[\(string(&generator)),\(string(&generator))]"
            members.append("\"page\":{\"type\":\"PDP\",\"id\":\(string(&generator)),\"value\":\(value)}")
        }
        if chance() {
            members.append(
                "\"object\":{\"type\":\"banner\",\"asset_id\":\(string(&generator)),\"click_type\":\(string(&generator))}"
            )
        }
        if chance() { members.append("\"entity\":{\"type\":\"vendor\",\"id\":\(string(&generator))}") }
        if chance() { members.append("\"attribution\":{\"type\":\(string(&generator)),\"id\":\(string(&generator))}") }
        if type == .purchase || chance() {
            var order = texts(["id", "currency", "channel", "brand", "promo_code"], &generator)
            order += some(["discount", "shipping", "tax"].map { "\"\($0)\":\(decimal(&generator))" }, &generator)
            let items = (0..<Int.random(in: 1...4, using: &generator)).map { _ in item(&generator) }
            order.append("\"items\":[\(items.joined(separator: ","))]")
            add("order", order, &members)
        }
        add(
            "context",
            texts(["page_url", "referrer", "user_agent", "device_type", "channel", "location_id"], &generator)
                + some(["\"ip\":\"203.0.113.0\"", "\"gpc\":true", "\"bot\":false"], &generator), &members)
        return "{\(members.shuffled(using: &generator).joined(separator: ","))}"
    }

    private static func item(_ generator: inout SeededGenerator) -> String {
        let members =
            ["\"product_id\":\(string(&generator))", "\"quantity\":\(Bool.random(using: &generator) ? "2" : "0.5")"]
            + texts(["sku", "name", "category", "brand", "seller_id"], &generator)
            + some(
                ["unit_price", "list_price", "line_total", "discount", "ltv_value"].map {
                    "\"\($0)\":\(decimal(&generator))"
                }, &generator)
            + some(["\"ltv_quantity\":3"], &generator)
        return "{\(members.shuffled(using: &generator).joined(separator: ","))}"
    }

    private static func add(_ name: String, _ inner: [String], _ members: inout [String]) {
        if !inner.isEmpty { members.append("\"\(name)\":{\(inner.joined(separator: ","))}") }
    }

    private static func some(_ members: [String], _ generator: inout SeededGenerator) -> [String] {
        members.filter { _ in Bool.random(using: &generator) }
    }

    private static func texts(_ names: [String], _ generator: inout SeededGenerator) -> [String] {
        some(names.map { "\"\($0)\":\(string(&generator))" }, &generator)
    }

    private static func lists(_ names: [String], _ generator: inout SeededGenerator) -> [String] {
        some(names.map { "\"\($0)\":[\(string(&generator)),\(string(&generator))]" }, &generator)
    }

    static func decimal(_ generator: inout SeededGenerator) -> String {
        ["0", "12.50", "1e2", "0.10", "12345678901234567890.1234567890", "1E-3"].randomElement(using: &generator)!
    }

    /// A JSON string with at least one character, of every sort.
    static func string(_ generator: inout SeededGenerator) -> String {
        let parts = [
            "a", "Z", "0", " ", "é", "😀", "\\\"", "\\\\", "\\/", "\\r\\n", "\\u202e", "\\ud83d\\ude00", "=", "&", "%41",
            "+",
        ]
        return "\""
            + (0..<Int.random(in: 1...8, using: &generator)).map { _ in parts.randomElement(using: &generator)! }
            .joined() + "\""
    }
}
