import SluiceCore
import SluiceSimulator
import Testing

@Suite struct TraceIDTests {
    @Test func `an id is written as a UUID and read back`() {
        var random = SplitMix64(seed: 1)
        for _ in 0..<1000 {
            let id = TraceID(using: &random)
            let text = id.description
            #expect(text.utf8.count == 36)
            #expect(Array(text.utf8)[14] == UInt8(ascii: "4"))
            #expect("89ab".contains(Array(text)[19]))
            #expect(TraceID(text) == id)
        }
        #expect(
            TraceID(high: 0x0123_4567_89ab_4def, low: 0x8123_4567_89ab_cdef).description
                == "01234567-89ab-4def-8123-456789abcdef")
    }

    @Test(arguments: [
        "", "01234567-89ab-4def-8123-456789abcde", "01234567-89ab-4def-8123-456789abcdef0",
        "0123456789ab-4def-8123-456789abcdef-", "01234567-89AB-4def-8123-456789abcdef",
    ])
    func `other texts are none`(text: String) {
        #expect(TraceID(text) == nil)
    }
}
