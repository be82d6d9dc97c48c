import SluiceSimulator
import Testing

@Suite struct TopsortStandInTests {
    private static let now: Int64 = 1_767_323_045_678
    private let platform = TopsortStandIn(key: "k")

    private func judge(
        _ body: String, method: String = "POST", path: String = "/v2/events", key: String? = "Bearer k",
        contentType: String = "application/json", platform: TopsortStandIn? = nil
    ) -> Judgement {
        var headers: [(name: String, value: String)] = [("content-type", contentType)]
        if let key { headers.append(("authorization", key)) }
        return (platform ?? self.platform).judge(
            StandInRequest(method: method, path: path, headers: headers, body: Array(body.utf8)),
            nowMilliseconds: Self.now)
    }

    private static let common = """
        "id":"e1","occurredAt":"2026-01-02T03:04:05Z","opaqueUserId":"u"
        """

    private func code(_ judgement: Judgement) -> String? {
        PlainJSON(judgement.answer.body)?["errCode"]?.string
    }

    @Test func `a full request is taken whole`() {
        let judgement = judge(
            """
            {"impressions":[{\(Self.common),"resolvedBidId":"b","additionalAttribution":{"type":"vendor",
            "id":"v"},"placement":{"path":"/s?q=1","position":1,"page":1,"pageSize":20,"productId":"p",
            "categoryIds":["c"],"searchQuery":"x"},"page":{"type":"PDP","pageId":"p","value":["a"]},
            "object":{"type":"banner","assetId":"a","clickType":"image"},"externalCampaignId":"x",
            "externalVendorId":"y","deviceType":"mobile","channel":"offsite"}],
            "clicks":[{\(Self.common),"entity":{"type":"product","id":"p"},"clickType":"add-to-cart"}],
            "purchases":[{\(Self.common),"items":[{"productId":"p","unitPrice":0.01,"quantity":1,
            "vendorId":"v"},{"productId":"q","unitPrice":12}]}],
            "pageviews":[{\(Self.common),"page":{"type":"home","pageId":"h"}}]}
            """, contentType: "application/json; charset=utf-8")
        #expect(judgement.refusal == nil)
        #expect(judgement.answer.status == 204)
        #expect(judgement.answer.body.isEmpty)
        #expect(judgement.recorded == ["e1", "e1", "e1", "e1"])
    }

