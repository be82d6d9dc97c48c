import SluiceCore
import SluiceDelivery
import Testing

@Suite struct ReplayEstimateTests {
    // What `eventLine` says: 2026-01-02T03:04:06Z.
    private let received: Int64 = 1_767_323_046_000

    private func estimate(
        _ lines: [String], platform: Platform = .webhook, priors: [Int: (String, Outcome)] = [:],
        end: EventSequence = EventSequence(block: .max, index: 0), startEvent: Int64 = 0, now: Int64? = nil,
        filtered: Set<Int64> = [], lost: Set<Int64> = [], isForeign: Bool = false,
        _ change: (inout ReplaySpec) -> Void = { _ in }
    ) -> ReplayEstimate {
        var spec = ReplaySpec(destination: "d", received: received..<received + 1)
        change(&spec)
        let configuration = DestinationConfiguration(name: "d", platform: platform, url: "http://x")
        var estimator = ReplayEstimator(
            spec, configuration: configuration, encoder: IDEncoder(), isForeign: isForeign, end: end,
            startEvent: startEvent, now: now ?? received)
        let rows = priors.sorted { $0.key < $1.key }.map { index, prior in
            PriorOutcome(
                sequence: EventSequence(block: 7, index: index), eventID: prior.0, outcome: prior.1)
        }
        estimator.add(makeBlock(7, firstEvent: 100, lines), priors: rows) { _, number in
            filtered.contains(number) ? .filtered : lost.contains(number) ? .expired : nil
        }
        return estimator.estimate
    }

    @Test func `events are counted by what became of them`() {
        let lines = ["a", "b", "c", "d", "e", "f"].map { eventLine($0) } + [eventLine("v", type: "page_view")]
        let found = estimate(
            lines,
            priors: [
                0: ("a", .rejected), 1: ("b", .parked), 2: ("c", .expired), 3: ("d", .delivered),
                // Another log's event.
                4: ("z", .rejected),
            ], filtered: [105])
        #expect(found.total.events == 6)
        #expect(found.total.bytes == lines.dropLast().reduce(0) { $0 + Int64($1.utf8.count) + 1 })
        #expect([found.rejected, found.parked, found.expired] == [1, 1, 1])
        #expect(found.alreadyDelivered == 2)
        #expect(found.neverDue == 1)
        #expect(found.notDue == 1)
        #expect(found.scanned == 7)
        #expect(found.beyondAttribution == nil)
    }

    @Test(arguments: [(.rejected, 1), (.parked, 1), (.expired, 0), (.any, 2)] as [(ReplayOutcome, Int64)])
    func `an outcome leaves out all others`(_ outcome: ReplayOutcome, _ events: Int64) {
        let found = estimate(
            ["a", "b", "c"].map { eventLine($0) }, priors: [0: ("a", .rejected), 1: ("b", .parked)]
        ) { $0.outcome = outcome }
        #expect(found.total.events == events)
        #expect(found.alreadyDelivered == 0)
    }

    @Test func `nothing is on record about another log's events`() {
        let lines = ["a", "b", "c"].map { eventLine($0) }
        let own = estimate(lines, lost: [102]) { $0.segment = "/archive/1.sqlite" }
        #expect([own.alreadyDelivered, own.expired, own.neverDue] == [2, 1, 0])
        let foreign = estimate(lines, lost: [102], isForeign: true) { $0.segment = "/archive/1.sqlite" }
        #expect(foreign.total.events == 3)
        #expect([foreign.alreadyDelivered, foreign.expired, foreign.neverDue] == [0, 0, 0])
    }

    @Test func `time, type and source narrow`() {
        let lines = [
            eventLine("a"), eventLine("b", type: "purchase"), eventLine("c", type: "purchase", source: "app"),
        ]
        #expect(estimate(lines).total.events == 3)
        #expect(estimate(lines) { $0.types = [.purchase] }.total.events == 2)
        #expect(
            estimate(lines) {
                $0.types = [.purchase]
                $0.sources = ["app", "x"]
            }.total.events == 1)
        #expect(estimate(lines) { $0.received = 0..<received }.total.events == 0)
        #expect(estimate(lines) { $0.received = received + 1..<received + 9 }.total.events == 0)
    }

    @Test func `what the destination has not come to is pending`() {
        let found = estimate(
            ["a", "b", "c"].map { eventLine($0) } + [eventLine("v", type: "page_view")],
            end: EventSequence(block: 7, index: 1))
        #expect(found.total.events == 1)
        #expect(found.pending == 2)
    }

    @Test func `what came before the books began was never due`() {
        let found = estimate(["a", "b", "c"].map { eventLine($0) }, startEvent: 102)
        #expect(found.neverDue == 2)
        #expect(found.alreadyDelivered == 1)
    }

    @Test func `VTEX looks back for 14 days`() {
        let days: Int64 = 86_400_000
        // The event happened a little before it was received.
        let occurred = received - 322
        #expect(
            estimate([eventLine("a")], platform: .vtex, now: occurred + 14 * days).beyondAttribution == 0)
        #expect(
            estimate([eventLine("a")], platform: .vtex, now: occurred + 14 * days + 1).beyondAttribution == 1)
        #expect(AttributionWindow.days(of: .impact) == nil)
    }

    @Test func `a line that cannot be read is no event of the replay`() {
        let found = estimate(["{}", eventLine("a")])
        #expect(found.unreadable == 1)
        #expect(found.total.events == 1)
    }
}
