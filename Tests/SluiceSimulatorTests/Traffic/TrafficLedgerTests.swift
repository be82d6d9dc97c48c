import Foundation
import SluiceCore
import SluiceSimulator
import Testing

@Suite struct TrafficLedgerTests {
    private func events(_ count: Int) -> [TrafficEvent] {
        var random = SplitMix64(seed: 5)
        return (0..<count).map { index in
            TrafficEvent(
                id: TraceID(using: &random), type: index % 2 == 0 ? .click : .viewableImpression,
                form: .native, topsort: index % 2 == 0 ? .delivered : .filtered)
        }
    }

    @Test func `it is bounded, and says what it left out`() {
        let ledger = TrafficLedger(eventsMax: 3)
        ledger.acknowledge(events(2))
        ledger.acknowledge(events(2))
        #expect(ledger.count == 2)
        #expect(ledger.unlisted == 2)
    }

    @Test func `the file survives the generator`() throws {
        let path = FileManager.default.temporaryDirectory.path + "/sluice-ledger-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let all = events(5)
        do {
            let ledger = try TrafficLedger(path: path)
            ledger.acknowledge(Array(all[..<3]))
        }
        let second = try TrafficLedger(path: path)
        second.acknowledge(Array(all[3...]))
        let text = try String(contentsOfFile: path, encoding: .utf8)
        #expect(TrafficLedger.parse(text) == all)
        // A line cut short is no event.
        #expect(TrafficLedger.parse(String(text.dropLast(5))) == Array(all[..<4]))
    }

    @Test func `a folder that is not there is an error`() {
        #expect(throws: (any Error).self) { try TrafficLedger(path: "/nonexistent/ledger") }
    }
}
