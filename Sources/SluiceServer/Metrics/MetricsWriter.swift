/// Gathers samples and writes them in Prometheus' text format 0.0.4.
///
/// Invariants: 1. all samples of a family stand together, behind its one HELP and TYPE, in the order in
/// which families and label sets first came. 2. samples with the same labels are added up, so that each
/// shard reports its own part.
package struct MetricsWriter {
    package static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    package enum Kind: String, Sendable {
        case counter, gauge, histogram
    }

    package typealias Labels = [(name: String, value: String)]

    private enum Value {
        case integer(Int)
        case real(Double)
        case histogram(HistogramSnapshot)
    }

    private struct Family {
        var name: String
        var help: String
        var kind: Kind
        var order: [String] = []
        var values: [String: Value] = [:]
    }

    private var families: [Family] = []
    private var places: [String: Int] = [:]

    package init() {}

    /// - Parameter name: ends in `_total`.
    package mutating func counter(_ name: String, _ help: String, labels: Labels = [], _ value: Int) {
        add(name, help, .counter, labels, .integer(value))
    }

    package mutating func counter(_ name: String, _ help: String, labels: Labels = [], real value: Double) {
        add(name, help, .counter, labels, .real(value))
    }

    package mutating func gauge(_ name: String, _ help: String, labels: Labels = [], _ value: Int) {
        add(name, help, .gauge, labels, .integer(value))
    }

    package mutating func gauge(_ name: String, _ help: String, labels: Labels = [], real value: Double) {
        add(name, help, .gauge, labels, .real(value))
    }

    package mutating func histogram(
        _ name: String, _ help: String, labels: Labels = [], _ value: HistogramSnapshot
    ) {
        add(name, help, .histogram, labels, .histogram(value))
    }

    private mutating func add(_ name: String, _ help: String, _ kind: Kind, _ labels: Labels, _ value: Value) {
        let place: Int
        if let known = places[name] {
            place = known
        } else {
            place = families.count
            families.append(Family(name: name, help: help, kind: kind))
            places[name] = place
        }
        precondition(families[place].kind == kind, "metric \(name) has two types")
        let key = MetricsWriter.text(labels)
        guard let old = families[place].values[key] else {
            families[place].order.append(key)
            families[place].values[key] = value
            return
        }
        families[place].values[key] = MetricsWriter.sum(old, value)
    }

    private static func sum(_ left: Value, _ right: Value) -> Value {
        switch (left, right) {
        case (.integer(let a), .integer(let b)): return .integer(a &+ b)
        case (.histogram(var a), .histogram(let b)):
            a.merge(b)
            return .histogram(a)
        default: return .real(number(left) + number(right))
        }
    }

    private static func number(_ value: Value) -> Double {
        switch value {
        case .integer(let number): Double(number)
        case .real(let number): number
        case .histogram(let snapshot): snapshot.sumSeconds
        }
    }

    /// The whole exposition; every line is ended by a line feed.
    package func text() -> String {
        var text = ""
        for family in families {
            text += "# HELP \(family.name) \(MetricsWriter.escapedHelp(family.help))\n"
            text += "# TYPE \(family.name) \(family.kind.rawValue)\n"
            for labels in family.order {
                guard let value = family.values[labels] else { continue }
                switch value {
                case .integer(let number): text += "\(family.name)\(MetricsWriter.braced(labels)) \(number)\n"
                case .real(let number):
                    text += "\(family.name)\(MetricsWriter.braced(labels)) \(MetricsWriter.text(number))\n"
                case .histogram(let snapshot): MetricsWriter.append(snapshot, family.name, labels, to: &text)
                }
            }
        }
        return text
    }

    private static func append(
        _ snapshot: HistogramSnapshot, _ name: String, _ labels: String, to text: inout String
    ) {
        let prefix = labels.isEmpty ? "" : labels + ","
        var seen = 0
        for (index, bound) in snapshot.boundsSeconds.enumerated() {
            seen += snapshot.counts[index]
            text += "\(name)_bucket{\(prefix)le=\"\(self.text(bound))\"} \(seen)\n"
        }
        text += "\(name)_bucket{\(prefix)le=\"+Inf\"} \(snapshot.count)\n"
        text += "\(name)_sum\(braced(labels)) \(self.text(snapshot.sumSeconds))\n"
        text += "\(name)_count\(braced(labels)) \(snapshot.count)\n"
    }

    private static func braced(_ labels: String) -> String { labels.isEmpty ? "" : "{\(labels)}" }

    private static func text(_ labels: Labels) -> String {
        labels.map { "\($0.name)=\"\(escapedValue($0.value))\"" }.joined(separator: ",")
    }

    private static func text(_ number: Double) -> String {
        if number.isNaN { return "NaN" }
        if number.isInfinite { return number < 0 ? "-Inf" : "+Inf" }
        return number == number.rounded() && abs(number) < 1e15 ? String(Int(number)) : String(number)
    }

    /// The format escapes `\` and line feeds in HELP, and in label values the double quote, too.
    private static func escapedHelp(_ text: String) -> String {
        text.replacing("\\", with: "\\\\").replacing("\n", with: "\\n")
    }

    private static func escapedValue(_ text: String) -> String {
        escapedHelp(text).replacing("\"", with: "\\\"")
    }
}
