import SluiceCore
import Testing

@testable import SluiceLog

@Suite struct LogStatsTests {
    @Test func countsIntoTheRightBucket() {
        let histogram = LatencyHistogram()
        histogram.observe(microseconds: 100)  // on the first bound: inclusive
        histogram.observe(microseconds: 101)
        histogram.observe(microseconds: 10_000_001)
        let counts = histogram.counts
        #expect(counts.count == LatencyHistogram.boundsSeconds.count + 1)
        #expect(counts[0] == 1)
        #expect(counts[1] == 1)
        #expect(counts.last == 1)
        #expect(counts.reduce(0, +) == 3)
        #expect(abs(histogram.sumSeconds - 10.000202) < 1e-9)
    }

    @Test func remembersWhenTroubleBegan() {
        let stats = LogStats()
        #expect(!stats.isFailing)
        stats.noteFailure(.diskFull(path: "a"), at: 1000)
        stats.noteFailure(.busy(path: "b"), at: 2000)
        #expect(stats.isFailing)
        #expect(stats.failure?.error == .busy(path: "b"))
        #expect(stats.failure?.sinceMilliseconds == 1000)
        stats.noteRecovery()
        #expect(!stats.isFailing)
        #expect(stats.failure?.error == .busy(path: "b"))
        stats.noteFailure(.busy(path: "c"), at: 9000)
        #expect(stats.failure?.sinceMilliseconds == 9000)
    }
}
