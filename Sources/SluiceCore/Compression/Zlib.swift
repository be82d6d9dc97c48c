import CZlib

/// What stands around deflated data.
package enum ZlibFormat: Sendable {
    /// RFC 1950, with an Adler-32; HTTP calls it `deflate`.
    case zlib
    /// RFC 1952, with a CRC-32 and the size.
    case gzip

    var windowBits: Int32 {
        switch self {
        case .zlib: Int32(czlib_window_zlib)
        case .gzip: Int32(czlib_window_gzip)
        }
    }
}

/// zlib's stream, at an address of its own: zlib keeps pointers to it.
@safe private struct Stream: ~Copyable {
    let pointer: UnsafeMutablePointer<z_stream>

    init() {
        // Safety: freed in deinit only.
        unsafe pointer = .allocate(capacity: 1)
        unsafe pointer.initialize(to: z_stream())
    }

    deinit {
        // Safety: made in init; the owner has ended zlib's use of it.
        unsafe pointer.deinitialize(count: 1)
        unsafe pointer.deallocate()
    }

    /// Points zlib at the input.
    ///
    /// Safety: the caller sees to it that `input` outlives zlib's use of it. zlib's pointer is not
    /// const, but it only reads.
    @unsafe func setInput(_ input: Bytes) {
        unsafe pointer.pointee.next_in = UnsafeMutablePointer(mutating: input.base)
        unsafe pointer.pointee.avail_in = UInt32(input.count)
    }

    /// Points zlib at memory to write to.
    @unsafe func setOutput(_ target: UnsafeMutablePointer<UInt8>, room: Int) {
        unsafe pointer.pointee.next_out = target
        unsafe pointer.pointee.avail_out = UInt32(room)
    }

    var inputLeft: Int { unsafe Int(pointer.pointee.avail_in) }
    var roomLeft: Int { unsafe Int(pointer.pointee.avail_out) }

    /// Most bytes zlib is handed at once; it counts in 32 bits.
    static let bytesMax = Int(Int32.max)
}

/// Compresses whole messages in zlib or gzip form, with one context for all.
///
/// Owner: one thread at a time.
package final class ZlibCompressor {
    private let stream = Stream()

    /// - Parameter level: 1 (fast) to 9 (small).
    package init(format: ZlibFormat = .zlib, level: Int = 1) {
        let level = Int32(min(max(level, 1), 9))
        // Safety: the stream is zeroed, as zlib asks, and ended in deinit.
        let status = unsafe czlib_deflate_init(stream.pointer, level, format.windowBits)
        guard status == Z_OK else { fatalError("zlib cannot be started: out of memory or wrong version") }
    }

    deinit {
        // Safety: started in init.
        unsafe deflateEnd(stream.pointer)
    }

    /// Appends `raw`, compressed and framed, to `buffer`.
    package func compress(_ raw: Bytes, into buffer: inout ByteBuffer) throws(CompressionError) {
        guard raw.count <= Stream.bytesMax else { throw .tooLarge }
        // Safety: started in init.
        unsafe deflateReset(stream.pointer)
        let room = unsafe Int(deflateBound(stream.pointer, UInt(raw.count)))
        guard room <= Stream.bytesMax else { throw .tooLarge }
        // Safety: `room` bytes may be written; `raw` outlives the call.
        try unsafe buffer.appendUnsafe(room: room) { (target) throws(CompressionError) in
            unsafe stream.setInput(raw)
            unsafe stream.setOutput(target, room: room)
            // "If deflate is called with Z_FINISH … avail_out must be at least the value returned by
            // deflateBound … then deflate is guaranteed to return Z_STREAM_END" (zlib.h).
            guard unsafe deflate(stream.pointer, Z_FINISH) == Z_STREAM_END else { throw .outOfMemory }
            return room - stream.roomLeft
        }
    }
}

