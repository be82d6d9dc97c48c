/// The status of a gateway for people.
///
/// What upstreams said is shown without control characters: they would drive the terminal.
package enum StatusText {
    package static func make(_ document: StatusDocument) -> String {
        let status = document.status
        var lines: [String] = []
        let isRunning = status.phase != .stopped
        if isRunning {
            lines.append(
                "sluice \(status.version), \(status.phase.rawValue), up \(duration(status.uptimeSeconds)), \(status.ready ? "ready" : "not ready")"
            )
        } else {
            lines.append("sluice \(status.version), as the data folder says")
        }
        for reason in status.reasons { lines.append("  \(LogLine.printable(reason))") }
        if isRunning { lines.append(edge(status.edge)) }
        lines.append(
            "log     \(status.log.events) events, next block \(status.log.nextBlock), \(status.log.segments) segments, \(ByteSize.rounded(status.log.diskBytes))\(isRunning ? ", \(status.log.failures) failed commits" : "")"
        )
        lines += runway(status.log)
        if let failing = status.log.failing { lines.append("        cannot commit: \(failing)") }
        if let known = status.deduplication {
            lines.append(
                "known   at most \(known.entries) of \(known.capacity) events remembered, \(known.rotations) rotations\(known.overflow > 0 ? ", \(known.overflow) without room" : "")"
            )
        }
        if isRunning { lines += [""] + sources(status) }
        lines.append("")
        lines += destinations(document)
        return lines.joined(separator: "\n") + "\n"
    }

    private static func edge(_ edge: EdgeReport) -> String {
        "edge    \(edge.shards) shards, \(connections(edge)), acknowledged in p50 \(milliseconds(edge.acknowledgeP50Milliseconds)), p99 \(milliseconds(edge.acknowledgeP99Milliseconds))"
    }

    private static func connections(_ edge: EdgeReport) -> String {
        edge.connectionsMax > 0
            ? "\(edge.connectionsOpen) of \(edge.connectionsMax) connections" : "\(edge.connectionsOpen) connections"
    }

    private static func runway(_ log: LogReport) -> [String] {
        let runway = log.runway
        var parts: [String] = []
        if let growth = runway.growthBytesPerHour, let measured = runway.measuredSeconds {
            parts.append("growth \(ByteSize.rounded(Int(growth)))/h over the last \(duration(measured))")
        }
        if let size = runway.size { parts.append("kept up to \(ByteSize.rounded(size))") }
        if let hard = runway.hardSize, hard != runway.size {
            parts.append("at most \(ByteSize.rounded(hard))")
        }
        if let free = runway.fileSystemFreeBytes { parts.append("\(ByteSize.rounded(free)) free") }
        if let limit = runway.firstLimit, let hours = runway.firstHours {
            let what =
                switch limit {
                case "size": "the log is at log.retain.size"
                case "hard_size": "the log is at log.retain.hard_size"
                default: "the file system is full"
                }
            parts.append(hours > 0 ? "\(duration(hours * 3600)) until \(what)" : what)
        }
        var lines = parts.isEmpty ? [] : ["runway  " + parts.joined(separator: ", ")]
        for holder in log.held where holder.segments > 1 {
            lines.append(
                "        \(holder.name) holds \(holder.segments) segments, \(ByteSize.rounded(holder.bytes))")
        }
        if log.removedSegments > 0 {
            let forced = log.forcedSegments > 0 ? ", \(log.forcedSegments) of them still needed" : ""
            lines.append(
                "        given up: \(log.removedSegments) segments, \(log.removedEvents) events\(forced)")
        }
        if log.quarantinedBlocks > 0 {
            lines.append(
                "damage  \(log.quarantinedBlocks) blocks of \(log.quarantinedEvents) events cannot be read; see sluice fsck"
            )
        }
        for damage in log.quarantine {
            let blocks =
                damage.firstBlock == damage.lastBlock
                ? "block \(damage.firstBlock)" : "blocks \(damage.firstBlock) to \(damage.lastBlock)"
            lines.append(
                "        \(blocks)\(damage.segment.isEmpty ? "" : " in \(damage.segment)"), \(damage.events) events, found \(damage.foundAt): \(LogLine.printable(damage.reason))"
            )
        }
        return lines
    }

    private static func sources(_ status: GatewayStatus) -> [String] {
        var table = TextTable(
            header: ["SOURCE", "ACCEPTED", "DUPLICATES", "REJECTED"], rightAligned: [1, 2, 3])
        for source in status.sources {
            table.add([source.name, "\(source.accepted)", "\(source.duplicates)", "\(source.rejected)"])
        }
        return table.lines
    }

    private static func destinations(_ document: StatusDocument) -> [String] {
        guard !document.status.destinations.isEmpty else {
            return ["no destinations: events are kept in the log"]
        }
        let isRunning = document.status.phase != .stopped
        var table = TextTable(
            header: [
                "DESTINATION", "PLATFORM", "POSITION", "LAG", "BEHIND", "IN FLIGHT", "BREAKER", "P50", "P99",
            ],
            rightAligned: [2, 3, 4, 5, 7, 8])
        for (report, book) in zip(document.status.destinations, document.books.destinations) {
            table.add([
                report.name, report.platform, report.position, "\(book.pending)", duration(report.lagSeconds),
                isRunning ? "\(report.requestsInFlight)" : "-", isRunning ? report.breaker.rawValue : "-",
                milliseconds(report.deliveryP50Milliseconds),
                milliseconds(report.deliveryP99Milliseconds),
            ])
        }
        var lines = table.lines
        for report in document.status.destinations {
            guard let error = report.lastError else { continue }
            lines.append(
                "  \(report.name): last error\(report.lastErrorAt.map { " at \($0)" } ?? ""): \(LogLine.printable(error))"
            )
        }
        lines += [""] + books(document.books)
        let hours = document.status.hours
        if !hours.isEmpty { lines += [""] + byHour(hours) }
        return lines + complaints(document)
    }

    private static func byHour(_ hours: [HourBook]) -> [String] {
        var table = TextTable(
            header: [
                "HOUR (UTC)", "DESTINATION", "ACCEPTED", "DELIVERED", "REJECTED", "PARKED", "EXPIRED", "FILTERED",
                "PENDING", "",
            ],
            rightAligned: Set(2...8))
        for book in hours.sorted(by: { $0.hour < $1.hour }) {
            var notes = book.balanced ? "balanced" : "NOT BALANCED"
            if book.quarantined > 0 { notes += ", \(book.quarantined) quarantined" }
            if book.unrecorded > 0 { notes += ", \(book.unrecorded) not recorded" }
            table.add([
                String(book.hour.prefix(16)), book.destination, "\(book.accepted)", "\(book.delivered)",
                "\(book.rejected)", "\(book.parked)", "\(book.expired)", "\(book.filtered)", "\(book.pending)",
                notes,
            ])
        }
        return table.lines
    }

    /// What nobody must overlook stands at the end, where the eye is.
    private static func complaints(_ document: StatusDocument) -> [String] {
        var lines: [String] = []
        for book in document.books.destinations where !book.balanced {
            let sum =
                book.delivered + book.rejected + book.parked + book.expired + book.filtered + book.pending
            lines.append(
                "THE BOOKS OF \(book.destination) DO NOT BALANCE: \(book.accepted) accepted, \(sum) accounted for")
        }
        for book in document.status.hours where !book.balanced {
            let sum =
                book.delivered + book.rejected + book.parked + book.expired + book.filtered + book.pending
                + book.unrecorded
            lines.append(
                "THE BOOKS OF \(book.destination) DO NOT BALANCE in the hour from \(book.hour.prefix(16))Z:"
                    + " \(book.accepted) accepted, \(sum) accounted for")
        }
        return lines.isEmpty ? [] : [""] + lines
    }

    package static func books(_ books: Books) -> [String] {
        var table = TextTable(
            header: [
                "BOOK", "ACCEPTED", "DELIVERED", "REJECTED", "PARKED", "EXPIRED", "FILTERED", "PENDING", "",
            ],
            rightAligned: Set(1...7))
        for book in books.destinations {
            table.add([
                book.destination, "\(book.accepted)", "\(book.delivered)", "\(book.rejected)",
                "\(book.parked)",
                "\(book.expired)", "\(book.filtered)", "\(book.pending)",
                book.balanced ? "balanced" : "NOT BALANCED",
            ])
        }
        return table.lines
    }

    private static func milliseconds(_ value: Double?) -> String {
        guard let value else { return "-" }
        if value >= 1000 { return "\((value / 100).rounded() / 10) s" }
        return "\((value * 10).rounded() / 10) ms"
    }

    static func duration(_ seconds: Double) -> String {
        // The two largest units say enough.
        let whole = Int(seconds.isFinite ? max(0, seconds) : 0)
        if whole < 60 { return "\(whole)s" }
        if whole < 3600 { return "\(whole / 60)m\(whole % 60)s" }
        if whole < 86_400 { return "\(whole / 3600)h\(whole / 60 % 60)m" }
        return "\(whole / 86_400)d\(whole / 3600 % 24)h"
    }
}
