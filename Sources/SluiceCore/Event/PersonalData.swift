import Foundation

/// Plaintext that names a person. It is brought into one form and hashed before anything is kept.
///
/// The forms are those VTEX Ads documents, which the other platforms' matching agrees with: email
/// trimmed and in lower case; phone in E.164; tax id as its digits; names trimmed, without double
/// spaces, case kept.
package enum PersonalData: UInt8, Sendable {
    case email, phone, taxID, name

    var words: StaticString {
        switch self {
        case .email: "an email address, or its SHA-256 as 64 hexadecimal digits"
        case .phone: "a phone number as +15551234567, or its SHA-256 as 64 hexadecimal digits"
        case .taxID: "a tax id with at least one digit, or its SHA-256 as 64 hexadecimal digits"
        case .name: "a name, or its SHA-256 as 64 hexadecimal digits"
        }
    }

    /// Whether the text is a SHA-256 in hexadecimal digits already.
    static func isHash(_ text: Bytes) -> Bool {
        guard text.count == 64 else { return false }
        for index in 0..<64 where hexValue(text[index]) > 15 { return false }
        return true
    }

    /// Whether the text is a SHA-1 in hexadecimal digits, as impact.com takes it.
    static func isSHA1(_ text: Bytes) -> Bool {
        guard text.count == 40 else { return false }
        for index in 0..<40 where hexValue(text[index]) > 15 { return false }
        return true
    }

    /// Appends the form that is hashed. False when the text cannot be brought into it.
    func normalize(_ text: Bytes, into out: inout ByteBuffer) -> Bool {
        switch self {
        case .email: PersonalData.normalizeEmail(text, into: &out)
        case .phone: PersonalData.normalizePhone(text, into: &out)
        case .taxID: PersonalData.normalizeTaxID(text, into: &out)
        case .name: PersonalData.normalizeName(text, into: &out)
        }
    }

    private static func normalizeEmail(_ text: Bytes, into out: inout ByteBuffer) -> Bool {
        let start = out.count
        var isASCII = true
        for index in 0..<text.count where text[index] >= 0x80 { isASCII = false }
        if isASCII {
            let trimmed = trim(text)
            for index in 0..<trimmed.count { out.append(Bytes.lowercased(trimmed[index])) }
        } else {
            // Rare enough to allocate: only Unicode's tables know the other lower cases.
            out.append(text.string.trimmingCharacters(in: .whitespacesAndNewlines).lowercased())
        }
        let email = out.bytes[start..<out.count]
        guard let at = email.firstIndex(of: 0x40), at > 0, at < email.count - 1 else { return false }
        for index in 0..<email.count where email[index] <= 0x20 { return false }
        return true
    }

    /// E.164: `+` and 8 to 15 digits, of which the first is not 0.
    private static func normalizePhone(_ text: Bytes, into out: inout ByteBuffer) -> Bool {
        let trimmed = trim(text)
        guard trimmed.count > 1, trimmed[0] == 0x2B else { return false }
        let start = out.count
        out.append(0x2B)
        for index in 1..<trimmed.count {
            switch trimmed[index] {
            case 0x30...0x39: out.append(trimmed[index])
            case 0x20, 0x28, 0x29, 0x2D, 0x2E: continue  // space ( ) - . are only written for people
            default: return false
            }
        }
        let digits = out.count - start - 1
        return digits >= 8 && digits <= 15 && out.bytes[start + 1] != 0x30
    }

    private static func normalizeTaxID(_ text: Bytes, into out: inout ByteBuffer) -> Bool {
        let start = out.count
        for index in 0..<text.count where text[index] &- 0x30 < 10 { out.append(text[index]) }
        return out.count > start
    }

    private static func normalizeName(_ text: Bytes, into out: inout ByteBuffer) -> Bool {
        let trimmed = trim(text)
        var afterSpace = false
        for index in 0..<trimmed.count {
            let isSpace = trimmed[index] == 0x20
            if !(isSpace && afterSpace) { out.append(trimmed[index]) }
            afterSpace = isSpace
        }
        return !trimmed.isEmpty
    }

    /// Without white space of ASCII at both ends.
    private static func trim(_ text: Bytes) -> Bytes {
        var lower = 0
        var upper = text.count
        while lower < upper, isSpace(text[lower]) { lower += 1 }
        while upper > lower, isSpace(text[upper - 1]) { upper -= 1 }
        return text[lower..<upper]
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (byte >= 0x09 && byte <= 0x0D) }
}
