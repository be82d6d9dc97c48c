import Foundation
import Testing

@testable import SluiceCore

private let fixtures = Fixture.all("native") + Fixture.all("topsort")

@Suite struct FixtureTests {
    @Test func foundAll() { #expect(fixtures.count >= 24) }

    @Test(arguments: fixtures)
    func replay(_ fixture: Fixture) throws {
        let harness = fixture.harness()
        let outcome = fixture.send(harness)
        let answer = outcome.contentType == .gif ? "(gif)" : outcome.answer
        if Fixture.isRecording {
            return try fixture.record(status: outcome.status, answer: answer, events: outcome.lines)
        }
        #expect(outcome.status == fixture.status)
        #expect(answer == fixture.answer)
        #expect(outcome.lines == fixture.events)
        for line in outcome.lines { #expect(foundation(line) is NSDictionary) }
        #expect(answer.isEmpty || answer == "(gif)" || foundation(answer) is NSDictionary)
    }

    /// A body cut anywhere is refused in the platform's form and leaves the block as it was;
    /// except that one event per line is whole where a line ends.
    @Test(arguments: fixtures)
    func truncatedAnywhere(_ fixture: Fixture) {
        let body = Array(fixture.body.utf8)
        let harness = fixture.harness()
        let isLines = fixture.name.hasPrefix("lines")
        for count in 0..<body.count {
            let outcome = fixture.send(harness, body: Array(body[..<count]))
            if body[count...].allSatisfy({ $0 == 0x0A || $0 == 0x20 }) { continue }
            #expect(foundation(outcome.answer) is NSDictionary, "cut at \(count)")
            guard !isLines else { continue }
            #expect(outcome.status == 400 || outcome.status == 422, "cut at \(count)")
            #expect(outcome.lines.isEmpty, "cut at \(count)")
        }
        if !isLines { #expect(harness.block.mark.bytes == 0) }
        #expect(harness.block.mark.filterHashes == 0 || isLines)
        #expect(harness.block.mark.fingerprints == 0 || isLines)
    }

    /// Whatever a byte becomes, the answer is well formed and what was kept is canonical.
    @Test(arguments: fixtures)
    func mutatedAnywhere(_ fixture: Fixture) {
        let body = Array(fixture.body.utf8)
        var generator = SeededGenerator(seed: 0x51_0CE)
        let reader = CanonicalReader()
        var fields = EventFields()
        // Foundation cannot hold a number such as 1e99999, which JSON allows.
        let hasExponents = fixture.name == "rule_exponent"
        let changesPerByte = max(1, min(4, 600 / max(1, body.count)))
        for index in body.indices {
            for _ in 0..<changesPerByte {
                var changed = body
                changed[index] = UInt8.random(in: 0...255, using: &generator)
                let harness = fixture.harness()
                let outcome = fixture.send(harness, body: changed)
                #expect(
                    [200, 202, 204, 400, 413, 422].contains(outcome.status), "\(index) \(changed[index])")
                if outcome.contentType == .json {
                    #expect(foundation(outcome.answer) is NSDictionary, "\(index) \(changed[index])")
                }
                for line in outcome.lines {
                    #expect(hasExponents || foundation(line) is NSDictionary, "\(index) \(changed[index])")
                    #expect(throws: Never.self, "\(index) \(changed[index])") {
                        try Array(line.utf8).withBytes { bytes throws(CanonicalError) in
                            try reader.parse(bytes, into: &fields)
                        }
                    }
                }
            }
        }
    }

    /// Queries, too, may be cut and changed anywhere.
    @Test(arguments: fixtures.filter { !$0.query.isEmpty })
    func mutatedQueries(_ fixture: Fixture) {
        let query = Array(fixture.query.utf8)
        var generator = SeededGenerator(seed: 7)
        let harness = fixture.harness()
        for index in query.indices {
            _ = fixture.send(harness, query: String(decoding: query[..<index], as: UTF8.self))
            for _ in 0..<8 {
                var changed = query
                changed[index] = UInt8.random(in: 0...127, using: &generator)
                let outcome = fixture.send(harness, query: String(decoding: changed, as: UTF8.self))
                #expect(outcome.contentType == .gif || foundation(outcome.answer) is NSDictionary)
                for line in outcome.lines { #expect(foundation(line) is NSDictionary) }
            }
        }
    }
}
