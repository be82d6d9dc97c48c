import Testing

@testable import SluiceCore

@Suite struct PersonalDataTests {
    private func normalized(_ data: PersonalData, _ text: String) -> String? {
        var out = ByteBuffer(capacity: 64)
        let done = Array(text.utf8).withBytes { data.normalize($0, into: &out) }
        return done ? out.bytes.string : nil
    }

    @Test(
        arguments: [
            (" Jane.Doe@Example.COM\t", "jane.doe@example.com"), ("a@b", "a@b"),
            ("ÄÖ@Ü.example", "äö@ü.example"),
            ("no at sign", nil), ("@b", nil), ("a@", nil), ("a b@c", nil), ("", nil),
        ] as [(String, String?)])
    func email(_ text: String, _ expected: String?) { #expect(normalized(.email, text) == expected) }

    @Test(
        arguments: [
            ("+1 (555) 123-4567", "+15551234567"), ("+55.11.91234-5678", "+5511912345678"),
            ("5551234567", nil),
            ("+1555x1234567", nil), ("+1234567", nil), ("+1234567890123456", nil), ("+0123456789", nil),
            ("+", nil),
        ] as [(String, String?)])
    func phone(_ text: String, _ expected: String?) { #expect(normalized(.phone, text) == expected) }

    @Test(arguments: [("123.456.789-09", "12345678909"), ("-", nil)] as [(String, String?)])
    func taxID(_ text: String, _ expected: String?) { #expect(normalized(.taxID, text) == expected) }

    @Test(
        arguments: [("  Ana   María ", "Ana María"), ("O'Neil", "O'Neil"), ("   ", nil)]
            as [(String, String?)])
    func name(_ text: String, _ expected: String?) { #expect(normalized(.name, text) == expected) }
}

@Suite struct ClientAddressTests {
    @Test(
        arguments: [
            ("203.0.113.77", "203.0.113.0"), ("::ffff:203.0.113.77", "203.0.113.0"), ("0.0.0.1", "0.0.0.0"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1::"), ("2001:DB8::1", "2001:db8::"), ("::1", "::"),
            ("2001:0:1::", "2001:0:1::"), ("0:0:a::", "0:0:a::"), ("fe80::1%eth0", nil), ("1.2.3", nil),
            ("x", nil),
            ("1.2.3.4 ", nil), ("256.1.1.1", nil), ("1.2.3.4\u{0}", nil), ("", nil),
            (String(repeating: "1", count: 100), nil),
        ] as [(String, String?)])
    func truncated(_ text: String, _ expected: String?) {
        let result: String? = Array(text.utf8).withBytes { bytes in
            guard let address = ClientAddress(bytes) else { return nil }
            var out = ByteBuffer(capacity: 16)
            address.appendTruncated(into: &out)
            return out.bytes.string
        }
        #expect(result == expected)
    }
}
