import SluiceServer
import Testing

@Suite struct QuantitiesTests {
    @Test(arguments: [
        ("0", 0), ("12", 12), ("12B", 12), ("64KB", 64_000), ("64KiB", 65_536), ("1 MiB", 1 << 20),
        ("2MB", 2_000_000),
        ("1GiB", 1 << 30), ("3GB", 3_000_000_000), ("1TiB", 1 << 40), ("1TB", 1_000_000_000_000),
    ])
    func sizesAreRead(text: String, bytes: Int) throws {
        #expect(try ByteSize.parse(text) == bytes)
    }

    @Test(arguments: [
        "", "MiB", "-1", "1.5MiB", "1mib", "1 M", "1MiB ", "99999999999999999999", "9999999999GiB", "٣",
    ])
    func otherSizesAreRefused(text: String) {
        #expect(throws: FormError.self) { try ByteSize.parse(text) }
    }

    @Test(arguments: [0, 1, 1000, 1024, 1500, 65_536, 1 << 20, 3 << 30, 1_000_000, 1 << 40])
    func sizesComeBackAsTheyWere(bytes: Int) throws {
        #expect(try ByteSize.parse(ByteSize.text(bytes)) == bytes)
    }

    @Test(arguments: [
        ("0", 0), ("250ms", 250), ("10s", 10_000), ("5m", 300_000), ("1h", 3_600_000), ("7d", 604_800_000),
        ("1h30m", 5_400_000), ("1d2h3m4s5ms", 93_784_005),
    ])
    func durationsAreRead(text: String, milliseconds: Int) throws {
        #expect(try Duration.parseMilliseconds(text) == milliseconds)
        if milliseconds > 0 { #expect(Duration.text(milliseconds: milliseconds) == text) }
    }

    @Test(arguments: [
        "", "10", "s", "1.5s", "-1s", "1s1m", "1m1m", "1 s", "1w", "99999999999999999999s",
        "9999999999999999d",
    ])
    func otherDurationsAreRefused(text: String) {
        #expect(throws: FormError.self) { try Duration.parseMilliseconds(text) }
    }

    @Test func ratesAreRead() throws {
        #expect(try Form.rate.parse("1000/h") == Rate(requests: 1000, period: .hour))
        #expect(try Form.rate.parse("30/m").perSecond == 0.5)
        #expect(try Form.rate.parse("5/s").description == "5/s")
        for text in ["", "5", "0/s", "5/w", "5/s/s", "-5/s", "5.5/s", "/s"] {
            #expect(throws: FormError.self) { try Form.rate.parse(text) }
        }
    }

    @Test func roundedSizesAreForPeople() {
        #expect(ByteSize.rounded(12) == "12 B")
        #expect(ByteSize.rounded(1536) == "1.5 KiB")
        #expect(ByteSize.rounded(5 << 30) == "5.0 GiB")
    }
}
