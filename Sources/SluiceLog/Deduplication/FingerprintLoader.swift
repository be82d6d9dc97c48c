import Dispatch
import SluiceCore
import Synchronization

/// What loading the window's fingerprints came to.
package struct FingerprintLoad: Sendable {
    package var fingerprints = 0
    package var blocks = 0
    package var milliseconds: Int64 = 0
    /// What could not be read: duplicates of its events will not be recognized.
    package var damage: [String] = []
}

/// Fills the table at the start from the segments' blocks, the newest first, until the window's age or the
/// table's end is reached. Several threads read and insert at once.
///
/// Invariant: chunks are given out in descending order of their numbers, so that what does not fit is what
/// is oldest. The threads are at most a chunk each apart, and there is room for twice the window.
final class FingerprintLoader: Sendable {
    private struct Chunk {
        var entry: SegmentCatalog.Entry
        var numbers: Range<Int64>
    }

    private struct State {
        /// Segments not begun, the newest last.
        var entries: [SegmentCatalog.Entry]
        var current: Chunk?
        var isFull = false
        var load = FingerprintLoad()
        var oldest = Int64.max
    }

    /// A block of a busy shard holds some thousand events, one of an idle shard a single one.
    private static let blocksPerChunk: Int64 = 256
    private static let damageMax = 16

    private let catalog: SegmentCatalog
    private let table: FingerprintTable
    private let scout: DamageScout
    /// Milliseconds since 1970; what was received before it is outside the window.
    private let cutoff: Int64
    private let end: Int64
    private let state: Mutex<State>

    /// - Parameter head: where the log ends.
    init(
        catalog: SegmentCatalog, head: LogHead, table: FingerprintTable, cutoff: Int64, scout: DamageScout
    ) {
        self.scout = scout
        self.catalog = catalog
        self.table = table
        self.cutoff = cutoff
        end = head.nextBlock
        state = Mutex(State(entries: catalog.entries))
    }

    /// Receive time of the oldest event that was loaded; nil when there was none.
    var oldest: Int64? { state.withLock { $0.oldest == Int64.max ? nil : $0.oldest } }

    var load: FingerprintLoad { state.withLock { $0.load } }

    /// One thread's share of the work; returns when nothing is left.
    func run() {
        var allowance = FingerprintAllowance()
        while let chunk = nextChunk() {
            var blocks = 0
            var count = 0
            var oldest = Int64.max
            var isFull = false
            var damage: [String] = []
            do throws(LogError) {
                try catalog.withConnection(to: chunk.entry) { (connection) throws(LogError) in
                    try connection.fingerprints(chunk.numbers, receivedFrom: cutoff) { number, received, bytes in
                        guard bytes.count % 8 == 0 else {
                            damage.append("block \(number): its fingerprints are no list of 64-bit integers")
                            return true
                        }
                        isFull = !table.restore(bytes, &allowance)
                        blocks += 1
                        count += bytes.count / 8
                        oldest = min(oldest, received)
                        return !isFull
                    }
                }
            } catch {
                scout.inspect(chunk.entry)
                damage.append("blocks \(chunk.numbers.lowerBound) to \(chunk.numbers.upperBound - 1): \(error)")
            }
            state.withLock { state in
                state.load.blocks += blocks
                state.load.fingerprints += count
                state.oldest = min(state.oldest, oldest)
                if isFull { state.isFull = true }
                for line in damage { note(line, &state.load) }
            }
        }
    }

    private func nextChunk() -> Chunk? {
        state.withLock { state in
            while true {
                if state.isFull { return nil }
                if let current = state.current {
                    let first = max(
                        current.numbers.lowerBound,
                        current.numbers.upperBound - FingerprintLoader.blocksPerChunk)
                    let rest = current.numbers.lowerBound..<first
                    state.current = rest.isEmpty ? nil : Chunk(entry: current.entry, numbers: rest)
                    return Chunk(entry: current.entry, numbers: first..<current.numbers.upperBound)
                }
                guard let entry = state.entries.popLast() else { return nil }
                begin(entry, &state)
            }
        }
    }

    /// Goes on with the next older segment, if its events are in the window.
    private func begin(_ entry: SegmentCatalog.Entry, _ state: inout State) {
        do throws(LogError) {
            let span = try catalog.withConnection(to: entry) { (connection) throws(LogError) in
                try connection.span()
            }
            guard let span else { return }
            guard span.lastReceived >= cutoff else {
                state.entries.removeAll()
                return
            }
            let numbers = span.numbers.clamped(to: 0..<end)
            if !numbers.isEmpty { state.current = Chunk(entry: entry, numbers: numbers) }
        } catch {
            if case .damaged = error { scout.inspect(entry) }
            note("\(entry.path): \(error)", &state.load)
        }
    }

    private func note(_ damage: String, _ load: inout FingerprintLoad) {
        if load.damage.count < FingerprintLoader.damageMax { load.damage.append(damage) }
    }
}

extension EventLog {
    /// Loads the fingerprints of the window's events into an empty table. Before anything is answered.
    ///
    /// - Parameters:
    ///   - ageMilliseconds: how far back the window reaches.
    ///   - threads: how many read and insert at once, this one included.
    package func loadFingerprints(
        into table: FingerprintTable, ageMilliseconds: Int, threads: Int
    ) -> FingerprintLoad {
        let started = clock.monotonicMicroseconds()
        let now = clock.wallMilliseconds()
        let loader = FingerprintLoader(
            catalog: catalog, head: head, table: table, cutoff: now - Int64(ageMilliseconds),
            scout: scout)
        DispatchQueue.concurrentPerform(iterations: max(1, threads)) { _ in loader.run() }
        let ended = clock.monotonicMicroseconds()
        table.restored(oldestMilliseconds: loader.oldest.map { now - $0 } ?? 0, now: ended / 1000)
        var load = loader.load
        load.milliseconds = (ended - started) / 1000
        return load
    }
}
