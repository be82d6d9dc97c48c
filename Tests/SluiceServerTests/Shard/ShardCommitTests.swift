import SluiceLog
import Testing

@testable import SluiceServer

/// Between the block and the answer: what waits, in which order it goes, and what becomes of it when the
/// log cannot commit.
@Suite struct ShardCommitTests {
    private static let topsort =
        #"{"clicks":[{"id":"c","occurredAt":"2026-01-01T00:00:00Z","opaqueUserId":"u","resolvedBidId":"b"}]}"#

    /// A click that fills a block by itself.
    private static func large(_ id: String) -> String {
        let note = String(repeating: "x", count: Limits.blockBytes)
        return #"{"id":"\#(id)","type":"click","user":{"id":"u"},"ad":{"id":"a"},"note":"\#(note)"}"#
    }

    private static var roomy: Limits {
        var limits = Limits()
        limits.bodyBytes = 2 << 20
        return limits
    }

    @Test func `nothing is acknowledged before it is committed`() throws {
        let rig = try ShardRig()
        defer { rig.stop() }
        let client = try rig.client()
        rig.gate.close()
        try client.send(post("/v1/events", click("1")))
        rig.gate.waitUntilHeld()
        #expect(!client.hasAnswer(withinMilliseconds: 50))
        #expect(rig.log.head.events == 0)
        #expect(rig.metrics.count(.accepted, source: 0) == 0)
        rig.gate.open()
        #expect(try client.answer().status == 202)
        #expect(rig.log.head.events == 1)
    }

