import Foundation
import Testing

@testable import SluiceCore

/// A request, the canonical events it becomes, and its answer, in one file for people to read:
///
///     What it shows, in one or more lines.
///     > METHOD path?query
///     > content type
///     body
///     < 202
///     answer
///     = canonical event, one line for each
///
/// In target and body `⟦E9⟧` is a byte that no UTF-8 text could hold, and `⟦abc*100⟧` a hundred repetitions.
/// A file `rule_NAME.txt` shows one of `Fixture.rules`, which each platform has to have.
///
/// With SLUICE_RECORD_FIXTURES=1 in the environment the tests write what comes after the body
/// instead of comparing it: read the difference before committing it.
struct Fixture: CustomTestStringConvertible, Sendable {
    let platform: String
    let name: String
    let about: String
    let method: RequestMethod
    /// As it stands in the file; `bodyBytes` and `query` have repetitions and bytes in full.
    let target: String
    let contentType: String
    let body: String
    let status: Int
    let answer: String
    let events: [String]

    var testDescription: String { "\(platform)/\(name)" }
    static let rules = [
        "wrong_type", "missing", "empty", "too_long", "too_many", "wrong_encoding", "unknown_property", "nul",
        "lone_surrogate",
        "rtl", "crlf", "exponent",
    ]

    var path: String { String(target.split(separator: "?", maxSplits: 1)[0]) }
    var query: String {
        target.split(separator: "?", maxSplits: 1).dropFirst().first.map {
            String(decoding: Fixture.expanded(String($0)), as: UTF8.self)
        } ?? ""
    }
    var bodyBytes: [UInt8] { Fixture.expanded(body) }

    private static func expanded(_ text: String) -> [UInt8] {
        var result: [UInt8] = []
        var rest = text[...]
        while let start = rest.firstIndex(of: "⟦"), let end = rest[start...].firstIndex(of: "⟧") {
            result += rest[..<start].utf8
            let token = rest[rest.index(after: start)..<end]
            if let star = token.lastIndex(of: "*"), let count = Int(token[token.index(after: star)...]) {
                for _ in 0..<count { result += token[..<star].utf8 }
            } else if let byte = UInt8(token, radix: 16) {
                result.append(byte)
            }
            rest = rest[rest.index(after: end)...]
        }
        return result + rest.utf8
    }

    static let folder = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Fixtures")

    static func all(_ platform: String) -> [Fixture] {
        let folder = folder.appendingPathComponent(platform)
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return names.filter { $0.hasSuffix(".txt") }.sorted().compactMap { name in
            guard let text = try? String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8)
            else {
                return nil
            }
            return Fixture(platform: platform, name: String(name.dropLast(4)), text: text)
        }
    }

    private init(platform: String, name: String, text: String) {
        self.platform = platform
        self.name = name
        var about: [String] = []
        var request: [String] = []
        var body: [String] = []
        var status = 0
        var answer = ""
        var events: [String] = []
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)[...]
        if lines.last == "" { lines.removeLast() }
        while let line = lines.first, !line.hasPrefix(">") { about.append(line); lines.removeFirst() }
        while let line = lines.first, line.hasPrefix(">") {
            request.append(line.dropFirst().trimmingCharacters(in: .whitespaces))
            lines.removeFirst()
        }
        while let line = lines.first, !line.hasPrefix("<") { body.append(line); lines.removeFirst() }
        if let line = lines.popFirst() { status = Int(line.dropFirst(2)) ?? 0 }
        for line in lines {
            if line.hasPrefix("= ") { events.append(String(line.dropFirst(2))) } else { answer += line }
        }
        let words = request.first?.split(separator: " ").map(String.init) ?? []
        method = words.first == "GET" ? .get : .post
        target = words.count > 1 ? words[1] : "/"
        contentType = request.count > 1 ? request[1] : ""
        self.about = about.joined(separator: "\n")
        self.body = body.joined(separator: "\n")
        self.status = status
        self.answer = answer
        self.events = events
    }

    static var isRecording: Bool { ProcessInfo.processInfo.environment["SLUICE_RECORD_FIXTURES"] == "1" }

    func record(status: Int, answer: String, events: [String]) throws {
        var text = "\(about)\n> \(method == .get ? "GET" : "POST") \(target)\n> \(contentType)\n"
        if !body.isEmpty { text += body + "\n" }
        text += "< \(status)\n"
        if !answer.isEmpty { text += answer + "\n" }
        for event in events { text += "= \(event)\n" }
        let file = Fixture.folder.appendingPathComponent(platform).appendingPathComponent(name + ".txt")
        try text.write(to: file, atomically: true, encoding: .utf8)
    }

    /// The decoder of this fixture's platform, whichever it is.
    func anyHarness() -> DecoderHarness {
        switch platform {
        case "topsort": .topsort()
        case "gowit": .gowit()
        case "vtex": .vtex()
        case "kevel": .kevel()
        case "impact": .impact()
        default: .native()
        }
    }

    func harness() -> DecoderHarness { platform == "topsort" ? .topsort() : .native() }

    func send(_ harness: DecoderHarness, body replacement: [UInt8]? = nil, query other: String? = nil)
        -> DecoderHarness.Outcome
    {
        harness.send(
            replacement ?? bodyBytes, method: method, path: path, query: other ?? query,
            contentType: contentType)
    }
}
