/// What happened. The raw value is a small index for counters and bit sets.
package enum EventType: UInt8, CaseIterable, Sendable {
    case impression
    case viewableImpression
    case click
    case purchase
    case pageView

    /// The name in the canonical event, in configuration and in metrics.
    package var name: StaticString {
        switch self {
        case .impression: "impression"
        case .viewableImpression: "viewable_impression"
        case .click: "click"
        case .purchase: "purchase"
        case .pageView: "page_view"
        }
    }

    package init?(_ name: Bytes) {
        // Written out: walking allCases would allocate an array for each event.
        if name.equals("impression") {
            self = .impression
        } else if name.equals("viewable_impression") {
            self = .viewableImpression
        } else if name.equals("click") {
            self = .click
        } else if name.equals("purchase") {
            self = .purchase
        } else if name.equals("page_view") {
            self = .pageView
        } else {
            return nil
        }
    }
}

/// A wire protocol, on either side of the gateway.
package enum Platform: UInt8, CaseIterable, Sendable {
    case native
    case topsort
    case gowit
    case vtex
    case kevel
    case impact
    case webhook

    package var name: StaticString {
        switch self {
        case .native: "native"
        case .topsort: "topsort"
        case .gowit: "gowit"
        case .vtex: "vtex"
        case .kevel: "kevel"
        case .impact: "impact"
        case .webhook: "webhook"
        }
    }

    package init?(_ name: String) {
        guard let platform = Platform.allCases.first(where: { "\($0.name)" == name }) else { return nil }
        self = platform
    }
}
