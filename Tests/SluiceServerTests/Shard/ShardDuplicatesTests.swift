import SluiceCore
import SluiceLog
import SluiceServer
import Testing

/// What is sent twice is logged once, and whoever sent it again hears what the first one heard, once that is
/// true.
@Suite struct ShardDuplicatesTests {
    private static let once = #"{"accepted":1,"duplicates":0,"rejected":[]}"#
    private static let again = #"{"accepted":0,"duplicates":1,"rejected":[]}"#

    private func ids(_ rig: ShardRig) throws -> [String] {
        try rig.events().compactMap { $0["id"] as? String }
    }

    private func send(_ id: String, _ headers: [String] = []) -> String { post("/v1/events", click(id), headers) }

    @Test func `a duplicate is counted and not logged`() throws {
        let rig = try ShardRig(shards: 2)
        defer { rig.stop() }
        #expect(try rig.client(0).ask(send("1")).body == Self.once)
        for shard in [0, 1] {
            let answer = try rig.client(shard).ask(send("1"))
            #expect(answer.status == 202)
            #expect(answer.body == Self.again)
            #expect(answer.headers["sluice-acknowledge"] == "committed")
        }
        #expect(try ids(rig) == ["1"])
        #expect(eventually { rig.count(.duplicates) == 2 })
        #expect(rig.count(.accepted) == 1)
    }

