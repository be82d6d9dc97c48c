import Testing

@testable import SluiceSimulator

@Suite struct DrillLedgerTests {
    private func ledger(logEvents: Int64 = 12, missing: Int = 0, log: DrillLog) -> DrillLedger {
        let figures = DestinationFigures(
            name: "warehouse", platform: "webhook", accepted: logEvents, delivered: logEvents - 2, rejected: 0,
            parked: 0, expired: 0, filtered: 2, pending: 0, lagSeconds: 0, breaker: "closed", lastError: nil)
        let row = Books.Row(
            figures: figures, due: 10, missing: missing, missingSamples: missing > 0 ? ["gone"] : [], repeats: 3,
            refusedRequests: 0, rejectionsDue: 0)
        let books = Books(
            acknowledged: 11, ambiguous: 2, logEvents: logEvents, rows: [row], unexpectedAnswers: 0,
            unexpectedSamples: [], isTruncated: false)
        var ledger = DrillLedger(drill: "crash", seed: 7, books: books, log: log)
        ledger.fresh = 20
        ledger.restarts = 4
        ledger.slowestStartMilliseconds = 250
        return ledger
    }

    private func log(events: Int = 12, missing: [String] = [], twice: [String] = []) -> DrillLog {
        var log = DrillLog()
        log.events = events
        log.once = 11 - missing.count
        log.missing = missing
        log.twice = twice
        return log
    }

    @Test func `a ledger that balances says so, to people and to machines`() throws {
        let ledger = ledger(log: log())
        #expect(ledger.problems == [])
        #expect(
            ledger.lines == [
                "ledger of drill crash, seed 7",
                "acknowledged 11: in the log exactly once 11, missing 0, in the log twice 0",
                "sent without an answer 2, of which the log holds 1; requests put off 0",
                "restarts 4, slowest until it took requests 250.0 ms", "fresh events at the end 20", "",
                "destination  due  delivered  rejected  filtered  missing  repeated",
                "warehouse     10         10         0         2        0         3", "",
                "The ledger balances: every acknowledged event is in the log once and arrived where it was due.",
            ])
        let document = try #require(PlainJSON(Array(ledger.json.utf8)))
        #expect(document["balanced"] == .bool(true) && document["log"]?["once"]?.integer == 11)
        #expect(document["destinations"]?.elements?.first?["repeated"]?.integer == 3)
    }

    @Test func `what is missing, there twice or not delivered is named`() {
        #expect(
            ledger(log: log(missing: ["a", "b"])).problems
                == ["2 events are acknowledged and not in the log, such as a"])
        #expect(ledger(log: log(twice: ["c"])).problems == ["1 events are in the log more than once, such as c"])
        #expect(
            ledger(missing: 1, log: log()).problems
                == ["warehouse: 1 acknowledged events never arrived, such as gone"])
        #expect(
            ledger(log: log(events: 13)).problems == ["the log holds 13 events; the gateway counted 12"])
    }

    @Test func `events that were put off and are in the log all the same are found`() {
        let ledger = ledger(logEvents: 14, log: log(events: 14))
        #expect(!ledger.isBalanced)
        #expect(ledger.lines.last == "The ledger does not balance.")
    }

    @Test func `without a fresh event it does not balance`() {
        var ledger = ledger(log: log())
        ledger.fresh = 0
        #expect(ledger.problems == ["no fresh event was taken at the end"])
    }
}
