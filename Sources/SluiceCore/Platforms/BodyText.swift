extension Bytes {
    /// White space between the tokens of JSON (RFC 8259, section 2).
    static func isJSONSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09
    }

    /// How many Unicode code points the text has. It must be UTF-8.
    var codePointCount: Int {
        var count = 0
        // Every byte but those that continue a character begins one.
        for index in 0..<self.count where self[index] & 0xC0 != 0x80 { count += 1 }
        return count
    }

    /// Whether there is nothing but white space.
    var isBlank: Bool {
        for index in 0..<count where !Bytes.isJSONSpace(self[index]) { return false }
        return true
    }
}
