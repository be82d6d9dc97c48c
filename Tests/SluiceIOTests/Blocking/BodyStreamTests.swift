import SluiceCore
import SluiceIO
import Synchronization
import Testing

@Suite struct BodyStreamTests {
    private final class Figures: Sendable {
        let written = Atomic<Int>(0)
        let isDone = Atomic<Bool>(false)
        var hasEnded: Bool { isDone.load(ordering: .acquiring) }
    }

    /// Starts a server whose every answer is `body`, lends its address, stops it.
    private func withStream(
        _ body: @escaping @Sendable (BodyStream) -> Void,
        options: BlockingServerOptions = BlockingServerOptions(),
        _ test: (BlockingHTTPServer, PeerAddress) throws -> Void
    ) throws {
        let server = try BlockingHTTPServer(name: "test", options: options) { _ in
            var response = SimpleResponse(status: 200, headers: [("Content-Type", "application/x-ndjson")])
            response.stream = body
            return response
        }
        let port = try server.start(on: ListenAddress.parse("127.0.0.1:0"))
        defer { server.stop() }
        try test(server, PeerAddress(numeric: "127.0.0.1", port: port)!)
    }

    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    @Test func writesChunksAndEndsTheConnection() throws {
        try withStream { stream in
            for text in ["one\n", "", "two\n"] { _ = Array(text.utf8).withBytes { stream.write($0) } }
        } _: { _, address in
            let client = try TestClient(address)
            try client.send(get("/"))
            let all = try text(client.rest())
            #expect(all.contains("Transfer-Encoding: chunked\r\n"))
            #expect(!all.contains("Content-Length"))
            #expect(all.contains("Connection: close\r\n"))
            #expect(all.hasSuffix("\r\n\r\n4\r\none\n\r\n4\r\ntwo\n\r\n0\r\n\r\n"))
        }
    }

    @Test func withoutChunksForAnOldClientAndWithoutABodyForHEAD() throws {
        try withStream { stream in
            _ = Array("text".utf8).withBytes { stream.write($0) }
        } _: { _, address in
            let old = try TestClient(address)
            try old.send("GET / HTTP/1.0\r\n\r\n")
            let all = try text(old.rest())
            #expect(!all.contains("chunked"))
            #expect(all.hasSuffix("\r\n\r\ntext"))
            let head = try TestClient(address)
            try head.send("HEAD / HTTP/1.1\r\nHost: t\r\n\r\n")
            #expect(try text(head.rest()).hasSuffix("\r\n\r\n"))
        }
    }

    @Test func aClientThatLeavesIsNoticed() throws {
        let figures = Figures()
        try withStream { stream in
            while stream.pause(milliseconds: 5) {}
            figures.isDone.store(!stream.isOpen, ordering: .releasing)
        } _: { server, address in
            do {
                let client = try TestClient(address)
                try client.send(get("/"))
                // The server reads what nobody should send, and goes on.
                try client.send("chatter")
                #expect(eventually { server.openConnections == 1 })
            }
            #expect(eventually { server.openConnections == 0 })
            #expect(figures.hasEnded)
        }
    }

    @Test func stoppingTheServerEndsAPauseAndAWait() throws {
        let figures = Figures()
        let chunk = [UInt8](repeating: 0x41, count: 1 << 20)
        try withStream { stream in
            // Nobody reads: sooner or later the socket is full.
            while chunk.withBytes({ bytes in
                stream.write(bytes) { figures.written.load(ordering: .relaxed) < 100 }
            }) { figures.written.add(1, ordering: .relaxed) }
            figures.isDone.store(true, ordering: .releasing)
        } _: { _, address in
            let client = try TestClient(address)
            try client.send(get("/"))
            var before = -1
            // Until it is stuck.
            while before != figures.written.load(ordering: .relaxed) || before <= 0 {
                before = figures.written.load(ordering: .relaxed)
                _ = try? EventFD().park(milliseconds: 300)
            }
            #expect(!figures.hasEnded)
            figures.written.store(1000, ordering: .relaxed)
            #expect(eventually { figures.hasEnded })
        }
        #expect(figures.hasEnded)
    }
}
