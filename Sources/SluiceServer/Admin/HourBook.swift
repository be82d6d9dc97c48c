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
    /// Those accepted whose blocks were damaged or lost. What became of them before that is above; the others are
    /// expired, once a destination has come to them.
    package var quarantined: Int64 = 0
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
    /// The log is one side of the book, by the rows of its blocks; the state file is the other. Of what the log
    /// does not have any more, the record is all that is left, and counts on both sides: where retention has taken
    /// blocks, where they were lost, and in hours that are remembered as a sum. What was given up or lost before
    /// anything was recorded of it belongs to the hour it was received in, or probably was.
    ///
    /// - Parameters:
    ///   - names: destinations that have books.
    ///   - progress: what each of them has done beyond its cursor.
    package static func make(
        _ outcomes: OutcomesByHour, log: LogHours.Picture, names: [String], progress: [String: HourProgress] = [:]
    ) -> [HourBook] {
        names.flatMap { name -> [HourBook] in
            guard let cursor = outcomes.cursors.first(where: { $0.destination == name }) else { return [] }
            let page = HourPage(cursor, outcomes, log, progress[name])
            return page.hours.sorted().compactMap { hour in
                let book = HourBook(page, hour)
                return book.accepted == 0 && book.balanced ? nil : book
            }
        }
    }

    private init(_ page: HourPage, _ hour: Int64) {
        destination = page.cursor.destination
        self.hour = WallTime.text(hour)
        let held = page.held(hour)
        let lost = page.lost[hour] ?? []
        let givenUp = page.givenUp[hour] ?? []
        let ranges = held + lost + givenUp
        let recorded = page.recordedElsewhere(hour)
        let forgotten = page.forgotten[hour] ?? OutcomeCounts()
        accepted = HourPage.count(ranges) + recorded.total + forgotten.total
        pending = HourPage.count(ranges, from: page.cursorEvent)
        // Whatever the destination has not read of it will be expired.
        let expires = HourPage.count(givenUp, from: page.readEvent)
        pending -= expires
        expired += expires
        // What has its outcome and waits only for the cursor to come by.
        let ahead = page.ahead[hour]
        pending -= ahead.total
        add(ahead)
        for lost in page.ahead.lost {
            let events = HourPage.count(ranges, from: max(lost.lowerBound, page.cursorEvent), to: lost.upperBound)
            pending -= events
            expired += events
        }
        add(page.sums[hour] ?? OutcomeCounts())
        add(forgotten)
        for run in page.unplaced {
            let events = HourPage.count(ranges, from: run.firstEvent, to: run.endEvent)
            // All of one kind, as what was lost: then it is known after all.
            if let only = Outcome.allCases.first(where: { run.counts[$0] == run.eventCount }) {
                var counts = OutcomeCounts()
                counts[only] = events
                add(counts)
            } else {
                unrecorded += events
            }
        }
        quarantined =
            HourPage.count(lost) + recorded.lost
            + HourPage.count(page.damaged[hour] ?? [], from: page.firstEvent)
        balanced =
            pending >= 0 && accepted == delivered + rejected + parked + expired + filtered + pending + unrecorded
    }
}
