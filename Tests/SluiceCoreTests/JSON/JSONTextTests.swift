import SluiceCore
import Testing

@Suite struct JSONTextTests {
    private func decoded(_ json: String) throws -> String {
        try JSONProbe.read(json) { (reader, bytes) throws(JSONError) in JSONProbe.string(try reader.string(), bytes) }
    }

    @Test func resolvesEveryEscape() throws {
        #expect(try decoded(#""\"\\\/\b\f\n\r\t""#) == "\"\\/\u{8}\u{C}\n\r\t")
        #expect(try decoded(#""\u0041\u00e9\u00E9\u20ac\u20AC""#) == "Aéé€€")
        #expect(try decoded(#""x\uD83D\uDE00y\ud83d\ude00""#) == "x😀y😀")
        #expect(try decoded(#""\u0000""#) == "\0")
        #expect(try decoded(#""""#) == "")
        #expect(try decoded(#""\\u0041\\\\n""#) == #"\u0041\\n"#)
    }

    @Test func resolvesEveryCodeUnitAndPair() throws {
        let scratch = JSONScratch()
        func decode(_ json: String) throws(JSONError) -> String {
            try Array(json.utf8).withBytes { (bytes) throws(JSONError) in
                var reader = JSONReader(bytes, scratch: scratch)
                return JSONProbe.string(try reader.string(), bytes)
            }
        }
        func hex(_ unit: UInt16) -> String {
            let digits = String(unit, radix: 16, uppercase: unit % 2 == 0)
            return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        }
        for unit in UInt16.min...UInt16.max {
            let result = Result { () throws(JSONError) in try decode("\"\(hex(unit))\"") }
            if let scalar = Unicode.Scalar(unit) {
                if try result.get() != String(scalar) { Issue.record("\(hex(unit))") }
            } else {
                #expect(throws: JSONError(.loneSurrogate, offset: 1)) { try result.get() }
            }
        }
        for value in stride(from: UInt32(0x10000), through: 0x10FFFF, by: 97) {
            let scalar = Unicode.Scalar(value)!
            let units = Array(String(scalar).utf16)
            if try decode("\"\(hex(units[0]))\(hex(units[1]))\"") != String(scalar) {
                Issue.record("\(hex(units[0]))\(hex(units[1]))")
            }
        }
    }

    @Test func comparesDecodedContent() throws {
        func equals(_ json: String, _ other: String) throws -> Bool {
            try JSONProbe.read(json) { (reader, bytes) throws(JSONError) in
                let text = try reader.string()
                return Array(other.utf8).withBytes { text.equals($0, in: bytes) }
            }
        }
        #expect(try equals(#""id""#, "id"))
        #expect(try equals(#""i\u0064""#, "id"))
        #expect(try equals(#""\u0069\u0064""#, "id"))
        #expect(try equals(#""\uD83D\uDE00\n""#, "😀\n"))
        #expect(try equals(#""""#, ""))
        for (json, other) in [
            (#""i\u0064""#, "i"), (#""i\u0064""#, "idx"), (#""i\u0064""#, "ix"), (#""i\u0064x""#, "id"),
            (#""\u00e9""#, "\u{C3}"), (#""\uD83D\uDE00""#, "😁"), (#""\n""#, ""), (#""\n""#, "n"), (#""a""#, "b"),
            (#""\uD83D\uDE00""#, "\u{F0}"),
        ] {
            #expect(try !equals(json, other), "\(json) and \(other)")
        }
    }
}
