import SluiceCore
import SluiceSimulator
import Testing

@Suite struct BooksTests {
    private static func figures(
        _ name: String, accepted: Int64 = 10, delivered: Int64 = 8, rejected: Int64 = 1,
        filtered: Int64 = 1, pending: Int64 = 0
    ) -> DestinationFigures {
        DestinationFigures(
            name: name, platform: "topsort", accepted: accepted, delivered: delivered,
            rejected: rejected, parked: 0, expired: 0, filtered: filtered, pending: pending,
            lagSeconds: 0, breaker: "closed", lastError: nil)
    }

    private static func books(
        _ figures: DestinationFigures = figures("t"), acknowledged: Int = 10, ambiguous: Int = 0,
        logEvents: Int64 = 10, missing: Int = 0, rejectionsDue: Int = 1, unexpected: Int = 0
    ) -> Books {
        Books(
            acknowledged: acknowledged, ambiguous: ambiguous, logEvents: logEvents,
            rows: [
                Books.Row(
                    figures: figures, due: 8, missing: missing, missingSamples: ["m"], repeats: 0,
                    refusedRequests: 0, rejectionsDue: rejectionsDue)
            ], unexpectedAnswers: unexpected, unexpectedSamples: ["sample"], isTruncated: false)
    }

    @Test func `balanced books are clean`() {
        #expect(Self.books().problems == [])
        #expect(Self.books().isClean)
        #expect(Self.books().lines.last?.hasPrefix("The books balance") == true)
        #expect(PlainJSON(Array(Self.books().json.utf8))?["balanced"] == .bool(true))
    }

    @Test(arguments: [
        (books(figures("t", delivered: 7)), "do not add up"),
        (books(figures("t", delivered: 7, pending: 1)), "1 events are pending"),
        (books(missing: 2), "2 acknowledged events never arrived, such as m"),
        (books(figures("t", accepted: 11, delivered: 9), logEvents: 11), "the log holds 11"),
        (books(acknowledged: 11), "the log holds 10"),
        (books(figures("t", accepted: 9, delivered: 7)), "answers for 9 of 10"),
        (books(rejectionsDue: 0), "1 rejected, 0 expected"),
        (books(unexpected: 3), "3 answers were unexpected, such as: sample"),
    ])
    func `whatever is wrong is named`(books: Books, words: String) {
        #expect(books.problems.contains { $0.contains(words) }, "\(books.problems)")
        #expect(!books.isClean)
        #expect(books.lines.last == "The books do not balance.")
        #expect(PlainJSON(Array(books.json.utf8))?["balanced"] == .bool(false))
    }

    @Test func `requests without an answer may be in the log`() {
        let figures = Self.figures("t", accepted: 12, delivered: 10)
        #expect(Self.books(figures, ambiguous: 2, logEvents: 12).isClean)
        #expect(!Self.books(figures, ambiguous: 1, logEvents: 12).isClean)
    }

    @Test func `too many events to compare is no clean account`() {
        var books = Self.books()
        books.isTruncated = true
        #expect(!books.isClean)
    }

    @Test func `an order has arrived when all its items have`() throws {
        var random = SplitMix64(seed: 3)
        let event = TrafficEvent(
            id: TraceID(using: &random), type: .purchase, form: .native, items: 2,
            fates: TrafficFates(kevel: .delivered))
        let ledger = TrafficLedger()
        ledger.acknowledge([event])
        let standIn = StandIn(EchoPlatform())
        func missing(after trace: String) -> Int {
            _ = standIn.respond(
                to: StandInRequest(method: "POST", path: "/", body: Array(trace.utf8)), nowMilliseconds: 0)
            let figures = Self.figures("k", accepted: 1, delivered: 1, rejected: 0, filtered: 0)
            return Books(
                figures: GatewayFigures(logEvents: 1, destinations: [figures]), totals: TrafficTotals(),
                ledger: ledger, parties: [.kevel("k", standIn)]
            ).rows[0].missing
        }
        #expect(event.kevelTraces.count == 2)
        #expect(missing(after: event.kevelTraces[0]) == 1)
        #expect(missing(after: event.kevelTraces[1]) == 0)
    }

    @Test func `ledgers are compared id by id`() throws {
        var random = SplitMix64(seed: 2)
        func event(_ fate: TrafficFate) -> TrafficEvent {
            TrafficEvent(id: TraceID(using: &random), type: .click, form: .topsort, topsort: fate)
        }
        let arrived = event(.delivered)
        let lost = event(.delivered)
        let ledger = TrafficLedger()
        ledger.acknowledge([arrived, lost, event(.filtered), event(.refused)])
        let standIn = StandIn(EchoPlatform())
        for _ in 0..<2 {
            _ = standIn.respond(
                to: StandInRequest(method: "POST", path: "/", body: Array("\(arrived.id)".utf8)),
                nowMilliseconds: 0)
        }
        var totals = TrafficTotals()
        totals.acknowledged = 4
        let books = Books(
            figures: GatewayFigures(
                logEvents: 4,
                destinations: [Self.figures("t", accepted: 4, delivered: 2, rejected: 1, filtered: 1)]),
            totals: totals, ledger: ledger, parties: [.topsort("t", standIn)])
        #expect(books.rows[0].due == 2)
        #expect(books.rows[0].missing == 1)
        #expect(books.rows[0].missingSamples == ["\(lost.id)"])
        #expect(books.rows[0].repeats == 1)
        #expect(books.rows[0].rejectionsDue == 1)
        #expect(books.problems.count == 1)
    }
}
