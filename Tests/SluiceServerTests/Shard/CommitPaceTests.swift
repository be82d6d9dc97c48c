import Testing

@testable import SluiceServer

@Suite struct CommitPaceTests {
    private static let limit = CommitPace.gatherMicroseconds

    @Test func `a block may gather for a while from its first event on`() {
        var pace = CommitPace()
        pace.gather(at: 1_000_000)
        pace.gather(at: 1_000_400)
        #expect(pace.mayGather(now: 1_000_000))
        #expect(pace.mayGather(now: 1_000_000 + Self.limit - 1))
        #expect(!pace.mayGather(now: 1_000_000 + Self.limit))
    }

    @Test func `the next block begins anew`() {
        var pace = CommitPace()
        pace.gather(at: 1_000_000)
        pace.handOver()
        #expect(pace.mayGather(now: 9_000_000))
        pace.gather(at: 9_000_000)
        #expect(pace.mayGather(now: 9_000_000 + Self.limit - 1))
        #expect(!pace.mayGather(now: 9_000_000 + Self.limit))
    }

    @Test func `a clock that lags is no reason to commit at once`() {
        var pace = CommitPace()
        pace.gather(at: 5_000_000)
        // Another processor's clock may be a little behind.
        #expect(pace.mayGather(now: 4_999_999))
    }
}
