import Testing

@testable import SluiceLog

/// The figures of a backoff, copied out because `#expect` cannot hold what cannot be copied.
private struct Figures: Equatable {
    var isFailing: Bool
    var mayTry: Bool
    var millisecondsLeft: Int

    init(_ backoff: borrowing CommitBackoff, now: Int64) {
        isFailing = backoff.isFailing
        mayTry = backoff.mayTry(now: now)
        millisecondsLeft = backoff.millisecondsLeft(now: now)
    }

    init(isFailing: Bool, mayTry: Bool, millisecondsLeft: Int) {
        self.isFailing = isFailing
        self.mayTry = mayTry
        self.millisecondsLeft = millisecondsLeft
    }
}

@Suite struct CommitBackoffTests {
    @Test func waitsTwiceAsLongEachTime() {
        let well = Figures(isFailing: false, mayTry: true, millisecondsLeft: 0)
        var backoff = CommitBackoff()
        var figures = Figures(backoff, now: 0)
        #expect(figures == well)
        var now: Int64 = 1_000_000
        for delay in [100, 200, 400, 800, 1600, 3200, 5000, 5000] as [Int64] {
            backoff.failed(now: now)
            figures = Figures(backoff, now: now)
            #expect(figures == Figures(isFailing: true, mayTry: false, millisecondsLeft: Int(delay)))
            figures = Figures(backoff, now: now + delay * 1000 - 1)
            #expect(figures == Figures(isFailing: true, mayTry: false, millisecondsLeft: 1))
            now += delay * 1000
            figures = Figures(backoff, now: now)
            #expect(figures == Figures(isFailing: true, mayTry: true, millisecondsLeft: 0))
        }
        backoff.succeeded()
        figures = Figures(backoff, now: now)
        #expect(figures == well)
    }

    @Test func tellsSendersHowLongTheTroubleMayLast() {
        var backoff = CommitBackoff()
        var told: [Int] = []
        for now in [0, 7_500_000, 3_600_000_000] as [Int64] {
            backoff.failed(now: now)
            told.append(backoff.retryAfterSeconds(now: now))
        }
        #expect(told == [1, 8, 30])
    }
}
