import Foundation
import Testing

@testable import SluiceCore

@Suite struct GowitDecoderTests {
    private let base = #""session_id":"s","marketplace_id":"m""#
    private let sale = #""sales":[{"advertiser_id":"v","product_id":"p","unit_price":1,"quantity":1}]"#

    private func send(_ members: String, to harness: DecoderHarness = .gowit()) -> DecoderHarness.Outcome {
        harness.send("{\(members)}", path: "/events")
    }

    private func details(_ outcome: DecoderHarness.Outcome) -> [String: String] {
        member(outcome.answer, "details") as? [String: String] ?? [:]
    }

    @Test(arguments: [
        ("impression", "impression"), ("viewable_impression", "viewable_impression"), ("click", "click"),
    ])
    func adEventsHaveTheNetwork(_ type: String, _ canonical: String) {
        let line = send("\(base),\"event_type\":\"\(type)\",\"ad_id\":\"a\"").lines[0]
        #expect(text(line, "type") == canonical)
        #expect(text(line, "network") == "gowit")
    }

    @Test func salesHaveNoNetwork() {
        let line = send("\(base),\"event_type\":\"sale\",\(sale)").lines[0]
        #expect(text(line, "type") == "purchase")
        #expect(member(line, "network") == nil)
    }

    /// The type decides what else is needed, wherever it stands and however it is spelled.
    @Test func theTypeMayComeLast() {
        #expect(send("\(base),\(sale),\"event\\u005ftype\":\"s\\u0061le\"").status == 204)
    }

    @Test func marketplacesOfAllKinds() {
        for value in ["\"m-1\"", "42", "\"7d0f3f0e-6f0b-4a53-9a6e-0c6c2f1f7f10\""] {
            for name in ["marketplace_id", "marketplace_uuid"] {
                let line = send(
                    "\"event_type\":\"click\",\"session_id\":\"s\",\"ad_id\":\"a\",\"\(name)\":\(value)"
                ).lines[0]
                #expect(line.contains("\"marketplace_id\":\(value)"))
            }
        }
        for value in ["true", "[]", "{}", "1.5", "\"\"", "null"] {
            let outcome = send(
                "\"event_type\":\"click\",\"session_id\":\"s\",\"ad_id\":\"a\",\"marketplace_id\":\(value)")
            #expect(outcome.status == 400)
            #expect(Array(details(outcome).keys) == ["marketplace_id"], "\(value)")
        }
    }

