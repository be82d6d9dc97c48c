import SluiceCore

/// Reads the log in order for the destinations of one delivery thread: from memory what was
/// committed lately, else from the segments, several blocks at a time.
///
/// Invariants: 1. A block is returned only when its number is below the published head: what a
/// failing commit left in a file is never delivered. 2. Memory is bounded: `recentBytes` of
/// compressed blocks (half in the ring, half in `recent`), 8 MiB fetched ahead, `decodedBytes`.
/// Owner: one delivery thread.
final class LogReader: BlockSource {
    private let headCell: LogHeadCell
    private let catalog: SegmentCatalog
    private let readers: RecentReaders
    private let quarantine: Quarantine
    private let givenUp: GivenUp
    private let ring: RecentBlocks
    private let decoder = BlockDecoder()
    private var recent: BlockCache<StoredBlock>
    private var fetched = BlockCache<StoredBlock>(bytesMax: LogConfiguration.fetchedBytesMax)
    private var decoded: BlockCache<EventBlock>
    /// Where the block returned last ends; tells how many events a damaged segment took with it.
    private var reached: (nextBlock: Int64, events: Int64)?

    init(
        headCell: LogHeadCell, catalog: SegmentCatalog, readers: RecentReaders, quarantine: Quarantine,
        givenUp: GivenUp,
        configuration: LogConfiguration
    ) {
        self.headCell = headCell
        self.catalog = catalog
        self.readers = readers
        self.quarantine = quarantine
        self.givenUp = givenUp
        ring = RecentBlocks(bytesMax: configuration.recentBytes / 2)
        recent = BlockCache(bytesMax: configuration.recentBytes / 2)
        decoded = BlockCache(bytesMax: configuration.decodedBytes)
        readers.add(ring)
    }

    deinit { readers.remove(ring) }

    var head: LogHead { headCell.load() }

    func block(atOrAfter number: Int64) throws(BlockSourceError) -> EventBlock? {
        // The head first: whatever it counts has then been offered to the ring.
        let end = headCell.load().nextBlock
        while let block = ring.take() {
            recent.insert(block, at: block.number, size: LogReader.weight(block))
        }
        // Its memory may hold what is counted as expired by now.
        let number = max(number, 1, givenUp.endBlock)
        guard number < end else { return nil }
        if let block = decoded.value(at: number) { return returning(block) }
        if let stored = recent.value(at: number) ?? fetched.value(at: number) {
            return returning(try decode(stored))
        }
        let found = try fetch(number..<end)
        if let gone = quarantine.blocks(from: number), gone.lastBlock < found?.number ?? end {
            // Lost earlier, or taken out by a repair: the gap has a name.
            throw .damaged(number: gone.lastBlock, eventCount: gone.events, reason: gone.reason)
        }
        guard let stored = found else { return nil }
        if let block = decoded.value(at: stored.number) { return returning(block) }
        return returning(try decode(stored))
    }

    private func returning(_ block: EventBlock) -> EventBlock {
        reached = (block.number + 1, block.firstEvent + Int64(block.eventCount))
        return block
    }

    /// A small block costs its objects too.
    private static func weight(_ block: StoredBlock) -> Int { block.payload.count + 256 }

    private func decode(_ stored: StoredBlock) throws(BlockSourceError) -> EventBlock {
        do throws(BlockDamage) {
            let block = try decoder.decode(stored)
            let size = block.payload.count + block.lineStarts.count * 4 + 256
            decoded.insert(block, at: block.number, size: size)
            return block
        } catch {
            throw damaged(stored.number...stored.number, events: stored.eventCount, "\(error.label)")
        }
    }

    /// The error that says so; the damage is noted for the state file.
    private func damaged(
        _ numbers: ClosedRange<Int64>, events: Int, _ reason: String
    ) -> BlockSourceError {
        quarantine.note(
            QuarantinedBlocks(
                firstBlock: numbers.lowerBound, lastBlock: numbers.upperBound, events: events, reason: reason,
                segment: catalog.segmentName(holding: numbers.lowerBound),
                foundMilliseconds: LogClock.system.wallMilliseconds()))
        return .damaged(number: numbers.upperBound, eventCount: events, reason: reason)
    }

    func givenUpEvents(from event: Int64) -> Int64 { givenUp.count(from: event) }

    func endEvent(behind number: Int64) -> Int64? {
        let head = headCell.load()
        guard number + 1 < head.nextBlock else { return number + 1 == head.nextBlock ? head.events : nil }
        let entries = catalog.entries
        let index = entries.lastIndex { $0.firstBlock <= number }
        let next = index.map { $0 + 1 } ?? 0
        let upper = next < entries.count ? entries[next].firstBlock : head.nextBlock
        if let index, number + 1 < upper {
            // A row's head may be readable where its payload is not.
            let row = try? catalog.withConnection(to: entries[index]) { (connection) throws(LogError) in
                try connection.firstBlock(in: number + 1..<upper)
            }
            if let row, row.firstEvent >= 0, row.firstEvent <= head.events { return row.firstEvent }
        }
        return next < entries.count ? entries[next].firstEvent : nil
    }

