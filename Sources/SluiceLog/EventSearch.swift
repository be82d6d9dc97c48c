import SluiceCore

/// What is looked for: events that carry an id, in whichever of their fields that name somebody or something.
package struct EventQuery: Sendable, Equatable {
    /// Compared with the decoded text of the event's, session's and order's id and the user's `id`, `keys` and
    /// `customer_id`; the whole text, byte for byte.
    package var id: [UInt8]
    /// Nil: of any type.
    package var type: EventType?
    /// Most events that are found.
    package var limit: Int

    package init(id: [UInt8], type: EventType? = nil, limit: Int = 20) {
        self.id = id
        self.type = type
        self.limit = limit
    }
}

/// Finds the newest events that carry an id: reads the filters of the newest segment's blocks, decodes the few
/// blocks that may hold it, and goes on to older segments until there are enough.
///
/// Blocks and segments that are damaged or gone are passed over. Holds the filters' verdicts of a segment and
/// one block in memory. Owner: one thread.
package final class EventSearch {
    private enum Place {
        /// Of a running gateway: only what is committed.
        case log(LogHeadCell, SegmentCatalog, DamageScout)
        case folder(DataFolder)
    }

    private let place: Place
    /// Blocks and segments that the last search passed over because they cannot be read.
    package private(set) var unreadable = 0
    private let decoder = BlockDecoder()

    init(headCell: LogHeadCell, catalog: SegmentCatalog, scout: DamageScout) {
        place = .log(headCell, catalog, scout)
    }

    /// Searches a data folder that no process owns, or that another one does.
    package init(folder path: String) { place = .folder(DataFolder(path)) }

    /// The newest events first.
    package func find(_ query: EventQuery) throws(LogError) -> [FoundEvent] {
        guard query.limit > 0, !query.id.isEmpty else { return [] }
        let matcher = EventMatcher(query)
        unreadable = 0
        var found: [FoundEvent] = []
        switch place {
        case .log(let headCell, let catalog, let scout):
            let numbers = 1..<headCell.load().nextBlock
            for entry in catalog.entries.reversed() where found.count < query.limit {
                try passingOverDamage({ scout.inspect(entry) }) { () throws(LogError) in
                    try catalog.withConnection(to: entry) { (connection) throws(LogError) in
                        try search(connection, numbers, matcher, query.limit, &found)
                    }
                }
            }
        case .folder(let folder):
            for segment in try folder.segments().reversed() where found.count < query.limit {
                try passingOverDamage { () throws(LogError) in
                    let connection = try SegmentConnection.anywhere(segment.path)
                    defer { connection.close() }
                    try search(connection, 1..<Int64.max, matcher, query.limit, &found)
                }
            }
        }
        return found
    }

    private func passingOverDamage(
        _ onDamage: () -> Void = {}, _ body: () throws(LogError) -> Void
    ) throws(LogError) {
        do throws(LogError) {
            try body()
        } catch {
            switch error {
            case .missing: return
            case .damaged, .foreignFile, .newerFormat:
                unreadable += 1
                onDamage()
            default: throw error
            }
        }
    }

    private func search(
        _ connection: SegmentConnection, _ numbers: Range<Int64>, _ matcher: EventMatcher, _ limit: Int,
        _ found: inout [FoundEvent]
    ) throws(LogError) {
        let candidates = try connection.numbers(
            numbers, received: Int64.min..<Int64.max, mayHold: matcher.hash)
        for number in candidates.reversed() {
            guard let stored = try connection.blocks(number..<number + 1).first else { continue }
            let block: EventBlock
            do throws(BlockDamage) {
                block = try decoder.decode(stored)
            } catch {
                unreadable += 1
                // Without a gateway it is only told of.
                if case .log(_, _, let scout) = place { scout.found(stored, error) }
                continue
            }
            guard block.payload.withBytes({ matcher.mayStand(in: $0) }) else { continue }
            for index in (0..<block.eventCount).reversed() {
                let line: [UInt8]? = block.withEvent(index) { matcher.matches($0) ? $0.array : nil }
                guard let line else { continue }
                found.append(
                    FoundEvent(
                        sequence: EventSequence(block: number, index: index),
                        eventNumber: block.firstEvent + Int64(index), line: line))
                if found.count >= limit { return }
            }
        }
    }
}

/// Tells whether a canonical line carries the id that is looked for. Owner: one thread.
final class EventMatcher {
    let hash: UInt64
    private let id: [UInt8]
    private let type: EventType?
    private let reader = CanonicalReader()
    private let scratch = JSONScratch()
    private var fields = EventFields()

    init(_ query: EventQuery) {
        id = query.id
        type = query.type
        hash = query.id.withBytes { EventHash.filter($0) }
    }

    /// Whether the id may stand in the text: as it is, or with an escape in it. Much cheaper than reading it.
    func mayStand(in text: Bytes) -> Bool {
        if text.firstIndex(of: UInt8(ascii: "\\")) != nil { return true }
        return id.withBytes { id in
            var from = 0
            while let start = text.firstIndex(of: id[0], from: from), start + id.count <= text.count {
                if text[start..<start + id.count].equals(id) { return true }
                from = start + 1
            }
            return false
        }
    }

    func matches(_ line: Bytes) -> Bool {
        guard mayStand(in: line), (try? reader.parse(line, into: &fields)) != nil else { return false }
        if let type, fields.type != type { return false }
        return id.withBytes { id in
            for field in [EventField.id, .sessionID, .userID, .userCustomerID, .orderID] {
                if fields.text(field)?.equals(id) == true { return true }
            }
            guard let keys = fields.text(.userKeys) else { return false }
            var isKey = false
            TextList.forEach(in: keys, scratch: scratch) { key in isKey = isKey || key.equals(id) }
            return isKey
        }
    }
}

extension EventLog {
    /// Searches for events that carry an id.
    package func makeSearch() -> EventSearch { EventSearch(headCell: headCell, catalog: catalog, scout: scout) }

    /// Which events were received when.
    package func makeHours() -> LogHours { LogHours(headCell: headCell, catalog: catalog, quarantine: quarantine) }
}