    @Test func `events of another type, another source or without an id are no duplicates`() throws {
        let rig = try ShardRig(sources: [.keyed("a", "ka"), .keyed("b", "kb")])
        defer { rig.stop() }
        let client = try rig.client()
        let impression = #"{"id":"1","type":"impression","user":{"id":"u"},"ad":{"id":"a"}}"#
        let anonymous = #"{"type":"click","user":{"id":"u"},"ad":{"id":"a"}}"#
        let a = ["Authorization: Bearer ka"]
        for request in [
            send("1", a), post("/v1/events", impression, a), send("1", ["Authorization: Bearer kb"]),
            post("/v1/events", anonymous, a), post("/v1/events", anonymous, a),
        ] { #expect(try client.ask(request).body == Self.once) }
        #expect(try ids(rig).count == 5)
    }

    @Test func `every platform answers a duplicate as it did the original`() throws {
        let rig = try ShardRig()
        defer { rig.stop() }
        let client = try rig.client()
        let topsort = post(
            "/topsort/v2/events",
            #"{"clicks":[{"id":"c","occurredAt":"2026-01-01T00:00:00Z","opaqueUserId":"u","resolvedBidId":"b"}]}"#)
        for request in [topsort] {
            let first = try client.ask(request)
            #expect((200..<300).contains(first.status))
            let second = try client.ask(request)
            #expect(second.status == first.status)
            #expect(second.body == first.body)
            #expect(second.headers["sluice-acknowledge"] == first.headers["sluice-acknowledge"])
        }
        #expect(try ids(rig) == ["c"])
    }

    @Test func `twice in one request is once in the log`() throws {
        let rig = try ShardRig()
        defer { rig.stop() }
        let answer = try rig.client().ask(post("/v1/events", "[\(click("1")),\(click("1")),\(click("2"))]"))
        #expect(answer.body == #"{"accepted":2,"duplicates":1,"rejected":[]}"#)
        #expect(try ids(rig) == ["1", "2"])
        #expect(rig.count(.accepted) == 2 && rig.count(.duplicates) == 1)
    }

    @Test func `without deduplication everything is taken`() throws {
        let rig = try ShardRig(remembers: nil)
        defer { rig.stop() }
        let client = try rig.client()
        for _ in 0..<2 { #expect(try client.ask(send("1")).body == Self.once) }
        #expect(try ids(rig) == ["1", "1"])
    }

    // MARK: while the original is on its way

    @Test(arguments: [0, 1]) func `a duplicate waits for its original's commit`(_ shard: Int) throws {
        let rig = try ShardRig(shards: 2)
        defer { rig.stop() }
        let (first, second) = (try rig.client(0), try rig.client(shard))
        rig.gate.close()
        try first.send(send("1"))
        rig.gate.waitUntilHeld()
        try second.send(send("1"))
        #expect(rig.waitForRequests(shard == 0 ? 2 : 1, shard: shard))
        #expect(!second.hasAnswer(withinMilliseconds: 50))
        #expect(rig.count(.duplicates) == 0)
        rig.gate.open()
        #expect(try first.answer().body == Self.once)
        #expect(try second.answer().body == Self.again)
        #expect(try ids(rig) == ["1"])
    }

    /// The original is in the block that is open while another one is being committed.
    @Test(arguments: [0, 1]) func `a duplicate waits for an open block`(_ shard: Int) throws {
        let rig = try ShardRig(shards: 2)
        defer { rig.stop() }
        let (first, second) = (try rig.client(0), try rig.client(shard))
        rig.gate.close()
        try first.send(send("0"))
        rig.gate.waitUntilHeld()
        try first.send(send("1"))
        #expect(rig.waitForRequests(2))
        try second.send(send("1"))
        #expect(rig.waitForRequests(shard == 0 ? 3 : 1, shard: shard))
        #expect(!second.hasAnswer(withinMilliseconds: 50))
        rig.gate.open()
        #expect(try second.answer().body == Self.again)
        #expect(try ids(rig) == ["0", "1"])
    }

    @Test(arguments: [0, 1]) func `when the original's commit fails, so does the duplicate`(_ shard: Int) throws {
        let rig = try ShardRig(shards: 2)
        defer { rig.stop() }
        let (first, second) = (try rig.client(0), try rig.client(shard))
        rig.gate.close()
        try first.send(send("1"))
        rig.gate.waitUntilHeld()
        try second.send(send("1"))
        #expect(rig.waitForRequests(shard == 0 ? 2 : 1, shard: shard))
        rig.gate.isFailing = true
        rig.gate.open()
        #expect(try first.answer().status == 503)
        let answer = try second.answer()
        #expect(answer.status == 503)
        #expect(answer.headers["retry-after"].flatMap { Int($0) } != nil)
        #expect(answer.headers["sluice-acknowledge"] == nil)
        #expect(answer.body.hasPrefix(#"{"code":"unavailable""#))
        // The retry is taken, and only once.
        rig.gate.isFailing = false
        #expect(eventually { !rig.log.stats.isFailing })
        #expect(try second.ask(send("1")).body == Self.once)
        #expect(try first.ask(send("1")).body == Self.again)
        #expect(try ids(rig) == ["1"])
        #expect(rig.count(.accepted) == 1 && rig.count(.duplicates) == 1)
    }

    @Test func `a duplicate of what is committed is not harmed by another block's failure`() throws {
        let rig = try ShardRig(shards: 2)
        defer { rig.stop() }
        let (first, second) = (try rig.client(0), try rig.client(1))
        #expect(try first.ask(send("1")).status == 202)
        rig.gate.close()
        try first.send(send("2"))
        rig.gate.waitUntilHeld()
        try second.send(send("1"))
        #expect(rig.waitForRequests(1, shard: 1))
        rig.gate.isFailing = true
        rig.gate.open()
        #expect(try first.answer().status == 503)
        #expect(try second.answer().body == Self.again)
    }

    // MARK: mixed requests

    @Test func `a mixed request waits for its own events and for the originals of the others`() throws {
        let rig = try ShardRig(shards: 2)
        defer { rig.stop() }
        let (first, second) = (try rig.client(0), try rig.client(1))
        rig.gate.close()
        try first.send(send("1"))
        rig.gate.waitUntilHeld()
        try second.send(post("/v1/events", "[\(click("1")),\(click("2"))]"))
        #expect(rig.waitForRequests(1, shard: 1))
        #expect(!second.hasAnswer(withinMilliseconds: 50))
        rig.gate.open()
        #expect(try second.answer().body == #"{"accepted":1,"duplicates":1,"rejected":[]}"#)
        #expect(try ids(rig).sorted() == ["1", "2"])
        #expect(rig.count(.accepted) == 2 && rig.count(.duplicates) == 1)
    }

    /// The block then holds no fingerprint of its own, and is waited for all the same.
    @Test func `an event without an id beside a duplicate is committed first`() throws {
        let rig = try ShardRig()
        defer { rig.stop() }
        let client = try rig.client()
        #expect(try client.ask(send("1")).status == 202)
        let anonymous = #"{"type":"click","user":{"id":"u"},"ad":{"id":"a"}}"#
        rig.gate.close()
        try client.send(post("/v1/events", "[\(click("1")),\(anonymous)]"))
        rig.gate.waitUntilHeld()
        #expect(!client.hasAnswer(withinMilliseconds: 50))
        rig.gate.open()
        #expect(try client.answer().body == #"{"accepted":1,"duplicates":1,"rejected":[]}"#)
        rig.gate.isFailing = true
        #expect(try client.ask(post("/v1/events", "[\(click("1")),\(anonymous)]")).status == 503)
    }

    @Test func `a mixed request whose own events fail is put off`() throws {
        let rig = try ShardRig()
        defer { rig.stop() }
        let client = try rig.client()
        #expect(try client.ask(send("1")).status == 202)
        rig.gate.isFailing = true
        #expect(try client.ask(post("/v1/events", "[\(click("1")),\(click("2"))]")).status == 503)
        rig.gate.isFailing = false
        #expect(eventually { !rig.log.stats.isFailing })
        let answer = try client.ask(post("/v1/events", "[\(click("1")),\(click("2"))]"))
        #expect(answer.body == #"{"accepted":1,"duplicates":1,"rejected":[]}"#)
        #expect(try ids(rig) == ["1", "2"])
        #expect(rig.count(.accepted) == 2 && rig.count(.duplicates) == 1)
    }

    // MARK: what leaves no trace

    @Test func `a request that is refused as a whole leaves nothing behind`() throws {
        let rig = try ShardRig()
        defer { rig.stop() }
        let client = try rig.client()
        let good = #"{"id":"c","occurredAt":"2026-01-01T00:00:00Z","opaqueUserId":"u","resolvedBidId":"b"}"#
        #expect(try client.ask(post("/topsort/v2/events", #"{"clicks":[\#(good),{}]}"#)).status / 100 == 4)
        #expect(try client.ask(post("/topsort/v2/events", #"{"clicks":[\#(good)]}"#)).status == 204)
        // It takes back what it inserted, not what it found.
        #expect(try client.ask(post("/topsort/v2/events", #"{"clicks":[\#(good),{}]}"#)).status / 100 == 4)
        #expect(try client.ask(post("/topsort/v2/events", #"{"clicks":[\#(good)]}"#)).status == 204)
        #expect(try ids(rig) == ["c"])
    }

    /// Nobody may wait for a block that holds nothing: it is not handed over before something comes.
    @Test func `nobody waits for an empty block`() throws {
        let rig = try ShardRig(shards: 2)
        defer { rig.stop() }
        #expect(try rig.client(1).ask(send("1")).status == 202)
        let good = #"{"id":"c","occurredAt":"2026-01-01T00:00:00Z","opaqueUserId":"u","resolvedBidId":"b"}"#
        #expect(try rig.client(0).ask(post("/topsort/v2/events", #"{"clicks":[\#(good),{}]}"#)).status / 100 == 4)
        #expect(try rig.client(0).ask(send("1")).body == Self.again)
        #expect(try rig.client(1).ask(send("1")).body == Self.again)
    }

    @Test func `HEAD neither leaves a fingerprint nor takes one`() throws {
        let rig = try ShardRig()
        defer { rig.stop() }
        let client = try rig.client()
        let pixel = "/v1/pixel.gif?id=p&type=click&user.id=u&ad.id=a"
        for round in 0..<2 {
            try client.send(request("HEAD", pixel))
            #expect(try client.answer(isHead: true).status == 200)
            #expect(try client.ask(request("GET", pixel)).status == 200)
            #expect(eventually { rig.count(.duplicates) == round })
        }
        #expect(try ids(rig) == ["p"])
    }

    // MARK: connections

    @Test func `pipelined answers keep their order`() throws {
        let rig = try ShardRig(shards: 2)
        defer { rig.stop() }
        let (first, second) = (try rig.client(0), try rig.client(1))
        #expect(try second.ask(send("0")).status == 202)
        rig.gate.close()
        try first.send(send("1"))
        rig.gate.waitUntilHeld()
        try second.send(
            send("1") + request("GET", "/healthz") + send("2") + send("0") + post("/nowhere", "") + send("2"))
        #expect(rig.waitForRequests(7, shard: 1))
        #expect(!second.hasAnswer(withinMilliseconds: 50))
        rig.gate.open()
        #expect(try second.answer().body == Self.again)
        #expect(try second.answer().status == 200)
        #expect(try second.answer().body == Self.once)
        #expect(try second.answer().body == Self.again)
        #expect(try second.answer().status == 404)
        #expect(try second.answer().body == Self.again)
    }

    @Test func `a connection that goes away costs nobody anything`() throws {
        let rig = try ShardRig(shards: 2)
        defer { rig.stop() }
        let first = try rig.client(0)
        rig.gate.close()
        try first.send(send("1"))
        rig.gate.waitUntilHeld()
        do {
            let lost = try rig.client(1)
            try lost.send(send("1"))
            #expect(rig.waitForRequests(1, shard: 1))
        }
        let patient = try rig.client(1)
        try patient.send(send("1"))
        #expect(rig.waitForRequests(2, shard: 1))
        rig.gate.open()
        #expect(try patient.answer().body == Self.again)
        #expect(eventually { rig.count(.duplicates) == 2 })
    }

    @Test func `a source that wants no commit does not wait for one`() throws {
        var fast = SourceSettings.local
        fast.acknowledge = .received
        let rig = try ShardRig(sources: [fast])
        defer { rig.stop() }
        let client = try rig.client()
        rig.gate.close()
        #expect(try client.ask(send("1")).status == 202)
        rig.gate.waitUntilHeld()
        let answer = try client.ask(send("1"))
        #expect(answer.body == Self.again)
        #expect(answer.headers["sluice-acknowledge"] == "received")
    }

    // MARK: the end

    /// The shard with the original has no connection left and ends first.
    @Test func `draining shards settle what others wait for`() throws {
        var fast = SourceSettings.keyed("fast", "f")
        fast.acknowledge = .received
        let rig = try ShardRig(sources: [.keyed("slow", "s"), fast], shards: 2)
        let slow = ["Authorization: Bearer s"]
        let second = try rig.client(1)
        #expect(try second.ask(send("1", slow)).status == 202)
        rig.gate.close()
        do {
            let first = try rig.client(0)
            #expect(try first.ask(send("2", ["Authorization: Bearer f"])).status == 202)
            rig.gate.waitUntilHeld()
        }
        try second.send(send("1", slow))
        #expect(rig.waitForRequests(2, shard: 1))
        rig.drain(milliseconds: 20_000)
        #expect(!second.hasAnswer(withinMilliseconds: 100))
        rig.gate.open()
        #expect(try second.answer().body == Self.again)
        rig.stop(drainMilliseconds: 20_000)
    }

    @Test func `a drain ends although a commit hangs`() throws {
        let rig = try ShardRig(shards: 2)
        let (first, second) = (try rig.client(0), try rig.client(1))
        rig.gate.close()
        try first.send(send("1"))
        rig.gate.waitUntilHeld()
        try second.send(send("1"))
        #expect(rig.waitForRequests(1, shard: 1))
        rig.stop(drainMilliseconds: 50)
        #expect(rig.log.head.events == 1)
    }
}
