import Foundation
import Testing

@testable import SluiceCore

@Suite struct TopsortDecoderTests {
    private let event = #""id":"i","occurredAt":"2026-01-02T03:04:05Z","opaqueUserId":"u""#

    private func send(_ body: String) -> DecoderHarness.Outcome { DecoderHarness.topsort().send(body) }

    @Test func answersWithoutBody() {
        let outcome = send("{\"clicks\":[{\(event)}],\"note\":1,\"empty\":[],\"pageviews\":null}")
        #expect(outcome.status == 204)
        #expect(outcome.answer.isEmpty)
        #expect(outcome.contentType == .none)
        #expect(outcome.result.byType.2 == 1)
    }

    @Test func takesOneWithAndWithoutBid() {
        let bid = send("{\"impressions\":[{\(event),\"resolvedBidId\":\"b\"}]}").lines[0]
        #expect(text(bid, "network") == "topsort")
        #expect(text(bid, "ad.id") == "b")
        for none in ["null", "\"\""] {
            let organic = send("{\"impressions\":[{\(event),\"resolvedBidId\":\(none)}]}").lines[0]
            #expect(member(organic, "network") == nil)
            #expect(member(organic, "ad") == nil)
        }
    }

    @Test(arguments: ["product", "like", "add-to-cart", "image", "add_to_cart", "purchase_now"])
    func takesBothSetsOfClickTypes(_ type: String) {
        #expect(
            text(send("{\"clicks\":[{\(event),\"clickType\":\"\(type)\"}]}").lines[0], "ad.click_type")
                == type)
    }

    @Test func fiftyPerArray() {
        func array(_ count: Int) -> String {
            "["
                + (0..<count).map {
                    "{\"id\":\"\($0)\",\"occurredAt\":\"2026-01-02T03:04:05Z\",\"opaqueUserId\":\"u\"}"
                }
                .joined(separator: ",") + "]"
        }
        #expect(send("{\"impressions\":\(array(50)),\"clicks\":\(array(50))}").lines.count == 100)
        let outcome = send("{\"impressions\":\(array(50)),\"clicks\":\(array(51))}")
        #expect(outcome.status == 400)
        #expect(text(outcome.answer, "message") == "clicks must hold at most 50 events")
        #expect(outcome.lines.isEmpty)
    }

    @Test(arguments: [
        ("", 400, "empty_request", ""), ("{}", 400, "empty_request", ""), ("[]", 422, "bad_request", "body"),
        ("7", 422, "bad_request", "body"), ("{", 400, "invalid_json", ""), ("{}x", 400, "invalid_json", ""),
        (#"{"clicks":[],"clicks":[]}"#, 400, "invalid_json", ""),
        (#"{"a":1,"a":1}"#, 400, "invalid_json", ""),
        (#"{"clicks":{}}"#, 422, "bad_request", "clicks"),
        (#"{"clicks":[7]}"#, 422, "bad_request", "clicks[0]"),
        (#"{"clicks":[null]}"#, 422, "bad_request", "clicks[0]"),
        (#"{"events":[1]}"#, 400, "invalid_event_type", "events"),
        (#"{"clicks":[{}]}"#, 422, "bad_request", "clicks[0].id"),
        (#"{"clicks":[{"id":1}]}"#, 422, "bad_request", "clicks[0].id"),
        (#"{"clicks":[{"id":""}]}"#, 400, "bad_request", "clicks[0].id"),
        (#"{"clicks":[{"id":null}]}"#, 422, "bad_request", "clicks[0].id"),
        (
            #"{"purchases":[{"id":"i","occurredAt":"2026-01-02T03:04:05Z","opaqueUserId":"u"}]}"#, 422,
            "no_purchase_items", "purchases[0].items"
        ),
        (
            #"{"purchases":[{"id":"i","items":[{"unitPrice":1}]}]}"#, 422, "missing_product_id",
            "purchases[0].items[0].productId"
        ),
        (
            #"{"purchases":[{"id":"i","items":[{"productId":"p","unitPrice":0}]}]}"#, 400, "bad_request",
            "purchases[0].items[0].unitPrice"
        ),
        (
            #"{"purchases":[{"id":"i","items":[{"productId":"p","unitPrice":1,"quantity":-1}]}]}"#, 400,
            "purchase_item_quantity_less_or_equal_than_zero", "purchases[0].items[0].quantity"
        ),
        (
            #"{"purchases":[{"id":"i","items":[{"productId":"p","unitPrice":1,"quantity":1.5}]}]}"#, 422,
            "bad_request", "purchases[0].items[0].quantity"
        ),
        (
            #"{"pageviews":[{"id":"i","page":{"type":"PDP"}}]}"#, 422, "bad_request",
            "pageviews[0].page.pageId"
        ),
        (
            #"{"clicks":[{"id":"i","occurredAt":"2026-13-02T03:04:05Z"}]}"#, 400, "invalid_event_time",
            "clicks[0].occurredAt"
        ),
        (#"{"clicks":[{"placement":{"position":1}}]}"#, 422, "bad_request", "clicks[0].placement.path"),
        (
            #"{"clicks":[{"placement":{"path":"/","position":0}}]}"#, 400, "bad_request",
            "clicks[0].placement.position"
        ),
        (#"{"clicks":[{"a":1,"a":2}]}"#, 400, "bad_request", "clicks[0].a"),
    ])
    func refusesAsAWhole(_ body: String, _ status: Int, _ code: String, _ part: String) {
        let harness = DecoderHarness.topsort()
        harness.send("{\"clicks\":[{\(event)}]}")
        let before = harness.block.mark.bytes
        let outcome = harness.send(body)
        #expect(outcome.status == status)
        #expect(text(outcome.answer, "errCode") == code)
        let message = text(outcome.answer, "message")
        #expect(part.isEmpty ? message?.isEmpty == false : message?.contains(part) == true)
        #expect(text(outcome.answer, "docUrl")?.isEmpty == false)
        #expect(harness.block.mark.bytes == before)
        #expect(harness.block.mark.fingerprints == 1)
    }

    /// Whoever sends fifty events wants to mend all of them at once; status and code are those of the first.
    @Test func namesAllThatIsWrong() {
        let outcome = send(
            "{\"clicks\":[{\(event),\"channel\":\"tv\",\"placement\":{}},7,{\(event)}],\"pageviews\":{},\"others\":[1],\"purchases\":[{\"id\":\"p\",\"items\":[]}]}"
        )
        #expect(outcome.status == 400)
        #expect(text(outcome.answer, "errCode") == "bad_request")
        #expect(
            text(outcome.answer, "message")
                == "clicks[0].channel must be one of onsite, offsite, instore; clicks[0].placement.path is required; clicks[1] must be an object; pageviews must be an array; others must be one of impressions, clicks, purchases, pageviews; purchases[0].occurredAt is required; purchases[0].opaqueUserId is required; purchases[0].items must hold at least one item"
        )
    }

    @Test func namesABoundedNumber() {
        let outcome = send("{\"clicks\":[\(Array(repeating: "{}", count: 60).joined(separator: ","))]}")
        #expect(outcome.status == 422)
        #expect(outcome.result.rejected == 60)
        #expect(text(outcome.answer, "message")?.split(separator: ";").count == CoreLimits.problemsMax)
    }

    /// What is no JSON has no fields to be named.
    @Test func invalidJSONBehindAWrongEvent() {
        let outcome = send("{\"clicks\":[{}],")
        #expect(outcome.status == 400)
        #expect(text(outcome.answer, "errCode") == "invalid_json")
    }

    @Test func attributionNeedsABid() {
        let attribution = #""additionalAttribution":{"type":"product","id":"p"}"#
        #expect(send("{\"clicks\":[{\(event),\(attribution),\"resolvedBidId\":\"b\"}]}").status == 204)
        let outcome = send("{\"clicks\":[{\(event),\(attribution)}]}")
        #expect(outcome.status == 422)
        #expect(
            text(outcome.answer, "message")
                == "clicks[0].resolvedBidId is required with additionalAttribution")
    }

    /// Topsort ignores `entity` when `resolvedBidId` has a value, before it or behind it.
    @Test(arguments: [
        "{}", "7", "[1]", #""x""#, "true", #"{"type":"house","id":"p"}"#, #"{"type":"product"}"#, #"{"type":1,"id":2}"#,
        #"{"type":"product","id":""}"#, #"{"type":"product","id":"p","id":"q"}"#, #"{"a":1,"b":{"c":[]}}"#,
    ])
    func aWrongEntityBesideABidIsKept(_ entity: String) throws {
        let isJSON = !entity.contains(#""p","id""#)
        for kind in ["impressions", "clicks"] {
            for members in [#""resolvedBidId":"b","entity":§"#, #""entity":§,"resolvedBidId":"b","channel":"onsite""#] {
                let body = "{\"\(kind)\":[{\(event),\(members.replacing("§", with: entity))}]}"
                let outcome = send(body)
                guard isJSON else {
                    #expect(outcome.status == 400)
                    continue
                }
                #expect(outcome.status == 204)
                let line = try #require(outcome.lines.first)
                #expect(text(line, "ad.id") == "b")
                #expect(text(line, "network") == "topsort")
                #expect(member(line, "entity") == nil)
                #expect(member(line, "ext.topsort.entity") as? NSObject == foundation(entity))
            }
            for none in ["", #","resolvedBidId":"""#, #","resolvedBidId":null"#] {
                let outcome = send("{\"\(kind)\":[{\(event),\"entity\":\(entity)\(none)}]}")
                #expect(outcome.status == 400 || outcome.status == 422)
                #expect(text(outcome.answer, "message")?.contains("\(kind)[0].entity") == true)
            }
        }
    }

    @Test func aRightEntityBesideABidIsTaken() {
        let line = send(
            "{\"clicks\":[{\(event),\"entity\":{\"type\":\"product\",\"id\":\"p\"},\"resolvedBidId\":\"b\"}]}"
        ).lines[0]
        #expect(text(line, "entity.id") == "p")
        #expect(member(line, "ext") == nil)
    }

    @Test func besideAWrongEntityTheRestIsStillChecked() {
        let start = "{\"clicks\":[{\(event),\"entity\":{},\"resolvedBidId\":\"b\""
        #expect(
            text(send(start + ",\"channel\":7}]}").answer, "message")?.hasPrefix("clicks[0].channel must be") == true)
        #expect(
            text(send(start + ",\"clickType\":7}]}").answer, "message")?.hasPrefix("clicks[0].clickType must") == true)
        #expect(
            text(send(start + ",\"placement\":{}}]}").answer, "message")?.hasPrefix("clicks[0].placement.path") == true)
        #expect(text(send(start + ",\"entity\":{}}]}").answer, "message")?.hasPrefix("clicks[0].entity") == true)
        #expect(send(start + ",\"externalVendorId\":\"v\"},{\(event)}]}").lines.count == 2)
    }

    /// Every property of the schemas, with a value of every JSON type it is not.
    @Test func refusesWrongTypesForEveryProperty() {
        let samples: [(String, String)] = [
            ("string", #""x""#), ("number", "1"), ("boolean", "true"), ("array", "[1]"),
            ("object", #"{"q":1}"#),
        ]
        func accepts(_ rule: ValueRule) -> Set<String> {
            switch rule {
            case .decimal, .integer: ["number"]
            case .textList, .rows: ["array"]
            case .textOrList: ["string", "array"]
            case .object: ["object"]
            default: ["string"]
            }
        }
        for kind in TopsortKind.allCases {
            for object in TopsortSchema.schema(of: kind).objects {
                for property in object.properties {
                    for (type, sample) in samples where !accepts(property.rule).contains(type) {
                        var body = "\"\(property.name)\":\(sample)"
                        var path = "\(property.name)"
                        if object.isRow {
                            body = "\"\(object.name)\":[{\(body)}]"
                            path = "\(object.name)[0].\(path)"
                        } else if !"\(object.name)".isEmpty {
                            body = "\"\(object.name)\":{\(body)}"
                            path = "\(object.name).\(path)"
                        }
                        let outcome = send("{\"\(kind.name)\":[{\(body)}]}")
                        #expect(outcome.status == 422, "\(path) as \(type)")
                        #expect(
                            text(outcome.answer, "message")?.hasPrefix("\(kind.name)[0].\(path) must be")
                                == true)
                    }
                }
            }
        }
    }

    @Test func otherTypesPathsAndMethods() {
        let body = Array("{\"clicks\":[{\(event)}]}".utf8)
        let harness = DecoderHarness.topsort()
        #expect(harness.send(body, contentType: "application/json; charset=utf-8").status == 204)
        #expect(harness.send(body, contentType: "").status == 204)
        #expect(harness.send(body, contentType: "application/xml").status == 415)
        #expect(harness.send(body, path: "/v1/events").status == 404)
        #expect(harness.send(body, method: .get).status == 405)
    }

    @Test func duplicatesAreTakenOnce() {
        let harness = DecoderHarness.topsort(SetDeduplicator())
        let body = "{\"clicks\":[{\(event)}],\"impressions\":[{\(event)}]}"
        #expect(harness.send(body).lines.count == 2)
        let again = harness.send(body)
        #expect(again.status == 204)
        #expect(again.lines.isEmpty)
        #expect(again.result.duplicates == 2)
    }

    @Test func aRefusedRequestIsNotRemembered() {
        let deduplicator = SetDeduplicator()
        let harness = DecoderHarness.topsort(deduplicator)
        #expect(harness.send("{\"clicks\":[{\(event)},{}]}").status == 422)
        #expect(deduplicator.seen.isEmpty)
    }

    @Test(arguments: [
        (EdgeProblem.unauthorized, "invalid_api_key"), (.notFound, "not_found"),
        (.unavailable(retryAfterSeconds: 3), "internal_server_error"),
        (.bodyTooLarge(limit: 5), "body_too_large"),
    ])
    func refusesInItsForm(_ problem: EdgeProblem, _ code: String) {
        var answer = PlatformAnswer()
        TopsortDecoder().refuse(problem, answer: &answer)
        let status = answer.status
        #expect(status == problem.status)
        #expect(text(answer.body.bytes.string, "errCode") == code)
    }
}
