import CHTTPParser

/// What a request head may cost. The bounds on chunk framing are constants of the C module, since
/// no legitimate client comes near them.
package struct HTTPLimits: Sendable {
    /// Longest request head in bytes, from its first byte to its empty line's end; more is 431.
    package var headBytes: Int
    /// Most header lines; more is 431.
    package var headerLines: Int

    /// - Precondition: `headBytes` lies in 64...16777216, `headerLines` in 1...65535.
    package init(headBytes: Int = 16_384, headerLines: Int = 100) {
        precondition((64...16_777_216).contains(headBytes), "head limit out of range")
        precondition((1...65_535).contains(headerLines), "header line limit out of range")
        self.headBytes = headBytes
        self.headerLines = headerLines
    }

    /// Most bytes of extensions behind one chunk's size, and of all chunks of a body.
    package static let chunkExtensionBytesMax = Int(CHTTP_CHUNK_EXTENSION_BYTES_MAX)
    package static let bodyExtensionBytesMax = Int(CHTTP_BODY_EXTENSION_BYTES_MAX)
    /// Most bytes of a body's trailer section.
    package static let trailerBytesMax = Int(CHTTP_TRAILER_BYTES_MAX)
    /// Most hexadecimal digits of a chunk's size.
    package static let chunkDigitsMax = Int(CHTTP_CHUNK_DIGITS_MAX)
    /// Most empty lines tolerated before a request line.
    package static let emptyLinesMax = Int(CHTTP_EMPTY_LINES_MAX)
}
