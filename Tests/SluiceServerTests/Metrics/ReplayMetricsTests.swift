import SluiceCore
import SluiceServer
import Testing

@Suite struct ReplayMetricsTests {
    private func job(_ id: Int64, _ phase: ReplayPhase) -> ReplayJob {
        var job = ReplayJob(
            id: id, spec: ReplaySpec(destination: "hook", received: 0..<1), blocks: 1..<2,
            end: EventSequence(block: 2, index: 0), total: ReplayTotal(events: 100, bytes: 5000),
            createdMilliseconds: 1)
        job.phase = phase
        job.counts.delivered = 40
        job.counts.rejected = 2
        job.counts.filtered = 7
        job.requests = 5
        job.bytesSent = 600
        job.unreadable = 3
        return job
    }

    private func read(_ jobs: [ReplayJob]) throws -> Exposition {
        let registry = MetricsRegistry()
        registry.register(ReplayMetrics { jobs })
        return try Exposition(registry.text())
    }

    @Test func `each replay has its figures`() throws {
        let shown = try read([job(1, .done), job(2, .running)])
        func value(_ name: String, _ more: [String: String] = [:], id: String = "2") -> Double? {
            let labels = ["replay": id, "destination": "hook"].merging(more) { $1 }
            return shown[name]?.samples.first { $0.labels == labels }?.value
        }
        #expect(value("sluice_replay_events") == 100)
        #expect(value("sluice_replay_pending_events") == 58)
        #expect(value("sluice_replay_pending_events", id: "1") == 0)
        #expect(value("sluice_replay_outcomes", ["outcome": "delivered"]) == 40)
        #expect(value("sluice_replay_outcomes", ["outcome": "rejected"]) == 2)
        #expect(value("sluice_replay_outcomes", ["outcome": "filtered"]) == nil)
        #expect(value("sluice_replay_unreadable_events") == 3)
        #expect(value("sluice_replay_requests") == 5)
        #expect(value("sluice_replay_sent_bytes") == 600)
        #expect(value("sluice_replay_running") == 1 && value("sluice_replay_running", id: "1") == 0)
        let phases = shown["sluice_replays"]?.samples.reduce(into: [:]) { $0[$1.labels["phase"] ?? ""] = $1.value }
        #expect(phases == ["queued": 0, "running": 1, "paused": 0, "done": 1, "cancelled": 0, "failed": 0])
    }

    @Test func `of those that are over only the last are shown`() throws {
        let jobs = (1...500).map { job($0, $0 == 3 ? .paused : .done) }
        let shown = try read(jobs)
        let ids = shown["sluice_replay_events"]?.samples.compactMap { $0.labels["replay"] }
        #expect(ids == ["3"] + (491...500).map(String.init))
        #expect(shown["sluice_replays"]?.samples.first { $0.labels == ["phase": "done"] }?.value == 499)
    }

    @Test func `without replays there are none`() throws {
        #expect(try read([])["sluice_replay_events"] == nil)
    }
}
