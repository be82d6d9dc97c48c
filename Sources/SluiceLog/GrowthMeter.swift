import Synchronization

/// How fast the log grows, over a sliding window of at most an hour.
///
/// Written by the log thread, read by any. Holds one sample for every ten seconds.
package final class GrowthMeter: Sendable {
    static let intervalMicroseconds: Int64 = 10_000_000
    static let samplesMax = 361

    package struct Growth: Sendable, Equatable {
        package var bytesPerHour: Double
        /// How long it has been measured; the figure means little while this is short.
        package var measuredSeconds: Double
    }

    private struct Sample {
        var time: Int64
        var bytes: Int64
    }

    private let samples = Mutex<[Sample]>([])

    package init() {}

    /// - Parameters:
    ///   - bytes: everything the log has ever taken on disk, what was given up since included.
    ///   - microseconds: on a clock that never goes back.
    package func note(bytes: Int64, now microseconds: Int64) {
        samples.withLock { samples in
            if let last = samples.last, microseconds - last.time < GrowthMeter.intervalMicroseconds { return }
            if samples.count == GrowthMeter.samplesMax { samples.removeFirst() }
            samples.append(Sample(time: microseconds, bytes: bytes))
        }
    }

    /// Nil until there are two samples.
    package var growth: Growth? {
        samples.withLock { samples in
            guard let first = samples.first, let last = samples.last, last.time > first.time else { return nil }
            let seconds = Double(last.time - first.time) / 1_000_000
            return Growth(
                bytesPerHour: Double(max(0, last.bytes - first.bytes)) / seconds * 3600,
                measuredSeconds: seconds)
        }
    }
}
