import SluiceCore

/// What a destination's configuration says about who gets what; nil leaves it to the platform.
///
/// - `sources` narrows: only these sources' events.
/// - `networks` replaces the platform's own choice: events of exactly these networks, `""` being
///   organic events.
/// - `events` names the types, more or fewer than the platform takes by default. Without
///   `networks` the network must still suit: none, the platform's own, or one it takes by default.
package struct DeliveryRules: Equatable, Sendable {
    package var events: [EventType]?
    package var sources: [String]?
    package var networks: [String]?

    package init(events: [EventType]? = nil, sources: [String]? = nil, networks: [String]? = nil) {
        self.events = events
        self.sources = sources
        self.networks = networks
    }
}

/// The rules made ready for one look per event. Delivery thread only.
package struct RuleMatcher {
    private let typeMask: UInt8?
    private let sources: [[UInt8]]?
    private let networks: [[UInt8]]?
    private let ownNetwork: StaticString

    package init(_ rules: DeliveryRules, platform: Platform) {
        typeMask = rules.events.map { $0.reduce(0) { $0 | 1 << $1.rawValue } }
        sources = rules.sources.map { $0.map { Array($0.utf8) } }
        networks = rules.networks.map { $0.map { Array($0.utf8) } }
        ownNetwork = platform.name
    }

    /// Whether the event is due at the destination. `platformTakes` is the platform's default.
    package func admits(_ event: EventSummary, platformTakes: (EventType, Bytes) -> Bool) -> Bool {
        if let sources, !sources.contains(where: { $0.withBytes { event.source.equals($0) } }) {
            return false
        }
        if let typeMask, typeMask & 1 << event.type.rawValue == 0 { return false }
        if let networks {
            guard networks.contains(where: { $0.withBytes { event.network.equals($0) } }) else {
                return false
            }
            // Without a word on types, the platform's choice of types for its own network holds.
            return typeMask != nil || platformTakes(event.type, event.network)
                || platformTakes(event.type, Bytes(ownNetwork))
        }
        if platformTakes(event.type, event.network) { return true }
        return typeMask != nil && (event.network.isEmpty || event.network.equals(ownNetwork))
    }
}
