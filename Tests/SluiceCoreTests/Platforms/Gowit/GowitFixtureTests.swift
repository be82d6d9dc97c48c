import Foundation
import Testing

@testable import SluiceCore

private let fixtures = Fixture.all("gowit")

extension DecoderHarness {
    static func gowit(_ deduplicator: (any Deduplicator)? = nil) -> DecoderHarness {
        DecoderHarness(GowitDecoder(deduplicator: deduplicator, identifiers: UUIDv7Generator(seed: 1)))
    }
}

@Suite struct GowitFixtureTests {
    @Test func foundAll() { #expect(fixtures.count >= 27) }

    @Test(arguments: fixtures)
    func replay(_ fixture: Fixture) throws {
        let outcome = fixture.send(.gowit())
        if Fixture.isRecording {
            return try fixture.record(status: outcome.status, answer: outcome.answer, events: outcome.lines)
        }
        #expect(outcome.status == fixture.status)
        #expect(outcome.answer == fixture.answer)
        #expect(outcome.lines == fixture.events)
        #expect(outcome.noStore == (fixture.method == .get))
        check(outcome)
    }

    /// A body cut anywhere is refused in the platform's form, and leaves the block as it was.
    @Test(arguments: fixtures.filter { !$0.body.isEmpty })
    func truncatedAnywhere(_ fixture: Fixture) {
        let body = Array(fixture.body.utf8)
        let harness = DecoderHarness.gowit()
        for count in 0..<body.count {
            let outcome = fixture.send(harness, body: Array(body[..<count]))
            #expect(outcome.status == 400, "cut at \(count)")
            #expect(foundation(outcome.answer) is NSDictionary, "cut at \(count)")
        }
        #expect(harness.block.mark.bytes == 0)
        #expect(harness.block.mark.fingerprints == 0)
        #expect(harness.block.mark.filterHashes == 0)
    }

    /// Whatever a byte becomes, the answer is well formed and what was kept is canonical.
    @Test(arguments: fixtures)
    func mutatedAnywhere(_ fixture: Fixture) {
        var generator = SeededGenerator(seed: 0x60_317)
        let body = Array(fixture.body.utf8)
        for index in body.indices {
            for _ in 0..<4 {
                var changed = body
                changed[index] = UInt8.random(in: 0...255, using: &generator)
                check(fixture.send(.gowit(), body: changed))
            }
        }
        let query = Array(fixture.query.utf8)
        for index in query.indices {
            check(fixture.send(.gowit(), query: String(decoding: query[..<index], as: UTF8.self)))
            for _ in 0..<8 {
                var changed = query
                changed[index] = UInt8.random(in: 0...127, using: &generator)
                check(fixture.send(.gowit(), query: String(decoding: changed, as: UTF8.self)))
            }
        }
    }

    private func check(_ outcome: DecoderHarness.Outcome) {
        if outcome.status == 204 {
            #expect(outcome.answer.isEmpty)
            #expect(!outcome.lines.isEmpty)
        } else {
            #expect(outcome.status == 400)
            #expect(outcome.lines.isEmpty)
            let answer = foundation(outcome.answer) as? [String: Any]
            #expect(answer?["message"] is String)
            #expect(answer?["code"] is String)
            #expect(answer?["details"] is [String: String])
        }
        let reader = CanonicalReader()
        var fields = EventFields()
        for line in outcome.lines {
            #expect(foundation(line) is NSDictionary)
            #expect(throws: Never.self) {
                try Array(line.utf8).withBytes { bytes throws(CanonicalError) in
                    try reader.parse(bytes, into: &fields)
                }
            }
        }
    }
}
