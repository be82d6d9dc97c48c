import CAllocationCounter
import SluiceCore
import SluiceHTTP
import SluiceIO
import SluiceServer
import Synchronization
import Testing

/// Publishes how many allocations the shard's thread has made, after each batch of requests.
// @unchecked: the shard is used by the loop's thread only.
private final class CountingHandler: EdgeHandler, @unchecked Sendable {
    private let shard: Shard
    let allocations = Atomic<Int64>(0)

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

    func batchEnded() {
        shard.batchEnded()
        allocations.store(callocation_count(), ordering: .sequentiallyConsistent)
    }

    var wantsMore: Bool { shard.wantsMore }
    func nothingMore() { shard.nothingMore() }

    func woken() { shard.woken() }
}

/// A shard with clients that ask the same again and again.
private final class AllocationRig {
    /// Requests that each client sends at once: fewer later than while everything grows to its size.
    private static let warmUpPipeline = 56
    private static let pipeline = 32

    private let rig: ShardRig
    private let handler: CountingHandler
    private let clients: [EdgeClient]

    init() throws {
        var open = SourceSettings.local
        open.origins = ["https://shop.example"]
        var fast = SourceSettings.keyed("fast", "a+b/c==")
        fast.acknowledge = .received
        var made: CountingHandler?
        // What is refused is copied for people to read, a bounded number of times a second; beyond that it is
        // only counted, as here.
        let rig = try ShardRig(sources: [open, fast], refusalsPerSecond: 0) { shard in
            let handler = CountingHandler(shard)
            made = handler
            return handler
        }
        self.rig = rig
        handler = made!
        clients = try (0..<4).map { _ in try rig.client() }
    }

    /// Lets every buffer grow to what these requests need: with the commits held, all answers of a
    /// round wait at the same time and all its events are in one block. Twice with an odd request in
    /// between, so that the two blocks in use change places.
    func warmUp(_ kinds: [RequestKind]) throws {
        for _ in 0..<2 {
            for kind in kinds {
                for _ in 0..<2 {
                    _ = try clients[0].ask(RequestKind.single.fresh())
                    rig.gate.close()
                    try clients[0].send(RequestKind.single.fresh())
                    rig.gate.waitUntilHeld()
                    let before = rig.loop.stats.requests.load(ordering: .relaxed)
                    for client in clients { try client.send(kind.repeated(Self.warmUpPipeline)) }
                    #expect(rig.waitForRequests(before + clients.count * Self.warmUpPipeline))
                    rig.gate.open()
                    #expect(try clients[0].answer().status == 202)
                    for client in clients {
                        #expect(try client.skipAnswers(Self.warmUpPipeline) == Self.warmUpPipeline)
                    }
                }
            }
        }
    }

