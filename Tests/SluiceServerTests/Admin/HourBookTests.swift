import SluiceCore
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
        #expect(books.allSatisfy(\.balanced))
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
        #expect(books.allSatisfy(\.balanced))
    }

    @Test func whatRetentionTookCountsOnBothSides() {
        let log = LogHours.Picture(ranges: [hour: [30..<50]], firstEvent: 30)
        var given = outcomes(counts(delivered: 50), [hour: counts(delivered: 50)])
        given.early = [run(0, counts(delivered: 50), hour: hour)]
        let books = HourBook.make(given, log: log, names: ["d"])
        #expect(books.map(\.accepted) == [50] && books[0].balanced)
    }
}
