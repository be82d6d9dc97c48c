/// Why something could not be compressed, or not be brought back.
package enum CompressionError: Error, Equatable, Sendable, CaseIterable {
    /// Not what a compressor wrote, or changed since.
    case corrupt
    /// The compressed data ends in the middle.
    case truncated
    /// Something follows behind the end of the compressed data.
    case trailingContent
    /// More comes out than the caller allows, or more goes in than the library can count.
    case tooLarge
    /// It comes out whole, but of another size than recorded.
    case sizeMismatch
    case outOfMemory

    /// Stable, for metrics and logs.
    package var label: StaticString {
        switch self {
        case .corrupt: "corrupt"
        case .truncated: "truncated"
        case .trailingContent: "trailing_content"
        case .tooLarge: "too_large"
        case .sizeMismatch: "size_mismatch"
        case .outOfMemory: "out_of_memory"
        }
    }
}

extension Array where Element == UInt8 {
    /// Gets exactly `count` bytes written by `body`, without filling the memory beforehand.
    ///
    /// - Parameter body: writes all `count` bytes, or throws.
    static func written(
        count: Int, _ body: (UnsafeMutablePointer<UInt8>) throws(CompressionError) -> Void
    ) throws(CompressionError) -> [UInt8] {
        guard count > 0 else {
            // An empty array has no memory to point at.
            var nothing: UInt8 = 0
            try unsafe body(&nothing)
            return []
        }
        var failure: CompressionError?
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            do throws(CompressionError) {
                // Safety: count > 0, so there is memory; it is handed on for this call only.
                try unsafe body(buffer.baseAddress!)
                initialized = count
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return bytes
    }
}
