import Foundation
import SluiceCore
import SluiceLoad
import Testing

/// Every platform's traffic against a whole gateway, and its log against what was acknowledged.
@Suite struct LogVerificationTests {
    private static let traffic: [(LoadPlatform, LoadEventType, Int)] = [
        (.topsort, .impression, 1), (.topsort, .mixed, 50), (.native, .mixed, 1), (.native, .mixed, 120),
        (.gowit, .mixed, 1), (.vtex, .mixed, 1), (.kevel, .purchase, 1), (.impact, .purchase, 1),
    ]

    @Test(arguments: traffic)
    func `everything is accepted, and in the log once`(platform: LoadPlatform, type: LoadEventType, events: Int) throws
    {
        let gateway = try Gateway()
        var order = try shortOrder(port: gateway.port)
        order.traffic.platform = platform
        order.traffic.type = type
        order.traffic.events = events
        order.plan.connections = 6
        order.plan.threads = 2
        order.plan.pipeline = 3
        order.dataFolder = gateway.data
        let report = try run(order)
        let verification = try #require(report.verification)
        #expect(report.isGood, "\(report.text)")
        #expect(report.errors == 0 && report.statuses.count == 1)
        #expect(verification.acknowledged >= report.events && report.events > 0)
        #expect(verification.found == verification.acknowledged && verification.unacknowledged == 0)
        #expect(report.eventsPerRequest == events)
    }

    @Test(arguments: [LoadEventType.impression, .view, .click, .purchase, .pageView])
    func `each type of native and Topsort's events is accepted by itself`(type: LoadEventType) throws {
        let gateway = try Gateway()
        for platform in [LoadPlatform.native, .topsort] where platform == .native || type != .view {
            var order = try shortOrder(port: gateway.port)
            order.traffic.platform = platform
            order.traffic.type = type
            order.traffic.bytes = 900
            order.plan.seconds = 0.1
            order.dataFolder = gateway.data
            let report = try run(order)
            #expect(report.isGood, "\(report.text)")
        }
    }

    @Test func `what is missing, there twice, or not acknowledged is counted`() throws {
        let gateway = try Gateway()
        var order = try shortOrder(port: gateway.port)
        order.plan.seconds = 0.1
        order.dataFolder = gateway.data
        #expect(try run(order).isGood)
        // The ids of that run, as its seed makes them.
        var random = SplitMix64(seed: order.seed)
        let id = RunID(using: &random)
        var ledger = AcknowledgedRequests(eventsPerRequest: 1, keeps: true)
        for _ in 0..<1_000_000 { _ = ledger.number() }
        let none = try LogVerification(folder: gateway.data, run: id, ledgers: [ledger], sinceMilliseconds: 0)
        // Nothing is missing, but nothing was promised either.
        #expect(!none.isGood && none.missing == 0 && none.unacknowledged > 0 && none.found == 0)
        ledger.acknowledge(999_999)
        ledger.acknowledge(0)
        let one = try LogVerification(folder: gateway.data, run: id, ledgers: [ledger], sinceMilliseconds: 0)
        #expect(one.missing == 1 && one.found == 1 && !one.isGood)
        #expect(one.samples == [id.text(thread: 0, number: 999_999)])
    }

    @Test func `an event that is there twice is told`() throws {
        let gateway = try Gateway(deduplicate: "off")
        var order = try shortOrder(port: gateway.port)
        order.plan.seconds = 0.1
        #expect(try run(order).isGood)
        order.dataFolder = gateway.data
        let again = try run(order)
        #expect(again.verification?.twice ?? 0 > 0)
        #expect(!again.isGood && again.verification?.missing == 0)
    }
}
