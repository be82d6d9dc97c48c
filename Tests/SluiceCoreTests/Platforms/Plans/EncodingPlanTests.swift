import Testing

@testable import SluiceCore

/// Encoding with plans beside encoding without: an encoder that has seen other lines before says the same of a line
/// as one that has seen none.
@Suite struct EncodingPlanTests {
    /// 2026-06-01T00:00:00Z
    private static let later: Int64 = 1_780_272_000_000

    private static let impression = [
        #"{"id":"e-1","type":"impression","occurred_at":"2026-01-02T03:04:05.678Z","#,
        #""received_at":"2026-01-02T03:04:06.001Z","source":"shop","platform":"topsort","network":"topsort","#,
        #""session_id":"s","user":{"id":"u-1","customer_id":"c","region":""},"#,
        #""ad":{"id":"bid-1","click_id":"k","campaign_id":"camp"},"#,
        #""placement":{"path":"/a","position":3,"page":1,"page_size":24,"category_ids":["x"],"search_query":"q"},"#,
        #""page":{"type":"home","id":"p","value":"v"},"object":{"type":"listing","asset_id":"as"},"#,
        #""entity":{"type":"product","id":"ent"},"#,
        #""context":{"page_url":"https://a/","ip":"1.2.3.0","device_type":"mobile","channel":"onsite","gpc":true},"#,
        #""ext":{"topsort":{"externalVendorId":"v1"}}}"#,
    ].joined()

    private static func encode(_ line: String, _ encoder: TopsortEncoder, now: Int64 = later) -> String {
        encoder.begin(now: now)
        let result = Array(line.utf8).withBytes { encoder.add($0) }
        guard result == .added else { return "\(result)" }
        var request = OutgoingRequest()
        encoder.finish(into: &request)
        return request.body.bytes.string
    }

    /// Compares what an encoder makes of `line` behind `before` with what one makes of it that is new.
    private func compare(_ line: String, behind before: String, now: Int64 = later) {
        let encoder = TopsortEncoder()
        _ = EncodingPlanTests.encode(before, encoder, now: now)
        let fresh = EncodingPlanTests.encode(line, TopsortEncoder(), now: now)
        #expect(EncodingPlanTests.encode(line, encoder, now: now) == fresh, "\(line)")
    }

    // MARK: beside the encoder

    /// Every string and number of an event, changed to what is usual, unusual, or not the same kind of thing.
    @Test func anyValueMayBeAnyOther() {
        let original = EncodingPlanTests.impression
        let others = [
            #""x""#, #""""#, #""ä""#, #""a\"b""#, #""\u0000""#, #""home""#, #""desktop""#, "0", "7", "10", "1.0", "1e1",
            "12345678901", "-1", "null", "true", "[]", "{}", #""2026-01-02T03:04:05.679Z""#,
            #""2027-01-02T03:04:05.678Z""#, #""2026-01-02T23:59:60.000Z""#, #""2026-01-02T03:04:05Z""#,
            #""2026-01-02T24:04:05.678Z""#,
        ]
        var count = 0
        for match in original.matches(of: /:("[^"]*"|[0-9]+)/) {
            for other in others {
                var line = original
                line.replaceSubrange(match.1.startIndex..<match.1.endIndex, with: other)
                compare(line, behind: original)
                compare(original, behind: line)
                count += 1
            }
        }
        #expect(count > 20 * others.count)
    }

    @Test func anyByteMayBeMissing() {
        let bytes = Array(EncodingPlanTests.impression.utf8)
        for place in bytes.indices {
            var line = bytes
            line.remove(at: place)
            compare(String(decoding: line, as: UTF8.self), behind: EncodingPlanTests.impression)
            compare(String(decoding: bytes[..<place], as: UTF8.self), behind: EncodingPlanTests.impression)
        }
        compare(EncodingPlanTests.impression + " ", behind: EncodingPlanTests.impression)
        compare(EncodingPlanTests.impression + "x", behind: EncodingPlanTests.impression)
    }

