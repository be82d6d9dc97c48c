import SluiceCore

/// A replay's filter made ready for one look per event. Owner: one thread.
package struct ReplaySelection {
    /// What a replay makes of an event of its blocks.
    package enum Choice: Equatable {
        case selected
        /// Another time, type or source, or behind the job's end.
        case outside
        /// The destination's rules do not take it.
        case notDue
        /// It has not the outcome that is asked for.
        case otherOutcome
        case unreadable
    }

    private let received: Range<Int64>
    private let typeMask: UInt8
    private let sources: [[UInt8]]
    private let outcomes: [Outcome]?
    private let end: EventSequence
    private let matcher: RuleMatcher
    private let encoder: any PlatformEncoder

    /// - Parameter end: events from here on are left to live delivery.
    package init(
        _ spec: ReplaySpec, end: EventSequence, rules: DeliveryRules, platform: Platform,
        encoder: any PlatformEncoder
    ) {
        received = spec.received
        typeMask = spec.types.isEmpty ? .max : spec.types.reduce(0) { $0 | 1 << $1.rawValue }
        sources = spec.sources.map { Array($0.utf8) }
        outcomes = spec.outcome?.outcomes
        self.end = end
        matcher = RuleMatcher(rules, platform: platform)
        self.encoder = encoder
    }

    /// Whether only events with a row of their own can be part of the replay.
    package var needsOutcome: Bool { outcomes != nil }

    /// - Parameter prior: the event's exceptional outcome at the destination, if it has one.
    package func choose(
        _ summary: EventSummary?, at sequence: EventSequence, prior: Outcome?
    ) -> Choice {
        guard sequence < end else { return .outside }
        if let outcomes {
            guard let prior, outcomes.contains(prior) else { return .otherOutcome }
        }
        guard let summary else { return .unreadable }
        guard typeMask & 1 << summary.type.rawValue != 0 else { return .outside }
        if !sources.isEmpty {
            guard sources.contains(where: { $0.withBytes { summary.source.equals($0) } }) else {
                return .outside
            }
        }
        guard let time = summary.receivedMilliseconds else { return .unreadable }
        guard received.contains(time) else { return .outside }
        let encoder = encoder
        let isDue = matcher.admits(summary) { encoder.takes(type: $0, network: $1) }
        return isDue ? .selected : .notDue
    }
}
