import Foundation
import SluiceCore
import SluiceHTTP
import SluiceIO
import SluiceServer
import Testing

@Suite struct ShardRequestsTests {
    private static let browser = [
        "Origin: https://shop.example", "User-Agent: Browser/1.0", "Referer: https://shop.example/shoes",
    ]

    private func context(_ policy: AddressPolicy, _ requestText: String) throws -> [String: String] {
        var source = SourceSettings.local
        source.address = policy
        let rig = try ShardRig(sources: [source])
        defer { rig.stop() }
        let status = try rig.client().ask(requestText).status
        #expect(status == 202 || status == 200)
        let event = try #require(try rig.events().first)
        return event["context"] as? [String: String] ?? [:]
    }

    @Test(
        arguments: [
            (AddressPolicy.truncate, "127.0.0.0"), (.full, "127.0.0.1"), (.drop, nil),
        ] as [(AddressPolicy, String?)])
    func `an event from a page gets what the request tells`(policy: AddressPolicy, address: String?) throws {
        let context = try context(policy, post("/v1/events", click("1"), ShardRequestsTests.browser))
        #expect(context["user_agent"] == "Browser/1.0")
        #expect(context["page_url"] == "https://shop.example/shoes")
        #expect(context["ip"] == address)
    }

    @Test func `a pixel is always a page's`() throws {
        let context = try context(
            .truncate,
            request("GET", "/v1/pixel.gif?type=page_view", Array(ShardRequestsTests.browser.dropFirst())))
        #expect(context["user_agent"] == "Browser/1.0")
        #expect(context["page_url"] == "https://shop.example/shoes")
        #expect(context["ip"] == "127.0.0.0")
    }

    @Test func `a backend's event gets nothing of the backend`() throws {
        let context = try context(
            .full, post("/v1/events", click("1"), Array(ShardRequestsTests.browser.dropFirst())))
        #expect(context == [:])
    }

    @Test func `what the event says itself stays`() throws {
        let body =
            #"{"type":"page_view","context":{"user_agent":"own","page_url":"https://own.example/","ip":"203.0.113.9"}}"#
        let context = try context(.truncate, post("/v1/events", body, ShardRequestsTests.browser))
        #expect(context == ["user_agent": "own", "page_url": "https://own.example/", "ip": "203.0.113.0"])
    }

    @Test func `the answer says what it promises`() throws {
        var fast = SourceSettings.keyed("fast", "fast")
        fast.acknowledge = .received
        let rig = try ShardRig(sources: [.local, fast])
        defer { rig.stop() }
        let client = try rig.client()
        let topsort =
            #"{"clicks":[{"id":"c","occurredAt":"2026-01-01T00:00:00Z","opaqueUserId":"u","resolvedBidId":"b"}]}"#
        for (headers, promise) in [([], "committed"), (["Authorization: Bearer fast"], "received")] {
            let native = try client.ask(post("/v1/events", click("1"), headers))
            #expect(native.status == 202)
            #expect(native.headers["sluice-acknowledge"] == promise)
            let some = try client.ask(post("/v1/events", "[\(click("2")),{}]", headers))
            #expect(some.status == 202)
            #expect(some.headers["sluice-acknowledge"] == promise)
            #expect(some.body.hasPrefix(#"{"accepted":1,"duplicates":0,"rejected":[{"index":1,"#))
            let other = try client.ask(post("/topsort/v2/events", topsort, headers))
            #expect(other.status == 204)
            #expect(other.headers["sluice-acknowledge"] == promise)
            let none = try client.ask(post("/v1/events", "[{}]", headers))
            #expect(none.status == 400)
            #expect(none.headers["sluice-acknowledge"] == nil)
        }
    }

