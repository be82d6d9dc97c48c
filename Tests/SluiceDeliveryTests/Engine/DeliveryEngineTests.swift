import SluiceCore
import SluiceDelivery
import SluiceIO
import Synchronization
import Testing

private func lines(_ range: Range<Int>) -> [String] { range.map { eventLine("e\($0)") } }
private func ids(_ range: Range<Int>) -> Set<String> { Set(range.map { "e\($0)" }) }

@Suite struct DeliveryEngineTests {
    @Test func everyEventArrivesOverFewConnections() throws {
        let upstream = TestUpstream { _ in .answer(200) }
        defer { upstream.close() }
        let log = MemoryLog()
        let state = MemoryState()
        let bench = try EngineBench([(destination(upstream.url), IDEncoder())], log: log, state: state)
        defer { bench.stop() }
        for block in 0..<50 { bench.append(log, lines(block * 10..<block * 10 + 10)) }
        #expect(eventually { bench.status().counts.delivered == 500 })
        bench.stop()
        #expect(upstream.requests.flatMap(\.ids).count == 500, "once each when nothing fails")
        #expect(Set(upstream.requests.flatMap(\.ids)) == ids(0..<500))
        #expect(upstream.connections <= 4)
        let status = bench.status()
        #expect(status.pending == 0 && status.inFlight == 0 && status.retries == 0 && status.lastError == nil)
        #expect(status.attempts == upstream.requests.count && status.durations.count == status.attempts)
        #expect(status.connectionsReused == status.attempts - Int64(upstream.connections))
        #expect(status.bytesSent > 500)
        let cursor = try #require(state.saved("d"))
        #expect(cursor.position == EventSequence(block: 51, index: 0) && cursor.counts.delivered == 500)
    }

    @Test func requestsCarryWhatTheyShould() throws {
        let upstream = TestUpstream { _ in .answer(204) }
        defer { upstream.close() }
        let log = MemoryLog()
        log.append(lines(0..<3))
        let configuration = destination(upstream.url + "/base/") {
            $0.platform = .topsort
            $0.token = "secret"
            $0.headers = [
                DestinationHeader(name: "X-Fixed", value: "f"), DestinationHeader(name: "X-Empty", value: ""),
            ]
        }
        let bench = try EngineBench(
            [(configuration, IDEncoder(headers: ["X-Signature: t=1"]))], log: log, state: MemoryState())
        defer { bench.stop() }
        #expect(eventually { bench.status().counts.delivered == 3 })
        let request = upstream.requests[0]
        #expect(request.method == "POST" && request.target == "/base/ids" && request.body == "e0\ne1\ne2")
        #expect(request.header("authorization") == "Bearer secret")
        #expect(request.header("x-fixed") == "f" && request.header("x-empty") == "")
        #expect(request.header("x-signature") == "t=1")
        #expect(request.header("content-type") == "text/plain")
        #expect(request.header("user-agent") == "Sluice/test")
        #expect(request.header("expect") == nil)
        #expect(request.headers.filter { $0.name == "content-length" }.count == 1)
    }

