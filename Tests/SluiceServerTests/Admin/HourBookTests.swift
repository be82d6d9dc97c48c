import SluiceCore
import SluiceDelivery
import SluiceLog
import SluiceServer
import Testing

@Suite struct HourBookTests {
    private let hour: Int64 = 1_767_322_800_000

    private func counts(delivered: Int64 = 0, expired: Int64 = 0, filtered: Int64 = 0) -> OutcomeCounts {
        var counts = OutcomeCounts()
        counts.delivered = delivered
        counts.expired = expired
        counts.filtered = filtered
        return counts
    }

    private func outcomes(start: Int64 = 0, _ counts: OutcomeCounts, _ sums: [Int64: OutcomeCounts]) -> OutcomesByHour {
        var outcomes = OutcomesByHour()
        outcomes.cursors = [
            Cursor(
                destination: "d", position: EventSequence(block: 9, index: 0), startEvent: start, counts: counts)
        ]
        outcomes.sums = ["d": sums]
        return outcomes
    }

    private func run(_ first: Int64, _ counts: OutcomeCounts, hour: Int64?) -> BlockOutcome {
        BlockOutcome(
            destination: "d", first: EventSequence(block: 1, index: 0), lastBlock: 8, firstEvent: first, hour: hour,
            counts: counts)
    }

    @Test func anHourIsBalancedByWhatTheLogHolds() {
        let later = hour + 3_600_000
        // Shards took turns at the change of the hour; 15 of 100 events have no outcome yet.
        let log = LogHours.Picture(ranges: [hour: [0..<50, 52..<54], later: [50..<52, 54..<100]], firstEvent: 0)
        var given = outcomes(
            counts(delivered: 80, filtered: 5),
            [hour: counts(delivered: 50, filtered: 2), later: counts(delivered: 30, filtered: 3)])
        var books = HourBook.make(given, log: log, names: ["d", "other"])
        #expect(books.map(\.hour) == ["2026-01-02T03:00:00.000Z", "2026-01-02T04:00:00.000Z"])
        #expect(books.map(\.accepted) == [52, 48] && books.map(\.pending) == [0, 15])
        #expect(books.allSatisfy { $0.balanced })
        given.sums["d"]?[hour]?.delivered = 49
        books = HourBook.make(given, log: log, names: ["d"])
        #expect(books.map(\.balanced) == [false, true])
        given.sums["d"]?[hour] = nil
        #expect(!HourBook.make(given, log: log, names: ["d"])[0].balanced)
    }

    @Test func whatWasNeverDueIsNotCounted() {
        let log = LogHours.Picture(ranges: [hour: [0..<50]], firstEvent: 0)
        let books = HourBook.make(
            outcomes(start: 30, counts(delivered: 20), [hour: counts(delivered: 20)]), log: log, names: ["d"])
        #expect(books.map(\.accepted) == [20] && books[0].balanced)
        #expect(HourBook.make(outcomes(start: 50, counts(), [:]), log: log, names: ["d"]).isEmpty)
    }

    @Test func runsWithoutAnHourAreFoundInTheLog() {
        let log = LogHours.Picture(ranges: [hour: [0..<50], hour + 3_600_000: [50..<80]], firstEvent: 0)
        var given = outcomes(counts(delivered: 60, expired: 20), [hour + 3_600_000: counts(delivered: 20)])
        given.unplaced = [
            run(0, counts(delivered: 30, filtered: 10), hour: nil), run(40, counts(expired: 20), hour: nil),
        ]
        let books = HourBook.make(given, log: log, names: ["d"])
        #expect(books.map(\.unrecorded) == [40, 0] && books.map(\.expired) == [10, 10])
        #expect(books.allSatisfy { $0.balanced })
    }

