import SluiceSimulator
import Testing

/// From a platform's request to every destination.
@Suite(.serialized) struct DeliveryTests {
    @Test(.timeLimit(.minutes(1)))
    func `a Topsort request reaches Topsort and the webhook`() throws {
        let gateway = try TestGateway()
        let body = """
            {"impressions":[{"id":"imp-1","occurredAt":"2026-01-02T03:04:05+01:00","opaqueUserId":"u",
            "resolvedBidId":"bid-1","placement":{"path":"/search?q=1","position":1}}],"clicks":[],
            "purchases":[{"id":"order-1","occurredAt":"2026-01-02T03:04:06Z","opaqueUserId":"u",
            "items":[{"productId":"p","unitPrice":12.50,"quantity":2}],"surprise":true}]}
            """
        let answer = try gateway.client().request(
            "POST", "/topsort/v2/events",
            headers: [
                ("Authorization", "Bearer \(gateway.cast.sourceKey)"),
                ("Content-Type", "application/json; charset=utf-8"), ("X-UA", "@topsort/sdk"),
            ], body: Array(body.utf8))
        #expect(answer.status == 204)
        #expect(answer.body.isEmpty)

        let figures = try gateway.settled(events: 2)
        for server in [gateway.cast.topsort, gateway.cast.warehouse] {
            #expect(server.standIn.ledger.received("imp-1") == 1)
            #expect(server.standIn.ledger.received("order-1") == 1)
            #expect(server.standIn.ledger.refusals == [])
        }
        #expect(figures.destinations.map(\.delivered) == [2, 2])
        #expect(figures.destinations.map(\.isBalanced) == [true, true])
        #expect(gateway.stop() == .exited(code: 0))
    }

    @Test(.timeLimit(.minutes(1)))
    func `a refused request leaves the others alone`() throws {
        let gateway = try TestGateway()
        let client = try gateway.client()
        func post(_ body: String, key: String) throws -> HTTPClientAnswer {
            try client.request(
                "POST", "/topsort/v2/events",
                headers: [("Authorization", "Bearer \(key)"), ("Content-Type", "application/json")],
                body: Array(body.utf8))
        }
        func event(_ id: String) -> String {
            "{\"clicks\":[{\"id\":\"\(id)\",\"occurredAt\":\"2026-01-02T03:04:05Z\",\"opaqueUserId\":\"u\"}]}"
        }
        let key = gateway.cast.sourceKey
        #expect(try post(event("first"), key: key).status == 204)
        let refused = try post("{\"clicks\":[{\"id\":\"bad\"}]}", key: key)
        #expect([400, 422].contains(refused.status))
        #expect(PlainJSON(refused.body)?["errCode"]?.string != nil)
        #expect(try post("{}", key: key).status == 400)
        #expect(try post(event("stranger"), key: "nobody").status == 401)
        #expect(try post(event("last"), key: key).status == 204)
        _ = try gateway.settled(events: 2)
        #expect(gateway.cast.warehouse.standIn.ledger.ids.sorted() == ["first", "last"])
        #expect(gateway.cast.topsort.standIn.ledger.ids.sorted() == ["first", "last"])
    }

    @Test(.timeLimit(.minutes(1)))
    func `one event that Topsort refuses does not take its batch with it`() throws {
        let gateway = try TestGateway()
        // A batch forms upstream while the platform is not there.
        gateway.cast.topsort.standIn.faults.play([FaultStep(.status(503), requests: 2)])
        let client = try gateway.client()
        var ids: [String] = []
        for index in 0..<20 {
            let id = "click-\(index)"
            let bid = index == 13 ? "unknown-13" : "bid-\(index)"
            if index != 13 { ids.append(id) }
            let body = """
                {"clicks":[{"id":"\(id)","occurredAt":"2026-01-02T03:04:05Z","opaqueUserId":"u",
                "resolvedBidId":"\(bid)"}]}
                """
            let answer = try client.request(
                "POST", "/topsort/v2/events",
                headers: [
                    ("Authorization", "Bearer \(gateway.cast.sourceKey)"),
                    ("Content-Type", "application/json"),
                ], body: Array(body.utf8))
            #expect(answer.status == 204)
        }
        let figures = try gateway.settled(events: 20)
        let topsort = try #require(figures.destinations.first { $0.name == "topsort" })
        #expect(topsort.delivered == 19)
        #expect(topsort.rejected == 1)
        #expect(gateway.cast.topsort.standIn.ledger.missing(of: ids) == [])
        #expect(gateway.cast.topsort.standIn.ledger.received("click-13") == 0)
        #expect(gateway.cast.warehouse.standIn.ledger.received("click-13") == 1)
    }
}
