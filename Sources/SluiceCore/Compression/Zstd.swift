import CZstd

/// Compresses blocks into zstd frames (RFC 8878), one frame each, with one context for all.
///
/// A frame records the size of its content and a checksum of it, so that `zstd -d` and the
/// decompressor below notice damage by themselves.
///
/// Owner: one thread at a time.
@safe package final class ZstdCompressor {
    private let context: OpaquePointer

    /// - Parameter level: 1 (fast) to 19 (small); negative levels are faster still.
    package init(level: Int = 1) {
        // Safety: freed in deinit only.
        guard let context = unsafe ZSTD_createCCtx() else { fatalError("out of memory") }
        unsafe self.context = context
        // Parameters are sticky: they hold for every frame. Levels out of range are clamped.
        unsafe ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, Int32(clamping: level))
        unsafe ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)
    }

    deinit {
        // Safety: made in init, never given away.
        unsafe ZSTD_freeCCtx(context)
    }

    /// Appends one frame with the content `raw` to `buffer`.
    package func compress(_ raw: Bytes, into buffer: inout ByteBuffer) throws(CompressionError) {
        let room = ZSTD_compressBound(raw.count)
        guard ZSTD_isError(room) == 0 else { throw .tooLarge }
        // Safety: `room` bytes may be written; `raw` is read within its bounds.
        try unsafe buffer.appendUnsafe(room: room) { (target) throws(CompressionError) in
            let written = unsafe ZSTD_compress2(context, target, room, raw.base, raw.count)
            // There is room for the worst case, so only memory can have been lacking.
            guard ZSTD_isError(written) == 0 else { throw .outOfMemory }
            return written
        }
    }
}

/// Brings back what `ZstdCompressor` wrote.
///
/// Owner: one thread at a time.
@safe package final class ZstdDecompressor {
    private let context: OpaquePointer

    package init() {
        // Safety: freed in deinit only.
        guard let context = unsafe ZSTD_createDCtx() else { fatalError("out of memory") }
        unsafe self.context = context
    }

    deinit {
        // Safety: made in init, never given away.
        unsafe ZSTD_freeDCtx(context)
    }

    /// The content of the one frame that `stored` is.
    ///
    /// - Parameter rawSize: the size it must have. The frame's own record is compared with it
    ///   before any memory is taken.
    package func decompress(_ stored: Bytes, rawSize: Int) throws(CompressionError) -> [UInt8] {
        try check(stored, rawSize)
        // Safety: the callee writes `rawSize` bytes, or throws.
        return try unsafe [UInt8].written(count: rawSize) { (target) throws(CompressionError) in
            try unsafe decompress(stored, target, rawSize)
        }
    }

    /// Like `decompress(_:rawSize:)`, appended to `buffer`, which an error leaves as it was.
    package func decompress(
        _ stored: Bytes, rawSize: Int, into buffer: inout ByteBuffer
    ) throws(CompressionError) {
        try check(stored, rawSize)
        // Safety: the callee writes `rawSize` bytes at most.
        try unsafe buffer.appendUnsafe(room: rawSize) { (target) throws(CompressionError) in
            try unsafe decompress(stored, target, rawSize)
            return rawSize
        }
    }

    private func check(_ stored: Bytes, _ rawSize: Int) throws(CompressionError) {
        // Safety: both functions read within the bounds given.
        let frame = unsafe ZSTD_findFrameCompressedSize(stored.base, stored.count)
        guard ZSTD_isError(frame) == 0 else {
            throw ZSTD_getErrorCode(frame) == ZSTD_error_srcSize_wrong ? .truncated : .corrupt
        }
        guard frame == stored.count else { throw .trailingContent }
        let content = unsafe ZSTD_getFrameContentSize(stored.base, stored.count)
        // Frames of unknown size and unreadable ones answer with the two highest numbers.
        guard let size = Int(exactly: content) else { throw .corrupt }
        guard size == rawSize else { throw .sizeMismatch }
    }

    private func decompress(
        _ stored: Bytes, _ target: UnsafeMutablePointer<UInt8>, _ rawSize: Int
    ) throws(CompressionError) {
        // Safety: `rawSize` bytes may be written; `stored` is read within its bounds.
        let written = unsafe ZSTD_decompressDCtx(context, target, rawSize, stored.base, stored.count)
        guard ZSTD_isError(written) == 0 else {
            throw ZSTD_getErrorCode(written) == ZSTD_error_memory_allocation ? .outOfMemory : .corrupt
        }
        guard written == rawSize else { throw .sizeMismatch }
    }
}
