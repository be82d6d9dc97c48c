/// A string of a JSON text: where its content lies, between the quotation marks, still escaped.
///
/// The reader has validated it: well-formed UTF-8, known escapes, whole surrogate pairs, no
/// control characters. So the raw bytes can be copied between quotation marks of another JSON
/// text as they are.
package struct JSONText: Equatable, Sendable {
    /// Bytes from the start of the reader's input.
    package let start: Int32
    /// Bytes, escapes included.
    package let count: Int32
    package let hasEscapes: Bool

    @inline(__always)
    package init(start: Int, count: Int, hasEscapes: Bool) {
        self.start = Int32(truncatingIfNeeded: start)
        self.count = Int32(truncatingIfNeeded: count)
        self.hasEscapes = hasEscapes
    }

    package var isEmpty: Bool { count == 0 }

    /// The content as it was written; `input` is what the reader read.
    @inline(__always)
    package func raw(in input: Bytes) -> Bytes { input[Int(start)..<Int(start) + Int(count)] }

    /// Appends the content with escapes resolved, as UTF-8. It may hold any character, NUL too.
    package func decode(in input: Bytes, into buffer: inout ByteBuffer) {
        let raw = raw(in: input)
        guard hasEscapes else {
            buffer.append(raw)
            return
        }
        var here = 0
        while let escape = raw.firstIndex(of: 0x5C, from: here) {
            buffer.append(raw[here..<escape])
            let (character, length) = JSONText.unescape(raw, at: escape)
            character.append(to: &buffer)
            here = escape + length
        }
        buffer.append(raw[here..<raw.count])
    }

    /// Whether the content, with escapes resolved, is `text`.
    package func equals(_ text: Bytes, in input: Bytes) -> Bool {
        let raw = raw(in: input)
        guard hasEscapes else { return raw.equals(text) }
        var here = 0
        var there = 0
        while here < raw.count {
            guard there < text.count else { return false }
            if raw[here] != 0x5C {
                guard raw[here] == text[there] else { return false }
                here += 1
                there += 1
                continue
            }
            let (character, length) = JSONText.unescape(raw, at: here)
            here += length
            guard text.count - there >= character.count else { return false }
            for index in 0..<character.count {
                guard character[index] == text[there + index] else { return false }
            }
            there += character.count
        }
        return there == text.count
    }

    /// Whether the content, with escapes resolved, is `literal`.
    @inline(__always)
    package func equals(_ literal: StaticString, in input: Bytes) -> Bool {
        equals(Bytes(literal), in: input)
    }

    /// Reads the escape sequence at `index` of a validated string.
    private static func unescape(_ raw: Bytes, at index: Int) -> (UTF8Character, length: Int) {
        switch raw[index + 1] {
        case 0x62: return (UTF8Character(0x08), 2)
        case 0x66: return (UTF8Character(0x0C), 2)
        case 0x6E: return (UTF8Character(0x0A), 2)
        case 0x72: return (UTF8Character(0x0D), 2)
        case 0x74: return (UTF8Character(0x09), 2)
        case 0x75:
            let unit = fourHexDigits(raw, at: index + 2)
            guard unit & 0xFC00 == 0xD800 else { return (UTF8Character(unit), 6) }
            // The reader has seen to it that the other half follows.
            let low = fourHexDigits(raw, at: index + 8)
            return (UTF8Character(0x10000 + (unit & 0x3FF) << 10 + low & 0x3FF), 12)
        case let byte: return (UTF8Character(UInt32(byte)), 2)
        }
    }

    /// Four hexadecimal digits as a number; -1 in no case, the reader has checked them.
    private static func fourHexDigits(_ raw: Bytes, at index: Int) -> UInt32 {
        var value: UInt32 = 0
        for place in index..<index + 4 { value = value << 4 | UInt32(hexValue(raw[place]) & 15) }
        return value
    }
}

/// The value of a hexadecimal digit in either case; 255 for any other byte.
@inline(__always)
func hexValue(_ byte: UInt8) -> UInt8 {
    let digit = byte &- 0x30
    if digit < 10 { return digit }
    let letter = (byte | 0x20) &- 0x61
    return letter < 6 ? letter + 10 : 255
}

/// One character's UTF-8, at most four bytes, first byte lowest.
private struct UTF8Character {
    let packed: UInt32
    let count: Int

    /// - Parameter scalar: a Unicode scalar value.
    init(_ scalar: UInt32) {
        switch scalar {
        case ..<0x80:
            packed = scalar
            count = 1
        case ..<0x800:
            packed = 0x80C0 | scalar >> 6 | (scalar & 0x3F) << 8
            count = 2
        case ..<0x10000:
            packed = 0x8080E0 | scalar >> 12 | (scalar >> 6 & 0x3F) << 8 | (scalar & 0x3F) << 16
            count = 3
        default:
            packed =
                0x8080_80F0 | scalar >> 18 | (scalar >> 12 & 0x3F) << 8
                | (scalar >> 6 & 0x3F) << 16 | (scalar & 0x3F) << 24
            count = 4
        }
    }

    subscript(index: Int) -> UInt8 { UInt8(truncatingIfNeeded: packed >> UInt32(index * 8)) }

    func append(to buffer: inout ByteBuffer) {
        for index in 0..<count { buffer.append(self[index]) }
    }
}