    @Test func boundsOnLengthsAndNumbers() {
        func long(_ count: Int) -> String { String(repeating: "x", count: count) }
        for (name, max) in [
            ("session_id", 512), ("ad_id", 1_024), ("placement_id", 1_024), ("customer_id", 512),
            ("location_id", 512), ("request_id", 256), ("marketplace_id", 512),
        ] {
            func event(_ count: Int) -> String {
                let others = ["session_id", "marketplace_id", "ad_id"].filter { $0 != name }.map {
                    "\"\($0)\":\"o\""
                }
                return "\"event_type\":\"click\",\"\(name)\":\"\(long(count))\","
                    + others.joined(separator: ",")
            }
            #expect(send(event(max)).status == 204, "\(name)")
            let outcome = send(event(max + 1))
            #expect(details(outcome) == [name: "must be at most \(max) bytes long"])
        }
        func ads(_ count: Int) -> String { (0..<count).map { "\"\($0)\"" }.joined(separator: ",") }
        #expect(send("\(base),\"event_type\":\"click\",\"ad_ids\":[\(ads(100))]").lines.count == 100)
        #expect(
            details(send("\(base),\"event_type\":\"click\",\"ad_ids\":[\(ads(101))]"))["ad_ids"]
                == "must hold at most 100 elements")
        let row = #"{"advertiser_id":"v","product_id":"p","unit_price":1,"quantity":1}"#
        func sales(_ count: Int) -> String { Array(repeating: row, count: count).joined(separator: ",") }
        #expect(send("\(base),\"event_type\":\"sale\",\"sales\":[\(sales(1_000))]").status == 204)
        #expect(
            details(send("\(base),\"event_type\":\"sale\",\"sales\":[\(sales(1_001))]"))["sales"]
                == "must hold at most 1000 elements")
    }

    /// A request cannot make the gateway store many times what it sent.
    @Test func severalAdsShareLittle() {
        let note = String(repeating: "n", count: 9_000)
        #expect(
            send("\(base),\"event_type\":\"click\",\"ad_ids\":[\"a\"],\"note\":\"\(note)\"").status == 204)
        #expect(
            details(send("\(base),\"event_type\":\"click\",\"ad_ids\":[\"a\",\"b\"],\"note\":\"\(note)\""))[
                "ad_ids"]?.contains("8192") == true)
    }

    @Test func aResendIsTakenOnce() {
        let harness = DecoderHarness.gowit(SetDeduplicator())
        let list = "\(base),\"event_type\":\"impression\",\"ad_ids\":[\"a\",\"b\"],\"request_id\":\"r\""
        #expect(send(list, to: harness).lines.count == 2)
        let again = send(list, to: harness)
        #expect(again.status == 204)
        #expect(again.result.duplicates == 2)
        #expect(again.lines.isEmpty)
        // The same request id with another ad, and an event without one, are other events.
        #expect(
            send("\(base),\"event_type\":\"impression\",\"ad_ids\":[\"c\"],\"request_id\":\"r\"", to: harness)
                .lines.count == 1)
        for _ in 0..<2 {
            #expect(send("\(base),\"event_type\":\"click\",\"ad_id\":\"a\"", to: harness).lines.count == 1)
        }
        let single = "\(base),\"event_type\":\"sale\",\(sale),\"request_id\":\"r\""
        #expect(text(send(single, to: harness).lines[0], "id") == "r")
        #expect(send(single, to: harness).result.duplicates == 1)
    }

    @Test func salesInStores() {
        func offline(_ members: String) -> DecoderHarness.Outcome {
            send("\"marketplace_id\":\"m\",\"event_type\":\"sale\",\"channel\":\"OFFLINE\",\(sale)\(members)")
        }
        let line = offline(#","customer_id":"c","sale_date":"2026-01-01T10:00:00+0100","time":1"#).lines[0]
        #expect(text(line, "occurred_at") == "2026-01-01T09:00:00.000Z")
        #expect(text(line, "ext.gowit.sale_date") == "2026-01-01T10:00:00+0100")
        #expect(Set(details(offline("")).keys) == ["customer_id", "sale_date"])
        #expect(
            Set(details(offline(#","customer_id":7,"sale_date":"x""#)).keys) == ["customer_id", "sale_date"])
        let online = send("\"marketplace_id\":\"m\",\"event_type\":\"sale\",\"channel\":\"ONLINE\",\(sale)")
        #expect(details(online) == ["session_id": "is required"])
    }

    @Test func pathsMethodsAndTypes() {
        let body = "{\(base),\"event_type\":\"click\",\"ad_id\":\"a\"}"
        let harness = DecoderHarness.gowit()
        #expect(harness.send(body, path: "/events", contentType: "").status == 204)
        for (outcome, status, code) in [
            (
                harness.send(body, path: "/events", contentType: "application/xml"), 415,
                "unsupported_media_type"
            ),
            (harness.send(body, method: .get, path: "/events"), 405, "method_not_allowed"),
            (harness.send(body, path: "/server/sdk/events"), 405, "method_not_allowed"),
            (harness.send(body, method: .get, path: "/server/sdk/sale_events"), 405, "method_not_allowed"),
            (harness.send(body, path: "/v1/events"), 404, "not_found"),
            (harness.send(" \n", path: "/events"), 400, "empty_request"),
        ] {
            #expect(outcome.status == status)
            #expect(text(outcome.answer, "code") == code)
            #expect(member(outcome.answer, "details") is [String: Any])
        }
    }

    @Test(arguments: [
        EdgeProblem.unauthorized, .notFound, .unavailable(retryAfterSeconds: 3), .bodyTooLarge(limit: 5),
        .badRequest("a \"b\""),
    ])
    func refusesInItsForm(_ problem: EdgeProblem) {
        var answer = PlatformAnswer()
        GowitDecoder().refuse(problem, answer: &answer)
        let status = answer.status
        #expect(status == problem.status)
        #expect(text(answer.body.bytes.string, "code") == "\(problem.code)")
        #expect(text(answer.body.bytes.string, "message")?.isEmpty == false)
    }

    private final class Directory: SourceDirectory {
        func resolve(platform: Platform, account: Bytes, into origin: inout RequestOrigin) -> Bool {
            guard platform == .gowit, account.equals("m") else { return false }
            origin.sourceName = Bytes("found")
            return true
        }
    }

    @Test func theMarketplaceTellsTheSource() {
        for (marketplace, status) in [("m", 204), ("other", 401)] {
            let decoder = GowitDecoder(directory: Directory())
            let block = OpenBlock(capacity: 1_024)
            var answer = PlatformAnswer()
            let body = "{\"session_id\":\"s\",\"marketplace_uuid\":\"\(marketplace)\",\(sale)}"
            _ = Array(body.utf8).withBytes { body in
                decoder.decode(
                    PlatformRequest(
                        method: .post, path: Bytes("/server/sdk/sale_events"), query: .empty,
                        contentType: .empty,
                        body: body,
                        origin: RequestOrigin(receivedMilliseconds: 1, sourceName: .empty, sourceHash: 0)),
                    into: block, answer: &answer)
            }
            let got = answer.status
            #expect(got == status)
            #expect(block.eventCount == (status == 204 ? 1 : 0))
            if status == 204 { #expect(text(block.payload.bytes.string, "source") == "found") }
        }
    }
}
