import SluiceCore
import SluiceDelivery
import SluiceIO
import SluiceLog

/// One tail, from its question to its end.
///
/// The log is its queue: it looks for new blocks ten times a second and writes what it was asked for. While
/// a slow client keeps it waiting it reads nothing; when it comes back to more than `behindMax` events, it
/// goes on near the end and says how many it left out.
///
/// Invariants: 1. `next` and `seenEvents` say where the events begin that were not looked at. 2. Memory is
/// a reader's few blocks and one buffer. Owner: its connection's thread.
struct TailSession: ~Copyable {
    private static let pauseMilliseconds = 100
    private static let heartbeatMilliseconds: Int64 = 5000
    /// Somebody reads page by page, and thinks in between.
    private static let timeoutMilliseconds = 300_000
    /// Blocks looked at for what was there before.
    private static let pastBlocksMax: Int64 = 200
    /// Bytes written at once.
    private static let flushBytes = 64 << 10

    private let query: TailQuery
    private let filter: TailFilter
    private let desk: TailDesk
    private var lines = TailLines()
    private var reader: (any BlockSource)?
    private var next: Int64 = 1
    private var seenEvents: Int64 = 0
    private var nextRefused: Int64 = 0
    private var outcomes: OutcomeView?
    private var spokeAt: Int64 = 0

    /// What is needed to tell a destination's outcomes.
    private struct OutcomeView {
        let destination: String
        let matcher: RuleMatcher
        let encoder: any PlatformEncoder
        let state: StateReader
        /// Everything before it has been told.
        var told: EventSequence
        /// How many events the log holds before `told`; nil before the first.
        var toldEvents: Int64?
    }

    init(_ query: TailQuery, _ desk: TailDesk) {
        self.query = query
        filter = TailFilter(query)
        self.desk = desk
    }

    mutating func run(_ stream: BodyStream) {
        stream.timeoutMilliseconds = TailSession.timeoutMilliseconds
        do throws(LogError) {
            try begin()
        } catch {
            return end(stream, "the state file cannot be read")
        }
        lines.heartbeat(WallTime.nowMilliseconds())
        while flush(stream), !desk.stops {
            do {
                try look(stream)
            } catch {
                return end(stream, "the log cannot be read")
            }
            guard flush(stream), !desk.stops, stream.pause(milliseconds: TailSession.pauseMilliseconds) else {
                break
            }
            if MonotonicClock.nowMilliseconds - spokeAt >= TailSession.heartbeatMilliseconds {
                lines.heartbeat(WallTime.nowMilliseconds())
            }
        }
        end(stream, "the gateway stops")
    }

    /// Says that nothing more comes.
    mutating func end(_ stream: BodyStream, _ reason: StaticString) {
        lines.end(reason)
        _ = flush(stream)
        reader = nil
    }

    private mutating func flush(_ stream: BodyStream) -> Bool {
        guard !lines.buffer.bytes.isEmpty else { return stream.isOpen }
        let desk = desk
        let went = stream.write(lines.buffer.bytes) { !desk.stops }
        lines.clear()
        spokeAt = MonotonicClock.nowMilliseconds
        return went
    }

    // MARK: Where it begins

    private mutating func begin() throws(LogError) {
        switch query.view {
        case .refused:
            nextRefused = desk.refusals.number(ofNewest: query.past)
        case .events:
            let reader = desk.log.makeLightReader()
            self.reader = reader
            let head = reader.head
            next = head.nextBlock
            seenEvents = head.events
            if query.past > 0 { tellPast(reader, head) }
        case .outcomes(let destination):
            guard let settings = desk.destinations.first(where: { $0.name == destination }) else { return }
            let state = try desk.log.makeStateReader()
            let start = try state.position(of: destination) ?? EventSequence(block: 1, index: 0)
            reader = desk.log.makeLightReader()
            outcomes = OutcomeView(
                destination: destination,
                matcher: RuleMatcher(DestinationConfiguration(settings).rules, platform: settings.platform),
                encoder: Encoders.make(for: settings), state: state, told: start)
        }
    }

    /// The newest events there are already, of the last blocks.
    private mutating func tellPast(_ reader: any BlockSource, _ head: LogHead) {
        var found: [(EventSequence, [UInt8])] = []
        var number = head.nextBlock - 1
        let last = max(1, head.nextBlock - TailSession.pastBlocksMax)
        while number >= last, found.count < query.past {
            if let block = try? reader.block(atOrAfter: number), block.number == number {
                for index in (0..<block.eventCount).reversed() where found.count < query.past {
                    block.withEvent(index) { line in
                        guard wants(line) else { return }
                        found.append((EventSequence(block: number, index: index), line.array))
                    }
                }
            }
            number -= 1
        }
        for (sequence, line) in found.reversed() { line.withBytes { lines.event($0, sequence) } }
    }

