import SluiceCore
import SluiceSimulator
import Testing

@Suite struct TrafficMintTests {
    private static let now: Int64 = 1_767_323_045_678
    private let target = TrafficMint.Target(
        authority: "localhost", key: "k", accounts: GatewayPlatform.accounts)

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
        let events = requests(6000, mix: .allPlatforms).flatMap(\.events)
        #expect(Set(events.map(\.type)).count == EventType.allCases.count)
        #expect(Set(events.map(\.form)).count == TrafficForm.allCases.count)
        #expect(Set(events.map(\.topsort)).count == TrafficFate.allCases.count)
        #expect(Set(events.map(\.fates.vtex)) == Set(TrafficFate.allCases))
        #expect(Set(events.map(\.fates.impact)) == Set(TrafficFate.allCases))
        #expect(events.allSatisfy { ($0.items > 0) == ($0.type == .purchase) })
        #expect(Set(events.map(\.id)).count == events.count)
    }

    private static func only(_ change: (inout TrafficMix) -> Void) -> TrafficMix {
        var mix = TrafficMix.valid
        (mix.topsort, mix.topsortBatch, mix.native, mix.nativeBatch, mix.pixel) = (0, 0, 0, 0, 0)
        change(&mix)
        return mix
    }

    @Test(arguments: ["gowit", "vtex", "kevel", "impact"])
    func `each platform itself would take what is sent in its form`(name: String) throws {
        let mix = Self.only {
            switch name {
            case "gowit": $0.gowit = 1
            case "vtex": $0.vtex = 1
            case "kevel": $0.kevel = 1
            default: $0.impact = 1
            }
        }
        let standIn = GatewayPlatform.standIn(name)
        var seen = 0
        for request in requests(800, mix: mix) {
            var upstream = try parsed(request)
            #expect(upstream.path.hasPrefix("/\(name)/"))
            upstream.path = String(upstream.path.dropFirst(name.utf8.count + 1))
            let judgement = standIn.judge(upstream, nowMilliseconds: Self.now)
            #expect(judgement.refusal == nil)
            let traces = request.events.flatMap { event in
                switch name {
                case "gowit": event.gowitTraces
                case "vtex": event.vtexTraces
                case "kevel": event.kevelTraces
                default: ["\(event.id)"]
                }
            }
            #expect(judgement.recorded == traces)
            seen += 1
        }
        #expect(seen > 400)
    }

    @Test func `bodies occur as documented and as real senders write them`() throws {
        func bodies(_ change: (inout TrafficMix) -> Void) throws -> [String] {
            try requests(600, mix: Self.only(change)).map { String(decoding: try parsed($0).body, as: UTF8.self) }
        }
        let sales = try bodies { $0.gowit = 1 }.filter { $0.contains("\"sales\"") }
        #expect(sales.contains { $0.contains("\"OFFLINE\"") } && sales.contains { !$0.contains("\"OFFLINE\"") })
        let conversions = try bodies { $0.vtex = 1 }.filter { $0.contains("\"order_id\"") }
        #expect(conversions.contains { $0.contains("\"product_sku\"") && !$0.contains("promotional_price") })
        #expect(conversions.contains { $0.contains("\"sku\"") && $0.contains("promotional_price") })
        let forms = try bodies { $0.impact = 1 }.filter { $0.hasPrefix("CampaignId=") }
        #expect(forms.contains { $0.contains("&ItemSku=") } && forms.contains { $0.contains("&ItemSku1=") })
        #expect(forms.contains { $0.contains("ItemSubTotal=") && $0.contains("ItemPrice=") } == false)
    }

    @Test func `a question follows some conversions`() throws {
        let mint = TrafficMint(
            target: TrafficMint.Target(authority: "h", accounts: GatewayPlatform.accounts), seed: 1)
        let conversions = requests(200, mix: Self.only { $0.impact = 1 })
        let asked = conversions.filter(\.asksAfterwards)
        #expect(asked.count > 20 && asked.count < 120)
        let event = try #require(asked[0].events.first)
        let question = try #require(
            mint.submission("/Advertisers/IRsid1/APISubmissions/A-1", of: asked[0]))
        #expect(question.expectation == .told(order: "\(event.id)") && question.events.isEmpty)
        let upstream = try parsed(question)
        #expect(upstream.method == "GET" && upstream.path == "/impact/Advertisers/IRsid1/APISubmissions/A-1")
        #expect(upstream.header("authorization")?.hasPrefix("Basic ") == true)
    }

    @Test func `each platform itself would refuse what must be refused`() throws {
        // The invalid ones are drawn in proportion to the platforms' weights.
        let mix = Self.only {
            ($0.gowit, $0.vtex, $0.kevel, $0.impact) = (25, 25, 25, 25)
            $0.invalid = 100
        }
        var statuses: [TrafficForm: Int] = [:]
        for request in requests(2000, mix: mix) {
            guard case .refused(let expected) = request.expectation, request.form != .native,
                request.form != .topsort
            else { continue }
            var upstream = try parsed(request)
            upstream.path = String(upstream.path.dropFirst(request.form.rawValue.utf8.count + 1))
            let judgement = GatewayPlatform.standIn(request.form.rawValue)
                .judge(upstream, nowMilliseconds: Self.now)
            #expect(expected.contains(judgement.answer.status), "\(judgement)")
            #expect(request.events.isEmpty && judgement.recorded.isEmpty)
            statuses[request.form, default: 0] += 1
        }
        #expect(Set(statuses.keys) == [.gowit, .vtex, .kevel, .impact])
    }

    @Test func `the source's own credentials go along, and no other's`() throws {
        for request in requests(
            600, mix: Self.only { ($0.gowit, $0.vtex, $0.kevel, $0.impact) = (1, 1, 1, 1) })
        {
            let parsed = try parsed(request)
            let authorization = parsed.header("authorization")
            switch request.form {
            case .gowit, .gowitSDK:
                #expect(parsed.header("data-source-uuid") == GatewayPlatform.accounts.dataSource)
                #expect(authorization == (parsed.method == "GET" ? nil : "k"))
            case .impact: #expect(authorization?.hasPrefix("Basic ") == true)
            default: #expect(authorization == nil)
            }
        }
    }

    @Test func `a seed makes the same requests`() {
        #expect(requests(50, seed: 9).map(\.bytes) == requests(50, seed: 9).map(\.bytes))
        #expect(requests(50, seed: 9).map(\.bytes) != requests(50, seed: 10).map(\.bytes))
    }
}
