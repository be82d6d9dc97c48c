import SluiceCore
import SluiceIO

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// What a stretch of load came to.
package struct StretchResult: Sendable {
    package let plan: LoadPlan
    package var figures: LoadFigures
    /// Measured; shorter than planned when it was ended early.
    package var seconds: Double
    package var timeline: [LoadSecond]
    /// CPU time of this process from the beginning of the warm-up to the last answer, in seconds.
    package var userCPU: Double
    package var systemCPU: Double

    package var requestsPerSecond: Double { seconds > 0 ? Double(figures.requestsInTime) / seconds : 0 }
    package var eventsPerSecond: Double { seconds > 0 ? Double(figures.eventsInTime) / seconds : 0 }

    /// With coordinated omission corrected; see ``Latency/corrected(interval:)``.
    package var latency: Latency {
        plan.rate.isOpenLoop ? figures.latency : figures.latency.corrected(interval: figures.latency.median)
    }

    /// As the generator saw it.
    package var uncorrectedLatency: Latency {
        plan.rate.isOpenLoop ? figures.latencySinceSent : figures.latency
    }
}

/// A stretch of load under way: the threads and what they share.
///
/// Owner: one thread, which calls `wait` once.
package final class LoadStretch {
    private let plan: LoadPlan
    private let shared = LoadShared()
    private let timeline: Timeline
    private let loads: [LoadThread]
    private let threads: [JoinableThread]
    private var begin: Int64?
    private let before = CPUTime.now

    /// Opens the connections.
    ///
    /// - Parameter ledgers: one for each thread; `wait` gives them back.
    package init(
        _ plan: LoadPlan, address: PeerAddress, traffic: LoadTraffic, ledgers: [AcknowledgedRequests], seed: UInt64
    ) throws(SystemError) {
        precondition(plan.problem == nil && ledgers.count == plan.threads)
        self.plan = plan
        timeline = Timeline(threads: plan.threads)
        var loads: [LoadThread] = []
        for share in 0..<plan.threads {
            loads.append(
                try LoadThread(
                    plan, share: share, address: address, templates: traffic.templates(thread: share),
                    isHead: traffic.isHead, acknowledged: ledgers[share], shared: shared, timeline: timeline,
                    seed: seed &+ UInt64(share)))
        }
        self.loads = loads
        threads = loads.enumerated().map { index, load in startThread(name: "load-\(index)") { load.run() } }
    }

    /// Begins to send once all connections are open. False until then.
    package func beginWhenReady() -> Bool {
        guard begin == nil else { return true }
        guard shared.ready.load(ordering: .acquiring) == plan.threads else { return false }
        let now = MonotonicClock.nowNanoseconds
        begin = now
        shared.beginAt.store(now, ordering: .releasing)
        return true
    }

    /// Sends no more from now on.
    package func stop() { shared.stopAt.store(MonotonicClock.nowNanoseconds, ordering: .relaxed) }

    /// Seconds since the measured time began; negative during the warm-up.
    package var elapsedSeconds: Double {
        begin.map { Double(MonotonicClock.nowNanoseconds - $0) / 1e9 - plan.warmUpSeconds } ?? -plan.warmUpSeconds
    }

    /// Whether nothing is sent any more.
    package var isOver: Bool {
        elapsedSeconds >= plan.seconds || shared.stopAt.load(ordering: .relaxed) != .max
    }

    package func seconds(from first: Int) -> [LoadSecond] { timeline.seconds(from: first) }

    /// Waits for the last answers.
    package func wait() -> (result: StretchResult, ledgers: [AcknowledgedRequests]) {
        for thread in threads { thread.join() }
        let after = CPUTime.now
        var figures = LoadFigures()
        for load in loads { figures.add(load.figures) }
        var seconds = plan.seconds
        let stopped = shared.stopAt.load(ordering: .relaxed)
        if stopped != .max {
            let measured = begin.map { Double(stopped - $0) / 1e9 - plan.warmUpSeconds } ?? 0
            seconds = min(seconds, max(0, measured))
        }
        let result = StretchResult(
            plan: plan, figures: figures, seconds: seconds,
            timeline: timeline.seconds().filter { Double($0.second) < seconds },
            userCPU: after.user - before.user, systemCPU: after.system - before.system)
        return (result, loads.map(\.acknowledged))
    }
}

/// CPU time of this process, in seconds.
struct CPUTime {
    var user: Double
    var system: Double

    static var now: CPUTime {
        var usage = rusage()
        // Safety: `usage` outlives the call.
        _ = unsafe getrusage(Int32(RUSAGE_SELF.rawValue), &usage)
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
        return CPUTime(user: seconds(usage.ru_utime), system: seconds(usage.ru_stime))
    }
}