    private func wants(_ line: Bytes) -> Bool { filter.wants(line) }

    // MARK: What is new

    private mutating func look(_ stream: BodyStream) throws {
        switch query.view {
        case .refused: lookAtRefused()
        case .events: try lookAtEvents(stream)
        case .outcomes: try lookAtOutcomes(stream)
        }
    }

    private mutating func lookAtRefused() {
        let new = desk.refusals.rows(from: nextRefused)
        nextRefused = new.next
        drop(new.lost)
        for row in new.rows where query.source == nil || row.source == query.source { lines.refused(row) }
    }

    private mutating func drop(_ count: Int64) {
        guard count > 0 else { return }
        lines.dropped(count)
        desk.countDropped(count)
    }

    private mutating func lookAtEvents(_ stream: BodyStream) throws {
        guard let reader else { return }
        while !desk.stops {
            let head = reader.head
            guard next < head.nextBlock else { return }
            if head.events - seenEvents > desk.behindMax { next = max(next, head.nextBlock - 2) }
            guard let block = try block(reader, atOrAfter: next) else { return }
            drop(block.firstEvent - seenEvents)
            next = block.number + 1
            seenEvents = block.firstEvent + Int64(block.eventCount)
            for index in 0..<block.eventCount {
                block.withEvent(index) { line in
                    if wants(line) { lines.event(line, EventSequence(block: block.number, index: index)) }
                }
                if lines.buffer.count >= TailSession.flushBytes {
                    // The client is gone, or the gateway stops: the loop around this one finds out.
                    guard flush(stream), !desk.stops else { return }
                }
            }
        }
    }

    /// A block that can be read; damaged ones are passed over, for a tail only shows.
    private mutating func block(
        _ reader: any BlockSource, atOrAfter number: Int64
    ) throws(BlockSourceError) -> EventBlock? {
        var number = number
        while true {
            do throws(BlockSourceError) {
                return try reader.block(atOrAfter: number)
            } catch {
                guard case .damaged(let damaged, _, _) = error else { throw error }
                number = damaged + 1
            }
        }
    }

    // MARK: Outcomes

    /// Tells what the cursor has passed since the last look. An event behind one that is still being tried
    /// is told when the cursor passes both.
    private mutating func lookAtOutcomes(_ stream: BodyStream) throws {
        guard let reader, var view = outcomes,
            let position = try view.state.position(of: view.destination), view.told < position
        else { return }
        // A destination that works off a backlog passes more than anybody reads.
        if position.block - view.told.block > 1000 {
            view.told = EventSequence(block: position.block - 100, index: 0)
        }
        while view.told < position, !desk.stops {
            guard let block = try block(reader, atOrAfter: view.told.block), block.number <= position.block
            else { break }
            let first = block.number == view.told.block ? view.told.index : 0
            let end = block.number == position.block ? min(position.index, block.eventCount) : block.eventCount
            if let before = view.toldEvents { drop(block.firstEvent + Int64(first) - before) }
            view.toldEvents = block.firstEvent + Int64(end)
            if first < end {
                let rows = try view.state.exceptions(of: view.destination, block: block.number)
                for index in first..<end {
                    block.withEvent(index) { line in
                        tell(line, rows[index], EventSequence(block: block.number, index: index), view)
                    }
                    if lines.buffer.count >= TailSession.flushBytes {
                        guard flush(stream), !desk.stops else { return }
                    }
                }
            }
            view.told = EventSequence(block: block.number + 1, index: 0)
            if block.number == position.block { break }
        }
        view.told = position
        outcomes = view
    }

    private mutating func tell(
        _ line: Bytes, _ row: StateReader.ExceptionalRow?, _ sequence: EventSequence, _ view: OutcomeView
    ) {
        guard wants(line) else { return }
        var outcome = Outcome.delivered
        if let row {
            outcome = row.outcome
        } else if let summary = EventSummary(line) {
            let encoder = view.encoder
            if !view.matcher.admits(summary, platformTakes: { encoder.takes(type: $0, network: $1) }) {
                outcome = .filtered
            }
        }
        lines.outcome(outcome, at: view.destination, row, of: line, sequence)
    }
}
