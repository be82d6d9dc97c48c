import SluiceCore
import SluiceHTTP
import Testing

@Suite struct QueryParserTests {
    private func parameters(_ text: StaticString) -> [String] {
        var parser = QueryParser(Bytes(text))
        var found: [String] = []
        while let parameter = parser.next() {
            found.append("\(parameter.name.string)\(parameter.hasValue ? "=" : "!")\(parameter.value.string)")
        }
        let beyond = parser.next()
        #expect(beyond == nil, "the end stays the end")
        return found
    }

    @Test func `walks the parameters`() {
        #expect(parameters("") == [])
        #expect(parameters("a=1") == ["a=1"])
        #expect(parameters("a=1&b=2&a=3") == ["a=1", "b=2", "a=3"])
        #expect(parameters("&&a=1&&b&") == ["a=1", "b!"])
        #expect(parameters("a=&=b&=") == ["a=", "=b", "="])
        #expect(parameters("a=b=c&d=?") == ["a=b=c", "d=?"])
        #expect(parameters("a%3Db=%26&c+d=e+f") == ["a%3Db=%26", "c+d=e+f"])
    }

    @Test func `decodes names and values`() throws {
        var parser = QueryParser(Bytes("us%65r+id=a%26b+c&bad=%x"))
        let one = parser.next()
        let first = try #require(one)
        #expect(first.isNamed("user id"))
        #expect(!first.isNamed("user"))
        var buffer = ByteBuffer(capacity: 16)
        try first.decodeName(into: &buffer)
        buffer.append("=")
        try first.decodeValue(into: &buffer)
        #expect(buffer.bytes.string == "user id=a&b c")
        let two = parser.next()
        let second = try #require(two)
        #expect(throws: PercentEncodingError(offset: 0)) { try second.decodeValue(into: &buffer) }
    }
}
