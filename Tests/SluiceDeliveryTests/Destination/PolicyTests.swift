import SluiceCore
import SluiceDelivery
import Testing

@Suite struct RetryPolicyTests {
    @Test func theCeilingDoublesUpToTheCap() {
        var policy = RetryPolicy()
        policy.baseMilliseconds = 100
        policy.capMilliseconds = 1000
        #expect((1...6).map { policy.ceiling(attempts: $0) } == [100, 200, 400, 800, 1000, 1000])
        #expect(policy.ceiling(attempts: 1_000_000) == 1000)
        #expect(policy.ceiling(attempts: 0) == 100)
    }

    @Test func jitterUsesTheWholeInterval() {
        var policy = RetryPolicy()
        policy.baseMilliseconds = 1000
        var random = SplitMix64(seed: 7)
        let delays = (0..<2000).map { _ in policy.delay(attempts: 1, using: &random) }
        #expect(delays.allSatisfy { (1...1000).contains($0) })
        #expect(delays.min()! < 50 && delays.max()! > 950)
    }

    @Test func retryAfterIsBounded() {
        let policy = RetryPolicy()
        #expect(policy.bounded(retryAfterSeconds: nil) == 0)
        #expect(policy.bounded(retryAfterSeconds: -5) == 0)
        #expect(policy.bounded(retryAfterSeconds: 7) == 7000)
        #expect(policy.bounded(retryAfterSeconds: .max) == policy.retryAfterMaxMilliseconds)
    }
}

@Suite struct RetryAfterTests {
    // 2026-01-02T03:04:05Z
    private let wall: Int64 = 1_767_323_045_000

    @Test func readsSecondsAndDates() {
        #expect(RetryAfter.seconds("120", wallMilliseconds: wall) == 120)
        #expect(RetryAfter.seconds(" 0", wallMilliseconds: wall) == 0)
        #expect(RetryAfter.seconds("99999999999999999999", wallMilliseconds: wall) == .max)
        #expect(RetryAfter.seconds("Fri, 02 Jan 2026 03:05:05 GMT", wallMilliseconds: wall) == 60)
        #expect(RetryAfter.seconds("Sun, 06 Nov 1994 08:49:37 GMT", wallMilliseconds: wall) == 0)
        #expect(RetryAfter.seconds("Sun, 06 Nov 1994 08:49:37 GMT", wallMilliseconds: 784_111_700_000) == 77)
        #expect(
            RetryAfter.seconds("Sat, 29 Feb 2028 00:00:00 GMT", wallMilliseconds: 1_835_395_140_000) == 60)
    }

    @Test(arguments: [
        "", "soon", "-1", "1.5", "Fri, 32 Jan 2026 03:05:05 GMT", "Fri, 02 Foo 2026 03:05:05 GMT",
        "Fri, 02 Jan 2026 03:05 GMT", "Fri, 02 Jan 2026 24:05:05 GMT", "Fri, 02 Jan 2026 03:05:05 CET",
        "Friday, 02-Jan-26 03:05:05 GMT", "Fri, 02 Jan 99999999999 03:05:05 GMT",
    ])
    func anythingElseIsNoWait(_ value: String) {
        #expect(RetryAfter.seconds(value, wallMilliseconds: wall) == nil)
    }
}

@Suite struct BreakerTests {
    private var policy: RetryPolicy {
        var policy = RetryPolicy()
        policy.baseMilliseconds = 100
        return policy
    }

    @Test func opensAfterConsecutiveFailuresOnly() {
        var breaker = Breaker(threshold: 3, policy: policy)
        var random = SplitMix64(seed: 1)
        for _ in 0..<5 {
            _ = breaker.failed(wasProbe: false, now: 0, using: &random)
            _ = breaker.failed(wasProbe: false, now: 0, using: &random)
            _ = breaker.succeeded()
        }
        #expect(breaker.state == .closed)
        for failure in 1...3 {
            #expect(breaker.failed(wasProbe: false, now: 0, using: &random) == (failure == 3))
        }
        #expect(breaker.state == .open)
        #expect(breaker.allows(0) == false)
    }

    @Test func letsOneProbeThroughUntilSuccess() {
        var breaker = Breaker(threshold: 1, policy: policy)
        var random = SplitMix64(seed: 1)
        #expect(breaker.failed(wasProbe: false, now: 0, using: &random) == true)
        let due = breaker.allowsAt!
        #expect(due > 0 && due <= 100)
        #expect(breaker.allows(due) == true)
        #expect(breaker.started() == true)
        #expect(breaker.allows(due + 1_000_000) == false)
        #expect(breaker.allowsAt == nil)
        // Late failures of requests from before change nothing.
        #expect(breaker.failed(wasProbe: false, now: due, using: &random) == false)
        #expect(breaker.state == .probing)
        #expect(breaker.failed(wasProbe: true, now: due, using: &random) == true)
        #expect(breaker.state == .open)
        #expect(breaker.allows(breaker.allowsAt!) == true)
        #expect(breaker.started() == true)
        #expect(breaker.succeeded() == true)
        #expect(breaker.state == .closed && breaker.failures == 0 && breaker.allows(0))
        #expect(breaker.started() == false)
    }

    @Test func aProbeThatOutlivesItsOutageProvesNothing() {
        var breaker = Breaker(threshold: 2, policy: policy)
        var random = SplitMix64(seed: 1)
        _ = breaker.failed(wasProbe: false, now: 0, using: &random)
        _ = breaker.failed(wasProbe: false, now: 0, using: &random)
        _ = breaker.started()
        _ = breaker.succeeded()
        #expect(breaker.failed(wasProbe: true, now: 0, using: &random) == false)
        #expect(breaker.state == .closed)
    }
}

@Suite struct RateLimiterTests {
    @Test func anHourSeesItsAmountAndNoMoreThanOneSecondsBurst() {
        var limiter = RateLimiter(DeliveryRate("1000/h"))
        var now: Int64 = 5
        var started = 0
        while now < 5 + 3_600_000 {
            now = limiter.readyAt(now)
            guard now < 5 + 3_600_000 else { break }
            limiter.take(now)
            started += 1
        }
        #expect((1000...1001).contains(started))
    }

    @Test func aPauseDoesNotSaveUpTokens() {
        var limiter = RateLimiter(DeliveryRate("10/s"))
        limiter.take(limiter.readyAt(0))
        var burst = 0
        let now: Int64 = 1_000_000_000_000
        while limiter.readyAt(now) == now {
            limiter.take(now)
            burst += 1
        }
        #expect(burst == 10)
        #expect(limiter.readyAt(now) == now + 100)
    }

    @Test func aClockThatStepsBackIsHarmless() {
        var limiter = RateLimiter(DeliveryRate("1/s"))
        limiter.take(limiter.readyAt(1000))
        #expect(limiter.readyAt(0) >= 1)
        #expect(limiter.readyAt(2000) == 2000)
    }

    @Test func withoutARateEverythingGoesAtOnce() {
        var limiter = RateLimiter(nil)
        for _ in 0..<100 { limiter.take(limiter.readyAt(0)) }
        #expect(limiter.readyAt(0) == 0)
    }
}
