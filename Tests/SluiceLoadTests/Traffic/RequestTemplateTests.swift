import SluiceCore
import SluiceLoad
import Testing

@Suite struct RequestTemplateTests {
    private let run: RunID = {
        var random = SplitMix64(seed: 7)
        return RunID(using: &random)
    }()

    @Test func `ids are patched where they stand, and nothing else changes`() {
        let template = RequestTemplate(
            "a {{id}} b {{id:1}} c {{id:1}} {{other}} {{id:9}}", events: 2, run: run, thread: 5)
        template.number(from: 0xABC_DEF)
        let first = run.text(thread: 5, number: 0xABC_DEF)
        let second = run.text(thread: 5, number: 0xABC_DF0)
        #expect(template.bytes.string == "a \(first) b \(second) c \(second) {{other}} {{id:9}}")
        template.number(from: 1 << 40)
        #expect(template.bytes.string.contains(run.text(thread: 5, number: 1 << 40 + 1)))
        #expect(template.bytes.count == template.count)
    }

    @Test func `times are patched, too`() {
        let template = RequestTemplate("{{time}}|{{time}}", events: 1, run: run, thread: 0)
        template.setTime(milliseconds: 1_767_323_045_678)
        #expect(template.bytes.string == "2026-01-02T03:04:05.678Z|2026-01-02T03:04:05.678Z")
    }

    @Test func `an id is a UUID of version 4 that tells its thread and number`() throws {
        let text = run.text(thread: 0xABC, number: 0x1234_5678_9ABC)
        #expect(text.utf8.count == 36)
        #expect(text.hasSuffix("-8abc-123456789abc"))
        #expect(Array(text)[14] == "4")
        let found = try #require(Array("{\"id\":\"\(text)\"}".utf8).withBytes { run.find(in: $0) })
        #expect(found.thread == 0xABC && found.number == 0x1234_5678_9ABC)
    }

    @Test func `only ids of the run are found`() {
        func find(_ text: String) -> Bool { Array(text.utf8).withBytes { run.find(in: $0) != nil } }
        var random = SplitMix64(seed: 8)
        let other = RunID(using: &random)
        let own = run.text(thread: 1, number: 2)
        #expect(other.prefix != run.prefix)
        #expect(!find(other.text(thread: 1, number: 2)))
        #expect(!find(String(own.dropLast())))
        #expect(!find(run.prefix + "001-00000000000x"))
        #expect(!find(""))
        // A beginning that turns out to be none does not hide what follows.
        #expect(find(String(own.prefix(10)) + own))
        #expect(find(run.prefix + "zzz-" + own))
    }
}
