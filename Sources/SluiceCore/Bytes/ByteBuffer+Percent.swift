extension ByteBuffer {
    /// Appends text so that it is one value in a URL or a form, whatever it holds: all bytes but the
    /// unreserved characters of RFC 3986, section 2.3, become `%XX`.
    package mutating func appendPercentEncoded(_ text: Bytes) {
        reserve(text.count)
        for index in 0..<text.count {
            let byte = text[index]
            if ByteBuffer.isUnreserved(byte) {
                append(byte)
            } else {
                append(0x25)
                append(ByteBuffer.upperHexDigit(byte >> 4))
                append(ByteBuffer.upperHexDigit(byte & 15))
            }
        }
    }

    /// Letters, digits, `-`, `.`, `_` and `~`.
    package static func isUnreserved(_ byte: UInt8) -> Bool {
        byte &- 0x30 < 10 || (byte | 0x20) &- 0x61 < 26 || byte == 0x2D || byte == 0x2E || byte == 0x5F
            || byte == 0x7E
    }

    /// RFC 3986, section 2.1: "uppercase hexadecimal digits" should be used.
    private static func upperHexDigit(_ value: UInt8) -> UInt8 { value < 10 ? value &+ 0x30 : value &+ 0x37 }
}
