import Foundation
import SluiceSimulator
import Testing

@Suite(.serialized) struct TailTests {
    private func tail(_ gateway: TestGateway, _ arguments: String...) throws -> Command {
        let command = try Command(
            ["tail", "--config", gateway.configuration, "--admin", gateway.run.admin] + arguments)
        // Only what is committed from here on is seen.
        try eventually("the tail is open") {
            try !metrics(gateway).contains("sluice_tails 0\n")
        }
        return command
    }

    private func metrics(_ gateway: TestGateway) throws -> String {
        let body = try HTTPClient(address: gateway.run.admin)?.request("GET", "/metrics").body ?? []
        return String(decoding: body, as: UTF8.self)
    }

    private func post(_ gateway: TestGateway, _ body: String, path: String = "/v1/events", key: String? = nil) throws
        -> Int
    {
        try gateway.client().request(
            "POST", path, headers: [("Authorization", "Bearer \(key ?? gateway.cast.sourceKey)")],
            body: Array(body.utf8)
        ).status
    }

    private func click(_ id: String) -> String {
        #"{"id":"\#(id)","type":"click","user":{"id":"u"},"ad":{"id":"ad-7"}}"#
    }

    @Test(.timeLimit(.minutes(1)))
    func `events show up as they are committed, until the gateway stops`() throws {
        let gateway = try TestGateway()
        #expect(try post(gateway, click("before")) == 202)
        let text = try tail(gateway)
        let json = try Command(["tail", "--admin", gateway.run.admin, "--json", "--type", "page_view"])
        let past = try Command(["tail", "--admin", gateway.run.admin, "-n", "5", "--json"])
        try eventually("all are open") { past.lines.count == 1 }
        #expect(try post(gateway, click("first")) == 202)
        #expect(try post(gateway, #"{"id":"view","type":"page_view"}"#) == 202)
        try eventually("they are shown") { text.lines.count == 2 && past.lines.count == 3 }
        #expect(text.lines[0].contains("shop-web"))
        #expect(text.lines[0].contains(" click "))
        #expect(text.lines[0].contains(" first "))
        #expect(text.lines[0].hasSuffix("ad=ad-7"))
        #expect(text.lines[1].contains("page_view"))
        #expect(gateway.stop() == .exited(code: 0))
        for command in [text, json, past] {
            #expect(command.wait() == 0)
            #expect(command.complaints.contains("the gateway stops"))
        }
        let stored = try Command.run(["export", "--config", gateway.configuration]).lines
        #expect(past.lines == stored)
        // It may have been opened a moment too late to see anything, but nothing else.
        #expect(json.lines.allSatisfy { stored.last == $0 })
    }

