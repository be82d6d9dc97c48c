import SluiceCore
import SluiceDelivery
import Testing

@Suite struct ReplayPaceTests {
    @Test func `requests are spread by their events`() {
        var pace = ReplayPace(ReplayRate("100/s"))
        #expect(pace.readyAt(1000) == 1000)
        pace.take(50, 1000)
        #expect(pace.readyAt(1000) == 1500)
        #expect(pace.readyAt(1700) == 1700)
        pace.take(1, 1700)
        #expect(pace.readyAt(1700) == 1710)
    }

    @Test func `no rate is no limit`() {
        var pace = ReplayPace(nil)
        pace.take(1_000_000, 5)
        #expect(pace.readyAt(5) == 5)
    }

    @Test func `slow rates lose nothing to rounding`() {
        var pace = ReplayPace(ReplayRate("7/m"))
        var now: Int64 = 0
        for _ in 0..<70 {
            now = pace.readyAt(now)
            pace.take(1, now)
        }
        #expect(pace.readyAt(now) >= 600_000)
        #expect(pace.readyAt(now) <= 600_100)
    }

    @Test(arguments: ["", "5", "5/", "/s", "0/s", "-1/s", "5/d", "5.5/s", "5/s/s", "9999999999/s"])
    func `what is no rate is refused`(_ text: String) { #expect(ReplayRate(text) == nil) }

    @Test(arguments: ["1/s", "20/m", "1000/h"])
    func `rates read as they are written`(_ text: String) { #expect(ReplayRate(text)?.description == text) }
}
