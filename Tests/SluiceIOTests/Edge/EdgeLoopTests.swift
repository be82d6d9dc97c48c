import SluiceIO
import Testing

@Suite struct EdgeLoopTests {
    @Test(arguments: ["127.0.0.1:0", "[::1]:0"])
    func answersOverBothFamilies(listen: String) throws {
        let edge = try TestEdge(listen: listen)
        defer { edge.stop() }
        let client = try edge.client()
        for round in 0..<5 {
            try client.send(post("/now", "body\(round)"))
            #expect(try client.answer().body == "/now|body\(round)")
        }
        #expect(edge.handled.count == 5)
    }

    @Test func closesWhereTheClientAsksForIt() throws {
        let edge = try TestEdge()
        defer { edge.stop() }
        let client = try edge.client()
        try client.send(get("/now", "Connection: close\r\n"))
        #expect(try client.answer().headers["connection"] == "close")
        client.expectEnd()

        let old = try edge.client()
        try old.send("GET /now HTTP/1.0\r\n\r\n")
        #expect(try old.answer().status == 200)
        old.expectEnd()
    }

    @Test func answersHeadWithoutBody() throws {
        let edge = try TestEdge()
        defer { edge.stop() }
        let client = try edge.client()
        try client.send("HEAD /now HTTP/1.1\r\nHost: t\r\n\r\n" + get("/now/2"))
        #expect(try client.answer(isHead: true).headers["content-length"] == "4")
        #expect(try client.answer().body == "/now/2")
    }

    @Test func refusesAndLetsTheClientReadWhy() throws {
        var limits = EdgeLimits()
        limits.bodyBytes = 100
        let edge = try TestEdge(limits)
        defer { edge.stop() }
        // The client sends far more than the refusal needs; a reset would swallow the answer.
        let large = try edge.client()
        try large.send("POST /now HTTP/1.1\r\nHost: t\r\nContent-Length: 2000000\r\n\r\n")
        try large.send([UInt8](repeating: 0x61, count: 2_000_000)[...])
        let answer = try large.answer()
        #expect(answer.status == 413)
        #expect(answer.body == "body_too_large /now")
        large.finishWriting()
        large.expectEnd()

        let bad = try edge.client()
        try bad.send(get("/now") + "GET  / HTTP/1.1\r\n\r\n")
        #expect(try bad.answer().status == 200)
        #expect(try bad.answer().status == 400)
        bad.expectEnd()
        #expect(edge.handled == ["/now"])
    }

    @Test func refusesHeadsOverTheLimit() throws {
        var limits = EdgeLimits()
        limits.headBytes = 200
        let edge = try TestEdge(limits)
        defer { edge.stop() }
        let client = try edge.client()
        try client.send(get("/now", "X: \(String(repeating: "a", count: 300))\r\n"))
        #expect(try client.answer().status == 431)
        client.expectEnd()
    }

    @Test func answersAfterTheClientHasFinishedWriting() throws {
        let edge = try TestEdge()
        defer { edge.stop() }
        let client = try edge.client()
        try client.send(get("/now/1") + get("/wait/5") + get("/now/2"))
        client.finishWriting()
        #expect(try client.answer().body == "/now/1")
        #expect(eventually { edge.handled.count == 3 })
        edge.release(through: 5)
        #expect(try client.answer().body == "/wait/5")
        #expect(try client.answer().body == "/now/2")
        client.expectEnd()
        #expect(eventually { edge.loop.stats.openConnections.load(ordering: .relaxed) == 0 })
    }

    @Test func freesConnectionsThatAreReset() throws {
        let edge = try TestEdge()
        defer { edge.stop() }
        let partial = try edge.client()
        try partial.send("POST /now HTTP/1.1\r\nHost: t\r\nContent-Length: 50\r\n\r\nabc")
        let waiting = try edge.client()
        try waiting.send(get("/wait/1"))
        #expect(eventually { edge.handled == ["/wait/1"] })
        #expect(eventually { edge.loop.stats.bytesIn.load(ordering: .relaxed) > 50 })
        partial.reset()
        waiting.reset()
        #expect(eventually { edge.loop.stats.openConnections.load(ordering: .relaxed) == 0 })
        // The place and its buffers serve others, and the old ticket finds nobody.
        let other = try edge.client()
        try other.send(get("/wait/2"))
        #expect(eventually { edge.handled.count == 2 })
        edge.release(through: 1)
        #expect(!other.hasAnswer(withinMilliseconds: 50))
        edge.release(through: 2)
        #expect(try other.answer().body == "/wait/2")
    }

    @Test func survivesInterruptedWaits() throws {
        TestSignals.install()
        let edge = try TestEdge()
        defer { edge.stop() }
        let client = try edge.client()
        for round in 0..<50 {
            TestSignals.send(to: edge.threadHandle)
            try client.send(get("/now/\(round)"))
            TestSignals.send(to: edge.threadHandle)
            #expect(try client.answer().body == "/now/\(round)")
        }
    }

    @Test func manyConnectionsAtOnce() throws {
        let edge = try TestEdge()
        defer { edge.stop() }
        let clients = try (0..<200).map { _ in try edge.client() }
        for (index, client) in clients.enumerated() { try client.send(get("/wait/\(index % 3 + 1)")) }
        #expect(eventually { edge.handled.count == 200 })
        edge.release(through: 1)
        edge.release(through: 3)
        for (index, client) in clients.enumerated() {
            #expect(try client.answer().body == "/wait/\(index % 3 + 1)")
        }
    }
}
