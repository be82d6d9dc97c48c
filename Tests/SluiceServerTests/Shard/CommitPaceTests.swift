import Testing

@testable import SluiceServer

@Suite struct CommitPaceTests {
    private func pace(events: Int?, tookMicroseconds: Int64) -> CommitPace {
        var pace = CommitPace()
        pace.handOver(now: 1_000_000)
        pace.comeBack(events: events, now: 1_000_000 + tookMicroseconds)
        return pace
    }

    @Test func `nothing waits at first, nor after a small block`() {
        #expect(CommitPace().wait(now: 5) == 0)
        let pace = pace(events: CommitPace.eventsLeast - 1, tookMicroseconds: 700)
        #expect(!pace.isOn && pace.wait(now: 1_000_700) == 0)
    }

    @Test func `after a large block the next waits as long as its commit took`() {
        let pace = pace(events: CommitPace.eventsLeast, tookMicroseconds: 700)
        #expect(pace.wait(now: 1_000_700) == 700)
        #expect(pace.wait(now: 1_001_300) == 100)
        #expect(pace.wait(now: 1_001_400) == 0)
        #expect(pace.wait(now: 9_000_000) == 0)
    }

    @Test func `a slow disk is not waited for twice`() {
        let pace = pace(events: 1000, tookMicroseconds: 80_000)
        #expect(pace.wait(now: 1_080_000) == CommitPace.longestMicroseconds)
    }

    @Test func `nothing waits while commits fail`() {
        #expect(pace(events: nil, tookMicroseconds: 80_000).wait(now: 1_080_000) == 0)
    }

    @Test func `a clock that stands makes nothing wait`() {
        #expect(pace(events: 1000, tookMicroseconds: 0).wait(now: 1_000_000) == 0)
        #expect(pace(events: 1000, tookMicroseconds: -5).wait(now: 1_000_000) == 0)
    }
}
