import SluiceCore

/// Turns the block a shard filled into the row that is stored.
///
/// Owner: the log thread. The buffers are reused; the one copy made is the stored payload itself,
/// which the readers share.
final class BlockEncoder {
    private let codec: BlockCodec
    private var compressor: BlockCompressor
    private var compressed = ByteBuffer(capacity: 1 << 20)
    private var filterBytes = ByteBuffer(capacity: 1 << 16)
    private var fingerprintBytes = ByteBuffer(capacity: 1 << 16)

    init(codec: BlockCodec) {
        self.codec = codec
        compressor = BlockCompressor()
    }

    /// The filter over the ids of the block encoded last. Ends with the next.
    var filter: Bytes { filterBytes.bytes }
    /// The fingerprints of the block encoded last, as they are stored. End with the next.
    var fingerprints: Bytes { fingerprintBytes.bytes }

    /// Compresses and checksums `block`, and leaves its `filter` and its `fingerprints` here.
    func encode(_ block: OpenBlock, number: Int64, firstEvent: Int64) -> StoredBlock {
        BloomFilter.write(block.filterHashes, into: &filterBytes)
        fingerprintBytes.removeAll()
        block.fingerprints.appendLittleEndian(to: &fingerprintBytes)
        let raw = block.payload.bytes
        compressed.removeAll()
        let isSmaller =
            codec != .none
            && compressor.compress(raw, with: codec, into: &compressed)
            && compressed.count < raw.count
        let payload = isSmaller ? compressed.bytes.array : raw.array
        return StoredBlock(
            number: number, firstEvent: firstEvent, eventCount: block.eventCount,
            firstReceivedMilliseconds: block.firstReceivedMilliseconds,
            lastReceivedMilliseconds: block.lastReceivedMilliseconds,
            codec: isSmaller ? codec : .none, rawSize: raw.count,
            checksum: payload.withBytes { crc32c($0) }, payload: payload)
    }
}
