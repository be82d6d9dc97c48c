import SluiceCore
import SluiceDelivery
import Synchronization
import Testing

@Suite struct DeliveryPartsTests {
    @Test func `each part is one request, and only a failed one is repeated`() throws {
        let failures = Mutex(1)
        let upstream = TestUpstream { request in
            if request.body.hasSuffix(" b"),
                failures.withLock({ left in
                    left -= 1
                    return left >= 0
                })
            {
                return .answer(503, body: "busy")
            }
            return request.body.hasSuffix(" c")
                ? .answer(204, headers: ["kevel-debug: product not found: c"]) : .answer(200)
        }
        defer { upstream.close() }
        let log = MemoryLog()
        let state = MemoryState()
        log.append([eventLine("e0", mark: "a,b,c"), eventLine("e1", mark: "a")])
        let bench = try EngineBench([(destination(upstream.url), PartsEncoder())], log: log, state: state)
        defer { bench.stop() }
        #expect(eventually { bench.status().counts.delivered == 2 })
        bench.stop()
        let bodies = upstream.requests.map(\.body)
        #expect(bodies.sorted() == ["e0 a", "e0 b", "e0 b", "e0 c", "e1 a"])
        #expect(bench.status().attempts == 5 && bench.status().retries == 1)
        let row = try #require(state.exceptions.first)
        #expect(state.exceptions.count == 1 && row.eventID == "e0" && row.outcome == .delivered)
        #expect(row.reason == "product not found: c" && row.status == 204 && row.attempts == 4)
    }

    @Test func `a rejected part rejects its event and no other`() throws {
        let upstream = TestUpstream { $0.body.hasSuffix(" bad") ? .answer(400, body: "no") : .answer(200) }
        defer { upstream.close() }
        let log = MemoryLog()
        let state = MemoryState()
        log.append([eventLine("e0", mark: "a,bad,c"), eventLine("e1", mark: "a,b")])
        let bench = try EngineBench([(destination(upstream.url), PartsEncoder())], log: log, state: state)
        defer { bench.stop() }
        #expect(eventually { bench.status().counts.total == 2 })
        bench.stop()
        #expect(bench.status().counts.delivered == 1 && bench.status().counts.rejected == 1)
        #expect(upstream.requests.count == 5)
        #expect(state.exceptions.map(\.reason) == ["2 of 3 parts delivered; part 2: no"])
    }
}
