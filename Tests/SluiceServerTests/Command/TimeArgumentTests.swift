import SluiceServer
import Testing

@Suite struct TimeArgumentTests {
    /// 2026-11-21T18:30:00Z.
    private static let now: Int64 = 1_795_285_800_000

    @Test(
        arguments: [
            ("now", 0), ("-2h", -7_200_000), ("-90m", -5_400_000), ("-1d12h", -129_600_000), ("-0", 0),
            ("-250ms", -250), ("2026-11-21T18:30:00Z", 0), ("2026-11-21T20:30:00+02:00", 0),
            ("2026-11-21t18:29:59.750z", -250), ("2026-11-21", -66_600_000),
        ])
    func reads(_ text: String, _ beforeNow: Int64) throws {
        let time = try TimeArgument(text)
        #expect(time.milliseconds(now: Self.now) == Self.now + beforeNow)
        #expect(time.description == text)
    }

    @Test func agesMoveWithTheClockAndMomentsDoNot() throws {
        #expect(try TimeArgument("-1h").milliseconds(now: 5_000_000) == 1_400_000)
        let moment = try TimeArgument("1970-01-01T00:00:01Z")
        #expect(moment.milliseconds(now: 5_000_000) == 1000)
        #expect(moment.milliseconds(now: 6_000_000) == 1000)
    }

    @Test(
        arguments: [
            ("", "is not a time"), ("yesterday", "as in -2h"), ("2h", "write -2h for so long ago"),
            ("-2x", "is not an age"), ("-", "is not an age"), ("- 2h", "is not an age"), ("-2h-3m", "is not an age"),
            ("-99999999999999999999d", "is not an age"), ("2026-11-21T18:30:00", "write 2026-11-21T18:30:00Z"),
            ("2026-11-21T18:30", "has no offset"), ("2026-02-30", "is not a time"),
            ("2026-13-01T00:00:00Z", "is not a time"), ("20261121", "is not a time"), ("1795285800", "is not a time"),
            ("NOW", "is not a time"), ("+2h", "is not a time"), ("0", "is not a time"),
        ])
    func refusesWithAHint(_ text: String, _ hint: String) {
        #expect { try TimeArgument(text) } throws: { error in
            (error as? FormError)?.message.contains(hint) == true
        }
    }
}
