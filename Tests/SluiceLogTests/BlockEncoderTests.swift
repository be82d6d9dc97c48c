import SluiceCore
import Testing

@testable import SluiceLog

@Suite struct BlockEncoderTests {
    @Test func writesFingerprintsLowestByteFirst() {
        let block = openBlock(["a", "b"])
        block.fingerprints.truncate(to: 0)
        block.fingerprints.append(0x0807_0605_0403_0201)
        block.fingerprints.append(0xFF00_0000_0000_0080)
        let encoder = BlockEncoder(codec: .none)
        _ = encoder.encode(block, number: 1, firstEvent: 0)
        #expect(encoder.fingerprints.array == [1, 2, 3, 4, 5, 6, 7, 8, 0x80, 0, 0, 0, 0, 0, 0, 0xFF])
        // The next block's take their place.
        _ = encoder.encode(openBlock(["c"]), number: 2, firstEvent: 2)
        #expect(encoder.fingerprints.count == 8)
        block.fingerprints.truncate(to: 0)
        _ = encoder.encode(block, number: 3, firstEvent: 3)
        #expect(encoder.fingerprints.isEmpty)
    }

    @Test(arguments: [BlockCodec.zstd, .zlib])
    func whatWouldNotBecomeSmallerIsStoredAsItIs(codec: BlockCodec) {
        let encoder = BlockEncoder(codec: codec)
        let many = openBlock((0..<20).map { "id \($0)" })
        let stored = encoder.encode(many, number: 1, firstEvent: 0)
        #expect(stored.codec == codec && stored.payload.count < many.payload.count)
        let one = openBlock([])
        one.payload.append("0123456789\n")
        one.finishEvent(receivedMilliseconds: 1)
        let short = encoder.encode(one, number: 2, firstEvent: 20)
        #expect(short.codec == .none && short.payload == one.payload.bytes.array)
    }
}
