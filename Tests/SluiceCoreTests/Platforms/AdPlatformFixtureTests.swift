import Foundation
import Testing

@testable import SluiceCore

private let fixtures = Fixture.all("vtex") + Fixture.all("impact")

extension DecoderHarness {
    static func vtex(_ deduplicator: (any Deduplicator)? = nil) -> DecoderHarness {
        DecoderHarness(VtexDecoder(directory: nil, deduplicator: deduplicator, identifiers: UUIDv7Generator(seed: 1)))
    }

    static func impact() -> DecoderHarness { DecoderHarness(ImpactDecoder(identifiers: UUIDv7Generator(seed: 1))) }

    fileprivate static func of(_ fixture: Fixture) -> DecoderHarness { fixture.platform == "vtex" ? vtex() : impact() }
}

/// The fixtures of platforms whose answers are lists, or whose forms are whole wherever they are cut.
@Suite struct AdPlatformFixtureTests {
    @Test func foundAll() { #expect(fixtures.count >= 50) }

    @Test(arguments: fixtures)
    func replay(_ fixture: Fixture) throws {
        let outcome = fixture.send(.of(fixture))
        if Fixture.isRecording {
            return try fixture.record(status: outcome.status, answer: outcome.answer, events: outcome.lines)
        }
        #expect(outcome.status == fixture.status)
        #expect(outcome.answer == fixture.answer)
        #expect(outcome.lines == fixture.events)
        #expect(foundation(outcome.answer) != nil)
    }

    /// A request is taken whole or not at all, wherever its body is cut.
    @Test(arguments: fixtures)
    func truncatedAnywhere(_ fixture: Fixture) {
        let body = Array(fixture.body.utf8)
        let harness = DecoderHarness.of(fixture)
        for count in 0..<body.count {
            check(fixture.send(harness, body: Array(body[..<count])), "cut at \(count)")
        }
    }

    /// Whatever a byte becomes, the answer is well formed and what was kept is canonical.
    @Test(arguments: fixtures)
    func mutatedAnywhere(_ fixture: Fixture) {
        let body = Array(fixture.body.utf8)
        var generator = SeededGenerator(seed: 0x51_0CE)
        let harness = DecoderHarness.of(fixture)
        for index in body.indices {
            for _ in 0..<3 {
                var changed = body
                changed[index] = UInt8.random(in: 0...255, using: &generator)
                check(fixture.send(harness, body: changed), "\(index) \(changed[index])")
            }
        }
    }

    /// Queries, too, may be cut and changed anywhere; they are kept byte for byte.
    @Test(arguments: fixtures.filter { !$0.query.isEmpty && $0.status == 202 })
    func mutatedQueries(_ fixture: Fixture) {
        let query = Array(fixture.query.utf8)
        var generator = SeededGenerator(seed: 7)
        let harness = DecoderHarness.of(fixture)
        for index in query.indices {
            for _ in 0..<8 {
                var changed = query
                changed[index] = UInt8.random(in: 0...127, using: &generator)
                let text = String(decoding: changed, as: UTF8.self)
                let outcome = fixture.send(harness, query: text)
                check(outcome, text)
                let isPrintable = changed.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x23 }
                #expect(outcome.lines.isEmpty == !isPrintable)
                if let line = outcome.lines.first {
                    #expect(SluiceCoreTests.text(line, "ad.url") == "\(fixture.path)?\(text)")
                }
            }
        }
    }

    private let reader = CanonicalReader()

    private func check(_ outcome: DecoderHarness.Outcome, _ what: String) {
        var fields = EventFields()
        #expect([200, 202, 400, 404, 405, 415, 422].contains(outcome.status), "\(what)")
        #expect(foundation(outcome.answer) != nil, "\(what): \(outcome.answer)")
        #expect(outcome.lines.isEmpty == (outcome.status >= 300), "\(what)")
        for line in outcome.lines {
            #expect(foundation(line) is NSDictionary, "\(what)")
            #expect(throws: Never.self, "\(what)") {
                try Array(line.utf8).withBytes { bytes throws(CanonicalError) in
                    try reader.parse(bytes, into: &fields)
                }
            }
        }
    }
}
