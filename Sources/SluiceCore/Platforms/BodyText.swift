extension Bytes {
    /// White space between the tokens of JSON (RFC 8259, section 2).
    static func isJSONSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09
    }

    /// Whether there is nothing but white space.
    var isBlank: Bool {
        for index in 0..<count where !Bytes.isJSONSpace(self[index]) { return false }
        return true
    }
}
