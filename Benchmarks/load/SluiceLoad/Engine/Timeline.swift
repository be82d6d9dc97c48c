import Synchronization

/// One second of a run.
package struct LoadSecond: Sendable, Equatable {
    /// Since the measured time began.
    package var second: Int
    package var requests: Int
    package var errors: Int
    package var p50Milliseconds: Double
    package var p99Milliseconds: Double
    package var maxMilliseconds: Double
}

/// What happened in each second, gathered from all threads.
///
/// A second's latencies are kept until every thread is past it; then only its figures are. Any thread.
final class Timeline: Sendable {
    private struct Open {
        var latency = Latency(isCoarse: true)
        var requests = 0
        var errors = 0
        var threads = 0
    }

    private struct State {
        var open: [Int: Open] = [:]
        var closed: [LoadSecond] = []
    }

    private let state = Mutex(State())
    private let threads: Int

    init(threads: Int) { self.threads = threads }

    /// What one thread saw of a second; each thread says so once for each of its seconds, in their order. While it does,
    /// it sends nothing, and what it measures waits: `latency` is coarse.
    func add(second: Int, latency: Latency, requests: Int, errors: Int) {
        state.withLock { state in
            var entry = state.open[second] ?? Open()
            entry.latency.add(latency)
            entry.requests += requests
            entry.errors += errors
            entry.threads += 1
            state.open[second] = entry.threads < threads ? entry : nil
            if entry.threads == threads { state.closed.append(Self.figures(second, entry)) }
        }
    }

    /// The seconds that are over, in their order, from `first` on.
    func seconds(from first: Int = 0) -> [LoadSecond] {
        state.withLock { state in
            state.closed.filter { $0.second >= first }.sorted { $0.second < $1.second }
        }
    }

    private static func figures(_ second: Int, _ entry: Open) -> LoadSecond {
        LoadSecond(
            second: second, requests: entry.requests, errors: entry.errors,
            p50Milliseconds: entry.latency.milliseconds(atPercentile: 50),
            p99Milliseconds: entry.latency.milliseconds(atPercentile: 99),
            maxMilliseconds: entry.latency.maxMilliseconds)
    }
}
