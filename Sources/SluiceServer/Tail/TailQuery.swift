import Foundation
import SluiceCore

/// What somebody wants to see as it happens: the question behind `/api/tail`.
package struct TailQuery: Sendable, Equatable {
    package enum View: Sendable, Equatable {
        /// Events as they are committed.
        case events
        /// What becomes of them at this destination.
        case outcomes(destination: String)
        /// What the edge refuses.
        case refused
    }

    package var view = View.events
    /// Only this source's; nil: all.
    package var source: String?
    /// Only this type; nil: all. Not with `refused`.
    package var type: EventType?
    /// How many to begin with that are there already; of events, of the newest blocks.
    package var past = 0

    /// Most there may be of `past`.
    package static let pastMax = RefusalDesk.memoryMax

    package init() {}

    /// As it stands in a request: percent-encoded.
    package var text: String {
        var parts: [(String, String)] = []
        switch view {
        case .events: break
        case .outcomes(let destination): parts.append(("destination", destination))
        case .refused: parts.append(("refused", "1"))
        }
        if let source { parts.append(("source", source)) }
        if let type { parts.append(("type", "\(type.name)")) }
        if past > 0 { parts.append(("n", String(past))) }
        // Names are made of characters that need no encoding; what is not a name is refused there.
        return parts.map { "\($0)=\($1.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? "")" }
            .joined(separator: "&")
    }

    /// - Throws: what is wrong, for people.
    package init(
        _ text: String, sources: [String], destinations: [String]
    ) throws(FormError) {
        let items = URLComponents(string: "?" + text)?.queryItems ?? []
        for item in items {
            let value = item.value ?? ""
            switch item.name {
            case "source":
                guard sources.contains(value) else { throw TailQuery.unknown("source", value, sources) }
                source = value
            case "destination":
                guard destinations.contains(value) else {
                    throw TailQuery.unknown("destination", value, destinations)
                }
                guard view != .refused else { throw TailQuery.exclusive }
                view = .outcomes(destination: value)
            case "refused":
                guard view == .events else { throw TailQuery.exclusive }
                view = .refused
            case "type":
                type = try TailQuery.type(value)
            case "n":
                guard let count = Int(value), (0...TailQuery.pastMax).contains(count) else {
                    throw FormError("n must be a number from 0 to \(TailQuery.pastMax)")
                }
                past = count
            default:
                throw FormError("there is no parameter '\(item.name)'")
            }
        }
        if view == .refused, type != nil { throw FormError("what was refused has no type") }
    }

    private static let exclusive = FormError("refused and destination exclude each other")

    /// The type of this name.
    package static func type(_ name: String) throws(FormError) -> EventType {
        let found = EventType.allCases.first { "\($0.name)" == name }
        guard let found else { throw unknown("type", name, EventType.allCases.map { "\($0.name)" }) }
        return found
    }

    private static func unknown(_ what: String, _ name: String, _ known: [String]) -> FormError {
        guard !known.isEmpty else { return FormError("there is no \(what) '\(name)': none is configured") }
        return FormError("there is no \(what) '\(name)'; there are: \(known.joined(separator: ", "))")
    }
}
