import SluiceCore

/// A problem as a thrown value.
struct EdgeProblemError: Error {
    let problem: EdgeProblem
}

/// Undoes the content coding of request bodies, into memory that is reused.
///
/// Owner: the shard thread.
final class RequestBody {
    private var inflated = ByteBuffer(capacity: 64 << 10)
    private let gzip = ZlibDecompressor(format: .gzip)

    /// The body as the platform's decoder wants it. The view ends with the next call.
    ///
    /// - Parameters:
    ///   - encoding: the value of Content-Encoding; `gzip`, `x-gzip`, `identity` and none are known
    ///     (RFC 9110 section 8.4.1: codings are case-insensitive).
    ///   - limit: most bytes after decompression.
    func inflated(_ body: Bytes, encoding: Bytes, limit: Int) throws(EdgeProblemError) -> Bytes {
        let coding = encoding.trimmed
        if coding.isEmpty || coding.equalsIgnoringCase("identity") { return body }
        guard coding.equalsIgnoringCase("gzip") || coding.equalsIgnoringCase("x-gzip") else {
            throw EdgeProblemError(problem: .unsupportedContentEncoding)
        }
        inflated.removeAll()
        do throws(CompressionError) {
            try gzip.inflate(body, limit: limit, into: &inflated)
        } catch {
            switch error {
            case .tooLarge: throw EdgeProblemError(problem: .bodyTooLarge(limit: limit))
            case .outOfMemory: throw EdgeProblemError(problem: .unavailable(retryAfterSeconds: 1))
            default: throw EdgeProblemError(problem: .badRequest("the body is not valid gzip"))
            }
        }
        return inflated.bytes
    }
}
