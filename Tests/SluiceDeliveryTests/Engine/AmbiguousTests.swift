import SluiceCore
import SluiceDelivery
import SluiceIO
import Synchronization
import Testing

/// Requests that were sent and not answered, at destinations that must not get an event twice.
@Suite struct AmbiguousTests {
    enum Silence: String, CaseIterable {
        case hang, reset, closedWithoutAnswer, truncated, garbage

        var reply: TestUpstream.Reply {
            switch self {
            case .hang: .hang
            case .reset: .reset
            case .closedWithoutAnswer: .raw("")
            case .truncated: .raw("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
            case .garbage: .raw("SSH-2.0-nonsense\r\n\r\n")
            }
        }
    }

    private func parking(_ upstream: TestUpstream, _ change: (inout DestinationConfiguration) -> Void = { _ in })
        -> DestinationConfiguration
    {
        destination(upstream.url) {
            $0.parksAmbiguous = true
            $0.concurrency = 1
            change(&$0)
        }
    }

    @Test(arguments: Silence.allCases)
    func whatWasSentAndNotAnsweredIsParkedAndNotSentAgain(_ silence: Silence) throws {
        // The first request is answered, so that a kept connection would tempt to send the second twice.
        let upstream = TestUpstream { request in request.number == 1 ? silence.reply : .answer(200) }
        defer { upstream.close() }
        let log = MemoryLog()
        for block in 0..<4 { log.append((block * 10..<block * 10 + 10).map { eventLine("e\($0)") }) }
        let state = MemoryState()
        let bench = try EngineBench(
            [(parking(upstream) { $0.timeoutMilliseconds = silence == .hang ? 100 : 10_000 }, IDEncoder())],
            log: log, state: state)
        defer { bench.stop() }
        #expect(eventually { bench.status().pending == 0 })
        bench.stop()
        #expect(bench.status().counts.parked == 10 && bench.status().counts.delivered == 30)
        let ids = upstream.requests.flatMap(\.ids)
        #expect(ids.count == 40 && Set(ids).count == 40, "each event left once")
        let parked = state.exceptions
        #expect(parked.count == 10 && Set(parked.map(\.eventID)) == Set((10..<20).map { "e\($0)" }))
        #expect(parked.allSatisfy { $0.outcome == .parked && $0.status == 0 && $0.attempts == 1 })
        #expect(parked.allSatisfy { $0.reason.hasPrefix("sent, but not answered: ") })
        #expect(parked.allSatisfy { $0.url == upstream.url + "/ids" })
    }

    @Test func whatNeverLeftIsTriedAgain() throws {
        // Nobody listens until the third attempt; the name of the host is good.
        let port = TestUpstream.freePort()
        let log = MemoryLog()
        log.append([eventLine("a")])
        let troubles = TroubleList()
        let configuration = destination("http://127.0.0.1:\(port)") { $0.parksAmbiguous = true }
        let unknown = destination("http://no-such-host.invalid", name: "unknown") { $0.parksAmbiguous = true }
        let tls = TestUpstream { _ in .answer(200) }
        defer { tls.close() }
        // A handshake with something that does not speak TLS fails before any request.
        let handshake = destination("https://127.0.0.1:\(tls.port)", name: "tls") {
            $0.parksAmbiguous = true; $0.timeoutMilliseconds = 300
        }
        let bench = try EngineBench(
            [(configuration, IDEncoder()), (unknown, IDEncoder()), (handshake, IDEncoder())], log: log,
            state: MemoryState(), troubles: troubles)
        defer { bench.stop() }
        for index in 0..<3 { #expect(eventually { bench.status(index).retries >= 2 }) }
        for index in 0..<3 { #expect(bench.status(index).counts.total == 0) }
        #expect(!troubles.has(DeliveryTrouble.eventsParked))
    }

    @Test func anAnswerIsNoSilence() throws {
        let upstream = TestUpstream { request in request.number == 0 ? .answer(503, body: "down") : .answer(200) }
        defer { upstream.close() }
        let log = MemoryLog()
        log.append([eventLine("a")])
        let bench = try EngineBench([(parking(upstream), IDEncoder())], log: log, state: MemoryState())
        defer { bench.stop() }
        #expect(eventually { bench.status().counts.delivered == 1 })
        #expect(upstream.requests.count == 2)
    }

    @Test func whatIsInFlightWhenTheGatewayStopsIsParked() throws {
        let upstream = TestUpstream { _ in .hang }
        defer { upstream.close() }
        let log = MemoryLog()
        log.append([eventLine("a")])
        let state = MemoryState()
        let bench = try EngineBench([(parking(upstream), IDEncoder())], log: log, state: state)
        #expect(eventually { upstream.requests.count == 1 })
        bench.stop(deadlineMilliseconds: 0)
        #expect(state.saved("d")?.counts.parked == 1)
        #expect(
            state.exceptions.map(\.reason) == [
                "sent, but not answered: the gateway stopped before there was an answer"
            ])
    }

    @Test func otherDestinationsSendItAgain() throws {
        let upstream = TestUpstream { request in request.number == 0 ? .reset : .answer(200) }
        defer { upstream.close() }
        let log = MemoryLog()
        log.append([eventLine("a")])
        let bench = try EngineBench([(destination(upstream.url), IDEncoder())], log: log, state: MemoryState())
        defer { bench.stop() }
        #expect(eventually { bench.status().counts.delivered == 1 })
        #expect(upstream.requests.count == 2)
    }
}
