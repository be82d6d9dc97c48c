import Synchronization

/// Counts how long something took, in buckets whose bounds are fixed.
///
/// Written by one thread, read by any; the figures a reader sees may be one observation apart.
// @unchecked: the buckets lie behind a pointer that never changes; each is an atomic.
@safe package final class LatencyHistogram: @unchecked Sendable {
    /// Upper bounds in seconds, inclusive, as Prometheus has them; above the last is one more bucket.
    package static let boundsSeconds: [Double] = [
        0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10,
    ]
    private static let boundsMicroseconds = boundsSeconds.map { Int64($0 * 1_000_000) }

    private let buckets: UnsafeMutablePointer<Atomic<Int64>>
    private let sum = Atomic<Int64>(0)

    package init() {
        let count = LatencyHistogram.boundsSeconds.count + 1
        // Safety: freed in deinit; every bucket is initialized here.
        unsafe buckets = .allocate(capacity: count)
        for index in 0..<count { unsafe (buckets + index).initialize(to: Atomic(0)) }
    }

    deinit {
        // Safety: as many as were initialized.
        unsafe buckets.deinitialize(count: LatencyHistogram.boundsSeconds.count + 1)
        unsafe buckets.deallocate()
    }

    package func observe(microseconds: Int64) {
        let bounds = LatencyHistogram.boundsMicroseconds
        var index = 0
        while index < bounds.count, microseconds > bounds[index] { index += 1 }
        // Safety: index <= bounds.count, the last bucket.
        unsafe buckets[index].add(1, ordering: .relaxed)
        sum.add(microseconds, ordering: .relaxed)
    }

    /// Observations in each bucket, not cumulated; the last bucket has no upper bound.
    package var counts: [Int64] {
        // Safety: one bucket per bound and one more.
        (0...LatencyHistogram.boundsSeconds.count).map { unsafe buckets[$0].load(ordering: .relaxed) }
    }

    package var sumSeconds: Double { Double(sum.load(ordering: .relaxed)) / 1_000_000 }
}

/// What the log has done since it was opened. Written by the log thread, read by any.
package final class LogStats: Sendable {
    /// Transactions that reached the disk.
    package let commits = Atomic<Int64>(0)
    package let blocks = Atomic<Int64>(0)
    package let events = Atomic<Int64>(0)
    /// Bytes of events before compression.
    package let rawBytes = Atomic<Int64>(0)
    /// Bytes of events as stored.
    package let storedBytes = Atomic<Int64>(0)
    /// Groups of blocks that could not be committed.
    package let failures = Atomic<Int64>(0)
    /// Blocks handed back as failed.
    package let failedBlocks = Atomic<Int64>(0)
    package let checkpoints = Atomic<Int64>(0)
    /// Checkpoints and changes of segments that failed and will be tried again.
    package let upkeepFailures = Atomic<Int64>(0)
    /// Segments closed.
    package let sealedSegments = Atomic<Int64>(0)
    /// First block of the segment that is written to.
    package let currentSegment = Atomic<Int64>(0)
    /// Blocks that did not fit a reader's memory and will be read from the segment.
    package let recentDropped = Atomic<Int64>(0)
    /// Segments that retention gave up, and what they held.
    package let removedSegments = Atomic<Int64>(0)
    package let removedEvents = Atomic<Int64>(0)
    package let removedBytes = Atomic<Int64>(0)
    /// Those of them that somebody still needed.
    package let forcedSegments = Atomic<Int64>(0)
    /// The number behind the last block that retention gave up; 0 when it gave none up.
    package let removedBlocks = Atomic<Int64>(0)
    /// From taking a group of blocks to its fsync.
    package let commitTime = LatencyHistogram()

    /// Trouble that lasts.
    package struct Failure: Sendable {
        package var error: LogError
        /// Milliseconds since 1970 of the first failure in a row.
        package var sinceMilliseconds: Int64
    }

    private let lastFailure = Mutex<Failure?>(nil)
    private let lastUpkeepError = Mutex<LogError?>(nil)
    private let failingFlag = Atomic<Bool>(false)
    private static let incidentsMax = 256
    private let incidents = Mutex<[LogIncident]>([])

    package init() {}

    /// Whether the last attempt to commit failed: nothing can be acknowledged now.
    package var isFailing: Bool { failingFlag.load(ordering: .acquiring) }

    /// The last failure, whether or not it is over.
    package var failure: Failure? { lastFailure.withLock { $0 } }

    func noteFailure(_ error: LogError, at milliseconds: Int64) {
        let wasFailing = isFailing
        lastFailure.withLock { last in
            let since = wasFailing ? last?.sinceMilliseconds : nil
            last = Failure(error: error, sinceMilliseconds: since ?? milliseconds)
        }
        failingFlag.store(true, ordering: .releasing)
    }

    /// A checkpoint or a change of segments that failed: commits go on, so it is only kept to be told.
    func noteUpkeepFailure(_ error: LogError) {
        upkeepFailures.add(1, ordering: .relaxed)
        lastUpkeepError.withLock { $0 = error }
    }

    /// Why a checkpoint or a change of segments failed last; nil when none did.
    package var upkeepFailure: LogError? { lastUpkeepError.withLock { $0 } }

    func note(_ incident: LogIncident) {
        if case .removed(let removal) = incident {
            removedBlocks.store(removal.blocks.upperBound, ordering: .relaxed)
            removedSegments.add(1, ordering: .relaxed)
            removedEvents.add(removal.events ?? 0, ordering: .relaxed)
            removedBytes.add(removal.bytes, ordering: .relaxed)
            if !removal.neededBy.isEmpty { forcedSegments.add(1, ordering: .relaxed) }
        }
        // Nobody fetches them where there is no gateway around the log.
        incidents.withLock { if $0.count < LogStats.incidentsMax { $0.append(incident) } }
    }

    /// What has happened since the last call, for the gateway's log. Any thread.
    package func takeIncidents() -> [LogIncident] {
        incidents.withLock { list in
            defer { list = [] }
            return list
        }
    }

    func noteRecovery() {
        // Read first: the flag's cache line stays shared while all is well.
        if isFailing { failingFlag.store(false, ordering: .releasing) }
    }
}