    // MARK: Segments

    /// Fetches blocks from the segments; the first in `numbers`, or nil when there is none.
    private func fetch(_ numbers: Range<Int64>) throws(BlockSourceError) -> StoredBlock? {
        let entries = catalog.entries
        let start = entries.lastIndex { $0.firstBlock <= numbers.lowerBound } ?? 0
        for index in entries.indices[start...] where entries[index].firstBlock < numbers.upperBound {
            // A damaged row's number may be any; it must not hide the segments behind this one.
            let isLast = index + 1 == entries.count
            let upper = isLast ? numbers.upperBound : min(numbers.upperBound, entries[index + 1].firstBlock)
            guard numbers.lowerBound < upper else { continue }
            let numbers = numbers.lowerBound..<upper
            let blocks: [StoredBlock]
            do throws(LogError) {
                blocks = try catalog.withConnection(to: entries[index]) {
                    (connection) throws(LogError) in try connection.blocks(numbers)
                }
            } catch {
                switch error {
                case .missing:
                    continue  // given up, or taken away by hand
                case .damaged, .foreignFile, .newerFormat:
                    guard let block = try salvage(numbers, entries, index) else { continue }
                    blocks = [block]
                default:
                    throw .unavailable(reason: error.description)
                }
            }
            for block in blocks {
                fetched.insert(block, at: block.number, size: LogReader.weight(block))
            }
            if let first = blocks.first { return first }
        }
        return nil
    }

    /// SQLite found the segment's pages damaged: the block asked for may still be whole.
    private func salvage(
        _ numbers: Range<Int64>, _ entries: [SegmentCatalog.Entry], _ index: Int
    ) throws(BlockSourceError) -> StoredBlock? {
        let entry = entries[index]
        let row: (number: Int64, firstEvent: Int64, events: Int)?
        do throws(LogError) {
            row = try catalog.withConnection(to: entry) {
                (connection) throws(LogError) in try connection.firstBlock(in: numbers)
            }
        } catch {
            if let next = findRow(behind: numbers, entry) {
                var lost = 0
                if let reached, reached.nextBlock == numbers.lowerBound {
                    lost = Int(max(0, next.firstEvent - reached.events))
                }
                throw damaged(numbers.lowerBound...next.number - 1, events: lost, error.description)
            }
            throw wholeSegmentDamaged(numbers, entries, index, error)
        }
        guard let row else { return nil }
        do throws(LogError) {
            return try catalog.withConnection(to: entry) { (connection) throws(LogError) in
                // No further: the statement would step to the next row, which may be the damaged one.
                try connection.blocks(
                    row.number..<row.number + 1, limits: SegmentConnection.Limits(blocks: 1, bytes: 1)
                ).first
            }
        } catch {
            throw damaged(row.number...row.number, events: row.events, error.description)
        }
    }

    /// The first row behind the beginning of `numbers` that can be found: a search for a number goes only
    /// through the pages above it, so behind a damaged leaf there are others.
    private func findRow(
        behind numbers: Range<Int64>, _ entry: SegmentCatalog.Entry
    ) -> (number: Int64, firstEvent: Int64, events: Int)? {
        var from = numbers.lowerBound + 1
        var step: Int64 = 1
        while from < numbers.upperBound {
            let rest = from..<numbers.upperBound
            do throws(LogError) {
                let row = try catalog.withConnection(to: entry) { (connection) throws(LogError) in
                    try connection.firstBlock(in: rest)
                }
                guard let row else { return nil }
                if rest.contains(row.number), row.firstEvent >= 0 { return row }
            } catch {
                // Behind this number, too, is what cannot be read.
            }
            if from - numbers.lowerBound >= 64 { step *= 2 }
            from += step
        }
        return nil
    }

    /// Names the segment's last block, so that reading goes on with the next segment.
    private func wholeSegmentDamaged(
        _ numbers: Range<Int64>, _ entries: [SegmentCatalog.Entry], _ index: Int, _ reason: LogError
    ) -> BlockSourceError {
        let isLast = index + 1 == entries.count
        let last = (isLast ? numbers.upperBound : entries[index + 1].firstBlock) - 1
        let end = isLast ? headCell.load().events : entries[index + 1].firstEvent
        let start =
            if let reached, reached.nextBlock == numbers.lowerBound {
                Optional(reached.events)
            } else {
                entries[index].firstEvent
            }
        var lost = 0
        if let start, let end { lost = Int(max(0, end - start)) }
        return damaged(min(numbers.lowerBound, last)...last, events: lost, reason.description)
    }
}
