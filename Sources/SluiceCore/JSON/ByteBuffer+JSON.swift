import CByteScan

extension ByteBuffer {
    /// Appends plain text as the content of a JSON string, without quotation marks.
    ///
    /// What is not well-formed UTF-8 becomes U+FFFD, one for each wrong byte, so that the result
    /// is valid JSON whatever the text was. The result holds no line feed.
    package mutating func appendJSONEscaped(_ text: Bytes) {
        var written = 0
        var here = 0
        while true {
            // Safety: here <= count, so both scans cover exactly the rest of the text.
            here += unsafe cbytescan_plain(text.base + here, text.count - here)
            guard here < text.count else { break }
            let byte = text[here]
            if byte >= 0x80 {
                let wellFormed = unsafe cbytescan_utf8(text.base + here, text.count - here)
                here += wellFormed
                if wellFormed > 0 { continue }
            }
            append(text[written..<here])
            appendEscape(byte)
            here += 1
            written = here
        }
        append(text[written..<text.count])
    }

    /// Appends a sender's own words as part of a message, as the content of a JSON string: their first
    /// `CoreLimits.echoBytesMax` bytes, so that an answer does not grow with what was sent.
    package mutating func appendEcho(_ text: Bytes) {
        guard text.count > CoreLimits.echoBytesMax else { return appendJSONEscaped(text) }
        var end = CoreLimits.echoBytesMax
        // Not within a character.
        while end > 0, text[end] & 0xC0 == 0x80 { end -= 1 }
        appendJSONEscaped(text[0..<end])
        append("…")
    }

    /// Appends plain text as a JSON string, quotation marks included.
    package mutating func appendJSONString(_ text: Bytes) {
        append(0x22)
        appendJSONEscaped(text)
        append(0x22)
    }

    /// Appends a string of a JSON text as it was written, quotation marks included.
    package mutating func appendJSONString(_ text: JSONText, in input: Bytes) {
        append(0x22)
        append(text.raw(in: input))
        append(0x22)
    }

    private mutating func appendEscape(_ byte: UInt8) {
        switch byte {
        case 0x22: append("\\\"")
        case 0x5C: append("\\\\")
        case 0x08: append("\\b")
        case 0x09: append("\\t")
        case 0x0A: append("\\n")
        case 0x0C: append("\\f")
        case 0x0D: append("\\r")
        case 0x80...: append("\u{FFFD}")
        default:
            append("\\u00")
            append(ByteBuffer.hexDigit(byte >> 4))
            append(ByteBuffer.hexDigit(byte & 15))
        }
    }

    /// The lower-case hexadecimal digit for 0 to 15.
    @inline(__always)
    static func hexDigit(_ value: UInt8) -> UInt8 { value < 10 ? value &+ 0x30 : value &+ 0x57 }

    /// Appends a validated JSON value without the white space between its tokens, so that it fits
    /// on a line.
    ///
    /// - Parameter value: what `JSONReader.skipValue` has passed over.
    package mutating func appendJSONCompact(_ value: Bytes) {
        reserve(value.count)
        var isInString = false
        var isEscaped = false
        for index in 0..<value.count {
            let byte = value[index]
            if isInString {
                if isEscaped {
                    isEscaped = false
                } else if byte == 0x5C {
                    isEscaped = true
                } else if byte == 0x22 {
                    isInString = false
                }
            } else if byte == 0x22 {
                isInString = true
            } else if byte <= 0x20 {
                continue
            }
            append(byte)
        }
    }
}

extension Bytes {
    /// Whether the bytes are well-formed UTF-8.
    package var isUTF8: Bool {
        var here = 0
        while here < count {
            if self[here] < 0x80 {
                here += 1
                continue
            }
            // Safety: covers exactly the rest of the view.
            here += unsafe cbytescan_utf8(base + here, count - here)
            if here < count, self[here] >= 0x80 { return false }
        }
        return true
    }
}
