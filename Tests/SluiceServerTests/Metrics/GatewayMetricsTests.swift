import Foundation
import SluiceCore
import SluiceServer
import Testing

/// All sources of metrics together, as they are served.
@Suite struct GatewayMetricsTests {
    /// Every source with something to show in every family.
    private static func registry() -> MetricsRegistry {
        let registry = MetricsRegistry()
        for _ in 0..<2 {
            let shard = EdgeMetrics(sourceNames: ["web", "app"])
            shard.countRequest(platform: .native, status: 202)
            shard.countRequest(platform: nil, status: 418)
            var result = DecodeResult(accepted: 0, rejected: 2)
            result.count(.click)
            result.count(.click)
            result.count(.purchase)
            shard.countEvents(platform: .native, source: 1, result: result, duplicates: 1)
            shard.acknowledge.observe(microseconds: 300)
            registry.register(shard)
        }
        registry.register(ProcessMetrics(startedMilliseconds: 1_767_323_045_678))
        registry.register(RefusalMetrics { RefusalMetrics.Figures() })
        var job = ReplayJob(
            id: 1, spec: ReplaySpec(destination: "hook", received: 0..<1), blocks: 1..<2,
            end: EventSequence(block: 2, index: 0), total: ReplayTotal(), createdMilliseconds: 1)
        job.phase = .running
        let jobs = [job]
        registry.register(ReplayMetrics { jobs })
        let status = GatewayStatus.example
        registry.register(
            StatusMetrics(
                readiness: Readiness(), status: { status },
                timings: {
                    var timings = StatusMetrics.Timings()
                    let histogram = DurationHistogram()
                    histogram.observe(microseconds: 2000)
                    timings.commit = histogram.snapshot
                    timings.delivery = [("topsort", histogram.snapshot), ("hook", histogram.snapshot)]
                    return timings
                }))
        return registry
    }

    @Test func theExpositionIsWellFormedAndAddsUp() throws {
        let read = try Exposition(GatewayMetricsTests.registry().text())
        func value(_ name: String, _ labels: [String: String]) -> Double? {
            read[name]?.samples.first { $0.labels == labels }?.value
        }
        #expect(value("sluice_requests_total", ["platform": "native", "status": "202"]) == 2)
        #expect(value("sluice_requests_total", ["platform": "none", "status": "other"]) == 2)
        #expect(value("sluice_events_accepted_total", ["platform": "native", "type": "click"]) == 4)
        #expect(value("sluice_events_accepted_total", ["platform": "native", "type": "purchase"]) == 2)
        #expect(value("sluice_events_accepted_total", ["platform": "native", "type": "impression"]) == nil)
        #expect(value("sluice_events_duplicate_total", ["platform": "native"]) == 2)
        #expect(value("sluice_events_rejected_total", ["platform": "native"]) == 4)
        #expect(value("sluice_source_events_total", ["source": "app", "result": "accepted"]) == 6)
        #expect(value("sluice_source_events_total", ["source": "web", "result": "accepted"]) == 0)
        #expect(read["sluice_acknowledge_seconds"]?.samples.last?.value == 2)
        #expect(value("sluice_destination_lag_events", ["destination": "topsort"]) == 20)
        #expect(
            value("sluice_destination_outcomes_total", ["destination": "topsort", "outcome": "delivered"])
                == 70)
        #expect(value("sluice_destination_breaker", ["destination": "hook", "state": "open"]) == 1)
        #expect(value("sluice_destination_breaker", ["destination": "hook", "state": "closed"]) == 0)
        #expect(value("sluice_ready", [:]) == 0)
        #expect(value("process_start_time_seconds", [:]) == 1_767_323_045.678)
        #expect(value("sluice_build_info", ["version": BuildInformation.version]) == 1)
        #expect((value("process_resident_memory_bytes", [:]) ?? 0) > 1_000_000)
        #expect((value("process_open_fds", [:]) ?? 0) >= 3)
        #expect((value("process_cpu_seconds_total", [:]) ?? 0) > 0)
        #expect((value("process_max_fds", [:]) ?? 0) > 0)
    }

    @Test func openDescriptorsAreCounted() throws {
        func count() throws -> Double {
            var writer = MetricsWriter()
            ProcessMetrics(startedMilliseconds: 0).collect(into: &writer)
            return try #require(try Exposition(writer.text())["process_open_fds"]?.samples.first?.value)
        }
        // Other tests open and close files meanwhile: many are needed to be seen.
        let before = try count()
        let handles = (0..<200).compactMap { _ in FileHandle(forReadingAtPath: "/dev/null") }
        #expect(try count() > before + 100)
        #expect(handles.count == 200)
    }

    /// docs/metrics.md lists what there is, no more and no less.
    @Test func everyMetricIsDocumented() throws {
        let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        let root = tests.deletingLastPathComponent().deletingLastPathComponent()
        let text = try String(contentsOf: root.appendingPathComponent("docs/metrics.md"), encoding: .utf8)
        var documented: [String: String] = [:]
        for line in text.split(separator: "\n") where line.hasPrefix("| `") {
            let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            documented[cells[0].replacing("`", with: "")] = cells[1]
        }
        let read = try Exposition(GatewayMetricsTests.registry().text())
        let actual = Dictionary(uniqueKeysWithValues: read.families.map { ($0.name, $0.type) })
        #expect(documented == actual)
        for family in read.families {
            let labels = Set(family.samples.flatMap(\.labels.keys)).subtracting(["le"])
            let row = text.split(separator: "\n").first { $0.hasPrefix("| `\(family.name)`") } ?? ""
            for label in labels { #expect(row.contains("`\(label)`"), "\(family.name) \(label)") }
        }
    }
}

