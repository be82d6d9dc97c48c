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
        /// Events between its blocks that cannot be read, by the hour before them.
        var lost: Ranges = [:]
        /// How many events the log holds before what is to be read next; nil while that is not known.
        var nextEvent: Int64?
        /// The hour of the block read last.
        var newestHour: Int64?

        func firstEvent(_ entry: SegmentCatalog.Entry) -> Int64? {
            entry.firstEvent ?? ranges.values.compactMap { $0.first?.lowerBound }.min()
        }
    }

    private let headCell: LogHeadCell
    private let catalog: SegmentCatalog
    private let quarantine: Quarantine
    private let parts = Mutex<[Int64: Part]>([:])

    init(headCell: LogHeadCell, catalog: SegmentCatalog, quarantine: Quarantine) {
        self.headCell = headCell
        self.catalog = catalog
        self.quarantine = quarantine
    }

    package struct Picture: Sendable, Equatable {
        package var ranges: Ranges
        /// Events that are in the log's numbers and in none of its blocks, or in blocks that cannot be found any
        /// more, by the hour they were probably received in.
        package var lost: Ranges = [:]
        /// Events of blocks that can be found and not be read; these are among `ranges`.
        package var damaged: Ranges = [:]
        /// The first event the log still has.
        package var firstEvent: Int64

        package init(ranges: Ranges, lost: Ranges = [:], damaged: Ranges = [:], firstEvent: Int64) {
            self.ranges = ranges
            self.lost = lost
            self.damaged = damaged
            self.firstEvent = firstEvent
        }
    }

    /// The hours from `hour` on. What cannot be read is `lost`.
    package func events(since hour: Int64) throws(LogError) -> Picture {
        // Not shared with `withLock`: a closure of Mutex cannot throw our error and change the parts.
        var known = parts.withLock { $0 }
        let head = headCell.load()
        let entries = catalog.entries
        for firstBlock in known.keys where !entries.contains(where: { $0.firstBlock == firstBlock }) {
            known[firstBlock] = nil
        }
        var picture = Picture(ranges: [:], firstEvent: head.events)
        /// Where the segment that was looked at before this one begins: this one must end there.
        var upper = head.events
        var found: [(range: Range<Int64>, hour: Int64)] = []
        let bad = quarantine.blocks
        var isComplete = true
        for (index, entry) in entries.enumerated().reversed() {
            var part = known[entry.firstBlock] ?? Part(next: entry.firstBlock, nextEvent: entry.firstEvent)
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
            for (partHour, ranges) in part.lost where partHour >= hour {
                picture.lost[partHour, default: []] += ranges
            }
            if let end = part.nextEvent, end < upper {
                let guess = part.newestHour ?? BlockOutcome.hour(of: entry.newestMilliseconds ?? 0)
                found.append((end..<upper, guess))
            }
            if let first = part.firstEvent(entry) { upper = min(upper, first) }
            noteDamaged(in: entry, bad, head.nextBlock, &picture)
            let first = part.ranges.values.compactMap { $0.first?.lowerBound }.min()
            picture.firstEvent = min(picture.firstEvent, first ?? entry.firstEvent ?? Int64.max)
            // What lies before an hour that is older than asked for is older still, save for blocks that
            // several shards filled at the same time.
            if let newest = part.ranges.keys.max(), newest < hour {
                isComplete = false
                break
            }
        }
        // The first event is that of the oldest segment, whether or not its hours were asked for.
        if let oldest = entries.first?.firstEvent { picture.firstEvent = min(picture.firstEvent, oldest) }
        if isComplete, let oldest = entries.first {
            let hour = known[oldest.firstBlock]?.ranges.keys.min()
            if let gone = LogHours.before(oldest, bad, picture.firstEvent, hour) { found.append(gone) }
        }
        for (range, guess) in found where guess >= hour { picture.lost[guess, default: []].append(range) }
        picture.damaged = picture.damaged.filter { $0.key >= hour }
        parts.withLock { $0 = known }
        return picture
    }

    /// Segments that were lost whole at the log's beginning: nothing before them says where they began, nor when.
    private static func before(
        _ oldest: SegmentCatalog.Entry, _ bad: [QuarantinedBlocks], _ firstEvent: Int64, _ hour: Int64?
    ) -> (range: Range<Int64>, hour: Int64)? {
        let gone = bad.filter { $0.lastBlock < oldest.firstBlock }
        let events = min(firstEvent, gone.reduce(0) { $0 + Int64($1.events) })
        guard events > 0, let last = gone.last else { return nil }
        return (firstEvent - events..<firstEvent, hour ?? BlockOutcome.hour(of: last.foundMilliseconds))
    }

    /// Finds the hours of single blocks that are known to be damaged and whose rows are there.
    private func noteDamaged(
        in entry: SegmentCatalog.Entry, _ bad: [QuarantinedBlocks], _ end: Int64, _ picture: inout Picture
    ) {
        let name = FileCalls.name(of: entry.path)
        let numbers = bad.filter { $0.segment == name && $0.firstBlock >= entry.firstBlock }
            .map { $0.firstBlock..<min(end, $0.lastBlock + 1) }
        guard !numbers.isEmpty else { return }
        var damaged = picture.damaged
        _ = try? catalog.withConnection(to: entry) { (connection) throws(LogError) in
            for numbers in numbers where !numbers.isEmpty {
                try? connection.forEachExtent(numbers) { _, first, events, received in
                    damaged[BlockOutcome.hour(of: received), default: []].append(first..<first &+ events)
                }
            }
        }
        picture.damaged = damaged
    }

    static func read(
        _ connection: SegmentConnection, _ end: Int64, _ part: inout Part
    ) throws(LogError) {
        var changed = part
        try connection.forEachExtent(part.next..<max(part.next, end)) { number, firstEvent, events, received in
            changed.next = number + 1
            let hour = BlockOutcome.hour(of: received)
            let (endEvent, overflow) = firstEvent.addingReportingOverflow(events)
            guard !overflow else { return }
            let range = firstEvent..<endEvent
            if let expected = changed.nextEvent, expected < firstEvent {
                changed.lost[changed.newestHour ?? hour, default: []].append(expected..<firstEvent)
            }
            changed.nextEvent = max(endEvent, changed.nextEvent ?? endEvent)
            changed.newestHour = hour
            var list = changed.ranges.removeValue(forKey: hour) ?? []
            if let last = list.last, last.upperBound == range.lowerBound {
                list[list.count - 1] = last.lowerBound..<range.upperBound
            } else {
                list.append(range)
            }
            changed.ranges[hour] = list
            // What was read before damage is not read again.
            part = changed
        }
    }
}
