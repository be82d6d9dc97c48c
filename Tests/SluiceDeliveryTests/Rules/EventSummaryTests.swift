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

    // MARK: heads

    /// What a line's head decides it decides for every line with that head: the summary of one that fits says so.
    @Test func headsDecideForOtherLines() {
        let lines = [
            eventLine("e-1"), eventLine("e-2", network: "topsort"),
            eventLine("e-3", type: "purchase", network: "gowit"),
            eventLine("e-4", source: "other"), #"{"id":"a","type":"click"}"#,
            #"{"id":"a","type":"click","x":"y","z":1}"#,
            #"{"type":"click","network":"n","id":"late"}"#, #"{"id":"a","id":"b","type":"click","network":"n"}"#,
            #"{"id":"a","type":"click","source":"s"#, #"{"id":"a","type":"click","x":"#,
            #"{"id":"a\"b","type":"click",}"#,
        ]
        let texts = ["", "x", "e-9", "topsort", "2026", #"\""#, "é"]
        var fitting = 0
        for line in lines {
            let bytes = Array(line.utf8)
            bytes.withBytes { line in
                guard let summary = EventSummary(line), summary.headCount > 0 else { return }
                var decisions = HeadDecisions()
                let places = summary.texts(in: line)
                decisions.remember(true, head: line[0..<summary.headCount], texts: places)
                for place in places {
                    for text in texts {
                        var other = bytes
                        other.replaceSubrange(place, with: Array(text.utf8))
                        other.withBytes { other in
                            guard decisions.decision(other) != nil else { return }
                            fitting += 1
                            let found = EventSummary(other)
                            #expect(found?.type == summary.type, "\(other.string)")
                            #expect(found?.source.equals(summary.source) == true, "\(other.string)")
                            #expect(found?.network.equals(summary.network) == true, "\(other.string)")
                        }
                    }
                }
            }
        }
        #expect(fitting > 40)
    }

    @Test func headsEndWhereNothingMoreIsRead() {
        func head(_ line: String) -> String? {
            Array(line.utf8).withBytes { line in EventSummary(line).map { line[0..<$0.headCount].string } }
        }
        #expect(
            head(#"{"id":"a","type":"click","network":"n","user":{}}"#) == #"{"id":"a","type":"click","network":"n""#)
        #expect(head(#"{"id":"a","type":"click","user":{}}"#) == #"{"id":"a","type":"click","user":{"#)
        #expect(head(#"{"id":"a","type":"click"}"#) == #"{"id":"a","type":"click"}"#)
        #expect(head(#"{"id":"a","type":"click""#) == "")
        #expect(head(#"{"id":"a","type":"click","source":"open"#) == "", "more text would be another source")
    }
}
