/// The final account: what senders were promised, what the log holds, and what became of each event
/// at each destination, compared between three parties that keep their figures apart: the traffic
/// generator, the gateway and the stand-ins.
package struct Books: Equatable, Sendable {
    /// One destination's line.
    package struct Row: Equatable, Sendable {
        package var figures: DestinationFigures
        /// Acknowledged events that must be at this destination.
        package var due: Int
        /// How many of them its stand-in never took.
        package var missing: Int
        /// The first few of those, to look for.
        package var missingSamples: [String]
        /// Events its stand-in took more than once; allowed, as delivery is at least once.
        package var repeats: Int
        /// Requests its stand-in refused.
        package var refusedRequests: Int
        /// Events that this destination must have rejected.
        package var rejectionsDue: Int

        package init(
            figures: DestinationFigures, due: Int, missing: Int, missingSamples: [String],
            repeats: Int, refusedRequests: Int, rejectionsDue: Int
        ) {
            self.figures = figures
            self.due = due
            self.missing = missing
            self.missingSamples = missingSamples
            self.repeats = repeats
            self.refusedRequests = refusedRequests
            self.rejectionsDue = rejectionsDue
        }

        /// What is wrong with this line; empty when nothing is.
        package var problems: [String] {
            var problems: [String] = []
            let name = figures.name
            if !figures.isBalanced { problems.append("\(name): the outcomes do not add up to accepted") }
            if figures.pending != 0 { problems.append("\(name): \(figures.pending) events are pending") }
            if missing != 0 {
                problems.append(
                    "\(name): \(missing) acknowledged events never arrived, such as "
                        + missingSamples.joined(separator: ", "))
            }
            return problems
        }
    }

    /// Events the generator was promised.
    package var acknowledged: Int
    /// Events sent in requests that got no answer: the log may or may not hold them.
    package var ambiguous: Int
    /// Events the generator sent once more after they had been acknowledged.
    package var resent = 0
    /// Events the gateway recognized as duplicates; nil where that is not known for the whole time.
    package var duplicates: Int64?
    /// Events in the log.
    package var logEvents: Int64
    package var rows: [Row]
    /// Answers that were not what the request called for.
    package var unexpectedAnswers: Int
    package var unexpectedSamples: [String]
    /// Whether some ledger had to leave ids out, so that they cannot be compared.
    package var isTruncated: Bool

    package init(
        acknowledged: Int, ambiguous: Int, logEvents: Int64, rows: [Row], unexpectedAnswers: Int,
        unexpectedSamples: [String], isTruncated: Bool
    ) {
        self.acknowledged = acknowledged
        self.ambiguous = ambiguous
        self.logEvents = logEvents
        self.rows = rows
        self.unexpectedAnswers = unexpectedAnswers
        self.unexpectedSamples = unexpectedSamples
        self.isTruncated = isTruncated
    }

    /// What is wrong; empty when the books balance, nothing is pending, and nothing is missing.
    package var problems: [String] {
        var problems = rows.flatMap(\.problems)
        let most = Int64(acknowledged + ambiguous)
        if logEvents < Int64(acknowledged) || logEvents > most {
            problems.append("the log holds \(logEvents) events; \(acknowledged) were acknowledged")
        }
        for row in rows where row.figures.accepted != logEvents {
            problems.append(
                "\(row.figures.name): answers for \(row.figures.accepted) of \(logEvents) events in the log")
        }
        if ambiguous == 0 {
            for row in rows where row.figures.rejected != Int64(row.rejectionsDue) {
                problems.append(
                    "\(row.figures.name): \(row.figures.rejected) rejected, \(row.rejectionsDue) expected")
            }
        }
        if let duplicates, duplicates != Int64(resent) {
            problems.append("\(duplicates) duplicates were recognized; \(resent) events were sent twice")
        }
        if unexpectedAnswers != 0 {
            problems.append(
                "\(unexpectedAnswers) answers were unexpected, such as: "
                    + (unexpectedSamples.first ?? ""))
        }
        if isTruncated { problems.append("there were too many events to compare every id") }
        return problems
    }

    package var isClean: Bool { problems.isEmpty }
}
