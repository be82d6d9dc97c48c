import SluiceCore
import SluiceDelivery
import Synchronization
import Testing

@Suite struct EventProgressTests {
    @Test func theEngineTellsWhatIsNotOnRecordYet() throws {
        let isOpen = Atomic<Bool>(false)
        let upstream = TestUpstream { request in
            if request.ids == ["slow"], !isOpen.load(ordering: .relaxed) { return .answer(503, body: "down") }
            return request.ids == ["bad"] ? .answer(400, body: "no good") : .answer(200)
        }
        defer { upstream.close() }
        let log = MemoryLog()
        log.append([eventLine("slow")])
        log.append([eventLine("bad")])
        log.append([eventLine("good"), eventLine("other", network: "gowit")])
        let state = MemoryState()
        let positions = Mutex<[Int64]>([])
        let bench = try EngineBench(
            [(destination(upstream.url) { $0.batch = 1 }, IDEncoder())], log: log, state: state
        ) { options in
            options.onPositionSaved = { name, block in
                #expect(name == "d")
                positions.withLock { $0.append(block) }
            }
        }
        defer { bench.stop() }
        func progress(_ block: Int64, _ index: Int, _ number: Int64) -> EventProgress? {
            bench.engine.progress(of: EventSequence(block: block, index: index), eventNumber: number)?["d"]
        }
        #expect(eventually { (progress(1, 0, 0)?.attempts ?? 0) >= 3 && progress(1, 0, 0)?.stage == .waiting })
        let waiting = try #require(progress(1, 0, 0))
        #expect(waiting.lastFailure == AttemptFailure(status: 503, reason: "down", url: upstream.url + "/ids"))
        #expect(waiting.firstAttemptMilliseconds! <= waiting.lastAttemptMilliseconds!)
        // Settled behind the event that is stuck.
        #expect(eventually { progress(2, 0, 1)?.stage == .settled(.rejected) })
        #expect(progress(2, 0, 1)?.exception?.reason == "no good")
        #expect(eventually { progress(3, 0, 2)?.stage == .settled(.delivered) })
        #expect(progress(3, 1, 3)?.stage == .settled(.filtered))
        #expect(progress(4, 0, 4)?.stage == .unread)
        #expect(state.saved("d")?.position == EventSequence(block: 1, index: 0))
        isOpen.store(true, ordering: .relaxed)
        #expect(eventually { bench.status().pending == 0 && state.saved("d")?.counts.total == 4 })
        #expect(positions.withLock { $0.first == 1 && $0.last == 4 && $0 == $0.sorted() })
        let runs = state.blocks("d")
        #expect(runs.count == 1 && runs[0].counts.delivered == 2 && runs[0].isFiltered(3) == true)
    }
}
