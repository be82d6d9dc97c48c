import SluiceCore
import SluiceDelivery
import Synchronization

/// Canonical lines as the core writes them, as far as delivery looks at them.
func eventLine(
    _ id: String, type: String = "click", source: String = "shop", network: String = "", mark: String = ""
) -> String {
    let networkField = network.isEmpty ? "" : #","network":"\#(network)""#
    let user = mark.isEmpty ? "u" : mark
    return #"{"id":"\#(id)","type":"\#(type)","occurred_at":"2026-01-02T03:04:05.678Z","#
        + #""received_at":"2026-01-02T03:04:06.000Z","source":"\#(source)","platform":"native""#
        + networkField + #","session_id":"s","user":{"id":"\#(user)"}}"#
}

func makeBlock(
    _ number: Int64, firstEvent: Int64, received: Int64 = 1_767_322_800_000, _ lines: [String]
) -> EventBlock {
    var payload: [UInt8] = []
    var starts: [Int32] = [0]
    for line in lines {
        payload += Array(line.utf8) + [0x0A]
        starts.append(Int32(payload.count))
    }
    return EventBlock(
        number: number, firstEvent: firstEvent, firstReceivedMilliseconds: received, payload: payload,
        lineStarts: starts)
}

/// A log in memory. Safe from any thread.
final class MemoryLog: BlockSource, Sendable {
    private enum Entry {
        case block(EventBlock)
        case damaged(eventCount: Int)
    }
    private struct Content {
        var entries: [Int64: Entry] = [:]
        var head = LogHead(nextBlock: 1, events: 0)
        var isUnavailable = false
        var reads = 0
        var givenUpEvents: Int64 = 0
    }
    private let content = Mutex(Content())

    /// Commits a block and says its number.
    @discardableResult
    func append(_ lines: [String]) -> Int64 {
        content.withLock { content in
            let number = content.head.nextBlock
            content.entries[number] = .block(makeBlock(number, firstEvent: content.head.events, lines))
            content.head = LogHead(nextBlock: number + 1, events: content.head.events + Int64(lines.count))
            return number
        }
    }

    func damage(_ number: Int64, eventCount: Int) {
        content.withLock { $0.entries[number] = .damaged(eventCount: eventCount) }
    }

    func drop(_ numbers: ClosedRange<Int64>) {
        content.withLock { content in for number in numbers { content.entries[number] = nil } }
    }

    /// Retention takes the log's oldest blocks, `events` in all, although somebody needs them.
    func giveUp(_ numbers: ClosedRange<Int64>, events: Int64) {
        drop(numbers)
        content.withLock { $0.givenUpEvents = events }
    }

    func givenUpEvents(from event: Int64) -> Int64 { content.withLock { max(0, $0.givenUpEvents - event) } }

    func setUnavailable(_ value: Bool) { content.withLock { $0.isUnavailable = value } }

    var head: LogHead { content.withLock { $0.head } }
    var reads: Int { content.withLock { $0.reads } }

    func block(atOrAfter number: Int64) throws(BlockSourceError) -> EventBlock? {
        let result: Result<EventBlock?, BlockSourceError> = content.withLock { content in
            if content.isUnavailable { return .failure(.unavailable(reason: "out of order")) }
            var next = max(1, number)
            while next < content.head.nextBlock {
                switch content.entries[next] {
                case .block(let block)?:
                    content.reads += 1
                    return .success(block)
                case .damaged(let count)?:
                    return .failure(.damaged(number: next, eventCount: count, reason: "checksum"))
                case nil: next += 1
                }
            }
            return .success(nil)
        }
        return try result.get()
    }
}

/// Cursors and exceptions in memory. Safe from any thread.
final class MemoryState: DeliveryState, Sendable {
    struct Content {
        var cursors: [String: Cursor] = [:]
        var exceptions: [ExceptionalOutcome] = []
        var blocks: [BlockOutcome] = []
        var replays: [Int64: ReplayJob] = [:]
        var isFailing = false
        var saves = 0

        mutating func put(_ exception: ExceptionalOutcome) {
            exceptions.removeAll {
                $0.destination == exception.destination && $0.sequence == exception.sequence
            }
            exceptions.append(exception)
        }

        mutating func apply(_ correction: OutcomeCorrection) -> Bool {
            let known = exceptions.first {
                $0.destination == correction.destination && $0.sequence == correction.sequence
            }
            guard known.map({ $0.outcome == correction.from }) ?? true else { return false }
            let index = blocks.firstIndex {
                $0.destination == correction.destination && $0.firstEvent <= correction.eventNumber
                    && correction.eventNumber < $0.endEvent
            }
            if let index { _ = blocks[index].correct(from: correction.from, to: correction.to) }
            cursors[correction.destination]?.counts[correction.from] -= 1
            cursors[correction.destination]?.counts[correction.to] += 1
            put(correction.row)
            return true
        }
    }
    let content = Mutex(Content())

