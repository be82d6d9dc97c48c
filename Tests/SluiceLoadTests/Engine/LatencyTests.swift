import SluiceLoad
import Testing

@Suite struct LatencyTests {
    @Test func `percentiles have three digits`() {
        var latency = Latency()
        for value in 1...10_000 { latency.record(nanoseconds: Int64(value) * 1000) }
        #expect(abs(latency.milliseconds(atPercentile: 50) - 5) < 0.01)
        #expect(abs(latency.milliseconds(atPercentile: 99) - 9.9) < 0.02)
        #expect(abs(latency.maxMilliseconds - 10) < 0.02)
        #expect(latency.count == 10_000)
    }

    @Test func `correction adds what a stall kept from being sent`() {
        // 990 answers in 1 ms, then one that took a second: at one a millisecond, a thousand were omitted.
        var latency = Latency()
        for _ in 0..<990 { latency.record(nanoseconds: 1_000_000) }
        latency.record(nanoseconds: 1_000_000_000)
        #expect(latency.milliseconds(atPercentile: 99) < 1.1)
        let corrected = latency.corrected(interval: 1_000_000)
        #expect((1980...2000).contains(corrected.count))
        #expect((0.97...0.99).contains(corrected.milliseconds(atPercentile: 99) / 1000))
        #expect((0.48...0.52).contains(corrected.milliseconds(atPercentile: 75) / 1000))
    }

    @Test func `nothing to correct is left alone`() {
        #expect(Latency().corrected(interval: 1000).count == 0)
        var latency = Latency()
        latency.record(nanoseconds: -5)
        latency.record(nanoseconds: .max)
        #expect(latency.corrected(interval: 0).count == 2)
    }
}
