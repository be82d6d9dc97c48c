import SluiceCore

/// Reads the blocks of one segment file in order, a few at a time, around what is damaged.
///
/// Invariant: a file that may still grow is open only while a batch is read; its connection would keep the
/// gateway from closing the segment. Owner: one thread.
final class SegmentWalk {
    private let path: String
    private let received: Range<Int64>
    private let onUnreadable: (UnreadablePart) -> Void
    /// The open connection to a file that is complete.
    private var kept: SegmentConnection?
    /// Of a damaged file, blocks are read one by one, so that a good one is not lost with its neighbours.
    private var oneByOne = false
    /// The first number `ascend` has not passed.
    private(set) var reached: Int64 = 0

    /// Numbers tried one after the other behind a damaged page; then steps double.
    private static let closeTries: Int64 = 64

    init(path: String, received: Range<Int64>, onUnreadable: @escaping (UnreadablePart) -> Void) {
        self.path = path
        self.received = received
        self.onUnreadable = onUnreadable
    }

    func close() {
        kept?.close()
        kept = nil
    }

    /// Calls `body` with each block in `numbers` until it answers false; whether it never did.
    func ascend(_ numbers: Range<Int64>, _ body: (StoredBlock) throws -> Bool) throws -> Bool {
        reached = numbers.lowerBound
        while reached < numbers.upperBound {
            guard let batch = read(reached..<numbers.upperBound, newestFirst: false) else { return true }
            for block in batch.blocks {
                reached = block.number + 1
                guard try body(block) else { return false }
            }
            reached = max(reached, batch.rest.lowerBound)
        }
        return true
    }

    /// As `ascend`, from the highest number down.
    func descend(_ numbers: Range<Int64>, _ body: (StoredBlock) throws -> Bool) throws -> Bool {
        var end = numbers.upperBound
        while end > numbers.lowerBound {
            guard let batch = read(numbers.lowerBound..<end, newestFirst: true) else { return true }
            for block in batch.blocks {
                guard try body(block) else { return false }
            }
            end = min(end, batch.rest.upperBound)
        }
        return true
    }

    private struct Batch {
        var blocks: [StoredBlock]
        /// What is left to read of the numbers asked for.
        var rest: Range<Int64>
    }

    /// Reads some blocks from one end of `numbers`; nil when there are no more.
    private func read(_ numbers: Range<Int64>, newestFirst: Bool) -> Batch? {
        do throws(LogError) {
            if !oneByOne {
                do throws(LogError) {
                    return try withConnection { (connection) throws(LogError) in
                        try readBatch(connection, numbers, newestFirst)
                    }
                } catch {
                    guard case .damaged = error else { throw error }
                    oneByOne = true
                }
            }
            return try withConnection { (connection) throws(LogError) in
                try readOne(connection, numbers, newestFirst)
            }
        } catch {
            // Retention may take a segment away at any time.
            if case .missing = error { return nil }
            onUnreadable(.segment(path: path, reason: error))
            return nil
        }
    }

    private func readBatch(
        _ connection: SegmentConnection, _ numbers: Range<Int64>, _ newestFirst: Bool
    ) throws(LogError) -> Batch? {
        let blocks = try connection.blocks(numbers, received: received, newestFirst: newestFirst)
        guard let last = blocks.last else { return nil }
        return Batch(blocks: blocks, rest: rest(of: numbers, without: last.number, newestFirst))
    }

    private func rest(of numbers: Range<Int64>, without last: Int64, _ newestFirst: Bool) -> Range<Int64> {
        newestFirst ? numbers.lowerBound..<last : last + 1..<numbers.upperBound
    }

    private func readOne(
        _ connection: SegmentConnection, _ numbers: Range<Int64>, _ newestFirst: Bool
    ) throws(LogError) -> Batch? {
        guard let row = try findRow(connection, numbers, newestFirst) else { return nil }
        let rest = rest(of: numbers, without: row.number, newestFirst)
        do throws(LogError) {
            let numbers = row.number..<row.number + 1
            // Not a step further: the next row may lie on a damaged page.
            let limits = SegmentConnection.Limits(blocks: 1)
            return Batch(blocks: try connection.blocks(numbers, received: received, limits: limits), rest: rest)
        } catch {
            guard case .damaged(_, let reason) = error else { throw error }
            onUnreadable(
                .blocks(path: path, numbers: row.number..<row.number + 1, events: row.events, reason: reason))
            return Batch(blocks: [], rest: rest)
        }
    }

    /// The nearest row that can be found. A search for a number goes only through the pages above it, so
    /// behind a damaged leaf others can be found.
    private func findRow(
        _ connection: SegmentConnection, _ numbers: Range<Int64>, _ newestFirst: Bool
    ) throws(LogError) -> (number: Int64, events: Int)? {
        var step: Int64 = 0
        var failure: LogError?
        var numbers = numbers
        if let last = try? connection.extent()?.lastBlock, last < numbers.upperBound - 1 {
            guard numbers.lowerBound <= last else { return nil }
            numbers = numbers.lowerBound..<last + 1
        }
        while step < numbers.upperBound - numbers.lowerBound {
            let left =
                newestFirst
                ? numbers.lowerBound..<numbers.upperBound - step : numbers.lowerBound + step..<numbers.upperBound
            do throws(LogError) {
                let row = try connection.firstBlock(in: left, newestFirst: newestFirst)
                if let failure {
                    let lost =
                        newestFirst
                        ? (row.map { $0.number + 1 } ?? numbers.lowerBound)..<numbers.upperBound
                        : numbers.lowerBound..<(row?.number ?? numbers.upperBound)
                    onUnreadable(.blocks(path: path, numbers: lost, events: nil, reason: failure.description))
                }
                return row
            } catch {
                guard case .damaged = error else { throw error }
                failure = error
                step = step < SegmentWalk.closeTries ? step + 1 : step > Int64.max / 2 ? Int64.max : step * 2
            }
        }
        if let failure { throw failure }
        return nil
    }

    private func withConnection<R>(
        _ body: (SegmentConnection) throws(LogError) -> R
    ) throws(LogError) -> R {
        if let kept { return try body(kept) }
        let connection = try SegmentConnection.anywhere(path)
        do throws(LogError) {
            // The time of closing is set while the WAL is still there, and stands when it is gone.
            let isComplete = try connection.description().closedMilliseconds != nil
            let result = try body(connection)
            if isComplete, !FileCalls.exists(path + "-wal") { kept = connection } else { connection.close() }
            return result
        } catch {
            connection.close()
            throw error
        }
    }
}

extension SegmentConnection {
    /// Opens a segment wherever it lies, also where nothing can be written.
    ///
    /// A file in WAL mode needs its `-shm`, which a reader makes where there is none. In a folder that cannot
    /// be written to, a file without a WAL is opened as one that does not change: the gateway, which keeps a
    /// WAL beside the file it writes to, has none open.
    static func anywhere(_ path: String) throws(LogError) -> SegmentConnection {
        guard FileCalls.exists(path) else { throw .missing(path: path) }
        let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
        if FileCalls.isWritable(folder) { return try SegmentConnection(path: path) }
        let walBytes = FileCalls.size(path + "-wal")
        let hasIndex = FileCalls.exists(path + "-shm")
        if walBytes == nil || walBytes == 0 && !hasIndex {
            return try SegmentConnection(path: path, isImmutable: true)
        }
        guard hasIndex else {
            throw .failed(
                path: path,
                reason: "its write-ahead log cannot be read in a folder that cannot be written to; copy both to another"
            )
        }
        return try SegmentConnection(path: path)
    }
}
