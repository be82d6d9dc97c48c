import Foundation
import SluiceCore

/// Turns the block a shard filled into the row that is stored.
///
/// Owner: the log thread. The buffers are reused; the one copy made is the stored payload itself,
/// which the readers share.
final class BlockEncoder {
    private let codec: BlockCodec
    private var compressor: BlockCompressor
    private var compressed = ByteBuffer(capacity: 1 << 20)
    private var filter = ByteBuffer(capacity: 1 << 16)
    private var fingerprints = ByteBuffer(capacity: 1 << 16)

    init(codec: BlockCodec) {
        self.codec = codec
        compressor = BlockCompressor()
    }

    /// Compresses and checksums `block`; filter and fingerprints wait for `withColumns`.
    func encode(_ block: OpenBlock, number: Int64, firstEvent: Int64) -> StoredBlock {
        BloomFilter.write(block.filterHashes, into: &filter)
        fingerprints.removeAll()
        fingerprints.reserve(block.fingerprints.count * 8)
        for index in 0..<block.fingerprints.count {
            var hash = block.fingerprints[index]
            for _ in 0..<8 {
                fingerprints.append(UInt8(truncatingIfNeeded: hash))
                hash >>= 8
            }
        }
        let raw = block.payload.bytes
        compressed.removeAll()
        let isSmaller =
            codec != .none && compressor.compress(raw, with: codec, into: &compressed)
            && compressed.count < raw.count
        let payload = isSmaller ? compressed.bytes.array : raw.array
        return StoredBlock(
            number: number, firstEvent: firstEvent, eventCount: block.eventCount,
            firstReceivedMilliseconds: block.firstReceivedMilliseconds,
            lastReceivedMilliseconds: block.lastReceivedMilliseconds,
            codec: isSmaller ? codec : .none, rawSize: raw.count,
            checksum: payload.withBytes { crc32c($0) }, payload: payload)
    }

    /// Lends the blobs of the block encoded last, without copying them.
    func withColumns<R>(
        _ stored: StoredBlock, _ body: (_ filter: Data, _ fingerprints: Data, _ payload: Data) throws -> R
    ) throws -> R {
        try BlockEncoder.withData(filter.bytes) { filter in
            try BlockEncoder.withData(fingerprints.bytes) { fingerprints in
                try stored.payload.withBytes { (bytes: Bytes) throws -> R in
                    try BlockEncoder.withData(bytes) { try body(filter, fingerprints, $0) }
                }
            }
        }
    }

    private static func withData<R>(_ bytes: Bytes, _ body: (Data) throws -> R) throws -> R {
        guard bytes.count > 0 else { return try body(Data()) }
        // Safety: the pointer stays within the closure.
        return try unsafe bytes.withUnsafePointer { (base: UnsafePointer<UInt8>, count: Int) throws -> R in
            // Safety: the Data does not outlive `body`, which only binds it for one execution; nobody
            // writes through it, so dropping const is harmless.
            let data = unsafe Data(
                bytesNoCopy: UnsafeMutableRawPointer(mutating: base), count: count, deallocator: .none)
            return try body(data)
        }
    }
}