    /// Every request takes a connection of its own, whose number was another's just before.
    @Test func anUpstreamThatClosesEachConnectionGetsEverything() throws {
        let upstream = TestUpstream { _ in
            .raw("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        }
        defer { upstream.close() }
        let log = MemoryLog()
        log.append(lines(0..<200))
        let bench = try EngineBench(
            [(destination(upstream.url) { $0.batch = 1 }, IDEncoder())], log: log, state: MemoryState())
        defer { bench.stop() }
        #expect(eventually { bench.status().counts.delivered == 200 })
        #expect(upstream.connections == 200 && bench.status().connectionsReused == 0)
    }

    /// Around the sizes from which on one's headers or libcurl's own change.
    @Test func noRequestAsksBeforeItSendsItsBody() throws {
        let upstream = TestUpstream { _ in .answer(204) }
        defer { upstream.close() }
        let log = MemoryLog()
        let sizes = [10, 262_144, 262_145, 20, 1_048_575, 1_048_576, 1_048_577, 1_500_000, 30]
        log.append(sizes.map { eventLine(String(repeating: "e", count: $0)) })
        let configuration = destination(upstream.url) {
            $0.batch = 1; $0.concurrency = 1
        }
        let bench = try EngineBench([(configuration, IDEncoder())], log: log, state: MemoryState())
        defer { bench.stop() }
        #expect(eventually { bench.status().counts.delivered == Int64(sizes.count) })
        #expect(upstream.requests.map { $0.body.utf8.count } == sizes)
        #expect(upstream.requests.allSatisfy { $0.header("expect") == nil })
    }

    @Test(arguments: ["user-agent", "User-Agent", "X-Agent"])
    func aUserAgentOfTheDestinationsOwn(_ name: String) throws {
        let upstream = TestUpstream { _ in .answer(204) }
        defer { upstream.close() }
        let log = MemoryLog()
        log.append(lines(0..<3))
        let configuration = destination(upstream.url) {
            $0.headers = [DestinationHeader(name: name, value: "mine")]
        }
        let bench = try EngineBench([(configuration, IDEncoder())], log: log, state: MemoryState())
        defer { bench.stop() }
        #expect(eventually { bench.status().counts.delivered == 3 })
        let agents = upstream.requests[0].headers.filter { $0.name == "user-agent" }.map(\.value)
        #expect(agents == [name == "X-Agent" ? "Sluice/test" : "mine"])
    }

    @Test func headersThatWouldBreakOutAreNotSent() throws {
        let upstream = TestUpstream { _ in .answer(200) }
        defer { upstream.close() }
        let log = MemoryLog()
        log.append(lines(0..<2))
        let bench = try EngineBench(
            [(destination(upstream.url), IDEncoder(headers: ["X-A: b\r\nX-Evil: c"]))], log: log,
            state: MemoryState())
        defer { bench.stop() }
        #expect(eventually { bench.status().counts.rejected == 2 })
        #expect(upstream.requests.isEmpty)
    }

    enum Fault: String, CaseIterable {
        case unavailable, rateLimited, reset, closedWithoutAnswer, truncated, garbage, hang, redirect

        func reply() -> TestUpstream.Reply {
            switch self {
            case .unavailable: .answer(503, body: "down")
            case .rateLimited: .answer(429, headers: ["Retry-After: 0"], body: "slow down")
            case .reset: .reset
            case .closedWithoutAnswer: .raw("")
            case .truncated: .raw("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
            case .garbage: .raw("SSH-2.0-nonsense\r\n\r\n")
            case .hang: .hang
            case .redirect: .answer(302, headers: ["Location: /elsewhere"])
            }
        }
    }

    @Test(arguments: Fault.allCases)
    func eachFaultIsSurvived(_ fault: Fault) throws {
        let left = Atomic<Int>(12)
        let upstream = TestUpstream { _ in
            left.subtract(1, ordering: .relaxed).newValue >= 0 ? fault.reply() : .answer(200)
        }
        defer { upstream.close() }
        let log = MemoryLog()
        for block in 0..<20 { log.append(lines(block * 10..<block * 10 + 10)) }
        let state = MemoryState()
        let configuration = destination(upstream.url) {
            $0.timeoutMilliseconds = fault == .hang ? 50 : 10_000
        }
        let bench = try EngineBench([(configuration, IDEncoder())], log: log, state: state)
        defer { bench.stop() }
        #expect(eventually { bench.status().pending == 0 })
        bench.stop()
        let status = bench.status()
        if fault == .redirect {
            // Not followed: a refusal as any other.
            #expect(status.counts.rejected == 120 && status.counts.delivered == 80)
            #expect(!upstream.requests.contains { $0.target == "/elsewhere" })
        } else {
            #expect(status.counts.delivered == 200 && status.counts.total == 200)
            #expect(status.retries >= 12 && status.lastError != nil && status.lastErrorMilliseconds != nil)
        }
        #expect(Set(upstream.requests.flatMap(\.ids)) == ids(0..<200))
        #expect(state.saved("d")?.counts == status.counts)
    }

    @Test func theUpstreamsRetryAfterIsHonoured() throws {
        let upstream = TestUpstream { request in
            request.number == 0
                ? .answer(429, headers: ["Retry-After: 3600"], body: "slow down") : .answer(200)
        }
        defer { upstream.close() }
        let log = MemoryLog()
        log.append(lines(0..<30))
        let bench = try EngineBench(
            [(destination(upstream.url) { $0.concurrency = 1 }, IDEncoder())], log: log, state: MemoryState())
        defer { bench.stop() }
        #expect(eventually { bench.status().waiting == 1 })
        #expect(bench.status().lastError == "429: slow down")
        bench.append(log, lines(30..<60))
        bench.stop()
        #expect(upstream.requests.count == 1)
        #expect(bench.status().pending == 60)
    }

    @Test func slowAndLongAnswersAreRead() throws {
        let long = String(repeating: "x", count: 300_000)
        let upstream = TestUpstream { request in
            switch request.number {
            case 0: .pieces(["HTTP/1.1 2", "00 OK\r\nContent-", "Length: 5\r\n\r\n", "he", "llo"])
            case 1:
                .pieces([
                    "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 400 Bad\r\nTransfer-Encoding: chunked\r\n\r\n",
                    "3\r\nwhy\r\n", "0\r\n\r\n",
                ])
            case 2: .answer(400, headers: (0..<200).map { "X-\($0): y" }, body: long)
            default: .answer(200, body: long)
            }
        }
        defer { upstream.close() }
        let log = MemoryLog()
        let state = MemoryState()
        log.append(lines(0..<4))
        let configuration = destination(upstream.url) {
            $0.batch = 1; $0.concurrency = 1
        }
        let bench = try EngineBench([(configuration, IDEncoder())], log: log, state: state)
        defer { bench.stop() }
        #expect(eventually { bench.status().pending == 0 })
        bench.stop()
        #expect(bench.status().counts.delivered == 2 && bench.status().counts.rejected == 2)
        let reasons = state.exceptions.map(\.reason)
        #expect(reasons.contains("why") && reasons.contains { $0.count == 512 }, "\(reasons.map { $0.prefix(80) })")
        #expect(
            upstream.requests[3].connection == upstream.requests[2].connection, "read to its end, so reusable"
        )
    }

    @Test func aBadEventIsFoundBySplitting() throws {
        let upstream = TestUpstream { request in
            request.ids.contains("e7") ? .answer(422, body: "e7 is bad") : .answer(200)
        }
        defer { upstream.close() }
        let log = MemoryLog()
        let state = MemoryState()
        log.append(lines(0..<10))
        let bench = try EngineBench([(destination(upstream.url), IDEncoder())], log: log, state: state)
        defer { bench.stop() }
        #expect(eventually { bench.status().pending == 0 })
        bench.stop()
        #expect(bench.status().counts.delivered == 9 && bench.status().counts.rejected == 1)
        let exception = try #require(state.exceptions.first)
        #expect(state.exceptions.count == 1 && exception.eventID == "e7" && exception.status == 422)
        #expect(exception.reason == "e7 is bad" && exception.url == upstream.url + "/ids")
        #expect(exception.sequence == EventSequence(block: 1, index: 7))
    }

    @Test func aDeadDestinationHoldsUpNobodyAndReadsNoFurther() throws {
        let alive = TestUpstream { _ in .answer(200) }
        defer { alive.close() }
        let log = MemoryLog()
        let state = MemoryState()
        let dead = destination("http://127.0.0.1:\(TestUpstream.freePort())", name: "dead")
        let bench = try EngineBench(
            [(dead, IDEncoder()), (destination(alive.url, name: "alive"), IDEncoder())], log: log,
            state: state)
        defer { bench.stop() }
        for block in 0..<300 { bench.append(log, lines(block * 10..<block * 10 + 10)) }
        #expect(eventually { bench.status(1).counts.delivered == 3000 && bench.status(0).breaker != .closed })
        let status = bench.status(0)
        #expect(status.pending == 3000 && status.inFlight <= 1 && status.counts.total == 0)
        #expect(status.lastError?.isEmpty == false)
        bench.stop()
        #expect(log.reads < 600, "the dead one read \(log.reads - 300) blocks")
        #expect(state.saved("dead")?.position == EventSequence(block: 1, index: 0))
    }

    @Test func oneProbeAtATimeAndRecovery() throws {
        let isDown = Atomic<Bool>(true)
        let concurrent = Atomic<Int>(0)
        let upstream = TestUpstream { _ in
            concurrent.add(1, ordering: .relaxed)
            return isDown.load(ordering: .relaxed) ? .answer(503) : .answer(200)
        }
        defer { upstream.close() }
        let log = MemoryLog()
        log.append(lines(0..<500))
        let bench = try EngineBench(
            [(destination(upstream.url), IDEncoder())], log: log, state: MemoryState())
        defer { bench.stop() }
        #expect(eventually { bench.status().breaker != .closed && upstream.requests.count > 20 })
        #expect(bench.status().inFlight <= 1)
        isDown.store(false, ordering: .relaxed)
        #expect(eventually { bench.status().counts.delivered == 500 })
        #expect(bench.status().breaker == .closed)
    }

    @Test func eventsAreGivenUpAfterTheirTime() throws {
        let upstream = TestUpstream { _ in .answer(503, body: "never") }
        defer { upstream.close() }
        let log = MemoryLog()
        let state = MemoryState()
        let troubles = TroubleList()
        log.append(lines(0..<25))
        let bench = try EngineBench(
            [(destination(upstream.url) { $0.retryForSeconds = 0 }, IDEncoder())], log: log, state: state,
            troubles: troubles)
        defer { bench.stop() }
        #expect(eventually { bench.status().counts.expired == 25 })
        bench.stop()
        #expect(state.exceptions.count == 25)
        #expect(
            state.exceptions.allSatisfy { $0.outcome == .expired && $0.status == 503 && $0.attempts == 1 })
        #expect(troubles.has(DeliveryTrouble.eventsExpired))
    }
}

@Suite struct DeliveryEngineRestartTests {
    /// Engines that are cut off in the middle, one after another, until all is delivered.
    @Test func restartsInTheMiddleLoseNothingAndKeepTheBooks() throws {
        let upstream = TestUpstream { request in
            switch request.number % 7 {
            case 3: .answer(503)
            case 5: .reset
            default: request.ids.contains { $0.hasSuffix("9") } ? .answer(422, body: "nine") : .answer(200)
            }
        }
        defer { upstream.close() }
        let log = MemoryLog()
        let state = MemoryState()
        var appended = 0
        var lives = 0
        while lives < 12 || (state.saved("d")?.counts.total ?? 0) < 240 {
            lives += 1
            try #require(lives < 1000)
            let bench = try EngineBench([(destination(upstream.url), IDEncoder())], log: log, state: state)
            if appended < 240 {
                bench.append(log, lines(appended..<appended + 20))
                appended += 20
            }
            let before = upstream.requests.count
            // Each life is a little longer: a batch that must be split takes several requests, and a
            // restart begins it anew.
            #expect(
                eventually { upstream.requests.count > before + 5 + lives || bench.status().pending == 0 })
            // Without patience: what is on its way is abandoned.
            bench.stop(deadlineMilliseconds: 0)
        }
        let cursor = try #require(state.saved("d"))
        #expect(cursor.counts.rejected == 24 && cursor.counts.delivered == 216)
        #expect(
            Set(state.exceptions.map(\.eventID)) == Set(stride(from: 9, to: 240, by: 10).map { "e\($0)" }))
        #expect(Set(upstream.requests.flatMap(\.ids)) == ids(0..<240))
    }

    @Test func stoppingLetsWhatIsOnItsWayFinish() throws {
        let isAsked = Atomic<Bool>(false)
        let mayAnswer = Atomic<Bool>(false)
        let upstream = TestUpstream { _ in
            isAsked.store(true, ordering: .releasing)
            while !mayAnswer.load(ordering: .acquiring) {}
            return .answer(200)
        }
        defer { upstream.close() }
        let log = MemoryLog()
        let state = MemoryState()
        log.append(lines(0..<30))
        let bench = try EngineBench(
            [(destination(upstream.url) { $0.concurrency = 1 }, IDEncoder())], log: log, state: state)
        #expect(eventually { isAsked.load(ordering: .acquiring) })
        bench.engine.requestStop(deadlineMilliseconds: 60_000)
        mayAnswer.store(true, ordering: .releasing)
        bench.stop(deadlineMilliseconds: 60_000)
        #expect(upstream.requests.count == 1 && state.saved("d")?.counts.delivered == 10)
    }

    @Test func latestBeginsWithWhatComesAfterTheFirstSight() throws {
        let upstream = TestUpstream { _ in .answer(200) }
        defer { upstream.close() }
        let log = MemoryLog()
        let state = MemoryState()
        log.append(lines(0..<5))
        let configuration = destination(upstream.url) { $0.start = .latest }
        let troubles = TroubleList()
        let bench = try EngineBench(
            [(configuration, IDEncoder())], log: log, state: state, troubles: troubles)
        #expect(state.saved("d")?.startEvent == 5, "saved before anything is sent")
        #expect(troubles.has(DeliveryTrouble.cursorNew), "what is passed over is said")
        bench.stop()
        // What comes while nobody runs is due all the same.
        log.append(lines(5..<8))
        let again = try EngineBench([(configuration, IDEncoder())], log: log, state: state)
        #expect(eventually { again.status().counts.delivered == 3 })
        again.stop()
        #expect(Set(upstream.requests.flatMap(\.ids)) == ids(5..<8))
        #expect(again.status().pending == 0)
    }

    @Test func aLostStateFileMeansFromTheBeginning() throws {
        let upstream = TestUpstream { _ in .answer(200) }
        defer { upstream.close() }
        let log = MemoryLog()
        log.append(lines(0..<5))
        let troubles = TroubleList()
        var options = DeliveryOptions()
        options.stateWasLost = true
        let engine = try DeliveryEngine(
            destinations: [(destination(upstream.url) { $0.start = .latest }, IDEncoder())], blocks: log,
            state: MemoryState(), options: options, onTrouble: { troubles.add("\($0)", $1, $2) })
        #expect(engine.statuses()[0].startEvent == 0 && engine.statuses()[0].pending == 5)
        #expect(troubles.has(DeliveryTrouble.stateLost))
    }

    @Test func nothingIsSentBeforeTheFirstCursorIsSaved() throws {
        let upstream = TestUpstream { _ in .answer(200) }
        defer { upstream.close() }
        let log = MemoryLog()
        let state = MemoryState()
        let troubles = TroubleList()
        log.append(lines(0..<5))
        state.setFailing(true)
        let bench = try EngineBench(
            [(destination(upstream.url), IDEncoder())], log: log, state: state, troubles: troubles)
        defer { bench.stop() }
        #expect(eventually { bench.engine.saveFailures > 3 })
        #expect(upstream.requests.isEmpty && !bench.status().isOpen)
        #expect(troubles.has(DeliveryTrouble.stateUnavailable))
        state.setFailing(false)
        #expect(eventually { bench.status().counts.delivered == 5 })
    }

    @Test func deliveryGoesOnWhileCursorsCannotBeSaved() throws {
        let upstream = TestUpstream { _ in .answer(200) }
        defer { upstream.close() }
        let log = MemoryLog()
        let state = MemoryState()
        let bench = try EngineBench([(destination(upstream.url), IDEncoder())], log: log, state: state)
        defer { bench.stop() }
        state.setFailing(true)
        bench.append(log, lines(0..<50))
        #expect(eventually { bench.status().counts.delivered == 50 && bench.engine.saveFailures > 2 })
        #expect(state.saved("d")?.counts.delivered == 0)
        state.setFailing(false)
        #expect(eventually { state.saved("d")?.counts.delivered == 50 })
    }

    @Test func aCursorBehindTheEndOfTheLogBeginsAnewThere() throws {
        let upstream = TestUpstream { _ in .answer(200) }
        defer { upstream.close() }
        let log = MemoryLog()
        let state = MemoryState()
        let troubles = TroubleList()
        log.append(lines(0..<5))
        var counts = OutcomeCounts()
        counts.delivered = 900
        try state.save(
            DeliveryChange(
                cursors: [
                    Cursor(
                        destination: "d", position: EventSequence(block: 90, index: 0), startEvent: 0,
                        counts: counts)
                ]))
        let bench = try EngineBench(
            [(destination(upstream.url), IDEncoder())], log: log, state: state, troubles: troubles)
        defer { bench.stop() }
        #expect(troubles.has(DeliveryTrouble.cursorBeyondHead))
        #expect(state.saved("d")?.position == EventSequence(block: 2, index: 0))
        bench.append(log, lines(5..<8))
        #expect(eventually { bench.status().counts.delivered == 3 })
        #expect(bench.status().pending == 0 && bench.status().startEvent == 5)
    }
}

