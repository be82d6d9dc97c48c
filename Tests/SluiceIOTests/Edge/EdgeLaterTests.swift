import SluiceIO
import Testing

/// Answers that come when somebody else has found them: `Disposition.later`.
@Suite struct EdgeLaterTests {
    @Test func answersBehindItWaitForIt() throws {
        let edge = try TestEdge()
        defer { edge.stop() }
        let client = try edge.client()
        try client.send(get("/now/1") + get("/later/7") + get("/now/2") + get("/wait/5") + get("/later/8"))
        #expect(try client.answer().body == "/now/1")
        #expect(eventually { edge.handled.count == 5 })
        edge.release(through: 5)
        edge.answer(8, "eight")
        #expect(!client.hasAnswer(withinMilliseconds: 50))
        edge.answer(7, "seven")
        #expect(try client.answer().body == "seven")
        #expect(try client.answer().body == "/now/2")
        #expect(try client.answer().body == "/wait/5")
        #expect(try client.answer().body == "eight")
    }

    @Test func itWaitsForTheTicketsBeforeIt() throws {
        let edge = try TestEdge()
        defer { edge.stop() }
        let client = try edge.client()
        try client.send(get("/wait/5") + get("/later/1") + get("/wait/6"))
        #expect(eventually { edge.handled.count == 3 })
        edge.answer(1, "one")
        #expect(!client.hasAnswer(withinMilliseconds: 50))
        edge.fail(ticket: 5)
        #expect(try client.answer().status == 503)
        #expect(try client.answer().body == "one")
        // No ticket lets go of what comes later, however high.
        try client.send(get("/later/2"))
        #expect(eventually { edge.handled.count == 4 })
        edge.release(through: 1 << 62)
        #expect(try client.answer().body == "/wait/6")
        #expect(!client.hasAnswer(withinMilliseconds: 50))
        edge.answer(2, "two")
        #expect(try client.answer().body == "two")
    }

    @Test func connectionsDoNotWaitForEachOther() throws {
        let edge = try TestEdge()
        defer { edge.stop() }
        let waiting = try edge.client()
        try waiting.send(get("/later/1"))
        #expect(eventually { edge.handled.count == 1 })
        let other = try edge.client()
        try other.send(get("/later/2") + get("/now"))
        #expect(eventually { edge.handled.count == 3 })
        edge.answer(2, "two")
        #expect(try other.answer().body == "two")
        #expect(try other.answer().body == "/now")
        edge.answer(1, "one")
        #expect(try waiting.answer().body == "one")
    }

    @Test func headAndCloseAreHonoured() throws {
        let edge = try TestEdge()
        defer { edge.stop() }
        let client = try edge.client()
        try client.send("HEAD /later/1 HTTP/1.1\r\nHost: t\r\n\r\n" + get("/later/2", "Connection: close\r\n"))
        #expect(eventually { edge.handled.count == 2 })
        edge.answer(1, "one")
        #expect(try client.answer(isHead: true).headers["content-length"] == "3")
        edge.answer(2, "two")
        let last = try client.answer()
        #expect(last.body == "two")
        #expect(last.headers["connection"] == "close")
        client.expectEnd()
    }

    @Test func anAnswerToAConnectionThatIsGoneIsDropped() throws {
        let edge = try TestEdge()
        defer { edge.stop() }
        let gone = try edge.client()
        try gone.send(get("/later/1") + get("/wait/5"))
        #expect(eventually { edge.handled.count == 2 })
        gone.reset()
        #expect(eventually { edge.loop.stats.openConnections.load(ordering: .relaxed) == 0 })
        // The next connection gets the place of the one that has gone, and nothing that was meant for it.
        let next = try edge.client()
        try next.send(get("/later/2"))
        #expect(eventually { edge.handled.count == 3 })
        edge.answer(1, "one")
        edge.release(through: 5)
        #expect(!next.hasAnswer(withinMilliseconds: 50))
        // Neither does a number that nobody waits for any more.
        edge.answer(1, "one")
        edge.answer(9, "nine")
        edge.answer(2, "two")
        #expect(try next.answer().body == "two")
    }

    @Test func aDrainWaitsForIt() throws {
        let edge = try TestEdge()
        let client = try edge.client()
        try client.send(get("/later/1"))
        #expect(eventually { edge.handled.count == 1 })
        edge.loop.requestDrain(deadlineMilliseconds: 20_000)
        #expect(!client.hasAnswer(withinMilliseconds: 50))
        edge.answer(1, "one")
        #expect(try client.answer().body == "one")
        client.expectEnd()
        edge.stop(deadlineMilliseconds: 20_000)
        #expect(edge.loop.stats.openConnections.load(ordering: .relaxed) == 0)
    }

    @Test func aDrainEndsAtItsDeadline() throws {
        let edge = try TestEdge()
        let client = try edge.client()
        try client.send(get("/later/1"))
        #expect(eventually { edge.handled.count == 1 })
        edge.stop(deadlineMilliseconds: 50)
        client.expectEnd()
    }
}
