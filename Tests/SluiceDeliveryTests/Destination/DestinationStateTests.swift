import SluiceCore
import SluiceDelivery
import Testing

/// A destination without wires: the test plays log, encoder, upstream and clock.
private struct Bench: ~Copyable {
    var state: DestinationState
    var now = Moment(monotonic: 1000, wall: 1_700_000_000_000)
    let encoder: IDEncoder
    /// Ids of each batch in flight.
    var sent: [BatchID: [String]] = [:]

    init(
        limits: DestinationLimits = DestinationLimits(), cursor: Cursor? = nil, rate: DeliveryRate? = nil,
        policy: RetryPolicy = RetryPolicy(), encoder: IDEncoder = IDEncoder(), seed: UInt64 = 1
    ) {
        state = DestinationState(
            cursor: cursor ?? Bench.origin, limits: limits, policy: policy, rate: rate, seed: seed)
        self.encoder = encoder
    }

    static let origin = Cursor(
        destination: "d", position: EventSequence(block: 1, index: 0), startEvent: 0, counts: OutcomeCounts())

    @discardableResult
    mutating func append(_ block: EventBlock) -> DestinationState.Continuity {
        let encoder = encoder
        return state.append(block, now: now) { line in
            EventSummary(line).map { encoder.takes(type: $0.type, network: $0.network) }
        }
    }

    mutating func append(_ number: Int64, first: Int64, ids: [String]) {
        append(makeBlock(number, firstEvent: first, ids.map { eventLine($0) }))
    }

    /// Starts the next request and says its ids; nil when none may start.
    mutating func start() -> (batch: BatchID, ids: [String])? {
        while let batch = state.takeBatch(now: now.monotonic) {
            encoder.begin(now: now.wall)
            var ids: [String] = []
            let encoder = encoder
            let count = state.encode(batch, now: now) { line in
                let result = encoder.add(line)
                if result == .added { ids.append(EventSummary(line)!.id.string) }
                return result
            }
            #expect(count == ids.count)
            guard count > 0 else { continue }
            state.started(batch, now: now)
            sent[batch] = ids
            return (batch, ids)
        }
        let wake = state.wakeAt(now: now.monotonic)
        #expect(wake == nil || wake! > now.monotonic, "nothing to take, yet a wake-up at once")
        return nil
    }

    mutating func finish(_ batch: BatchID, _ result: AttemptResult) {
        sent[batch] = nil
        state.finish(batch, result, url: "http://u.test/ids", now: now)
    }

    mutating func advance(_ milliseconds: Int64) {
        now.monotonic += milliseconds
        now.wall += milliseconds
    }

    /// Lets time pass until a request may start.
    mutating func startLater() -> (batch: BatchID, ids: [String])? {
        if let started = start() { return started }
        guard let wake = state.wakeAt(now: now.monotonic) else { return nil }
        advance(wake - now.monotonic)
        return start()
    }
}

private func limits(_ change: (inout DestinationLimits) -> Void) -> DestinationLimits {
    var limits = DestinationLimits()
    change(&limits)
    return limits
}

@Suite struct DestinationStateTests {
    @Test func thePositionMovesOnlyOverFinishedEvents() {
        var bench = Bench(limits: limits { $0.batchEventsMax = 2 })
        bench.append(1, first: 0, ids: ["a", "b", "c", "d", "e"])
        let first = bench.start()!
        let second = bench.start()!
        #expect(first.ids == ["a", "b"] && second.ids == ["c", "d"])
        bench.finish(second.batch, .delivered)
        #expect(bench.state.position == EventSequence(block: 1, index: 0))
        #expect(bench.state.counts.total == 0 && bench.state.allCounts.delivered == 2)
        #expect(bench.state.needsSave == false)
        bench.finish(first.batch, .delivered)
        #expect(bench.state.position == EventSequence(block: 1, index: 4))
        #expect(bench.state.counts.delivered == 4 && bench.state.needsSave)
        let third = bench.start()!
        bench.finish(third.batch, .delivered)
        #expect(bench.state.position == EventSequence(block: 2, index: 0))
    }