@Suite struct DeliveryEngineLogTests {
    @Test func damagedAndMissingBlocksAreExpiredAndTheRestArrives() throws {
        let upstream = TestUpstream { _ in .answer(200) }
        defer { upstream.close() }
        let log = MemoryLog()
        let state = MemoryState()
        let troubles = TroubleList()
        for block in 0..<10 { log.append(lines(block * 10..<block * 10 + 10)) }
        log.damage(3, eventCount: 10)
        log.drop(6...7)
        let bench = try EngineBench(
            [(destination(upstream.url), IDEncoder())], log: log, state: state, troubles: troubles)
        defer { bench.stop() }
        #expect(eventually { bench.status().pending == 0 })
        bench.stop()
        #expect(bench.status().counts.delivered == 70 && bench.status().counts.expired == 30)
        #expect(troubles.has(DeliveryTrouble.blockDamaged) && troubles.has(DeliveryTrouble.eventsLost))
        #expect(state.exceptions.map(\.sequence.block) == [3, 6])
        #expect(state.exceptions[0].reason.contains("block 3"))
    }

    /// Retention took everything a dead destination had not settled: it is told at once, and after a restart
    /// the books are what they were.
    @Test func whatRetentionTookIsExpiredAlsoAtTheEndOfTheLog() throws {
        let upstream = TestUpstream { _ in .answer(503) }
        defer { upstream.close() }
        let log = MemoryLog()
        let state = MemoryState()
        let troubles = TroubleList()
        log.append(lines(0..<10))
        let first = try EngineBench(
            [(destination(upstream.url), IDEncoder())], log: log, state: state, troubles: troubles)
        #expect(eventually { first.status().attempts > 0 })
        for block in 1..<5 { first.append(log, lines(block * 10..<block * 10 + 10)) }
        first.stop(deadlineMilliseconds: 0)
        log.drop(1...5)
        let second = try EngineBench(
            [(destination(upstream.url), IDEncoder())], log: log, state: state, troubles: troubles)
        #expect(eventually { second.status().counts.expired == 50 })
        #expect(second.status().pending == 0 && second.status().counts.total == 50)
        second.stop()
        #expect(troubles.has(DeliveryTrouble.eventsLost))
        #expect(state.saved("d")?.position == EventSequence(block: 6, index: 0))
        #expect(state.saved("d")?.counts.expired == 50)
    }