    @Test(.timeLimit(.minutes(1)))
    func `outcomes at a destination show up with their reasons`() throws {
        let gateway = try TestGateway()
        let tail = try tail(gateway, "--destination", "topsort", "--json")
        #expect(try post(gateway, #"{"id":"other","type":"click","network":"kevel","ad":{"id":"a"}}"#) == 202)
        let body = """
            {"impressions":[{"id":"good","occurredAt":"2026-01-02T03:04:05Z","opaqueUserId":"u","resolvedBidId":"bid-1"}]}
            """
        #expect(try post(gateway, body, path: "/topsort/v2/events") == 204)
        #expect(
            try post(gateway, #"{"id":"lacking","type":"click","network":"topsort","ad":{"id":"a"}}"#) == 202)
        try eventually("all outcomes are shown") { tail.lines.count == 3 }
        var outcomes: [String: String] = [:]
        for line in tail.lines {
            let object = try #require(PlainJSON(Array(line.utf8)))
            #expect(object["destination"]?.string == "topsort")
            outcomes[object["event"]?["id"]?.string ?? ""] = object["outcome"]?.string
            if object["outcome"]?.string == "rejected" { #expect(object["reason"]?.string?.isEmpty == false) }
        }
        #expect(outcomes["good"] == "delivered")
        #expect(outcomes["lacking"] == "rejected")
        #expect(outcomes["other"] == "filtered")
        tail.interrupt()
        #expect(tail.wait() == 0)
    }

    @Test(.timeLimit(.minutes(1)))
    func `refusals are told with their reasons and without anything personal`() throws {
        let gateway = try TestGateway()
        #expect(try post(gateway, "not json") == 400)
        let tail = try tail(gateway, "--refused", "-n", "50")
        try eventually("the past one is shown") { tail.lines.count == 1 }
        let person = "ana.secret@example.com"
        #expect(
            try post(gateway, #"{"type":"click","user":{"id":7,"email":"\#(person)"},"session_id":["\#(person)"]}"#)
                == 400)
        #expect(try post(gateway, click("x"), path: "/v1/events?user=\(person)", key: person) == 401)
        #expect(try post(gateway, #"{"clicks":[{"id":"\#(person)"}]}"#, path: "/topsort/v2/events") >= 400)
        let mixed =
            "[\(click("good")),{\"type\":\"\(person)\"},{\"type\":\"purchase\",\"order\":{\"id\":\"1\",\"currency\":\"\(person)\"}}]"
        #expect(try post(gateway, mixed) == 202)
        try eventually("all are shown") { tail.lines.count == 5 }
        #expect(tail.lines[1].contains("400  native    shop-web"))
        #expect(tail.lines[2].contains("401  native    -"))
        #expect(tail.lines[2].contains("/v1/events "))
        #expect(tail.lines[3].contains("topsort"))
        #expect(tail.lines[4].contains("202  native"))
        #expect(tail.lines[4].contains("2 of 3 events"))
        #expect(gateway.stop() == .exited(code: 0))
        #expect(tail.wait() == 0)
        #expect(!tail.lines.joined().contains("secret"))

        // Without a gateway the state file tells.
        let past = try Command.run(["tail", "--refused", "-n", "50", "--config", gateway.configuration])
        #expect(past.code == 0)
        #expect(past.lines == tail.lines)
        #expect(past.complaints.contains("no gateway is running"))
        let dump = try Tool.run("sqlite3", [gateway.data + "/state.sqlite", ".dump refused_request"])
        let text = String(decoding: dump, as: UTF8.self)
        #expect(text.contains("topsort"))
        #expect(!text.contains("secret"))
        #expect(try Command.run(["tail", "--config", gateway.configuration]).code == 1)
    }

    @Test(.timeLimit(.minutes(2)))
    func `a client that reads nothing holds nobody up`() throws {
        let gateway = try TestGateway()
        // A shell that asks and never reads.
        let stuck = Process()
        stuck.executableURL = URL(fileURLWithPath: "/bin/bash")
        let place = gateway.run.admin.replacingOccurrences(of: ":", with: "/")
        stuck.arguments = [
            "-c",
            "exec 3<>/dev/tcp/\(place); printf 'GET /api/tail HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n' >&3; exec sleep 100",
        ]
        try stuck.run()
        defer { stuck.terminate() }
        try eventually("it is open") { try metrics(gateway).contains("sluice_tails 1\n") }
        let traffic = gateway.traffic(seed: 9, events: 30_000)
        traffic.start()
        traffic.wait()
        #expect(traffic.totals.acknowledged > 20_000)
        #expect(traffic.totals.errorCount == 0)
        _ = try gateway.settled(events: traffic.totals.acknowledged)
        // The log is closed only after the tail has ended, so this would hang.
        #expect(gateway.stop() == .exited(code: 0))
    }

    @Test(.timeLimit(.minutes(1)))
    func `only a few may watch, and only what there is`() throws {
        let gateway = try TestGateway()
        let tails = try (0..<4).map { _ in try Command(["tail", "--admin", gateway.run.admin]) }
        try eventually("four are open") {
            try metrics(gateway).contains("sluice_tails 4\n")
        }
        let fifth = try Command.run(["tail", "--admin", gateway.run.admin])
        #expect(fifth.code == 1)
        #expect(fifth.complaints.contains("4 tails are open already"))
        for tail in tails {
            tail.interrupt()
            #expect(tail.wait() == 0)
        }
        try eventually("they are gone") {
            try metrics(gateway).contains("sluice_tails 0\n")
        }
        let unknown = try Command.run(["tail", "--admin", gateway.run.admin, "--source", "shop"])
        #expect(unknown.code == 1)
        #expect(unknown.complaints.contains("there are: shop-web"))
    }
}