    @Test func aPartialBatchGoesAtOnceWhenIdleElseItWaitsALittle() {
        var bench = Bench(limits: limits { $0.partialIntervalMilliseconds = 50 })
        bench.append(1, first: 0, ids: ["a"])
        #expect(bench.start()?.ids == ["a"])
        bench.append(2, first: 1, ids: ["b"])
        #expect(bench.start() == nil)
        #expect(bench.state.wakeAt(now: bench.now.monotonic) == bench.now.monotonic + 50)
        bench.append(3, first: 2, ids: ["c"])
        bench.advance(50)
        #expect(bench.start()?.ids == ["b", "c"])
    }

    @Test func aFullBatchDoesNotWait() {
        var bench = Bench(limits: limits { $0.batchEventsMax = 2 })
        bench.append(1, first: 0, ids: ["a", "b", "c", "d"])
        #expect(bench.start()?.ids == ["a", "b"])
        #expect(bench.start()?.ids == ["c", "d"])
    }

    @Test func lingerWaitsForMore() {
        var bench = Bench(limits: limits { $0.lingerMilliseconds = 200 })
        bench.append(1, first: 0, ids: ["a"])
        #expect(bench.start() == nil)
        bench.advance(199)
        bench.append(2, first: 1, ids: ["b"])
        #expect(bench.start() == nil)
        bench.advance(1)
        #expect(bench.start()?.ids == ["a", "b"])
    }

    @Test func noMoreRequestsThanTheConcurrency() {
        var bench = Bench(
            limits: limits {
                $0.batchEventsMax = 1; $0.concurrency = 2; $0.batchesMax = 4
            })
        bench.append(1, first: 0, ids: ["a", "b", "c"])
        let first = bench.start()!
        #expect(bench.start() != nil)
        #expect(bench.start() == nil && bench.state.wakeAt(now: bench.now.monotonic) == nil)
        bench.finish(first.batch, .delivered)
        #expect(bench.start()?.ids == ["c"])
    }

    @Test func splittingLeavesTheBadEventAlone() {
        var bench = Bench(
            limits: limits { $0.batchEventsMax = 16 }, encoder: IDEncoder(eventsPerRequestMax: 16))
        let ids = (0..<16).map { "e\($0)" }
        bench.append(1, first: 0, ids: ids)
        var delivered: [String] = []
        var requests = 0
        while let (batch, ids) = bench.start() {
            requests += 1
            if ids.contains("e5") || ids.contains("e12") {
                bench.finish(batch, .split(status: 400, reason: "bad"))
            } else {
                delivered += ids
                bench.finish(batch, .delivered)
            }
        }
        #expect(delivered.sorted() == ids.filter { $0 != "e5" && $0 != "e12" }.sorted())
        #expect(requests <= 1 + 2 * 2 * 4)
        #expect(bench.state.counts.delivered == 14 && bench.state.counts.rejected == 2)
        let exceptions = bench.state.unsavedExceptions
        #expect(exceptions.map(\.eventID) == ["e5", "e12"])
        #expect(exceptions.map(\.sequence.index) == [5, 12])
        #expect(exceptions.allSatisfy { $0.outcome == .rejected && $0.status == 400 && $0.reason == "bad" })
        #expect(exceptions.allSatisfy { $0.attempts == 5 && $0.url == "http://u.test/ids" })
    }

