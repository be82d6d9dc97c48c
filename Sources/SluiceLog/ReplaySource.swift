import SluiceCore

/// The blocks of one replay, read in order from the segments: those that hold events received in its time.
/// What retention took is passed over.
///
/// Invariants: 1. at most one batch of blocks (4 MiB, or one block) is in memory. 2. numbers asked for never
/// go back. Owner: one thread.
final class ReplaySource: BlockSource {
    private enum Place {
        case log(SegmentCatalog)
        case file(SegmentConnection)
    }

    private let place: Place
    private let headCell: LogHeadCell
    /// Nil for an archived segment, which is nothing of this log's.
    private let scout: DamageScout?
    private let received: Range<Int64>
    private let decoder = BlockDecoder()
    /// Read ahead, in order.
    private var batch: ArraySlice<StoredBlock> = []
    /// Blocks to read at once: more and more while they are wanted one after the other, one behind a jump.
    private var limits = SegmentConnection.Limits(blocks: 1)
    private var nextNumber: Int64 = 0
    private static let blocksMax = 64

    /// - Parameter received: milliseconds since 1970.
    init(log: EventLog, received: Range<Int64>) {
        place = .log(log.catalog)
        scout = log.scout
        headCell = log.headCell
        self.received = received
    }

    /// - Parameter segment: a path of a segment file that nobody writes to.
    init(segment path: String, beside log: EventLog, received: Range<Int64>) throws(LogError) {
        let connection = try SegmentConnection.anywhere(path)
        do throws(LogError) {
            _ = try connection.description()
        } catch {
            connection.close()
            throw error
        }
        place = .file(connection)
        scout = nil
        headCell = log.headCell
        self.received = received
    }

    deinit { if case .file(let connection) = place { connection.close() } }

    var head: LogHead { headCell.load() }

    func block(atOrAfter number: Int64) throws(BlockSourceError) -> EventBlock? {
        batch = batch.drop { $0.number < number }
        if batch.isEmpty {
            limits.blocks = number == nextNumber ? min(limits.blocks * 4, ReplaySource.blocksMax) : 1
            try fetch(number)
        }
        guard let stored = batch.popFirst() else { return nil }
        nextNumber = stored.number + 1
        do throws(BlockDamage) {
            return try decoder.decode(stored)
        } catch {
            scout?.found(stored, error)
            throw .damaged(number: stored.number, eventCount: stored.eventCount, reason: "\(error.label)")
        }
    }

    private func fetch(_ number: Int64) throws(BlockSourceError) {
        switch place {
        case .file(let connection):
            batch = try blocks(number..<Int64.max, last: .max) { (numbers) throws(LogError) in
                try connection.blocks(numbers, received: received, limits: limits)
            }
        case .log(let catalog):
            let end = head.nextBlock
            let entries = catalog.entries
            let start = entries.lastIndex { $0.firstBlock <= number } ?? 0
            for index in entries.indices[start...] {
                let upper = index + 1 < entries.count ? min(end, entries[index + 1].firstBlock) : end
                let lower = max(number, entries[index].firstBlock)
                guard lower < upper else { continue }
                batch = try blocks(lower..<upper, last: upper - 1, of: entries[index]) { (numbers) throws(LogError) in
                    try catalog.withConnection(to: entries[index]) { (connection) throws(LogError) in
                        try connection.blocks(numbers, received: received, limits: limits)
                    }
                }
                if !batch.isEmpty { return }
            }
        }
    }

    /// - Parameter last: the last block of the segment, named when none of them can be read.
    private func blocks(
        _ numbers: Range<Int64>, last: Int64, of entry: SegmentCatalog.Entry? = nil,
        _ read: (Range<Int64>) throws(LogError) -> [StoredBlock]
    ) throws(BlockSourceError) -> ArraySlice<StoredBlock> {
        do throws(LogError) {
            return try read(numbers)[...]
        } catch {
            switch error {
            case .missing: return []
            case .damaged, .foreignFile, .newerFormat:
                if let entry { scout?.inspect(entry) }
                throw .damaged(number: last, eventCount: 0, reason: error.description)
            default: throw .unavailable(reason: error.description)
            }
        }
    }
}

extension EventLog {
    /// A reader for one replay.
    ///
    /// - Parameters:
    ///   - received: blocks without an event received then are passed over; milliseconds since 1970.
    ///   - segment: an archived segment to read instead of the log.
    /// - Throws: what makes the archived segment unreadable.
    package func makeReplaySource(
        received: Range<Int64>, segment: String? = nil
    ) throws(LogError) -> any BlockSource {
        guard let segment else { return ReplaySource(log: self, received: received) }
        return try ReplaySource(segment: segment, beside: self, received: received)
    }
}
