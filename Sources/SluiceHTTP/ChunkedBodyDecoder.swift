import CHTTPParser
import SluiceCore

/// What a call of `ChunkedBodyDecoder` came to.
package enum ChunkedResult {
    /// All bytes were taken; more are needed.
    case incomplete
    /// The body and its trailers are complete; bytes behind them were left alone.
    case complete
    /// Answer this and close the connection.
    case refused(EdgeProblem)
}

/// Decodes a chunked body in place, as its bytes arrive (RFC 9112, 7.1).
///
/// Chunk extensions and trailers are checked, bounded and dropped. The body's limit is applied when
/// a chunk's size is known, before its content arrives.
///
/// Invariants: 1. decoded bytes never pass the raw bytes they came from. 2. the result does not
/// depend on how the raw bytes are cut. 3. it holds no pointer. 4. after `.complete` or `.refused`
/// it is not used again.
///
/// Belongs to one connection, on its loop's thread.
package struct ChunkedBodyDecoder: ~Copyable {
    private var state = chttp_chunked()
    /// Why the body was refused, after `.refused`.
    package private(set) var fault: HTTPFault?

    /// - Parameter bodyBytesMax: most decoded bytes; more is 413. At least 0.
    package init(bodyBytesMax: Int) {
        state.body_bytes_max = UInt64(bodyBytesMax)
    }

    /// Bytes decoded so far.
    package var bodyBytes: Int { Int(state.body_bytes) }

    /// Decodes what is new in a buffer that holds `… decoded, gap, raw`.
    ///
    /// Takes the raw bytes from `rawStart` up to `rawEnd` and appends what they carry at
    /// `decodedEnd`; both marks move on. After `.incomplete`, `rawStart == rawEnd`: the gap may
    /// then be closed by appending further bytes at `decodedEnd`.
    ///
    /// - Precondition: `0 <= decodedEnd <= rawStart <= rawEnd`, and `base` holds `rawEnd` bytes.
    @unsafe package mutating func decode(
        _ base: UnsafeMutablePointer<UInt8>, decodedEnd: inout Int, rawStart: inout Int, rawEnd: Int
    ) -> ChunkedResult {
        precondition(0 <= decodedEnd && decodedEnd <= rawStart && rawStart <= rawEnd)
        assert(fault == nil, "invariant 4")
        var taken = 0
        var written = 0
        // Safety: the ranges lie within the caller's memory, by the preconditions; the C module
        // writes no further than it has read.
        let code = unsafe chttp_decode_chunked(
            &state, base + decodedEnd, base + rawStart, rawEnd - rawStart, &taken, &written)
        rawStart += taken
        decodedEnd += written
        if code == UInt8(CHTTP_COMPLETE) { return .complete }
        if code == UInt8(CHTTP_INCOMPLETE) { return .incomplete }
        let fault = HTTPFault(code: code)
        self.fault = fault
        return .refused(fault.problem(limit: Int(state.body_bytes_max)))
    }

    /// Decodes what is new in `buffer`; its bytes from `rawStart` on are raw.
    package mutating func decode(
        _ buffer: inout ByteBuffer, decodedEnd: inout Int, rawStart: inout Int
    ) -> ChunkedResult {
        // Not a closure: `self` and the marks may not be captured while they are changed.
        var result = ChunkedResult.incomplete
        var ends = (decoded: decodedEnd, raw: rawStart)
        unsafe buffer.withUnsafeMutablePointer { base, count in
            // Safety: the buffer holds `count` bytes at `base`.
            result = unsafe decode(base, decodedEnd: &ends.decoded, rawStart: &ends.raw, rawEnd: count)
        }
        (decodedEnd, rawStart) = (ends.decoded, ends.raw)
        return result
    }
}
