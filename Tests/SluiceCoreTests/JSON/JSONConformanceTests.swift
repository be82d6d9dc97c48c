import SluiceCore
import Testing

/// RFC 8259, sentence by sentence: what must be taken, and what must be refused, why, and where.
@Suite struct JSONConformanceTests {
    @Test(arguments: [
        // Section 2: any value is a text; four kinds of white space around tokens.
        "null", "true", "false", "0", #""""#, "[]", "{}", " null ", "\t[ \n1\r,\n2 ]\r\n",
        "{ \"a\" : 1 , \"b\" : [ ] }",
        // Section 4: objects. An empty key is a key.
        #"{"":0}"#, #"{"a":{"a":{"a":{}}}}"#, #"{"a":1,"b":1,"A":1}"#, #"{"a\u0000b":1,"a":2}"#,
        // Section 5: arrays of mixed kinds.
        #"[1,"a",null,true,{},[]]"#, "[[],[[]],[[[]]]]",
        // Section 6: numbers.
        "-0", "-1", "10", "1.5", "0.5", "-0.0", "1e5", "1E5", "1e+5", "1e-5", "0e0", "0E+0", "1.25e-07",
        "123456789012345678901234567890", "[1e999,-1e-999]",
        // Section 7: strings.
        #""\"\\\/\b\f\n\r\t""#, #""\u0000""#, #""\u001f\u0020\u00e9\u20AC""#, #""\uD834\uDD1E""#,
        #""\ud800\udc00\udbff\udfff""#, #""\ufeff\ufffe\uffff""#, "\"\u{7F}\"", "\"é€𝄞\"", "\"\u{2028}\u{2029}\"",
        "\"\u{FFFF}\u{FFFE}\u{10FFFF}\"", #""\\u0041""#, #""/""#, "\"'\"",
    ])
    func takes(_ text: String) {
        let ending = JSONProbe.skip(text)
        #expect(ending == .value(text.trimmingJSONSpace))
        #expect(throws: Never.self) { try JSONProbe.tree(Array(text.utf8)) }
    }

    struct Refused: CustomTestStringConvertible, Sendable {
        let text: String
        let code: JSONError.Code
        let offset: Int
        init(_ text: String, _ code: JSONError.Code, _ offset: Int) {
            self.text = text
            self.code = code
            self.offset = offset
        }
        var testDescription: String { text.debugDescription }
    }