    @Test func `requests that come during a commit share the next`() throws {
        let rig = try ShardRig()
        defer { rig.stop() }
        let clients = try (0...20).map { _ in try rig.client() }
        rig.gate.close()
        try clients[0].send(post("/v1/events", click("0")))
        rig.gate.waitUntilHeld()
        for index in 1...20 { try clients[index].send(post("/v1/events", click("\(index)"))) }
        #expect(rig.waitForRequests(21))
        rig.gate.open()
        for client in clients { #expect(try client.answer().status == 202) }
        #expect(rig.log.stats.commits.load(ordering: .relaxed) == 2)
        #expect(rig.log.stats.blocks.load(ordering: .relaxed) == 2)
        #expect(try Set(rig.events().compactMap { $0["id"] as? String }).count == 21)
    }

    /// What stops coming is not waited for.
    @Test func `one request after many is answered`() throws {
        let many = 48
        let rig = try ShardRig()
        defer { rig.stop() }
        let clients = try (0..<4).map { _ in try rig.client() }
        for round in 0..<20 {
            let burst = (0..<many).map { post("/v1/events", click("\(round)-\($0)")) }.joined()
            try clients[0].send(burst)
            #expect(try clients[0].skipAnswers(many) == many)
            let one = try clients[1 + round % 3].ask(post("/v1/events", click("one-\(round)")))
            #expect(one.status == 202)
        }
        #expect(rig.log.head.events == Int64(20 * (many + 1)))
    }

    @Test func `pipelined answers keep their order over a slow commit`() throws {
        let rig = try ShardRig()
        defer { rig.stop() }
        let client = try rig.client()
        rig.gate.close()
        try client.send(
            post("/v1/events", click("1")) + request("GET", "/healthz") + post("/nowhere", "")
                + post("/topsort/v2/events", ShardCommitTests.topsort) + post("/v1/events", "{}"))
        rig.gate.waitUntilHeld()
        #expect(rig.waitForRequests(5))
        #expect(!client.hasAnswer(withinMilliseconds: 50))
        rig.gate.open()
        for status in [202, 200, 404, 204, 400] { #expect(try client.answer().status == status) }
    }

    @Test func `who wants no commit does not wait for one`() throws {
        var fast = SourceSettings.local
        fast.acknowledge = .received
        let rig = try ShardRig(sources: [fast])
        defer { rig.stop() }
        let client = try rig.client()
        rig.gate.close()
        #expect(try client.ask(post("/v1/events", click("1"))).headers["sluice-acknowledge"] == "received")
        rig.gate.waitUntilHeld()
        #expect(try client.ask(post("/v1/events", click("2"))).status == 202)
        #expect(rig.log.head.events == 0)
    }

    /// The second event is in an open block when the loop ends, and nobody waits for it.
    @Test func `what was received is committed before the end`() throws {
        var fast = SourceSettings.local
        fast.acknowledge = .received
        let rig = try ShardRig(sources: [fast])
        let client = try rig.client()
        rig.gate.close()
        #expect(try client.ask(post("/v1/events", click("1"))).status == 202)
        rig.gate.waitUntilHeld()
        #expect(try client.ask(post("/v1/events", click("2"))).status == 202)
        rig.stop(drainMilliseconds: 5000)
        let reopened = try EventLog.open(folder: rig.folder.path + "/data")
        defer { reopened.close() }
        #expect(reopened.head.events == 2)
    }

    // MARK: no block is free

    @Test func `requests wait for a block and go on when one comes back`() throws {
        let rig = try ShardRig(limits: ShardCommitTests.roomy)
        defer { rig.stop() }
        let clients = try (0..<Limits.blocksPerShard).map { _ in try rig.client() }
        rig.gate.close()
        // The first block goes with one small event, the others as they are full.
        try clients[0].send(post("/v1/events", click("0")))
        rig.gate.waitUntilHeld()
        for (index, client) in clients.enumerated().dropFirst() {
            try client.send(post("/v1/events", ShardCommitTests.large("\(index)")))
            #expect(rig.waitForRequests(index + 1))
        }
        let late = try rig.client()
        try late.send(post("/v1/events", click("late")) + request("GET", "/healthz"))
        let later = try rig.client()
        try later.send(post("/topsort/v2/events", ShardCommitTests.topsort))
        #expect(eventually { rig.loop.stats.stalled.load(ordering: .relaxed) == 2 })

        // What needs no block is answered.
        let other = try rig.client()
        #expect(try other.ask(request("GET", "/healthz")).status == 200)
        #expect(try other.ask(post("/v1/events", "{}", ["Authorization: Bearer x"])).status == 401)
        #expect(!late.hasAnswer(withinMilliseconds: 50))

        rig.gate.open()
        for client in clients { #expect(try client.answer().status == 202) }
        #expect(try late.answer().status == 202)
        #expect(try late.answer().status == 200)
        #expect(try later.answer().status == 204)
        #expect(rig.loop.stats.stalled.load(ordering: .relaxed) == 0)
        let ids = try rig.events().compactMap { $0["id"] as? String }
        #expect(ids.sorted() == (clients.indices.map { "\($0)" } + ["c", "late"]).sorted())
    }

    // MARK: the log cannot commit

    @Test func `a failed commit is answered in the platform's form and recovered from`() throws {
        let rig = try ShardRig()
        defer { rig.stop() }
        let client = try rig.client()
        rig.gate.isFailing = true
        let native = try client.ask(post("/v1/events", click("lost")))
        #expect(native.status == 503)
        #expect(native.headers["sluice-acknowledge"] == nil)
        let seconds = try #require(native.headers["retry-after"].flatMap { Int($0) })
        #expect((1...30).contains(seconds))
        #expect(
            native.body
                == #"{"code":"unavailable","message":"events cannot be stored at present; try again in \#(seconds) seconds"}"#
        )
        let topsort = try client.ask(post("/topsort/v2/events", ShardCommitTests.topsort))
        #expect(topsort.status == 503)
        #expect(topsort.headers["retry-after"].flatMap { Int($0) } != nil)
        #expect(topsort.body.hasPrefix(#"{"errCode":"internal_server_error","docUrl":""#))

        rig.gate.isFailing = false
        #expect(eventually { !rig.log.stats.isFailing })
        #expect(try client.ask(post("/v1/events", click("kept"))).status == 202)
        #expect(try rig.events().map { $0["id"] as? String } == ["kept"])
        rig.stop()
        #expect(rig.metrics.count(.accepted, source: 0) == 1, "what was not kept was not accepted")
        let registry = MetricsRegistry()
        registry.register(rig.metrics)
        let text = registry.text()
        #expect(text.contains(#"sluice_requests_total{platform="native",status="503"} 1"#))
        #expect(text.contains(#"sluice_requests_total{platform="native",status="202"} 1"#))
        #expect(!text.contains(#"sluice_requests_total{platform="topsort",status="204"}"#))
    }

    @Test func `only the answers of the failed block are replaced`() throws {
        let rig = try ShardRig()
        defer { rig.stop() }
        let client = try rig.client()
        rig.gate.close()
        try client.send(
            post("/v1/events", click("1")) + request("GET", "/healthz")
                + post("/topsort/v2/events", ShardCommitTests.topsort) + post("/v1/events", "{}"))
        rig.gate.waitUntilHeld()
        #expect(rig.waitForRequests(4))
        rig.gate.isFailing = true
        rig.gate.open()
        for status in [503, 200, 503, 400] { #expect(try client.answer().status == status) }
        rig.gate.isFailing = false
        #expect(eventually { !rig.log.stats.isFailing })
        #expect(try client.ask(post("/v1/events", click("2"))).status == 202)
        #expect(try rig.events().map { $0["id"] as? String } == ["2"])
    }

    @Test func `a client that wanted to close is answered and closed`() throws {
        let rig = try ShardRig()
        defer { rig.stop() }
        let client = try rig.client()
        rig.gate.isFailing = true
        let answer = try client.ask(post("/v1/events", click("1"), ["Connection: close"]))
        #expect(answer.status == 503)
        #expect(answer.headers["connection"] == "close")
        #expect(try client.isEnded())
    }
}