    /// Ten of sixty events were settled, ten more read, the next thirty given up; the log still has the last ten.
    @Test func whatWasGivenUpIsExpiredAtOnceAndCountedOnce() {
        let log = LogHours.Picture(ranges: [hour + 3_600_000: [50..<60]], firstEvent: 50)
        var given = outcomes(counts(delivered: 10), [hour: counts(delivered: 10)])
        given.early = [run(0, counts(delivered: 10), hour: hour)]
        given.givenUp = [
            GivenUpEvents(events: 0..<45, blocks: 1..<5, hour: hour),
            GivenUpEvents(events: 45..<50, blocks: 5..<6, hour: hour + 3_600_000),
        ]
        var books = HourBook.make(given, log: log, names: ["d"], progress: ["d": HourProgress(readEvent: 20)])
        #expect(books.map(\.accepted) == [45, 15] && books.map(\.expired) == [25, 5])
        #expect(books.map(\.pending) == [10, 10] && books.map(\.delivered) == [10, 0])
        #expect(books.allSatisfy { $0.balanced })
        // It has read on, and has booked them.
        given.cursors[0].counts.expired = 40
        given.unplaced = [run(10, counts(expired: 40), hour: nil)]
        books = HourBook.make(given, log: log, names: ["d"], progress: ["d": HourProgress(readEvent: 50)])
        #expect(books.map(\.expired) == [35, 5] && books.map(\.pending) == [0, 10])
        #expect(books.map(\.accepted) == [45, 15] && books.allSatisfy { $0.balanced })
        // The runs are gone, too: what is left is their sum.
        given.early = []
        given.unplaced = []
        given.sums = [:]
        given.forgotten = ["d": [hour: counts(delivered: 10, expired: 35), hour + 3_600_000: counts(expired: 5)]]
        given.forgottenEnd = ["d": 50]
        let forgotten = HourBook.make(given, log: log, names: ["d"], progress: ["d": HourProgress(readEvent: 50)])
        #expect(forgotten == books)
        given.forgotten["d"]?[hour]?.expired = 0
        given.forgottenEnd = [:]
        #expect(!HourBook.make(given, log: log, names: ["d"])[0].balanced)
    }

    /// Down for long: of sixty events the first twenty are stuck; ten of an hour were settled behind them, twenty were
    /// given up and passed, and ten more have been given up since.
    @Test func whatWasSettledBehindTheCursorIsNotPending() {
        let later = hour + 3_600_000
        let log = LogHours.Picture(ranges: [hour: [0..<30], later: [50..<60]], firstEvent: 0)
        var given = outcomes(counts(), [:])
        given.givenUp = [
            GivenUpEvents(events: 30..<45, blocks: 3..<5, hour: hour),
            GivenUpEvents(events: 45..<60, blocks: 5..<6, hour: later),
        ]
        var ahead = SettledAhead()
        ahead.add(.delivered, 8, hour: hour)
        ahead.add(.filtered, 2, hour: hour)
        ahead.addLost(30..<50)
        var progress = HourProgress(readEvent: 50, positionEvent: 0, ahead: ahead)
        var books = HourBook.make(given, log: log, names: ["d"], progress: ["d": progress])
        #expect(books.map(\.accepted) == [45, 15] && books.map(\.pending) == [20, 10])
        #expect(books.map(\.delivered) == [8, 0] && books.map(\.expired) == [15, 5])
        #expect(books.map(\.filtered) == [2, 0] && books.allSatisfy { $0.balanced })
        // More settled than there was: seen.
        ahead.add(.delivered, 30, hour: later)
        progress.ahead = ahead
        books = HourBook.make(given, log: log, names: ["d"], progress: ["d": progress])
        #expect(books.map(\.balanced) == [true, false])
        // Of a moment before the cursor's.
        given.cursors[0].counts.delivered = 10
        given.sums = ["d": [hour: counts(delivered: 10)]]
        books = HourBook.make(given, log: log, names: ["d"], progress: ["d": progress])
        #expect(books[0].delivered == 10 && books.allSatisfy { $0.balanced })
    }

    /// Of fifty events, ten are in blocks that are lost: delivered before, expired since, or not come to yet.
    @Test(arguments: [0, 1, 2])
    func whatIsQuarantinedIsAcceptedAndShown(_ settled: Int) {
        let log = LogHours.Picture(
            ranges: [hour: [0..<20, 30..<50]], lost: [hour: [20..<30]], damaged: [hour: [0..<3]], firstEvent: 0)
        var given = outcomes(counts(), [:])
        switch settled {
        case 0:
            given = outcomes(counts(delivered: 50), [hour: counts(delivered: 50)])
            given.early = [run(0, counts(delivered: 50), hour: hour)]
        case 1:
            given = outcomes(counts(delivered: 40, expired: 10), [hour: counts(delivered: 40)])
            given.unplaced = [run(20, counts(expired: 10), hour: nil)]
        default: break
        }
        let books = HourBook.make(given, log: log, names: ["d"])
        #expect(books.map(\.accepted) == [50] && books[0].balanced && books[0].quarantined == 13)
        #expect(books[0].pending == (settled == 2 ? 50 : 0) && books[0].expired == (settled == 1 ? 10 : 0))
    }

    @Test func whatRetentionTookCountsOnBothSides() {
        let log = LogHours.Picture(ranges: [hour: [30..<50]], firstEvent: 30)
        var given = outcomes(counts(delivered: 50), [hour: counts(delivered: 50)])
        given.early = [run(0, counts(delivered: 50), hour: hour)]
        let books = HourBook.make(given, log: log, names: ["d"])
        #expect(books.map(\.accepted) == [50] && books[0].balanced)
    }
}
