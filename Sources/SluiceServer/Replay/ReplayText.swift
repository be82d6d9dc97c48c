import SluiceCore

/// Replays for people.
package enum ReplayText {
    /// What a dry run found.
    package static func plan(_ plan: ReplayPlanDocument) -> String {
        var rows = [
            ("replay to", plan.destination),
            ("received", "\(plan.from) to \(plan.until)"),
            ("events", "\(plan.events)"),
            ("bytes", "\(plan.bytes) (\(ByteSize.rounded(Int(plan.bytes))), as they lie in the log)"),
            ("time", time(plan)),
            ("already delivered", "\(plan.alreadyDelivered)"),
        ]
        let earlier = [("rejected", plan.rejected), ("parked", plan.parked), ("expired", plan.expired)]
            .filter { $0.1 > 0 }.map { "\($0.1) \($0.0)" }
        if !earlier.isEmpty { rows.append(("not delivered", earlier.joined(separator: ", "))) }
        if plan.neverDue > 0 { rows.append(("never due so far", "\(plan.neverDue)")) }
        rows.append(("attribution window", window(plan)))
        return TextRows.make(rows) + plan.notes.map { "note: \(LogLine.printable($0))\n" }.joined()
    }

    private static func time(_ plan: ReplayPlanDocument) -> String {
        guard let seconds = plan.seconds else { return "as fast as the destination takes them" }
        let rate = plan.rate.map { "at \($0)" } ?? "at the destination's own rate"
        return "\(StatusText.duration(seconds.rounded(.up))) \(rate)"
    }

    private static func window(_ plan: ReplayPlanDocument) -> String {
        guard let days = plan.attributionWindowDays else { return "not documented by the platform" }
        return "\(days) days; \(plan.olderThanAttributionWindow ?? 0) events are older"
    }

    /// One replay in full.
    package static func show(_ replay: ReplayDocument) -> String {
        var rows = [
            ("replay", "\(replay.id)"),
            ("phase", replay.phase + (replay.failure.map { ": \(LogLine.printable($0))" } ?? "")),
            ("destination", replay.destination),
            ("received", "\(replay.from) to \(replay.until)"),
        ]
        if !replay.type.isEmpty { rows.append(("type", replay.type.joined(separator: ", "))) }
        if !replay.source.isEmpty { rows.append(("source", replay.source.joined(separator: ", "))) }
        if let outcome = replay.outcome { rows.append(("outcome", outcome)) }
        if let rate = replay.rate { rows.append(("rate", rate)) }
        if let segment = replay.fromSegment { rows.append(("from segment", segment)) }
        rows.append(("progress", progress(replay)))
        rows.append(("sent", "\(replay.requests) requests, \(ByteSize.rounded(Int(replay.bytesSent)))"))
        if replay.unreadable > 0 { rows.append(("unreadable", "\(replay.unreadable) events of damaged blocks")) }
        if let error = replay.lastError { rows.append(("last error", LogLine.printable(error))) }
        rows.append(("created", replay.createdAt))
        if let started = replay.startedAt { rows.append(("started", started)) }
        if let finished = replay.finishedAt { rows.append(("finished", finished)) }
        return TextRows.make(rows)
    }

    /// `120 of 500 events: 118 delivered, 2 rejected, 380 to go`.
    package static func progress(_ replay: ReplayDocument) -> String {
        var parts = ["\(replay.delivered) delivered"]
        if replay.rejected > 0 { parts.append("\(replay.rejected) rejected") }
        if replay.parked > 0 { parts.append("\(replay.parked) parked") }
        if replay.expired > 0 { parts.append("\(replay.expired) expired") }
        if replay.pending > 0 { parts.append("\(replay.pending) to go") }
        return "\(replay.settled) of \(replay.events) events: " + parts.joined(separator: ", ")
    }

    /// All replays.
    package static func list(_ list: ReplayList) -> String {
        guard !list.replays.isEmpty else { return "there are no replays\n" }
        var table = TextTable(
            header: ["ID", "PHASE", "DESTINATION", "EVENTS", "DELIVERED", "REJECTED", "EXPIRED", "TO GO", "CREATED"],
            rightAligned: [0, 3, 4, 5, 6, 7])
        for replay in list.replays {
            table.add([
                "\(replay.id)", replay.phase, replay.destination, "\(replay.events)", "\(replay.delivered)",
                "\(replay.rejected)", "\(replay.expired)", "\(replay.pending)", replay.createdAt,
            ])
        }
        return table.lines.joined(separator: "\n") + "\n"
    }
}

/// Names and values in two columns.
private enum TextRows {
    static func make(_ rows: [(String, String)]) -> String {
        let width = rows.map(\.0.count).max() ?? 0
        return rows.map { name, value in
            name + String(repeating: " ", count: width - name.count + 2) + value + "\n"
        }.joined()
    }
}
