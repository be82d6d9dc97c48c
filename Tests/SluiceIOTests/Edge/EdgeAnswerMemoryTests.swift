import SluiceIO
import Synchronization
import Testing

@Suite struct EdgeAnswerMemoryTests {
    @Test func requestsWaitForRoomAndNoneIsLost() throws {
        let edge = try TestEdge(EdgeLimits(answerMemoryBytes: 16 << 10))
        defer { edge.stop() }
        let clients = try (0..<64).map { _ in try edge.client() }
        for client in clients { try client.send(get("/wait/7") + get("/now")) }
        #expect(eventually { edge.loop.stats.stalled.load(ordering: .relaxed) > 0 })
        #expect(edge.handled.count < 2 * clients.count)
        #expect(edge.loop.stats.answerMemoryBytes.load(ordering: .relaxed) <= 32 << 10)
        edge.release(through: 7)
        for client in clients {
            #expect(try client.answer().body == "/wait/7")
            #expect(try client.answer().body == "/now")
        }
        #expect(eventually { edge.loop.stats.stalled.load(ordering: .relaxed) == 0 })
        #expect(edge.loop.stats.overLimit.load(ordering: .relaxed) == 0)
        #expect(edge.handled.count == 2 * clients.count)
        #expect(eventually { edge.loop.stats.answerMemoryBytes.load(ordering: .relaxed) <= 16 << 10 })
    }

    @Test func failedAnswersMakeRoomToo() throws {
        let edge = try TestEdge(EdgeLimits(answerMemoryBytes: 16 << 10))
        defer { edge.stop() }
        let clients = try (0..<64).map { _ in try edge.client() }
        for client in clients { try client.send(get("/wait/7")) }
        #expect(eventually { edge.loop.stats.stalled.load(ordering: .relaxed) > 0 })
        edge.order {
            $0.fail(ticket: 7, retryAfterSeconds: 7)
            $0.release(through: 7)
        }
        var failed = 0
        for client in clients where try client.answer().status == 503 { failed += 1 }
        #expect(failed > 0 && failed < clients.count)
    }

    @Test func whoDoesNotReadMakesRoomForThoseWhoWait() throws {
        let edge = try TestEdge(
            EdgeLimits(pendingAnswerBytes: 4 << 20, answerMemoryBytes: 4_200_000), sendBuffer: 16_384)
        defer { edge.stop() }
        // Its buffer, grown by doubling, is just within the limit.
        let hoarder = try edge.client(receiveBuffer: 16_384)
        try hoarder.send(get("/big/4000000"))
        #expect(eventually { edge.loop.stats.answerMemoryBytes.load(ordering: .relaxed) >= 4_000_000 })
        #expect(edge.loop.stats.overLimit.load(ordering: .relaxed) == 0)
        let clients = try (0..<32).map { _ in try edge.client() }
        for client in clients { try client.send(get("/wait/7")) }
        #expect(eventually { edge.handled.count == clients.count + 1 })
        #expect(edge.loop.stats.overLimit.load(ordering: .relaxed) == 1)
        edge.release(through: 7)
        for client in clients { #expect(try client.answer().body == "/wait/7") }
    }
}
