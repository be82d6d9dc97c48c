import SluiceLoad
import Testing

@Suite struct AcknowledgedRequestsTests {
    @Test func `what was acknowledged is known, and nothing else`() {
        var ledger = AcknowledgedRequests(eventsPerRequest: 3, keeps: true)
        let numbers = (0..<1000).map { _ in ledger.number() }
        #expect(numbers == Array(0..<1000))
        for number in numbers where number % 7 == 0 { ledger.acknowledge(number) }
        #expect(numbers.allSatisfy { ledger.isAcknowledged($0) == ($0 % 7 == 0) })
        #expect(ledger.acknowledged == 143 && ledger.numbered == 1000)
        #expect(!ledger.isAcknowledged(1_000_000))
    }

    @Test func `without a reader only the counts are kept`() {
        var ledger = AcknowledgedRequests(eventsPerRequest: 1, keeps: false)
        ledger.acknowledge(ledger.number())
        #expect(ledger.acknowledged == 1 && !ledger.isAcknowledged(0))
    }
}
