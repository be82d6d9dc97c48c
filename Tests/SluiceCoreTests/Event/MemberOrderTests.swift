import Testing

@testable import SluiceCore

/// Members are expected in the order of the event before; what comes otherwise is read all the same.
@Suite struct MemberOrderTests {
    static let members = [
        "\"id\":\"e-1\"", "\"occurredAt\":\"2026-01-02T03:04:05Z\"", "\"opaqueUserId\":\"u\"",
        "\"resolvedBidId\":\"b\"",
        "\"deviceType\":\"mobile\"", "\"channel\":\"onsite\"",
        "\"placement\":{\"path\":\"/p\",\"position\":3,\"page\":1,\"pageSize\":24,\"searchQuery\":\"é\"}",
        "\"externalCampaignId\":\"c\"",
    ]

    private func line(_ harness: DecoderHarness, _ event: String) -> String? {
        let outcome = harness.send("{\"impressions\":[\(event)]}")
        #expect(outcome.status == 204, "\(outcome.answer)")
        return outcome.lines.first
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func `order and white space change nothing`(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let harness = DecoderHarness.topsort()
        let expected = line(harness, "{\(MemberOrderTests.members.joined(separator: ","))}")
        for _ in 0..<300 {
            let members = MemberOrderTests.members.shuffled(using: &random)
            let (comma, space) = [(",", ""), (" ,", " "), (",", "\n"), (",  ", "\t")][random.next(below: 4)]
            var event = "{\(space)\(members.joined(separator: comma))\(space)}"
            if random.next(below: 3) == 0 { event = event.replacing("\":", with: "\"\(space):\(space)") }
            // The same name, spelled otherwise.
            if random.next(below: 3) == 0 { event = event.replacing("\"channel\"", with: "\"ch\\u0061nnel\"") }
            #expect(line(harness, event) == expected, "seed \(seed): \(event)")
        }
    }

    @Test func `a member that comes twice is refused in any order`() {
        let harness = DecoderHarness.topsort()
        for member in MemberOrderTests.members {
            var members = MemberOrderTests.members
            members.append(member)
            let outcome = harness.send("{\"impressions\":[{\(members.joined(separator: ","))}]}")
            #expect(outcome.status == 400)
            #expect(outcome.lines.isEmpty)
        }
    }

    /// At the end of a body there are fewer bytes than are compared at once.
    @Test func `members at the very end are found`() {
        let harness = DecoderHarness.native()
        for tail in ["", "}", "}]"] {
            let body = "[{\"type\":\"click\",\"user\":{\"id\":\"u\"},\"ad\":{\"id\":\"b\"}"
            let outcome = harness.send(body + tail)
            #expect((outcome.lines.count == 1) == (tail == "}]"))
        }
        #expect(harness.send("{\"type\":\"page_view\"}").lines.count == 1)
        #expect(harness.send("{\"type\":\"page_view\"").lines.isEmpty)
        #expect(harness.send("{\"type\":").lines.isEmpty)
        #expect(harness.send("{\"type\"").lines.isEmpty)
    }
}
