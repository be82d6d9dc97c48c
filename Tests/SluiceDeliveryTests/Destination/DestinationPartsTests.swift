import SluiceCore
import SluiceDelivery
import Testing

/// A destination whose every event takes a given number of requests; the test plays the upstream.
private struct PartsBench: ~Copyable {
    var state: DestinationState
    var now = Moment(monotonic: 1000, wall: 1_700_000_000_000)
    let parts: Int

    init(
        parts: Int, events: Int = 1, rate: DeliveryRate? = nil,
        _ change: (inout DestinationLimits) -> Void = { _ in }
    ) {
        var limits = DestinationLimits()
        limits.batchEventsMax = 1
        limits.concurrency = 2
        limits.batchesMax = 8
        change(&limits)
        state = DestinationState(
            cursor: Cursor(
                destination: "d", position: EventSequence(block: 1, index: 0), startEvent: 0,
                counts: OutcomeCounts()), limits: limits, rate: rate, seed: 1)
        self.parts = parts
        let block = makeBlock(1, firstEvent: 0, (0..<events).map { eventLine("e\($0)") })
        _ = state.append(block, now: now) { _ in true }
    }

    /// Starts the next request and says which part it is; nil when none may start.
    mutating func start() -> (batch: BatchID, part: Int)? {
        guard let batch = state.takeBatch(now: now.monotonic) else { return nil }
        #expect(state.encode(batch, now: now) { _ in .added } == 1)
        let part = state.nextPart(of: batch, count: parts)
        state.started(batch, now: now)
        return (batch, part)
    }

    mutating func startLater() -> (batch: BatchID, part: Int)? {
        if let started = start() { return started }
        guard let wake = state.wakeAt(now: now.monotonic) else { return nil }
        now.wall += wake - now.monotonic
        now.monotonic = wake
        return start()
    }

    mutating func finish(_ batch: BatchID, _ result: AttemptResult, url: String = "http://u.test/") {
        state.finish(batch, result, url: url, now: now)
    }

    /// Starts the next request, which must be this part, and answers it.
    mutating func answer(_ part: Int, _ result: AttemptResult) throws {
        let next = startLater()
        let started = try #require(next)
        #expect(started.part == part)
        finish(started.batch, result, url: "http://u.test/\(part)")
    }
}

@Suite struct DestinationPartsTests {
    @Test func `an event is delivered when all its parts are`() throws {
        var bench = PartsBench(parts: 3)
        try bench.answer(0, .delivered)
        try bench.answer(1, .delivered)
        #expect(bench.state.allCounts.delivered == 0)
        #expect(bench.state.position == EventSequence(block: 1, index: 0))
        try bench.answer(2, .delivered)
        #expect(bench.state.counts.delivered == 1)
        #expect(bench.state.position == EventSequence(block: 2, index: 0))
        #expect(bench.state.unsavedExceptions.isEmpty)
        let none = bench.start() == nil
        #expect(none)
    }

    @Test func `one part is on its way at a time, and other events use the other slots`() throws {
        var bench = PartsBench(parts: 2, events: 3)
        let firstStart = bench.start()
        let first = try #require(firstStart)
        // A second event starts beside it once the interval between starts has passed.
        let secondStart = bench.startLater()
        let second = try #require(secondStart)
        #expect(first.part == 0 && second.part == 0 && first.batch != second.batch)
        let none = bench.start() == nil
        #expect(none)
        bench.finish(first.batch, .delivered)
        let nextStart = bench.start()
        let next = try #require(nextStart)
        #expect(next.batch == first.batch && next.part == 1)
    }

    @Test func `only the part that failed is sent again, after the others`() throws {
        var bench = PartsBench(parts: 3)
        try bench.answer(0, .delivered)
        let failingStart = bench.start()
        let failing = try #require(failingStart)
        #expect(failing.part == 1 && !bench.state.isRepeat(failing.batch))
        bench.finish(failing.batch, .retry(status: 503, afterSeconds: nil, reason: "busy"))
        let lastStart = bench.startLater()
        let last = try #require(lastStart)
        #expect(last.part == 2 && !bench.state.isRepeat(last.batch))
        bench.finish(last.batch, .delivered)
        let againStart = bench.startLater()
        let again = try #require(againStart)
        #expect(again.part == 1 && bench.state.isRepeat(again.batch))
        bench.finish(again.batch, .delivered)
        #expect(bench.state.counts.delivered == 1)
    }

    @Test func `an unanswered part is sent again`() throws {
        var bench = PartsBench(parts: 2)
        try bench.answer(0, .unreachable(reason: "reset"))
        try bench.answer(1, .delivered)
        try bench.answer(0, .delivered)
        #expect(bench.state.counts.delivered == 1)
    }

