import SluiceCore

/// User and password of `Authorization: Basic …`, RFC 7617.
struct BasicCredential {
    let user: Bytes
    let password: Bytes

    /// - Parameter scratch: holds the decoded credential for as long as it is used.
    /// - Returns: nil when the value is none: another scheme, no base64, or no colon.
    init?(_ authorization: Bytes, scratch: inout ByteBuffer) {
        let value = authorization.trimmed
        guard value.count > 6, value[0..<6].equalsIgnoringCase("basic ") else { return nil }
        scratch.removeAll()
        guard BasicCredential.decode(value[6..<value.count].trimmed, into: &scratch) else { return nil }
        let text = scratch.bytes
        guard let colon = text.firstIndex(of: UInt8(ascii: ":")) else { return nil }
        user = text[0..<colon]
        password = text[colon + 1..<text.count]
    }

    /// Appends what base64 text stands for (RFC 4648 section 4, padding optional). False when it is none.
    static func decode(_ text: Bytes, into out: inout ByteBuffer) -> Bool {
        var end = text.count
        while end > 0, text.count - end < 2, text[end - 1] == UInt8(ascii: "=") { end -= 1 }
        guard end % 4 != 1, end == text.count || text.count % 4 == 0 else { return false }
        var bits: UInt32 = 0
        var held = 0
        for index in 0..<end {
            let value = sextet(text[index])
            guard value < 64 else { return false }
            bits = bits << 6 | UInt32(value)
            held += 6
            if held >= 8 {
                held -= 8
                out.append(UInt8(truncatingIfNeeded: bits >> UInt32(held)))
            }
        }
        // What is left over must be nothing, so that each credential has one spelling.
        return bits & (1 << UInt32(held) - 1) == 0
    }

    private static func sextet(_ byte: UInt8) -> UInt8 {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte - UInt8(ascii: "A")
        case UInt8(ascii: "a")...UInt8(ascii: "z"): byte - UInt8(ascii: "a") + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0") + 52
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: 255
        }
    }
}
