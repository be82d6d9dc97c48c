import SluiceLog
import SluiceServer
import Testing

@Suite struct ReceiptDeskTests {
    private func destination(_ name: String, _ change: (inout DestinationSettings) -> Void = { _ in })
        -> DestinationSettings
    {
        // Nobody listens on port 1.
        var settings = DestinationSettings(
            name: name, platform: .webhook,
            url: WebAddress(scheme: "http", host: "127.0.0.1", port: 1, path: "/"))
        change(&settings)
        return settings
    }

    private func query(_ id: String) -> EventQuery { EventQuery(id: Array(id.utf8)) }

    @Test func whatIsPendingFilteredAndNotDueIsToldApart() throws {
        let folder = try TemporaryFolder()
        let down = destination("down")
        let purchases = destination("purchases") { $0.events = [.purchase] }
        let first = try PipelineTests.make(folder) { $0.destinations = [down, purchases] }
        let desk = ReceiptDesk(first)
        first.start()
        let client = try EdgeClient(port: try #require(first.addresses.first).port)
        #expect(try client.ask(post("/v1/events", click("c-1"))).status == 202)
        func outcomes(_ desk: ReceiptDesk) throws -> [DestinationReceipt] {
            try desk.receipts(query("c-1")).first?.receipt.destinations ?? []
        }
        // Tried in vain, again and again.
        let isTried = eventually {
            guard let down = try? outcomes(desk).first else { return false }
            return down.attempts ?? 0 >= 2 && down.stage == .waiting
        }
        #expect(isTried)
        let live = try outcomes(desk)
        #expect(live.map(\.destination) == ["down", "purchases"])
        #expect(live[0].outcome == .pending && live[0].lagEvents == 1 && live[0].status == nil)
        #expect(live[0].reason?.isEmpty == false && live[0].url == "http://127.0.0.1:1/")
        #expect(live[0].firstAttemptAt != nil && live[0].lastAttemptAt != nil)
        #expect(live[1].outcome == .filtered)
        #expect(try desk.receipts(query("c-2")).isEmpty)
        first.stop()

        // Where no gateway runs, the record alone speaks.
        let rest = try ReceiptDesk(folder: folder.path + "/data", destinations: ["down", "new"])
        let recorded = try outcomes(rest)
        #expect(recorded.map(\.destination) == ["down", "new", "purchases"])
        #expect(recorded.map(\.outcome) == [.pending, .pending, .filtered])
        #expect(recorded[0].attempts == nil && recorded[1].reason == "the destination has no cursor yet")

        // A destination that comes later has nothing to do with it.
        let second = try PipelineTests.make(folder) { $0.destinations = [down, destination("late")] }
        let again = ReceiptDesk(second)
        second.start()
        defer { second.stop() }
        let late = try #require(try outcomes(again).first { $0.destination == "late" })
        #expect(late.outcome == .notDue && late.reason == "it was received before this destination began")
    }
}
