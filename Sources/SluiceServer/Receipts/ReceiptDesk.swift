import SluiceCore
import SluiceDelivery
import SluiceLog
import Synchronization

/// Answers "what became of it?": finds events in the log and puts together what is on record about them.
///
/// Safe from any thread; one question is answered at a time.
// @unchecked: `search` and `reader` are used by whoever holds `turn`.
package final class ReceiptDesk: @unchecked Sendable {
    private let turn = Mutex(())
    private let search: EventSearch
    private let openState: @Sendable () throws(LogError) -> StateReader
    private var state: StateReader?
    private let reader = CanonicalReader()
    private var fields = EventFields()
    /// The configured destinations, in their order.
    private let destinations: [String]
    private let logEvents: @Sendable () throws(LogError) -> Int64
    /// Nil when nobody answers.
    private let progress: @Sendable (EventSequence, Int64) -> [String: EventProgress]?

    /// Of a running gateway.
    package init(_ pipeline: Pipeline) {
        let log = pipeline.log
        let delivery = pipeline.delivery
        search = log.makeSearch()
        openState = { () throws(LogError) in try log.makeStateReader() }
        destinations = pipeline.configuration.destinations.map(\.name)
        logEvents = { log.head.events }
        progress = { delivery.progress(of: $0, eventNumber: $1) }
    }

    /// Of a data folder where no gateway runs, or none that answers.
    package init(folder: String, destinations: [String]) throws(LogError) {
        search = EventSearch(folder: folder)
        openState = { () throws(LogError) in try StateReader(folder: folder) }
        self.destinations = destinations
        let log = try LogFolderReader(folder: folder)
        let events = try log.segments().last.map { $0.extent?.endEvent ?? $0.description.firstEvent } ?? 0
        logEvents = { events }
        progress = { _, _ in nil }
    }

    /// The newest events that carry the id.
    package func receipts(_ query: EventQuery) throws(LogError) -> [TracedEvent] {
        let result: Result<[TracedEvent], LogError> = turn.withLock { _ in
            do throws(LogError) {
                var events: [TracedEvent] = []
                // Who did not answer once is not waited for again and again.
                var isAnswering = true
                for found in try search.find(query) { events.append(try trace(found, &isAnswering)) }
                // "There is none" would be more than anybody knows.
                if events.isEmpty, search.unreadable > 0 {
                    return .failure(
                        .damaged(
                            path: "the log",
                            reason: "no event that can be read has this id, but \(search.unreadable) blocks or"
                                + " segments that may hold it cannot be read; see sluice fsck"))
                }
                return .success(events)
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    private func trace(_ found: FoundEvent, _ isAnswering: inout Bool) throws(LogError) -> TracedEvent {
        var receipt = EventReceipt()
        receipt.sequence = found.sequence.description
        found.line.withBytes { line in
            guard (try? reader.parse(line, into: &fields)) != nil else { return }
            receipt.id = fields.text(.id)?.string ?? ""
            receipt.type = "\(fields.type.name)"
            receipt.receivedAt = WallTime.text(fields.receivedMilliseconds)
            receipt.source = fields.text(.source)?.string ?? ""
            receipt.platform = fields.text(.platform)?.string ?? ""
        }
        // The engine first: what it hands on to the record meanwhile is found there.
        let answer = isAnswering ? progress(found.sequence, found.eventNumber) : nil
        isAnswering = answer != nil
        let known = answer ?? [:]
        let records = try stateReader()?.records(of: found.sequence) ?? []
        let events = try logEvents()
        let byName = Dictionary(records.map { ($0.cursor.destination, $0) }) { first, _ in first }
        receipt.destinations = destinations.map { name in
            outcome(name, byName[name], known[name], found, receipt.id, logEvents: events)
        }
        // A destination that is no longer configured gets nothing more; what it got, it got.
        for record in records where !destinations.contains(record.cursor.destination) {
            let name = record.cursor.destination
            let former = outcome(name, record, nil, found, receipt.id, logEvents: events)
            if former.outcome != .pending { receipt.destinations.append(former) }
        }
        return TracedEvent(receipt: receipt, line: found.line)
    }

    private func stateReader() throws(LogError) -> StateReader? {
        if let state { return state }
        do throws(LogError) {
            state = try openState()
        } catch .missing {
            // No gateway has run here yet: nothing has any outcome.
        }
        return state
    }

    // MARK: Outcomes

    private func outcome(
        _ name: String, _ record: OutcomeRecord?, _ progress: EventProgress?, _ found: FoundEvent, _ id: String,
        logEvents: Int64
    ) -> DestinationReceipt {
        guard let record else {
            var receipt = DestinationReceipt(destination: name, outcome: .pending)
            receipt.reason = "the destination has no cursor yet"
            return receipt
        }
        // A row of another event stems from a log that was replaced.
        if let row = record.exception, row.eventID == id || row.eventID.isEmpty { return receipt(of: row, name) }
        let cursor = record.cursor
        if found.eventNumber < cursor.startEvent {
            var receipt = DestinationReceipt(destination: name, outcome: .notDue)
            receipt.reason = "it was received before this destination began"
            return receipt
        }
        if case .settled(let outcome)? = progress?.stage {
            if let row = progress?.exception { return receipt(of: row, name) }
            return DestinationReceipt(destination: name, outcome: DestinationReceipt.State(outcome))
        }
        guard found.sequence < cursor.position else {
            return pending(name, progress, lagEvents: max(0, logEvents - cursor.startEvent - cursor.counts.total))
        }
        guard let run = record.run, let isFiltered = run.isFiltered(found.eventNumber) else {
            var receipt = DestinationReceipt(destination: name, outcome: .unrecorded)
            receipt.reason = "delivered or filtered, before outcomes were kept by block"
            return receipt
        }
        if run.hour == nil, run.counts.expired == run.eventCount { return lost(name, record.loss) }
        return DestinationReceipt(destination: name, outcome: isFiltered ? .filtered : .delivered)
    }

    private func receipt(of row: ExceptionalOutcome, _ name: String) -> DestinationReceipt {
        var receipt = DestinationReceipt(destination: name, outcome: DestinationReceipt.State(row.outcome))
        receipt.status = row.status == 0 ? nil : row.status
        receipt.reason = row.reason.isEmpty ? nil : row.reason
        receipt.attempts = row.attempts
        if row.attempts > 0 {
            receipt.firstAttemptAt = WallTime.text(row.firstAttemptMilliseconds)
            receipt.lastAttemptAt = WallTime.text(row.lastAttemptMilliseconds)
        }
        receipt.url = row.url.isEmpty ? nil : row.url
        return receipt
    }

    private func pending(_ name: String, _ progress: EventProgress?, lagEvents: Int64) -> DestinationReceipt {
        var receipt = DestinationReceipt(destination: name, outcome: .pending)
        receipt.lagEvents = lagEvents
        guard let progress else { return receipt }
        receipt.stage =
            switch progress.stage {
            case .unread: .unread
            case .ready: .ready
            case .inFlight: .inFlight
            case .waiting: .waiting
            case .settled: nil
            }
        if progress.attempts > 0 { receipt.attempts = progress.attempts }
        receipt.firstAttemptAt = progress.firstAttemptMilliseconds.map(WallTime.text)
        receipt.lastAttemptAt = progress.lastAttemptMilliseconds.map(WallTime.text)
        if let failure = progress.lastFailure {
            receipt.status = failure.status == 0 ? nil : failure.status
            receipt.reason = failure.reason
            receipt.url = failure.url
        }
        return receipt
    }

    /// The log could not give the event to the destination, although it is readable again.
    private func lost(_ name: String, _ row: ExceptionalOutcome?) -> DestinationReceipt {
        var receipt = DestinationReceipt(destination: name, outcome: .expired)
        receipt.reason = row?.reason ?? "the log could not give it to the destination when it was its turn"
        receipt.attempts = 0
        return receipt
    }
}

extension DestinationReceipt.State {
    init(_ outcome: Outcome) {
        self =
            switch outcome {
            case .delivered: .delivered
            case .rejected: .rejected
            case .parked: .parked
            case .expired: .expired
            case .filtered: .filtered
            }
    }
}