    func cursor(of destination: String) throws(DeliveryStateError) -> Cursor? {
        let result: Result<Cursor?, DeliveryStateError> = content.withLock {
            $0.isFailing
                ? .failure(DeliveryStateError(reason: "disk full")) : .success($0.cursors[destination])
        }
        return try result.get()
    }

    @discardableResult
    func save(_ change: DeliveryChange) throws(DeliveryStateError) -> [OutcomeCorrection] {
        let applied: [OutcomeCorrection]? = content.withLock { content in
            guard !content.isFailing else { return nil }
            content.saves += 1
            content.blocks.removeAll { change.restarted.contains($0.destination) }
            for cursor in change.cursors { content.cursors[cursor.destination] = cursor }
            for exception in change.exceptions { content.put(exception) }
            for run in change.blocks {
                content.blocks.removeAll { $0.destination == run.destination && $0.first == run.first }
                content.blocks.append(run)
            }
            for job in change.replays { content.replays[job.id] = job }
            return change.corrections.filter { content.apply($0) }
        }
        guard let applied else { throw DeliveryStateError(reason: "disk full") }
        return applied
    }

    func setFailing(_ value: Bool) { content.withLock { $0.isFailing = value } }
    func saved(_ name: String) -> Cursor? { content.withLock { $0.cursors[name] } }
    var exceptions: [ExceptionalOutcome] { content.withLock { $0.exceptions } }
    /// The runs of a destination, in the order of the log.
    func blocks(_ name: String) -> [BlockOutcome] {
        content.withLock { $0.blocks.filter { $0.destination == name }.sorted { $0.first < $1.first } }
    }
}

/// An encoder that sends ids, one per line. Marks on an event's user say how it behaves.
final class IDEncoder: PlatformEncoder {
    let eventsPerRequestMax: Int
    let roomMax: Int
    let headers: [String]
    private var ids: [String] = []

    /// - Parameter roomMax: bytes of ids that fit in one request.
    init(eventsPerRequestMax: Int = 10, roomMax: Int = .max, headers: [String] = []) {
        self.eventsPerRequestMax = eventsPerRequestMax
        self.roomMax = roomMax
        self.headers = headers
    }

    func takes(type: EventType, network: Bytes) -> Bool {
        type != .pageView && (network.isEmpty || network.equals("topsort"))
    }

    func begin(now milliseconds: Int64) { ids.removeAll() }

    func add(_ event: Bytes) -> EncodeResult {
        let text = event.string
        if text.contains(#""id":"missing""#) { return .missing(["session_id", "ad.id"]) }
        if text.contains(#""id":"unfit""#) { return .unfit("no such thing here") }
        let id = EventSummary(event)!.id.string
        guard ids.reduce(0, { $0 + $1.utf8.count }) + id.utf8.count <= roomMax else { return .full }
        ids.append(id)
        return .added
    }

    func finish(part: Int, into request: inout OutgoingRequest) {
        request.contentType = "text/plain"
        request.path.append("/ids")
        request.body.append(ids.joined(separator: "\n"))
        request.headers += headers
    }

    func classify(_ answer: UpstreamAnswer, eventCount: Int) -> Verdict {
        let words = String(decoding: answer.body, as: UTF8.self)
        switch answer.status {
        case 200...299: return .delivered
        case 408, 425, 429, 500...599: return .retry(afterSeconds: nil, reason: words)
        case 422: return .split(reason: words)
        default: return .rejected(reason: words)
        }
    }
}

extension MemoryState: ReplayStore {
    func replayJobs() throws(DeliveryStateError) -> [ReplayJob] {
        content.withLock { $0.replays.values.sorted { $0.id < $1.id } }
    }

    func createReplay(_ job: ReplayJob) throws(DeliveryStateError) -> Int64 {
        let id: Int64? = content.withLock { content in
            guard !content.isFailing else { return nil }
            var job = job
            job.id = (content.replays.keys.max() ?? 0) + 1
            content.replays[job.id] = job
            return job.id
        }
        guard let id else { throw DeliveryStateError(reason: "disk full") }
        return id
    }

    func exceptions(
        of destination: String, inBlock number: Int64
    ) throws(DeliveryStateError) -> [ExceptionalOutcome] {
        exceptions.filter { $0.destination == destination && $0.sequence.block == number }
            .sorted { $0.sequence < $1.sequence }
    }

    func exceptionalBlock(
        of destination: String, atOrAfter number: Int64, outcomes: [Outcome]
    ) throws(DeliveryStateError) -> Int64? {
        exceptions.filter {
            $0.destination == destination && $0.sequence.block >= number && outcomes.contains($0.outcome)
        }.map(\.sequence.block).min()
    }

    func replay(_ id: Int64) -> ReplayJob? { content.withLock { $0.replays[id] } }
}
