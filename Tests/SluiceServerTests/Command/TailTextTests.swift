import SluiceServer
import Testing

@Suite struct TailTextTests {
    private func make(_ line: String, asJSON: Bool = false) -> TailText.Line {
        TailText.make(Array(line.utf8)[...], asJSON: asJSON)
    }

    private static let event =
        #"{"id":"e1","type":"purchase","received_at":"2026-01-02T03:04:05.678Z","source":"shop","platform":"native","user":{"id":"event\":{"},"order":{"id":"o\n1","currency":"BRL","items":[{},{}]}}"#

    @Test func `an event is told in columns, or as it is stored`() {
        let line = #"{"kind":"event","sequence":"12.3","event":\#(Self.event)}"#
        guard case .shown(let text) = make(line) else {
            Issue.record("not shown")
            return
        }
        #expect(
            text.split(separator: " ").map(String.init) == [
                "2026-01-02T03:04:05.678Z", "12.3", "shop", "native", "purchase", "e1", "order=o?1", "items=2",
                "currency=BRL",
            ])
        #expect(make(line, asJSON: true) == .shown(Self.event))
    }

    @Test func `an outcome is told with its reason`() {
        let line =
            #"{"kind":"outcome","destination":"d","outcome":"rejected","status":422,"attempts":2,"reason":"bad\u001b[2J","sequence":"1.0","event":\#(Self.event)}"#
        guard case .shown(let text) = make(line) else {
            Issue.record("not shown")
            return
        }
        #expect(text.hasSuffix("422: bad?[2J (2 attempts)"))
        #expect(text.contains(" rejected "))
        #expect(make(line, asJSON: true) == .shown(line))
    }

    @Test func `a refusal is told with its counts`() {
        let line =
            #"{"kind":"refused","at":"2026-01-02T03:04:05.678Z","status":202,"platform":"native","source":"shop","path":"/v1/events","accepted":1,"rejected":2,"suppressed":7,"reason":"why"}"#
        guard case .shown(let text) = make(line) else {
            Issue.record("not shown")
            return
        }
        #expect(text.hasPrefix("2026-01-02T03:04:05.678Z  202  native    shop"))
        #expect(text.hasSuffix("2 of 3 events: why (and 7 more before it, not kept)"))
    }

    @Test func `an answer is told by its messages`() {
        func words(_ reason: String) -> String {
            let line = #"{"kind":"refused","at":"t","status":400,"platform":"p","path":"/","reason":"#
            guard case .shown(let text) = make(line + reason + "}") else { return "" }
            return String(text.split(separator: "/", maxSplits: 1)[1].drop { $0 == " " })
        }
        #expect(words(#""{\"rejected\":[{\"index\":0,\"message\":\"a\"},{\"message\":\"b\"}]}""#) == "a; b")
        #expect(words(#""{\"Status\":\"ERROR\",\"Message\":\"m\",\"Errors\":[{\"Message\":\"n\"}]}""#) == "n; m")
        #expect(words(#""{\"cut\":\"""#) == #"{"cut":""#)
    }

    @Test func `the rest is for standard error or for nobody`() {
        #expect(make(#"{"kind":"dropped","count":12}"#) == .remark("12 left out: they came faster than they were read"))
        #expect(make(#"{"kind":"end","reason":"the gateway stops"}"#) == .ended("the gateway stops"))
        #expect(make(#"{"kind":"heartbeat","at":"2026-01-02T03:04:05.678Z"}"#) == .nothing)
        #expect(make("nonsense") == .remark("not understood: nonsense"))
    }
}
