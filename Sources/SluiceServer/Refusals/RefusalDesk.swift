import SluiceCore
import SluiceIO
import SluiceLog
import Synchronization

/// Keeps what the shards refused: the newest in memory for `sluice tail --refused`, and in the state file,
/// so that a question from yesterday can be answered.
///
///     Shard ── RefusalPort ══> RefusalDesk ── memory ──> TailSession
///                                   ╰── RefusalStore ── state.sqlite
///
/// Invariants: 1. memory holds at most `memoryMax` rows, the file `fileMax`, none older than `ageMax`.
/// 2. At most one transaction in `saveMilliseconds`, of what came in that time: `perSecondMax` of all
/// shards together bounds it. 3. Rows that cannot be saved are counted and dropped: they are no reason to
/// keep memory.
///
/// Owner: the thread that calls `run`; `rows`, `counts` and `requestStop` are for all.
// @unchecked: confined to the thread in `run`; what others touch is atomic or behind the mutex.
package final class RefusalDesk: @unchecked Sendable {
    /// Refused requests kept in one second, all shards together.
    package static let perSecondMax = 200
    /// Rows in memory.
    package static let memoryMax = 1000
    /// Bytes of a row in memory, at most.
    package static let rowBytes = 1 << 10
    /// Rows in the state file.
    package static let fileMax = 10_000
    /// Seven days, in milliseconds.
    package static let ageMax: Int64 = 7 * 86_400_000
    /// Between two saves.
    private static let saveMilliseconds: Int64 = 1000
    private static let forgetMilliseconds: Int64 = 60_000

    private struct Kept {
        var rows: [RefusedRow] = []
        /// The number of the first row; numbers rise by one.
        var first: Int64 = 0
        var end: Int64 { first + Int64(rows.count) }

        mutating func add(_ row: RefusedRow) {
            rows.append(row)
            // Twice as many before any goes, so that a row is moved once on average.
            guard rows.count >= RefusalDesk.memoryMax * 2 else { return }
            first += Int64(rows.count - RefusalDesk.memoryMax)
            rows.removeFirst(rows.count - RefusalDesk.memoryMax)
        }
    }

    private let ports: [RefusalPort]
    private let sourceNames: [String]
    private let store: RefusalStore
    private let parker: any Parker
    private let kept = Mutex(Kept())
    private let isStopping = Flag()
    private let unsavedCount = Atomic<Int>(0)  // written by the desk, read by all
    private var pending: [RefusedRow] = []
    private var saveNotBefore: Int64 = 0
    private var forgetNotBefore: Int64 = 0

    /// Takes up what the state file holds from before.
    package init(ports: [RefusalPort], sourceNames: [String], store: RefusalStore, parker: any Parker) {
        self.ports = ports
        self.sourceNames = sourceNames
        self.store = store
        self.parker = parker
        // A file that cannot be read is told about by those who need it.
        let before = (try? store.newest(RefusalDesk.memoryMax)) ?? []
        kept.withLock { $0.rows = before }
    }

    // MARK: For other threads

    /// Rows from number `first` on (of the newest `memoryMax`), and the number of the next row to come.
    package func rows(from first: Int64) -> (rows: [RefusedRow], lost: Int64, next: Int64) {
        kept.withLock { kept in
            let start = min(max(first, kept.first), kept.end)
            return (Array(kept.rows[Int(start - kept.first)...]), max(0, kept.first - first), kept.end)
        }
    }

    /// The number from which on the newest `count` rows stand.
    package func number(ofNewest count: Int) -> Int64 {
        kept.withLock { max($0.first, $0.end - Int64(max(0, count))) }
    }

    /// Refused requests that were counted and not kept.
    package var suppressed: Int { ports.reduce(0) { $0 + $1.suppressed.value } }

    /// Rows that could not be saved.
    package var unsaved: Int { unsavedCount.load(ordering: .relaxed) }

    /// No shard may refuse anything any more.
    package func requestStop() {
        isStopping.set()
        parker.wake()
    }

    // MARK: The thread's body

    package func run() {
        while true {
            let stopsNow = isStopping.value
            for port in ports {
                while let request = port.next() { take(request) }
            }
            let now = MonotonicClock.nowMilliseconds
            if stopsNow || now >= saveNotBefore { save(now) }
            if stopsNow { break }
            parker.park(milliseconds: pending.isEmpty ? nil : Int(max(1, saveNotBefore - now)))
        }
    }

    private func take(_ request: RefusedRequest) {
        let row = RefusedRow(
            atMilliseconds: request.atMilliseconds, platform: "\(request.platform.name)",
            source: sourceNames.indices.contains(request.source) ? sourceNames[request.source] : nil,
            path: String(decoding: request.path, as: UTF8.self), status: request.status,
            accepted: request.accepted, rejected: request.rejected,
            reason: String(decoding: request.reason, as: UTF8.self), suppressed: request.suppressed)
        kept.withLock { $0.add(row) }
        pending.append(row)
    }

    private func save(_ now: Int64) {
        guard !pending.isEmpty else { return }
        saveNotBefore = now + RefusalDesk.saveMilliseconds
        do throws(LogError) {
            try store.add(pending, keep: RefusalDesk.fileMax)
            if now >= forgetNotBefore {
                forgetNotBefore = now + RefusalDesk.forgetMilliseconds
                try store.forget(before: WallTime.nowMilliseconds() - RefusalDesk.ageMax)
            }
        } catch {
            unsavedCount.store(unsavedCount.load(ordering: .relaxed) + pending.count, ordering: .relaxed)
        }
        pending.removeAll(keepingCapacity: true)
    }
}

/// What is counted about refused requests, and about those who watch.
package struct RefusalMetrics: MetricsSource {
    package struct Figures: Sendable {
        package var suppressed = 0
        package var unsaved = 0
        package var tails = 0
        package var dropped = 0

        package init() {}
    }

    private let figures: @Sendable () -> Figures

    package init(_ figures: @escaping @Sendable () -> Figures) { self.figures = figures }

    package init(desk: RefusalDesk, tails: TailDesk) {
        self.init {
            var figures = Figures()
            figures.suppressed = desk.suppressed
            figures.unsaved = desk.unsaved
            figures.tails = tails.open
            figures.dropped = tails.dropped
            return figures
        }
    }

    package func collect(into writer: inout MetricsWriter) {
        let figures = figures()
        writer.counter(
            "sluice_refused_requests_suppressed_total",
            "Refused requests that were counted, but not kept for people to read.", figures.suppressed)
        writer.counter(
            "sluice_refused_requests_unsaved_total",
            "Refused requests that could not be written to the state file.", figures.unsaved)
        writer.gauge("sluice_tails", "Streams of sluice tail that are open.", figures.tails)
        writer.counter(
            "sluice_tail_dropped_total", "Lines that were left out for tails that read too slowly.",
            figures.dropped)
    }
}
