import SluiceCore

/// Replays as metrics: how many there are, and each that is not over, with those that ended last, on its own.
///
/// The labels are bounded: `ReplayLimits.unfinishedMax` jobs that are not over, and `finishedMax` that are.
package struct ReplayMetrics: MetricsSource {
    // Gauges throughout: the figures are the job's own over its whole life, restarts included, and may go back
    // where a crash took the last saves.

    /// Jobs that are over and still shown, so that what became of one between two scrapes is seen.
    package static let finishedMax = 10

    private let jobs: @Sendable () -> [ReplayJob]

    /// - Parameter jobs: all replays as of the delivery thread's last turn, by their number.
    package init(jobs: @escaping @Sendable () -> [ReplayJob]) { self.jobs = jobs }

    package func collect(into writer: inout MetricsWriter) {
        let all = jobs()
        for phase in ReplayPhase.allCases {
            writer.gauge(
                "sluice_replays", "Replays on record, by phase.", labels: [("phase", phase.rawValue)],
                all.count { $0.phase == phase })
        }
        let shown = all.filter { !$0.phase.isFinal } + all.filter(\.phase.isFinal).suffix(Self.finishedMax)
        for job in shown.sorted(by: { $0.id < $1.id }) { collect(job, &writer) }
    }

    private func collect(_ job: ReplayJob, _ writer: inout MetricsWriter) {
        let own: MetricsWriter.Labels = [("replay", "\(job.id)"), ("destination", job.spec.destination)]
        writer.gauge(
            "sluice_replay_events", "Events a replay was reckoned to send.", labels: own, Int(job.total.events))
        writer.gauge(
            "sluice_replay_pending_events", "Of these, those without an outcome of the replay.", labels: own,
            Int(ReplayDocument(job).pending))
        let outcomes: [(String, Int64)] = [
            ("delivered", job.counts.delivered), ("rejected", job.counts.rejected),
            ("parked", job.counts.parked), ("expired", job.counts.expired),
        ]
        for (outcome, count) in outcomes {
            writer.gauge(
                "sluice_replay_outcomes", "Events of a replay by what became of them.",
                labels: own + [("outcome", outcome)], Int(count))
        }
        writer.gauge(
            "sluice_replay_unreadable_events", "Events of a replay in damaged blocks.", labels: own,
            Int(job.unreadable))
        writer.gauge(
            "sluice_replay_requests", "Requests made for a replay.", labels: own, Int(job.requests))
        writer.gauge(
            "sluice_replay_sent_bytes", "Bytes of those requests, heads included.", labels: own,
            Int(job.bytesSent))
        writer.gauge(
            "sluice_replay_running", "1 while the replay runs.", labels: own, job.phase == .running ? 1 : 0)
    }
}
