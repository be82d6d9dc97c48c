import Logging
import SluiceServer
import Testing

@Suite struct PipelineTroublesTests {
    /// The engine reports what concerns all destinations, such as a state file that cannot be written,
    /// under no name.
    @Test func troubleOfNoSingleDestinationIsLogged() {
        let sink = CapturedLines()
        let logger = Logger(label: "t") {
            SluiceLogHandler(label: $0, level: .info, format: .text, sink: sink, now: { 0 })
        }
        let address = WebAddress(scheme: "https", host: "x.test", path: "/hook")
        let troubles = PipelineTroubles(
            TroubleLog(logger: logger),
            destinations: [DestinationSettings(name: "hook", platform: .webhook, url: address)])
        troubles.delivery("state_unavailable", "", "cursors cannot be saved: full")
        troubles.delivery("state_unavailable", "hook", "no cursor")
        #expect(
            sink.all == [
                "1970-01-01T00:00:00.000Z warning t: cursors cannot be saved: full trouble=state_unavailable",
                "1970-01-01T00:00:00.000Z warning t: no cursor destination=hook trouble=state_unavailable",
            ])
    }
}
