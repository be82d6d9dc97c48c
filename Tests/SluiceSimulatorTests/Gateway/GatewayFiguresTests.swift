import SluiceSimulator
import Testing

@Suite struct GatewayFiguresTests {
    private static let text = """
        {"log":{"next_block":12,"events":100},"totals":{"accepted":101},"destinations":[
        {"name":"t","platform":"topsort","lag_seconds":0.25,"breaker":"closed"}],
        "books":{"balanced":true,"destinations":[{"destination":"t","accepted":100,"delivered":80,
        "rejected":1,"parked":2,"expired":3,"filtered":4,"pending":10,"balanced":true}]}}
        """

    @Test func `a status is read`() throws {
        let status = try #require(GatewayFigures(Array(Self.text.utf8)))
        #expect(status.logEvents == 100)
        #expect(status.received == 101)
        #expect(status.destinations.count == 1)
        #expect(status.destinations[0].delivered == 80)
        #expect(status.destinations[0].pending == 10)
        #expect(status.destinations[0].lagSeconds == 0.25)
        #expect(status.destinations[0].lastError == nil)
        #expect(status.destinations[0].isBalanced)
        #expect(!status.isSettled)
    }

    @Test(arguments: [
        "\"pending\":10,", "\"platform\":\"topsort\",",
        "\"log\":{\"next_block\":12,\"events\":100},",
        "{\"name\":\"t\",\"platform\":\"topsort\",\"lag_seconds\":0.25,\"breaker\":\"closed\"}",
        "\"destination\":\"t\",",
    ])
    func `a missing figure is no status`(part: String) {
        #expect(GatewayFigures(Array(Self.text.replacing(part, with: "").utf8)) == nil)
    }
}
