import SluiceCore

/// What became of events, for people. Whatever others wrote is shown without control characters.
package enum TraceText {
    package static func make(_ events: [TracedEvent]) -> String {
        events.map(one).joined(separator: "\n")
    }

    private static func one(_ event: TracedEvent) -> String {
        let receipt = event.receipt
        var lines = [
            "\(LogLine.printable(receipt.id))  \(receipt.type)  \(receipt.sequence)",
            "  received \(receipt.receivedAt) from \(LogLine.printable(receipt.source)) (\(LogLine.printable(receipt.platform)))",
            "  \(LogLine.printable(String(decoding: event.line, as: UTF8.self)))",
        ]
        if receipt.destinations.isEmpty { lines.append("  no destinations") }
        var table = TextTable(
            header: ["DESTINATION", "OUTCOME", "STATUS", "ATTEMPTS", "LAST", ""], rightAligned: [2, 3])
        for destination in receipt.destinations {
            table.add([
                destination.destination, outcome(destination), destination.status.map(String.init) ?? "-",
                destination.attempts.map(String.init) ?? "-", destination.lastAttemptAt ?? "-",
                details(destination),
            ])
        }
        if !receipt.destinations.isEmpty { lines += table.lines.map { "  " + $0 } }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func outcome(_ destination: DestinationReceipt) -> String {
        switch destination.outcome {
        case .notDue: "not due"
        case .pending:
            switch destination.stage {
            case .inFlight: "pending, in flight"
            case .waiting: "pending, to be tried again"
            case .unread, .ready, nil: "pending"
            }
        default: destination.outcome.rawValue
        }
    }

    private static func details(_ destination: DestinationReceipt) -> String {
        var parts: [String] = []
        if let reason = destination.reason { parts.append(LogLine.printable(reason)) }
        if let lag = destination.lagEvents { parts.append("\(lag) events behind") }
        if let first = destination.firstAttemptAt, first != destination.lastAttemptAt {
            parts.append("first tried \(first)")
        }
        if let url = destination.url { parts.append(LogLine.printable(url)) }
        return parts.joined(separator: "; ")
    }
}
