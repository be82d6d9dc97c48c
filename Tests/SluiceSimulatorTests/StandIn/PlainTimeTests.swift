import SluiceCore
import SluiceSimulator
import Testing

@Suite struct PlainTimeTests {
    @Test(arguments: [
        ("1970-01-01T00:00:00Z", 0), ("1970-01-01T00:00:00.5Z", 500),
        ("1969-12-31T23:59:59.999Z", -1), ("2000-02-29T12:00:00+00:00", 951_825_600_000),
        ("2026-01-02T03:04:05.678Z", 1_767_323_045_678),
        ("2026-01-02T04:04:05.678+01:00", 1_767_323_045_678),
        ("2026-01-01T22:34:05.678999-04:30", 1_767_323_045_678),
        ("2016-12-31T23:59:60Z", 1_483_228_800_000),
    ])
    func `times with an offset are read`(text: String, milliseconds: Int64) {
        #expect(PlainTime.milliseconds(text) == milliseconds)
    }

    @Test(arguments: [
        "", "2026-01-02", "2026-01-02T03:04:05", "2026-01-02 03:04:05Z", "2026-13-02T03:04:05Z",
        "2026-02-29T03:04:05Z", "2026-01-02T24:00:00Z", "2026-01-02T03:60:00Z", "2026-01-02T03:04:05.Z",
        "2026-01-02T03:04:05+0100", "2026-01-02T03:04:05+01:00x", "1900-02-29T00:00:00Z",
    ])
    func `other texts are refused`(text: String) {
        #expect(PlainTime.milliseconds(text) == nil)
    }

    @Test func `what is written is read back`() {
        var random = SplitMix64(seed: 7)
        for _ in 0..<2000 {
            let moment = Int64(random.next(below: 8_000_000_000_000)) - 2_000_000_000_000
            #expect(PlainTime.milliseconds(PlainTime.text(moment)) == moment, "\(moment)")
        }
        #expect(PlainTime.text(1_767_323_045_678) == "2026-01-02T03:04:05.678Z")
    }
}
