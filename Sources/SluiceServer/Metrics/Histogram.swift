/// Counts durations in fixed buckets. One thread observes, any thread reads.
package final class DurationHistogram: Sendable {
    /// Upper bounds of the buckets in microseconds, rising; one bucket more has no bound.
    package static let boundsMicroseconds: [Int] = [
        50, 100, 250, 500, 1000, 2500, 5000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000,
        2_500_000, 5_000_000, 10_000_000, 30_000_000,
    ]

    private let buckets = CounterArray(count: DurationHistogram.boundsMicroseconds.count + 1)
    private let sum = Counter()

    package init() {}

    /// Owner thread only.
    package func observe(microseconds: Int, count: Int = 1) {
        let value = max(0, microseconds)
        var index = 0
        while index < DurationHistogram.boundsMicroseconds.count,
            value > DurationHistogram.boundsMicroseconds[index]
        {
            index += 1
        }
        buckets.add(count, at: index)
        sum.add(value * count)
    }

    package var snapshot: HistogramSnapshot {
        HistogramSnapshot(
            boundsSeconds: DurationHistogram.boundsMicroseconds.map { Double($0) / 1_000_000 },
            counts: (0..<buckets.count).map { buckets[$0] }, sumSeconds: Double(sum.value) / 1_000_000)
    }
}

/// What a histogram held at one moment.
package struct HistogramSnapshot: Sendable, Equatable {
    /// Upper bounds of all buckets but the last, in seconds, rising.
    package private(set) var boundsSeconds: [Double]
    /// Observations in each bucket, not added up; one more than there are bounds.
    package private(set) var counts: [Int]
    package private(set) var sumSeconds: Double

    package init(boundsSeconds: [Double], counts: [Int], sumSeconds: Double) {
        precondition(counts.count == boundsSeconds.count + 1)
        self.boundsSeconds = boundsSeconds
        self.counts = counts
        self.sumSeconds = sumSeconds
    }

    package var count: Int { counts.reduce(0, +) }

    /// Adds what another histogram with the same bounds held.
    package mutating func merge(_ other: HistogramSnapshot) {
        precondition(boundsSeconds == other.boundsSeconds)
        for index in counts.indices { counts[index] += other.counts[index] }
        sumSeconds += other.sumSeconds
    }

    /// The value that `share` (0...1) of the observations do not exceed, in seconds, interpolated
    /// within its bucket; the largest bound where it lies above all; nil without observations.
    package func quantile(_ share: Double) -> Double? {
        let total = count
        guard total > 0 else { return nil }
        let rank = share * Double(total)
        var seen = 0
        for (index, bound) in boundsSeconds.enumerated() {
            let inBucket = counts[index]
            if inBucket > 0, Double(seen + inBucket) >= rank {
                let lower = index == 0 ? 0 : boundsSeconds[index - 1]
                return lower + (bound - lower) * max(0, rank - Double(seen)) / Double(inBucket)
            }
            seen += inBucket
        }
        return boundsSeconds.last
    }
}
