import SluiceCore

/// An escape that is not `%` and two hexadecimal digits.
package struct PercentEncodingError: Error, Equatable {
    package static let label: StaticString = "percent_encoding"
    /// Where the `%` stands in the text given.
    package let offset: Int

    package init(offset: Int) { self.offset = offset }
}

/// Percent-encoding, RFC 3986, 2.1, and its form variant, in which `+` is a space.
package enum PercentEncoding {
    /// Appends the decoded text to `buffer`. After an error the buffer is as it was.
    ///
    /// The result may be any bytes: whoever needs UTF-8 or text without control characters checks it.
    package static func decode(
        _ text: Bytes, plusIsSpace: Bool, into buffer: inout ByteBuffer
    ) throws(PercentEncodingError) {
        let start = buffer.count
        buffer.reserve(text.count)
        var index = 0
        while index < text.count {
            let byte = text[index]
            if byte == 0x25 {
                guard let decoded = escaped(text, at: index) else {
                    buffer.truncate(to: start)
                    throw PercentEncodingError(offset: index)
                }
                buffer.append(decoded)
                index += 3
            } else {
                buffer.append(plusIsSpace && byte == 0x2B ? 0x20 : byte)
                index += 1
            }
        }
    }

    /// Whether decoding `text` would change it.
    package static func isEncoded(_ text: Bytes, plusIsSpace: Bool) -> Bool {
        for index in 0..<text.count where text[index] == 0x25 || (plusIsSpace && text[index] == 0x2B) {
            return true
        }
        return false
    }

    /// Whether the decoded text is exactly `literal`. False for a text with a wrong escape.
    package static func decodes(_ text: Bytes, to literal: StaticString, plusIsSpace: Bool) -> Bool {
        let expected = Bytes(literal)
        var index = 0
        var place = 0
        while index < text.count {
            guard place < expected.count else { return false }
            var byte = text[index]
            if byte == 0x25 {
                guard let decoded = escaped(text, at: index) else { return false }
                byte = decoded
                index += 3
            } else {
                if plusIsSpace && byte == 0x2B { byte = 0x20 }
                index += 1
            }
            guard byte == expected[place] else { return false }
            place += 1
        }
        return place == expected.count
    }

    /// The byte that the escape at `index` stands for, or nil.
    private static func escaped(_ text: Bytes, at index: Int) -> UInt8? {
        guard text.count - index >= 3, let high = digit(text[index + 1]), let low = digit(text[index + 2]) else {
            return nil
        }
        return high << 4 | low
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        if byte &- 0x30 < 10 { return byte &- 0x30 }
        let letter = (byte | 0x20) &- 0x61
        return letter < 6 ? letter + 10 : nil
    }
}
