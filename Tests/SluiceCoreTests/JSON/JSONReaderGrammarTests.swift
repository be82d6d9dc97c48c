import Foundation
import SluiceCore
import Testing

/// `JSONReader.passValue` and `appendPath`: how a reader gets behind a value that was refused.
@Suite struct JSONReaderGrammarTests {
    private func pass(_ text: String) -> JSONProbe.Ending { pass(Array(text.utf8)) }

    private func pass(_ text: [UInt8]) -> JSONProbe.Ending {
        GuardedMemory.with(text) { bytes in
            var reader = JSONReader(bytes, scratch: JSONScratch())
            do throws(JSONError) {
                try reader.passValue()
                let end = reader.offset
                try reader.end()
                return .value(bytes[0..<end].string)
            } catch {
                return .error(error.code, Int(error.offset))
            }
        }
    }

    private static let refusedByPolicy = [
        #"{"a":1,"\u0061":2}"#,
        #"{"x":{"a":1,"a":2},"y":[{"b":1,"b":1}]}"#,
        "{" + (0..<300).map { "\"k\($0)\":1" }.joined(separator: ",") + "}",
        "[" + String(repeating: "1", count: 65) + "]",
        "[-0." + String(repeating: "3", count: 500) + "e+10]",
        String(repeating: "[", count: 33) + String(repeating: "]", count: 33),
        String(repeating: #"{"a":["#, count: 500) + "1" + String(repeating: "]}", count: 500),
        #"["\ud800"]"#, #"["\udc00x"]"#, #"["\ud800\ud800\udc00"]"#, #"["\ud800\n\u0041"]"#, #"{"\ud83d":1}"#,
    ]

    @Test(arguments: refusedByPolicy) func `passes what only policy refuses`(_ text: String) {
        guard case .error(let code, _) = JSONProbe.skip(text) else {
            Issue.record("not refused")
            return
        }
        #expect(code.isPolicy)
        #expect(pass(text) == .value(text))
    }

    /// Where nothing is refused by policy, the two ways to pass a value agree, errors and places too.
    @Test(arguments: [
        "1", "-0.5e3", "\"x\\n\"", "true", "null", "[]", "{}", " [ 1 , {\"a\" : [ ] } ] ", "[[[1],2],{\"a\":{}}]",
        "", " ", "[", "{", "[1", "[1,", "[,1]", "[1,]", "[1 2]", "]", "}", "[}", "{]", "{\"a\"}", "{\"a\":}",
        "{\"a\":1,}",
        "{\"a\":1 \"b\":2}", "{,}", "{1:2}", "{\"a\" 1}", "tru", "nulL", "01", "1.", "-", "1e", "+1", "\"", "\"\\x\"",
        "\"\\u12g4\"", "\"\\ud800\\u00\"", "\"\\ud800\\uzzzz\"", "\"\u{1}\"", "[1]]", "{\"a\":1}}", "\u{FEFF}1",
        "[\"a]",
    ])
    func `agrees with skipValue on the grammar`(_ text: String) {
        let expected = JSONProbe.skip(text)
        switch pass(text) {
        case .value(let passed): #expect(expected == .value(passed.trimmingPrefix { $0 == " " }.description))
        case let error: #expect(error == expected)
        }
    }

    @Test func `refuses what is not UTF-8`() {
        for bad: [UInt8] in [[0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xE2, 0x82], [0xF5, 0x80, 0x80, 0x80]] {
            let text = [UInt8(ascii: "["), UInt8(ascii: "\"")] + bad + [UInt8(ascii: "\""), UInt8(ascii: "]")]
            #expect(pass(text) == .error(.invalidUTF8, 2))
        }
    }

    /// A million levels need no stack.
    @Test func `nesting is bounded by the input only`() {
        let depth = 1_000_000
        let open = String(repeating: "[", count: depth)
        #expect(pass(open) == .error(.unexpectedEnd, depth))
        #expect(pass(open + String(repeating: "]", count: depth)) != .error(.unexpectedEnd, depth))
        #expect(pass(open + "}") == .error(.expectedValue, depth))
    }

    @Test func `stands behind the value, in the container it was in`() throws {
        try JSONProbe.read(#"[{"a":1,"a":[{}]},7]"#) { (reader, bytes) throws(JSONError) in
            try reader.enterArray()
            #expect(try reader.nextElement())
            try reader.passValue()
            #expect(try reader.nextElement())
            #expect(try reader.number().raw(in: bytes).string == "7")
            #expect(try !reader.nextElement())
            try reader.end()
        }
    }

    @Test(arguments: [
        (#"{"a":1,"b":{"c":[0,{"d":§2}]}}"#, "b.c[1].d"), (#"{"a":1,"§b":2}"#, "b"), (#"{"a":§1,"b":2}"#, "a"),
        (#"[[1],[2,§3]]"#, "[1][1]"), (#"{"a.b":{"\u0063\n":§1}}"#, "a.b.c\n"), ("{§}", ""), ("§7", ""),
        (#"{"\ud800":1,"b":§2}"#, ""), (#"{"a":{"\ud800":1,"b":§2}}"#, "a"),
        (#"{"a":{"b":{"c":{"d":{"e":{"f":{"g":§1}}}}}}}"#, "a.b.c.d.e.f"),
    ])
    func `tells where a byte lies`(_ marked: String, _ path: String) throws {
        let offset = marked.utf8.distance(from: marked.startIndex, to: marked.firstIndex(of: "§")!)
        let text = marked.replacing("§", with: "")
        var out = ByteBuffer(capacity: 16)
        out.append("> ")
        try JSONProbe.read(text) { (reader, _) throws(JSONError) in
            reader.appendPath(to: offset, into: &out)
        }
        #expect(out.bytes.string == "> " + path)
    }
}
