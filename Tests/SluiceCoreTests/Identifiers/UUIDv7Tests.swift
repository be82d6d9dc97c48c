import Foundation
import SluiceCore
import Testing

@Suite struct UUIDv7Tests {
    private func next(_ generator: inout UUIDv7Generator, at milliseconds: Int64) -> String {
        var buffer = ByteBuffer(capacity: 36)
        generator.append(into: &buffer, milliseconds: milliseconds)
        return buffer.bytes.string
    }

    private func time(of uuid: String) -> Int64 {
        Int64(uuid.replacing("-", with: "").prefix(12), radix: 16)!
    }

    @Test func hasTheFormOfVersion7() throws {
        var generator = UUIDv7Generator()
        for index in 0..<1000 {
            let milliseconds: Int64 = 1_767_323_045_678 + Int64(index * 7919)
            let text = next(&generator, at: milliseconds)
            #expect(text.utf8.count == 36)
            #expect(text == text.lowercased())
            let uuid = try #require(UUID(uuidString: text)).uuid
            #expect(uuid.6 >> 4 == 7)
            #expect(uuid.8 >> 6 == 0b10)
            #expect(time(of: text) == milliseconds)
        }
    }

    @Test func textAndNumbersAgree() {
        var one = UUIDv7Generator(seed: 7)
        var other = UUIDv7Generator(seed: 7)
        for index in 0..<100 {
            let id = one.next(milliseconds: Int64(index))
            func hex(_ value: UInt64) -> String {
                let digits = String(value, radix: 16)
                return String(repeating: "0", count: 16 - digits.count) + digits
            }
            #expect(next(&other, at: Int64(index)).replacing("-", with: "") == hex(id.high) + hex(id.low))
        }
    }

    @Test func growsStrictlyWhateverTheClockDoes() {
        var generator = UUIDv7Generator()
        var random = SeededRandom(seed: 1)
        var clock: Int64 = 1_767_323_045_678
        var last = ""
        var latest: Int64 = 0
        for _ in 0..<50_000 {
            // Mostly stands still, sometimes goes on, sometimes back.
            clock += [0, 0, 0, 0, 1, 5, -3, -1000].randomElement(using: &random)!
            latest = max(latest, clock)
            let text = next(&generator, at: clock)
            if text <= last || time(of: text) != latest { Issue.record("\(text) after \(last)") }
            last = text
        }
    }

    @Test func aCounterThatRunsOutBorrowsTheNextMillisecond() {
        var generator = UUIDv7Generator(seed: 3, counterBits: 4)
        var last = generator.next(milliseconds: 5)
        for _ in 0..<100 {
            let id = generator.next(milliseconds: 5)
            if (id.high, id.low) <= last { Issue.record("out of order") }
            last = id
        }
        // At least eight ids in the first millisecond, sixteen in each after it.
        #expect((10...11).contains(last.high >> 16))
        // When the clock has caught up, it is followed again.
        #expect(generator.next(milliseconds: 100).high >> 16 == 100)
    }

    @Test func generatorsDoNotMeet() {
        var seen = Set<String>()
        for _ in 0..<50 {
            var generator = UUIDv7Generator()
            for _ in 0..<400 { seen.insert(next(&generator, at: 1_767_323_045_678)) }
        }
        #expect(seen.count == 50 * 400)
    }

    @Test func wildClocksAreHeldWithin48Bits() {
        var early = UUIDv7Generator()
        #expect(next(&early, at: -5).hasPrefix("00000000-0000-7"))
        var late = UUIDv7Generator()
        #expect(next(&late, at: .max).hasPrefix("ffffffff-ffff-7"))
    }
}
