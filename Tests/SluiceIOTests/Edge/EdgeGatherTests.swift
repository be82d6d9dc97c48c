import SluiceIO
import Testing

/// Handlers that put something off until nothing more is there to be read: `EdgeHandler.wantsMore`.
@Suite struct EdgeGatherTests {
    @Test func `what was put off is asked for before the loop sleeps`() throws {
        let edge = try TestEdge()
        defer { edge.stop() }
        let client = try edge.client()
        for ticket in 1...20 {
            try client.send(get("/gather/\(ticket)"))
            #expect(try client.answer().body == "/gather/\(ticket)")
        }
        #expect((1...20).contains(edge.nothingMores))
    }

    @Test func `requests behind one that was put off are answered, in order`() throws {
        let edge = try TestEdge()
        defer { edge.stop() }
        let client = try edge.client()
        // More than the loop reads of one connection in a turn.
        let path = "/now/" + String(repeating: "n", count: 4000)
        let many = 200
        try client.send(get("/gather/1") + String(repeating: get(path), count: many))
        #expect(try client.answer().body == "/gather/1")
        for _ in 0..<many { #expect(try client.answer().status == 200) }
        #expect(edge.handled.count == many + 1)
    }

    @Test func `nobody is asked who put nothing off`() throws {
        let edge = try TestEdge()
        defer { edge.stop() }
        let client = try edge.client()
        for index in 1...20 {
            try client.send(get("/now/\(index)"))
            #expect(try client.answer().status == 200)
        }
        #expect(edge.nothingMores == 0)
    }
}
