import SluiceCore

/// Turns the status into metrics, so that both always say the same of the log and the destinations.
package struct StatusMetrics: MetricsSource {
    /// What the status does not hold: histograms by destination, and the log's own.
    package struct Timings: Sendable {
        package var commit: HistogramSnapshot?
        /// By destination's name.
        package var delivery: [(destination: String, histogram: HistogramSnapshot)] = []

        /// Outcomes that were counted before this process began, by destination's name: a counter that
        /// begins with them would seem to go back where a crash took the last saves.
        package var outcomesAtStart: [String: OutcomeCounts] = [:]
        /// Saves of cursors that failed.
        package var saveFailures = 0

        package init() {}
    }

    private let status: @Sendable () -> GatewayStatus
    private let timings: @Sendable () -> Timings
    private let readiness: Readiness

    package init(
        readiness: Readiness, status: @escaping @Sendable () -> GatewayStatus,
        timings: @escaping @Sendable () -> Timings
    ) {
        self.readiness = readiness
        self.status = status
        self.timings = timings
    }

    package func collect(into writer: inout MetricsWriter) {
        let current = status()
        let times = timings()
        writer.gauge("sluice_ready", "1 while the gateway wants traffic.", readiness.isReady ? 1 : 0)
        collectEdge(current.edge, &writer)
        collectLog(current.log, &writer)
        if let report = current.deduplication { collectDeduplication(report, &writer) }
        if let commit = times.commit {
            writer.histogram("sluice_log_commit_seconds", "Time of one group commit, fsync included.", commit)
        }
        for report in current.destinations {
            collectDestination(
                report, Book(report, logEvents: current.log.events),
                atStart: times.outcomesAtStart[report.name] ?? OutcomeCounts(), &writer)
            writer.gauge(
                "sluice_destination_unbalanced_hours", "Hours of the last day whose books do not balance.",
                labels: [("destination", report.name)],
                current.hours.count { $0.destination == report.name && !$0.balanced })
        }
        writer.counter("sluice_state_save_failures_total", "Saves of cursors that failed.", times.saveFailures)
        for (destination, histogram) in times.delivery {
            writer.histogram(
                "sluice_delivery_seconds",
                "Time of one request to a destination, from its start to its answer.",
                labels: [("destination", destination)], histogram)
        }
    }

    private func collectEdge(_ edge: EdgeReport, _ writer: inout MetricsWriter) {
        writer.gauge("sluice_shards", "Ingest threads.", edge.shards)
        writer.gauge("sluice_connections_open", "Open connections of clients.", edge.connectionsOpen)
        writer.counter("sluice_connections_accepted_total", "Connections accepted.", edge.connectionsAccepted)
        writer.counter("sluice_received_bytes_total", "Bytes read from clients.", edge.bytesReceived)
        writer.counter("sluice_sent_bytes_total", "Bytes written to clients.", edge.bytesSent)
    }

    private func collectLog(_ log: LogReport, _ writer: inout MetricsWriter) {
        writer.gauge("sluice_log_next_block", "The number the next block will get.", Int(log.nextBlock))
        writer.gauge(
            "sluice_log_events", "Events committed over the life of the data folder.", Int(log.events))
        writer.gauge("sluice_log_segments", "Segment files.", log.segments)
        writer.gauge("sluice_log_disk_bytes", "Bytes of all segments on disk.", log.diskBytes)
        writer.gauge("sluice_log_failing", "1 while the last commit failed.", log.failing == nil ? 0 : 1)
        writer.counter("sluice_log_commits_total", "Group commits.", log.commits)
        writer.counter("sluice_log_committed_blocks_total", "Blocks committed.", log.committedBlocks)
        writer.counter("sluice_log_committed_events_total", "Events committed.", log.committedEvents)
        writer.counter(
            "sluice_log_raw_bytes_total", "Bytes of committed blocks before compression.", log.rawBytes)
        writer.counter(
            "sluice_log_stored_bytes_total", "Bytes of committed blocks as stored.", log.storedBytes)
        writer.counter("sluice_log_failures_total", "Commits that failed.", log.failures)
        collectRetention(log, &writer)
    }

    private func collectRetention(_ log: LogReport, _ writer: inout MetricsWriter) {
        let limits: [(String, Int?, Double?)] = [
            ("size", log.runway.size, log.runway.hoursUntilSize),
            ("hard_size", log.runway.hardSize, log.runway.hoursUntilHardSize),
            (
                "file_system", log.runway.fileSystemFreeBytes.map { $0 + log.diskBytes },
                log.runway.hoursUntilFileSystemFull
            ),
        ]
        for (limit, bytes, _) in limits {
            guard let bytes else { continue }
            writer.gauge(
                "sluice_log_limit_bytes", "How large the log can become until it runs into the limit.",
                labels: [("limit", limit)], bytes)
        }
        for (limit, _, hours) in limits {
            guard let hours else { continue }
            writer.gauge(
                "sluice_log_runway_hours", "Hours until the log runs into the limit, at the growth measured.",
                labels: [("limit", limit)], real: hours)
        }
        if let growth = log.runway.growthBytesPerHour {
            writer.gauge(
                "sluice_log_growth_bytes_per_hour", "Growth of the log on disk, over at most the last hour.",
                real: growth)
        }
        for holder in log.held {
            writer.gauge(
                "sluice_log_held_segments", "Segments that somebody still needs.",
                labels: [("holder", holder.name)], holder.segments)
        }
        for holder in log.held {
            writer.gauge(
                "sluice_log_held_bytes", "Bytes of those segments.", labels: [("holder", holder.name)],
                holder.bytes)
        }
        writer.counter("sluice_log_removed_segments_total", "Segments given up.", log.removedSegments)
        writer.counter("sluice_log_removed_events_total", "Events of those segments.", log.removedEvents)
        writer.counter("sluice_log_removed_bytes_total", "Bytes of those segments.", log.removedBytes)
        writer.counter(
            "sluice_log_forced_segments_total", "Segments given up although somebody still needed them.",
            log.forcedSegments)
        writer.gauge(
            "sluice_log_quarantined_blocks", "Blocks that are damaged and not served.", log.quarantinedBlocks)
        writer.gauge("sluice_log_quarantined_events", "Events of those blocks.", log.quarantinedEvents)
    }

    private func collectDeduplication(_ report: DeduplicationReport, _ writer: inout MetricsWriter) {
        writer.gauge("sluice_deduplication_entries", "Events that are remembered.", report.entries)
        writer.gauge("sluice_deduplication_capacity", "Most events that are remembered.", report.capacity)
        writer.counter(
            "sluice_deduplication_rotations_total", "How often the older half was forgotten.", report.rotations)
        writer.counter(
            "sluice_deduplication_overflow_total", "Events taken without being remembered.", report.overflow)
        writer.gauge(
            "sluice_deduplication_load_seconds", "How long remembering took at the start.",
            real: Double(report.loadMilliseconds) / 1000)
    }

    private func collectDestination(
        _ report: DestinationReport, _ book: Book, atStart: OutcomeCounts, _ writer: inout MetricsWriter
    ) {
        let own: MetricsWriter.Labels = [("destination", report.name)]
        writer.gauge(
            "sluice_destination_lag_events", "Events without an outcome.", labels: own, Int(book.pending))
        writer.gauge(
            "sluice_destination_lag_seconds", "How long the oldest event without an outcome has waited.",
            labels: own, real: report.lagSeconds)
        let outcomes: [(String, Int64)] = [
            ("delivered", report.delivered - atStart.delivered),
            ("rejected", report.rejected - atStart.rejected), ("parked", report.parked - atStart.parked),
            ("expired", report.expired - atStart.expired), ("filtered", report.filtered - atStart.filtered),
        ]
        for (outcome, count) in outcomes {
            writer.counter(
                "sluice_destination_outcomes_total", "Events by what became of them since the start.",
                labels: own + [("outcome", outcome)], Int(count))
        }
        writer.gauge(
            "sluice_destination_requests_in_flight", "Requests that wait for an answer.", labels: own,
            report.requestsInFlight)
        writer.gauge(
            "sluice_destination_events_in_flight", "Events of those requests.", labels: own,
            report.eventsInFlight)
        writer.counter("sluice_destination_requests_total", "Requests made.", labels: own, report.requests)
        writer.counter(
            "sluice_destination_retries_total", "Requests made again.", labels: own, report.retries)
        for state in DestinationReport.Breaker.allCases {
            writer.gauge(
                "sluice_destination_breaker", "1 for the state the breaker is in.",
                labels: own + [("state", state.rawValue)], report.breaker == state ? 1 : 0)
        }
        writer.gauge(
            "sluice_destination_balanced", "1 while the destination's book balances.", labels: own,
            book.balanced ? 1 : 0)
    }
}
