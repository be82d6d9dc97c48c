import SluiceLog
import SluiceServer
import Testing

@Suite struct LogReportsTests {
    private func report() throws -> LogReport {
        let folder = try TemporaryFolder()
        var configuration = LogConfiguration()
        configuration.retention = RetentionLimits(ageSeconds: 3600, bytes: 1 << 30, hardBytes: 2 << 30)
        let log = try EventLog.open(folder: folder.path, configuration: configuration)
        defer { log.close() }
        log.holds.hold("topsort", from: 0)
        log.growth.note(bytes: 0, now: 0)
        log.growth.note(bytes: 10 << 20, now: 36_000_000)
        var report = LogReport()
        report.diskBytes = Int(log.diskBytes())
        report.take(log)
        return report
    }

    @Test func `runway and holders come from the log`() throws {
        let report = try report()
        #expect(report.runway.size == 1 << 30 && report.runway.hardSize == 2 << 30)
        #expect(try #require(report.runway.growthBytesPerHour).rounded() == Double(1000 << 20))
        #expect(report.runway.measuredSeconds == 36)
        let hours = try #require(report.runway.hoursUntilSize)
        #expect(hours > 1 && hours < 1.03)
        #expect(report.held.map(\.name) == ["topsort"] && report.held[0].segments == 1)
        #expect(report.quarantine.isEmpty && report.quarantinedBlocks == 0)
    }

    @Test func `the status shows them`() throws {
        var status = GatewayStatus()
        status.log = try report()
        status.log.runway.fileSystemFreeBytes = 500 << 30
        status.log.runway.hoursUntilFileSystemFull = 512
        status.log.runway.firstLimit = "size"
        status.log.runway.firstHours = 1.5
        status.log.held[0].segments = 3
        status.log.held[0].bytes = 3 << 30
        status.log.removedSegments = 2
        status.log.removedEvents = 77
        status.log.forcedSegments = 1
        var damage = QuarantineReport()
        damage.firstBlock = 4
        damage.lastBlock = 6
        damage.events = 120
        damage.segment = "000000000004.sqlite"
        damage.reason = "checksum"
        status.log.quarantine = [damage]
        status.log.quarantinedBlocks = 3
        status.log.quarantinedEvents = 120
        let text = StatusText.make(StatusDocument(status))
        #expect(
            text.contains(
                "runway  growth 1000.0 MiB/h over the last 36s, kept up to 1.0 GiB, at most 2.0 GiB, 500.0 GiB free, 1h30m until the log is at log.retain.size\n"
            ))
        #expect(text.contains("        topsort holds 3 segments, 3.0 GiB\n"))
        #expect(text.contains("        given up: 2 segments, 77 events, 1 of them still needed\n"))
        #expect(text.contains("damage  3 blocks of 120 events cannot be read; see sluice fsck\n"))
        #expect(text.contains("        blocks 4 to 6 in 000000000004.sqlite, 120 events, found : checksum\n"))
    }

    @Test func `the metrics say the same`() throws {
        var status = GatewayStatus()
        status.log = try report()
        let reported = status
        let metrics = StatusMetrics(readiness: Readiness(), status: { reported }, timings: { StatusMetrics.Timings() })
        var writer = MetricsWriter()
        metrics.collect(into: &writer)
        let text = writer.text()
        for line in [
            "sluice_log_limit_bytes{limit=\"size\"} 1073741824", "sluice_log_held_segments{holder=\"topsort\"} 1",
            "sluice_log_removed_segments_total 0", "sluice_log_forced_segments_total 0",
            "sluice_log_quarantined_blocks 0",
        ] { #expect(text.contains(line + "\n"), "\(line)") }
        #expect(text.contains("sluice_log_runway_hours{limit=\"hard_size\"} 2.0"))
    }
}
