import Foundation
import SluiceCore
import Testing

/// Random documents, whole and damaged, held against Foundation's reader.
@Suite struct JSONFoundationTests {
    /// Writes random JSON, with any legal spelling.
    private struct Generator {
        var random: SeededRandom

        mutating func below(_ limit: Int) -> Int { Int.random(in: 0..<limit, using: &random) }

        mutating func space() -> String {
            ["", "", "", " ", "\n", "\t ", "\r\n"][below(7)]
        }

        mutating func value(depth: Int) -> String {
            let kind = below(depth > 0 ? 9 : 6)
            switch kind {
            case 0: return "null"
            case 1: return below(2) == 0 ? "true" : "false"
            case 2, 3: return number()
            case 4, 5: return string()
            case 6, 7:
                var members: [String] = []
                for index in 0..<below(6) {
                    members.append(
                        "\(space())\(string(prefix: "\(index)"))\(space()):\(space())\(value(depth: depth - 1))\(space())"
                    )
                }
                return "{" + (members.isEmpty ? space() : members.joined(separator: ",")) + "}"
            default:
                var elements: [String] = []
                for _ in 0..<below(6) { elements.append("\(space())\(value(depth: depth - 1))\(space())") }
                return "[" + (elements.isEmpty ? space() : elements.joined(separator: ",")) + "]"
            }
        }

        mutating func number() -> String {
            var text = below(3) == 0 ? "-" : ""
            text += below(4) == 0 ? "0" : "\(1 + below(9))" + digits(below(8))
            if below(3) == 0 { text += "." + digits(1 + below(6)) }
            if below(4) == 0 { text += ["e", "E"][below(2)] + ["", "+", "-"][below(3)] + digits(1) }
            return text
        }

        mutating func digits(_ count: Int) -> String {
            String((0..<count).map { _ in "0123456789".randomElement(using: &random)! })
        }

        mutating func string(prefix: String = "") -> String {
            var text = "\"" + prefix
            for _ in 0..<below(24) {
                switch below(12) {
                case 0: text += ["\\\"", "\\\\", "\\/", "\\b", "\\f", "\\n", "\\r", "\\t"][below(8)]
                case 1: text += "\\u00" + digits(2)
                case 2: text += "\\uD83D\\uDE0" + digits(1)
                case 3: text += ["é", "€", "😀", "ç", "ı", "\u{7FF}", "\u{FFFD}"][below(7)]
                default: text += String("abcdefghijklmnop XYZ{}[]:,/".randomElement(using: &random)!)
                }
            }
            return text + "\""
        }
    }

    private static let options: JSONSerialization.ReadingOptions = [.fragmentsAllowed]

    private func foundation(_ text: [UInt8]) -> Any? {
        try? JSONSerialization.jsonObject(with: Data(text), options: JSONFoundationTests.options)
    }

    private func same(_ ours: JSONProbe.Tree, _ theirs: Any) -> Bool {
        switch ours {
        case .object(let members):
            guard let object = theirs as? [String: Any], object.count == members.count else { return false }
            return members.allSatisfy { key, value in object[key].map { same(value, $0) } ?? false }
        case .array(let elements):
            guard let array = theirs as? [Any], array.count == elements.count else { return false }
            return zip(elements, array).allSatisfy { same($0, $1) }
        case .string(let text): return theirs as? String == text
        case .number(let text):
            guard let number = theirs as? NSNumber, let value = Double(text) else { return false }
            // Foundation goes by way of Decimal and may end one bit beside the nearest double.
            return abs(number.doubleValue - value) <= abs(value) * 1e-13
        case .bool(let value): return (theirs as? NSNumber)?.boolValue == value
        case .null: return theirs is NSNull
        }
    }

    @Test func readsTheSameDocuments() throws {
        let seed = UInt64.random(in: .min ... .max)
        print("seed \(seed)")
        var generator = Generator(random: SeededRandom(seed: seed))
        for _ in 0..<1500 {
            let text = Array((generator.space() + generator.value(depth: 5) + generator.space()).utf8)
            let ours = try JSONProbe.tree(text)
            let theirs = try #require(foundation(text), "seed \(seed)")
            if !same(ours, theirs) { Issue.record("seed \(seed): \(String(decoding: text, as: UTF8.self))") }
            guard case .value = JSONProbe.skip(text) else {
                Issue.record("seed \(seed): not skipped: \(String(decoding: text, as: UTF8.self))")
                continue
            }
        }
    }

