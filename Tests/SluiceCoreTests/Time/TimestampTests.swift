import Testing

@testable import SluiceCore

@Suite struct TimestampTests {
    private func parse(_ text: String) -> Int64? { Array(text.utf8).withBytes { Timestamp.parse($0) } }

    private func format(_ milliseconds: Int64) -> String {
        var buffer = ByteBuffer(capacity: 24)
        buffer.appendTimestamp(milliseconds)
        return buffer.bytes.string
    }

    @Test(arguments: [
        ("1970-01-01T00:00:00Z", 0), ("1970-01-01T00:00:00.001Z", 1), ("1969-12-31T23:59:59.999Z", -1),
        ("2026-01-02T03:04:05.678Z", 1_767_323_045_678), ("2026-01-02t03:04:05z", 1_767_323_045_000),
        ("2026-01-02T05:04:05.678+02:00", 1_767_323_045_678), ("2026-01-01T21:34:05-05:30", 1_767_323_045_000),
        ("2026-01-02T03:04:05-00:00", 1_767_323_045_000), ("2026-01-02T03:04:05.6Z", 1_767_323_045_600),
        ("2026-01-02T03:04:05.67Z", 1_767_323_045_670),
        ("2026-01-02T03:04:05.6789999999999999999999Z", 1_767_323_045_678),
        ("2000-02-29T12:00:00Z", 951_825_600_000), ("2024-02-29T23:59:59.9999+00:00", 1_709_251_199_999),
        ("0000-01-01T00:00:00Z", -62_167_219_200_000), ("9999-12-31T23:59:59.999Z", 253_402_300_799_999),
        ("0001-01-01T00:00:00Z", -62_135_596_800_000), ("2026-01-02T00:00:00+23:59", 1_767_225_660_000),
        // Leap seconds, the last written where local time is two hours ahead.
        ("2016-12-31T23:59:60Z", 1_483_228_799_999), ("2015-06-30T23:59:60.5Z", 1_435_708_799_999),
        ("2017-01-01T01:59:60+02:00", 1_483_228_799_999), ("1969-12-31T23:59:60Z", -1),
    ])
    func reads(_ text: String, _ milliseconds: Int64) {
        #expect(parse(text) == milliseconds)
    }

    @Test(arguments: [
        "", "2026", "2026-01-02", "2026-01-02T03:04:05", "2026-01-02T03:04:05.678", "2026-01-02 03:04:05Z",
        "2026-01-02T03:04Z", "2026-1-02T03:04:05Z", "26-01-02T03:04:05Z", "20260102T030405Z000000",
        "2026-01-02T03:04:05.Z", "2026-01-02T03:04:05,5Z", "2026-01-02T03:04:05ZZ", "2026-01-02T03:04:05Z ",
        " 2026-01-02T03:04:05Z", "2026-01-02T03:04:05.5", "2026-01-02T03:04:05+02", "2026-01-02T03:04:05+0200",
        "2026-01-02T03:04:05+02:0", "2026-01-02T03:04:05+02:000", "2026-01-02T03:04:05+24:00",
        "2026-01-02T03:04:05+02:60", "2026-01-02T03:04:05 02:00", "2026-01-02T03:04:05+02-00",
        "2026-00-02T03:04:05Z", "2026-13-02T03:04:05Z", "2026-01-00T03:04:05Z", "2026-01-32T03:04:05Z",
        "2026-04-31T03:04:05Z", "2025-02-29T03:04:05Z", "1900-02-29T03:04:05Z", "2100-02-29T03:04:05Z",
        "2026-01-02T24:00:00Z", "2026-01-02T03:60:05Z", "2026-01-02T03:04:61Z", "2026-01-02T23:59:60Z",
        "2016-12-31T23:58:60Z", "2016-12-31T22:59:60Z", "2016-12-31T23:59:60+02:00", "+026-01-02T03:04:05Z",
        "-026-01-02T03:04:05Z", "2026-01-02T-3:04:05Z", "2026-01-02T03:04:5xZ", "2026/01/02T03:04:05Z",
        "0000-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01", "2026-01-02T03:04:05.6:8Z",
        "2026-01-02T03:04:05+:2:00",
        "２026-01-02T03:04:05Z", "2026-01-02T03:04:05+//://",
    ])
    func refuses(_ text: String) {
        #expect(parse(text) == nil)
    }