    @Test func `a rejected part rejects the event once the others were tried`() throws {
        var bench = PartsBench(parts: 4)
        try bench.answer(0, .delivered)
        try bench.answer(1, .rejected(status: 400, reason: "no price"))
        #expect(bench.state.allCounts.total == 0)
        try bench.answer(2, .split(status: 422, reason: "odd"))
        try bench.answer(3, .delivered)
        #expect(bench.state.counts.rejected == 1 && bench.state.counts.total == 1)
        let rows = bench.state.unsavedExceptions
        let row = try #require(rows.first)
        #expect(row.outcome == .rejected && row.status == 400 && row.attempts == 4)
        #expect(row.reason == "2 of 4 parts delivered; part 2: no price; part 3: odd")
        #expect(row.url == "http://u.test/1" && row.eventID == "e0")
    }

    @Test func `notes of parts are joined in one row, and bounded`() throws {
        var bench = PartsBench(parts: 3)
        try bench.answer(0, .deliveredNoting(status: 204, note: "product not found: a"))
        try bench.answer(1, .delivered)
        try bench.answer(2, .deliveredNoting(status: 204, note: "product not found: c"))
        #expect(bench.state.counts.delivered == 1)
        let rows = bench.state.unsavedExceptions
        let row = try #require(rows.first)
        #expect(bench.state.unsavedExceptions.count == 1)
        #expect(row.outcome == .delivered && row.status == 204)
        #expect(row.reason == "product not found: a; product not found: c")

        var long = PartsBench(parts: 500)
        for part in 0..<500 { try long.answer(part, .deliveredNoting(status: 204, note: "größte Not")) }
        let cuts = long.state.unsavedExceptions
        let cut = try #require(cuts.first)
        #expect(cut.reason.utf8.count <= 512 && cut.reason.utf8.count > 500)
        #expect(!cut.reason.contains("\u{FFFD}"))
    }

    @Test func `an event in one request can be noted, too`() throws {
        var bench = PartsBench(parts: 1)
        try bench.answer(0, .deliveredNoting(status: 200, note: "taken, and ignored"))
        #expect(bench.state.counts.delivered == 1)
        #expect(bench.state.unsavedExceptions.map(\.reason) == ["taken, and ignored"])
        #expect(bench.state.unsavedExceptions.map(\.outcome) == [.delivered])
    }

    @Test func `rates count requests`() throws {
        var bench = PartsBench(parts: 3, rate: DeliveryRate(amount: 1, periodMilliseconds: 10_000))
        try bench.answer(0, .delivered)
        let none = bench.start() == nil
        #expect(none)
        let began = bench.now.monotonic
        try bench.answer(1, .delivered)
        try bench.answer(2, .delivered)
        #expect(bench.now.monotonic - began >= 20_000)
    }

    @Test func `an event is given up with its parts, and what was rejected stays so`() throws {
        var bench = PartsBench(parts: 2) { $0.retryForMilliseconds = 0 }
        try bench.answer(0, .delivered)
        try bench.answer(1, .retry(status: 408, afterSeconds: nil, reason: "late"))
        #expect(bench.state.counts.expired == 1)
        let rows = bench.state.unsavedExceptions
        let row = try #require(rows.first)
        #expect(row.reason == "1 of 2 parts delivered, 1 given up after 2 attempts: late")

        var mixed = PartsBench(parts: 2) { $0.retryForMilliseconds = 0 }
        try mixed.answer(0, .rejected(status: 400, reason: "no"))
        try mixed.answer(1, .retry(status: 408, afterSeconds: nil, reason: "late"))
        #expect(mixed.state.counts.rejected == 1 && mixed.state.counts.total == 1)
    }

    @Test func `the wait grows with the failures in a row, not with the number of parts`() throws {
        var bench = PartsBench(parts: 40)
        for part in 0..<39 { try bench.answer(part, .delivered) }
        try bench.answer(39, .retry(status: 408, afterSeconds: nil, reason: "late"))
        let wake = bench.state.wakeAt(now: bench.now.monotonic)
        let wait = try #require(wake) - bench.now.monotonic
        #expect(wait <= bench.state.policy.ceiling(attempts: 1))
    }

    @Test func `the story of the parts ends with the process`() throws {
        var bench = PartsBench(parts: 2)
        try bench.answer(0, .delivered)
        // The cursor that a restart finds still stands before the event.
        #expect(bench.state.cursor.position == EventSequence(block: 1, index: 0))
    }
}