    @Test(arguments: [
        // Nothing there, or not all of it.
        Refused("", .unexpectedEnd, 0), Refused("  ", .unexpectedEnd, 2), Refused("[", .unexpectedEnd, 1),
        Refused("{", .unexpectedEnd, 1), Refused("[1", .unexpectedEnd, 2), Refused("[1,", .unexpectedEnd, 3),
        Refused(#"{"a"#, .unexpectedEnd, 3), Refused(#"{"a""#, .unexpectedEnd, 4),
        Refused(#"{"a":"#, .unexpectedEnd, 5), Refused(#"{"a":1"#, .unexpectedEnd, 6),
        Refused(#"{"a":1,"#, .unexpectedEnd, 7), Refused("\"", .unexpectedEnd, 1),
        Refused("\"ab", .unexpectedEnd, 3), Refused("\"\\", .unexpectedEnd, 2),
        Refused("\"\\u00", .unexpectedEnd, 5), Refused("-", .unexpectedEnd, 1), Refused("1.", .unexpectedEnd, 2),
        Refused("1e", .unexpectedEnd, 2), Refused("1e+", .unexpectedEnd, 3), Refused("tru", .unexpectedEnd, 3),
        Refused("n", .unexpectedEnd, 1),
        // Structure.
        Refused("]", .expectedValue, 0), Refused("}", .expectedValue, 0), Refused(",", .expectedValue, 0),
        Refused("[,1]", .expectedValue, 1), Refused("[1,]", .expectedValue, 3), Refused("[1,,2]", .expectedValue, 3),
        Refused("[1 2]", .expectedCommaOrBracket, 3), Refused("[1:2]", .expectedCommaOrBracket, 2),
        Refused("[1}", .expectedCommaOrBracket, 2), Refused(#"["a":1]"#, .expectedCommaOrBracket, 4),
        Refused("{]", .expectedKey, 1), Refused("{,}", .expectedKey, 1), Refused("{1:2}", .expectedKey, 1),
        Refused("{a:1}", .expectedKey, 1), Refused("{'a':1}", .expectedKey, 1), Refused("{null:1}", .expectedKey, 1),
        Refused(#"{"a":1,}"#, .expectedKey, 7), Refused(#"{"a":1,,"b":2}"#, .expectedKey, 7),
        Refused(#"{"a" 1}"#, .expectedColon, 5), Refused(#"{"a",1}"#, .expectedColon, 4),
        Refused(#"{"a"::1}"#, .expectedValue, 5), Refused(#"{"a":}"#, .expectedValue, 5),
        Refused(#"{"a":1 "b":2}"#, .expectedCommaOrBrace, 7), Refused(#"{"a":1]"#, .expectedCommaOrBrace, 6),
        Refused(#"{"a":1:2}"#, .expectedCommaOrBrace, 6),
        // One value only.
        Refused("1 2", .trailingContent, 2), Refused("{}{}", .trailingContent, 2), Refused("[]]", .trailingContent, 2),
        Refused("null,", .trailingContent, 4), Refused("\"a\"x", .trailingContent, 3),
        Refused("1\0", .trailingContent, 1),
        Refused("{} // no", .trailingContent, 3),
        // What other languages take.
        Refused("NaN", .expectedValue, 0), Refused("Infinity", .expectedValue, 0),
        Refused("-Infinity", .invalidNumber, 1),
        Refused("+1", .expectedValue, 0), Refused(".5", .expectedValue, 0), Refused("'a'", .expectedValue, 0),
        Refused("undefined", .expectedValue, 0), Refused("/**/1", .expectedValue, 0),
        Refused("\u{FEFF}1", .expectedValue, 0),
        Refused("\u{A0}1", .expectedValue, 0), Refused("\u{0B}1", .expectedValue, 0),
        Refused("\u{0C}1", .expectedValue, 0),
        Refused("True", .expectedValue, 0), Refused("\0", .expectedValue, 0), Refused("[\0]", .expectedValue, 1),
        // Numbers.
        Refused("01", .invalidNumber, 1), Refused("-01", .invalidNumber, 2), Refused("00", .invalidNumber, 1),
        Refused("1.e1", .invalidNumber, 2), Refused("1.x", .invalidNumber, 2), Refused("1ex", .invalidNumber, 2),
        Refused("1e+-1", .invalidNumber, 3), Refused("1.5.2", .trailingContent, 3),
        Refused("1e5.2", .trailingContent, 3),
        Refused("-a", .invalidNumber, 1), Refused("--1", .invalidNumber, 1), Refused("0x10", .trailingContent, 1),
        Refused("1_000", .trailingContent, 1), Refused("１", .expectedValue, 0),
        // Literals.
        Refused("trua", .invalidLiteral, 0), Refused("[fals]", .invalidLiteral, 1),
        Refused("[nul ]", .invalidLiteral, 1),
        Refused("tRUE", .invalidLiteral, 0), Refused("nulll", .trailingContent, 4),
        Refused("truefalse", .trailingContent, 4),
        // Strings.
        Refused("\"a\nb\"", .controlCharacter, 2), Refused("\"\t\"", .controlCharacter, 1),
        Refused("\"\0\"", .controlCharacter, 1), Refused("\"\u{1F}\"", .controlCharacter, 1),
        Refused(#""\x41""#, .invalidEscape, 1), Refused(#""a\'""#, .invalidEscape, 2),
        Refused(#""\U0041""#, .invalidEscape, 1),
        Refused(#""\u00g0""#, .invalidEscape, 1), Refused(#""\u 041""#, .invalidEscape, 1),
        Refused(#""\u+041""#, .invalidEscape, 1),
        Refused(#""\a""#, .invalidEscape, 1), Refused("\"\\\0\"", .invalidEscape, 1),
        Refused("\"\\é\"", .invalidEscape, 1),
        Refused(#""\u12""#, .invalidEscape, 1), Refused(#""\""#, .unexpectedEnd, 3),
        Refused(#""\uD800""#, .loneSurrogate, 1), Refused(#""\uDC00""#, .loneSurrogate, 1),
        Refused(#""\uD800x""#, .loneSurrogate, 1), Refused(#""\uD800\n""#, .loneSurrogate, 1),
        Refused(#""\uD800\uD800""#, .loneSurrogate, 1), Refused(#""\uDC00\uD800""#, .loneSurrogate, 1),
        Refused(#""\uD83D\u0041""#, .loneSurrogate, 1), Refused(#""ab\uDBFF""#, .loneSurrogate, 3),
        Refused(#""\uD83D\u00""#, .invalidEscape, 7), Refused(#"{"\uD800":1}"#, .loneSurrogate, 2),
        // Duplicate keys, at the second one's first character.
        Refused(#"{"a":1,"a":1}"#, .duplicateKey, 8), Refused(#"{"a":1,"\u0061":1}"#, .duplicateKey, 8),
        Refused(#"{"\u0061":1,"a":1}"#, .duplicateKey, 13), Refused(#"{"":1,"":1}"#, .duplicateKey, 7),
        Refused(#"{"\/":1,"/":1}"#, .duplicateKey, 9), Refused(#"{"é":1,"\u00e9":1}"#, .duplicateKey, 9),
        Refused(#"[{"x":{"b":1,"c":2,"b":3}}]"#, .duplicateKey, 20),
        Refused(#"{"a":{"a":1},"a":2}"#, .duplicateKey, 14),
        Refused(#"{"\uD83D\uDE00":1,"😀":1}"#, .duplicateKey, 19),
    ])
    func refuses(_ refused: Refused) {
        #expect(JSONProbe.skip(refused.text) == .error(refused.code, refused.offset))
        // Pulled token by token, the same is found in the same place.
        #expect(throws: JSONError(refused.code, offset: refused.offset)) {
            try JSONProbe.tree(Array(refused.text.utf8))
        }
    }

    @Test func numbersAreBounded() {
        let longest = String(repeating: "1", count: JSONReader.numberBytesMax)
        #expect(JSONProbe.skip(longest) == .value(longest))
        #expect(JSONProbe.skip("[\(longest)1]") == .error(.numberTooLong, 1))
        #expect(JSONProbe.skip("-0.\(longest)") == .error(.numberTooLong, 0))
    }

    @Test func depthIsBounded() {
        func nested(_ depth: Int) -> String {
            String(repeating: "[{\"a\":", count: depth / 2) + "[]"
                + String(repeating: "}]", count: depth / 2)
        }
        #expect(JSONProbe.skip(nested(30), depthMax: 31) == .value(nested(30)))
        #expect(JSONProbe.skip(nested(30), depthMax: 30) == .error(.tooDeep, 90))
        #expect(JSONProbe.skip(nested(62), depthMax: 64) == .value(nested(62)))
        #expect(JSONProbe.skip(nested(64), depthMax: 64) == .error(.tooDeep, 192))
        #expect(JSONProbe.skip("[[1]]", depthMax: 1) == .error(.tooDeep, 1))
        // Ten thousand brackets cost no more than the first that is too many.
        #expect(JSONProbe.skip(String(repeating: "[", count: 10_000)) == .error(.tooDeep, 32))
    }

    @Test func errorsHaveStableWords() {
        let labels = JSONError.Code.allCases.map { "\($0.label)" }
        #expect(Set(labels).count == labels.count)
        for code in JSONError.Code.allCases {
            #expect("\(code.label)".allSatisfy { $0.isLowercase || $0 == "_" || $0.isNumber })
            // The message goes into JSON answers as it is.
            var escaped = ByteBuffer(capacity: 100)
            escaped.appendJSONEscaped(Bytes(code.message))
            #expect(escaped.bytes.equals(code.message))
        }
    }
}

extension String {
    fileprivate var trimmingJSONSpace: String {
        let space: Set<Character> = [" ", "\t", "\n", "\r", "\r\n"]
        let front = drop { space.contains($0) }
        return String(front.reversed().drop { space.contains($0) }.reversed())
    }
}
