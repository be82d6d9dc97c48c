import Foundation
import SluiceServer
import SluiceSimulator
import Testing

/// "What became of it?", asked of the real binary.
@Suite(.serialized) struct TraceTests {
    private func trace(_ gateway: TestGateway, _ arguments: [String]) throws -> [TracedEvent] {
        let output = try Tool.run(
            TestGateway.binary, ["trace", "--config", gateway.configuration, "--json"] + arguments)
        return try #require(ReceiptJSON.decode(output))
    }

    @Test(.timeLimit(.minutes(2)))
    func `an order is found beside the running gateway and without one`() throws {
        let gateway = try TestGateway()
        let client = try gateway.client()
        func post(_ body: String) throws {
            let answer = try client.request(
                "POST", "/v1/events",
                headers: [
                    ("Authorization", "Bearer \(gateway.cast.sourceKey)"), ("Content-Type", "application/json"),
                ], body: Array(body.utf8))
            #expect(answer.status == 202)
        }
        let item = #"{"product_id":"p","quantity":1,"unit_price":0.10}"#
        try post(
            #"{"type":"purchase","id":"buy-1","user":{"id":"ana/ç"},"order":{"id":"1001","items":[\#(item)]}}"#)
        try post(#"{"type":"page_view","id":"see-1","user":{"id":"ana/ç"}}"#)
        _ = try gateway.settled(events: 2)

        func check(_ events: [TracedEvent]) {
            #expect(events.map(\.receipt.id) == ["buy-1"])
            guard let event = events.first else { return }
            #expect(event.receipt.type == "purchase" && event.receipt.platform == "native")
            #expect(String(decoding: event.line, as: UTF8.self).contains(#""unit_price":0.10"#))
            #expect(Set(event.receipt.destinations.map(\.destination)) == ["topsort", "warehouse"])
            for destination in event.receipt.destinations { #expect(destination.outcome == .delivered) }
        }
        // The record follows the deliveries by a moment.
        check(try trace(gateway, ["1001"]))
        let seen = try trace(gateway, ["ana/ç"])
        #expect(seen.map(\.receipt.id) == ["see-1", "buy-1"])
        #expect(seen.first?.receipt.destinations.first { $0.destination == "topsort" }?.outcome == .filtered)
        #expect(try trace(gateway, ["ana/ç", "--type", "page_view"]).map(\.receipt.id) == ["see-1"])
        #expect(try trace(gateway, ["ana/ç", "--limit", "1"]).count == 1)
        #expect(throws: TestFailure.self) { try trace(gateway, ["nobody"]) }

        // The books of this hour balance, or the command says so with its exit code.
        let text = String(
            decoding: try Tool.run(
                TestGateway.binary, ["status", "--config", gateway.configuration, "--hours", "2"]), as: UTF8.self)
        #expect(text.contains("HOUR (UTC)") && !text.contains("NOT BALANCE"))

        #expect(gateway.stop() == .exited(code: 0))
        check(try trace(gateway, ["buy-1"]))
        #expect(try trace(gateway, ["ana/ç"]).map(\.receipt.id) == ["see-1", "buy-1"])
        #expect(throws: TestFailure.self) { try trace(gateway, ["nobody"]) }
    }

    @Test(.timeLimit(.minutes(2)))
    func `the record outlives a crash and the books balance`() throws {
        let gateway = try TestGateway()
        let traffic = gateway.traffic(seed: 5, events: 400)
        traffic.start()
        traffic.wait()
        try gateway.crash()
        try gateway.restart()
        _ = try gateway.settled(events: 1)
        let admin = try #require(HTTPClient(address: gateway.run.admin))
        try eventually("the books by hour are complete") {
            let answer = try admin.request("GET", "/api/status?hours=3", headers: [], body: [])
            guard let document = AdminJSON.decode(StatusDocument.self, from: answer.body) else { return false }
            #expect(document.status.hours.allSatisfy(\.balanced), "\(document.status.hours)")
            let pending = document.status.hours.reduce(0) { $0 + $1.pending }
            let accepted = document.status.hours.reduce(0) { $0 + $1.accepted }
            return !document.status.hours.isEmpty && pending == 0 && accepted == 2 * document.status.log.events
        }
        let missing = try admin.request("GET", "/api/events/nobody", headers: [], body: [])
        #expect(missing.status == 404 && String(decoding: missing.body, as: UTF8.self).contains("not_found"))
    }
}
