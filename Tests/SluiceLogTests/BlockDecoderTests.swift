import SluiceCore
import Testing

@testable import SluiceLog

@Suite struct BlockDecoderTests {
    private func stored(_ codec: BlockCodec, events: Int = 50) -> StoredBlock {
        BlockEncoder(codec: codec).encode(
            openBlock((0..<events).map { "event-\($0)" }), number: 7, firstEvent: 100)
    }

    private func changed(
        _ block: StoredBlock, events: Int? = nil, codec: BlockCodec? = nil, rawSize: Int? = nil,
        checksum: UInt32? = nil, payload: [UInt8]? = nil
    ) -> StoredBlock {
        StoredBlock(
            number: block.number, firstEvent: block.firstEvent, eventCount: events ?? block.eventCount,
            firstReceivedMilliseconds: 0, lastReceivedMilliseconds: 0, codec: codec ?? block.codec,
            rawSize: rawSize ?? block.rawSize, checksum: checksum ?? block.checksum,
            payload: payload ?? block.payload)
    }

    @Test(arguments: BlockCodec.allCases)
    func bringsBackWhatWasEncoded(codec: BlockCodec) throws {
        let stored = stored(codec)
        #expect(stored.codec == codec)
        #expect(codec == .none || stored.payload.count < stored.rawSize)
        let block = try BlockDecoder().decode(stored)
        #expect(block.number == 7)
        #expect(block.firstEvent == 100)
        #expect(ids(of: block) == (0..<50).map { "event-\($0)" })
    }

    @Test func storesTinyBlocksAsTheyAre() throws {
        let block = OpenBlock(capacity: 16)
        block.payload.append("{}\n")
        block.finishEvent(receivedMilliseconds: 1)
        let stored = BlockEncoder(codec: .zstd).encode(block, number: 1, firstEvent: 0)
        #expect(stored.codec == .none)
        #expect(stored.payload == Array("{}\n".utf8))
        #expect(try BlockDecoder().decode(stored).eventCount == 1)
    }

    @Test(arguments: BlockCodec.allCases)
    func detectsEveryFlippedByte(codec: BlockCodec) {
        let stored = stored(codec, events: 5)
        let decoder = BlockDecoder()
        for index in stored.payload.indices {
            var payload = stored.payload
            payload[index] ^= 0x10
            #expect(throws: BlockDamage.checksum) { try decoder.decode(changed(stored, payload: payload)) }
        }
    }

    @Test(arguments: BlockCodec.allCases)
    func detectsATruncatedPayload(codec: BlockCodec) {
        let stored = stored(codec, events: 5)
        let decoder = BlockDecoder()
        for count in 0..<stored.payload.count {
            let payload = Array(stored.payload[0..<count])
            #expect(throws: BlockDamage.checksum) { try decoder.decode(changed(stored, payload: payload)) }
            // Even where the checksum was made anew.
            #expect(throws: BlockDamage.self) {
                try decoder.decode(
                    changed(stored, checksum: payload.withBytes { crc32c($0) }, payload: payload))
            }
        }
    }

    @Test(arguments: BlockCodec.allCases)
    func detectsWrongFigures(codec: BlockCodec) {
        let stored = stored(codec)
        let decoder = BlockDecoder()
        for size in [stored.rawSize - 1, stored.rawSize + 1, stored.rawSize * 2] {
            #expect(throws: BlockDamage.undecodable) { try decoder.decode(changed(stored, rawSize: size)) }
        }
        for events in [49, 51, 1] {
            #expect(throws: BlockDamage.wrongEventCount) {
                try decoder.decode(changed(stored, events: events))
            }
        }
        for size in [0, -1, Int.max, BlockDecoder.rawSizeMax + 1] {
            #expect(throws: BlockDamage.impossibleFigures) {
                try decoder.decode(changed(stored, rawSize: size))
            }
        }
        for events in [0, -1, Int.max] {
            #expect(throws: BlockDamage.impossibleFigures) {
                try decoder.decode(changed(stored, events: events))
            }
        }
        #expect(throws: BlockDamage.checksum) { try decoder.decode(changed(stored, checksum: 1)) }
    }

    @Test func detectsAnotherCodec() {
        let decoder = BlockDecoder()
        #expect(throws: BlockDamage.undecodable) { try decoder.decode(changed(stored(.zstd), codec: .zlib)) }
        #expect(throws: BlockDamage.undecodable) { try decoder.decode(changed(stored(.zlib), codec: .zstd)) }
        #expect(throws: BlockDamage.undecodable) {
            try decoder.decode(changed(stored(.zstd), codec: BlockCodec.none))
        }
    }

    @Test func detectsALineWithoutEnd() {
        let payload = Array("{}\n{}".utf8)
        let block = StoredBlock(
            number: 1, firstEvent: 0, eventCount: 2, firstReceivedMilliseconds: 0,
            lastReceivedMilliseconds: 0, codec: .none, rawSize: payload.count,
            checksum: payload.withBytes { crc32c($0) }, payload: payload)
        #expect(throws: BlockDamage.wrongEventCount) { try BlockDecoder().decode(block) }
    }
}
