import SluiceServer
import Testing

@Suite struct HistogramTests {
    @Test func observationsFallIntoTheirBuckets() {
        let histogram = DurationHistogram()
        let bounds = DurationHistogram.boundsMicroseconds
        #expect(bounds == bounds.sorted())
        for bound in bounds { histogram.observe(microseconds: bound) }
        histogram.observe(microseconds: -5)
        histogram.observe(microseconds: 51, count: 3)
        histogram.observe(microseconds: bounds[bounds.count - 1] + 1)
        var expected = Array(repeating: 1, count: bounds.count + 1)
        expected[0] += 1
        expected[1] += 3
        let snapshot = histogram.snapshot
        #expect(snapshot.counts == expected)
        #expect(snapshot.count == bounds.count + 5)
        let sum = bounds.reduce(0, +) + 153 + bounds[bounds.count - 1] + 1
        #expect(abs(snapshot.sumSeconds - Double(sum) / 1_000_000) < 1e-6)
    }

    @Test func quantilesLieWithinTheirBucket() {
        #expect(HistogramSnapshot(boundsSeconds: [1], counts: [0, 0], sumSeconds: 0).quantile(0.5) == nil)
        let snapshot = HistogramSnapshot(boundsSeconds: [1, 2, 4], counts: [0, 10, 0, 0], sumSeconds: 15)
        #expect(snapshot.quantile(0.5) == 1.5)
        #expect(snapshot.quantile(1) == 2)
        #expect(snapshot.quantile(0) == 1)
        #expect(HistogramSnapshot(boundsSeconds: [1], counts: [1, 99], sumSeconds: 0).quantile(0.99) == 1)
    }

    @Test func snapshotsAreMerged() {
        var one = HistogramSnapshot(boundsSeconds: [1], counts: [1, 2], sumSeconds: 3)
        one.merge(HistogramSnapshot(boundsSeconds: [1], counts: [10, 20], sumSeconds: 30))
        #expect(one == HistogramSnapshot(boundsSeconds: [1], counts: [11, 22], sumSeconds: 33))
    }
}

@Suite struct CountersTests {
    @Test func aReaderSeesWhatTheOwnerCounted() async {
        let counters = CounterArray(count: 2)
        let owner = Task { for _ in 0..<10_000 { counters.add(2, at: 1) } }
        var last = 0
        while last < 20_000, !Task.isCancelled {
            let now = counters[1]
            #expect(now >= last)
            last = now
            await Task.yield()
        }
        await owner.value
        #expect(counters[1] == 20_000)
        #expect(counters[0] == 0)
    }
}
