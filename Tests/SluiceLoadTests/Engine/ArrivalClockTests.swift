import SluiceLoad
import Testing

@Suite struct ArrivalClockTests {
    private func times(_ clock: ArrivalClock, until end: Int64) -> [Int64] {
        var clock = clock
        var times: [Int64] = []
        while clock.next < end {
            times.append(clock.next)
            clock.advance()
        }
        return times
    }

    private func clock(
        _ rate: LoadRate, _ arrival: Arrival, share: Int = 0, of shares: Int = 1, seed: UInt64 = 1
    ) -> ArrivalClock {
        ArrivalClock(
            rate, arrival: arrival, share: share, of: shares, rampStart: 0, rampEnd: 10_000_000_000, seed: seed)
    }

    @Test func `equal gaps are equal, and several clocks take turns`() {
        let times = times(clock(.fixed(1000), .constant), until: 1_000_000_000)
        #expect(times.count == 1000)
        #expect(zip(times, times.dropFirst()).allSatisfy { abs($1 - $0 - 1_000_000) <= 1 })
        let shares = (0..<4).map { self.times(clock(.fixed(1000), .constant, share: $0, of: 4), until: 1_000_000_000) }
        #expect(Set(shares.joined()).count == 1000)
    }

    @Test func `Poisson gaps have the rate's mean, and vary as much as their mean`() {
        let times = times(clock(.fixed(10_000), .poisson), until: 10_000_000_000)
        // 100,000 are expected; their number varies by 316.
        #expect((98_000...102_000).contains(times.count))
        let gaps = zip(times, times.dropFirst()).map { Double($1 - $0) }
        let mean = gaps.reduce(0, +) / Double(gaps.count)
        let variance = gaps.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / Double(gaps.count)
        #expect((0.95...1.05).contains(variance.squareRoot() / mean))
        #expect(gaps.allSatisfy { $0 >= 0 })
    }

    @Test func `a ramp sends as many as the mean of both ends`() {
        let times = times(clock(.ramp(from: 100, to: 1900), .constant), until: 10_000_000_000)
        #expect((9900...10_100).contains(times.count))
        let firstHalf = times.count { $0 < 5_000_000_000 }
        #expect((2600...2900).contains(firstHalf))
    }

    /// At the rate of its beginning the first one would be due after the ramp's end.
    @Test(arguments: [Arrival.constant, .poisson]) func `a ramp from nearly nothing rises`(arrival: Arrival) {
        for seed in 1...4 as ClosedRange<UInt64> {
            let times = times(clock(.ramp(from: 0.01, to: 2000), arrival, seed: seed), until: 10_000_000_000)
            #expect((9500...10_500).contains(times.count))
            #expect(zip(times, times.dropFirst()).allSatisfy { $0 <= $1 })
        }
    }

    @Test func `a ramp down falls, and goes on at its end`() {
        let times = times(clock(.ramp(from: 1900, to: 100), .constant), until: 20_000_000_000)
        #expect((9900...10_100).contains(times.count { $0 < 10_000_000_000 }))
        #expect((990...1010).contains(times.count { $0 >= 10_000_000_000 }))
    }

    @Test func `other seeds are due at other times`() {
        #expect(clock(.fixed(10), .poisson, seed: 1).next != clock(.fixed(10), .poisson, seed: 2).next)
    }
}
