import Histogram

/// Latencies in nanoseconds: three significant digits, or two, up to an hour.
package struct Latency: Sendable {
    private var histogram: Histogram<UInt64>

    package static let nanosecondsMax: UInt64 = 3_600_000_000_000

    /// - Parameter isCoarse: two digits, a tenth of the memory: adding three-digit ones takes milliseconds.
    package init(isCoarse: Bool = false) {
        histogram = Histogram<UInt64>(
            lowestDiscernibleValue: 64, highestTrackableValue: Latency.nanosecondsMax,
            numberOfSignificantValueDigits: isCoarse ? .two : .three)
    }

    package var count: Int { Int(histogram.totalCount) }

    /// What is beyond an hour counts as an hour.
    @inline(__always)
    package mutating func record(nanoseconds: Int64) {
        histogram.record(min(UInt64(max(nanoseconds, 0)), Self.nanosecondsMax))
    }

    package mutating func add(_ other: Latency) {
        if other.count > 0 { histogram.add(other.histogram) }
    }

    package mutating func reset() { histogram.reset() }

    package func milliseconds(atPercentile percentile: Double) -> Double {
        count == 0 ? 0 : Double(histogram.valueAtPercentile(percentile)) / 1e6
    }

    package var maxMilliseconds: Double { count == 0 ? 0 : Double(histogram.maxRecorded) / 1e6 }
    package var meanMilliseconds: Double { count == 0 ? 0 : histogram.mean / 1e6 }

    /// How the same server would have looked to senders that do not wait for each other.
    ///
    /// In a closed loop a connection that waits for one slow answer does not send what it would have sent
    /// meanwhile, so slow moments count too little ("coordinated omission"). For each latency beyond the
    /// `interval` at which a connection otherwise sends, HdrHistogram's correction adds those that the
    /// omitted requests would have seen: `latency - interval`, `latency - 2 * interval`, and so on.
    package func corrected(interval nanoseconds: Int64) -> Latency {
        guard count > 0, nanoseconds > 0 else { return self }
        var result = Latency()
        for value in histogram.recordedValues() {
            result.histogram.recordCorrectedValue(
                min(value.value, Self.nanosecondsMax), count: value.count, expectedInterval: UInt64(nanoseconds))
        }
        return result
    }

    /// In nanoseconds.
    package var median: Int64 { count == 0 ? 0 : Int64(histogram.valueAtPercentile(50)) }
}