    /// Every day of 10,000 years, counted one by one without any formula.
    @Test func knowsEveryDay() {
        var days: Int64 = -719_528
        var buffer = ByteBuffer(capacity: 24)
        func twoDigits(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
        for year in 0...9999 {
            let isLeap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0
            let lengths = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
            // All days of the years where something special can happen, month ends of the others.
            let everyDay = year % 100 == 0 || year % 100 == 4 || (1968...2030).contains(year)
            for (month, length) in lengths.enumerated() {
                for day in everyDay ? Array(1...length) : [1, length] {
                    let date =
                        "\(twoDigits(year / 100))\(twoDigits(year % 100))-\(twoDigits(month + 1))-\(twoDigits(day))"
                    let milliseconds = (days + Int64(day) - 1) * 86_400_000 + 45_296_789
                    buffer.removeAll()
                    buffer.appendTimestamp(milliseconds)
                    if buffer.bytes.string != "\(date)T12:34:56.789Z" || Timestamp.parse(buffer.bytes) != milliseconds {
                        Issue.record("\(date) written as \(buffer.bytes.string)")
                    }
                }
                if parse(
                    "\(twoDigits(year / 100))\(twoDigits(year % 100))-\(twoDigits(month + 1))-\(length + 1)T00:00:00Z")
                    != nil
                {
                    Issue.record("\(year) has too long a month \(month + 1)")
                }
                days += Int64(length)
            }
        }
        #expect(days * 86_400_000 == Timestamp.range.upperBound + 1)
    }

    @Test func readsWhatItWrites() {
        let seed = UInt64.random(in: .min ... .max)
        print("seed \(seed)")
        var random = SeededRandom(seed: seed)
        for _ in 0..<20_000 {
            let milliseconds = Int64.random(in: Timestamp.range, using: &random)
            if parse(format(milliseconds)) != milliseconds { Issue.record("seed \(seed): \(milliseconds)") }
        }
    }

    @Test func offsetsShiftByMinutes() {
        let noon: Int64 = 1_767_355_200_000
        for hours in 0...23 {
            for minutes in [0, 1, 30, 59] {
                let shift = Int64(hours * 60 + minutes) * 60_000
                let text = (hours < 10 ? "0\(hours)" : "\(hours)") + ":" + (minutes < 10 ? "0\(minutes)" : "\(minutes)")
                #expect(parse("2026-01-02T12:00:00+\(text)") == noon - shift)
                #expect(parse("2026-01-02T12:00:00-\(text)") == noon + shift)
            }
        }
    }

    @Test func writesTheNearestEndOutsideTheRange() {
        #expect(format(.max) == "9999-12-31T23:59:59.999Z")
        #expect(format(.min) == "0000-01-01T00:00:00.000Z")
        #expect(format(Timestamp.range.upperBound + 1) == "9999-12-31T23:59:59.999Z")
    }

    @Test func neverReadsBehindTheText() {
        let text = Array("2026-01-02T03:04:05.678+02:00".utf8)
        for count in 0...text.count {
            let whole = count == text.count
            #expect(
                GuardedMemory.with(Array(text[..<count])) { Timestamp.parse($0) } == (whole ? 1_767_315_845_678 : nil))
        }
    }

    @Test func `reads what is usual as it reads anything`() {
        var random = SplitMix64(seed: 5)
        let alphabet = Array("0123456789-:.TtZz/ \u{0}é".utf8)
        for _ in 0..<50_000 {
            var text = Array((random.next() & 1 == 0 ? "2026-01-02T03:04:05Z" : "2024-12-28T23:59:59.678Z").utf8)
            for _ in 0..<random.next(below: 4) {
                text[random.next(below: text.count)] = alphabet[random.next(below: alphabet.count)]
            }
            let isSame = text.withBytes { Timestamp.parse($0) == Timestamp.parseAny($0) }
            #expect(isSame, "\(text)")
        }
    }
}
