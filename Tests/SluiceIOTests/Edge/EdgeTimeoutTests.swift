import SluiceIO
import Testing

@Suite struct EdgeTimeoutTests {
    private func limits(_ change: (inout EdgeLimits) -> Void) -> EdgeLimits {
        var limits = EdgeLimits()
        change(&limits)
        return limits
    }

    @Test func aHeadThatDoesNotEndIsAnswered() throws {
        let edge = try TestEdge(limits { $0.headTimeoutMilliseconds = 60 })
        defer { edge.stop() }
        let client = try edge.client()
        try client.send("GET /now HTTP/1.1\r\nHo")
        #expect(try client.answer().status == 408)
        client.finishWriting()
        client.expectEnd()
    }

    @Test func aClientThatNeverAsksIsClosedSilently() throws {
        let edge = try TestEdge(limits { $0.headTimeoutMilliseconds = 60 })
        defer { edge.stop() }
        try edge.client().expectEnd()
    }

    @Test func aBodyThatDoesNotEndIsAnswered() throws {
        let edge = try TestEdge(limits { $0.bodyTimeoutMilliseconds = 60 })
        defer { edge.stop() }
        let client = try edge.client()
        try client.send("POST /now HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n\r\nab")
        let answer = try client.answer()
        #expect(answer.status == 408)
        #expect(answer.body == "request_timeout /now")
    }

    @Test func anIdleConnectionIsClosedSilently() throws {
        let edge = try TestEdge(limits { $0.idleTimeoutMilliseconds = 60 })
        defer { edge.stop() }
        let client = try edge.client()
        try client.send(get("/now"))
        #expect(try client.answer().status == 200)
        client.expectEnd()
    }

    @Test func aRequestThatWaitsForItsCommitIsNotIdle() throws {
        let edge = try TestEdge(
            limits {
                $0.idleTimeoutMilliseconds = 40
                $0.headTimeoutMilliseconds = 40
                $0.sendTimeoutMilliseconds = 40
            })
        defer { edge.stop() }
        let client = try edge.client()
        try client.send(get("/wait/1"))
        #expect(!client.hasAnswer(withinMilliseconds: 300))
        edge.release(through: 1)
        #expect(try client.answer().body == "/wait/1")
        client.expectEnd()
    }

    @Test func aClientThatNeverReadsIsCutOff() throws {
        let edge = try TestEdge(limits { $0.sendTimeoutMilliseconds = 100 }, sendBuffer: 4096)
        defer { edge.stop() }
        let client = try edge.client(receiveBuffer: 4096)
        try client.send(get("/big/5000000"))
        #expect(eventually { edge.loop.stats.timedOut.load(ordering: .relaxed) == 1 })
        #expect(eventually { edge.loop.stats.openConnections.load(ordering: .relaxed) == 0 })
    }

    @Test func overTheConnectionLimitThereAreWords() throws {
        let edge = try TestEdge(limits { $0.connections = 2 })
        defer { edge.stop() }
        let first = try edge.client()
        let second = try edge.client()
        for client in [first, second] {
            try client.send(get("/now"))
            #expect(try client.answer().status == 200)
        }
        let third = try edge.client()
        try third.send(get("/now"))
        #expect(try third.answer().status == 503)
        third.finishWriting()
        third.expectEnd()
        first.close()
        #expect(eventually { edge.loop.stats.openConnections.load(ordering: .relaxed) == 1 })
        let fourth = try edge.client()
        try fourth.send(get("/now"))
        #expect(try fourth.answer().status == 200)
        #expect(edge.loop.stats.overLimit.load(ordering: .relaxed) == 1)
    }
}
