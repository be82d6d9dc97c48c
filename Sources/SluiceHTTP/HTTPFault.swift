import CHTTPParser
import SluiceCore

/// What is wrong with a request head or with chunk framing. Raw values are the C module's codes.
///
/// After any of these the connection's bytes can no longer be told apart into requests, so it is
/// answered and closed.
package enum HTTPFault: UInt8, Error, CaseIterable, Sendable {
    case controlByte = 2
    case bareCR
    case bareLF
    case emptyLines
    case method
    case connect
    case target
    case targetForm
    case targetAuthority
    case versionForm
    case versionUnsupported
    case lineFolding
    case fieldName
    case fieldNameSpace
    case fieldColon
    case fieldLines
    case fieldRepeated
    case hostMissing
    case hostRepeated
    case hostInvalid
    case lengthInvalid
    case lengthRepeated
    case lengthAndCoding
    case codingUnsupported
    case codingRepeated
    case codingVersion
    case connectionInvalid
    case expectation
    case chunkSize
    case chunkExtension
    case chunkLineEnd
    case bodyTooLarge
    case trailer
    case trailerTooLarge
    /// The head is longer than the limit. Found here, not by the C module.
    case headTooLarge

    /// A stable name for metrics; the C module's label where it has one.
    package var label: StaticString {
        switch self {
        case .controlByte: "control_byte"
        case .bareCR: "bare_cr"
        case .bareLF: "bare_lf"
        case .emptyLines: "empty_lines"
        case .method: "method"
        case .connect: "connect"
        case .target: "target"
        case .targetForm: "target_form"
        case .targetAuthority: "target_authority"
        case .versionForm: "version_form"
        case .versionUnsupported: "version_unsupported"
        case .lineFolding: "line_folding"
        case .fieldName: "field_name"
        case .fieldNameSpace: "field_name_space"
        case .fieldColon: "field_colon"
        case .fieldLines: "field_lines"
        case .fieldRepeated: "field_repeated"
        case .hostMissing: "host_missing"
        case .hostRepeated: "host_repeated"
        case .hostInvalid: "host_invalid"
        case .lengthInvalid: "length_invalid"
        case .lengthRepeated: "length_repeated"
        case .lengthAndCoding: "length_and_coding"
        case .codingUnsupported: "coding_unsupported"
        case .codingRepeated: "coding_repeated"
        case .codingVersion: "coding_version"
        case .connectionInvalid: "connection_invalid"
        case .expectation: "expectation"
        case .chunkSize: "chunk_size"
        case .chunkExtension: "chunk_extension"
        case .chunkLineEnd: "chunk_line_end"
        case .bodyTooLarge: "body_too_large"
        case .trailer: "trailer"
        case .trailerTooLarge: "trailer_too_large"
        case .headTooLarge: "head_too_large"
        }
    }

    /// What the client is told where its request is simply wrong.
    package var reason: StaticString {
        switch self {
        case .controlByte: "a control character in the request head"
        case .bareCR: "a carriage return without a line feed"
        case .bareLF: "a line feed without a carriage return"
        case .emptyLines: "too many empty lines before the request"
        case .method: "the request line does not begin with a method and one space"
        case .connect: "CONNECT is not served"
        case .target: "the request target is empty or holds a forbidden character"
        case .targetForm: "the request target is neither a path nor an http URL"
        case .targetAuthority: "the request target names no valid host"
        case .versionForm: "the request line does not end with one space and an HTTP version"
        case .versionUnsupported: "only HTTP/1.0 and HTTP/1.1 are served"
        case .lineFolding: "a header line begins with white space"
        case .fieldName: "a header name is empty or holds a forbidden character"
        case .fieldNameSpace: "white space in or behind a header name"
        case .fieldColon: "a header line without a colon"
        case .fieldLines: "too many header lines"
        case .fieldRepeated: "a header that may stand once stands twice"
        case .hostMissing: "no Host header"
        case .hostRepeated: "more than one Host header"
        case .hostInvalid: "the Host header names no valid host"
        case .lengthInvalid: "Content-Length is not a decimal number"
        case .lengthRepeated: "more than one Content-Length header"
        case .lengthAndCoding: "Content-Length together with Transfer-Encoding"
        case .codingUnsupported: "the only transfer coding served is chunked"
        case .codingRepeated: "more than one Transfer-Encoding header"
        case .codingVersion: "Transfer-Encoding in an HTTP/1.0 request"
        case .connectionInvalid: "the Connection header is not a list of options"
        case .expectation: "the only expectation met is 100-continue"
        case .chunkSize: "a chunk size is not a hexadecimal number of at most 16 digits"
        case .chunkExtension: "a chunk extension is too long or holds a control character"
        case .chunkLineEnd: "a chunk does not end with carriage return and line feed"
        case .bodyTooLarge: "the request body is too large"
        case .trailer: "a trailer line is malformed"
        case .trailerTooLarge: "the trailers are too large"
        case .headTooLarge: "the request head is too large"
        }
    }

    /// How the fault is answered. `limit` is the limit that was broken, where one was: in lines for
    /// `.fieldLines`, else in bytes.
    package func problem(limit: Int) -> EdgeProblem {
        switch self {
        case .connect: .methodNotAllowed
        case .versionUnsupported: .unsupportedVersion
        case .codingUnsupported: .unsupportedTransferEncoding
        case .expectation: .expectationFailed
        case .bodyTooLarge: .bodyTooLarge(limit: limit)
        case .fieldLines: .tooManyHeaderLines(limit: limit)
        case .headTooLarge: .headTooLarge(limit: limit)
        case .trailerTooLarge: .headTooLarge(limit: HTTPLimits.trailerBytesMax)
        default: .badRequest(reason)
        }
    }

    /// What the C module calls the fault; empty where it does not know it.
    package var scannerLabel: String {
        // Safety: the C module answers a constant text for every code.
        unsafe String(cString: chttp_fault_label(rawValue))
    }

    /// How many faults the C module knows.
    package static var scannerCount: Int { Int(CHTTP_FAULT_END) - Int(CHTTP_FAULT_BASE) - 1 }

    /// The fault of a C code that is neither CHTTP_INCOMPLETE nor CHTTP_COMPLETE.
    init(code: UInt8) {
        guard let fault = HTTPFault(rawValue: code) else { preconditionFailure("no fault has this code") }
        self = fault
    }
}
