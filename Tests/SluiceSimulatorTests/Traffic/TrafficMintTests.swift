import SluiceCore
import SluiceSimulator
import Testing

@Suite struct TrafficMintTests {
    private static let now: Int64 = 1_767_323_045_678
    private let target = TrafficMint.Target(authority: "localhost", key: "k")

    private func requests(_ count: Int, mix: TrafficMix = TrafficMix(), seed: UInt64 = 42)
        -> [TrafficRequest]
    {
        var mint = TrafficMint(target: target, mix: mix, seed: seed)
        return (0..<count).map { _ in mint.next(nowMilliseconds: Self.now) }
    }

    /// The request as a server would see it.
    private func parsed(_ request: TrafficRequest) throws -> StandInRequest {
        let text = request.bytes
        let end = try #require(
            text.indices.dropLast(3).first { Array(text[$0..<$0 + 4]) == Array("\r\n\r\n".utf8) })
        var lines = String(decoding: text[..<end], as: UTF8.self).split(separator: "\r\n")
        let words = lines.removeFirst().split(separator: " ")
        let parts = words[1].split(separator: "?", maxSplits: 1)
        let headers = lines.map { line in
            let colon = line.firstIndex(of: ":") ?? line.endIndex
            return (
                name: line[..<colon].lowercased(), value: String(line[colon...].dropFirst(2))
            )
        }
        return StandInRequest(
            method: String(words[0]), path: String(parts[0]),
            query: parts.count > 1 ? String(parts[1]) : "", headers: headers,
            body: Array(text[(end + 4)...]))
    }

    @Test func `Topsort itself would take what is sent as Topsort`() throws {
        let platform = TopsortStandIn(key: "k")
        var seen = 0
        for request in requests(2000, mix: .valid) where request.form == .topsort {
            var upstream = try parsed(request)
            #expect(upstream.path == "/topsort/v2/events")
            upstream.path = "/v2/events"
            let judgement = platform.judge(upstream, nowMilliseconds: Self.now)
            if request.events.allSatisfy({ $0.topsort == .delivered }) {
                #expect(judgement.refusal == nil)
                #expect(judgement.recorded.sorted() == request.events.map { "\($0.id)" }.sorted())
                seen += 1
            } else {
                #expect(judgement.refusal?.contains("resolved_bid_id_not_found") == true)
            }
        }
        #expect(seen > 500)
    }

    @Test func `Topsort itself would refuse what must be refused`() throws {
        let platform = TopsortStandIn(key: "k")
        var mix = TrafficMix.valid
        mix.topsort = 0
        mix.topsortBatch = 0
        mix.native = 0
        mix.nativeBatch = 0
        mix.pixel = 0
        mix.invalid = 1
        for request in requests(500, mix: mix) where request.form == .topsort {
            var upstream = try parsed(request)
            upstream.path = "/v2/events"
            let judgement = platform.judge(upstream, nowMilliseconds: Self.now)
            guard case .refused(let statuses) = request.expectation else {
                throw TestFailure("an invalid request that is expected to be taken")
            }
            #expect(statuses.contains(judgement.answer.status))
            #expect(request.events.isEmpty)
        }
    }

    @Test func `native events are JSON with the ids they are known by`() throws {
        var forms: Set<String> = []
        for request in requests(1000, mix: .valid) where request.form == .native {
            let upstream = try parsed(request)
            forms.insert(upstream.mediaType)
            let texts =
                upstream.mediaType == "application/x-ndjson"
                ? upstream.body.split(separator: 0x0A).map(Array.init) : [upstream.body]
            let documents = try texts.map { try #require(PlainJSON($0)) }
            let events = documents.flatMap { $0.elements ?? $0["events"]?.elements ?? [$0] }
            #expect(events.map { $0["id"]?.string } == request.events.map { "\($0.id)" })
            #expect(events.map { $0["type"]?.string } == request.events.map { "\($0.type.name)" })
        }
        #expect(forms.count == 5)
    }

    @Test func `all kinds of events and fates occur`() {
        let events = requests(3000).flatMap(\.events)
        #expect(Set(events.map(\.type)).count == EventType.allCases.count)
        #expect(Set(events.map(\.form)).count == TrafficForm.allCases.count)
        #expect(Set(events.map(\.topsort)).count == TopsortFate.allCases.count)
        #expect(Set(events.map(\.id)).count == events.count)
    }

    @Test func `a seed makes the same requests`() {
        #expect(requests(50, seed: 9).map(\.bytes) == requests(50, seed: 9).map(\.bytes))
        #expect(requests(50, seed: 9).map(\.bytes) != requests(50, seed: 10).map(\.bytes))
    }
}
