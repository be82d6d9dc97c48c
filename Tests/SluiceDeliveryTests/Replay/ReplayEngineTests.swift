import SluiceCore
import Testing

@testable import SluiceDelivery

/// Replays beside live delivery, through the engine.
@Suite struct ReplayEngineTests {
    private func ids(_ prefix: String, _ count: Int) -> [String] { (0..<count).map { "\(prefix)\($0)" } }

    private func phase(_ result: Result<ReplayJob, ReplayRefusal>) -> ReplayPhase? {
        if case .success(let job) = result { job.phase } else { nil }
    }

    /// Delivers what `lines` says under the status the upstream answers with.
    private func settle(_ bench: ReplayBench, _ engine: EngineBench, _ lines: [String]) {
        let before = bench.counts().total
        engine.append(bench.log, lines)
        #expect(eventually { bench.counts().total == before + Int64(lines.count) })
    }

    @Test func `what was rejected is delivered, and the books follow`() throws {
        let bench = ReplayBench()
        defer { bench.close() }
        let engine = try bench.start()
        settle(bench, engine, ids("a", 5).map { eventLine($0) })
        bench.answer(400)
        settle(bench, engine, ids("b", 30).map { eventLine($0) })
        bench.answer(200)
        settle(bench, engine, ids("c", 5).map { eventLine($0) })
        #expect(bench.counts().rejected == 30)

        let before = bench.arrived.count
        let made = try engine.order(.create(bench.job { $0.outcome = .rejected })).get()
        #expect(made.id == 1)
        #expect(eventually { bench.state.replay(1)?.phase == .done })
        engine.stop()

        #expect(bench.ids(from: before).sorted() == ids("b", 30).sorted())
        #expect(bench.counts().delivered == 40)
        #expect(bench.counts().rejected == 0)
        let status = engine.status()
        #expect(status.counts.delivered == 40 && status.counts.rejected == 0 && status.pending == 0)
        let job = try #require(bench.state.replay(1))
        #expect(job.counts.delivered == 30)
        #expect(job.requests == 3)
        #expect(job.bytesSent > 0)
        let rows = bench.state.exceptions
        #expect(rows.count == 30)
        #expect(rows.allSatisfy { $0.outcome == .delivered && $0.attempts == 2 })
        #expect(rows.allSatisfy { $0.status == 200 && $0.url.hasPrefix("http://127.0.0.1:\(bench.upstream.port)") })
        #expect(rows.allSatisfy { $0.firstAttemptMilliseconds <= $0.lastAttemptMilliseconds })
        #expect(
            rows.allSatisfy { $0.reason == "delivered by replay 1; before that rejected (400, 1 attempt): no, 400" })
    }

    @Test func `what is rejected again keeps its place and tells of both`() throws {
        let bench = ReplayBench()
        defer { bench.close() }
        let engine = try bench.start()
        bench.answer(400)
        settle(bench, engine, ids("a", 3).map { eventLine($0) })
        let first = bench.state.exceptions.map(\.firstAttemptMilliseconds)
        bench.answer(404)
        _ = try engine.order(.create(bench.job { $0.outcome = .any })).get()
        #expect(eventually { bench.state.replay(1)?.phase == .done })
        engine.stop()
        #expect(bench.counts().rejected == 3 && bench.counts().total == 3)
        #expect(bench.state.replay(1)?.counts.rejected == 3)
        let rows = bench.state.exceptions
        #expect(rows.map(\.outcome) == [.rejected, .rejected, .rejected])
        #expect(rows.map(\.attempts) == [2, 2, 2])
        #expect(rows.map(\.status) == [404, 404, 404])
        #expect(rows.map(\.firstAttemptMilliseconds) == first)
        #expect(rows.allSatisfy { $0.reason == "in replay 1: no, 404" })
    }

    @Test func `what was delivered before is sent again, and counts in the job only`() throws {
        let bench = ReplayBench()
        defer { bench.close() }
        let engine = try bench.start()
        let lines =
            ids("c", 4).map { eventLine($0) } + ids("p", 3).map { eventLine($0, type: "purchase") }
            + ids("q", 2).map { eventLine($0, type: "purchase", source: "app") }
            + ids("v", 2).map { eventLine($0, type: "page_view") }
        settle(bench, engine, lines)
        let before = bench.arrived.count
        _ = try engine.order(
            .create(
                bench.job {
                    $0.types = [.purchase, .pageView]
                    $0.sources = ["shop"]
                })
        ).get()
        #expect(eventually { bench.state.replay(1)?.phase == .done })
        // Refused the second time: the platform has it all the same.
        bench.answer(400)
        _ = try engine.order(.create(bench.job { $0.sources = ["app"] })).get()
        #expect(eventually { bench.state.replay(2)?.phase == .done })
        engine.stop()
        #expect(bench.ids(from: before) == ids("p", 3) + ids("q", 2))
        #expect(bench.counts().delivered == 9 && bench.counts().filtered == 2 && bench.counts().total == 11)
        #expect(bench.state.exceptions.isEmpty)
        #expect(bench.state.replay(1)?.counts.delivered == 3)
        #expect(bench.state.replay(2)?.counts.rejected == 2)
    }

    @Test func `events behind the job's end are left to live delivery`() throws {
        let bench = ReplayBench()
        defer { bench.close() }
        let engine = try bench.start()
        settle(bench, engine, ids("a", 4).map { eventLine($0) })
        let job = bench.job()
        settle(bench, engine, ids("b", 4).map { eventLine($0) })
        var later = job
        later.blocks = 1..<bench.log.head.nextBlock
        _ = try engine.order(.create(later)).get()
        #expect(eventually { bench.state.replay(1)?.phase == .done })
        engine.stop()
        #expect(bench.arrivedIDs == ids("a", 4) + ids("b", 4) + ids("a", 4))
    }

    @Test func `a paused replay sends nothing, and goes on where it was`() throws {
        let bench = ReplayBench()
        defer { bench.close() }
        let engine = try bench.start([
            bench.configuration {
                $0.batch = 1
                $0.concurrency = 1
            }
        ])
        settle(bench, engine, ids("a", 6).map { eventLine($0) })
        bench.permit(8)
        _ = try engine.order(.create(bench.job())).get()
        // Two of it are answered, the third waits for its answer.
        #expect(eventually { bench.arrived.count == 9 })
        #expect(phase(engine.order(.pause(1))) == .paused)
        #expect(engine.order(.resume(2)) == .failure(.unknownReplay(2)))
        #expect(
            engine.order(.pause(1)) == .failure(.wrongPhase(id: 1, phase: .paused, wanted: "paused")))
        bench.permit(.max)
        #expect(eventually { bench.state.replay(1)?.counts.delivered == 3 })
        // Live delivery goes on meanwhile.
        engine.append(bench.log, [eventLine("live")])
        #expect(eventually { bench.counts().total == 7 })
        #expect(bench.arrivedIDs == ids("a", 6) + ids("a", 3) + ["live"])
        #expect(bench.state.replay(1)?.phase == .paused)
        #expect(phase(engine.order(.resume(1))) == .queued)
        #expect(eventually { bench.state.replay(1)?.phase == .done })
        engine.stop()
        #expect(bench.arrivedIDs == ids("a", 6) + ids("a", 3) + ["live", "a3", "a4", "a5"])
        #expect(bench.state.replay(1)?.counts.delivered == 6)
        #expect(bench.state.replay(1)?.requests == 6)
    }

    @Test func `a cancelled replay ends with what is on its way`() throws {
        let bench = ReplayBench()
        defer { bench.close() }
        let engine = try bench.start([
            bench.configuration {
                $0.batch = 1; $0.concurrency = 1
            }
        ])
        bench.answer(400)
        settle(bench, engine, ids("a", 4).map { eventLine($0) })
        bench.answer(200)
        bench.permit(4)
        _ = try engine.order(.create(bench.job { $0.outcome = .rejected })).get()
        #expect(eventually { bench.arrived.count == 5 })
        #expect(phase(engine.order(.cancel(1))) == .cancelled)
        bench.permit(.max)
        #expect(eventually { bench.state.replay(1)?.counts.delivered == 1 })
        #expect(engine.order(.resume(1)) == .failure(.wrongPhase(id: 1, phase: .cancelled, wanted: "resumed")))
        #expect(engine.order(.cancel(1)) == .failure(.wrongPhase(id: 1, phase: .cancelled, wanted: "cancelled")))
        engine.stop()
        #expect(bench.arrived.count == 5)
        #expect(bench.counts().delivered == 1 && bench.counts().rejected == 3)
        #expect(bench.state.replay(1)?.finishedMilliseconds ?? 0 > 0)
    }

    @Test func `a replay survives the process`() throws {
        let bench = ReplayBench()
        defer { bench.close() }
        let one = bench.configuration {
            $0.batch = 2
            $0.concurrency = 1
        }
        var engine = try bench.start([one])
        bench.answer(400)
        settle(bench, engine, ids("a", 20).map { eventLine($0) })
        bench.answer(200)
        let before = bench.arrived.count
        bench.permit(before + 4)
        _ = try engine.order(.create(bench.job { $0.outcome = .rejected })).get()
        #expect(eventually { bench.state.replay(1)?.counts.delivered == 8 && bench.arrived.count == before + 5 })
        engine.stop(deadlineMilliseconds: 0)
        #expect(bench.state.replay(1)?.phase == .running)
        #expect(bench.counts().delivered == 8 && bench.counts().rejected == 12)

        bench.permit(.max)
        engine = try bench.start([one])
        #expect(eventually { bench.state.replay(1)?.phase == .done })
        engine.stop()
        #expect(Set(bench.ids(from: before)) == Set(ids("a", 20)))
        #expect(bench.counts().delivered == 20 && bench.counts().total == 20)
        #expect(bench.state.replay(1)?.counts.delivered == 20)
    }

    @Test func `live events go first`() throws {
        let bench = ReplayBench()
        defer { bench.close() }
        let engine = try bench.start([
            bench.configuration {
                $0.batch = 1; $0.concurrency = 1
            }
        ])
        settle(bench, engine, ids("a", 5).map { eventLine($0) })
        bench.permit(6)
        _ = try engine.order(.create(bench.job())).get()
        #expect(eventually { bench.arrived.count == 7 })
        // They come while the replay has the only slot.
        engine.append(bench.log, [eventLine("live1"), eventLine("live2")])
        bench.permit(.max)
        #expect(eventually { bench.state.replay(1)?.phase == .done })
        engine.stop()
        #expect(bench.arrivedIDs == ids("a", 5) + ["a0", "a1", "live1", "live2", "a2", "a3", "a4"])
    }

    @Test func `a breaker that is open for live delivery holds the replay`() throws {
        let bench = ReplayBench()
        defer { bench.close() }
        let engine = try bench.start([
            bench.configuration {
                $0.batch = 1; $0.concurrency = 1
            }
        ])
        settle(bench, engine, ids("a", 3).map { eventLine($0) })
        bench.answer(503)
        engine.append(bench.log, ids("live", 8).map { eventLine($0) })
        #expect(eventually { engine.status().breaker != .closed })
        _ = try engine.order(.create(bench.job())).get()
        let count = bench.arrived.count
        #expect(eventually { bench.arrived.count > count + 3 })
        let during = bench.ids(from: 3)
        #expect(during.allSatisfy { $0.hasPrefix("live") }, "\(during)")
        bench.answer(200)
        #expect(eventually { bench.state.replay(1)?.phase == .done && bench.counts().total == 11 })
        engine.stop()
        #expect(Set(bench.ids(from: 3)) == Set(ids("live", 8) + ids("a", 3)))
        #expect(bench.counts().delivered == 11)
    }

    @Test func `a destination that is gone fails its job`() throws {
        let bench = ReplayBench()
        defer { bench.close() }
        bench.log.append([eventLine("a")])
        _ = try bench.state.createReplay(bench.job("gone"))
        let engine = try bench.start()
        #expect(eventually { bench.state.replay(1)?.phase == .failed })
        engine.stop()
        #expect(
            bench.state.replay(1)?.failure == "the destination 'gone' is not in the configuration any more")
    }

    @Test func `what cannot be made is refused`() throws {
        let bench = ReplayBench()
        defer { bench.close() }
        let engine = try bench.start()
        #expect(engine.order(.create(bench.job("other"))) == .failure(.unknownDestination("other")))
        bench.state.setFailing(true)
        #expect(engine.order(.create(bench.job())) == .failure(.unavailable("disk full")))
        bench.state.setFailing(false)
        engine.stop()
        #expect(engine.order(.create(bench.job())) == .failure(.unavailable("delivery has stopped")))
        #expect(bench.state.replay(1) == nil)
    }

    @Test func `a source that cannot be opened fails its job`() throws {
        let bench = ReplayBench()
        defer { bench.close() }
        bench.log.append([eventLine("a")])
        let engine = try bench.start(open: { _ throws(DeliveryStateError) in
            throw DeliveryStateError(reason: "x.sqlite has format 9")
        })
        _ = try engine.order(.create(bench.job())).get()
        #expect(eventually { bench.state.replay(1)?.failure == "x.sqlite has format 9" })
        engine.stop()
    }

    @Test func `damaged blocks are counted and passed over`() throws {
        let bench = ReplayBench()
        defer { bench.close() }
        let engine = try bench.start()
        for name in ["a", "b", "c"] { settle(bench, engine, ids(name, 2).map { eventLine($0) }) }
        bench.log.damage(2, eventCount: 2)
        bench.log.drop(1...1)
        _ = try engine.order(.create(bench.job())).get()
        #expect(eventually { bench.state.replay(1)?.phase == .done })
        engine.stop()
        #expect(bench.state.replay(1)?.unreadable == 2)
        #expect(bench.state.replay(1)?.counts.delivered == 2)
        #expect(bench.arrivedIDs.suffix(2) == ids("c", 2))
        #expect(bench.counts().delivered == 6 && bench.counts().expired == 0)
    }

    @Test func `while the state cannot be saved nothing is lost`() throws {
        let bench = ReplayBench()
        defer { bench.close() }
        let engine = try bench.start([
            bench.configuration {
                $0.batch = 1; $0.concurrency = 1
            }
        ])
        bench.answer(400)
        settle(bench, engine, ids("a", 5).map { eventLine($0) })
        bench.answer(200)
        bench.permit(5)
        _ = try engine.order(.create(bench.job { $0.outcome = .rejected })).get()
        #expect(eventually { bench.arrived.count == 6 })
        bench.state.setFailing(true)
        bench.permit(.max)
        #expect(eventually { engine.engine.isSaveFailing })
        bench.state.setFailing(false)
        #expect(eventually { bench.state.replay(1)?.phase == .done })
        engine.stop()
        #expect(bench.counts().delivered == 5 && bench.counts().rejected == 0)
        #expect(bench.state.replay(1)?.counts.delivered == 5)
    }

    @Test func `alone, only its job runs`() throws {
        let bench = ReplayBench()
        defer { bench.close() }
        var engine = try bench.start()
        settle(bench, engine, ids("a", 3).map { eventLine($0) })
        engine.stop()
        let first = try bench.state.createReplay(bench.job())
        let second = try bench.state.createReplay(bench.job())
        bench.log.append([eventLine("live")])
        engine = try bench.start(only: second)
        #expect(eventually { bench.state.replay(second)?.phase == .done })
        engine.stop()
        #expect(bench.arrivedIDs == ids("a", 3) + ids("a", 3))
        #expect(bench.state.replay(first)?.phase == .queued)
        #expect(bench.counts().total == 3)
    }
}
