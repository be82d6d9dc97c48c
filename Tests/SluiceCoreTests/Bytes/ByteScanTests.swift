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
}