    /// What we refuse on purpose and Foundation takes; and a comma in front of a closing
    /// bracket or brace, which Foundation takes against RFC 8259.
    private func isStricter(_ error: JSONError, _ text: [UInt8]) -> Bool {
        if error.code == .expectedValue || error.code == .expectedKey, Int(error.offset) < text.count {
            let before = text[..<Int(error.offset)].last { ![0x20, 0x0A, 0x0D, 0x09].contains($0) }
            let closing: UInt8 = error.code == .expectedKey ? 0x7D : 0x5D
            return text[Int(error.offset)] == closing && before == 0x2C
        }
        return [.duplicateKey, .tooManyMembers, .tooDeep, .numberTooLong].contains(error.code)
    }

    /// Whether a number lies outside what Foundation can hold; we keep its text.
    private func hasWildNumber(_ tree: JSONProbe.Tree) -> Bool {
        switch tree {
        case .object(let members): members.values.contains(where: hasWildNumber)
        case .array(let elements): elements.contains(where: hasWildNumber)
        case .number(let text):
            // Long exponents, but also those with leading zeros, which Foundation miscounts.
            text.lowercased().split(separator: "e").dropFirst().contains { $0.filter(\.isNumber).count > 2 }
        default: false
        }
    }

    @Test func judgesDamagedDocumentsTheSame() throws {
        let seed = UInt64.random(in: .min ... .max)
        print("seed \(seed)")
        var generator = Generator(random: SeededRandom(seed: seed))
        let splinters = Array("{}[]:,\"\\0123456789+-.eEtrufalsn \n\u{1}u".utf8) + [0x80, 0xC3, 0xFF]
        var accepted = 0
        var refused = 0
        for _ in 0..<6000 {
            var text = Array(generator.value(depth: 3).utf8)
            for _ in 0...generator.below(3) {
                let place = generator.below(text.count + 1)
                switch generator.below(4) {
                case 0 where place < text.count: text.remove(at: place)
                case 1 where place < text.count: text[place] = splinters[generator.below(splinters.count)]
                case 2: text.insert(splinters[generator.below(splinters.count)], at: place)
                default: text.removeSubrange(min(place, text.count)...)
                }
            }
            let ours: Result<JSONProbe.Tree, JSONError> = Result { () throws(JSONError) in try JSONProbe.tree(text) }
            let skipped = JSONProbe.skip(text)
            let theirs = foundation(text)
            let what = "seed \(seed): \(text) \(String(decoding: text, as: UTF8.self).debugDescription)"
            switch ours {
            case .success(let tree):
                accepted += 1
                guard case .value = skipped else {
                    Issue.record("\(what): walked but not skipped, \(skipped)")
                    continue
                }
                guard let theirs else {
                    if !hasWildNumber(tree) { Issue.record("\(what): only we take it") }
                    continue
                }
                if !same(tree, theirs), !hasWildNumber(tree) { Issue.record("\(what): read differently") }
            case .failure(let error):
                refused += 1
                #expect(skipped == .error(error.code, Int(error.offset)), "\(what)")
                if theirs != nil, !isStricter(error, text) {
                    Issue.record("\(what): only Foundation takes it; we say \(error.code.label) at \(error.offset)")
                }
            }
        }
        // Both kinds must really have occurred.
        #expect(accepted > 300 && refused > 1000)
    }

    @Test func foundationReadsWhatWeEscape() throws {
        let seed = UInt64.random(in: .min ... .max)
        print("seed \(seed)")
        var random = SeededRandom(seed: seed)
        for _ in 0..<500 {
            let scalars = (0..<40).compactMap { _ in Unicode.Scalar(UInt32.random(in: 0...0x2FFF, using: &random)) }
            let text = String(String.UnicodeScalarView(scalars))
            var json = ByteBuffer(capacity: 16)
            Array(text.utf8).withBytes { json.appendJSONString($0) }
            let read = try #require(foundation(json.bytes.array) as? String, "seed \(seed)")
            #expect(Array(read.unicodeScalars) == scalars, "seed \(seed)")
        }
    }
}
