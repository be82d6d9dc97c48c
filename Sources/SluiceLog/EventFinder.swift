import SluiceCore

/// An event that was looked for.
package struct FoundEvent: Sendable {
    package let sequence: EventSequence
    /// How many events the log holds before it.
    package let eventNumber: Int64
    /// The canonical event, without its line feed.
    package let line: [UInt8]
}

/// Finds single events in the log by their id, through the blocks' filters. Slow beside reading in order:
/// for questions that people and tools ask, not for delivery.
///
/// Invariant: only blocks below the published head are looked at, as in `LogReader`. Owner: one thread.
package final class EventFinder {
    private let headCell: LogHeadCell
    private let catalog: SegmentCatalog
    private let scout: DamageScout
    private let decoder = BlockDecoder()

    init(headCell: LogHeadCell, catalog: SegmentCatalog, scout: DamageScout) {
        self.headCell = headCell
        self.catalog = catalog
        self.scout = scout
    }

    /// The newest event with this id, in blocks that hold events received in `received` (milliseconds since
    /// 1970). Blocks and segments that are damaged or gone are passed over.
    ///
    /// - Parameter id: as it stands in the line: made of characters that JSON does not escape.
    package func find(id: Bytes, received: Range<Int64>) throws(LogError) -> FoundEvent? {
        let head = headCell.load()
        let hash = EventHash.filter(id)
        for entry in catalog.entries.reversed() {
            var isOlder = false
            do throws(LogError) {
                let found = try catalog.withConnection(to: entry) {
                    (connection) throws(LogError) -> FoundEvent? in
                    guard let extent = try connection.extent() else { return nil }
                    isOlder = extent.firstReceivedMilliseconds < received.lowerBound
                    guard extent.firstReceivedMilliseconds < received.upperBound else { return nil }
                    return try find(id, hash, connection, 1..<head.nextBlock, received)
                }
                if let found { return found }
            } catch {
                switch error {
                case .missing: continue
                case .damaged, .foreignFile, .newerFormat:
                    scout.inspect(entry)
                    continue
                default: throw error
                }
            }
            // Segments follow each other in time: what began before the window has no earlier neighbour in it.
            if isOlder { return nil }
        }
        return nil
    }

    private func find(
        _ id: Bytes, _ hash: UInt64, _ connection: SegmentConnection, _ numbers: Range<Int64>,
        _ received: Range<Int64>
    ) throws(LogError) -> FoundEvent? {
        for number in try connection.numbers(numbers, received: received, mayHold: hash).reversed() {
            guard let stored = try connection.blocks(number..<number + 1).first else { continue }
            let block: EventBlock
            do throws(BlockDamage) {
                block = try decoder.decode(stored)
            } catch {
                scout.found(stored, error)
                continue
            }
            for index in 0..<block.eventCount {
                let line: [UInt8]? = block.withEvent(index) { line in
                    EventFinder.hasID(line, id) ? (0..<line.count).map { line[$0] } : nil
                }
                guard let line else { continue }
                return FoundEvent(
                    sequence: EventSequence(block: number, index: index),
                    eventNumber: block.firstEvent + Int64(index), line: line)
            }
        }
        return nil
    }

    /// Every line begins with its id.
    private static func hasID(_ line: Bytes, _ id: Bytes) -> Bool {
        let start = 7
        guard line.count > start + id.count, line.hasPrefix("{\"id\":\"") else { return false }
        return line[start..<start + id.count].equals(id) && line[start + id.count] == UInt8(ascii: "\"")
    }
}

extension EventLog {
    /// Finds events by their id. Holds one block in memory at a time.
    package func makeFinder() -> EventFinder { EventFinder(headCell: headCell, catalog: catalog, scout: scout) }

    /// Reads cursors and outcomes beside the delivery thread, which must have made the state file.
    package func makeStateReader() throws(LogError) -> StateReader { try StateReader(path: folder.state) }
}
