// What the gateway asks of a platform on the way in.

/// What the gateway knows of a request apart from its body. Every view ends with the request.
package struct RequestOrigin {
    /// Milliseconds since 1970, by our clock.
    package var receivedMilliseconds: Int64
    /// The source's name, made of characters that need no escape in JSON (configuration checks it).
    package var sourceName: Bytes
    /// A stable hash of the source, for fingerprints.
    package var sourceHash: UInt64
    /// From the request's head, for events that come straight from a browser; else empty.
    package var userAgent: Bytes
    package var referrer: Bytes
    /// The client's address as text, already truncated as the source wants it; else empty.
    package var address: Bytes
    /// The source takes events that lack fields which real emitters are known to leave out.
    package var lenient = false
    /// The source was found by the page that sent the request, or as the only one that could be meant: an
    /// account that the body names decides instead.
    package var isSourceAssumed = false
    /// What becomes of the addresses of clients that an event names.
    package var addressPolicy = AddressPolicy.truncate

    package init(
        receivedMilliseconds: Int64, sourceName: Bytes, sourceHash: UInt64, userAgent: Bytes = .empty,
        referrer: Bytes = .empty, address: Bytes = .empty
    ) {
        self.receivedMilliseconds = receivedMilliseconds
        self.sourceName = sourceName
        self.sourceHash = sourceHash
        self.userAgent = userAgent
        self.referrer = referrer
        self.address = address
    }
}

package enum RequestMethod: UInt8, Sendable {
    case get, head, post, options, other
}

/// A request as a platform sees it: authenticated, whole, its body inflated.
package struct PlatformRequest {
    package var method: RequestMethod
    /// Behind the platform's prefix, beginning with `/`, still percent-encoded.
    package var path: Bytes
    /// Behind `?`, still percent-encoded; empty when there is none.
    package var query: Bytes
    /// Whether there is a `?`, behind which the query may be empty: what is signed keeps it.
    package var hasQuery: Bool
    /// The media type's value as sent, parameters included; empty when there is none.
    package var contentType: Bytes
    package var body: Bytes
    package var origin: RequestOrigin
    /// The value of the header `Accept`; empty when there is none.
    package var accept: Bytes = .empty

    package init(
        method: RequestMethod, path: Bytes, query: Bytes, contentType: Bytes, body: Bytes,
        origin: RequestOrigin
    ) {
        self.method = method
        self.path = path
        self.query = query
        hasQuery = !query.isEmpty
        self.contentType = contentType
        self.body = body
        self.origin = origin
    }
}

/// The answer a platform gives. Owned by the shard and reused.
package struct PlatformAnswer: ~Copyable {
    package enum ContentType: UInt8, Sendable {
        case none, json, gif, text
        package var value: StaticString {
            switch self {
            case .none: ""
            case .json: "application/json"
            case .gif: "image/gif"
            case .text: "text/plain; charset=utf-8"
            }
        }
    }
    package var status: Int = 200
    package var contentType = ContentType.none
    /// Adds `Cache-Control: no-store`.
    package var noStore = false
    /// A whole header line of the platform's own, ended by CR LF; empty: none.
    package var extraLine: StaticString = ""
    package var body: ByteBuffer

    package init() { body = ByteBuffer(capacity: 4096) }

    package mutating func reset() {
        status = 200
        contentType = .none
        noStore = false
        extraLine = ""
        body.removeAll()
    }
}

/// What came of decoding one request.
package struct DecodeResult {
    /// Events written to the block.
    package var accepted: Int
    /// Events refused.
    package var rejected: Int
    /// Events that were taken before; not written again.
    package var duplicates = 0
    /// Accepted events by type, indexed by `EventType.rawValue`.
    package var byType: (UInt32, UInt32, UInt32, UInt32, UInt32)

    package init(accepted: Int = 0, rejected: Int = 0) {
        self.accepted = accepted
        self.rejected = rejected
        self.byType = (0, 0, 0, 0, 0)
    }

    package mutating func count(_ type: EventType) {
        accepted += 1
        switch type {
        case .impression: byType.0 += 1
        case .viewableImpression: byType.1 += 1
        case .click: byType.2 += 1
        case .purchase: byType.3 += 1
        case .pageView: byType.4 += 1
        }
    }
}

/// Finds sources for a platform whose requests name theirs in the body only.
package protocol SourceDirectory: AnyObject {
    /// Puts the source that has this account at the platform into `origin`, for requests whose head names
    /// none or lets one be assumed. False when none has it.
    func resolve(platform: Platform, account: Bytes, into origin: inout RequestOrigin) -> Bool
}

/// What the gateway itself refuses, to be said in the platform's form.
package enum EdgeProblem: Sendable {
    /// HTTP framing or the request head is wrong; the text says what.
    case badRequest(StaticString)
    /// No credential, or one that nobody has.
    case unauthorized
    /// The source may not send from this origin.
    case forbiddenOrigin
    case notFound
    case methodNotAllowed
    case requestTimeout
    case bodyTooLarge(limit: Int)
    case headTooLarge(limit: Int)
    /// More header lines than `limit`.
    case tooManyHeaderLines(limit: Int)
    case unsupportedMediaType
    case unsupportedContentEncoding
    case unsupportedTransferEncoding
    case unsupportedVersion
    /// An `Expect` header asks for something other than `100-continue`.
    case expectationFailed
    /// The log cannot commit, or there is no room; try again after so many seconds.
    case unavailable(retryAfterSeconds: Int)

    package var status: Int {
        switch self {
        case .badRequest: 400
        case .unauthorized: 401
        case .forbiddenOrigin: 403
        case .notFound: 404
        case .methodNotAllowed: 405
        case .requestTimeout: 408
        case .bodyTooLarge: 413
        case .headTooLarge, .tooManyHeaderLines: 431
        case .unsupportedMediaType, .unsupportedContentEncoding: 415
        case .expectationFailed: 417
        case .unsupportedTransferEncoding: 501
        case .unsupportedVersion: 505
        case .unavailable: 503
        }
    }

    /// A stable label for metrics and error bodies.
    package var code: StaticString {
        switch self {
        case .badRequest: "bad_request"
        case .unauthorized: "unauthorized"
        case .forbiddenOrigin: "origin_not_allowed"
        case .notFound: "not_found"
        case .methodNotAllowed: "method_not_allowed"
        case .requestTimeout: "request_timeout"
        case .bodyTooLarge: "body_too_large"
        case .headTooLarge: "head_too_large"
        case .tooManyHeaderLines: "too_many_header_lines"
        case .unsupportedMediaType: "unsupported_media_type"
        case .unsupportedContentEncoding: "unsupported_content_encoding"
        case .unsupportedTransferEncoding: "unsupported_transfer_encoding"
        case .unsupportedVersion: "unsupported_http_version"
        case .expectationFailed: "expectation_failed"
        case .unavailable: "unavailable"
        }
    }
}

/// One platform's side of the edge: what its clients may send and what they hear.
///
/// One instance per shard; it may keep scratch memory between requests. Shard thread only.
package protocol PlatformDecoder: AnyObject {
    /// Checks the request, appends its good events to `block` as canonical lines, and writes the
    /// answer that holds once the block is committed. Where the platform refuses a request as a
    /// whole, the block is left as it was. Allocates nothing for a request without errors.
    func decode(
        _ request: PlatformRequest, into block: OpenBlock, answer: inout PlatformAnswer
    ) -> DecodeResult

    /// Writes status and body for something the gateway refuses, in the platform's error form.
    func refuse(_ problem: EdgeProblem, answer: inout PlatformAnswer)
}
