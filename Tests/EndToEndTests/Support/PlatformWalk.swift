import Foundation
import SluiceCore
import SluiceServer
import SluiceSimulator
import Testing

/// Sends requests one after another through a gateway between the stand-ins of all platforms, and writes
/// down what each was answered and what every destination made of it: a text for people, and for a test
/// to compare.
///
/// What differs from run to run has a name instead: `<now>`, `<id>` for ids made by the gateway,
/// `<key>` for credentials.
struct PlatformWalk {
    struct Step {
        let platform: Platform
        let title: String
        let method: String
        /// With the platform's prefix.
        let target: String
        let contentType: String
        let body: String
        let example: PlatformExample?

        init(
            _ platform: Platform, _ title: String, _ method: String, _ target: String,
            _ contentType: String = "application/json", _ body: String = ""
        ) {
            (self.platform, self.title, self.method, self.target) = (platform, title, method, target)
            (self.contentType, self.body, example) = (contentType, body, nil)
        }

        /// With URLs that the stand-in of VTEX Ads has signed.
        init(_ example: PlatformExample) {
            func url(_ kind: String) -> String {
                VtexStandIn.target(kind: kind, ad: "ad-1", publisher: "pub-1", query: "campaign_id=c-1&x=%7e~%2f&e=")
            }
            self.example = example
            platform = example.platform
            title = example.title
            method = example.method
            contentType = example.contentType
            let isBeacon = example.platform == .vtex && example.kind == .ad
            target = isBeacon ? "/vtex" + url(String(example.target.split(separator: "/")[3])) : example.target
            body = example.body.replacing("/v1/beacon/click/ad-1?publisher_id=pub-1&sign=x", with: url("click"))
        }
    }

    /// In the order of the text.
    static let destinations = ["topsort", "gowit", "vtex", "kevel", "impact", "warehouse"]

    let gateway: TestGateway
    /// Whether paths have no prefix and the Host says which platform is meant.
    let byHost: Bool
    private let client: HTTPClient
    private let started = Date()
    private(set) var sent = 0
    private var sections: [(title: String, answer: String, requests: [String: [String]])] = []

    init(byHost: Bool) throws {
        let hosts = ["topsort", "gowit", "vtex", "kevel", "impact"].map { "\($0).events.test: \($0)" }
        gateway = try TestGateway(
            allPlatforms: true, more: byHost ? "hosts: {\(hosts.joined(separator: ", "))}\n" : "")
        self.byHost = byHost
        client = try gateway.client()
    }

    private func standIn(_ destination: String) throws -> StandIn {
        try #require(gateway.cast.parties.first { $0.destination == destination }).standIn
    }

    static func credential(_ platform: Platform, _ key: String) -> [(name: String, value: String)] {
        switch platform {
        case .native, .topsort: [("Authorization", "Bearer \(key)")]
        case .gowit: [("Authorization", key)]
        case .impact: [("Authorization", ImpactStandIn.credential(account: "IRsid1", token: key))]
        case .vtex, .kevel, .webhook: []
        }
    }

    // MARK: a step

    /// - Returns: the answer's status.
    @discardableResult
    mutating func take(_ step: Step, events: Int = 1) throws -> Int {
        for name in Self.destinations { try standIn(name).ledger.forget() }
        let prefix = "/\(step.platform.name)/"
        let target =
            byHost && step.target.hasPrefix(prefix) ? String(step.target.dropFirst(prefix.count - 1)) : step.target
        var headers = Self.credential(step.platform, gateway.cast.sourceKey)
        if !step.body.isEmpty { headers.append(("Content-Type", step.contentType)) }
        let answer = try client.exchange(
            HTTPClient.bytes(
                step.method, target, host: byHost ? "\(step.platform.name).Events.Test:8080" : "127.0.0.1",
                headers: headers, body: Array(step.body.utf8)))
        sent += events
        _ = try gateway.settled(events: sent)
        var requests: [String: [String]] = [:]
        for name in Self.destinations {
            // Several requests of one step may overtake each other on their connections.
            requests[name] = try standIn(name).ledger.requests.map { text(of: $0) }.sorted()
        }
        sections.append(("\(step.platform.name), \(step.title)", text(of: answer), requests))
        return answer.status
    }

