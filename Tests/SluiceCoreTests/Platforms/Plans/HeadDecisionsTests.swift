import SluiceCore
import Testing

@Suite struct HeadDecisionsTests {
    @Test func linesWithTheSameHeadAreDecidedAlike() {
        var decisions = HeadDecisions()
        Array(#"{"id":"a","type":"click","user":{}}"#.utf8).withBytes { line in
            #expect(decisions.decision(line) == nil)
            decisions.remember(true, head: line[0..<26], texts: [7..<8])
        }
        func decision(_ line: String) -> Bool? { Array(line.utf8).withBytes { decisions.decision($0) } }
        #expect(decision(#"{"id":"another","type":"click","user":{"id":"u"}}"#) == true)
        #expect(decision(#"{"id":"","type":"click","user":{"id":"u"}}"#) == nil, "which is no event")
        #expect(decision(#"{"id":"a","type":"clack","user":{}}"#) == nil)
        #expect(decision(#"{"id":"a","type":"cl"#) == nil)
        Array(#"{"id":"a","type":"view""#.utf8).withBytes {
            decisions.remember(false, head: $0, texts: [7..<8])
        }
        #expect(decision(#"{"id":"b","type":"view","x":1}"#) == false)
        #expect(decision(#"{"id":"b","type":"click","x":1}"#) == true)
    }

    @Test func longHeadsAreNotKept() {
        var decisions = HeadDecisions()
        let line = [UInt8](repeating: 0x61, count: 2000)
        line.withBytes { decisions.remember(true, head: $0, texts: []) }
        #expect(line.withBytes { decisions.decision($0) } == nil)
    }
}