    @Test func whatThePlatformCannotTakeIsRejectedWithItsReason() {
        var bench = Bench(encoder: IDEncoder(roomMax: 8))
        bench.append(
            makeBlock(
                1, firstEvent: 0,
                [
                    eventLine("a", mark: "missing"), eventLine("b", mark: "unfit"),
                    eventLine("much-too-long"),
                    eventLine("p", type: "page_view"), "garbage", eventLine("c"),
                ]))
        let (batch, ids) = bench.start()!
        #expect(ids == ["c"])
        bench.finish(batch, .delivered)
        let counts = bench.state.counts
        #expect(counts.rejected == 4 && counts.filtered == 1 && counts.delivered == 1)
        #expect(
            bench.state.unsavedExceptions.map(\.reason) == [
                "missing: session_id, ad.id", "no such thing here", "the event is too large for one request",
                "the event cannot be read",
            ])
        #expect(bench.state.unsavedExceptions.allSatisfy { $0.status == 0 && $0.attempts == 0 })
    }

    @Test func aRequestWithoutRoomLeavesTheRestForTheNext() {
        var bench = Bench(encoder: IDEncoder(roomMax: 4))
        bench.append(1, first: 0, ids: ["aa", "bb", "cc", "dd", "ee"])
        var batches: [[String]] = []
        while let (_, ids) = bench.start() { batches.append(ids) }
        #expect(batches == [["aa", "bb"], ["cc", "dd"], ["ee"]])
    }

    @Test func retriesBackOffAndRetryAfterIsTheLeast() {
        var bench = Bench(limits: limits { $0.batchEventsMax = 1 })
        bench.append(1, first: 0, ids: ["a", "b"])
        let (batch, _) = bench.start()!
        bench.finish(batch, .retry(status: 429, afterSeconds: 30, reason: "slow down"))
        // The upstream asked: nobody is sent to it, neither the batch nor another.
        #expect(bench.start() == nil)
        #expect(bench.state.wakeAt(now: bench.now.monotonic)! >= bench.now.monotonic + 30_000)
        bench.advance(29_999)
        #expect(bench.start() == nil)
        bench.advance(1)
        #expect(bench.startLater()?.ids == ["a"])
        #expect(bench.start()?.ids == ["b"])
        #expect(bench.state.breakerState == .closed)
    }

    @Test func eventsExpireAfterTheirTime() {
        var bench = Bench(
            limits: limits {
                $0.batchEventsMax = 1; $0.retryForMilliseconds = 10_000
            })
        bench.append(1, first: 0, ids: ["a"])
        let start = bench.now.monotonic
        var attempts = 0
        while let (batch, _) = bench.startLater() {
            attempts += 1
            bench.finish(batch, .retry(status: 408, afterSeconds: nil, reason: "late"))
        }
        #expect(bench.state.counts.expired == 1)
        #expect(bench.now.monotonic == start + 10_000, "the last attempt is made when the time is up")
        let exception = bench.state.unsavedExceptions[0]
        #expect(exception.outcome == .expired && exception.status == 408 && exception.attempts == attempts)
        #expect(exception.lastAttemptMilliseconds - exception.firstAttemptMilliseconds == 10_000)
        #expect(exception.reason == "given up after \(attempts) attempts: late")
    }

    @Test func aDeadDestinationIsProbedByOneRequestAndReadsNothing() {
        var bench = Bench(
            limits: limits {
                $0.batchEventsMax = 1; $0.concurrency = 3; $0.batchesMax = 6
            })
        bench.append(1, first: 0, ids: (0..<20).map { "e\($0)" })
        // Wear it out.
        while bench.state.breakerState == .closed {
            let (batch, _) = bench.startLater()!
            bench.finish(batch, .unreachable(reason: "connection refused"))
        }
        var probed: Set<String> = []
        for _ in 0..<50 {
            #expect(bench.state.wantsBlocks == false)
            let (batch, ids) = bench.startLater()!
            #expect(ids.count == 1)
            probed.insert(ids[0])
            #expect(bench.start() == nil, "one probe at a time")
            bench.finish(batch, .retry(status: 503, afterSeconds: nil, reason: "down"))
        }
        #expect(probed.count > 1, "one event alone may be what the upstream fails on")
        let (probe, _) = bench.startLater()!
        bench.finish(probe, .delivered)
        #expect(bench.state.breakerState == .closed)
        // The others need not wait out their backoff.
        #expect(bench.start() != nil && bench.start() != nil && bench.start() != nil)
    }

    @Test func afterALongOutageOneProbeSpeaksForAllWhoseTimeIsUp() {
        var bench = Bench(
            limits: limits {
                $0.batchEventsMax = 1; $0.concurrency = 2; $0.batchesMax = 4; $0.retryForMilliseconds = 60_000
            })
        bench.append(1, first: 0, ids: (0..<4).map { "e\($0)" })
        var attempts = 0
        while let (batch, _) = bench.startLater() {
            attempts += 1
            bench.finish(batch, .unreachable(reason: "no route"))
            #expect(attempts < 200)
        }
        #expect(bench.state.counts.expired == 4)
        #expect(bench.state.position == EventSequence(block: 2, index: 0))
    }

    @Test func aRefusalIsNoFailure() {
        var bench = Bench(limits: limits { $0.batchEventsMax = 1 })
        bench.append(1, first: 0, ids: (0..<20).map { "e\($0)" })
        while let (batch, _) = bench.start() {
            bench.finish(batch, .rejected(status: 400, reason: "bad"))
        }
        #expect(bench.state.breakerState == .closed && bench.state.counts.rejected == 20)
    }

    @Test func aStuckEventHoldsThePositionButNotTheDestination() {
        var bench = Bench(
            limits: limits {
                $0.batchEventsMax = 4
                $0.concurrency = 2
                $0.batchesMax = 3
                $0.windowBlocksMax = 8
                $0.retryForMilliseconds = 600_000
            })
        var number: Int64 = 0
        var delivered: Set<String> = []
        var stuckRequests = 0
        var entriesMax = 0
        while bench.state.position.block == 1 {
            while bench.state.wantsBlocks {
                number += 1
                bench.append(
                    number, first: (number - 1) * 2, ids: ["a\(number)", number == 1 ? "poison" : "b\(number)"])
            }
            guard let (batch, ids) = bench.startLater() else {
                Issue.record("nothing may start any more")
                return
            }
            entriesMax = max(entriesMax, bench.state.windowEntries)
            bench.advance(100)
            if ids.contains("poison") {
                if ids.count == 1 { stuckRequests += 1 }
                bench.finish(batch, .retry(status: 500, afterSeconds: nil, reason: "boom"))
            } else {
                delivered.formUnion(ids)
                bench.finish(batch, .delivered)
            }
        }
        #expect(number > 1000, "it goes on behind the stuck event")
        #expect(entriesMax <= 16, "settled blocks become one run: \(entriesMax)")
        #expect(stuckRequests > 10 && bench.state.stuckEvents == 0)
        #expect(bench.state.unsavedExceptions.map(\.eventID) == ["poison"], "nothing else expires with it")
        #expect(bench.state.unsavedExceptions[0].outcome == .expired)
        #expect(delivered.count == Int(bench.state.counts.delivered) + Int(bench.state.ahead.delivered))
        #expect(bench.state.counts.expired == 1 && bench.state.position.block > 1000)
    }

    @Test func aBatchThatFailsAloneIsHalvedToo() {
        // No other traffic tells whether the upstream is down or chokes on an event.
        var bench = Bench(limits: limits { $0.retryForMilliseconds = 3_600_000 })
        bench.append(1, first: 0, ids: (0..<16).map { "e\($0)" })
        while bench.state.counts.total < 16 {
            guard let (batch, ids) = bench.startLater() else {
                Issue.record("nothing may start any more")
                return
            }
            bench.finish(
                batch,
                ids.contains("e5") || ids.contains("e6") ? .unreachable(reason: "reset") : .delivered)
        }
        #expect(bench.state.counts.delivered == 14 && bench.state.counts.expired == 2)
        #expect(bench.state.unsavedExceptions.map(\.eventID) == ["e5", "e6"])
    }

    @Test func anOutageDoesNotLeaveCrumbs() {
        var bench = Bench(
            limits: limits {
                $0.batchEventsMax = 10; $0.concurrency = 4
            })
        bench.append(1, first: 0, ids: (0..<40).map { "e\($0)" })
        while bench.state.breakerState == .closed {
            let (batch, _) = bench.startLater()!
            bench.finish(batch, .retry(status: 503, afterSeconds: nil, reason: "down"))
        }
        for _ in 0..<30 {
            let (batch, _) = bench.startLater()!
            bench.finish(batch, .retry(status: 503, afterSeconds: nil, reason: "down"))
        }
        var requests = 0
        while let (batch, _) = bench.startLater() {
            requests += 1
            bench.finish(batch, .delivered)
        }
        #expect(requests <= 16, "\(requests) requests for 40 events")
        #expect(bench.state.counts.delivered == 40 && bench.state.stuckEvents == 0)
    }

    @Test func stuckEventsAreBounded() {
        var bench = Bench(
            limits: limits {
                $0.batchEventsMax = 2
                $0.concurrency = 2
                $0.batchesMax = 4
                $0.stuckEventsMax = 6
                $0.retryForMilliseconds = .max / 4
            })
        var number: Int64 = 0
        var delivered = 0
        for _ in 0..<3000 {
            while bench.state.wantsBlocks {
                number += 1
                bench.append(number, first: (number - 1) * 2, ids: ["a\(number)", "poison\(number)"])
            }
            guard let (batch, ids) = bench.startLater() else { break }
            bench.advance(5)
            if ids.contains(where: { $0.hasPrefix("poison") }) {
                bench.finish(batch, .retry(status: 500, afterSeconds: nil, reason: "boom"))
            } else {
                delivered += ids.count
                bench.finish(batch, .delivered)
            }
        }
        #expect((6...12).contains(bench.state.stuckEvents))
        #expect(number < 20 && Int64(delivered) >= number - 4)
        #expect(bench.state.wantsBlocks == false)
    }

    @Test func onlyStuckEventsAreHeldOfLargeBlocks() {
        var bench = Bench(
            limits: limits {
                $0.batchEventsMax = 50
                $0.windowBytesMax = 64 << 10
                $0.retryForMilliseconds = .max / 4
            }, encoder: IDEncoder(eventsPerRequestMax: 50))
        var number: Int64 = 0
        // Each block is a third of the window.
        for _ in 0..<3000 {
            while bench.state.wantsBlocks, number < 12 {
                number += 1
                bench.append(
                    number, first: (number - 1) * 100,
                    ids: (0..<100).map { $0 == 40 ? "poison\(number)" : "\(number).\($0)" })
            }
            guard let (batch, ids) = bench.startLater() else { break }
            bench.advance(5)
            let isBad = ids.contains { $0.hasPrefix("poison") }
            bench.finish(batch, isBad ? .retry(status: 500, afterSeconds: nil, reason: "boom") : .delivered)
        }
        #expect(number == 12 && bench.state.allCounts.delivered == 12 * 99)
        #expect(bench.state.stuckEvents == 12)
        #expect(bench.state.position == EventSequence(block: 1, index: 40))
    }

    @Test func exceptionsBehindAStuckEventAreBounded() {
        var bench = Bench(
            limits: limits {
                $0.batchEventsMax = 1
                $0.aheadExceptionsMax = 20
                $0.retryForMilliseconds = .max / 4
            })
        var number: Int64 = 0
        for _ in 0..<500 {
            while bench.state.wantsBlocks {
                number += 1
                bench.append(number, first: number - 1, ids: [number == 1 ? "poison" : "e\(number)"])
            }
            guard let (batch, ids) = bench.startLater() else { break }
            bench.finish(
                batch,
                ids == ["poison"]
                    ? .retry(status: 500, afterSeconds: nil, reason: "boom")
                    : .rejected(status: 400, reason: "bad"))
        }
        #expect((20..<40).contains(number) && bench.state.unsavedExceptions.isEmpty)
    }

    @Test func unsavedExceptionsHoldEverythingUp() {
        var bench = Bench(
            limits: limits {
                $0.batchEventsMax = 1; $0.unsavedExceptionsMax = 3
            })
        bench.append(1, first: 0, ids: (0..<10).map { "e\($0)" })
        while let (batch, _) = bench.start() { bench.finish(batch, .rejected(status: 400, reason: "")) }
        #expect(bench.state.unsavedExceptions.count == 3)
        #expect(bench.state.isWaitingForSave == true && bench.state.wantsBlocks == false)
        bench.state.saved()
        #expect(bench.state.needsSave == false)
        #expect(bench.start() != nil)
    }

    @Test func lostBlocksAreExpiredAndCounted() {
        var bench = Bench()
        bench.append(1, first: 0, ids: ["a"])
        let (batch, _) = bench.start()!
        // Blocks 2 to 4 with ten events are gone.
        #expect(bench.append(makeBlock(5, firstEvent: 11, [eventLine("z")])) == .lost(events: 10))
        #expect(bench.state.position == EventSequence(block: 1, index: 0))
        bench.finish(batch, .delivered)
        #expect(bench.state.position == EventSequence(block: 5, index: 0))
        #expect(bench.state.counts.expired == 10 && bench.state.counts.total == 11)
        let exception = bench.state.unsavedExceptions[0]
        #expect(exception.sequence == EventSequence(block: 2, index: 0) && exception.outcome == .expired)
        #expect(exception.reason.contains("2 to 4"))
    }

    @Test func aPartlyPassedBlockThatIsLostCostsOnlyItsRest() {
        var counts = OutcomeCounts()
        counts.delivered = 3
        let cursor = Cursor(
            destination: "d", position: EventSequence(block: 1, index: 3), startEvent: 0, counts: counts)
        var gone = Bench(cursor: cursor)
        #expect(gone.append(makeBlock(2, firstEvent: 10, [eventLine("z")])) == .lost(events: 7))
        var damaged = Bench(cursor: cursor)
        damaged.state.appendDamaged(number: 1, eventCount: 10, reason: "checksum", now: damaged.now)
        #expect(damaged.state.counts.expired == 7)
        #expect(damaged.append(makeBlock(2, firstEvent: 10, [eventLine("z")])) == .seamless)
        #expect(damaged.state.unsavedExceptions[0].reason == "block 1 is damaged (7 events): checksum")
        #expect(damaged.state.position == EventSequence(block: 2, index: 0))
    }

    @Test func aWrongCountOfADamagedBlockIsSetRightByTheNext() {
        var bench = Bench()
        bench.state.appendDamaged(number: 1, eventCount: 12, reason: "checksum", now: bench.now)
        #expect(bench.append(makeBlock(2, firstEvent: 10, [eventLine("z")])) == .renumbered(by: -2))
        let (batch, _) = bench.start()!
        bench.finish(batch, .delivered)
        #expect(bench.state.startEvent + bench.state.counts.total == 11)
    }

    @Test func theLogsCountBehindDamageSaysHowMuchItTook() {
        var counts = OutcomeCounts()
        counts.delivered = 3
        let cursor = Cursor(
            destination: "d", position: EventSequence(block: 4, index: 3), startEvent: 30, counts: counts)
        var bench = Bench(cursor: cursor)
        // A whole segment of blocks 4 to 9 with sixty events; its own count is of no use from the middle.
        #expect(
            bench.state.appendDamaged(
                number: 9, eventCount: 99, endEvent: 90, reason: "checksum", now: bench.now) == 57)
        #expect(bench.append(makeBlock(10, firstEvent: 90, [eventLine("z")])) == .seamless)
        #expect(bench.state.counts.expired == 57 && bench.state.position == EventSequence(block: 10, index: 0))
    }

    @Test func nothingLeftUpToTheEndIsLostWithoutWaitingForMore() {
        var bench = Bench()
        bench.append(1, first: 0, ids: ["a"])
        let (batch, _) = bench.start()!
        bench.finish(batch, .delivered)
        let head = LogHead(nextBlock: 5, events: 31)
        #expect(bench.state.appendMissing(upTo: head, now: bench.now) == .lost(events: 30))
        #expect(bench.state.position == EventSequence(block: 5, index: 0))
        #expect(bench.state.counts.expired == 30 && bench.state.counts.total == 31)
        #expect(bench.state.unsavedExceptions.last?.reason.contains("2 to 4") == true)
        #expect(bench.state.appendMissing(upTo: head, now: bench.now) == .seamless)
        #expect(bench.append(makeBlock(5, firstEvent: 31, [eventLine("z")])) == .seamless)
    }

    @Test func emptyBlocksAndNumberGapsWithoutEventsAreSeamless() {
        var bench = Bench()
        #expect(bench.append(makeBlock(1, firstEvent: 0, [])) == .seamless)
        #expect(bench.append(makeBlock(4, firstEvent: 0, [eventLine("a")])) == .seamless)
        #expect(bench.state.position == EventSequence(block: 4, index: 0))
        #expect(bench.start()?.ids == ["a"])
    }

    @Test func longReasonsAreCut() {
        var bench = Bench(limits: limits { $0.reasonBytesMax = 10 })
        bench.append(1, first: 0, ids: ["a"])
        let (batch, _) = bench.start()!
        bench.finish(batch, .rejected(status: 400, reason: String(repeating: "x", count: 100)))
        #expect(bench.state.unsavedExceptions[0].reason.utf8.count == 10)
    }

    /// Random blocks, answers, pauses and restarts against what must come out.
    @Test(arguments: 0..<60)
    func everyEventEndsInExactlyOneOutcome(_ seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let batch = Int.random(in: 1...12, using: &random)
        let limits = limits {
            $0.batchEventsMax = batch
            $0.concurrency = Int.random(in: 1...4, using: &random)
            $0.batchesMax = $0.concurrency + Int.random(in: 0...6, using: &random)
            $0.windowBlocksMax = Int.random(in: 1...6, using: &random)
            $0.retryForMilliseconds = .max / 4
            $0.unsavedExceptionsMax = Int.random(in: 1...20, using: &random)
        }
        // The log, and what must become of each event.
        var blocks: [EventBlock] = []
        var expected = OutcomeCounts()
        var fates: [String: Outcome] = [:]
        var events: Int64 = 0
        for number in 1...Int64.random(in: 1...25, using: &random) {
            let lines = (0..<Int.random(in: 0...20, using: &random)).map { index in
                let id = "\(number).\(index)"
                switch Int.random(in: 0..<12, using: &random) {
                case 0:
                    fates[id] = .filtered
                    return eventLine(id, network: "gowit")
                case 1:
                    fates[id] = .rejected
                    return eventLine(id, mark: "missing")
                case 2:
                    fates[id] = .rejected
                    return eventLine(id, mark: "poison")
                default:
                    fates[id] = .delivered
                    return eventLine(id)
                }
            }
            blocks.append(makeBlock(number, firstEvent: events, lines))
            events += Int64(lines.count)
        }
        for fate in fates.values { expected[fate] += 1 }

        func isPoison(_ id: String) -> Bool {
            let parts = id.split(separator: ".")
            return blocks[Int(parts[0])! - 1].withEvent(Int(parts[1])!) { $0.string.contains("poison") }
        }

        var saved = Bench.origin
        var exceptions: [EventSequence: ExceptionalOutcome] = [:]
        var delivered: Set<String> = []
        var deliveredThisLife: Set<String> = []
        let encoder = IDEncoder(eventsPerRequestMax: batch, roomMax: Int.random(in: 6...60, using: &random))
        var bench = Bench(limits: limits, cursor: saved, encoder: encoder, seed: seed)
        var position = bench.state.position
        var steps = 0
        while bench.state.position.block <= Int64(blocks.count) || bench.state.needsSave {
            steps += 1
            guard steps < 200_000 else {
                Issue.record("no end in sight at \(bench.state.position)")
                return
            }
            #expect(bench.state.position >= position, "the position never moves back")
            position = bench.state.position
            #expect(bench.state.inFlight == bench.sent.count && bench.state.inFlight <= limits.concurrency)
            let before = blocks[..<Int(position.block - 1)].reduce(0) { $0 + Int64($1.eventCount) }
            #expect(bench.state.counts.total == before + Int64(position.index))
            switch Int.random(in: 0..<20, using: &random) {
            case 0..<6:
                if bench.state.wantsBlocks, bench.state.nextBlock <= Int64(blocks.count) {
                    bench.append(blocks[Int(bench.state.nextBlock) - 1])
                }
            case 6..<11:
                _ = bench.start()
            case 11..<17:
                guard
                    let (batch, ids) = bench.sent.sorted(by: { $0.value[0] < $1.value[0] })
                        .randomElement(using: &random)
                else { continue }
                switch Int.random(in: 0..<10, using: &random) {
                case 0: bench.finish(batch, .unreachable(reason: "reset"))
                case 1: bench.finish(batch, .retry(status: 503, afterSeconds: nil, reason: "down"))
                case 2: bench.finish(batch, .retry(status: 429, afterSeconds: 2, reason: "slow"))
                default:
                    if ids.contains(where: isPoison) {
                        bench.finish(batch, .split(status: 422, reason: "poison"))
                    } else {
                        #expect(deliveredThisLife.isDisjoint(with: ids), "sent again after it was delivered")
                        deliveredThisLife.formUnion(ids)
                        delivered.formUnion(ids)
                        bench.finish(batch, .delivered)
                    }
                }
            case 17:
                bench.advance(Int64.random(in: 0...5000, using: &random))
            case 18:
                guard bench.state.needsSave else { continue }
                saved = bench.state.cursor
                for exception in bench.state.unsavedExceptions {
                    #expect(exceptions[exception.sequence] == nil, "a second outcome for one event")
                    #expect(exception.sequence < saved.position)
                    exceptions[exception.sequence] = exception
                }
                bench.state.saved()
            default:
                guard Int.random(in: 0..<10, using: &random) == 0 else { continue }
                bench = Bench(limits: limits, cursor: saved, encoder: encoder, seed: seed &+ UInt64(steps))
                position = saved.position
                deliveredThisLife = []
            }
        }
        #expect(bench.state.counts == expected, "seed \(seed)")
        #expect(bench.state.allCounts == expected)
        #expect(delivered == Set(fates.filter { $0.value == .delivered }.keys))
        #expect(Set(exceptions.values.map(\.eventID)) == Set(fates.filter { $0.value == .rejected }.keys))
        #expect(bench.state.inFlight == 0 && bench.state.readyCount == 0 && bench.state.claimedCount == 0)
    }

    /// One event holds the position; what is behind it is told by hour, or by number where it was lost.
    @Test func saysWhatIsSettledAheadByHour() {
        var limits = DestinationLimits()
        limits.batchEventsMax = 1
        limits.concurrency = 4
        var bench = Bench(limits: limits)
        bench.append(1, first: 0, ids: ["a", "b", "c"])
        let first = bench.start()!
        let second = bench.start()!
        bench.finish(second.batch, .delivered)
        bench.state.appendDamaged(number: 2, eventCount: 5, reason: "crc", now: bench.now)
        let hour = bench.state.settledAhead.hours[0].hour
        #expect(bench.state.settledAhead[hour].delivered == 1 && bench.state.settledAhead[hour].total == 1)
        #expect(bench.state.settledAhead.lost == [3..<8])
        let third = bench.start()!
        bench.finish(third.batch, .delivered)
        #expect(bench.state.settledAhead[hour].total == 2 && bench.state.ahead.total == 7)
        bench.finish(first.batch, .delivered)
        #expect(bench.state.settledAhead == SettledAhead() && bench.state.counts.total == 8)
    }
}