    private func text(of answer: HTTPClientAnswer) -> String {
        let shown = ["allow", "cache-control", "content-type", "kevel-debug", "sluice-acknowledge"]
        var lines = ["\(answer.status)"]
        lines += answer.headers.filter { shown.contains($0.name) }.map { "\($0.name): \($0.value)" }.sorted()
        if answer.header("content-type") == "image/gif" {
            lines.append("(\(answer.body.count) bytes, \(String(decoding: answer.body.prefix(6), as: UTF8.self)))")
        } else if !answer.body.isEmpty {
            lines.append(answer.text)
        }
        return normal(lines.joined(separator: "\n"))
    }

    private func text(of kept: KeptRequest) -> String {
        let request = kept.request
        let shown = ["accept", "authorization", "content-encoding", "content-type", "data-source-uuid"]
        var lines = ["\(request.method) \(request.path)\(request.query.isEmpty ? "" : "?" + request.query)"]
        lines += request.headers.filter { shown.contains($0.name) && $0.value != "*/*" }
            .map { "\($0.name): \($0.name == "authorization" ? hidden($0.value) : $0.value)" }.sorted()
        if let body = WebhookStandIn.content(of: request), !body.isEmpty {
            lines.append(String(decoding: body, as: UTF8.self))
        }
        return normal(lines.joined(separator: "\n") + "\n-> \(kept.status.map(String.init) ?? "nothing")")
    }

    /// The scheme stays; of Basic the account, too.
    private func hidden(_ value: String) -> String {
        if value.hasPrefix("Basic "), let data = Data(base64Encoded: String(value.dropFirst(6))) {
            return "Basic of " + String(decoding: data, as: UTF8.self).prefix { $0 != ":" } + ":<key>"
        }
        return value.hasPrefix("Bearer ") ? "Bearer <key>" : "<key>"
    }

    private func normal(_ text: String) -> String {
        text.replacing(/[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/, with: "<id>")
            .replacing(/(\d{4}-\d\d-\d\d)T(\d\d(?::|%3A)\d\d(?::|%3A)\d\d)(\.\d+)?Z/) { match in
                let plain = String(match.output.0).replacing("%3A", with: ":")
                guard let milliseconds = PlainTime.milliseconds(plain) else { return String(match.output.0) }
                let age = Double(milliseconds) / 1000 - started.timeIntervalSince1970
                return (-5...600).contains(age) ? "<now>" : String(match.output.0)
            }
    }

    // MARK: the text

    /// Stops the gateway and returns what was written down.
    func finish() throws -> String {
        #expect(gateway.stop() == .exited(code: 0))
        let rows = try Tool.run(
            "sqlite3",
            [
                "-separator", "|", gateway.data + "/state.sqlite",
                "SELECT block, destination, outcome, reason FROM exceptional_outcome ORDER BY 1, event_index",
            ])
        var exceptions: [String: [String]] = [:]
        for row in String(decoding: rows, as: UTF8.self).split(separator: "\n") {
            let words = row.split(separator: "|", maxSplits: 3, omittingEmptySubsequences: false).map(String.init)
            exceptions["\(words[0]) \(words[1])", default: []].append("\(words[2]): \(words[3])")
        }
        var text = ""
        for (index, section) in sections.enumerated() {
            text += "=== \(section.title)\n\(section.answer)\n"
            for name in Self.destinations {
                let requests = section.requests[name] ?? []
                let outcomes = exceptions["\(index + 1) \(name)"] ?? []
                if requests.isEmpty, outcomes.isEmpty { text += "--- \(name): nothing\n" }
                for outcome in outcomes { text += "--- \(name) \(outcome)\n" }
                for request in requests { text += "--- \(name)\n\(request)\n" }
            }
            text += "\n"
        }
        return text
    }

    /// What became of the n-th step's event at a destination, as the table calls it.
    static func fate(_ text: String, step: Int, at destination: String) -> PlatformTable.Fate? {
        let sections = text.components(separatedBy: "\n\n=== ")
        guard sections.indices.contains(step) else { return nil }
        let mark = "\n--- \(destination)"
        guard let start = sections[step].range(of: mark) else { return nil }
        let rest = sections[step][start.upperBound...]
        if rest.hasPrefix(": nothing") { return .filtered }
        let rejected = " rejected: "
        guard rest.hasPrefix(rejected) else { return .sent }
        return .rejected(String(rest.dropFirst(rejected.count).prefix { $0 != "\n" }))
    }
}
