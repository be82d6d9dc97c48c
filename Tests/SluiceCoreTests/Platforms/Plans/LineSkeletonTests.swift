import Testing

@testable import SluiceCore

@Suite struct LineSkeletonTests {
    typealias Gap = LineSkeleton.Gap

    /// A skeleton that can be passed on.
    private final class Box {
        private let skeleton: LineSkeleton

        init?(_ text: Bytes, _ gaps: [Gap]) {
            guard let skeleton = LineSkeleton(text, gaps: gaps) else { return nil }
            self.skeleton = skeleton
        }

        func match(_ line: Bytes) -> Int? { skeleton.match(line) }
        subscript(gap: Int) -> Range<Int> { skeleton[gap] }
    }

    /// Whether the line fits a skeleton of `a<gap>"z`, and what stands in the gap.
    private func find(_ inside: String, _ kind: LineSkeleton.Kind, rest: String = "\"z") throws -> String? {
        let learned = kind == .time ? "03:04:05.678Z" : kind == .number ? "7" : "text"
        let skeleton = try #require(
            Array("a\(learned)\"z".utf8).withBytes {
                Box($0, [Gap(start: 1, count: learned.utf8.count, kind: kind)])
            })
        var found: String?
        GuardedMemory.with(Array("a\(inside)\(rest)".utf8)) { line in
            if let end = skeleton.match(line), end == inside.utf8.count + 3 { found = line[skeleton[0]].string }
        }
        return found
    }

    @Test(arguments: ["x", "0123456789abcdef", "a longer text than sixteen bytes"])
    func texts(_ text: String) throws {
        #expect(try find(text, .text) == text && find(text, .textOrNothing) == text)
        for rest in ["", "\"", "z", "\"y", "\\\"z"] { #expect(try find(text, .text, rest: rest) == nil) }
    }

    @Test func textsThatAreNotPlain() throws {
        for text in [#"\n"#, "é", "\u{1}", #"a\""#, "a\"b"] {
            #expect(try find(text, .text) == nil && find(text, .textOrNothing) == nil, "\(text)")
        }
        #expect(try find("", .text) == nil && find("", .textOrNothing) == "")
    }

    @Test func numbers() throws {
        for text in ["1", "9", "10", "123456789"] { #expect(try find(text, .number) == text) }
        for text in ["", "0", "01", "1234567890", "-1", "1.5", "1e3", "x"] {
            #expect(try find(text, .number) == nil, "\(text)")
        }
    }

    /// As `EncodingPlan.timeOfDay` has them, which reads what was found.
    @Test func times() throws {
        let text = Array("23:59:59.999Z".utf8)
        var count = 0
        for place in text.indices {
            for byte in UInt8.min..<0x80 {
                var other = text
                other[place] = byte
                let time = other.withBytes { EncodingPlan.timeOfDay($0, 0) }
                let string = String(decoding: other, as: UTF8.self)
                #expect(try find(string, .time) == (time == nil ? nil : string), "\(string)")
                if time != nil { count += 1 }
            }
        }
        #expect(count > 50)
        #expect(try find("23:59:59.99Z", .time) == nil && find("", .time) == nil)
    }

    @Test func severalGaps() throws {
        let line = Array(#"{"a":"x","b":12,"c":""}"#.utf8)
        let gaps = [
            Gap(start: 6, count: 1, kind: .text), Gap(start: 13, count: 2, kind: .number),
            Gap(start: 21, count: 0, kind: .textOrNothing),
        ]
        let skeleton = try #require(line.withBytes { Box($0, gaps) })
        Array(#"{"a":"other","b":7,"c":"more"}behind"#.utf8).withBytes { line in
            #expect(skeleton.match(line) == line.count - 6)
            #expect((0..<3).map { line[skeleton[$0]].string } == ["other", "7", "more"])
        }
        for other in [#"{"a":"x","b":12,"d":""}"#, #"{"a":"x","b":12,"c":"}"#, #"{"a":"x","b":12,"c":"""#, ""] {
            #expect(Array(other.utf8).withBytes { skeleton.match($0) } == nil, "\(other)")
        }
    }

    @Test func gapsOutOfOrderMakeNone() {
        let wrong = [
            [Gap(start: 2, count: 2, kind: .text), Gap(start: 3, count: 1, kind: .text)],
            [Gap(start: 3, count: 9, kind: .text)], [Gap(start: -1, count: 1, kind: .text)],
        ]
        for gaps in wrong { #expect(Box(Bytes("abcdef"), gaps) == nil) }
        #expect(Box(Bytes(""), []) == nil)
    }
}