    /// Allocations of the shard's thread over `rounds` times 128 requests.
    func allocations(_ kind: RequestKind, rounds: Int) throws -> Int64 {
        let before = try allocationsSoFar()
        for _ in 0..<rounds {
            for client in clients { try client.send(kind.repeated(Self.pipeline)) }
            for client in clients { #expect(try client.skipAnswers(Self.pipeline) == Self.pipeline) }
        }
        return try allocationsSoFar() - before
    }

    /// The first answer may be on its way before its batch has ended; the second request comes in a
    /// later batch.
    private func allocationsSoFar() throws -> Int64 {
        for _ in 0..<2 { #expect(try clients[0].ask(request("GET", "/healthz")).status == 200) }
        return handler.allocations.load(ordering: .sequentiallyConsistent)
    }

    func stop() { rig.stop() }
}

/// What is asked again and again. `@@@@@@@@@@` in it stands for a number that is another one each time.
private struct RequestKind: Sendable {
    private static let numbers = Atomic<Int>(1_000_000_000)
    private static let placeholder = Array("@@@@@@@@@@".utf8)

    var name: String
    var bytes: [UInt8]

    init(_ name: String, _ text: String) { self.init(name, Array(text.utf8)) }

    init(_ name: String, _ bytes: [UInt8]) {
        self.name = name
        self.bytes = bytes
    }

    func repeated(_ count: Int) -> [UInt8] { (0..<count).flatMap { _ in fresh() } }

    /// The request with a number of its own.
    func fresh() -> [UInt8] {
        guard bytes.contains(RequestKind.placeholder[0]) else { return bytes }
        let number = RequestKind.numbers.add(1, ordering: .relaxed).newValue
        let digits = Array(String(number).utf8)
        var made = bytes
        var index = 0
        while index + digits.count <= made.count {
            if made[index..<index + digits.count].elementsEqual(RequestKind.placeholder) {
                made.replaceSubrange(index..<index + digits.count, with: digits)
                index += digits.count
            } else {
                index += 1
            }
        }
        return made
    }

    static let single = RequestKind("click", post("/v1/events", click("@@@@@@@@@@")))

    static let browser = [
        "Origin: https://shop.example", "User-Agent: Mozilla/5.0 (X11; Linux x86_64)",
        "Referer: https://shop.example/shoes?sort=price", "Content-Type: text/plain;charset=UTF-8",
    ]

    static let topsort = [
        (
            "impressions",
            #"{"impressions":[{"id":"@@@@@@@@@@","occurredAt":"2026-01-02T03:04:05Z","opaqueUserId":"u-1","resolvedBidId":"bid==","placement":{"path":"/c/shoes?sort=price","position":1,"page":2,"pageSize":24,"categoryIds":["c1","c2"],"searchQuery":"red \"shoes\""},"externalVendorId":"ev","deviceType":"mobile"}]}"#
        ),
        (
            "clicks",
            #"{"impressions":[],"clicks":[{"id":"@@@@@@@@@@","occurredAt":"2026-01-02T03:04:05.123-03:00","opaqueUserId":"u","entity":{"type":"vendor","id":"v"},"clickType":"add-to-cart"}]}"#
        ),
        (
            "purchases",
            #"{"purchases":[{"id":"@@@@@@@@@@","occurredAt":"2026-01-02T03:04:05Z","opaqueUserId":"u","items":[{"productId":"p1","unitPrice":12.50,"gift":{"a":1}},{"productId":"p2","unitPrice":1,"quantity":3,"vendorId":"v"}]}]}"#
        ),
        (
            "pageviews",
            #"{"pageviews":[{"id":"@@@@@@@@@@","occurredAt":"2026-01-01T00:00:00Z","opaqueUserId":"u","page":{"type":"home","pageId":"h"},"deviceType":"desktop","channel":"onsite"}]}"#
        ),
    ]

    /// Without an id, so that one is made up.
    static let purchase =
        #"{"type":"purchase","occurred_at":"2026-01-02T03:04:05Z","user":{"id":"u","email":"Ann@Example.com","keys":["k1","k2 \u00e9"]},"order":{"id":"o","currency":"BRL","items":[{"product_id":"p","unit_price":12.50,"quantity":2}]},"coupon":"X"}"#

    static func all() throws -> [RequestKind] {
        let ten = (0..<10).map { click("@@@@@@@@@@-\($0)") }
        let again = (0..<10).map { click("again-\($0)") }
        var kinds = [
            RequestKind("native object", post("/v1/events", click("@@@@@@@@@@"))),
            RequestKind("native object from a page", post("/v1/events", click("@@@@@@@@@@"), browser)),
            RequestKind("native purchase", post("/v1/events", purchase, ["Content-Type: application/json"])),
            RequestKind("native array of ten", post("/v1/events", "[\(ten.joined(separator: ","))]")),
            RequestKind(
                "native envelope of ten", post("/v1/events", #"{"events":[\#(ten.joined(separator: ","))]}"#)),
            RequestKind(
                "native lines",
                post("/v1/events", ten.joined(separator: "\n"), ["Content-Type: application/x-ndjson"])),
            RequestKind(
                "native batch with bad events",
                post("/v1/events", #"[\#(click("@@@@@@@@@@")),{"type":"click"},{"type":"tap"}]"#)),
            RequestKind(
                "pixel",
                request(
                    "GET", "/v1/pixel.gif?type=click&user_id=u%20%C3%A9&ad.id=a+b&user.keys=k1&utm=x%22y",
                    ["User-Agent: Mozilla/5.0", "Referer: https://shop.example/"])),
            RequestKind(
                "acknowledged when received",
                post("/v1/events", click("@@@@@@@@@@"), ["Authorization: Bearer a+b/c=="])),
            RequestKind(
                "key in the query", post("/v1/events?key=a%2Bb%2Fc%3D%3D", click("@@@@@@@@@@"), browser)),
            RequestKind("gzip, known events", try gzip("[\(again.joined(separator: ","))]")),
            RequestKind("known event", post("/v1/events", click("again"))),
            RequestKind("known events and new ones", post("/v1/events", "[\((again + ten).joined(separator: ","))]")),
            RequestKind("chunked", chunked(click("@@@@@@@@@@"))),
            RequestKind("health", request("GET", "/healthz")),
        ]
        for (name, body) in topsort {
            kinds.append(RequestKind("topsort \(name)", post("/topsort/v2/events", body)))
            kinds.append(RequestKind("topsort \(name) from a page", post("/topsort/v2/events", body, browser)))
        }
        return kinds
    }

    private static func gzip(_ body: String) throws -> [UInt8] {
        let compressed = try compressedByGzip(body)
        let head = request(
            "POST", "/v1/events", ["Content-Encoding: gzip", "Content-Length: \(compressed.count)"])
        return Array(head.utf8) + compressed
    }

    private static func chunked(_ body: String) -> String {
        let half = body.utf8.count / 2
        let (first, second) = (body.prefix(half), body.dropFirst(half))
        let size = { (text: Substring) in String(text.utf8.count, radix: 16) }
        return request("POST", "/v1/events", ["Transfer-Encoding: chunked"])
            + "\(size(first))\r\n\(first)\r\n\(size(second))\r\n\(second)\r\n0\r\n\r\n"
    }
}

/// Whether allocations can be counted in this process, and mean something: without optimization the
/// standard library's generic algorithms, an array's iterator among them, allocate on each call.
private var allocationsAreCounted: Bool {
    #if DEBUG
        false
    #else
        callocation_counter_available() != 0
    #endif
}

@Suite(.enabled(if: allocationsAreCounted, "needs an optimized build, glibc and no sanitizer"))
struct ShardAllocationTests {
    /// From the read to the block, and from the commit to the answer: once every buffer has its size, a
    /// shard allocates nothing, whatever the form of the request.
    @Test func `in steady state no request allocates`() throws {
        let kinds = try RequestKind.all()
        let rig = try AllocationRig()
        defer { rig.stop() }
        try rig.warmUp(kinds)
        for kind in kinds {
            let allocations = try rig.allocations(kind, rounds: 8)
            #expect(allocations == 0, "\(kind.name): \(allocations) allocations in 1024 requests")
        }
    }
}
