import SluiceCore
import Testing

@Suite struct BytesTests {
    @Test func comparesWholeContent() {
        for length in 0...40 {
            let one = [UInt8](repeating: 0x61, count: length)
            one.withBytes { a in
                one.withBytes { b in #expect(a.equals(b)) }
                (one + [0x61]).withBytes { b in #expect(!a.equals(b) && !b.equals(a)) }
                for place in 0..<length {
                    var other = one
                    other[place] = 0x62
                    other.withBytes { b in #expect(!a.equals(b)) }
                }
            }
        }
    }

    @Test func ignoresCaseOfLettersOnly() {
        #expect(Bytes("Content-TYPE").equalsIgnoringCase("content-type"))
        #expect(!Bytes("Content-Type").equalsIgnoringCase("content-typ"))
        // `@` and backquote, `[` and `{` differ in the same bit as letters do.
        #expect(!Bytes("@").equalsIgnoringCase("`"))
        #expect(!Bytes("[").equalsIgnoringCase("{"))
    }

    @Test func findsAndTrims() {
        let bytes = Bytes(" \ta b\t ")
        #expect(bytes.trimmed.equals("a b"))
        #expect(Bytes(" \t ").trimmed.isEmpty)
        #expect(bytes.firstIndex(of: 0x62) == 4)
        #expect(bytes.firstIndex(of: 0x20) == 0)
        #expect(bytes.firstIndex(of: 0x20, from: 1) == 3)
        #expect(bytes.firstIndex(of: 0x7A) == nil)
        #expect(Bytes("abc").hasPrefix("ab") && Bytes("abc").hasPrefix("") && !Bytes("a").hasPrefix("ab"))
    }

    @Test func findsItsParts() {
        let bytes = Bytes("abcdef")
        #expect(bytes.range(of: bytes) == 0..<6 && bytes.range(of: bytes[2..<4]) == 2..<4)
        #expect(bytes.range(of: bytes[6..<6]) == 6..<6)
        #expect(bytes[2..<4].range(of: bytes) == nil && bytes[2..<4].range(of: bytes[3..<5]) == nil)
        #expect([UInt8](repeating: 1, count: 3).withBytes { bytes.range(of: $0) } == nil)
    }

    @Test func findsTheEndOfAString() {
        let long = String(repeating: "é, ", count: 20)
        for text in ["", "a", "0123456789abcde", "0123456789abcdef", #"\""#, #"\\"#, #"a\"b\\"#, long, "\n"] {
            GuardedMemory.with(Array(text.utf8) + [0x22]) { bytes in
                #expect(bytes.endOfString(from: 0) == text.utf8.count, "\(text)")
            }
            GuardedMemory.with(Array(text.utf8)) { #expect($0.endOfString(from: 0) == nil, "\(text)") }
        }
        GuardedMemory.with(Array(#"a\"#.utf8)) { #expect($0.endOfString(from: 0) == nil) }
        let two = Bytes(#""a""b""#)
        #expect(two.endOfString(from: 1) == 2 && two.endOfString(from: 4) == 5 && two.endOfString(from: 6) == nil)
        #expect(two.plainCount(from: 1) == 1 && two.plainCount(from: 0) == 0 && two.plainCount(from: 6) == 0)
    }

    @Test func slicesAndCopies() {
        let bytes = Bytes("héllo")
        #expect(bytes[0..<0].isEmpty && bytes[6..<6].isEmpty)
        #expect(bytes[1..<3].string == "é")
        #expect(bytes.array == Array("héllo".utf8))
        #expect([UInt8]().withBytes { $0.isEmpty })
        #expect(Bytes.empty.string == "")
    }

    @Test func tellsUTF8() {
        #expect(Bytes("").isUTF8 && Bytes("ascii").isUTF8 && Bytes("é€😀 x é").isUTF8)
        for wrong: [UInt8] in [[0x80], [0x61, 0xFF], [0xC3], [0xE2, 0x82, 0x61], [0xC3, 0xA9, 0xC3]] {
            GuardedMemory.with(wrong) { #expect(!$0.isUTF8) }
        }
    }
}