extension GatewayStatus {
    /// 100 events in the log: 10 were there before `topsort` began, and 20 are still to come for it.
    static var example: GatewayStatus {
        var status = GatewayStatus()
        status.startedAt = "2026-01-02T03:04:05.678Z"
        status.uptimeSeconds = 3725
        status.edge.shards = 2
        status.edge.acknowledgeP50Milliseconds = 0.84
        status.edge.acknowledgeP99Milliseconds = 1500
        status.log.nextBlock = 8
        status.log.events = 100
        status.log.segments = 1
        status.log.diskBytes = 1536
        status.log.runway.size = 1 << 30
        status.log.runway.hardSize = 1 << 30
        status.log.runway.fileSystemFreeBytes = 3 << 30
        status.log.runway.growthBytesPerHour = Double(512 << 20)
        status.log.runway.measuredSeconds = 60
        status.log.runway.hoursUntilSize = 2
        status.log.runway.hoursUntilHardSize = 2
        status.log.runway.hoursUntilFileSystemFull = 6
        status.log.runway.firstLimit = "hard_size"
        status.log.runway.firstHours = 2
        status.log.held = [HolderReport(name: "topsort", block: 6, segments: 1, bytes: 1536)]
        var known = DeduplicationReport()
        known.entries = 98
        known.capacity = 16_000_000
        status.deduplication = known
        status.sources = [
            SourceReport(name: "web", accepted: 90, duplicates: 3, rejected: 1),
            SourceReport(name: "app", accepted: 10, duplicates: 0, rejected: 0),
        ]
        var counts = OutcomeCounts()
        counts.delivered = 70
        var topsort = DestinationReport(name: "topsort", platform: .topsort)
        topsort.take(
            Cursor(
                destination: "topsort", position: EventSequence(block: 6, index: 3), startEvent: 10,
                counts: counts),
            positionEvent: 80)
        topsort.lagSeconds = 75
        counts.delivered = 80
        counts.rejected = 5
        counts.parked = 4
        counts.expired = 3
        counts.filtered = 8
        var hook = DestinationReport(name: "hook", platform: .webhook)
        hook.take(
            Cursor(
                destination: "hook", position: EventSequence(block: 8, index: 0), startEvent: 0,
                counts: counts),
            positionEvent: 100)
        hook.breaker = .open
        hook.lastError = "503 from upstream"
        hook.lastErrorAt = "2026-01-02T03:04:06.000Z"
        status.destinations = [topsort, hook]
        return status
    }
}
