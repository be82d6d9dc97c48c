import Foundation
import SluiceCore

/// Turns the lines of `/api/tail` into lines for people.
package enum TailText {
    /// What a line is for.
    package enum Line: Equatable {
        /// For standard output.
        case shown(String)
        /// For standard error.
        case remark(String)
        /// The gateway has ended the stream.
        case ended(String)
        case nothing
    }

    /// - Parameter asJSON: canonical events, and outcomes and refusals as the gateway wrote them.
    package static func make(_ line: ArraySlice<UInt8>, asJSON: Bool) -> Line {
        guard let object = try? JSONSerialization.jsonObject(with: Data(line)) as? [String: Any],
            let kind = object["kind"] as? String
        else { return .remark("not understood: " + String(decoding: line.prefix(200), as: UTF8.self)) }
        switch kind {
        case "event":
            if asJSON { return .shown(canonical(line) ?? "") }
            return .shown(event(object["event"] as? [String: Any] ?? [:], object["sequence"] as? String ?? ""))
        case "outcome":
            return .shown(asJSON ? String(decoding: line, as: UTF8.self) : outcome(object))
        case "refused":
            return .shown(asJSON ? String(decoding: line, as: UTF8.self) : refused(object))
        case "dropped":
            return .remark("\(number(object["count"])) left out: they came faster than they were read")
        case "end": return .ended(object["reason"] as? String ?? "")
        default: return .nothing
        }
    }

    /// The event stands last in its line, as it is in the log.
    private static func canonical(_ line: ArraySlice<UInt8>) -> String? {
        guard let start = line.firstRange(of: Array("\"event\":{".utf8)) else { return nil }
        return String(decoding: line[(start.upperBound - 1)...].dropLast(), as: UTF8.self)
    }

    // MARK: Lines

    private static func event(_ event: [String: Any], _ sequence: String) -> String {
        columns(
            [
                (text(event["received_at"]), 24), (sequence, 9), (text(event["source"]), 12),
                (text(event["platform"]), 8), (text(event["type"]), 19), (text(event["id"]), 36),
            ], facts(event))
    }

    private static func outcome(_ object: [String: Any]) -> String {
        let event = object["event"] as? [String: Any] ?? [:]
        var words = ""
        if object["reason"] is String {
            let status = number(object["status"])
            words = (status > 0 ? "\(status): " : "") + text(object["reason"])
            let attempts = number(object["attempts"])
            if attempts > 1 { words += " (\(attempts) attempts)" }
        }
        return columns(
            [
                (text(event["received_at"]), 24), (text(object["sequence"]), 9), (text(object["outcome"]), 9),
                (text(event["source"]), 12), (text(event["type"]), 19), (text(event["id"]), 36),
            ], words)
    }

    private static func refused(_ object: [String: Any]) -> String {
        var words = ""
        let accepted = number(object["accepted"])
        let rejected = number(object["rejected"])
        if accepted + rejected > 1 { words += "\(rejected) of \(accepted + rejected) events: " }
        words += text(messages(in: object["reason"] as? String ?? ""))
        let suppressed = number(object["suppressed"])
        if suppressed > 0 { words += " (and \(suppressed) more before it, not kept)" }
        return columns(
            [
                (text(object["at"]), 24), ("\(number(object["status"]))", 3), (text(object["platform"]), 8),
                (object["source"] as? String ?? "-", 12), (text(object["path"]), 24),
            ], words)
    }

    /// What an answer says in its messages, whatever the platform's form around them.
    private static func messages(in answer: String) -> String {
        // One that was cut is shown as it is.
        guard let value = try? JSONSerialization.jsonObject(with: Data(answer.utf8)) else { return answer }
        var found: [String] = []
        func gather(_ value: Any) {
            if let list = value as? [Any] { list.forEach(gather) }
            guard let object = value as? [String: Any] else { return }
            for (name, value) in object.sorted(by: { $0.key < $1.key }) {
                if let text = value as? String, name.lowercased() == "message" {
                    found.append(text)
                } else {
                    gather(value)
                }
            }
        }
        gather(value)
        return found.isEmpty ? answer : found.joined(separator: "; ")
    }

    /// What one wants to know of an event at a glance; nothing about the person.
    private static func facts(_ event: [String: Any]) -> String {
        var facts: [String] = []
        func add(_ name: String, _ value: Any?) {
            let text = text(value)
            if !text.isEmpty { facts.append("\(name)=\(text)") }
        }
        func object(_ name: String) -> [String: Any] { event[name] as? [String: Any] ?? [:] }
        add("network", event["network"])
        add("ad", object("ad")["id"])
        add("product", object("placement")["product_id"])
        let order = object("order")
        add("order", order["id"])
        if let items = order["items"] as? [Any] { facts.append("items=\(items.count)") }
        add("currency", order["currency"])
        return facts.joined(separator: " ")
    }

    private static func columns(_ cells: [(text: String, width: Int)], _ last: String) -> String {
        var line = ""
        for cell in cells {
            line += cell.text + String(repeating: " ", count: max(0, cell.width - cell.text.count)) + "  "
        }
        line += last
        while line.hasSuffix(" ") { line.removeLast() }
        return line
    }

    private static func number(_ value: Any?) -> Int { (value as? NSNumber)?.intValue ?? 0 }

    /// A value's text, without what would move a terminal's cursor.
    private static func text(_ value: Any?) -> String {
        let text: String
        switch value {
        case let string as String: text = string
        case let number as NSNumber: text = "\(number)"
        default: return ""
        }
        return String(
            String.UnicodeScalarView(
                text.unicodeScalars.map { $0.value < 0x20 || (0x7F...0x9F).contains($0.value) ? "?" : $0 }))
    }
}