    /// What was given up before it was read is expired at once, and no second time when the destination reads on.
    @Test func whatIsGivenUpCountsOnceAndAtOnce() throws {
        let log = MemoryLog()
        for _ in 0..<10 { log.append(lines(0..<5)) }
        log.giveUp(1...8, events: 40)
        let state = MemoryState()
        var cursor = Cursor(
            destination: "d", position: EventSequence(block: 2, index: 0), startEvent: 0, counts: OutcomeCounts())
        cursor.counts.delivered = 5
        try state.save(DeliveryChange(cursors: [cursor]))
        let upstream = TestUpstream { _ in .answer(200) }
        defer { upstream.close() }
        let configuration = destination(upstream.url)
        let idle = try DeliveryEngine(
            destinations: [(configuration, IDEncoder())], blocks: log, state: state, onTrouble: { _, _, _ in })
        let before = idle.statuses()[0]
        #expect(before.counts.expired == 35 && before.pending == 10 && before.ahead == 35)
        #expect(before.countsAtStart.expired == 35, "it was expired before this start")
        let bench = try EngineBench([(configuration, IDEncoder())], log: log, state: state)
        #expect(eventually { bench.status().counts.delivered == 15 })
        bench.stop()
        let after = bench.status()
        #expect(after.counts.expired == 35 && after.pending == 0 && after.ahead == 0)
        #expect(after.countsAtStart.expired == 35)
        #expect(state.saved("d")?.counts.expired == 35)
    }