    @Test(arguments: [
        // What the sender did wrong, the status, the code.
        ("{", 400, "invalid_json"), ("[]", 422, "bad_request"), ("{}", 400, "empty_request"),
        ("{\"impressions\":[],\"clicks\":[]}", 400, "empty_request"),
        ("{\"sales\":[]}", 400, "invalid_event_type"),
        ("{\"impressions\":{}}", 422, "bad_request"),
        ("{\"impressions\":[7]}", 422, "bad_request"),
        ("{\"impressions\":[{\"id\":\"e\",\"occurredAt\":\"2026-01-02T03:04:05Z\"}]}", 422, "bad_request"),
        ("{\"impressions\":[{\(common),\"resolvedBidId\":5}]}", 422, "bad_request"),
        ("{\"impressions\":[{\(common),\"ext\":{}}]}", 400, "bad_request"),
        ("{\"impressions\":[{\(common),\"clickType\":\"like\"}]}", 400, "bad_request"),
        ("{\"impressions\":[{\(common),\"deviceType\":\"fridge\"}]}", 400, "bad_request"),
        ("{\"impressions\":[{\(common),\"placement\":{}}]}", 422, "missing_placement"),
        ("{\"impressions\":[{\(common),\"placement\":{\"path\":\"\"}}]}", 400, "missing_placement"),
        (
            "{\"impressions\":[{\(common),\"placement\":{\"path\":\"/\",\"position\":0}}]}", 400,
            "bad_request"
        ),
        (
            "{\"impressions\":[{\(common),\"placement\":{\"path\":\"/\",\"position\":1.5}}]}", 422,
            "bad_request"
        ),
        (
            "{\"impressions\":[{\(common),\"placement\":{\"path\":\"/\",\"categoryIds\":[]}}]}", 400,
            "bad_request"
        ),
        (
            "{\"clicks\":[{\(common),\"additionalAttribution\":{\"type\":\"vendor\",\"id\":\"v\"}}]}", 400,
            "bad_request"
        ),
        ("{\"clicks\":[{\(common),\"resolvedBidId\":\"unknown-1\"}]}", 400, "resolved_bid_id_not_found"),
        ("{\"clicks\":[{\(common),\"entity\":{\"type\":\"thing\",\"id\":\"p\"}}]}", 400, "bad_request"),
        ("{\"clicks\":[{\(common),\"clickType\":\"double\"}]}", 400, "bad_request"),
        ("{\"purchases\":[{\(common)}]}", 422, "no_purchase_items"),
        ("{\"purchases\":[{\(common),\"items\":[]}]}", 400, "no_purchase_items"),
        ("{\"purchases\":[{\(common),\"items\":[{\"unitPrice\":1}]}]}", 422, "missing_product_id"),
        (
            "{\"purchases\":[{\(common),\"items\":[{\"productId\":\"p\",\"unitPrice\":0}]}]}", 400,
            "bad_request"
        ),
        (
            "{\"purchases\":[{\(common),\"items\":[{\"productId\":\"p\",\"unitPrice\":\"1\"}]}]}", 422,
            "bad_request"
        ),
        (
            "{\"purchases\":[{\(common),\"items\":[{\"productId\":\"p\",\"unitPrice\":1,\"quantity\":0}]}]}",
            400, "purchase_item_quantity_less_or_equal_than_zero"
        ),
        ("{\"pageviews\":[{\(common)}]}", 422, "bad_request"),
        (
            "{\"pageviews\":[{\(common),\"page\":{\"type\":\"pdp\",\"pageId\":\"p\"}}]}", 400, "bad_request"
        ),
        (
            "{\"clicks\":[{\"id\":\"\",\"occurredAt\":\"2026-01-02T03:04:05Z\",\"opaqueUserId\":\"u\"}]}",
            400, "bad_request"
        ),
        (
            "{\"clicks\":[{\"id\":\"e\",\"occurredAt\":\"2026-01-02T03:04:05\",\"opaqueUserId\":\"u\"}]}",
            400, "invalid_event_time"
        ),
        (
            "{\"clicks\":[{\"id\":\"e\",\"occurredAt\":\"2026-01-02T04:04:05Z\",\"opaqueUserId\":\"u\"}]}",
            400, "invalid_event_time"
        ),
    ])
    func `each rule has its answer`(body: String, status: Int, errorCode: String) {
        let judgement = judge(body)
        #expect(judgement.answer.status == status, "\(body)")
        #expect(code(judgement) == errorCode, "\(body)")
        #expect(judgement.recorded.isEmpty)
        #expect(PlainJSON(judgement.answer.body)?["message"]?.string?.isEmpty == false)
    }

    @Test func `one bad event and none is recorded`() {
        let judgement = judge(
            """
            {"impressions":[{\(Self.common)}],"purchases":[{\(Self.common),"items":[]}]}
            """)
        #expect(judgement.answer.status == 400)
        #expect(judgement.recorded.isEmpty)
        #expect(judgement.refusal?.contains("purchases[0].items") == true)
    }

    @Test func `an array holds at most fifty`() {
        func body(_ count: Int) -> String {
            "{\"clicks\":[\(Array(repeating: "{\(Self.common)}", count: count).joined(separator: ","))]}"
        }
        #expect(judge(body(50)).recorded.count == 50)
        #expect(judge(body(51)).answer.status == 400)
    }

    @Test func `the envelope is checked first`() {
        let good = "{\"clicks\":[{\(Self.common)}]}"
        #expect(judge(good, path: "/v1/events").answer.status == 404)
        #expect(judge(good, method: "GET").answer.status == 405)
        #expect(judge(good, key: nil).answer.status == 401)
        #expect(judge(good, key: "Bearer x").answer.status == 401)
        #expect(judge(good, key: "k").answer.status == 401)
        #expect(code(judge(good, key: nil)) == "invalid_api_key")
        #expect(judge(good, contentType: "text/plain").answer.status == 415)
        #expect(judge(good, contentType: "application/JSON").answer.status == 204)
    }

    @Test func `errors come in the documentation's form, too`() {
        let judgement = judge("{}", platform: TopsortStandIn(key: "k", errorsAsArray: true))
        let errors = PlainJSON(judgement.answer.body)?.elements
        #expect(errors?.count == 1)
        #expect(errors?.first?["errCode"]?.string == "empty_request")
    }
}
