import SluiceSimulator
import Testing

@Suite struct KevelStandInTests {
    private static let good =
        "userKey=u1&productId=p1&timestamp=2026-01-02T03%3A04%3A05Z&quantity=2&price=9.90&transactionId=t1"

    private func judge(
        _ query: String, method: String = "GET", path: String = "/c/123/purchase",
        platform: KevelStandIn = KevelStandIn(network: "123")
    ) -> Judgement {
        platform.judge(StandInRequest(method: method, path: path, query: query), nowMilliseconds: 0)
    }

    private func body(_ judgement: Judgement) -> String {
        String(decoding: judgement.answer.body, as: UTF8.self)
    }

    private func with(_ name: String, _ value: String?) -> String {
        var parts = Self.good.split(separator: "&").map(String.init)
        parts.removeAll { $0.hasPrefix(name + "=") }
        return (parts + (value.map { ["\(name)=\($0)"] } ?? [])).joined(separator: "&")
    }

    @Test func `a line item is taken, by GET and by POST`() {
        for method in ["GET", "POST"] {
            let judgement = judge(Self.good, method: method)
            #expect(judgement.refusal == nil && judgement.answer.status == 200)
            #expect(judgement.recorded == ["t1/p1"])
        }
        #expect(judge(with("transactionId", nil)).recorded == ["/p1"])
        #expect(judge(Self.good + "&merchantId=m&ltvQuantity=3&ltvValue=1.5").answer.status == 200)
        #expect(judge(Self.good, method: "PUT").answer.status == 405)
        #expect(judge(Self.good, path: "/c/9/purchase").answer.status == 404)
    }

    @Test(arguments: ["userKey", "timestamp", "productId", "quantity", "price"])
    func `each required parameter is missed by the documented words`(name: String) {
        for value in [nil, ""] {
            let judgement = judge(with(name, value))
            #expect(judgement.answer.status == 400 && judgement.recorded.isEmpty)
            #expect(
                body(judgement)
                    == "required parameter missing: expected userKey, timestamp, productId, quantity and price"
            )
        }
    }

    @Test func `user keys may be a hundred`() {
        func keys(_ count: Int) -> String {
            with("userKey", nil) + (0..<count).map { "&userKey=k\($0)" }.joined()
        }
        #expect(judge(keys(100)).answer.status == 200)
        #expect(judge(keys(101)).answer.status == 400)
        #expect(body(judge(keys(101))) == "maximum of 100 userKeys exceeded")
    }

    @Test func `values have their types`() {
        for (name, value) in [
            ("quantity", "1.5"), ("quantity", "2147483648"), ("price", "free"), ("price", "nan"),
            ("timestamp", "yesterday"), ("timestamp", "-5"), ("ltvQuantity", "x"), ("ltvValue", "x"),
        ] {
            #expect(judge(with(name, value)).answer.status == 400, "\(name)=\(value)")
        }
        for time in ["1767323045", "1767323045678", "2026-01-02T03:04:05.678%2B01:00"] {
            #expect(judge(with("timestamp", time)).answer.status == 200, "\(time)")
        }
        #expect(judge(with("price", "0")).answer.status == 200)
    }

    @Test func `only documented parameters, once, well escaped`() {
        #expect(judge(Self.good + "&orderId=1").answer.status == 400)
        #expect(judge(Self.good + "&price=1").answer.status == 400)
        #expect(judge(with("productId", "a b")).answer.status == 400)
        #expect(judge(with("productId", "a%20b%26c")).recorded == ["t1/a b&c"])
        #expect(judge(with("productId", "a+b")).recorded == ["t1/a+b"])
    }

    @Test func `what cannot be attributed is taken with its reason`() {
        let platform = KevelStandIn(
            network: "123", attributed: .only(["p1"]), catalogue: .only(["p1", "p2"]))
        #expect(judge(Self.good, platform: platform).answer.status == 200)
        let shown = judge(with("productId", "p2"), platform: platform)
        #expect(shown.answer.status == 204 && shown.recorded == ["t1/p2"] && shown.answer.body.isEmpty)
        #expect(
            shown.answer.headers.first { $0.name == "kevel-debug" }?.value
                == "no attributable item was found for productId p2")
        let unknown = judge(with("productId", "p3%0D%0Ax"), platform: platform)
        #expect(
            unknown.answer.headers.first { $0.name == "kevel-debug" }?.value == "product not found: p3x")
        let digits = KevelStandIn(network: "123", attributed: .endingIn("135"))
        #expect(judge(with("productId", "sku-3"), platform: digits).answer.status == 200)
        #expect(judge(with("productId", "sku-2"), platform: digits).answer.status == 204)
    }

    @Test func `trouble is text`() {
        let trouble = KevelStandIn(network: "1").trouble(status: 503, message: "down")
        #expect(String(decoding: trouble.body, as: UTF8.self) == "down")
    }
}
