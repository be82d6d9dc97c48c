import SluiceIO
import Testing

@Suite struct EdgeReadingTests {
    static let messages: [(wire: String, body: String)] = [
        (post("/now", "hello"), "/now|hello"),
        (
            "POST /now HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n"
                + "3;x=y\r\nhel\r\n2\r\nlo\r\n0\r\nTrailer: v\r\n\r\n", "/now|hello"
        ),
    ]

    @Test(arguments: [0, 1])
    func splitAtEveryByte(message: Int) throws {
        let edge = try TestEdge()
        defer { edge.stop() }
        let wire = Array(Self.messages[message].wire.utf8)
        let next = get("/now/next")
        let client = try edge.client()
        var sent = 0
        for cut in 1..<wire.count {
            try client.send(wire[0..<cut])
            // The second part is sent only when the first has been read by itself.
            #expect(eventually { edge.loop.stats.bytesIn.load(ordering: .relaxed) == sent + cut })
            try client.send(wire[cut...] + Array(next.utf8))
            sent += wire.count + next.utf8.count
            #expect(try client.answer().body == Self.messages[message].body)
            #expect(try client.answer().body == "/now/next")
        }
    }

    @Test(arguments: [0, 1])
    func byteByByte(message: Int) throws {
        let edge = try TestEdge()
        defer { edge.stop() }
        let client = try edge.client()
        for byte in Self.messages[message].wire.utf8 { try client.send([byte]) }
        #expect(try client.answer().body == Self.messages[message].body)
    }

    @Test func largeBodiesInBothFramings() throws {
        let edge = try TestEdge()
        defer { edge.stop() }
        let body = String(repeating: "0123456789", count: 60_000)
        let client = try edge.client()
        try client.send(post("/now", body) + get("/now/2"))
        #expect(try client.answer().body == "/now|" + body)
        #expect(try client.answer().body == "/now/2")
        var chunks = "POST /now HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n"
        for _ in 0..<600 { chunks += "3e8\r\n" + body.prefix(1000) + "\r\n" }
        try client.send(chunks + "0\r\n\r\n" + get("/now/3"))
        #expect(try client.answer().body == "/now|" + body)
        #expect(try client.answer().body == "/now/3")
    }

    @Test func chunkedBodyOverTheLimit() throws {
        var limits = EdgeLimits()
        limits.bodyBytes = 10
        let edge = try TestEdge(limits)
        defer { edge.stop() }
        let client = try edge.client()
        try client.send(
            "POST /now HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nabcdef\r\n6\r\nabcdef\r\n")
        let answer = try client.answer()
        #expect(answer.status == 413)
        #expect(answer.body == "body_too_large /now")
        client.expectEnd()
    }

    @Test func tellsTheClientToContinue() throws {
        let edge = try TestEdge()
        defer { edge.stop() }
        let client = try edge.client()
        let head = "POST /now HTTP/1.1\r\nHost: t\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
        try client.send(head)
        #expect(try client.answer().status == 100)
        try client.send("abc")
        #expect(try client.answer().body == "/now|abc")
        // One that does not wait gets no interim answer.
        try client.send(head + "def")
        #expect(try client.answer().body == "/now|def")
        // One whose body is refused is not told to send it.
        try client.send(
            "POST /now HTTP/1.1\r\nHost: t\r\nExpect: 100-continue\r\nContent-Length: 99999999\r\n\r\n")
        #expect(try client.answer().status == 413)
    }

    @Test func stalledRequestsGoOnInOrder() throws {
        let edge = try TestEdge()
        defer { edge.stop() }
        edge.isStalling = true
        let clients = try (0..<3).map { _ in try edge.client() }
        for (index, client) in clients.enumerated() {
            try client.send(post("/stall/\(index)", "b") + get("/now/\(index)"))
            #expect(eventually { edge.stallAttempts == index + 1 })
        }
        // Resuming while the handler still stalls costs one attempt and keeps the order.
        edge.order { $0.resumeStalled() }
        #expect(eventually { edge.stallAttempts == 4 })
        #expect(edge.handled.isEmpty)
        #expect(eventually { edge.loop.stats.stalled.load(ordering: .relaxed) == 3 })
        clients[1].reset()
        #expect(eventually { edge.loop.stats.openConnections.load(ordering: .relaxed) == 2 })
        edge.isStalling = false
        for index in [0, 2] {
            #expect(try clients[index].answer().body == "/stall/\(index)|b")
            #expect(try clients[index].answer().body == "/now/\(index)")
        }
        #expect(edge.handled == ["/stall/0", "/now/0", "/stall/2", "/now/2"])
        #expect(eventually { edge.loop.stats.stalled.load(ordering: .relaxed) == 0 })
    }

    @Test func aStalledChunkedRequestIsHandedInWhole() throws {
        let edge = try TestEdge()
        defer { edge.stop() }
        edge.isStalling = true
        let client = try edge.client()
        try client.send(
            "POST /stall HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n")
        #expect(eventually { edge.stallAttempts == 1 })
        client.finishWriting()
        edge.isStalling = false
        #expect(try client.answer().body == "/stall|abc")
        client.expectEnd()
    }

    @Test func receiveMemoryIsBounded() throws {
        var limits = EdgeLimits()
        limits.receiveMemoryBytes = 4 * 16_384
        let edge = try TestEdge(limits)
        defer { edge.stop() }
        var holders: [TestClient] = []
        for _ in 0..<4 {
            let client = try edge.client()
            try client.send("POST /now HTTP/1.1\r\nHost: t\r\nContent-Length: 3\r\n\r\na")
            holders.append(client)
        }
        #expect(eventually { edge.loop.stats.receiveMemoryBytes.load(ordering: .relaxed) == 4 * 16_384 })
        // Another incomplete request finds no room.
        let turnedAway = try edge.client()
        try turnedAway.send("POST /now HTTP/1.1\r\nHost: t\r\nContent-Length: 3\r\n\r\na")
        #expect(try turnedAway.answer().status == 503)
        turnedAway.finishWriting()
        turnedAway.expectEnd()
        // One that is whole does: nobody can shut out everybody with a few bytes per connection.
        let whole = try edge.client()
        for round in 0..<100 {
            try whole.send(get("/now/\(round)"))
            #expect(try whole.answer().body == "/now/\(round)")
        }
        // Those who were there first finish, and make room.
        for client in holders {
            try client.send("bc")
            #expect(try client.answer().body == "/now|abc")
        }
        let later = try edge.client()
        try later.send(get("/now"))
        #expect(try later.answer().status == 200)
        #expect(edge.loop.stats.receiveMemoryBytes.load(ordering: .relaxed) <= 4 * 16_384)
    }
}