    /// An event of the future is sent as of its receipt, whichever of the two came before.
    @Test func theTimeIsTheEarlierOne() {
        let line = EncodingPlanTests.impression
        let occurred: Int64 = 1_767_323_045_678
        for first in [occurred - 1, occurred, occurred + 1] {
            for second in [occurred - 1, occurred, occurred + 1] {
                let encoder = TopsortEncoder()
                _ = EncodingPlanTests.encode(line, encoder, now: first)
                let fresh = EncodingPlanTests.encode(line, TopsortEncoder(), now: second)
                #expect(EncodingPlanTests.encode(line, encoder, now: second) == fresh)
                #expect(fresh.contains(second < occurred ? "03:04:06.001Z" : "03:04:05.678Z"))
            }
        }
    }

    @Test func randomEventsInOneEncoder() {
        let seed: UInt64 = 20_261_122
        var generator = SeededGenerator(seed: seed)
        let encoder = TopsortEncoder()
        for round in 0..<400 {
            for line in DecoderHarness.topsort().send(RandomTopsort.request(&generator)).lines {
                let fresh = EncodingPlanTests.encode(line, TopsortEncoder())
                // Twice: with a plan of other lines, and with one of its own.
                #expect(EncodingPlanTests.encode(line, encoder) == fresh, "seed \(seed), round \(round)")
                #expect(EncodingPlanTests.encode(line, encoder) == fresh, "seed \(seed), round \(round)")
            }
        }
    }

    @Test func afterFiftyOfAKindThereIsNoRoom() {
        let encoder = TopsortEncoder()
        encoder.begin(now: EncodingPlanTests.later)
        let line = Array(EncodingPlanTests.impression.utf8)
        for _ in 0..<CoreLimits.topsortArrayMax { #expect(line.withBytes { encoder.add($0) } == .added) }
        #expect(line.withBytes { encoder.add($0) } == .full)
    }

    // MARK: the plan

    /// Values that may differ are found; without this the tests above could pass with plans that never fit.
    @Test func aPlanFitsWhatDiffersInItsValues() throws {
        let first = EncodingPlanTests.impression
        var plans = LinePlans<EncodingPlan>()
        let plan = try #require(EncodingPlanTests.plan(of: first))
        plans.add(plan)
        let second =
            first.replacing("e-1", with: "another").replacing("u-1", with: "someone").replacing("bid-1", with: "b")
            .replacing(#""position":3"#, with: #""position":12"#).replacing("03:04:05.678", with: "23:59:59.999")
            .replacing("03:04:06.001", with: "00:00:00.000").replacing("1.2.3.0", with: "9.9.9.0")
            .replacing(#""customer_id":"c""#, with: #""customer_id":"""#)
        #expect(Array(second.utf8).withBytes { plans.find($0) === plan })
        for text in ["mobile", "topsort\",\"network", "home", "v1", "listing", "2026-01-02", "shop"] {
            let other = first.replacing(text, with: "x" + text.dropFirst())
            #expect(Array(other.utf8).withBytes { plans.find($0) == nil }, "\(text)")
        }
    }

    private static func plan(of line: String) -> EncodingPlan? {
        let bytes = Array(line.utf8)
        return bytes.withBytes { line in
            var fields = EventFields()
            guard (try? CanonicalReader().parse(line, into: &fields)) != nil else { return nil }
            let recorder = EncodingRecorder()
            var out = ByteBuffer(capacity: 16)
            out.append("before")
            recorder.begin(at: out.count)
            TopsortEvent(json: JSONScratch(), nowMilliseconds: later, recorder: recorder)
                .write(.impressions, fields, &out)
            return recorder.plan(
                tag: 0, line: line, written: out.bytes[6..<out.count], fields,
                passedOver: [.sessionID, .userCustomerID, .adClickID, .contextIP, .contextPageURL], now: later)
        }
    }
}
