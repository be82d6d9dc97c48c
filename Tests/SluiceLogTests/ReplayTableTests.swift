import SluiceCore
import Testing

@testable import SluiceLog

@Suite struct ReplayTableTests {
    private func job(_ destination: String = "topsort") -> ReplayJob {
        var spec = ReplaySpec(destination: destination, received: 10..<20)
        spec.types = [.purchase, .pageView]
        spec.sources = ["shop, the first", "app"]
        spec.outcome = .any
        spec.rate = ReplayRate("20/m")
        spec.segment = "/archive/1.sqlite"
        return ReplayJob(
            spec: spec, blocks: 3..<9, end: EventSequence(block: 8, index: 4),
            total: ReplayTotal(events: 7, bytes: 700), createdMilliseconds: 5)
    }

    private func row(_ sequence: EventSequence, _ outcome: Outcome, _ destination: String = "d") -> ExceptionalOutcome {
        ExceptionalOutcome(
            destination: destination, sequence: sequence, eventID: "e\(sequence.index)", outcome: outcome,
            status: 400, reason: "no", attempts: 2, firstAttemptMilliseconds: 3, lastAttemptMilliseconds: 4,
            url: "http://u")
    }

    @Test func `jobs are kept as they are`() throws {
        let folder = TemporaryFolder()
        let path = folder.file("state.sqlite")
        var made = job()
        do {
            let store = try StateStore(path: path)
            made.id = try store.createReplay(made)
            #expect(made.id == 1)
            #expect(try store.replayJobs() == [made])
            made.phase = .failed
            made.failure = "it's gone"
            made.position = EventSequence(block: 4, index: 2)
            made.counts.delivered = 1
            made.counts.rejected = 2
            made.counts.parked = 3
            made.counts.expired = 4
            made.counts.filtered = 5
            made.unreadable = 6
            made.bytesSent = 7
            made.requests = 8
            made.lastError = "503"
            made.startedMilliseconds = 9
            made.finishedMilliseconds = 10
            var change = DeliveryChange()
            change.replays = [made]
            try store.save(change)
            let other = try store.createReplay(
                ReplayJob(
                    spec: ReplaySpec(destination: "b", received: 0..<1), blocks: 1..<1,
                    end: EventSequence(block: 0, index: 0), total: ReplayTotal(), createdMilliseconds: 1))
            #expect(other == 2)
        }
        let jobs = try StateStore(path: path).replayJobs()
        #expect(jobs.first == made)
        #expect(jobs.map(\.id) == [1, 2])
        #expect(jobs.last?.spec.types == [] && jobs.last?.spec.sources == [])
        #expect(try StateReader(path: path).replayJobs() == jobs)
    }

    @Test func `of jobs that are over the oldest are forgotten, and numbers never come twice`() throws {
        let folder = TemporaryFolder()
        let store = try StateStore(path: folder.file("state.sqlite"))
        var waiting = job("waiting")
        waiting.id = try store.createReplay(waiting)
        var change = DeliveryChange()
        for _ in 0..<ReplayJob.finishedMax + 2 {
            var done = job()
            done.id = try store.createReplay(done)
            done.phase = .done
            change.replays = [done]
            try store.save(change)
        }
        let last = try store.createReplay(job())
        #expect(last == Int64(ReplayJob.finishedMax) + 4)
        let jobs = try store.replayJobs()
        #expect(jobs.count == ReplayJob.finishedMax + 2)
        #expect(jobs.map(\.id).prefix(2) == [1, 4])
    }

    @Test func `outcomes are found by block and in pages`() throws {
        let folder = TemporaryFolder()
        let path = folder.file("state.sqlite")
        let store = try StateStore(path: path)
        func place(_ block: Int64, _ index: Int) -> EventSequence { EventSequence(block: block, index: index) }
        try store.save(
            DeliveryChange(
                cursors: [],
                exceptions: [
                    row(place(2, 5), .delivered), row(place(4, 1), .rejected), row(place(4, 3), .expired),
                    row(place(6, 0), .parked), row(place(3, 0), .rejected, "other"),
                ]))
        #expect(try store.exceptions(of: "d", inBlock: 4) == [row(place(4, 1), .rejected), row(place(4, 3), .expired)])
        #expect(try store.exceptions(of: "d", inBlock: 3) == [])
        #expect(try store.exceptionalBlock(of: "d", atOrAfter: 1, outcomes: [.rejected]) == 4)
        #expect(try store.exceptionalBlock(of: "d", atOrAfter: 5, outcomes: [.rejected]) == nil)
        #expect(try store.exceptionalBlock(of: "d", atOrAfter: 5, outcomes: [.rejected, .parked]) == 6)
        let reader = try StateReader(path: path)
        let first = try reader.priors(of: "d", from: place(0, 0), limit: 2)
        #expect(first.map(\.sequence) == [place(2, 5), place(4, 1)])
        #expect(first.map(\.outcome) == [.delivered, .rejected])
        #expect(first.map(\.eventID) == ["e5", "e1"])
        let rest = try reader.priors(of: "d", from: place(4, 2), limit: 2)
        #expect(rest.map(\.sequence) == [place(4, 3), place(6, 0)])
        #expect(try reader.place(of: "d") == nil)
    }
}
