import Foundation
import SluiceCore
import SluiceServer
import SluiceSimulator
import Testing

/// Every example of `docs/platforms.md`, sent as its platform's client sends it, answered as that platform
/// answers, and looked for at every destination in that platform's form.
@Suite(.serialized) struct PlatformTableTests {
    private static var fixture: String {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("Fixtures/platform-walk.txt").path
    }

    /// Beyond the table: several ads or items in one request, and values that try to break out of a URL, a
    /// form or a header.
    private static let more = [
        (
            PlatformWalk.Step(
                .gowit, "impression of several ads", "POST", "/gowit/events", "application/json",
                """
                {"event_type":"impression","session_id":"s-1","marketplace_id":"m-1","ad_ids":["ad-1","ad&2"],\
                "placement_id":"pl-1"}
                """), 2
        ),
        (
            PlatformWalk.Step(
                .native, "purchase of two products, hostile", "POST", "/v1/events", "text/plain;charset=UTF-8",
                #"""
                {"type":"purchase","id":"evil&id=1\r\nX-Evil: 1","occurred_at":"2026-01-02T03:04:05.678Z",\#
                "session_id":"s 1&é\u202E","user":{"id":"u+1#?/%2e","customer_id":"c&1=2",\#
                "email_sha256":"2C26B46B68FFC68FF99B453C1D30413413422D706483BFA0F98A5E886266E7AE"},\#
                "order":{"id":"o/1?x&y=\"z\"","currency":"EUR","channel":"app","promo_code":"50% & <more>",\#
                "items":[{"product_id":"p\r\n1","sku":"s=1&s=2","seller_id":"v'1","quantity":3,"unit_price":0.10,\#
                "list_price":1e1},{"product_id":"p-2","seller_id":"v-2","quantity":1,"unit_price":1234567890.99}]}}
                """#), 1
        ),
        (
            PlatformWalk.Step(
                .impact, "conversion of several products", "POST", "/impact/Advertisers/IRsid1/Conversions",
                "application/x-www-form-urlencoded; charset=utf-8",
                "CampaignId=1000&EventTypeCode=SALE&EventDate=2026-01-02T03%3A04%3A05%2B02%3A00&OrderId=impact+4%26x&ClickId=Click-1&OrderPromoCode=50%25+off&CustomerEmail=0BEEC7B5EA3F0FDBC95D0DD47F3C5BC275DA8A33&ItemSku1=a%26b&ItemQuantity1=3&ItemPrice1=0.10&ItemSku2=c&ItemQuantity2=1&ItemSubTotal2=7&Text1=caf%C3%A9"
            ), 1
        ),
    ]

    /// The text is for people to read and to judge by the platforms' documentation. `SLUICE_UPDATE_FIXTURES=1`
    /// writes it anew.
    @Test(.timeLimit(.minutes(3)), arguments: [false, true])
    func `the whole table holds over real sockets`(byHost: Bool) throws {
        var walk = try PlatformWalk(byHost: byHost)
        let table = PlatformTable()
        for example in PlatformExample.all {
            #expect(
                try walk.take(PlatformWalk.Step(example)) == example.status, "\(example.platform.name) \(example.title)"
            )
        }
        for (step, events) in Self.more { try walk.take(step, events: events) }
        let refusals = walk.gateway.cast.parties.flatMap { $0.standIn.ledger.refusals }
        let text = try walk.finish()
        #expect(refusals == [])

        // Who gets what is the table of the documentation.
        for (index, example) in PlatformExample.all.enumerated() {
            let line = try #require(table.line(of: example))
            for platform in PlatformTable.columns {
                let destination = platform == .webhook ? "warehouse" : "\(platform.name)"
                let found = try #require(PlatformWalk.fate(text, step: index, at: destination))
                let expected = table.fate(of: line, at: platform)
                guard case .rejected(let reason) = expected else {
                    #expect(found == expected, "\(example.platform.name) \(example.title) at \(destination)")
                    continue
                }
                guard case .rejected(let words) = found else {
                    Issue.record("\(example.platform.name) \(example.title) at \(destination): \(found)")
                    continue
                }
                for field in reason.split(separator: ", ") { #expect(words.contains(field)) }
            }
        }

        if ProcessInfo.processInfo.environment["SLUICE_UPDATE_FIXTURES"] == "1", !byHost {
            return try text.write(toFile: Self.fixture, atomically: true, encoding: .utf8)
        }
        let known = try String(contentsOfFile: Self.fixture, encoding: .utf8)
        let sections = (text.components(separatedBy: "\n\n"), known.components(separatedBy: "\n\n"))
        #expect(sections.0.count == sections.1.count)
        for (found, expected) in zip(sections.0, sections.1) { #expect(found == expected) }
    }

    private struct Submission {
        let gateway: TestGateway
        let client: HTTPClient
        let credential: [(name: String, value: String)]
        private let body: String

        init() throws {
            gateway = try TestGateway(allPlatforms: true)
            client = try gateway.client()
            credential = PlatformWalk.credential(.impact, gateway.cast.sourceKey)
            body = try #require(PlatformExample.all.first { $0.platform == .impact }).body
        }

        /// Sends a conversion; where to ask for it.
        func post(order: String, campaign: Int = 1000) throws -> String {
            let posted = try client.request(
                "POST", "/impact/Advertisers/IRsid1/Conversions",
                headers: credential + [("Content-Type", "application/x-www-form-urlencoded")],
                body: Array(
                    body.replacing("impact-1", with: order).replacing("=1000&", with: "=\(campaign)&").utf8))
            #expect(posted.status == 200)
            let answer = try #require(PlainJSON(posted.body))
            #expect(answer["Status"] == .string("QUEUED"))
            let uri = try #require(answer["QueuedUri"]?.string)
            #expect(uri.hasPrefix("/Advertisers/IRsid1/APISubmissions/A-"))
            return uri
        }

        func ask(_ uri: String) throws -> PlainJSON {
            let answer = try client.request("GET", "/impact" + uri, headers: credential)
            #expect(answer.status == 200)
            #expect(answer.header("content-type") == "application/json")
            #expect(answer.header("cache-control") == "no-store")
            let report = try #require(PlainJSON(answer.body))
            #expect(uri.hasSuffix("/" + (report["BatchId"]?.string ?? "?")))
            #expect(report["Type"] == .string("Conversion"))
            return report
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func `a conversion's QueuedUri tells what became of it`() throws {
        let submission = try Submission()
        let impact = try #require(submission.gateway.cast.platforms).impact.standIn
        impact.faults.play([FaultStep(.status(503))])
        let good = try submission.post(order: "good")
        let bad = try submission.post(order: "bad", campaign: 2000)
        // Nothing can have been delivered: impact.com answers nobody.
        try eventually("impact.com is asked in vain") { impact.ledger.totals.faults > 0 }
        for (uri, order) in [(good, "good"), (bad, "bad")] {
            let report = try submission.ask(uri)
            #expect(report["Status"] == .string("Queued"))
            #expect(report["OrderId"] == .string(order))
            #expect(report["ErrorType"] == nil)
        }
        impact.faults.clear()
        try eventually("both are complete") {
            try [good, bad].allSatisfy { try submission.ask($0)["Status"] == .string("Complete") }
        }
        #expect(try submission.ask(good)["ErrorType"] == nil)
        let report = try submission.ask(bad)
        #expect(report["ErrorType"] == .string("REJECTED"))
        #expect(report["ErrorReason"]?.string?.contains("CampaignId 2000 does not exist") == true)
        #expect(impact.ledger.ids == ["good"])
        #expect(submission.gateway.stop() == .exited(code: 0))
    }

    @Test(.timeLimit(.minutes(1)))
    func `a QueuedUri is for those who sent the conversion`() throws {
        let submission = try Submission()
        let uri = try submission.post(order: "o")
        let client = submission.client
        #expect(try client.request("GET", "/impact" + uri).status == 401)
        #expect(try client.request("GET", "/impact" + uri + "x", headers: submission.credential).status == 404)
        let other = String(uri.dropLast()) + (uri.hasSuffix("0") ? "1" : "0")
        #expect(try client.request("GET", "/impact" + other, headers: submission.credential).status == 404)
        let foreign = uri.replacing("IRsid1", with: "IRsid2")
        #expect(try client.request("GET", "/impact" + foreign, headers: submission.credential).status == 401)
        let head = try client.request("HEAD", "/impact" + uri, headers: submission.credential)
        #expect(head.status == 200 && head.body.isEmpty)
        let posted = try client.request("POST", "/impact" + uri, headers: submission.credential)
        #expect(posted.status == 405 && posted.header("allow") == "GET, HEAD, OPTIONS")
        #expect(submission.gateway.stop() == .exited(code: 0))
    }
}
