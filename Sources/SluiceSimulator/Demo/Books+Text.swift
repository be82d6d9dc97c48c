extension Books {
    /// The account as lines for people.
    package var lines: [String] {
        var table = TextTable([
            "destination", "accepted", "delivered", "rejected", "parked", "expired", "filtered", "pending",
            "due", "missing", "repeated",
        ])
        for row in rows {
            let figures = row.figures
            table.append(
                [figures.name]
                    + [
                        figures.accepted, figures.delivered, figures.rejected, figures.parked,
                        figures.expired, figures.filtered, figures.pending,
                    ].map { Readable.count($0) }
                    + [row.due, row.missing, row.repeats].map { Readable.count($0) })
        }
        var lines = ["acknowledged \(Readable.count(acknowledged)), in the log \(Readable.count(logEvents))"]
        if ambiguous > 0 { lines[0] += ", without an answer \(Readable.count(ambiguous))" }
        if resent > 0 {
            let known = duplicates.map { ", recognized as duplicates \(Readable.count($0))" } ?? ""
            lines[0] += "; sent twice \(Readable.count(resent))\(known)"
        }
        lines += [""] + table.lines + [""]
        let found = problems
        lines += found.map { "! \($0)" }
        lines.append(
            found.isEmpty
                ? "The books balance: accepted = delivered + rejected + parked + expired + filtered, "
                    + "and every acknowledged event arrived."
                : "The books do not balance.")
        return lines
    }

    /// The account as one JSON object.
    package var json: String {
        let rows = rows.map { row in
            let figures = row.figures
            return """
                {"name":\(PlainJSON.quote(figures.name)),"platform":\(PlainJSON.quote(figures.platform)),\
                "accepted":\(figures.accepted),"delivered":\(figures.delivered),\
                "rejected":\(figures.rejected),"parked":\(figures.parked),"expired":\(figures.expired),\
                "filtered":\(figures.filtered),"pending":\(figures.pending),"due":\(row.due),\
                "missing":\(row.missing),"repeats":\(row.repeats),\
                "refused_requests":\(row.refusedRequests)}
                """
        }
        return """
            {"balanced":\(isClean),"acknowledged":\(acknowledged),"ambiguous":\(ambiguous),\
            "resent":\(resent),"duplicates":\(duplicates.map(String.init) ?? "null"),\
            "log_events":\(logEvents),"destinations":[\(rows.joined(separator: ","))],\
            "problems":[\(problems.map(PlainJSON.quote).joined(separator: ","))]}
            """
    }
}
