import SluiceSimulator
import Testing

@Suite struct HTTPClientTests {
    private func serve(_ steps: [FaultStep] = []) throws -> (StandInServer, HTTPClient) {
        let server = try StandInServer(StandIn(EchoPlatform(), faults: FaultScript(steps)))
        return (server, HTTPClient(host: "127.0.0.1", port: server.port, timeoutMilliseconds: 300))
    }

    @Test func `requests follow each other on one connection`() throws {
        let (server, client) = try serve()
        defer { server.stop() }
        for id in ["a", "b", "c"] {
            #expect(try client.request("POST", "/", body: Array(id.utf8)).status == 204)
        }
        let stats = try client.request("GET", "/_stats")
        #expect(stats.status == 200)
        #expect(PlainJSON(stats.body)?["events"]?.integer == 3)
        #expect(stats.header("content-type") == "application/json")
    }

    @Test func `what goes wrong is told apart, and the next request connects anew`() throws {
        let (server, client) = try serve([
            FaultStep(.reset, requests: 1), FaultStep(.hang, requests: 1),
        ])
        defer { server.stop() }
        do {
            _ = try client.request("POST", "/", body: [97])
            Issue.record("an answer in spite of the reset")
        } catch {
            #expect(error.label == "broken" || error.label == "closed")
        }
        #expect(throws: HTTPClientError.timedOut) { try client.request("POST", "/", body: [97]) }
        #expect(try client.request("POST", "/", body: [97]).status == 204)
        #expect(server.standIn.ledger.received("a") == 1)
    }

    @Test func `a server that is gone is unreachable`() throws {
        let (server, client) = try serve()
        server.stop()
        do {
            _ = try client.request("GET", "/")
            Issue.record("an answer from nobody")
        } catch {
            #expect(error.label == "unreachable")
        }
    }

    @Test func `an address is read`() {
        #expect(HTTPClient(address: "127.0.0.1:80")?.port == 80)
        #expect(HTTPClient(address: "127.0.0.1") == nil)
        #expect(HTTPClient(address: "127.0.0.1:http") == nil)
    }
}
