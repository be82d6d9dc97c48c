import Foundation
import Testing

@testable import SluiceCore

@Suite struct KevelEncoderTests {
    private func encode(_ line: String, network: String = "123") -> (EncodeResult, [String]) {
        let encoder = KevelEncoder(networkID: network)
        encoder.begin(now: 0)
        let result = Array(line.utf8).withBytes { encoder.add($0) }
        guard result == .added else { return (result, []) }
        var paths: [String] = []
        for part in 0..<encoder.partCount {
            var request = OutgoingRequest()
            encoder.finish(part: part, into: &request)
            let (method, isBare) = (request.method, request.body.isEmpty && request.headers.isEmpty)
            #expect(method == .get)
            #expect(isBare)
            paths.append(request.path.bytes.string)
        }
        return (result, paths)
    }

    private func line(_ members: String, type: String = "purchase") -> String {
        "{\"id\":\"e\",\"type\":\"\(type)\",\"received_at\":\"2026-01-02T03:04:05.678Z\",\"source\":\"s\",\"platform\":\"native\"\(members.isEmpty ? "" : "," + members)}"
    }

    private func parameters(_ path: String) -> [[String]] {
        (URLComponents(string: path)?.queryItems ?? []).map { [$0.name, $0.value ?? ""] }
    }

    /// What came in goes out as it came: the same parameters with the same values.
    @Test func roundTripOfRandomPurchases() {
        let seed: UInt64 = 20_260_104
        var generator = SeededGenerator(seed: seed)
        for round in 0..<600 {
            let sent = RandomKevel.parameters(&generator)
            var source = URLComponents()
            source.queryItems = sent.map { URLQueryItem(name: $0[0], value: $0[1]) }
            // Foundation leaves + alone, which a form reads as a space.
            let query = (source.percentEncodedQuery ?? "").replacingOccurrences(of: "+", with: "%2B")
            let outcome = DecoderHarness.kevel().kevel(query)
            #expect(outcome.status == 204, "seed \(seed), round \(round): \(outcome.answer)\n\(query)")
            guard let line = outcome.lines.first else { continue }
            let (result, paths) = encode(line)
            #expect(result == .added)
            #expect(paths.count == 1)
            #expect(paths[0].hasPrefix("/c/123/purchase?"))
            let got = parameters(paths[0])
            func sorted(_ list: [[String]]) -> [[String]] { list.sorted { $0.lexicographicallyPrecedes($1) } }
            #expect(sorted(got) == sorted(sent), "seed \(seed), round \(round)\n\(query)\n\(paths[0])")
            #expect(got.filter { $0[0] == "userKey" } == sent.filter { $0[0] == "userKey" })
            let again = DecoderHarness.kevel().kevel(String(paths[0].dropFirst("/c/123/purchase?".count)))
            #expect(again.lines.first.flatMap { foundation($0) } != nil)
        }
    }

