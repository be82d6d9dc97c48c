import Foundation
import SluiceCore
import SluiceServer
import SluiceSimulator
import Testing

/// Every example of `docs/platforms.md`, sent as its platform's client sends it, and looked for at every
/// destination.
@Suite(.serialized) struct PlatformTableTests {
    private func credentials(_ platform: Platform, _ key: String) -> [(String, String)] {
        switch platform {
        case .native, .topsort: [("Authorization", "Bearer \(key)")]
        case .gowit: [("Authorization", key)]
        case .impact: [("Authorization", "Basic " + Data("IRsid1:\(key)".utf8).base64EncodedString())]
        case .vtex, .kevel, .webhook: []
        }
    }

    /// The examples with URLs that the stand-in of VTEX Ads has signed.
    private func signed(_ example: PlatformExample) -> (target: String, body: String) {
        func url(_ kind: String) -> String {
            VtexStandIn.target(kind: kind, ad: "ad-1", publisher: "pub-1", query: "campaign_id=c-1")
        }
        if example.platform == .vtex, example.kind == .ad { return ("/vtex" + url(example.title), example.body) }
        let placeholder = "/v1/beacon/click/ad-1?publisher_id=pub-1&sign=x"
        return (example.target, example.body.replacing(placeholder, with: url("click")))
    }

    @Test(.timeLimit(.minutes(2)))
    func `the whole table holds over real sockets`() throws {
        let gateway = try TestGateway(allPlatforms: true)
        let client = try gateway.client()
        let table = PlatformTable()
        var sent = 0
        var expected: [String: (delivered: Int64, rejected: Int64, filtered: Int64)] = [:]
        for example in PlatformExample.all {
            var headers = credentials(example.platform, gateway.cast.sourceKey)
            if example.method == "POST" { headers.append(("Content-Type", example.contentType)) }
            let (target, body) = signed(example)
            let answer = try client.request(example.method, target, headers: headers, body: Array(body.utf8))
            #expect(answer.status == example.status, "\(example.platform.name) \(example.title): \(String(decoding: answer.body, as: UTF8.self))")
            sent += 1
            let line = try #require(table.line(of: example))
            for platform in PlatformTable.columns {
                let name = platform == .webhook ? "warehouse" : "\(platform.name)"
                var count = expected[name] ?? (0, 0, 0)
                switch table.fate(of: line, at: platform) {
                case .sent: count.delivered += 1
                case .rejected: count.rejected += 1
                case .filtered: count.filtered += 1
                }
                expected[name] = count
            }
        }
        let figures = try gateway.settled(events: sent)
        #expect(figures.logEvents == Int64(sent))
        for destination in figures.destinations {
            let count = try #require(expected[destination.name])
            #expect(destination.isBalanced)
            #expect(destination.delivered == count.delivered, "\(destination.name)")
            #expect(destination.rejected == count.rejected, "\(destination.name)")
            #expect(destination.filtered == count.filtered, "\(destination.name)")
        }
        #expect(gateway.stop() == .exited(code: 0))
    }

    @Test(.timeLimit(.minutes(1)))
    func `a conversion's QueuedUri tells what became of it`() throws {
        let gateway = try TestGateway(allPlatforms: true)
        let client = try gateway.client()
        let example = try #require(PlatformExample.all.first { $0.platform == .impact })
        let credential = credentials(.impact, gateway.cast.sourceKey)
        let posted = try client.request(
            "POST", example.target, headers: credential + [("Content-Type", example.contentType)],
            body: Array(example.body.utf8))
        let uri = try #require(PlainJSON(posted.body)?["QueuedUri"]?.string)
        #expect(uri.hasPrefix("/Advertisers/IRsid1/APISubmissions/A-"))
        _ = try gateway.settled(events: 1)
        var status: String?
        try eventually("complete") {
            let answer = try client.request("GET", "/impact" + uri, headers: credential)
            #expect(answer.status == 200)
            let report = PlainJSON(answer.body)
            #expect(report?["OrderId"]?.string == "impact-1")
            #expect(report?["ErrorType"] == nil)
            status = report?["Status"]?.string
            return status == "Complete"
        }
        #expect(try client.request("GET", "/impact" + uri).status == 401)
        #expect(try client.request("GET", "/impact" + uri + "x", headers: credential).status == 404)
        let other = String(uri.dropLast()) + (uri.hasSuffix("0") ? "1" : "0")
        #expect(try client.request("GET", "/impact" + other, headers: credential).status == 404)
        #expect(gateway.stop() == .exited(code: 0))
    }
}
