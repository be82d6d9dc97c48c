import SluiceCore
import SluiceLog

/// One destination's book of one hour: what the log took in that hour, by what became of it.
package struct HourBook: Sendable, Equatable, Codable {
    package var destination = ""
    /// When the hour began, RFC 3339.
    package var hour = ""
    /// Events in the blocks whose first event was received in the hour, as far as they were ever due here.
    package var accepted: Int64 = 0
    package var delivered: Int64 = 0
    package var rejected: Int64 = 0
    package var parked: Int64 = 0
    package var expired: Int64 = 0
    package var filtered: Int64 = 0
    /// At the cursor or behind it.
    package var pending: Int64 = 0
    /// Passed before outcomes were kept by block: one of the above, it is not known which.
    package var unrecorded: Int64 = 0
    package var balanced = true

    package init() {}

    private mutating func add(_ counts: OutcomeCounts) {
        delivered += counts.delivered
        rejected += counts.rejected
        parked += counts.parked
        expired += counts.expired
        filtered += counts.filtered
    }

    /// The books of the hours there are, in the order of destinations, and of time within each.
    ///
    /// The log is one side of the book, by the rows of its blocks; the state file is the other. Where retention
    /// has taken blocks of an hour, the record is all that is left of them, and counts on both sides.
    ///
    /// - Parameter names: destinations that have books.
    package static func make(
        _ outcomes: OutcomesByHour, log: LogHours.Picture, names: [String]
    ) -> [HourBook] {
        names.flatMap { name -> [HourBook] in
            guard let cursor = outcomes.cursors.first(where: { $0.destination == name }) else { return [] }
            let sums = outcomes.sums[name] ?? [:]
            return Set(log.ranges.keys).union(sums.keys).sorted().compactMap { hour in
                let book = HourBook(
                    cursor, hour, log, sums[hour] ?? OutcomeCounts(),
                    unplaced: outcomes.unplaced.filter { $0.destination == name },
                    early: outcomes.early.filter { $0.destination == name && $0.hour == hour })
                return book.accepted == 0 && book.balanced ? nil : book
            }
        }
    }

    private init(
        _ cursor: Cursor, _ hour: Int64, _ log: LogHours.Picture, _ counts: OutcomeCounts,
        unplaced: [BlockOutcome], early: [BlockOutcome]
    ) {
        destination = cursor.destination
        self.hour = WallTime.text(hour)
        let ranges = log.ranges[hour] ?? []
        func overlap(_ first: Int64, _ end: Int64) -> Int64 {
            ranges.reduce(0) { $0 + max(0, min($1.upperBound, end) - max($1.lowerBound, first)) }
        }
        accepted = overlap(cursor.startEvent, Int64.max)
        pending = overlap(cursor.startEvent + cursor.counts.total, Int64.max)
        add(counts)
        for run in unplaced {
            let events = overlap(run.firstEvent, run.endEvent)
            // All of one kind, as what was lost: then it is known after all.
            if let only = Outcome.allCases.first(where: { run.counts[$0] == run.eventCount }) {
                var counts = OutcomeCounts()
                counts[only] = events
                add(counts)
            } else {
                unrecorded += events
            }
        }
        for run in early { accepted += max(0, min(run.endEvent, log.firstEvent) - run.firstEvent) }
        balanced = accepted == delivered + rejected + parked + expired + filtered + pending + unrecorded
    }
}
