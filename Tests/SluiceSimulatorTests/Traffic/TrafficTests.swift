import SluiceSimulator
import Testing

/// A gateway as far as the generator can tell: takes good requests, refuses the others.
struct GatewayPlatform: StandInPlatform {
    let name = "gateway"

    func judge(_ request: StandInRequest, nowMilliseconds: Int64) -> Judgement {
        switch request.path {
        case "/topsort/v2/events":
            var upstream = request
            upstream.path = "/v2/events"
            let judgement = TopsortStandIn(key: "k").judge(upstream, nowMilliseconds: nowMilliseconds)
            guard judgement.refusal?.contains("resolved_bid_id_not_found") == true else { return judgement }
            // A gateway cannot know which bids exist.
            return .taken([], answer: StandInAnswer(status: 204))
        case "/v1/pixel.gif":
            return .taken(
                ["pixel"],
                answer: StandInAnswer(
                    status: 200, headers: [("content-type", "image/gif"), ("cache-control", "no-store")],
                    body: Array("GIF89a".utf8)))
        case let path where !path.hasPrefix("/v1/"):
            return platform(request, nowMilliseconds: nowMilliseconds)
        default:
            return native(request)
        }
    }

    static let accounts = TrafficAccounts(
        dataSource: "7d0f3f0e-6f0b-4a53-9a6e-0c6c2f1f7f10", key: "k", gowitMarketplace: "m-1",
        vtexPublisher: "pub-1", kevelNetwork: "123", impactAccount: "IRsid1")

    /// The platform's own stand-in judges, and where the gateway answers otherwise than the platform does,
    /// the answer is the gateway's.
    private func platform(_ request: StandInRequest, nowMilliseconds: Int64) -> Judgement {
        var upstream = request
        let words = request.path.split(separator: "/").map(String.init)
        upstream.path = String(request.path.dropFirst(words[0].count + 1))
        var judgement = Self.standIn(words[0]).judge(upstream, nowMilliseconds: nowMilliseconds)
        if words[0] == "kevel", judgement.refusal == nil {
            judgement.answer = StandInAnswer(status: 204, headers: [("kevel-debug", "queued")])
        }
        return judgement
    }

    /// One for all, because it remembers what can be asked for.
    private static let impact = ImpactStandIn(account: accounts.impactAccount, token: "k")

    static func standIn(_ name: String) -> any StandInPlatform {
        switch name {
        case "gowit":
            GowitStandIn(
                key: "k", dataSource: accounts.dataSource, marketplace: accounts.gowitMarketplace,
                path: "/events")
        case "vtex": VtexStandIn(publisher: accounts.vtexPublisher)
        case "kevel": KevelStandIn(network: accounts.kevelNetwork)
        default: impact
        }
    }

    private func native(_ request: StandInRequest) -> Judgement {
        let parts =
            request.mediaType == "application/x-ndjson"
            ? request.body.split(separator: 0x0A).map(Array.init) : [request.body]
        var events: [PlainJSON?] = []
        for part in parts {
            guard let document = PlainJSON(part) else {
                events.append(nil)
                continue
            }
            events += document.elements ?? document["events"]?.elements ?? [document]
        }
        let good = events.filter { event in
            let types = ["impression", "viewable_impression", "click", "purchase", "page_view"]
            return types.contains(event?["type"]?.string ?? "") && event?["user"]?["id"] != nil
        }
        let bad = events.indices.filter { index in !good.contains { $0 == events[index] } }
        let rejected = bad.map { "{\"index\":\($0),\"code\":\"x\"}" }.joined(separator: ",")
        let answer = StandInAnswer.json(
            status: good.isEmpty ? 400 : 202,
            "{\"accepted\":\(good.count),\"duplicates\":0,\"rejected\":[\(rejected)]}")
        let ids = good.compactMap { $0?["id"]?.string }
        return ids.isEmpty ? .refused("bad", answer: answer) : .taken(ids, answer: answer)
    }

    func trouble(status: Int, message: String) -> StandInAnswer { .json(status: status, "{}") }
}

