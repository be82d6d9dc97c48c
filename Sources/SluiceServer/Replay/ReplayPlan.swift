import SluiceCore
import SluiceDelivery
import SluiceLog

/// What a replay would be, reckoned by reading its part of the log.
package struct ReplayPlan: Sendable {
    /// Not stored yet. Has no blocks when there is nothing to send.
    package var job: ReplayJob
    package var estimate: ReplayEstimate
    /// Seconds at the rate that was asked for or the destination's own, whichever is slower; nil when
    /// neither says anything.
    package var seconds: Double?
    /// Of the platform, in days; nil where it documents none.
    package var attributionDays: Int?
    /// What the figures leave out, in words.
    package var notes: [String]

    /// Lines about damaged parts; more of them say nothing new.
    private static let unreadableNotesMax = 20
    /// Rows of the state file read at a time.
    private static let rowsMax = 4096

    /// Reads the log (or the archived segment) and the state file, without the folder's lock: beside a
    /// running gateway or without one. Any thread; memory is bounded by a few blocks.
    ///
    /// - Parameter now: milliseconds since 1970.
    package static func reckon(
        _ spec: ReplaySpec, _ configuration: Configuration, now: Int64
    ) throws(ReplayProblem) -> ReplayPlan {
        guard let settings = configuration.destinations.first(where: { $0.name == spec.destination }) else {
            throw ReplayProblem("destination", "there is no destination '\(spec.destination)'")
        }
        let folder = DataFolder(configuration.data)
        let reader: LogFolderReader
        do throws(LogError) {
            if let segment = spec.segment {
                reader = try LogFolderReader(file: segment)
            } else {
                reader = try LogFolderReader(folder: folder.path)
            }
        } catch {
            throw ReplayProblem(spec.segment == nil ? nil : "from_segment", error.description)
        }
        do {
            return try scan(spec, settings, configuration, folder, reader, now)
        } catch let problem as ReplayProblem {
            throw problem
        } catch {
            throw ReplayProblem(nil, "the replay cannot be reckoned: \(error)")
        }
    }

    private static func scan(
        _ spec: ReplaySpec, _ settings: DestinationSettings, _ configuration: Configuration, _ folder: DataFolder,
        _ reader: LogFolderReader, _ now: Int64
    ) throws -> ReplayPlan {
        let state: StateReader?
        do throws(LogError) {
            state = try folder.makeStateReader()
        } catch {
            guard case .missing = error else { throw error }
            state = nil
        }
        let destination = DestinationConfiguration(settings)
        let standing = try state?.place(of: spec.destination)
        let isForeign = spec.segment != nil && !SegmentOrigin.isOwn(reader, of: folder)
        let end = isForeign ? EventSequence(block: .max, index: 0) : end(standing, settings)
        let estimator = EstimatorBox(
            ReplayEstimator(
                spec, configuration: destination, encoder: Encoders.make(for: settings),
                isForeign: isForeign, end: end,
                startEvent: standing?.startEvent ?? Int64.max, now: now))
        var notes: [String] = []
        var unreadableParts = 0
        reader.onUnreadable = { part in
            unreadableParts += 1
            if case .blocks(_, _, let events?, _) = part { estimator.value.addDamaged(events: events) }
            if unreadableParts <= unreadableNotesMax { notes.append(part.description) }
        }
        let rows = PriorPages(state, destination: spec.destination, limit: rowsMax)
        let runs = RunPages(state, destination: spec.destination)
        var first: Int64?
        var last: Int64 = 0
        try reader.forEachBlock(received: spec.received) { stored in
            let priors = try rows.priors(in: stored.number)
            // Without a row there is no outcome to ask for; pending events are counted all the same.
            if estimator.value.needsOutcome, priors.isEmpty, stored.number < end.block { return true }
            guard let block = reader.decode(stored) else { return true }
            if stored.number <= end.block {
                first = first ?? stored.number
                last = stored.number
            }
            estimator.value.add(block, priors: priors, recorded: { runs.outcome($0, $1) })
            return true
        }
        let estimate = estimator.value.estimate
        if unreadableParts > unreadableNotesMax {
            notes.append("\(unreadableParts - unreadableNotesMax) more parts of the log cannot be read")
        }
        if isForeign { notes.insert(SegmentOrigin.foreignNote, at: 0) }
        notes = leading(spec, configuration, estimate, try gone(spec, reader)) + notes
        let blocks = first.map { $0..<last + 1 } ?? 1..<1
        return ReplayPlan(
            job: ReplayJob(
                spec: spec, blocks: blocks, end: end, total: estimate.total, createdMilliseconds: now),
            estimate: estimate, seconds: seconds(estimate.total.events, spec, settings),
            attributionDays: AttributionWindow.days(of: settings.platform), notes: notes)
    }

    /// So that the reader's callback and its loop can both count.
    private final class EstimatorBox {
        var value: ReplayEstimator
        init(_ value: consuming ReplayEstimator) { self.value = value }
    }

    /// From here on events are left to live delivery.
    private static func end(
        _ standing: (position: EventSequence, startEvent: Int64)?, _ settings: DestinationSettings
    ) -> EventSequence {
        let everything = EventSequence(block: .max, index: 0)
        if let standing { return standing.position }
        // Its cursor is made at the gateway's next start.
        return settings.start == .earliest ? EventSequence(block: 0, index: 0) : everything
    }

    /// When the log begins, if that is later than what was asked for.
    private static func gone(_ spec: ReplaySpec, _ reader: LogFolderReader) throws -> Int64? {
        guard spec.segment == nil, let oldest = try reader.segments().lazy.compactMap(\.extent).first,
            oldest.firstBlock > 1, oldest.firstReceivedMilliseconds > spec.received.lowerBound
        else { return nil }
        return oldest.firstReceivedMilliseconds
    }

    private static func leading(
        _ spec: ReplaySpec, _ configuration: Configuration, _ estimate: ReplayEstimate, _ logBegins: Int64?
    ) -> [String] {
        var notes: [String] = []
        if let logBegins {
            notes.append(
                "the log begins at \(WallTime.text(logBegins)): events before that were given up by retention")
        }
        if estimate.pending > 0 {
            notes.append(
                "\(estimate.pending) events of the range are still pending at \(spec.destination): live delivery"
                    + " sends them, the replay does not")
        }
        if estimate.notDue > 0 {
            notes.append("the rules of \(spec.destination) leave out \(estimate.notDue) events of the range")
        }
        if estimate.unreadable > 0 { notes.append("\(estimate.unreadable) events cannot be read") }
        for source in spec.sources where !configuration.sources.contains(where: { $0.name == source }) {
            notes.append("no source named '\(source)' is configured")
        }
        return notes
    }

    private static func seconds(
        _ events: Int64, _ spec: ReplaySpec, _ settings: DestinationSettings
    ) -> Double? {
        var seconds: [Double] = []
        if let rate = spec.rate { seconds.append(Double(events) / rate.perSecond) }
        if let rate = settings.rate {
            let batch = max(1, min(settings.batch, Encoders.make(for: settings).eventsPerRequestMax))
            seconds.append((Double(events) / Double(batch)).rounded(.up) / rate.perSecond)
        }
        return seconds.max()
    }
}

