import SluiceCore
import Testing

@testable import SluiceServer

@Suite struct HeldCountsTests {
    private func entry(_ ticket: UInt64, status: Int) -> HeldCounts.Entry {
        HeldCounts.Entry(ticket: ticket, platform: .native, status: status, source: 0, result: DecodeResult())
    }

    @Test func whatIsSettledComesOutOnceAndInOrder() {
        var held = HeldCounts()
        for ticket in 1...3 as ClosedRange<UInt64> {
            held.add(entry(ticket, status: Int(ticket) * 10))
            held.add(entry(ticket, status: Int(ticket) * 10 + 1))
        }
        var seen: [Int] = []
        held.settle(through: 2) { seen.append($0.status) }
        #expect(seen == [10, 11, 20, 21])
        held.add(entry(4, status: 40))
        held.settle(through: 2) { seen.append($0.status) }
        held.settle(through: 4) { seen.append($0.status) }
        #expect(seen == [10, 11, 20, 21, 30, 31, 40])
    }

    @Test func manyThatWaitAreKeptAcrossCompaction() {
        var held = HeldCounts()
        for ticket in 1...10_000 as ClosedRange<UInt64> { held.add(entry(ticket, status: Int(ticket))) }
        var sum = 0
        for ticket in stride(from: 1 as UInt64, through: 10_000, by: 7) {
            held.settle(through: ticket) { sum += $0.status }
        }
        held.settle(through: 10_000) { sum += $0.status }
        #expect(sum == 10_000 * 10_001 / 2)
    }
}
