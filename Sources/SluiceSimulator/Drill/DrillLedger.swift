/// A drill's account: what senders were promised, what the log holds, and what came to each destination.
struct DrillLedger {
    let drill: String
    let seed: UInt64
    let books: Books
    let log: DrillLog
    /// Requests answered 503 or 429.
    var putOff = 0
    var restarts = 0
    /// From the start of the process to its first answer; without the drill's first start.
    var slowestStartMilliseconds: Int64 = 0
    /// Events sent when everything was over, and acknowledged.
    var fresh = 0
    /// What the drill itself has to tell, as a table.
    var details: [[String]] = []
    /// The same for machines: members of the JSON object, each with its name.
    var members: [String] = []
    var otherProblems: [String] = []

    init(drill: String, seed: UInt64, books: Books, log: DrillLog) {
        self.drill = drill
        self.seed = seed
        self.books = books
        self.log = log
    }

    var problems: [String] {
        var problems = books.problems
        func add(_ ids: [String], _ what: String) {
            if !ids.isEmpty { problems.append("\(ids.count) events are \(what), such as \(ids[0])") }
        }
        add(log.missing, "acknowledged and not in the log")
        add(log.twice, "in the log more than once")
        if Int64(log.events) != books.logEvents {
            problems.append("the log holds \(log.events) events; the gateway counted \(books.logEvents)")
        }
        if fresh == 0 { problems.append("no fresh event was taken at the end") }
        return problems + otherProblems
    }

    var isBalanced: Bool { problems.isEmpty }

    /// For people.
    var lines: [String] {
        var lines: [String] = []
        if let head = details.first {
            var table = TextTable(head)
            for row in details.dropFirst() { table.append(row) }
            lines += table.lines + [""]
        }
        lines += [
            "ledger of drill \(drill), seed \(seed)",
            "acknowledged \(Readable.count(books.acknowledged)): in the log exactly once "
                + "\(Readable.count(log.once)), missing \(Readable.count(log.missing.count)), "
                + "in the log twice \(Readable.count(log.twice.count))",
            "sent without an answer \(Readable.count(books.ambiguous)), of which the log holds "
                + "\(Readable.count(max(log.events - books.acknowledged, 0))); "
                + "requests put off \(Readable.count(putOff))",
            "restarts \(Readable.count(restarts))"
                + (restarts == 0
                    ? ""
                    : ", slowest until it took requests "
                        + Readable.duration(microseconds: UInt64(max(slowestStartMilliseconds, 0)) * 1000)),
            "fresh events at the end \(fresh)", "",
        ]
        var table = TextTable(["destination", "due", "delivered", "rejected", "filtered", "missing", "repeated"])
        for row in books.rows {
            table.append(
                [row.figures.name]
                    + [
                        Int64(row.due), row.figures.delivered, row.figures.rejected, row.figures.filtered,
                        Int64(row.missing), Int64(row.repeats),
                    ].map { Readable.count($0) })
        }
        let found = problems
        lines += table.lines + [""] + found.map { "! \($0)" }
        lines.append(
            found.isEmpty
                ? "The ledger balances: every acknowledged event is in the log once and arrived where it was due."
                : "The ledger does not balance.")
        return lines
    }

    /// For machines: one object.
    var json: String {
        let rows = books.rows.map { row in
            """
            {"name":\(PlainJSON.quote(row.figures.name)),"due":\(row.due),\
            "delivered":\(row.figures.delivered),"rejected":\(row.figures.rejected),\
            "filtered":\(row.figures.filtered),"missing":\(row.missing),"repeated":\(row.repeats)}
            """
        }
        return """
            {"drill":\(PlainJSON.quote(drill)),"balanced":\(isBalanced),"seed":\(seed),\
            "acknowledged":\(books.acknowledged),"unanswered":\(books.ambiguous),"put_off":\(putOff),\
            "log":{"events":\(log.events),"once":\(log.once),"missing":\(log.missing.count),\
            "twice":\(log.twice.count)},"restarts":\(restarts),\
            "slowest_start_ms":\(slowestStartMilliseconds),"fresh":\(fresh),\
            "destinations":[\(rows.joined(separator: ","))],\(members.map { $0 + "," }.joined())\
            "problems":[\(problems.map(PlainJSON.quote).joined(separator: ","))]}
            """
    }
}
