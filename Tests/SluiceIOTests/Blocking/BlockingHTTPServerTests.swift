import SluiceIO
import Testing

@Suite struct BlockingHTTPServerTests {
    /// Starts a server, lends its address, stops it.
    private func withServer(
        _ options: BlockingServerOptions = BlockingServerOptions(),
        handler: @escaping @Sendable (SimpleRequest) -> SimpleResponse,
        _ body: (PeerAddress) throws -> Void
    ) throws {
        let server = try BlockingHTTPServer(name: "test", options: options, handler: handler)
        let port = try server.start(on: ListenAddress.parse("127.0.0.1:0"))
        defer { server.stop() }
        try body(PeerAddress(numeric: "127.0.0.1", port: port)!)
    }

    private static let echo: @Sendable (SimpleRequest) -> SimpleResponse = { request in
        let text =
            "\(request.methodText) \(request.path)?\(request.query) \(request.header("x-a") ?? "-") "
            + String(decoding: request.body, as: UTF8.self)
        return SimpleResponse(contentType: "text/plain", text: text)
    }

    @Test func keepsConnectionsAndReadsRequests() throws {
        try withServer(handler: Self.echo) { address in
            let client = try TestClient(address)
            try client.send(post("/p?q=1", "one", "X-A: v:w\r\n") + get("/two"))
            #expect(try client.answer().body == "POST /p?q=1 v:w one")
            #expect(try client.answer().body == "GET /two? - ")
            try client.send(
                "POST /c HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n")
            #expect(try client.answer().status == 100)
            try client.send("3\r\nabc\r\n0\r\n\r\n")
            #expect(try client.answer().body == "POST /c? - abc")
            let large = String(repeating: "z", count: 300_000)
            try client.send(post("/l", large, "Connection: close\r\n"))
            #expect(try client.answer().body == "POST /l? - " + large)
            client.expectEnd()
        }
    }

    @Test func refusesWhatIsWrong() throws {
        try withServer(BlockingServerOptions(bodyBytes: 10), handler: Self.echo) { address in
            let bad = try TestClient(address)
            try bad.send("nonsense\r\n\r\n")
            #expect(try bad.answer().status == 400)
            let large = try TestClient(address)
            try large.send(post("/", "01234567890"))
            #expect(try large.answer().status == 413)
        }
    }

    @Test func anIdleConnectionGivesWay() throws {
        let options = BlockingServerOptions(connections: 3, idleTimeoutMilliseconds: 60_000)
        try withServer(options, handler: Self.echo) { address in
            let clients = try (0..<3).map { _ in try TestClient(address) }
            for client in clients {
                try client.send(get("/"))
                #expect(try client.answer().status == 200)
            }
            let late = try TestClient(address)
            try late.send(get("/late"))
            #expect(try late.answer().body == "GET /late? - ")
            var goOn = 0
            for client in clients {
                do {
                    try client.send(get("/on"))
                    if try client.answer().status == 200 { goOn += 1 }
                } catch {}
            }
            #expect(goOn == 2, "one was closed, and only one")
        }
    }

    @Test func aBusyConnectionKeepsItsPlace() throws {
        let options = BlockingServerOptions(connections: 1, idleTimeoutMilliseconds: 60_000)
        try withServer(
            options,
            handler: { request in
                var response = Self.echo(request)
                response.delayMilliseconds = request.path == "/slow" ? 200 : 0
                return response
            }
        ) { address in
            let busy = try TestClient(address)
            try busy.send(get("/slow"))
            let late = try TestClient(address)
            try late.send(get("/late"))
            #expect(try busy.answer().body == "GET /slow? - ")
            #expect(try late.answer().body == "GET /late? - ")
            busy.expectEnd()
        }
    }

    @Test func timesOut() throws {
        let options = BlockingServerOptions(idleTimeoutMilliseconds: 100, requestTimeoutMilliseconds: 100)
        try withServer(options, handler: Self.echo) { address in
            let slow = try TestClient(address)
            try slow.send("GET / HT")
            #expect(try slow.answer().status == 408)
            try TestClient(address).expectEnd()
        }
    }

    @Test func playsFaults() throws {
        try withServer(handler: { request in
            var response = SimpleResponse(contentType: "text/plain", text: "0123456789")
            switch request.path {
            case "/reset": response.fault = .reset
            case "/truncate": response.fault = .truncate(bodyBytes: 4)
            case "/hang": response.fault = .hang
            default: response.delayMilliseconds = 20
            }
            return response
        }) { address in
            let reset = try TestClient(address)
            try reset.send(get("/reset"))
            #expect(throws: TestClient.Failure.self) { try reset.answer() }
            let short = try TestClient(address)
            try short.send(get("/truncate"))
            let bytes = try short.rest()
            #expect(String(decoding: bytes, as: UTF8.self).hasSuffix("\r\n\r\n0123"))
            let late = try TestClient(address)
            try late.send(get("/late"))
            #expect(try late.answer().body == "0123456789")
            // Hangs until the server stops, and does not keep it from stopping.
            let hung = try TestClient(address)
            try hung.send(get("/hang"))
            #expect(!hung.hasAnswer(withinMilliseconds: 50))
        }
    }

    @Test func connectionsOverTheCapWait() throws {
        try withServer(BlockingServerOptions(connections: 2), handler: Self.echo) { address in
            var clients = try (0..<4).map { _ in try TestClient(address) }
            for client in clients { try client.send(get("/")) }
            for client in clients[0..<2] { #expect(try client.answer().status == 200) }
            #expect(!clients[2].hasAnswer(withinMilliseconds: 50))
            clients.removeFirst(2)
            for client in clients { #expect(try client.answer().status == 200) }
        }
    }

    @Test func hundredsOfConnections() throws {
        try withServer(BlockingServerOptions(connections: 300), handler: Self.echo) { address in
            let clients = try (0..<300).map { _ in try TestClient(address) }
            for _ in 0..<3 {
                for client in clients { try client.send(get("/")) }
                for client in clients { #expect(try client.answer().status == 200) }
            }
        }
    }
}
