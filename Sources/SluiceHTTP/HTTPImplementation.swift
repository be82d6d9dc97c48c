import CHTTPParser

/// The implementations of the head reader. The parser takes the last one the processor has; tests
/// compare them.
package enum HTTPImplementation: CInt, CaseIterable, Sendable {
    case scalar
    case sse2
    case avx2
    case neon

    package var isAvailable: Bool { chttp_implementation_available(rawValue) != 0 }
}
