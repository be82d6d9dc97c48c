import SluiceCore

/// What a replay would send, counted before anything is sent.
package struct ReplayEstimate: Equatable, Sendable {
    /// What would be sent; bytes as they lie in the log.
    package var total = ReplayTotal()
    /// Of these, how many the platform has taken already.
    package var alreadyDelivered: Int64 = 0
    package var rejected: Int64 = 0
    package var parked: Int64 = 0
    package var expired: Int64 = 0
    /// Of these, how many were never due there so far: they were committed before the destination's books
    /// begin, or its rules left them out at that time.
    package var neverDue: Int64 = 0
    /// Of these, how many happened longer ago than the platform attributes; nil where it documents no
    /// window.
    package var beyondAttribution: Int64?
    /// Not part of it: events of the range that the destination has not come to yet.
    package var pending: Int64 = 0
    /// Not part of it: events of the range that the destination's rules leave out.
    package var notDue: Int64 = 0
    /// Not part of it: events that cannot be read.
    package var unreadable: Int64 = 0
    /// Events that were looked at.
    package var scanned: Int64 = 0

    package init() {}
}

/// Counts a replay's events block by block. Owner: one thread.
///
/// One look at each event's head and no allocation for it; only events with a row of their own cost more.
package struct ReplayEstimator: ~Copyable {
    package private(set) var estimate = ReplayEstimate()
    private let selection: ReplaySelection
    /// The same without an end and without an outcome: what is left to live delivery.
    private let open: ReplaySelection
    private let end: EventSequence
    private let startEvent: Int64
    private let oldest: Int64?
    private let isForeign: Bool

    /// - Parameters:
    ///   - isForeign: the events are another log's, so that nothing is on record about them.
    ///   - end: the destination's cursor: from here on events are pending.
    ///   - startEvent: events in the log before the destination's first.
    ///   - now: milliseconds since 1970.
    package init(
        _ spec: ReplaySpec, configuration: DestinationConfiguration, encoder: any PlatformEncoder,
        isForeign: Bool = false, end: EventSequence, startEvent: Int64, now: Int64
    ) {
        var unbounded = spec
        unbounded.outcome = nil
        selection = ReplaySelection(
            spec, end: end, rules: configuration.rules, platform: configuration.platform, encoder: encoder)
        open = ReplaySelection(
            unbounded, end: EventSequence(block: .max, index: 0), rules: configuration.rules,
            platform: configuration.platform, encoder: encoder)
        self.end = end
        self.startEvent = startEvent
        self.isForeign = isForeign
        let days = AttributionWindow.days(of: configuration.platform)
        oldest = days.map { now - Int64($0) * 86_400_000 }
        if days != nil { estimate.beyondAttribution = 0 }
    }

    /// Whether a block without exceptional outcomes need not be read at all.
    package var needsOutcome: Bool { selection.needsOutcome }

    /// Counts a block that cannot be read.
    package mutating func addDamaged(events: Int) { estimate.unreadable += Int64(max(0, events)) }

    /// - Parameters:
    ///   - priors: the block's exceptional outcomes, by index.
    ///   - recorded: what became of an event without such an outcome, by the record of its block; nil where
    ///     that is not known. Is given its number in the log, too.
    package mutating func add(
        _ block: EventBlock, priors: [PriorOutcome], recorded: (EventSequence, Int64) -> Outcome? = { _, _ in nil }
    ) {
        var next = 0
        for index in 0..<block.eventCount {
            while next < priors.count, priors[next].sequence.index < index { next += 1 }
            let prior = next < priors.count && priors[next].sequence.index == index ? priors[next] : nil
            block.withEvent(index) { add($0, block, index, prior, recorded) }
        }
        estimate.scanned += Int64(block.eventCount)
    }

    private mutating func add(
        _ line: Bytes, _ block: EventBlock, _ index: Int, _ prior: PriorOutcome?,
        _ recorded: (EventSequence, Int64) -> Outcome?
    ) {
        let sequence = EventSequence(block: block.number, index: index)
        let summary = EventSummary(line)
        // A row may speak of another log's event of the same number.
        let known = prior.flatMap { prior in summary?.idText == prior.eventID ? prior.outcome : nil }
        switch selection.choose(summary, at: sequence, prior: known) {
        case .selected:
            estimate.total.events += 1
            estimate.total.bytes += Int64(line.count + 1)
            switch known {
            case .rejected: estimate.rejected += 1
            case .parked: estimate.parked += 1
            case .expired: estimate.expired += 1
            case .delivered: estimate.alreadyDelivered += 1
            case .filtered, nil:
                if !isForeign { count(sequence, block.firstEvent + Int64(index), recorded) }
            }
            if let oldest, let occurred = summary?.occurredMilliseconds, occurred < oldest {
                estimate.beyondAttribution = (estimate.beyondAttribution ?? 0) + 1
            }
        case .notDue: estimate.notDue += 1
        case .unreadable: estimate.unreadable += 1
        case .otherOutcome: break
        case .outside:
            guard sequence >= end else { return }
            if open.choose(summary, at: sequence, prior: nil) == .selected { estimate.pending += 1 }
        }
    }

    /// Counts an event to be sent that has no row of its own.
    private mutating func count(
        _ sequence: EventSequence, _ eventNumber: Int64, _ recorded: (EventSequence, Int64) -> Outcome?
    ) {
        guard eventNumber >= startEvent else {
            estimate.neverDue += 1
            return
        }
        switch recorded(sequence, eventNumber) {
        case .filtered: estimate.neverDue += 1
        case .expired: estimate.expired += 1
        case .delivered, .rejected, .parked, nil: estimate.alreadyDelivered += 1
        }
    }
}
