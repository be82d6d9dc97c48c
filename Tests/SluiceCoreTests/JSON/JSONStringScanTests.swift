import SluiceCore
import Testing

/// The vector scan of strings at every alignment, and UTF-8 at its boundaries. All inputs end at
/// a page that cannot be read.
@Suite struct JSONStringScanTests {
    @Test func everySpecialByteAtEveryPlace() {
        for length in 0...80 {
            let plain = [UInt8](repeating: 0x61, count: length)
            #expect(
                JSONProbe.skip([0x22] + plain + [0x22]) == .value("\"" + String(repeating: "a", count: length) + "\""))
            #expect(JSONProbe.skip([0x22] + plain) == .error(.unexpectedEnd, length + 1))
            for place in 0..<length {
                for special: UInt8 in [0x00, 0x01, 0x0A, 0x1F, 0x80, 0xBF, 0xC0, 0xFF] {
                    var text = [0x22] + plain + [0x22]
                    text[place + 1] = special
                    let code: JSONError.Code = special < 0x20 ? .controlCharacter : .invalidUTF8
                    #expect(JSONProbe.skip(text) == .error(code, place + 1))
                }
                var quoted = [0x22] + plain + [0x22]
                quoted[place + 1] = 0x22
                #expect(JSONProbe.skip(quoted) == .error(.trailingContent, place + 2))
                var escaped = [0x22] + plain + [0x22]
                escaped[place + 1] = 0x5C
                // `\a` is no escape; in front of the closing mark it escapes that.
                let ending: JSONProbe.Ending =
                    place == length - 1 ? .error(.unexpectedEnd, length + 2) : .error(.invalidEscape, place + 1)
                #expect(JSONProbe.skip(escaped) == ending)
            }
        }
    }

    @Test func everyPlainByteIsTaken() {
        for byte in UInt8(0x20)...0x7F where byte != 0x22 && byte != 0x5C {
            for length in [1, 15, 16, 17, 33] {
                let text = [0x22] + [UInt8](repeating: byte, count: length) + [0x22]
                #expect(JSONProbe.skip(text) == .value(String(decoding: text, as: UTF8.self)))
            }
        }
    }

    @Test func multibyteCharactersAtEveryPlace() {
        for length in 0...40 {
            for character in ["é", "€", "😀", "\u{80}", "\u{7FF}", "\u{800}", "\u{FFFF}", "\u{10000}", "\u{10FFFF}"] {
                let text = "\"" + String(repeating: "a", count: length) + character + "z\""
                #expect(JSONProbe.skip(text) == .value(text))
                // Cut off behind each of its bytes.
                for cut in 1...character.utf8.count {
                    let prefix = Array(text.utf8.prefix(length + 1 + cut))
                    let whole = cut == character.utf8.count
                    #expect(
                        JSONProbe.skip(prefix)
                            == .error(whole ? .unexpectedEnd : .invalidUTF8, whole ? prefix.count : length + 1))
                }
            }
        }
    }

    /// Every sequence of one and two bytes, and every three and four bytes built from bytes at the
    /// edges of the ranges, judged as Swift's own decoder does.
    @Test func agreesWithTheStandardLibraryOnUTF8() {
        let edges: [UInt8] = [
            0x20, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE,
            0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF,
        ]
        let scratch = JSONScratch()
        var accepted = 0
        func check(_ sequence: [UInt8]) {
            guard !sequence.contains(where: { $0 < 0x20 || $0 == 0x22 || $0 == 0x5C }) else { return }
            let isValid = String(validating: sequence, as: UTF8.self) != nil
            let text = [0x22] + sequence + [0x22]
            var taken = false
            text.withBytes { bytes in
                var reader = JSONReader(bytes, scratch: scratch)
                taken = (try? reader.string()) != nil
            }
            if taken { accepted += 1 }
            if taken != isValid { Issue.record("\(sequence) taken: \(taken)") }
            let isUTF8 = sequence.withBytes { $0.isUTF8 }
            if isUTF8 != isValid { Issue.record("\(sequence) is UTF-8: \(isUTF8)") }
        }
        for first in UInt8.min...UInt8.max {
            check([first])
            for second in UInt8.min...UInt8.max { check([first, second]) }
        }
        for first in edges {
            for second in edges {
                for third in edges {
                    check([first, second, third])
                    for fourth in edges { check([first, second, third, fourth]) }
                }
            }
        }
        #expect(accepted > 10_000)
    }

    @Test func everyScalarIsTaken() {
        let scratch = JSONScratch()
        for value in UInt32(0x20)...0x10FFFF {
            guard let scalar = Unicode.Scalar(value), value != 0x22, value != 0x5C else { continue }
            let text = [0x22] + Array(String(scalar).utf8) + [0x22]
            let taken = text.withBytes { bytes in
                var reader = JSONReader(bytes, scratch: scratch)
                return (try? reader.string())?.count
            }
            if taken != Int32(text.count - 2) { Issue.record("U+\(String(value, radix: 16)) refused") }
        }
    }
}