    @Test func `a request refused as a whole leaves the block as it was`() throws {
        let rig = try ShardRig()
        defer { rig.stop() }
        let client = try rig.client()
        let good = #"{"id":"a","occurredAt":"2026-01-01T00:00:00Z","opaqueUserId":"u","resolvedBidId":"b"}"#
        let refused = try client.ask(post("/topsort/v2/events", #"{"clicks":[\#(good),{"id":"b"}]}"#))
        #expect(refused.status == 422)
        let cut = try client.ask(post("/v1/events", "[\(click("c")),"))
        #expect(cut.status == 400)
        #expect(try client.ask(post("/v1/events", click("d"))).status == 202)
        #expect(try rig.events().map { $0["id"] as? String } == ["d"])
    }

    @Test func `everything is counted`() throws {
        let rig = try ShardRig(sources: [.local, .keyed("app", "k")])
        defer { rig.stop() }
        let client = try rig.client()
        _ = try client.ask(post("/v1/events", "[\(click("1")),\(click("2")),{}]"))
        _ = try client.ask(post("/v1/events", click("3"), ["Authorization: Bearer k"]))
        _ = try client.ask(post("/v1/events", click("4"), ["Authorization: Bearer x"]))
        _ = try client.ask(post("/nowhere", ""))
        rig.stop()
        #expect(rig.metrics.count(.accepted, source: 0) == 2)
        #expect(rig.metrics.count(.rejected, source: 0) == 1)
        #expect(rig.metrics.count(.accepted, source: 1) == 1)
        #expect(rig.metrics.acknowledge.snapshot.count == 2)
        let registry = MetricsRegistry()
        registry.register(rig.metrics)
        let text = registry.text()
        for line in [
            #"sluice_requests_total{platform="native",status="202"} 2"#,
            #"sluice_requests_total{platform="native",status="401"} 1"#,
            #"sluice_requests_total{platform="native",status="404"} 1"#,
            #"sluice_events_accepted_total{platform="native",type="click"} 3"#,
            #"sluice_events_rejected_total{platform="native"} 1"#,
        ] { #expect(text.contains(line), "\(line)") }
    }

    /// The clocks are read once per batch; what is said between batches, when a time limit has passed,
    /// must not leave the next one with the time of that moment.
    @Test func `the time of arrival is that of the request`() throws {
        let rig = try ShardRig(wrap: BetweenBatches.init)
        defer { rig.stop() }
        let client = try rig.client()
        #expect(try client.ask(post("/v1/events", click("1"))).status == 202)
        usleep(50_000)
        let before = WallClock.nowMilliseconds
        #expect(try client.ask(post("/v1/events", click("2"))).status == 202)
        let text = try #require(try rig.events().last?["received_at"] as? String)
        let received = try #require(Array(text.utf8).withBytes { Timestamp.parse($0) })
        #expect(received >= before)
    }
}

/// Refuses something behind every batch, as the loop does when a time limit has passed.
private final class BetweenBatches: EdgeHandler {
    private let shard: Shard
    private var refusal = ByteBuffer(capacity: 512)

    init(_ shard: Shard) { self.shard = shard }

    func handle(_ request: EdgeRequest, answer: inout ByteBuffer) -> Disposition {
        shard.handle(request, answer: &answer)
    }

    var failureTag: UInt32 { shard.failureTag }

    func refuse(_ problem: EdgeProblem, head: HTTPRequestHead?, answer: inout ByteBuffer) {
        shard.refuse(problem, head: head, answer: &answer)
    }

    func answerFailure(
        tag: UInt32, retryAfterSeconds: Int, keepAlive: Bool, isHead: Bool, prepared: Bytes,
        answer: inout ByteBuffer
    ) {
        shard.answerFailure(
            tag: tag, retryAfterSeconds: retryAfterSeconds, keepAlive: keepAlive, isHead: isHead,
            prepared: prepared, answer: &answer)
    }

    var wantsMore: Bool { shard.wantsMore }
    func nothingMore() { shard.nothingMore() }

    func batchEnded() {
        shard.batchEnded()
        refusal.removeAll()
        shard.refuse(.requestTimeout, head: nil, answer: &refusal)
    }

    func woken() { shard.woken() }
}
