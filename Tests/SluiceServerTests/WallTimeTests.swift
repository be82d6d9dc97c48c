import Foundation
import SluiceServer
import Testing

@Suite struct WallTimeTests {
    @Test(arguments: [
        (Int64(0), "1970-01-01T00:00:00.000Z"), (-1, "1969-12-31T23:59:59.999Z"),
        (951_782_400_000, "2000-02-29T00:00:00.000Z"), (1_767_323_045_678, "2026-01-02T03:04:05.678Z"),
        (4_107_542_399_999, "2100-02-28T23:59:59.999Z"), (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
    ])
    func datesAreWritten(milliseconds: Int64, text: String) {
        #expect(WallTime.text(milliseconds) == text)
    }

    @Test func everyDayOfFourCenturiesIsTheCalendars() {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = TimeZone(secondsFromGMT: 0)!
        for day in stride(from: -20_000, through: 130_000, by: 97) {
            let date = Date(timeIntervalSince1970: Double(day) * 86_400)
            let parts = calendar.dateComponents([.year, .month, .day], from: date)
            let text = WallTime.text(Int64(day) * 86_400_000)
            let numbers = text.prefix(10).split(separator: "-").compactMap { Int($0) }
            #expect(numbers == [parts.year, parts.month, parts.day])
        }
    }

    @Test func theClocksGo() {
        #expect(abs(Double(WallTime.nowMilliseconds()) / 1000 - Date().timeIntervalSince1970) < 60)
        let before = WallTime.monotonicMilliseconds()
        #expect(WallTime.monotonicMilliseconds() >= before)
    }
}
