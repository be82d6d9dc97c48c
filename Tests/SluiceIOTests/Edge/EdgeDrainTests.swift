import SluiceIO
import Testing

@Suite struct EdgeDrainTests {
    @Test func answersWhatIsInFlightAndReturns() throws {
        let edge = try TestEdge()
        let idle = try edge.client()
        try idle.send(get("/now"))
        #expect(try idle.answer().status == 200)
        let waiting = try edge.client()
        try waiting.send(get("/wait/1"))
        let partial = try edge.client()
        try partial.send("POST /now HTTP/1.1\r\nHost: t\r\nContent-Length: 3\r\n\r\na")
        #expect(eventually { edge.handled.count == 2 })
        #expect(eventually { edge.loop.stats.openConnections.load(ordering: .relaxed) == 3 })

        let loop = edge.loop
        loop.requestDrain(deadlineMilliseconds: 20_000)
        idle.expectEnd()
        #expect(throws: TestClient.Failure.self) {
            let late = try edge.client()
            try late.send(get("/now"))
            _ = try late.answer()
        }
        try partial.send("bc")
        let answer = try partial.answer()
        #expect(answer.body == "/now|abc")
        #expect(answer.headers["connection"] == "close")
        partial.expectEnd()
        edge.release(through: 1)
        #expect(try waiting.answer().body == "/wait/1")
        waiting.expectEnd()
        edge.stop(deadlineMilliseconds: 20_000)
        #expect(loop.stats.openConnections.load(ordering: .relaxed) == 0)
    }

    @Test func returnsAtTheDeadline() throws {
        let edge = try TestEdge()
        let client = try edge.client()
        try client.send(get("/wait/1"))
        #expect(eventually { edge.handled.count == 1 })
        edge.stop(deadlineMilliseconds: 50)
        client.expectEnd()
    }

    @Test func connectionsInTheQueueAreServed() throws {
        // The loop starts only after the drain was asked for: until then they wait in the kernel.
        let edge = try TestEdge(startsLater: true)
        let client = try edge.client()
        try client.send(get("/now"))
        edge.loop.requestDrain(deadlineMilliseconds: 20_000)
        edge.start()
        let answer = try client.answer()
        #expect(answer.body == "/now")
        #expect(answer.headers["connection"] == "close")
        client.expectEnd()
        edge.stop(deadlineMilliseconds: 20_000)
    }
}
