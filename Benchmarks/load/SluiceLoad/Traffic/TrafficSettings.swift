/// A platform whose clients the generator plays.
package enum LoadPlatform: String, CaseIterable, Sendable {
    case topsort, native, gowit, vtex, kevel, impact
}

/// What the events are.
package enum LoadEventType: String, CaseIterable, Sendable {
    case impression, view, click, purchase
    case pageView = "page_view"
    /// Of everything the platform knows, as a shop has it.
    case mixed
}

/// What is sent.
package struct TrafficSettings: Sendable {
    package var platform = LoadPlatform.topsort
    /// Nil: impressions, or purchases where the platform knows nothing else.
    package var type: LoadEventType?
    /// In one request.
    package var events = 1
    /// Of body (of the query, where there is no body) for each event; nil: as it comes.
    package var bytes: Int?
    /// Nil: the platform's own.
    package var method: String?
    /// Added to the platform's own; one with the same name takes its place.
    package var headers: [(name: String, value: String)] = []
    package var key: String?
    /// Marketplace, publisher, network or account id.
    package var account: String?
    /// GoWit's Data-Source-UUID.
    package var dataSource: String?
    /// In place of the platform's; see ``RequestTemplate`` for its placeholders.
    package var body: String?

    package init() {}
}

/// Why there is no such traffic.
package enum TrafficError: Error, Equatable, CustomStringConvertible {
    case typeUnknown(LoadPlatform, LoadEventType)
    case tooManyEvents(LoadPlatform, most: Int)
    case tooSmall(least: Int)
    case tooLarge
    case badHeader(String)
    case badMethod(String)

    /// A stable label.
    package var label: String {
        switch self {
        case .typeUnknown: "type_unknown"
        case .tooManyEvents: "too_many_events"
        case .tooSmall: "too_small"
        case .tooLarge: "too_large"
        case .badHeader: "bad_header"
        case .badMethod: "bad_method"
        }
    }

    package var description: String {
        switch self {
        case .typeUnknown(let platform, let type): "\(platform.rawValue) has no events of type \(type.rawValue)"
        case .tooManyEvents(let platform, let most):
            "a request of \(platform.rawValue) holds at most \(most) event\(most == 1 ? "" : "s")"
        case .tooSmall(let least): "--bytes must be at least \(least) for these events"
        case .tooLarge: "one request would be larger than 64 MiB"
        case .badHeader(let text): "'\(text)' is no header: write 'Name: value'"
        case .badMethod(let text): "'\(text)' is no method"
        }
    }
}
