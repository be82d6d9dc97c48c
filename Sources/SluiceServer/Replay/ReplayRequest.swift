import Foundation
import SluiceCore

/// What is wrong with a replay that was asked for, and with which of its fields.
package struct ReplayProblem: Error, Equatable {
    /// As in JSON, such as `from_segment`; nil when it is no single one.
    package var field: String?
    package var message: String

    package init(_ field: String?, _ message: String) {
        self.field = field
        self.message = message
    }

    /// For the command line, where the field is an option.
    package var text: String {
        field.map { "--\($0.replacing("_", with: "-")): \(message)" } ?? message
    }
}

/// A replay as people ask for it, on the command line or in JSON.
package struct ReplayRequest: Equatable, Sendable {
    package var destination = ""
    /// Nil only with an archived segment: all of it.
    package var from: TimeArgument?
    package var until: TimeArgument?
    package var types: [String] = []
    package var sources: [String] = []
    package var outcome: String?
    package var rate: String?
    package var fromSegment: String?
    package var dryRun = false

    private static let fields = [
        "destination", "from", "until", "type", "source", "outcome", "rate", "from_segment", "dry_run",
    ]

    package init() {}

    // MARK: JSON

    /// Reads a JSON object; `type` and `source` may be one name or a list.
    package init(json body: [UInt8]) throws(ReplayProblem) {
        guard let object = (try? JSONSerialization.jsonObject(with: Data(body))) as? [String: Any] else {
            throw ReplayProblem(nil, "the body must be a JSON object")
        }
        for name in object.keys.sorted() where !ReplayRequest.fields.contains(name) {
            throw ReplayProblem(
                name, "there is no such field\(didYouMean(name, among: ReplayRequest.fields))")
        }
        func text(_ name: String) throws(ReplayProblem) -> String? {
            guard let value = object[name], !(value is NSNull) else { return nil }
            guard let text = value as? String else { throw ReplayProblem(name, "must be a string") }
            return text
        }
        func list(_ name: String) throws(ReplayProblem) -> [String] {
            guard let value = object[name], !(value is NSNull) else { return [] }
            if let one = value as? String { return [one] }
            guard let many = value as? [String] else {
                throw ReplayProblem(name, "must be a string or a list of strings")
            }
            return many
        }
        func time(_ name: String) throws(ReplayProblem) -> TimeArgument? {
            guard let text = try text(name) else { return nil }
            do throws(FormError) {
                return try TimeArgument(text)
            } catch {
                throw ReplayProblem(name, "'\(text)' \(error.message)")
            }
        }
        destination = try text("destination") ?? ""
        from = try time("from")
        until = try time("until")
        types = try list("type")
        sources = try list("source")
        outcome = try text("outcome")
        rate = try text("rate")
        fromSegment = try text("from_segment")
        if let value = object["dry_run"], !(value is NSNull) {
            guard let flag = value as? Bool else { throw ReplayProblem("dry_run", "must be true or false") }
            dryRun = flag
        }
    }

    private struct Body: Encodable {
        var destination: String
        var from: String?
        var until: String?
        var type: [String]
        var source: [String]
        var outcome: String?
        var rate: String?
        var fromSegment: String?
        var dryRun: Bool
    }

    /// The same as JSON. Ages are resolved here, so that both sides speak of the same moment.
    package func json(now: Int64) -> [UInt8] {
        let body = Body(
            destination: destination, from: from.map { WallTime.text($0.milliseconds(now: now)) },
            until: until.map { WallTime.text($0.milliseconds(now: now)) }, type: types, source: sources,
            outcome: outcome, rate: rate, fromSegment: fromSegment, dryRun: dryRun)
        return Array(AdminJSON.encode(body).utf8)
    }

    // MARK: Checking

    /// The replay that is meant.
    ///
    /// - Parameter now: milliseconds since 1970; a later `until` ends there.
    package func spec(_ configuration: Configuration, now: Int64) throws(ReplayProblem) -> ReplaySpec {
        let names = configuration.destinations.map(\.name)
        guard !destination.isEmpty else { throw ReplayProblem("destination", "is missing") }
        guard names.contains(destination) else {
            let known = names.isEmpty ? "none is configured" : "there are \(names.joined(separator: ", "))"
            throw ReplayProblem("destination", "there is no destination '\(destination)': \(known)")
        }
        guard from != nil || fromSegment != nil else { throw ReplayProblem("from", "is missing") }
        let start = from?.milliseconds(now: now) ?? 0
        // `until` is exclusive; what came within this very millisecond is meant.
        let end = min(until?.milliseconds(now: now) ?? now, now) + 1
        guard start < end else {
            throw ReplayProblem(
                "until",
                start > now
                    ? "from (\(WallTime.text(start))) lies in the future"
                    : "\(WallTime.text(end - 1)) lies before from (\(WallTime.text(start)))")
        }
        var spec = ReplaySpec(destination: destination, received: start..<end)
        for name in types {
            guard let type = Array(name.utf8).withBytes({ EventType($0) }) else {
                throw ReplayProblem(
                    "type",
                    "there is no type '\(name)': there are "
                        + EventType.allCases.map { "\($0.name)" }.joined(separator: ", "))
            }
            if !spec.types.contains(type) { spec.types.append(type) }
        }
        for name in sources {
            guard !name.isEmpty, name.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
                throw ReplayProblem("source", "'\(LogLine.printable(name))' is no source's name")
            }
            spec.sources.append(name)
        }
        if let outcome {
            guard let known = ReplayOutcome(rawValue: outcome) else {
                throw ReplayProblem(
                    "outcome",
                    "'\(outcome)' is none of " + ReplayOutcome.allCases.map(\.rawValue).joined(separator: ", "))
            }
            spec.outcome = known
        }
        if let rate {
            guard let known = ReplayRate(rate) else {
                throw ReplayProblem(
                    "rate", "'\(rate)' is not a rate: expected events per s, m or h, as in 200/s")
            }
            spec.rate = known
        }
        if let fromSegment {
            guard fromSegment.hasPrefix("/") else {
                throw ReplayProblem("from_segment", "'\(fromSegment)' is not an absolute path")
            }
            spec.segment = fromSegment
        }
        return spec
    }
}
