import Synchronization

/// The segments there are, and open connections to read them. Shared by the log thread, which adds
/// and closes segments, and all readers. The log thread comes here only when a segment begins or ends.
final class SegmentCatalog: Sendable {
    struct Entry: Sendable, Equatable {
        let firstBlock: Int64
        let path: String
        /// Events in the log before it; nil when that could not be read.
        let firstEvent: Int64?
        /// Complete by itself and never changed again.
        var isSealed: Bool
        /// Bytes on disk, once it is sealed.
        var sealedBytes: Int64 = 0
        /// When its newest event was received, milliseconds since 1970; nil while it may grow, and where that
        /// could not be read.
        var newestMilliseconds: Int64?
        /// Events in the log behind its last block; nil like the one above.
        var endEvent: Int64?
    }

    private struct State {
        var entries: [Entry] = []
        /// Connections nobody uses at the moment, longest unused first.
        var idle: [(firstBlock: Int64, connection: SegmentConnection)] = []
        /// Segments the log thread is about to seal: an idle connection would be in its way.
        var sealing: Set<Int64> = []
    }

    /// Connections kept open while nobody uses them.
    private static let idleMax = 8

    private let state = Mutex(State())

    var entries: [Entry] { state.withLock { $0.entries } }

    // MARK: The writer's side

    func add(_ entry: Entry) {
        state.withLock { state in
            state.entries.append(entry)
            state.entries.sort { $0.firstBlock < $1.firstBlock }
        }
    }

    /// Closes what is open and unused of a segment, and keeps it so until `sealed`.
    func beginSealing(_ firstBlock: Int64) {
        let unused = state.withLock { state in
            state.sealing.insert(firstBlock)
            return SegmentCatalog.takeIdle(firstBlock, from: &state)
        }
        for connection in unused { connection.close() }
    }

    func sealed(_ firstBlock: Int64, newestMilliseconds: Int64?, endEvent: Int64?) {
        state.withLock { state in
            state.sealing.remove(firstBlock)
            guard let index = state.entries.firstIndex(where: { $0.firstBlock == firstBlock }) else { return }
            state.entries[index].isSealed = true
            state.entries[index].sealedBytes = FileCalls.size(state.entries[index].path) ?? 0
            state.entries[index].newestMilliseconds = newestMilliseconds
            state.entries[index].endEvent = endEvent
        }
    }

    /// Closes what is open and unused of a segment.
    func dropIdle(_ firstBlock: Int64) {
        for connection in state.withLock({ SegmentCatalog.takeIdle(firstBlock, from: &$0) }) {
            connection.close()
        }
    }

    /// Forgets a segment whose file is moved away or unlinked. Whoever is reading it goes on with what is
    /// open; that is closed when it is given back.
    func remove(_ firstBlock: Int64) {
        let unused = state.withLock { state in
            state.entries.removeAll { $0.firstBlock == firstBlock }
            return SegmentCatalog.takeIdle(firstBlock, from: &state)
        }
        for connection in unused { connection.close() }
    }

    private static func takeIdle(_ firstBlock: Int64, from state: inout State) -> [SegmentConnection] {
        let unused = state.idle.filter { $0.firstBlock == firstBlock }.map(\.connection)
        state.idle.removeAll { $0.firstBlock == firstBlock }
        return unused
    }

    // MARK: The readers' side

    /// Lends a connection to the segment, opened if need be. A segment that is gone is `missing`.
    func withConnection<R>(
        to entry: Entry, _ body: (SegmentConnection) throws(LogError) -> R
    ) throws(LogError) -> R {
        let idle: SegmentConnection? = state.withLock { state in
            guard let index = state.idle.lastIndex(where: { $0.firstBlock == entry.firstBlock }) else {
                return nil
            }
            return state.idle.remove(at: index).connection
        }
        let connection: SegmentConnection
        // One that is written to may have been replaced by another file of its name.
        if let idle, entry.isSealed || idle.identity == FileCalls.identity(entry.path) {
            connection = idle
        } else {
            idle?.close()
            guard FileCalls.exists(entry.path) else { throw .missing(path: entry.path) }
            connection = try SegmentConnection(path: entry.path)
        }
        let result: R
        do throws(LogError) {
            result = try body(connection)
        } catch {
            connection.close()
            throw error
        }
        giveBack(connection, of: entry.firstBlock)
        return result
    }

    private func giveBack(_ connection: SegmentConnection, of firstBlock: Int64) {
        let surplus: SegmentConnection? = state.withLock { state in
            if state.sealing.contains(firstBlock) { return connection }
            // Given up in the meantime: kept open, it would keep its bytes on the disk.
            guard state.entries.contains(where: { $0.firstBlock == firstBlock }) else { return connection }
            state.idle.append((firstBlock, connection))
            return state.idle.count > SegmentCatalog.idleMax ? state.idle.removeFirst().connection : nil
        }
        surplus?.close()
    }

    /// Connections that are open and unused.
    var idleCount: Int { state.withLock { $0.idle.count } }

    /// Closes every connection nobody uses.
    func closeIdle() {
        let unused = state.withLock { state in
            defer { state.idle.removeAll() }
            return state.idle.map(\.connection)
        }
        for connection in unused { connection.close() }
    }

    /// Bytes of all segments and their write-ahead logs. Costs two calls for each segment that may
    /// still grow, none for the others.
    func diskBytes() -> Int64 {
        entries.reduce(0) { $0 + SegmentCatalog.bytes($1) }
    }

    static func bytes(_ entry: Entry) -> Int64 {
        if entry.isSealed { return entry.sealedBytes }
        return (FileCalls.size(entry.path) ?? 0) + (FileCalls.size(entry.path + "-wal") ?? 0)
    }

    /// Name of the file that should hold block `number`; empty when none should.
    func segmentName(holding number: Int64) -> String {
        entries.last { $0.firstBlock <= number }.map { FileCalls.name(of: $0.path) } ?? ""
    }
}
