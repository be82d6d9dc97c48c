import SluiceSimulator
import Testing

/// A platform that takes every request and reads its body as one id.
struct EchoPlatform: StandInPlatform {
    let name = "echo"

    func judge(_ request: StandInRequest, nowMilliseconds: Int64) -> Judgement {
        let id = String(decoding: request.body, as: UTF8.self)
        return id == "bad"
            ? .refused("it is bad", answer: StandInAnswer(status: 400))
            : .taken([id], answer: StandInAnswer(status: 204))
    }

    func trouble(status: Int, message: String) -> StandInAnswer {
        .json(status: status, "{\"trouble\":true}")
    }
}

@Suite struct StandInTests {
    private let standIn = StandIn(EchoPlatform())

    private func send(_ id: String) -> StandInReply {
        standIn.respond(
            to: StandInRequest(method: "POST", path: "/", body: Array(id.utf8)), nowMilliseconds: 0)
    }

    private func answer(_ reply: StandInReply) throws -> StandInAnswer {
        guard case .answer(let answer, _) = reply else {
            throw TestFailure("no answer, but \(reply)")
        }
        return answer
    }

    private func administer(_ method: String, _ path: String, _ body: String = "") throws -> StandInAnswer {
        try answer(
            standIn.respond(
                to: StandInRequest(method: method, path: path, body: Array(body.utf8)), nowMilliseconds: 0))
    }

    @Test func `what is taken is counted by id`() throws {
        #expect(try answer(send("a")).status == 204)
        _ = send("b")
        _ = send("a")
        #expect(try answer(send("bad")).status == 400)
        #expect(standIn.ledger.received("a") == 2)
        #expect(standIn.ledger.received("b") == 1)
        #expect(standIn.ledger.received("bad") == 0)
        #expect(standIn.ledger.missing(of: ["a", "c", "b"]) == ["c"])
        let totals = standIn.ledger.totals
        #expect(totals.requests == 4)
        #expect(totals.requestsTaken == 3)
        #expect(totals.requestsRefused == 1)
        #expect(totals.events == 3)
        #expect(totals.ids == 2)
        #expect(totals.repeats == 1)
        #expect(standIn.ledger.refusals == ["it is bad"])
    }

    @Test func `requests are kept whole, with what was answered`() throws {
        standIn.faults.play([FaultStep(.status(503), requests: 1), FaultStep(.takeAndReset, requests: 1)])
        for id in ["a", "b", "c", "bad"] { _ = send(id) }
        let requests = standIn.ledger.requests
        #expect(requests.map { String(decoding: $0.request.body, as: UTF8.self) } == ["a", "b", "c", "bad"])
        #expect(requests.map(\.status) == [503, nil, 204, 400])
        for index in 0..<2500 { _ = send("\(index)") }
        #expect(standIn.ledger.requests.count == StandInLedger.requestsMax)
        #expect(standIn.ledger.requests.last?.request.body == Array("2499".utf8))
        let large = String(repeating: "x", count: StandInLedger.requestBytesMax / 3)
        for _ in 0..<9 { _ = send(large) }
        #expect(standIn.ledger.requests.count == 2)
        standIn.ledger.forget()
        #expect(standIn.ledger.requests.isEmpty)
    }

    @Test func `the ledger is bounded`() {
        let small = StandIn(EchoPlatform(), ledger: StandInLedger(idsMax: 2))
        for id in ["a", "b", "c", "a"] {
            _ = small.respond(
                to: StandInRequest(method: "POST", path: "/", body: Array(id.utf8)), nowMilliseconds: 0)
        }
        #expect(small.ledger.ids.sorted() == ["a", "b"])
        #expect(small.ledger.totals.unlisted == 1)
        #expect(small.ledger.totals.events == 4)
    }

    @Test func `a fault keeps the request from being taken`() throws {
        standIn.faults.play([
            FaultStep(.status(503), requests: 1), FaultStep(.reset, requests: 1),
            FaultStep(.hang, requests: 1), FaultStep(.status(500, body: "<html>"), requests: 1),
        ])
        let first = try answer(send("a"))
        #expect(first.status == 503)
        #expect(first.body == Array("{\"trouble\":true}".utf8))
        guard case .reset = send("a") else { throw TestFailure("no reset") }
        guard case .hang = send("a") else { throw TestFailure("no hang") }
        #expect(try answer(send("a")).body == Array("<html>".utf8))
        #expect(standIn.ledger.received("a") == 0)
        #expect(standIn.ledger.totals.faults == 4)
        #expect(try answer(send("a")).status == 204)
    }

    @Test func `an ambiguous request is taken and not answered`() throws {
        standIn.faults.play([FaultStep(.takeAndReset, latencyMilliseconds: 3, requests: 1)])
        guard case .reset(afterMilliseconds: 3) = send("a") else { throw TestFailure("no reset") }
        #expect(standIn.ledger.received("a") == 1)
    }

    @Test func `a rate limit says when to come back`() throws {
        standIn.faults.play([
            FaultStep(.rateLimit(limit: 9, retryAfterSeconds: 4), requests: 1),
            FaultStep(.rateLimit(limit: 9, retryAfterSeconds: nil), requests: 1),
        ])
        let headers = Dictionary(
            uniqueKeysWithValues: try answer(send("a")).headers.map { ($0.name, $0.value) })
        #expect(headers["retry-after"] == "4")
        #expect(headers["x-ratelimit-limit"] == "9")
        #expect(headers["x-ratelimit-remaining"] == "0")
        #expect(headers["x-ratelimit-reset"] == "4")
        #expect(try answer(send("a")).headers.contains { $0.name == "retry-after" } == false)
    }

    @Test func `other processes can drive it`() throws {
        let order = "{\"steps\":[{\"fault\":\"status\",\"status\":418,\"requests\":1}]}"
        #expect(try administer("POST", "/_control", order).status == 204)
        #expect(try answer(send("a")).status == 418)
        #expect(try answer(send("a")).status == 204)
        let ledger = try administer("GET", "/_ledger")
        #expect(ledger.body == Array("{\"id\":\"a\",\"count\":1}\n".utf8))
        let stats = PlainJSON(try administer("GET", "/_stats").body)
        #expect(stats?["requests"]?.integer == 2)
        #expect(stats?["faults"]?.integer == 1)
        #expect(try administer("POST", "/_control", "{\"forget\":true}").status == 204)
        #expect(standIn.ledger.totals == StandInLedger.Totals())
        #expect(try administer("POST", "/_control", "{").status == 400)
        #expect(try administer("GET", "/_nothing").status == 404)
    }
}

struct TestFailure: Error {
    let reason: String
    init(_ reason: String) { self.reason = reason }
}
