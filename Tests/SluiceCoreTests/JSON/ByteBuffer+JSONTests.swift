import SluiceCore
import Testing

@Suite struct ByteBufferJSONTests {
    private func escaped(_ bytes: [UInt8]) -> String {
        var buffer = ByteBuffer(capacity: 16)
        GuardedMemory.with(bytes) { buffer.appendJSONEscaped($0) }
        return buffer.bytes.string
    }

    @Test func escapesWhatMustBe() {
        #expect(escaped(Array("plain / text".utf8)) == "plain / text")
        #expect(escaped(Array("\"\\\u{8}\u{9}\u{A}\u{C}\u{D}".utf8)) == #"\"\\\b\t\n\f\r"#)
        #expect(escaped([0, 1, 0x1B, 0x1F, 0x7F]) == "\\u0000\\u0001\\u001b\\u001f\u{7F}")
        #expect(escaped(Array("é€😀".utf8)) == "é€😀")
        #expect(escaped([]) == "")
    }

    @Test func replacesWhatIsNotUTF8() {
        #expect(escaped([0x61, 0xFF, 0x62]) == "a\u{FFFD}b")
        #expect(escaped([0xC3]) == "\u{FFFD}")
        #expect(escaped([0xE2, 0x82]) == "\u{FFFD}\u{FFFD}")
        #expect(escaped([0xC3, 0xA9, 0xC3, 0x22, 0xC3, 0xA9]) == "é\u{FFFD}\\\"é")
        #expect(escaped([0xED, 0xA0, 0x80]) == "\u{FFFD}\u{FFFD}\u{FFFD}")
    }

    @Test func escapedBytesAreAlwaysAString() throws {
        let seed = UInt64.random(in: .min ... .max)
        print("seed \(seed)")
        var random = SeededRandom(seed: seed)
        for _ in 0..<3000 {
            let alphabet: [UInt8] = [
                0x22, 0x5C, 0x0A, 0x00, 0x61, 0x61, 0x61, 0xC3, 0xA9, 0xE2, 0x82, 0xAC, 0xF0, 0x9F, 0x98, 0x80,
            ]
            let bytes = (0..<Int.random(in: 0...60, using: &random)).map { _ in alphabet.randomElement(using: &random)!
            }
            var json = ByteBuffer(capacity: 16)
            bytes.withBytes { json.appendJSONString($0) }
            let tree = try JSONProbe.tree(json.bytes.array)
            if let text = String(validating: bytes, as: UTF8.self) { #expect(tree == .string(text), "seed \(seed)") }
        }
    }

    @Test func copiesStringsAsWritten() throws {
        try JSONProbe.read(#""a\u00e9\n""#) { (reader, bytes) throws(JSONError) in
            let text = try reader.string()
            var buffer = ByteBuffer(capacity: 16)
            buffer.appendJSONString(text, in: bytes)
            #expect(buffer.bytes.string == #""a\u00e9\n""#)
        }
    }

    @Test func compactsOutsideStringsOnly() {
        func compact(_ text: String) -> String {
            var buffer = ByteBuffer(capacity: 16)
            Array(text.utf8).withBytes { buffer.appendJSONCompact($0) }
            return buffer.bytes.string
        }
        #expect(
            compact("{ \"a b\" :\t[ 1 ,\r\n 2.5e3 ] , \"c\\\" d\\\\\" : \" x \" }")
                == #"{"a b":[1,2.5e3],"c\" d\\":" x "}"#)
        #expect(compact("[]") == "[]")
        #expect(compact("\" \"") == "\" \"")
        #expect(compact("[ null , true ]") == "[null,true]")
    }
}
