import SluiceCore
import Testing

@Suite struct JSONReaderTests {
    @Test func pullsAnObject() throws {
        let text = #" { "id" : "e\n1", "n":-12.5e3 ,"list":[1,true,false,null], "o":{} } "#
        try JSONProbe.read(text) { (reader, bytes) throws(JSONError) in
            #expect(try reader.peek() == .object)
            try reader.enterObject()
            #expect(try reader.nextKey()?.raw(in: bytes).string == "id")
            #expect(try reader.peek() == .string)
            let id = try reader.string()
            #expect(id.hasEscapes && JSONProbe.string(id, bytes) == "e\n1")
            #expect(id.raw(in: bytes).string == #"e\n1"#)

            #expect(try reader.nextKey()?.equals("n", in: bytes) == true)
            #expect(try reader.peek() == .number)
            let number = try reader.number()
            #expect(number.raw(in: bytes).string == "-12.5e3")
            #expect(number.isNegative && !number.isInteger)

            #expect(try reader.nextKey()?.equals("list", in: bytes) == true)
            #expect(try reader.peek() == .array)
            try reader.enterArray()
            #expect(try reader.nextElement())
            #expect(try reader.number().isInteger)
            #expect(try reader.nextElement())
            #expect(try reader.peek() == .true)
            #expect(try reader.bool())
            #expect(try reader.nextElement())
            #expect(try reader.peek() == .false)
            #expect(try !reader.bool())
            #expect(try reader.nextElement())
            #expect(try reader.peek() == .null)
            try reader.null()
            #expect(try !reader.nextElement())

            #expect(try reader.nextKey()?.equals("o", in: bytes) == true)
            try reader.enterObject()
            #expect(try reader.nextKey() == nil)
            #expect(try reader.nextKey() == nil)
            #expect(reader.offset == bytes.count - 1)
            try reader.end()
            #expect(reader.offset == bytes.count)
        }
    }

    @Test func tellsWhichKindWasExpected() {
        func error(_ text: String, _ body: (inout JSONReader) throws(JSONError) -> Void) -> JSONError? {
            do throws(JSONError) {
                try JSONProbe.read(text) { (reader, _) throws(JSONError) in try body(&reader) }
                return nil
            } catch {
                return error
            }
        }
        #expect(error(" 1") { (r) throws(JSONError) in try r.enterObject() } == JSONError(.expectedObject, offset: 1))
        #expect(error("{}") { (r) throws(JSONError) in try r.enterArray() } == JSONError(.expectedArray, offset: 0))
        #expect(error("1") { (r) throws(JSONError) in _ = try r.string() } == JSONError(.expectedString, offset: 0))
        #expect(error("\"\"") { (r) throws(JSONError) in _ = try r.number() } == JSONError(.expectedNumber, offset: 0))
        #expect(error("null") { (r) throws(JSONError) in _ = try r.bool() } == JSONError(.expectedBool, offset: 0))
        #expect(error("true") { (r) throws(JSONError) in try r.null() } == JSONError(.expectedNull, offset: 0))
        #expect(error(" ") { (r) throws(JSONError) in try r.enterObject() } == JSONError(.unexpectedEnd, offset: 1))
        #expect(error("") { (r) throws(JSONError) in _ = try r.peek() } == JSONError(.unexpectedEnd, offset: 0))
        #expect(error(" x") { (r) throws(JSONError) in try r.end() } == JSONError(.trailingContent, offset: 1))
    }

    @Test func skipsVerbatim() throws {
        let text = #"{"a": [1, {"b" : "\u00e9"}] ,"c":0}"#
        try JSONProbe.read(text) { (reader, bytes) throws(JSONError) in
            try reader.enterObject()
            _ = try reader.nextKey()
            let range = try reader.skipValue()
            #expect(bytes[range].string == #"[1, {"b" : "\u00e9"}]"#)
            #expect(reader.offset == range.upperBound)
            #expect(try reader.nextKey()?.equals("c", in: bytes) == true)
        }
    }

    @Test func comesBackToACheckpoint() throws {
        let text = #"[{"a":{"x":[1,2}},{"a":1,"a":2},{"b":[true]}]"#
        try JSONProbe.read(text) { (reader, bytes) throws(JSONError) in
            try reader.enterArray()
            _ = try reader.nextElement()
            let first = reader.checkpoint
            for _ in 0..<3 {
                // In the middle of nested containers the state is deep; restoring makes it flat again.
                do throws(JSONError) {
                    _ = try reader.skipValue()
                    Issue.record("the value is broken")
                } catch {
                    #expect(error == JSONError(.expectedCommaOrBracket, offset: 15))
                }
                reader.restore(first)
            }
            try reader.enterObject()
            let key = try reader.nextKey()
            #expect(key?.equals("a", in: bytes) == true)
            #expect(reader.offset == 6)
        }
        try JSONProbe.read(#"[{"n":"x","m":{"k":[1]}},2]"#) { (reader, bytes) throws(JSONError) in
            try reader.enterArray()
            _ = try reader.nextElement()
            let start = reader.checkpoint
            try reader.enterObject()
            let keys = reader.openKeys()
            try reader.insert(try reader.nextKey()!, into: keys)
            reader.restore(start)
            #expect(bytes[try reader.skipValue()].string == #"{"n":"x","m":{"k":[1]}}"#)
            #expect(try reader.nextElement())
            #expect(try reader.number().raw(in: bytes).string == "2")
            #expect(try !reader.nextElement())
            try reader.end()
        }
    }

    @Test func integersAreExactOrNothing() throws {
        func integer(_ text: String) throws -> Int? {
            try JSONProbe.read(text) { (reader, bytes) throws(JSONError) in
                try reader.number().integer(in: bytes)
            }
        }
        for value in [0, 1, -1, 42, 1_000_000_007, Int.max, Int.min, Int.max - 1, Int.min + 1] {
            #expect(try integer("\(value)") == value)
        }
        #expect(try integer("-0") == 0)
        for text in ["9223372036854775808", "-9223372036854775809", "99999999999999999999", "1.0", "1e2", "-0.0"] {
            #expect(try integer(text) == nil, "\(text)")
        }
    }

    @Test func lendsDecodedText() throws {
        try JSONProbe.read(#"["plain","tab\t\u00e9"]"#) { (reader, bytes) throws(JSONError) in
            try reader.enterArray()
            _ = try reader.nextElement()
            let plain = try reader.string()
            #expect(reader.decoded(plain).string == "plain")
            _ = try reader.nextElement()
            let escaped = try reader.string()
            #expect(reader.decoded(escaped).string == "tab\té")
            #expect(reader.decoded(escaped).string == "tab\té")
        }
    }

    @Test func oneScratchServesManyReaders() throws {
        let scratch = JSONScratch()
        let broken = Array(#"{"\u0061":{"a":{"a":["#.utf8)
        let whole = Array(#"{"a":1,"b":{"\u0061":1,"b":[{"a":1}]}}"#.utf8)
        for _ in 0..<100 {
            broken.withBytes { bytes in
                var reader = JSONReader(bytes, scratch: scratch)
                #expect(throws: JSONError(.unexpectedEnd, offset: broken.count)) { try reader.skipValue() }
            }
            try whole.withBytes { (bytes) throws(JSONError) in
                var reader = JSONReader(bytes, scratch: scratch)
                #expect(try reader.skipValue() == 0..<whole.count)
            }
        }
    }
}
