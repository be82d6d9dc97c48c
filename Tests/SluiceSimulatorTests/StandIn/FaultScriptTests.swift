import SluiceSimulator
import Testing

@Suite struct FaultScriptTests {
    private let request = StandInRequest(method: "POST", path: "/")

    private func faults(_ script: FaultScript, at times: [Int64]) -> [Fault?] {
        times.map { script.decide(request, nowMilliseconds: $0).fault }
    }

    @Test func `an empty script is healthy`() {
        #expect(FaultScript().decide(request, nowMilliseconds: 0) == .healthy)
    }

    @Test func `steps last so many requests, one after another`() {
        let script = FaultScript([
            FaultStep(.status(503), requests: 2), FaultStep(.reset, latencyMilliseconds: 30, requests: 1),
        ])
        #expect(faults(script, at: [0, 1]) == [.status(503), .status(503)])
        #expect(
            script.decide(request, nowMilliseconds: 2)
                == FaultDecision(fault: .reset, latencyMilliseconds: 30))
        #expect(faults(script, at: [3, 4]) == [nil, nil])
        #expect(script.steps.isEmpty)
    }

    @Test func `a period begins with its first request`() {
        let script = FaultScript([FaultStep(.status(500), milliseconds: 100)])
        #expect(faults(script, at: [5000, 5099, 5100]) == [.status(500), .status(500), nil])
    }

    @Test func `a step without limits lasts until it is replaced`() {
        let script = FaultScript([FaultStep(.hang)])
        #expect(faults(script, at: [0, 1_000_000_000]) == [.hang, .hang])
        script.clear()
        #expect(faults(script, at: [1_000_000_001]) == [nil])
        script.play([FaultStep(.takeAndReset, requests: 1)])
        #expect(faults(script, at: [1_000_000_002, 1_000_000_003]) == [.takeAndReset, nil])
    }

    @Test func `a share meets some requests, and the same ones for the same seed`() {
        func draw(seed: UInt64) -> [Fault?] {
            let script = FaultScript([FaultStep(.reset, requests: 1000, share: 0.25)], seed: seed)
            return faults(script, at: (0..<1000).map { Int64($0) })
        }
        let met = draw(seed: 3).count { $0 != nil }
        #expect((150...350).contains(met))
        #expect(draw(seed: 3) == draw(seed: 3))
        #expect(draw(seed: 3) != draw(seed: 4))
    }

    @Test func `a rule decides by the request`() {
        let script = FaultScript()
        script.decide { request in
            FaultDecision(fault: request.body.isEmpty ? .reset : nil, latencyMilliseconds: 1)
        }
        #expect(faults(script, at: [0]) == [.reset])
        #expect(
            script.decide(
                StandInRequest(method: "POST", path: "/", body: [1]), nowMilliseconds: 0
            ).fault == nil)
    }

    @Test func `the control language knows every fault`() throws {
        let text = """
            {"forget":true,"steps":[{"fault":"none","latency_ms":5,"requests":1},
            {"fault":"status","status":503,"ms":2000},{"fault":"status","status":400,"body":"no"},
            {"fault":"rate_limit","limit":10,"retry_after":7},{"fault":"reset","share":0.5},
            {"fault":"take_and_reset"},{"fault":"hang"}]}
            """
        let order = try ControlOrder.parse(Array(text.utf8))
        #expect(order.forget)
        #expect(
            order.steps == [
                FaultStep(nil, latencyMilliseconds: 5, requests: 1),
                FaultStep(.status(503), milliseconds: 2000), FaultStep(.status(400, body: "no")),
                FaultStep(.rateLimit(limit: 10, retryAfterSeconds: 7)), FaultStep(.reset, share: 0.5),
                FaultStep(.takeAndReset), FaultStep(.hang),
            ])
    }

    @Test(arguments: [
        "", "[]", "{\"step\":[]}", "{\"steps\":[{}]}", "{\"steps\":[{\"fault\":\"fire\"}]}",
        "{\"steps\":[{\"fault\":\"status\"}]}", "{\"steps\":[{\"fault\":\"status\",\"status\":600}]}",
        "{\"steps\":[{\"fault\":\"reset\",\"requests\":0}]}",
    ])
    func `an order that makes no sense is refused`(text: String) {
        #expect(throws: ControlError.self) { try ControlOrder.parse(Array(text.utf8)) }
    }
}
