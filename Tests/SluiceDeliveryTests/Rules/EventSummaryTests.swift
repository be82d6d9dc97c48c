import SluiceCore
import SluiceDelivery
import Testing

@Suite struct EventSummaryTests {
    private func summary<R>(_ line: String, _ body: (EventSummary?) -> R) -> R {
        Array(line.utf8).withBytes { body(EventSummary($0)) }
    }

    @Test func readsTheFieldsDeliveryNeeds() {
        summary(eventLine("a-1", type: "viewable_impression", source: "web", network: "gowit")) { event in
            #expect(event?.id.string == "a-1")
            #expect(event?.type == .viewableImpression)
            #expect(event?.source.string == "web")
            #expect(event?.network.string == "gowit")
        }
    }

    @Test func organicEventsHaveNoNetwork() {
        summary(eventLine("a-1")) { #expect($0?.network.isEmpty == true) }
    }

    @Test func aFieldOfANestedObjectIsNotTakenForTheEvents() {
        let line = #"{"id":"1","type":"click","user":{"network":"gowit"},"network":"vtex"}"#
        summary(line) { #expect($0?.network.isEmpty == true) }
    }

    @Test func escapedQuotesDoNotEndAnID() {
        summary(#"{"id":"a\"b\\","type":"purchase"}"#) { #expect($0?.id.string == #"a\"b\\"#) }
    }

    @Test func anIDsTextHasItsEscapesResolved() {
        summary(#"{"id":"a\"b\u00e9\ud83d\ude00","type":"purchase"}"#) { #expect($0?.idText == "a\"bé😀") }
        summary(#"{"id":"plain","type":"purchase"}"#) { #expect($0?.idText == "plain") }
        summary(#"{"id":"\q\ud83d","type":"purchase"}"#) { #expect($0?.idText == #"\q\ud83d"#) }
    }

    @Test(arguments: [
        "", "{", "[]", "{}", "null", #"{"id"#, #"{"id":"#, #"{"id":"x"#, #"{"id":"x\"#,
        #"{"id":"x","type":"sale"}"#,
        #"{"type":"click"}"#, #"{"id":1,"type":"click"}"#, #"{"id":"","type":"click"}"#,
        #"{"id" :"x","type":"click"}"#,
    ])
    func whatIsNoCanonicalLineIsNil(_ line: String) {
        summary(line) { #expect($0 == nil) }
    }

    @Test func everyPrefixOfALineIsSafe() {
        let line = eventLine("a\\u00e9", network: "topsort")
        for end in 0...line.utf8.count {
            summary(String(decoding: line.utf8.prefix(end), as: UTF8.self)) { _ in }
        }
    }
}
