import SluiceIO
import Testing

@Suite struct EdgeAnswersTests {
    @Test func pipelinedAnswersKeepTheirOrder() throws {
        let edge = try TestEdge()
        defer { edge.stop() }
        let client = try edge.client()
        try client.send(
            get("/now/1") + get("/wait/10") + get("/now/2") + get("/wait/12") + get("/wait/11")
                + get("/now/3"))
        #expect(try client.answer().body == "/now/1")
        #expect(eventually { edge.handled.count == 6 })
        #expect(!client.hasAnswer(withinMilliseconds: 50))
        edge.release(through: 10)
        #expect(try client.answer().body == "/wait/10")
        #expect(try client.answer().body == "/now/2")
        edge.release(through: 11)
        // 11 is free, but stands behind 12.
        #expect(!client.hasAnswer(withinMilliseconds: 50))
        edge.release(through: 12)
        #expect(try client.answer().body == "/wait/12")
        #expect(try client.answer().body == "/wait/11")
        #expect(try client.answer().body == "/now/3")
        // A ticket already released is no reason to wait.
        try client.send(get("/wait/12"))
        #expect(try client.answer().body == "/wait/12")
    }

    @Test func waitingHoldsBackNobodyElse() throws {
        let edge = try TestEdge()
        defer { edge.stop() }
        let waiting = try edge.client()
        try waiting.send(get("/wait/7"))
        #expect(eventually { edge.handled.count == 1 })
        let other = try edge.client()
        try other.send(get("/now") + get("/wait/6"))
        #expect(try other.answer().body == "/now")
        edge.release(through: 6)
        #expect(try other.answer().body == "/wait/6")
        #expect(!waiting.hasAnswer(withinMilliseconds: 50))
        edge.release(through: 7)
        #expect(try waiting.answer().body == "/wait/7")
    }

    @Test func aFailedTicketReplacesItsAnswersOnly() throws {
        let edge = try TestEdge()
        defer { edge.stop() }
        let first = try edge.client()
        let second = try edge.client()
        try first.send(
            get("/wait/1") + get("/wait/2") + get("/now/a") + get("/wait/2", "Connection: close\r\n"))
        try second.send(get("/wait/2") + "HEAD /wait/2 HTTP/1.1\r\nHost: t\r\n\r\n" + get("/wait/3"))
        #expect(eventually { edge.handled.count == 7 })
        edge.fail(ticket: 2)
        #expect(
            try second.answer()
                == .init(
                    status: 503, headers: ["content-length": "12"], body: "failed 200 7"))
        #expect(try second.answer(isHead: true).status == 503)
        #expect(!first.hasAnswer(withinMilliseconds: 50))
        edge.release(through: 3)
        #expect(try first.answer().body == "/wait/1")
        #expect(try first.answer().body == "failed 200 7")
        #expect(try first.answer().body == "/now/a")
        let last = try first.answer()
        #expect(last.body == "failed 200 7")
        #expect(last.headers["connection"] == "close")
        first.expectEnd()
        #expect(try second.answer().body == "/wait/3")
    }

    @Test func pipeliningIsBounded() throws {
        var limits = EdgeLimits()
        limits.pipelinedRequests = 4
        let edge = try TestEdge(limits)
        defer { edge.stop() }
        let client = try edge.client()
        try client.send((1...10).map { get("/wait/\($0)") }.joined())
        #expect(eventually { edge.handled.count == 4 })
        edge.order { _ in }
        #expect(edge.handled.count == 4)
        edge.release(through: 2)
        #expect(eventually { edge.handled.count == 6 })
        edge.release(through: 10)
        for ticket in 1...10 { #expect(try client.answer().body == "/wait/\(ticket)") }
    }

    @Test func aSlowReaderGetsEverythingAndHoldsLittle() throws {
        var limits = EdgeLimits()
        limits.pendingAnswerBytes = 100_000
        // Small buffers on both sides, so that nearly every send falls short.
        let edge = try TestEdge(limits, sendBuffer: 16_384)
        defer { edge.stop() }
        let client = try edge.client(receiveBuffer: 16_384)
        let requests = 100
        try client.send((0..<requests).map { _ in get("/big/20000") }.joined())
        // It stops handling long before all are answered: the rest stays unread.
        #expect(eventually { edge.handled.count >= 5 })
        edge.order { _ in }
        #expect(edge.handled.count < 20)
        for _ in 0..<requests { #expect(try client.answer().body.utf8.count == 20_000) }
        #expect(edge.handled.count == requests)
    }

    @Test func answersNobodyReadsHaveABudget() throws {
        var limits = EdgeLimits()
        limits.answerMemoryBytes = 5 << 20
        let edge = try TestEdge(limits, sendBuffer: 16_384)
        defer { edge.stop() }
        var others: [TestClient] = []
        for _ in 0..<9 {
            let other = try edge.client(receiveBuffer: 16_384)
            try other.send(get("/big/1000000"))
            others.append(other)
        }
        #expect(eventually { edge.handled.count == 9 })
        #expect(eventually { edge.loop.stats.overLimit.load(ordering: .relaxed) >= 3 })
        // Those who read notice nothing.
        let reader = try edge.client()
        try reader.send(get("/now"))
        #expect(try reader.answer().body == "/now")
        // What the closed connections held is given back.
        others.removeAll()
        #expect(eventually { edge.loop.stats.openConnections.load(ordering: .relaxed) <= 2 })
        let late = try edge.client(receiveBuffer: 16_384)
        try late.send(get("/big/1000000"))
        #expect(try late.answer().body.utf8.count == 1_000_000)
    }

    @Test func waitingAnswersLargerThanTheSocketBuffer() throws {
        let edge = try TestEdge(sendBuffer: 16_384)
        defer { edge.stop() }
        let client = try edge.client(receiveBuffer: 16_384)
        try client.send(get("/wait/1") + get("/big/1000000") + get("/wait/2") + get("/now/z"))
        edge.order { $0.release(through: 1) }
        #expect(try client.answer().body == "/wait/1")
        #expect(try client.answer().body.utf8.count == 1_000_000)
        #expect(eventually { edge.handled.count == 4 })
        edge.release(through: 2)
        #expect(try client.answer().body == "/wait/2")
        #expect(try client.answer().body == "/now/z")
    }
}
