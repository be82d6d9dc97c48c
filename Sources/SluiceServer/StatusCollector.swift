import SluiceCore
import SluiceDelivery
import SluiceIO
import SluiceLog

/// Gathers what the stages count, for `/api/status` and `/metrics`.
///
/// Called by admin threads; everything it reads is an atomic or a published snapshot.
// @unchecked: the pipeline's parts that are used here are safe from any thread.
package final class StatusCollector: @unchecked Sendable {
    private let configuration: Configuration
    private let log: EventLog
    private let shards: [(loop: EdgeLoop, shard: Shard, metrics: EdgeMetrics)]
    private let delivery: DeliveryEngine
    private let hourBooks: HourBooks
    private let fingerprints: FingerprintTable?
    private let fingerprintLoad: FingerprintLoad?
    private let startedMilliseconds = WallTime.nowMilliseconds()
    private let startedMonotonic = WallTime.monotonicMilliseconds()

    package init(_ pipeline: Pipeline) {
        configuration = pipeline.configuration
        log = pipeline.log
        shards = pipeline.shards
        delivery = pipeline.delivery
        hourBooks = HourBooks(pipeline.log, destinations: pipeline.configuration.destinations.map(\.name))
        fingerprints = pipeline.fingerprints
        fingerprintLoad = pipeline.fingerprintLoad
    }

    /// - Parameter hours: how many hours the books by hour go back; 0 leaves them out.
    package func status(hours: Int = 0) -> GatewayStatus {
        var status = GatewayStatus()
        status.startedAt = WallTime.text(startedMilliseconds)
        status.uptimeSeconds = Double(WallTime.monotonicMilliseconds() - startedMonotonic) / 1000
        status.edge = edge()
        // Destinations first: the head read after them is never behind what they have counted.
        let destinations = delivery.statuses()
        status.log = logReport()
        status.deduplication = deduplication()
        status.sources = configuration.sources.enumerated().map { index, source in
            SourceReport(
                name: source.name, accepted: total(.accepted, index),
                duplicates: total(.duplicates, index), rejected: total(.rejected, index))
        }
        status.destinations = destinations.map(report)
        let books = hourBooks.last(hours) {
            Dictionary(delivery.statuses().map { ($0.name, HourProgress($0)) }) { first, _ in first }
        }
        if let books {
            status.hours = books
        } else {
            status.reasons.append("the books by hour cannot be read")
        }
        return status
    }

    private func total(_ kind: EdgeMetrics.SourceCount, _ source: Int) -> Int {
        shards.reduce(0) { $0 + $1.metrics.count(kind, source: source) }
    }

    private func edge() -> EdgeReport {
        var report = EdgeReport()
        report.shards = shards.count
        report.connectionsMax = configuration.limits.connections
        var acknowledge: HistogramSnapshot?
        for shard in shards {
            let stats = shard.loop.stats
            report.connectionsOpen += stats.openConnections.load(ordering: .relaxed)
            report.connectionsAccepted += stats.accepted.load(ordering: .relaxed)
            report.bytesReceived += stats.bytesIn.load(ordering: .relaxed)
            report.bytesSent += stats.bytesOut.load(ordering: .relaxed)
            let snapshot = shard.metrics.acknowledge.snapshot
            if acknowledge == nil { acknowledge = snapshot } else { acknowledge?.merge(snapshot) }
        }
        report.acknowledgeP50Milliseconds = acknowledge?.quantile(0.5).map { $0 * 1000 }
        report.acknowledgeP99Milliseconds = acknowledge?.quantile(0.99).map { $0 * 1000 }
        return report
    }

    private func deduplication() -> DeduplicationReport? {
        guard let fingerprints else { return nil }
        var report = DeduplicationReport()
        report.entries = fingerprints.entries
        report.capacity = 2 * fingerprints.capacity
        report.rotations = fingerprints.rotations
        report.overflow = fingerprints.overflow
        report.loaded = fingerprintLoad?.fingerprints ?? 0
        report.loadMilliseconds = fingerprintLoad?.milliseconds ?? 0
        report.memoryBytes = fingerprints.bytes
        return report
    }

    private func logReport() -> LogReport {
        let stats = log.stats
        let head = log.head
        var report = LogReport()
        report.nextBlock = head.nextBlock
        report.events = head.events
        report.segments = log.segmentCount
        report.diskBytes = Int(log.diskBytes())
        report.commits = Int(stats.commits.load(ordering: .relaxed))
        report.committedBlocks = Int(stats.blocks.load(ordering: .relaxed))
        report.committedEvents = Int(stats.events.load(ordering: .relaxed))
        report.rawBytes = Int(stats.rawBytes.load(ordering: .relaxed))
        report.storedBytes = Int(stats.storedBytes.load(ordering: .relaxed))
        report.failures = Int(stats.failures.load(ordering: .relaxed))
        report.take(log)
        report.failing = stats.isFailing ? stats.failure.map { "\($0.error)" } : nil
        return report
    }

    /// What the status has no room for.
    package func timings() -> StatusMetrics.Timings {
        var timings = StatusMetrics.Timings()
        timings.commit = HistogramSnapshot(
            boundsSeconds: LatencyHistogram.boundsSeconds, counts: log.stats.commitTime.counts.map(Int.init),
            sumSeconds: log.stats.commitTime.sumSeconds)
        let destinations = delivery.statuses()
        timings.delivery = destinations.map { ($0.name, HistogramSnapshot($0.durations)) }
        for destination in destinations { timings.outcomesAtStart[destination.name] = destination.countsAtStart }
        timings.saveFailures = Int(delivery.saveFailures)
        return timings
    }

    private func report(_ destination: DestinationStatus) -> DestinationReport {
        var report = DestinationReport(name: destination.name, platform: destination.platform)
        report.position = destination.position.description
        report.startEvent = destination.startEvent
        report.positionEvent = destination.positionEvent
        report.delivered = destination.counts.delivered
        report.rejected = destination.counts.rejected
        report.parked = destination.counts.parked
        report.expired = destination.counts.expired
        report.filtered = destination.counts.filtered
        report.ahead = destination.ahead
        report.lagSeconds = destination.lagSeconds(now: WallTime.nowMilliseconds())
        report.requestsInFlight = destination.inFlight
        report.requests = Int(destination.attempts)
        report.retries = Int(destination.retries)
        report.breaker =
            switch destination.breaker {
            case .closed: .closed
            case .open: .open
            case .probing: .halfOpen
            }
        report.lastError = destination.lastError
        report.lastErrorAt = destination.lastErrorMilliseconds.map(WallTime.text)
        let durations = HistogramSnapshot(destination.durations)
        report.deliveryP50Milliseconds = durations.quantile(0.5).map { $0 * 1000 }
        report.deliveryP99Milliseconds = durations.quantile(0.99).map { $0 * 1000 }
        return report
    }
}

extension HistogramSnapshot {
    fileprivate init(_ durations: SluiceDelivery.DurationHistogram) {
        self.init(
            boundsSeconds: SluiceDelivery.DurationHistogram.boundsMicroseconds.map { Double($0) / 1_000_000 },
            counts: durations.counts.map(Int.init), sumSeconds: Double(durations.sumMicroseconds) / 1_000_000)
    }
}
