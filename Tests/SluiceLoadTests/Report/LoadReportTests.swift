import Foundation
import SluiceLoad
import Testing

@Suite struct LoadReportTests {
    private func report(_ change: (inout LoadOrder) -> Void = { _ in }) throws -> LoadReport {
        let server = AnsweringServer { _ in .answer(AnsweringServer.noContent) }
        defer { server.stop() }
        var order = try shortOrder(port: server.port, path: "/a?b=<c>&\"d\"")
        change(&order)
        return try run(order)
    }

    @Test func `the JSON has what the harness reads`() throws {
        let report = try report()
        let object = try #require(try JSONSerialization.jsonObject(with: report.json) as? [String: Any])
        for key in ["requests", "events", "seconds", "requests_per_second", "events_per_second", "errors"] {
            #expect(object[key] is NSNumber, "\(key)")
        }
        #expect((object["statuses"] as? [String: Int])?["204"] == report.requests)
        for key in ["latency_ms", "latency_uncorrected_ms"] {
            let latency = try #require(object[key] as? [String: Double])
            #expect(Set(latency.keys) == ["p50", "p90", "p99", "p99.9", "p99.99", "max", "mean"])
            #expect(latency["p50"] ?? 0 > 0)
        }
        let interval = try #require((object["intervals"] as? [[String: Any]])?.first)
        #expect(Set(interval.keys).isSuperset(of: ["second", "requests", "p50_ms", "p99_ms"]))
        #expect(try JSONDecoder().decode(LoadReport.self, from: report.json).requests == report.requests)
    }

    @Test func `the page stands alone and is well-formed`() throws {
        var report = try report { order in
            order.steps = KneeSearch(steps: [50, 100], stopsAtFailure: false, p99BoundMilliseconds: 1000)
            order.findsKnee = true
        }
        report.verification = LogVerification()
        let page = report.html
        for foreign in ["<script", "src=", "href=", "@import", "url("] { #expect(!page.contains(foreign)) }
        #expect(page.contains("&lt;c&gt;&amp;&quot;d&quot;") && !page.contains("<c>"))
        #expect(page.contains("prefers-color-scheme:dark") && page.contains("<svg") && page.contains("knee"))
        // But for its doctype and the void elements of its head it is XML, too.
        let start = try #require(page.firstRange(of: "<body>"))
        let end = try #require(page.firstRange(of: "</body>"))
        let tags = page[start.lowerBound..<end.upperBound]
        #expect(Self.unbalanced(String(tags)) == [])
    }

    /// Elements that are opened or closed without the other.
    private static func unbalanced(_ text: String) -> [String] {
        var open: [String] = []
        var wrong: [String] = []
        for part in text.split(separator: "<").map({ $0.prefix { $0 != ">" } }) where !part.hasSuffix("/") {
            let name = String(part.prefix { $0 != " " })
            if name.hasPrefix("/") {
                if open.popLast() != String(name.dropFirst()) { wrong.append(name) }
            } else {
                open.append(name)
            }
        }
        return wrong + open
    }

    @Test func `the text says what went wrong`() throws {
        var report = try report()
        #expect(report.text.contains("closed loop, 4 connections") && report.text.contains("corrected"))
        report.verification = LogVerification()
        #expect(report.text.contains("nothing was acknowledged") && !report.isGood)
        report.verification?.acknowledged = 7
        #expect(report.text.contains("every one of 7 acknowledged events is there, once"))
        report.verification?.missing = 2
        report.verification?.samples = ["some-id"]
        #expect(report.text.contains("NOT GOOD") && report.text.contains("some-id") && !report.isGood)
    }
}
