/// A strict reader of Prometheus' text format 0.0.4, written from its specification, to check the writer
/// against something that does not share its code.
struct Exposition {
    struct Sample: Equatable {
        var name: String
        var labels: [String: String]
        var value: Double
    }

    struct Family {
        var name: String
        var help: String
        var type: String
        var samples: [Sample] = []
    }

    struct Problem: Error, Equatable {
        var line: Int
        var message: String
    }

    var families: [Family] = []

    init(_ text: String) throws(Problem) {
        guard text.isEmpty || text.hasSuffix("\n") else {
            throw Problem(line: 0, message: "no line feed at the end")
        }
        var seen: Set<String> = []
        var pendingHelp: (name: String, text: String)?
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        lines.removeLast()
        for (index, line) in lines.enumerated() {
            func require(_ holds: Bool, _ message: String) throws(Problem) {
                if !holds { throw Problem(line: index + 1, message: message) }
            }
            if line.hasPrefix("# HELP ") {
                let parts = line.dropFirst(7).split(separator: " ", maxSplits: 1)
                try require(parts.count == 2, "HELP without text")
                pendingHelp = (String(parts[0]), String(parts[1]))
            } else if line.hasPrefix("# TYPE ") {
                let parts = line.dropFirst(7).split(separator: " ")
                try require(parts.count == 2, "TYPE has two words")
                let name = String(parts[0])
                try require(Exposition.isName(name), "bad name")
                try require(["counter", "gauge", "histogram"].contains(parts[1]), "bad type")
                try require(pendingHelp?.name == name, "TYPE without its HELP")
                try require(seen.insert(name).inserted, "family \(name) comes twice")
                families.append(Family(name: name, help: pendingHelp?.text ?? "", type: String(parts[1])))
                pendingHelp = nil
            } else {
                guard let sample = Exposition.sample(String(line)) else {
                    throw Problem(line: index + 1, message: "not a sample: \(line)")
                }
                try require(!families.isEmpty, "sample without family")
                let family = families[families.count - 1]
                let allowed =
                    family.type == "histogram"
                    ? ["_bucket", "_sum", "_count"].map { family.name + $0 } : [family.name]
                try require(allowed.contains(sample.name), "sample \(sample.name) outside its family")
                let twin = family.samples.contains { $0.name == sample.name && $0.labels == sample.labels }
                try require(!twin, "the same sample twice")
                families[families.count - 1].samples.append(sample)
            }
        }
        try checkHistograms()
    }

    subscript(name: String) -> Family? { families.first { $0.name == name } }

    private func checkHistograms() throws(Problem) {
        for family in families where family.type == "histogram" {
            var buckets: [[String: String]: [(bound: Double, value: Double)]] = [:]
            for sample in family.samples where sample.name.hasSuffix("_bucket") {
                var labels = sample.labels
                guard let le = labels.removeValue(forKey: "le"), let bound = Exposition.number(le) else {
                    throw Problem(line: 0, message: "bucket without le")
                }
                buckets[labels, default: []].append((bound, sample.value))
            }
            for (labels, list) in buckets {
                let isRising = zip(list, list.dropFirst()).allSatisfy {
                    $0.bound < $1.bound && $0.value <= $1.value
                }
                let count = family.samples.first { $0.name == family.name + "_count" && $0.labels == labels }
                guard isRising, list.last?.bound == .infinity, count?.value == list.last?.value,
                    family.samples.contains(where: { $0.name == family.name + "_sum" && $0.labels == labels })
                else { throw Problem(line: 0, message: "histogram \(family.name) is not whole") }
            }
        }
    }

    private static func isName(_ text: String) -> Bool {
        !text.isEmpty && !(text.first?.isNumber ?? true)
            && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_" || $0 == ":") }
    }

    static func number(_ text: String) -> Double? {
        switch text {
        case "+Inf": .infinity
        case "-Inf": -.infinity
        case "NaN": .nan
        default: text.first?.isLetter == true ? nil : Double(text)
        }
    }

    private static func sample(_ line: String) -> Sample? {
        var rest = line[...]
        let name = String(rest.prefix { $0 != "{" && $0 != " " })
        guard isName(name) else { return nil }
        rest = rest.dropFirst(name.count)
        var labels: [String: String] = [:]
        if rest.first == "{" {
            rest = rest.dropFirst()
            while rest.first != "}" {
                let label = String(rest.prefix { $0 != "=" })
                rest = rest.dropFirst(label.count)
                guard isName(label), rest.hasPrefix("=\"") else { return nil }
                rest = rest.dropFirst(2)
                var value = ""
                while let character = rest.popFirst(), character != "\"" {
                    guard character == "\\" else {
                        value.append(character)
                        continue
                    }
                    switch rest.popFirst() {
                    case "\\": value.append("\\")
                    case "\"": value.append("\"")
                    case "n": value.append("\n")
                    default: return nil
                    }
                }
                guard labels.updateValue(value, forKey: label) == nil else { return nil }
                if rest.first == "," { rest = rest.dropFirst() } else if rest.first != "}" { return nil }
            }
            rest = rest.dropFirst()
        }
        guard rest.first == " ", let value = number(String(rest.dropFirst())) else { return nil }
        return Sample(name: name, labels: labels, value: value)
    }
}
