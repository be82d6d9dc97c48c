/// The status of a gateway for people.
///
/// What upstreams said is shown without control characters: they would drive the terminal.
package enum StatusText {
    package static func make(_ document: StatusDocument) -> String {
        let status = document.status
        var lines: [String] = []
        lines.append(
            "sluice \(status.version), \(status.phase.rawValue), up \(duration(status.uptimeSeconds)), \(status.ready ? "ready" : "not ready")"
        )
        for reason in status.reasons { lines.append("  \(reason)") }
        lines.append(
            "edge    \(status.edge.shards) shards, \(connections(status.edge)), acknowledged in p50 \(milliseconds(status.edge.acknowledgeP50Milliseconds)), p99 \(milliseconds(status.edge.acknowledgeP99Milliseconds))"
        )
        lines.append(
            "log     \(status.log.events) events, next block \(status.log.nextBlock), \(status.log.segments) segments, \(ByteSize.rounded(status.log.diskBytes)), \(status.log.failures) failed commits"
        )
        if let failing = status.log.failing { lines.append("        cannot commit: \(failing)") }
        if let known = status.deduplication {
            lines.append(
                "known   \(known.entries) of \(known.capacity) events remembered, \(known.rotations) rotations\(known.overflow > 0 ? ", \(known.overflow) without room" : "")"
            )
        }
        lines.append("")
        lines += sources(status)
        lines.append("")
        lines += destinations(document)
        return lines.joined(separator: "\n") + "\n"
    }

    private static func connections(_ edge: EdgeReport) -> String {
        edge.connectionsMax > 0
            ? "\(edge.connectionsOpen) of \(edge.connectionsMax) connections" : "\(edge.connectionsOpen) connections"
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
        var table = TextTable(
            header: [
                "DESTINATION", "PLATFORM", "POSITION", "LAG", "BEHIND", "IN FLIGHT", "BREAKER", "P50", "P99",
            ],
            rightAligned: [2, 3, 4, 5, 7, 8])
        for (report, book) in zip(document.status.destinations, document.books.destinations) {
            table.add([
                report.name, report.platform, report.position, "\(book.pending)", duration(report.lagSeconds),
                "\(report.requestsInFlight)", report.breaker.rawValue,
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
        return lines + [""] + books(document.books)
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

    private static func duration(_ seconds: Double) -> String {
        // The two largest units say enough.
        let whole = Int(seconds.isFinite ? max(0, seconds) : 0)
        if whole < 60 { return "\(whole)s" }
        if whole < 3600 { return "\(whole / 60)m\(whole % 60)s" }
        if whole < 86_400 { return "\(whole / 3600)h\(whole / 60 % 60)m" }
        return "\(whole / 86_400)d\(whole / 3600 % 24)h"
    }
}
