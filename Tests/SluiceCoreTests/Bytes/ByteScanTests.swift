import CByteScan
import Testing

@testable import SluiceCore

@Suite struct ByteScanTests {
    @Test func `compares and copies any number of bytes`() {
        var random = SplitMix64(seed: 7)
        for count in 0...200 {
            let text = (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            var buffer = ByteBuffer(capacity: 16)
            buffer.append(0x21)
            text.withBytes { buffer.append($0) }
            buffer.append(0x3F)
            #expect(buffer.bytes.array == [0x21] + text + [0x3F])
            text.withBytes { text in
                #expect(text.equals(buffer.bytes[1..<count + 1]))
                for place in 0..<count {
                    var other = text.array
                    other[place] ^= 1 << UInt8(random.next(below: 8))
                    #expect(!other.withBytes { text.equals($0) }, "\(count) bytes, \(place)")
                }
            }
        }
    }

    @Test(
        arguments: [
            ("12,", 2, false, 12), ("0}", 1, false, 0), ("12.50,", 5, true, 1250), ("0.10]", 4, true, 10),
            ("9999999999999999999 ", 19, false, 9_999_999_999_999_999_999),
            ("123456789.123456789,", 19, true, 123_456_789_123_456_789),
            // Left to whoever looks closer.
            ("12", 0, false, 0), ("", 0, false, 0), ("-1,", 0, false, 0), ("01,", 0, false, 0), ("1.,", 0, false, 0),
            ("1.", 0, false, 0), (".5,", 0, false, 0), ("1e5,", 0, false, 0), ("1.5E5,", 0, false, 0),
            ("1.2.3,", 0, false, 0),
            ("99999999999999999999,", 0, false, 0), ("x", 0, false, 0),
        ] as [(String, Int, Bool, UInt64)])
    func `finds plain numbers`(_ text: String, _ size: Int, _ hasFraction: Bool, _ digits: UInt64) {
        var fraction: Int32 = 0
        var value: UInt64 = 0
        // An exact copy, so that a sanitizer sees a read beyond it.
        let found = Array(text.utf8).withBytes { unsafe cbytescan_plain_number($0.base, $0.count, &fraction, &value) }
        #expect(found == size)
        guard size > 0 else { return }
        #expect((fraction != 0) == hasFraction)
        #expect(value == digits)
    }

    @Test(
        arguments: [
            ("\"a\":1", false, 1, 1, 4), (" \n\"ab\" : 1", false, 3, 2, 8), (",\"a\":", true, 2, 1, 5),
            (" , \"\" :", true, 4, 0, 7),
            ("\"a\":", true, 0, 0, 0), (",\"a\":", false, 0, 0, 0), ("\"a\\u0061\":", false, 0, 0, 0),
            ("\"é\":", false, 0, 0, 0),
            ("\"a\"", false, 0, 0, 0), ("\"a", false, 0, 0, 0), ("\"", false, 0, 0, 0), ("", false, 0, 0, 0),
            ("}", false, 0, 0, 0),
            (",", true, 0, 0, 0), ("\"a\" ,", false, 0, 0, 0),
        ] as [(String, Bool, UInt32, UInt32, UInt32)])
    func `finds plain names`(_ text: String, _ comma: Bool, _ start: UInt32, _ count: UInt32, _ end: UInt32) {
        let name = Array(text.utf8).withBytes { unsafe cbytescan_find_name($0.base, $0.count, comma ? 1 : 0) }
        #expect(name.end == end)
        guard end > 0 else { return }
        #expect(name.start == start)
        #expect(name.count == count)
    }

    @Test func `marks what is no simple part of a form`() {
        var random = SplitMix64(seed: 11)
        for count in 0...150 {
            let text = (0..<count).map { _ in
                random.next(below: 8) == 0 ? UInt8(truncatingIfNeeded: random.next()) : UInt8(0x61)
            }
            let signs: [UInt8] = [0x22, 0x25, 0x26, 0x2B, 0x3D, 0x5C]
            var marked: Set<Int> = []
            for (place, byte) in text.enumerated() {
                if byte < 0x20 || byte >= 0x80 || signs.contains(byte) { marked.insert(place) }
            }
            var found: Set<Int> = []
            for block in stride(from: 0, to: count, by: 64) {
                let marks = text.withBytes { unsafe cbytescan_form($0.base, $0.count, block) }
                for bit in 0..<64 where marks >> UInt64(bit) & 1 == 1 { found.insert(block + bit) }
            }
            #expect(found == marked, "\(text)")
        }
    }

    @Test func `decodes forms as one would by hand`() {
        var random = SplitMix64(seed: 12)
        let alphabet = Array("aZ09%%%%++&=\"\\\u{1}é2fFgG".utf8)
        for round in 0..<20_000 {
            let text = (0..<random.next(below: round % 100 == 0 ? 200 : 12)).map { _ in
                alphabet[random.next(below: alphabet.count)]
            }
            for isLenient in [false, true] {
                var buffer = ByteBuffer(capacity: 16)
                buffer.append("x")
                let form = text.withBytes { QueryFields.decodeText($0, into: &buffer, lenient: isLenient) }
                let expected = ByteScanTests.decode(text, isLenient)
                guard let expected, String(validating: expected, as: UTF8.self) != nil else {
                    #expect(form == nil, "\(text)")
                    continue
                }
                #expect(buffer.bytes.array == [0x78] + expected, "\(text)")
                let isVerbatim = expected.allSatisfy { $0 >= 0x20 && $0 < 0x80 && $0 != 0x22 && $0 != 0x5C }
                #expect(form == (isVerbatim ? .verbatim : .plain), "\(text)")
            }
        }
    }

    private static func decode(_ text: [UInt8], _ isLenient: Bool) -> [UInt8]? {
        var out: [UInt8] = []
        var here = 0
        while here < text.count {
            if text[here] == 0x25 {
                let digits = text[(here + 1)...].prefix(2)
                if digits.count == 2, digits.allSatisfy({ hexValue($0) < 16 }) {
                    out.append(hexValue(digits[here + 1]) << 4 | hexValue(digits[here + 2]))
                    here += 3
                    continue
                }
                guard isLenient else { return nil }
            }
            out.append(text[here] == 0x2B && !isLenient ? 0x20 : text[here])
            here += 1
        }
        return out
    }

    @Test(
        arguments: [
            ("0", 0, 0), ("12", 12, 0), ("12.50", 1250, 2), ("0.05", 5, 2),
            ("123456789012345678", 123_456_789_012_345_678, 0),
            ("12345678.901234567", 12_345_678_901_234_567, 9), ("0.0", 0, 1),
        ] as [(String, UInt64, UInt32)])
    func `reads whole numbers`(_ text: String, _ digits: UInt64, _ decimals: UInt32) {
        let number = Array(text.utf8).withBytes { $0.wholeNumber }
        #expect(number?.digits == digits)
        #expect(number?.decimals == decimals)
    }

    @Test(arguments: ["", "-1", "+1", "01", "1.", ".5", "1e5", "1.2.3", "1 ", " 1", "x", "1234567890123456789", "1,5"])
    func `leaves other numbers to others`(_ text: String) {
        #expect(Array(text.utf8).withBytes { $0.wholeNumber == nil })
    }

    @Test func `knows hashes in lower case`() {
        let hash = Array("2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae".utf8)
        #expect(hash.withBytes { $0.isLowercaseHash })
        #expect(!hash.dropLast().map(\.self).withBytes { $0.isLowercaseHash })
        #expect(!(hash + [0x30]).withBytes { $0.isLowercaseHash })
        for place in 0..<64 {
            for byte in UInt8.min...UInt8.max {
                var other = hash
                other[place] = byte
                let isDigit = byte >= 0x30 && byte <= 0x39 || byte >= 0x61 && byte <= 0x66
                #expect(other.withBytes { $0.isLowercaseHash } == isDigit)
            }
        }
    }

    @Test func `writes hexadecimal digits`() {
        var random = SplitMix64(seed: 13)
        for _ in 0..<1000 {
            let value = UInt32(truncatingIfNeeded: random.next())
            var digits = [UInt8](repeating: 0, count: 8)
            unsafe digits.withUnsafeMutableBufferPointer { unsafe cbytescan_hex($0.baseAddress!, value) }
            let expected = String(value, radix: 16)
            #expect(digits == Array((String(repeating: "0", count: 8 - expected.count) + expected).utf8))
        }
    }
}