    @Test func saysWhereCursorsWereSaved() throws {
        let upstream = TestUpstream { _ in .answer(200) }
        defer { upstream.close() }
        let log = MemoryLog()
        let state = MemoryState()
        let places = Mutex<[Int64]>([])
        var options = DeliveryOptions()
        options.saveIntervalMilliseconds = 5
        options.onPositionSaved = { name, block in
            #expect(name == "d")
            #expect(state.saved("d")?.position.block == block, "never before it is on disk")
            places.withLock { $0.append(block) }
        }
        let engine = try DeliveryEngine(
            destinations: [(destination(upstream.url), IDEncoder())], blocks: log, state: state, options: options
        ) { _, _, _ in }
        #expect(places.withLock { $0 } == [1], "a cursor that was opened needs what is behind it")
        let thread = startThread(name: "delivery") { engine.run() }
        for block in 0..<5 {
            log.append(lines(block * 10..<block * 10 + 10))
            engine.waker.wake()
        }
        #expect(eventually { places.withLock { $0.last } == 6 })
        engine.requestStop(deadlineMilliseconds: 1000)
        thread.join()
        #expect(places.withLock { $0 == $0.sorted() })
    }

    @Test(arguments: [0, 2, 4])
    func earliestBeginsWithWhatIsLeft(_ damaged: Int64) throws {
        let upstream = TestUpstream { _ in .answer(200) }
        defer { upstream.close() }
        let log = MemoryLog()
        for block in 0..<4 { log.append(lines(block * 10..<block * 10 + 10)) }
        log.drop(1...1)
        if damaged > 0 { for number in 2...damaged { log.damage(number, eventCount: 10) } }
        let bench = try EngineBench(
            [(destination(upstream.url), IDEncoder())], log: log, state: MemoryState())
        defer { bench.stop() }
        #expect(eventually { bench.status().isOpen && bench.status().pending == 0 })
        #expect(bench.status().startEvent == 10 && bench.status().counts.total == 30)
        #expect(bench.status().counts.expired == max(0, damaged - 1) * 10)
    }