@Suite struct TrafficTests {
    private func run(
        events: Int, faults: [FaultStep] = [], rate: Double? = nil, mix: TrafficMix = TrafficMix()
    ) throws -> (traffic: Traffic, server: StandInServer) {
        let server = try StandInServer(StandIn(GatewayPlatform(), faults: FaultScript(faults)))
        defer { server.stop() }
        var plan = TrafficPlan(address: "127.0.0.1:\(server.port)", key: "k", seed: 11)
        plan.connections = 3
        plan.eventsMax = events
        plan.eventsPerSecond = rate
        plan.mix = mix
        plan.accounts = GatewayPlatform.accounts
        let traffic = Traffic(plan, ledger: TrafficLedger())
        traffic.start()
        traffic.wait()
        #expect(traffic.isOver)
        return (traffic, server)
    }

    @Test func `every answer is as expected, and every promise is listed`() throws {
        let (traffic, server) = try run(events: 1500)
        let totals = traffic.totals
        #expect(totals.unexpectedSamples == [])
        #expect(totals.errorCount == 0)
        #expect(totals.acknowledged >= 1000)
        #expect(totals.acknowledged == traffic.ledger.count)
        #expect(totals.refusedRightly > 0)
        #expect(totals.byStatus.values.reduce(0, +) == totals.answered)
        #expect(totals.acknowledgeMicroseconds.totalCount > 0)
        let missing = server.standIn.ledger.missing(
            of: traffic.ledger.events.filter { $0.form == .native }.map { "\($0.id)" })
        #expect(missing == [])
    }

    @Test func `traffic in every platform's form is answered as documented`() throws {
        let (traffic, server) = try run(events: 2500, mix: .allPlatforms)
        #expect(traffic.totals.unexpectedSamples == [])
        #expect(traffic.totals.acknowledged == traffic.ledger.count)
        let ledger = server.standIn.ledger
        for (form, traces) in [
            (TrafficForm.gowit, \TrafficEvent.gowitTraces), (.gowitSDK, \.gowitTraces), (.vtex, \.vtexTraces),
            (.kevel, \.kevelTraces),
        ] {
            let events = traffic.ledger.events.filter { $0.form == form }
            #expect(events.count > 15)
            #expect(ledger.missing(of: events.flatMap { $0[keyPath: traces] }) == [])
        }
        #expect(traffic.totals.told > 3)
        let conversions = traffic.ledger.events.filter { $0.form == .impact }
        #expect(ledger.missing(of: conversions.map { "\($0.id)" }) == [] && conversions.count > 15)
    }

    @Test func `it goes on after resets and refusals to serve`() throws {
        let (traffic, server) = try run(
            events: 600,
            faults: [
                FaultStep(nil, requests: 5), FaultStep(.reset, requests: 4),
                FaultStep(.takeAndReset, requests: 4), FaultStep(.status(503), requests: 6),
            ])
        let totals = traffic.totals
        #expect(totals.errorCount == 8)
        #expect(totals.putOff == 6)
        #expect(totals.ambiguous > 0)
        #expect(totals.unexpectedSamples == [])
        #expect(totals.acknowledged == traffic.ledger.count)
        // What was cut off is not listed as promised, although the server has some of it.
        #expect(server.standIn.ledger.totals.requestsTaken > 0)
        #expect(totals.acknowledged > 0)
    }

    @Test func `a stop ends it early`() throws {
        let server = try StandInServer(StandIn(GatewayPlatform()))
        defer { server.stop() }
        var plan = TrafficPlan(address: "127.0.0.1:\(server.port)", key: "k", seed: 12)
        plan.eventsPerSecond = 50
        let traffic = Traffic(plan, ledger: TrafficLedger())
        traffic.start()
        while traffic.totals.answered < 5 { ThreadSleep.sleep(milliseconds: 5) }
        traffic.stop()
        traffic.wait()
        #expect(traffic.isOver)
        #expect(traffic.totals.acknowledged == traffic.ledger.count)
    }

    @Test func `nobody there is counted, and costs no events`() throws {
        let server = try StandInServer(StandIn(GatewayPlatform()))
        let port = server.port
        server.stop()
        var plan = TrafficPlan(address: "127.0.0.1:\(port)", seed: 13)
        plan.connections = 1
        plan.eventsMax = 5
        let traffic = Traffic(plan, ledger: TrafficLedger())
        traffic.start()
        traffic.wait()
        #expect(traffic.totals.errors.keys.sorted() == ["unreachable"])
        #expect(traffic.totals.ambiguous == 0)
        #expect(traffic.ledger.count == 0)
    }
}
