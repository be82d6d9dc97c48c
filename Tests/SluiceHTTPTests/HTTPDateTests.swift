import Foundation
import SluiceCore
import SluiceHTTP
import Testing

@Suite struct HTTPDateTests {
    private func text(_ seconds: Int64) -> String {
        let date = HTTPDate(seconds: seconds)
        return withExtendedLifetime(date) { date.text.string }
    }

    @Test func `writes known instants`() {
        #expect(text(0) == "Thu, 01 Jan 1970 00:00:00 GMT")
        // The example of RFC 9110, 5.6.7.
        #expect(text(784_111_777) == "Sun, 06 Nov 1994 08:49:37 GMT")
        #expect(text(951_827_696) == "Tue, 29 Feb 2000 12:34:56 GMT")
        #expect(text(4_107_542_399) == "Sun, 28 Feb 2100 23:59:59 GMT")
        #expect(text(4_107_542_400) == "Mon, 01 Mar 2100 00:00:00 GMT")
        #expect(text(253_402_300_799) == "Fri, 31 Dec 9999 23:59:59 GMT")
    }

    @Test func `agrees with Foundation on random instants`() {
        var random = SeededGenerator(for: "agrees with Foundation on random instants")
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = TimeZone(secondsFromGMT: 0)!
        let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        for _ in 0..<2_000 {
            let seconds = Int64.random(in: 0...16_000_000_000, using: &random)
            let parts = calendar.dateComponents(
                [.weekday, .day, .month, .year, .hour, .minute, .second],
                from: Date(timeIntervalSince1970: TimeInterval(seconds)))
            let expected = String(
                format: "%@, %02d %@ %04d %02d:%02d:%02d GMT", days[parts.weekday! - 1], parts.day!,
                months[parts.month! - 1], parts.year!, parts.hour!, parts.minute!, parts.second!)
            #expect(text(seconds) == expected)
        }
    }

    @Test func `follows the clock, forwards and backwards`() {
        let date = HTTPDate(seconds: 59)
        withExtendedLifetime(date) {
            date.update(seconds: 60)
            #expect(date.line.string == "Date: Thu, 01 Jan 1970 00:01:00 GMT\r\n")
            date.update(seconds: 1)
            #expect(date.text.string == "Thu, 01 Jan 1970 00:00:01 GMT")
        }
    }

    @Test func `a clock out of range is held at the range's end`() {
        #expect(text(-1) == "Thu, 01 Jan 1970 00:00:00 GMT")
        #expect(text(.max) == "Fri, 31 Dec 9999 23:59:59 GMT")
    }
}
