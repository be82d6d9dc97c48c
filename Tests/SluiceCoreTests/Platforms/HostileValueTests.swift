import Foundation
import Testing

@testable import SluiceCore

/// Whatever the text of an event or of the configuration is, it cannot leave its place in a URL, a header, a
/// form or a JSON text of any platform.
@Suite struct HostileValueTests {
    /// As it stands in JSON, and what it means.
    static let texts: [(json: String, text: String)] = [
        (#"\r\nHost: evil\r\n\r\n"#, "\r\nHost: evil\r\n\r\n"), (#"a\u0000b"#, "a\0b"),
        ("%0d%0a%00%26%3D%2e%2e", "%0d%0a%00%26%3D%2e%2e"),
        ("a&OrderId=9&userKey=x", "a&OrderId=9&userKey=x"), ("a#b?c;d/../..", "a#b?c;d/../.."),
        (#"\",\"id\":\"x"#, "\",\"id\":\"x"),
        (#"'\\\"}]"#, "'\\\"}]"), (#"\u202e\u2066x\u2028\u2029"#, "\u{202E}\u{2066}x\u{2028}\u{2029}"),
        ("+ ,=", "+ ,="),
        (#"\ud83d\ude00é\u007f\u0001\t"#, "😀é\u{7F}\u{1}\t"),
    ]

    private static func encoders(_ evil: String) -> [(String, any PlatformEncoder)] {
        [
            ("topsort", TopsortEncoder()), ("gowit", GowitEncoder(marketplaceID: evil)),
            ("vtex", VtexEncoder(publisherID: evil)),
            ("kevel", KevelEncoder(networkID: evil)),
            ("impact", ImpactEncoder(accountSID: evil, campaignID: 1, eventTypeID: 2)),
            ("webhook", WebhookEncoder(gzip: false, secret: evil)),
        ]
    }

    /// A purchase with the text wherever text can be.
    private static func purchase(_ evil: String) -> String {
        let e = "\"\(evil)\""
        return """
            {"id":\(e),"type":"purchase","received_at":"2026-01-02T03:04:05.678Z","source":\(e),"platform":\(e),"session_id":\(e),\
            "user":{"id":\(e),"keys":[\(e)],"customer_id":\(e),"email_sha256":"\(VtexDecoderTests.hash)","gender":\(e),"region":\(e),"city":\(e),"status":\(e)},\
            "ad":{"placement_id":\(e),"click_id":\(e)},"order":{"id":\(e),"currency":\(e),"channel":\(e),"brand":\(e),"promo_code":\(e),\
            "items":[{"product_id":\(e),"sku":\(e),"name":\(e),"category":\(e),"brand":\(e),"seller_id":\(e),"quantity":2,"unit_price":1.50}]},\
            "context":{"user_agent":\(e),"ip":\(e),"device_type":\(e),"channel":\(e),"location_id":\(e)},\
            "ext":{"impact":{\(e):\(e),"ItemMpn":[\(e)]},"kevel":{\(e):[\(e)]},"gowit":{\(e):\(e),"sales":{"0":{\(e):\(e)}}},\
            "vtex":{\(e):\(e),"items":{"0":{\(e):\(e)}}},"topsort":{\(e):\(e)}}}
            """
    }

    @Test(arguments: texts.indices)
    func purchases(_ index: Int) {
        let (json, text) = HostileValueTests.texts[index]
        let line = Array(HostileValueTests.purchase(json).utf8)
        for (name, encoder) in HostileValueTests.encoders(text) {
            encoder.begin(now: DecoderHarness.now)
            let result = line.withBytes { encoder.add($0) }
            #expect(result == .added || isRefused(result, text), "\(name): \(text.debugDescription)")
            guard result == .added else { continue }
            for part in 0..<encoder.partCount {
                var request = OutgoingRequest()
                encoder.finish(part: part, into: &request)
                let path = request.path.bytes.string
                let isClean = path.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x23 }
                #expect(isClean, "\(name): \(path)")
                for header in request.headers {
                    #expect(header.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F }, "\(name): \(header)")
                }
                check(name, path, request.body.bytes.string, text)
            }
        }
    }

    /// No stored line holds a NUL in a named field; one that does is not read.
    private func isRefused(_ result: EncodeResult, _ text: String) -> Bool {
        guard text.contains("\0"), case .unfit = result else { return false }
        return true
    }

    private func check(_ name: String, _ path: String, _ body: String, _ text: String) {
        switch name {
        case "topsort":
            #expect(path == "/v2/events")
            #expect(member(body, "purchases.0.id") as? String == text)
            #expect(member(body, "purchases.0.items.0.vendorId") as? String == text)
        case "gowit":
            #expect(path.isEmpty)
            #expect((member(body, "event_type") as? String) == "sale")
            #expect(member(body, "marketplace_id") as? String == text)
            #expect(member(body, "sales.0.advertiser_id") as? String == text)
        case "vtex":
            #expect(path == "/v1/beacon/conversion")
            #expect(member(body, "publisher_id") as? String == text)
            #expect(member(body, "items.0.sku") as? String == text)
            #expect(member(body, "order_id") as? String == text)
        case "kevel":
            #expect(path.filter { $0 == "?" }.count == 1)
            #expect(path.hasPrefix("/c/") && path.split(separator: "?")[0].hasSuffix("/purchase"))
            #expect(path.split(separator: "?")[0].split(separator: "/").count == 3)
            let items = URLComponents(string: path)?.queryItems ?? []
            #expect(items.filter { $0.name == "userKey" }.map(\.value) == [text])
            #expect(items.filter { $0.name == "transactionId" }.map(\.value) == [text])
        case "impact":
            #expect(path.split(separator: "/").count == 3)
            let pairs = body.split(separator: "&").map { $0.split(separator: "=", omittingEmptySubsequences: false) }
            #expect(pairs.allSatisfy { $0.count == 2 })
            #expect(pairs.filter { $0[0] == "OrderId" }.map { $0[1].removingPercentEncoding } == [text])
            #expect(body.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F })
        default:
            #expect(path.isEmpty)
            #expect(member(body, "0.order.items.0.name") as? String == text)
        }
    }

    @Test(arguments: texts.indices)
    func adEvents(_ index: Int) {
        let (json, text) = HostileValueTests.texts[index]
        let e = "\"\(json)\""
        for network in ["topsort", "gowit", "vtex"] {
            let line = """
                {"id":\(e),"type":"click","received_at":"2026-01-02T03:04:05.678Z","source":"s","platform":"native","network":"\(network)",\
                "session_id":\(e),"user":{"id":\(e)},"ad":{"id":\(e),"placement_id":\(e),"click_type":\(e),"campaign_id":\(e),"url":"/v1/beacon/click/a?s=\(json)"},\
                "placement":{"path":\(e),"search_query":\(e),"category_ids":[\(e)]},"page":{"type":"home","id":\(e),"value":[\(e)]},\
                "entity":{"type":"product","id":\(e)},"attribution":{"type":\(e),"id":\(e)},"object":{"type":"banner","asset_id":\(e)}}
                """
            for (name, encoder) in HostileValueTests.encoders(text) where name == network || name == "webhook" {
                encoder.begin(now: DecoderHarness.now)
                let result = Array(line.utf8).withBytes { encoder.add($0) }
                if name == "vtex", case .unfit = result { continue }
                #expect(result == .added || isRefused(result, text), "\(name)")
                guard result == .added else { continue }
                var request = OutgoingRequest()
                encoder.finish(into: &request)
                let path = request.path.bytes.string
                #expect(path.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F && $0 != 0x23 }, "\(name)")
                #expect(foundation(request.body.bytes.string) != nil, "\(name)")
            }
        }
    }

    /// What an upstream says is kept as text of one bounded reason, and never read as anything else.
    @Test func answers() {
        for (_, text) in HostileValueTests.texts {
            for (name, encoder) in HostileValueTests.encoders("x") {
                for status in [200, 202, 204, 301, 400, 422, 429, 500] {
                    let answer = UpstreamAnswer(
                        status: status, body: Array(text.utf8) + [0xFF, 0xC3],
                        headers: [("retry-after", text), ("kevel-debug", text), ("x-ratelimit-reset", text)])
                    switch encoder.classify(answer, eventCount: 1) {
                    case .delivered: break
                    case .deliveredNoting(let reason), .rejected(let reason), .split(let reason), .retry(_, let reason):
                        #expect(reason.utf8.count < 1_200, "\(name)")
                    }
                }
            }
        }
    }
}
