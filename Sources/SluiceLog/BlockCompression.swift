import SluiceCore

/// Compresses payloads with the codec asked for; contexts are made when first used and reused.
struct BlockCompressor: ~Copyable {
    private lazy var zstd = ZstdCompressor(level: 1)
    private lazy var zlib = ZlibCompressor(format: .zlib, level: 1)

    /// Appends the compressed form of `raw` to `buffer`. False when that was not possible; `buffer`
    /// is then not to be used.
    mutating func compress(_ raw: Bytes, with codec: BlockCodec, into buffer: inout ByteBuffer) -> Bool {
        do throws(CompressionError) {
            switch codec {
            case .none: return false
            case .zlib: try zlib.compress(raw, into: &buffer)
            case .zstd: try zstd.compress(raw, into: &buffer)
            }
            return true
        } catch {
            // Out of memory or beyond what the library counts: stored as it is, a block is whole too.
            return false
        }
    }
}

/// Brings payloads back; contexts are made when first used and reused.
struct BlockDecompressor: ~Copyable {
    private lazy var zstd = ZstdDecompressor()
    private lazy var zlib = ZlibDecompressor(format: .zlib)

    /// The `rawSize` bytes that `payload` holds; nil when it does not hold exactly that many.
    mutating func decompress(_ payload: Bytes, from codec: BlockCodec, rawSize: Int) -> [UInt8]? {
        do throws(CompressionError) {
            switch codec {
            case .none: return payload.array
            case .zlib: return try zlib.decompress(payload, rawSize: rawSize)
            case .zstd: return try zstd.decompress(payload, rawSize: rawSize)
            }
        } catch {
            return nil
        }
    }
}
