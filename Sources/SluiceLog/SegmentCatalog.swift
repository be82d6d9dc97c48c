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

    func sealed(_ firstBlock: Int64) {
        state.withLock { state in
            state.sealing.remove(firstBlock)
            guard let index = state.entries.firstIndex(where: { $0.firstBlock == firstBlock }) else { return }
            state.entries[index].isSealed = true
            state.entries[index].sealedBytes = FileCalls.size(state.entries[index].path) ?? 0
        }
    }

    /// Forgets a segment whose file was moved away.
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

    /// Lends a connection to the segment, opened if need be.
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
        if let idle {
            connection = idle
        } else {
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
        entries.reduce(0) { sum, entry in
            if entry.isSealed { return sum + entry.sealedBytes }
            return sum + (FileCalls.size(entry.path) ?? 0) + (FileCalls.size(entry.path + "-wal") ?? 0)
        }
    }
}
