import SluiceCore
import SluiceHTTP
import Testing

@Suite struct PercentEncodingTests {
    private func decoded(_ text: String, plusIsSpace: Bool = true) throws -> String {
        var buffer = ByteBuffer(capacity: 16)
        buffer.append("<")
        do {
            try Array(text.utf8).withBytes { view throws(PercentEncodingError) in
                try PercentEncoding.decode(view, plusIsSpace: plusIsSpace, into: &buffer)
            }
        } catch {
            #expect(buffer.bytes.equals("<"), "the buffer is as it was")
            throw error
        }
        return String(buffer.bytes.string.dropFirst())
    }

    @Test func `decodes`() throws {
        #expect(try decoded("") == "")
        #expect(try decoded("plain-text_1") == "plain-text_1")
        #expect(try decoded("a%20b+c%2Bd%2bd") == "a b c+d+d")
        #expect(try decoded("a+b", plusIsSpace: false) == "a+b")
        #expect(try decoded("caf%C3%A9") == "caf\u{E9}")
        #expect(try decoded("%2525") == "%25", "decodes once")
        #expect(try decoded("%00%ff").utf8.first == 0)
    }

    @Test(arguments: [("%", 0), ("a%2", 1), ("ab%", 2), ("%2g", 0), ("%g2", 0), ("%20%%20", 3), ("% 20", 0)])
    func `reports a wrong escape`(_ text: String, _ offset: Int) {
        #expect(throws: PercentEncodingError(offset: offset)) { try decoded(text) }
        #expect(!Array(text.utf8).withBytes { PercentEncoding.decodes($0, to: "a", plusIsSpace: true) })
    }

    @Test func `compares without decoding`() {
        func matches(_ text: StaticString, _ literal: StaticString) -> Bool {
            PercentEncoding.decodes(Bytes(text), to: literal, plusIsSpace: true)
        }
        #expect(matches("a%62c", "abc"))
        #expect(matches("a+b", "a b"))
        #expect(matches("", ""))
        #expect(!matches("abc", "ab"))
        #expect(!matches("ab", "abc"))
        #expect(!matches("a%63c", "abc"))
    }

    @Test func `tells whether there is anything to decode`() {
        #expect(!PercentEncoding.isEncoded(Bytes("abc"), plusIsSpace: true))
        #expect(PercentEncoding.isEncoded(Bytes("a%20"), plusIsSpace: false))
        #expect(PercentEncoding.isEncoded(Bytes("a+"), plusIsSpace: true))
        #expect(!PercentEncoding.isEncoded(Bytes("a+"), plusIsSpace: false))
    }

    @Test func `decodes what was encoded`() throws {
        var random = SeededGenerator(for: "decodes what was encoded")
        for _ in 0..<500 {
            let bytes = (0..<Int.random(in: 0...40, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            let text = bytes.map { byte in
                let digits = (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: Bool.random(using: &random))
                return "%" + digits
            }.joined()
            var buffer = ByteBuffer(capacity: 16)
            try Array(text.utf8).withBytes { view throws(PercentEncodingError) in
                try PercentEncoding.decode(view, plusIsSpace: false, into: &buffer)
            }
            #expect(buffer.bytes.array == bytes)
        }
    }
}