    @Test func oneRequestPerItem() {
        let (result, paths) = encode(
            line(
                #""occurred_at":"2026-01-01T00:00:00.000Z","session_id":"s","user":{"id":"u","keys":["a b","c&d"]},"order":{"id":"o/1","items":[{"product_id":"p","sku":"k","seller_id":"v","quantity":2.0,"unit_price":12.50,"ltv_quantity":3,"ltv_value":1.5},{"sku":"k","quantity":4,"line_total":10}]}"#
            ))
        #expect(result == .added)
        #expect(
            paths == [
                "/c/123/purchase?userKey=a%20b&userKey=c%26d&productId=p&timestamp=2026-01-01T00%3A00%3A00.000Z&quantity=2&price=12.50&transactionId=o%2F1&merchantId=v&ltvQuantity=3&ltvValue=1.5",
                "/c/123/purchase?userKey=a%20b&userKey=c%26d&productId=k&timestamp=2026-01-01T00%3A00%3A00.000Z&quantity=4&price=2.5&transactionId=o%2F1",
            ])
    }

    @Test(arguments: [
        (#""user":{"keys":["k"],"id":"u","customer_id":"c"},"session_id":"s""#, "k"),
        (#""user":{"id":"u","customer_id":"c"},"session_id":"s""#, "u"),
        (#""user":{"customer_id":"c"},"session_id":"s""#, "c"), (#""session_id":"s""#, "s"),
        (#""user":{"keys":[""]},"session_id":"s""#, "s"),
    ])
    func whoIsTheUser(_ members: String, _ key: String) {
        let (_, paths) = encode(
            line(members + #","order":{"items":[{"product_id":"p","quantity":1,"unit_price":1}]}"#))
        #expect(paths.first.map(parameters)?.first == ["userKey", key])
        #expect(paths.first?.contains("timestamp=2026-01-02T03%3A04%3A05.678Z") == true)
    }

    /// Nothing that is in an event, or in the configuration, ends its place in the URL.
    @Test func nothingBreaksOut() {
        let evil = "a&userKey=x#y?z/../ \\r\\nHost: h%00%2526+\u{202E};=é"
        let (result, paths) = encode(
            line(
                #""user":{"id":"\#(evil)"},"order":{"id":"\#(evil)","items":[{"product_id":"\#(evil)","seller_id":"\#(evil)","quantity":1,"unit_price":1e2}]},"ext":{"kevel":{"\#(evil)":["\#(evil)",7,{"a":1}],"price":"0","userKey":"mine","network":"\#(evil)"}}"#
            ), network: "1/../2?x#")
        #expect(result == .added)
        let path = paths[0]
        #expect(path.hasPrefix("/c/1%2F..%2F2%3Fx%23/purchase?"))
        #expect(path.utf8.allSatisfy { byte in byte > 0x20 && byte < 0x7F })
        #expect(!path.contains("#") && !path.contains("+"))
        #expect(path.filter { $0 == "?" }.count == 1)
        let plain = evil.replacingOccurrences(of: "\\r\\n", with: "\r\n")
        #expect(
            parameters(path) == [
                ["userKey", plain], ["productId", plain], ["timestamp", "2026-01-02T03:04:05.678Z"],
                ["quantity", "1"],
                ["price", "1e2"], ["transactionId", plain], ["merchantId", plain], [plain, plain],
                ["network", plain],
            ])
    }

    @Test func namesWhatIsMissing() {
        #expect(encode(line("")).0 == .missing(["user.id", "order.items"]))
        #expect(
            encode(
                line(
                    #""user":{"id":"u"},"order":{"items":[{"name":"n"},{"product_id":"","quantity":1,"unit_price":1}]}"#
                )
            ).0
                == .missing([
                    "order.items[0].product_id", "order.items[0].quantity", "order.items[0].unit_price",
                    "order.items[1].product_id",
                ]))
    }

    @Test(arguments: [
        (#""quantity":1.5,"unit_price":1"#, "quantity"), (#""quantity":0,"unit_price":1"#, "quantity"),
        (#""quantity":3000000000,"unit_price":1"#, "quantity"),
        (#""quantity":1,"unit_price":-1"#, "unit_price"),
        (#""quantity":1,"unit_price":1e9999999999"#, "unit_price"),
        (#""quantity":3,"line_total":10"#, "line_total"),
    ])
    func saysWhatIsUnfit(_ item: String, _ part: String) {
        guard
            case .unfit(let reason) = encode(
                line(#""user":{"id":"u"},"order":{"items":[{"product_id":"p",\#(item)}]}"#)
            ).0
        else {
            Issue.record("taken")
            return
        }
        #expect(reason.contains(part))
    }

    @Test func purchasesOnly() {
        for type in EventType.allCases {
            #expect(KevelEncoder(networkID: "1").takes(type: type, network: .empty) == (type == .purchase))
        }
        guard case .unfit = encode(line(#""user":{"id":"u"}"#, type: "click")).0 else {
            Issue.record("taken")
            return
        }
        let encoder = KevelEncoder(networkID: "1")
        encoder.begin(now: 0)
        let event = Array(
            line(#""user":{"id":"u"},"order":{"items":[{"product_id":"p","quantity":1,"unit_price":1}]}"#)
                .utf8)
        #expect(event.withBytes { encoder.add($0) } == .added)
        #expect(event.withBytes { encoder.add($0) } == .full)
    }

    @Test func readsAnswers() {
        let encoder = KevelEncoder(networkID: "1")
        func verdict(_ status: Int, _ body: String = "", _ debug: String? = nil) -> Verdict {
            encoder.classify(
                UpstreamAnswer(
                    status: status, body: Array(body.utf8), headers: debug.map { [("kevel-debug", $0)] } ?? []
                ),
                eventCount: 1)
        }
        #expect(verdict(200) == .delivered)
        #expect(verdict(204, "", "product not found: p") == .deliveredNoting("product not found: p"))
        #expect(verdict(204) == .delivered)
        #expect(
            verdict(204, "", String(repeating: "x", count: 9_000))
                == .deliveredNoting(String(repeating: "x", count: 512)))
        #expect(
            verdict(400, "maximum of 100 userKeys exceeded")
                == .rejected(reason: "HTTP 400: maximum of 100 userKeys exceeded"))
        #expect(verdict(414) == .rejected(reason: "HTTP 414"))
        for status in [301, 401, 403, 404, 429, 500, 503] {
            #expect(verdict(status) == .retry(afterSeconds: nil, reason: "HTTP \(status)"))
        }
    }
}

/// Purchases as Kevel documents them, and parameters it does not.
enum RandomKevel {
    static func parameters(_ generator: inout SeededGenerator) -> [[String]] {
        var list = [
            ["productId", string(&generator)],
            [
                "timestamp",
                [
                    "1767323045", "1767323045678", "2026-01-02T03:04:05.678Z", "2026-01-02",
                    "2026-01-02T03:04:05+01:00",
                ].randomElement(using: &generator)!,
            ],
            ["quantity", "\(Int.random(in: 1...2_147_483_647, using: &generator))"],
            [
                "price",
                ["0", "12.50", "1e2", "1E+3", "12345678901234567890.1234567890"].randomElement(using: &generator)!,
            ],
        ]
        for _ in 0..<Int.random(in: 1...4, using: &generator) {
            list.append(["userKey", string(&generator)])
        }
        func maybe(_ name: String, _ value: String) {
            if Bool.random(using: &generator) { list.append([name, value]) }
        }
        maybe("transactionId", string(&generator))
        maybe("merchantId", string(&generator))
        maybe("ltvQuantity", "\(Int.random(in: 0...9, using: &generator))")
        maybe("ltvValue", "99.90")
        maybe("empty", "")
        for _ in 0..<Int.random(in: 0...3, using: &generator) { list.append(["utm", string(&generator)]) }
        return list.shuffled(using: &generator)
    }

    private static func string(_ generator: inout SeededGenerator) -> String {
        let parts = [
            "a", "Z", "0", " ", "é", "😀", "\"", "\\", "/", "\r\n", "\u{202E}", "=", "&", "%41", "+", "?", "#",
            ",", ";", "[]",
        ]
        return (0..<Int.random(in: 1...12, using: &generator)).map { _ in
            parts.randomElement(using: &generator)!
        }.joined()
    }
}
