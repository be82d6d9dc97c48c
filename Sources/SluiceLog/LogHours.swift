import SluiceCore
import Synchronization

/// Which events of the log were received in which hour, by the rows of its blocks: what the books of an hour
/// are held against.
///
/// A block belongs to the hour of its `first_received`, as in the record of outcomes. A closed segment is read
/// once; of the one that grows, what came since the last time.
///
/// Safe from any thread; they wait for each other.
package final class LogHours: Sendable {
    /// Ranges of event numbers by the beginning of their hour, in milliseconds since 1970.
    package typealias Ranges = [Int64: [Range<Int64>]]

    struct Part {
        /// The block to go on with.
        var next: Int64
        var isComplete = false
        var ranges: Ranges = [:]
    }

    private let headCell: LogHeadCell
    private let catalog: SegmentCatalog
    private let parts = Mutex<[Int64: Part]>([:])

    init(headCell: LogHeadCell, catalog: SegmentCatalog) {
        self.headCell = headCell
        self.catalog = catalog
    }

    package struct Picture: Sendable, Equatable {
        package var ranges: Ranges
        /// The first event the log still has.
        package var firstEvent: Int64

        package init(ranges: Ranges, firstEvent: Int64) {
            self.ranges = ranges
            self.firstEvent = firstEvent
        }
    }

    /// The hours from `hour` on. Segments that cannot be read have no events in it.
    package func events(since hour: Int64) throws(LogError) -> Picture {
        // Not shared with `withLock`: a closure of Mutex cannot throw our error and change the parts.
        var known = parts.withLock { $0 }
        let head = headCell.load()
        let entries = catalog.entries
        for firstBlock in known.keys where !entries.contains(where: { $0.firstBlock == firstBlock }) {
            known[firstBlock] = nil
        }
        var picture = Picture(ranges: [:], firstEvent: head.events)
        for (index, entry) in entries.enumerated().reversed() {
            var part = known[entry.firstBlock] ?? Part(next: entry.firstBlock)
            let isLast = index + 1 == entries.count
            if !part.isComplete {
                do throws(LogError) {
                    try catalog.withConnection(to: entry) { (connection) throws(LogError) in
                        try LogHours.read(connection, head.nextBlock, &part)
                    }
                    part.isComplete = !isLast && entry.isSealed
                } catch {
                    switch error {
                    case .missing, .damaged, .foreignFile, .newerFormat: break
                    default: throw error
                    }
                }
                known[entry.firstBlock] = part
            }
            for (partHour, ranges) in part.ranges where partHour >= hour {
                picture.ranges[partHour] = ranges + (picture.ranges[partHour] ?? [])
            }
            let first = part.ranges.values.compactMap { $0.first?.lowerBound }.min()
            picture.firstEvent = min(picture.firstEvent, first ?? entry.firstEvent ?? Int64.max)
            // What lies before an hour that is older than asked for is older still, save for blocks that
            // several shards filled at the same time.
            if let newest = part.ranges.keys.max(), newest < hour { break }
        }
        // The first event is that of the oldest segment, whether or not its hours were asked for.
        if let oldest = entries.first?.firstEvent { picture.firstEvent = min(picture.firstEvent, oldest) }
        parts.withLock { $0 = known }
        return picture
    }

    static func read(
        _ connection: SegmentConnection, _ end: Int64, _ part: inout Part
    ) throws(LogError) {
        var ranges = part.ranges
        var next = part.next
        try connection.forEachExtent(next..<max(next, end)) { number, firstEvent, events, received in
            next = number + 1
            let hour = BlockOutcome.hour(of: received)
            let range = firstEvent..<firstEvent + events
            var list = ranges.removeValue(forKey: hour) ?? []
            if let last = list.last, last.upperBound == range.lowerBound {
                list[list.count - 1] = last.lowerBound..<range.upperBound
            } else {
                list.append(range)
            }
            ranges[hour] = list
        }
        part.ranges = ranges
        part.next = next
    }
}