/// Brings back zlib or gzip data, never more of it than the caller allows.
///
/// Owner: one thread at a time.
package final class ZlibDecompressor {
    private let stream = Stream()
    private let format: ZlibFormat

    package init(format: ZlibFormat = .zlib) {
        self.format = format
        // Safety: the stream is zeroed, as zlib asks, and ended in deinit.
        let status = unsafe czlib_inflate_init(stream.pointer, format.windowBits)
        guard status == Z_OK else { fatalError("zlib cannot be started: out of memory or wrong version") }
    }

    deinit {
        // Safety: started in init.
        unsafe inflateEnd(stream.pointer)
    }

    /// The content of a block, which must have exactly `rawSize` bytes.
    package func decompress(_ stored: Bytes, rawSize: Int) throws(CompressionError) -> [UInt8] {
        // Deflate never shrinks to less than 1:1032, so a wild size is known for wrong before any
        // memory is taken.
        guard rawSize >= 0, rawSize / 1100 <= stored.count else { throw .sizeMismatch }
        var buffer = ByteBuffer(capacity: rawSize)
        do throws(CompressionError) {
            try inflate(stored, limit: rawSize, into: &buffer)
        } catch {
            throw error == .tooLarge ? .sizeMismatch : error
        }
        guard buffer.count == rawSize else { throw .sizeMismatch }
        return buffer.bytes.array
    }

    /// Appends the content of `stored` to `buffer`, which an error leaves as it was.
    ///
    /// gzip may come in several members, one behind the other (RFC 1952, section 2.2).
    ///
    /// - Parameter limit: most bytes of content; more is `tooLarge`, found out without producing
    ///   them.
    package func inflate(
        _ stored: Bytes, limit: Int, into buffer: inout ByteBuffer
    ) throws(CompressionError) {
        guard stored.count <= Stream.bytesMax else { throw .tooLarge }
        let start = buffer.count
        do throws(CompressionError) {
            try inflateMembers(stored, limit: limit, start: start, into: &buffer)
        } catch {
            buffer.truncate(to: start)
            throw error
        }
    }

    private func inflateMembers(
        _ stored: Bytes, limit: Int, start: Int, into buffer: inout ByteBuffer
    ) throws(CompressionError) {
        // Safety: started in init; `stored` outlives this call, and zlib is not called after it.
        unsafe inflateReset(stream.pointer)
        unsafe stream.setInput(stored)
        while true {
            // One byte more than allowed, to tell "exactly at the limit" from "over it".
            let allowed = limit - (buffer.count - start) + 1
            let wanted = max(16_384, min(stream.inputLeft, Stream.bytesMax / 4) * 4)
            let status = inflateOnce(room: min(allowed, wanted), into: &buffer)
            guard buffer.count - start <= limit else { throw .tooLarge }
            switch status {
            case Z_STREAM_END:
                if stream.inputLeft == 0 { return }
                guard format == .gzip, unsafe stream.pointer.pointee.next_in[0] == 0x1F else {
                    throw .trailingContent
                }
                // Safety: the input and its rest stay as they are.
                unsafe inflateReset(stream.pointer)
            case Z_OK where stream.inputLeft > 0 || stream.roomLeft == 0: continue
            // Z_BUF_ERROR: nothing to do with the input there is. There was room, so it has ended.
            case Z_OK, Z_BUF_ERROR: throw .truncated
            case Z_MEM_ERROR: throw .outOfMemory
            default: throw .corrupt
            }
        }
    }

    /// Lets zlib write up to `room` bytes behind the content.
    private func inflateOnce(room: Int, into buffer: inout ByteBuffer) -> Int32 {
        var status = Z_OK
        // Safety: `room` bytes may be written.
        unsafe buffer.appendUnsafe(room: room) { target in
            unsafe stream.setOutput(target, room: room)
            status = unsafe CZlib.inflate(stream.pointer, Z_NO_FLUSH)
            return room - stream.roomLeft
        }
        return status
    }
}