/// A destination's exceptional outcomes in the order of the log, some thousand at a time.
private final class PriorPages {
    private let state: StateReader?
    private let destination: String
    private let limit: Int
    private var page: ArraySlice<PriorOutcome> = []
    private var next: EventSequence? = EventSequence(block: 0, index: 0)

    init(_ state: StateReader?, destination: String, limit: Int) {
        self.state = state
        self.destination = destination
        self.limit = limit
    }

    /// Those of one block. Numbers must rise from call to call.
    func priors(in number: Int64) throws(LogError) -> [PriorOutcome] {
        guard let state else { return [] }
        var found: [PriorOutcome] = []
        while true {
            page = page.drop { $0.sequence.block < number }
            while let row = page.first, row.sequence.block == number {
                found.append(row)
                page = page.dropFirst()
            }
            guard page.isEmpty, let from = next else { return found }
            // What lies before the block need not be read at all.
            let start = max(from, EventSequence(block: number, index: 0))
            page = try state.priors(of: destination, from: start, limit: limit)[...]
            next = page.last.flatMap { last in
                page.count < limit
                    ? nil : EventSequence(block: last.sequence.block, index: last.sequence.index + 1)
            }
        }
    }
}

/// Looks up what became of events without a row of their own, one run of events at a time.
private final class RunPages {
    private let state: StateReader?
    private let destination: String
    private var run: BlockOutcome?
    /// Before this event there is nothing to be found.
    private var missingBefore: EventSequence?

    init(_ state: StateReader?, destination: String) {
        self.state = state
        self.destination = destination
    }

    /// Nil when it is not on record. Sequences must rise from call to call.
    func outcome(_ sequence: EventSequence, _ eventNumber: Int64) -> Outcome? {
        if let run, eventNumber >= run.firstEvent, eventNumber < run.endEvent {
            return RunPages.outcome(run, eventNumber)
        }
        if let missingBefore, sequence < missingBefore { return nil }
        // Of a file without such a record nothing is known.
        run = (try? state?.run(of: destination, at: sequence)) ?? nil
        guard let run, eventNumber < run.endEvent else {
            missingBefore = EventSequence(block: sequence.block + 1, index: 0)
            return nil
        }
        return RunPages.outcome(run, eventNumber)
    }

    private static func outcome(_ run: BlockOutcome, _ eventNumber: Int64) -> Outcome? {
        // What the log could not give to the destination has one row for all of it.
        if run.hour == nil, run.counts.expired == run.eventCount { return .expired }
        return run.isFiltered(eventNumber).map { $0 ? .filtered : .delivered }
    }
}