    @Test func aLogThatCannotBeReadIsTriedAgain() throws {
        let upstream = TestUpstream { _ in .answer(200) }
        defer { upstream.close() }
        let log = MemoryLog()
        let troubles = TroubleList()
        let bench = try EngineBench(
            [(destination(upstream.url), IDEncoder())], log: log, state: MemoryState(), troubles: troubles)
        defer { bench.stop() }
        log.setUnavailable(true)
        bench.append(log, lines(0..<5))
        #expect(eventually { troubles.has(DeliveryTrouble.logUnavailable) })
        log.setUnavailable(false)
        #expect(eventually { bench.status().counts.delivered == 5 })
    }

    @Test func filteredEventsMoveTheCursorWithoutARequest() throws {
        let upstream = TestUpstream { _ in .answer(200) }
        defer { upstream.close() }
        let log = MemoryLog()
        let configuration = destination(upstream.url) { $0.rules.sources = ["nobody"] }
        let bench = try EngineBench([(configuration, IDEncoder())], log: log, state: MemoryState())
        defer { bench.stop() }
        for block in 0..<100 { bench.append(log, lines(block * 10..<block * 10 + 10)) }
        #expect(eventually { bench.status().counts.filtered == 1000 })
        #expect(bench.status().pending == 0 && upstream.requests.isEmpty)
    }
}
