import SluiceSimulator
import Testing

@Suite struct PlainJSONTests {
    private func parse(_ text: String) -> PlainJSON? { PlainJSON(Array(text.utf8)) }

    @Test func `truth values are no numbers`() {
        #expect(
            parse("[true,false,1,0]")
                == .array([
                    .bool(true), .bool(false), .number(1, isInteger: true), .number(0, isInteger: true),
                ]))
    }

    @Test func `whole numbers are told from others`() {
        #expect(
            parse("[3,3.0,3.5,-1e2]")
                == .array([
                    .number(3, isInteger: true), .number(3, isInteger: true),
                    .number(3.5, isInteger: false), .number(-100, isInteger: true),
                ]))
    }

    @Test(arguments: ["", "{", "[1,]", "{\"a\":1, }", "[1 2]", "{\"a\":1,\"a\"}", "{\"a\":1}x", "nul"])
    func `what is no JSON is nil`(text: String) {
        #expect(parse(text) == nil)
    }

    @Test func `a comma within a string is no separator`() {
        #expect(parse("[\",]\",\"\\\",]\"]")?.elements?.count == 2)
    }

    @Test func `quoting is read back`() {
        let text = "a\"b\\c\n\r\t\u{1}é🎁"
        #expect(parse(PlainJSON.quote(text))?.string == text)
    }
}
