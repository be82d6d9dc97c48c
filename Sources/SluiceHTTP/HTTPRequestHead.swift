import CHTTPParser
import SluiceCore

/// How the end of a request's body is told.
package enum HTTPFraming: Equatable, Sendable {
    /// There is no body.
    case none
    /// Content-Length says so many bytes; 0 is possible. Not yet compared with any limit.
    case length(Int)
    /// Chunks follow; see `ChunkedBodyDecoder`.
    case chunked
}

/// A request head that was read and found right.
///
/// It views the memory that was handed to `HTTPRequestParser.parseHead` and is valid until those
/// bytes move or change. Should the connection's buffer move while the body arrives, `moved(to:)`
/// gives the same head over the new place.
@safe package struct HTTPRequestHead {
    private let base: UnsafePointer<UInt8>
    private let fields: chttp_head

    /// The parser vouches that `fields` was completed over the bytes at `base`.
    @unsafe init(base: UnsafePointer<UInt8>, fields: chttp_head) {
        unsafe self.base = base
        self.fields = fields
    }

    private func view(_ span: chttp_span) -> Bytes {
        // Safety: spans of a completed head lie within its headBytes, which the memory holds.
        unsafe Bytes(start: base + Int(span.start), count: Int(span.count))
    }

    /// The same head, now that its bytes lie at the start of `bytes`.
    package func moved(to bytes: Bytes) -> HTTPRequestHead {
        precondition(bytes.count >= headBytes)
        // Safety: the memory holds the whole head, by the line before and the caller's word.
        return unsafe HTTPRequestHead(base: bytes.base, fields: fields)
    }

    /// The same head, but the connection closes after its answer: `keepAlive` is false.
    package var closing: HTTPRequestHead {
        var fields = fields
        fields.close = 1
        // Safety: the same memory under the same head.
        return unsafe HTTPRequestHead(base: base, fields: fields)
    }

    // MARK: the request line

    package var method: RequestMethod {
        switch Int(fields.method) {
        case CHTTP_GET: .get
        case CHTTP_HEAD: .head
        case CHTTP_POST: .post
        case CHTTP_OPTIONS: .options
        default: .other
        }
    }

    package var methodText: Bytes { view(fields.method_text) }

    /// The request target as sent.
    package var target: Bytes { view(fields.target) }

    /// Still percent-encoded; begins with `/`, or is `*` for an OPTIONS request about the server.
    package var path: Bytes {
        guard fields.path.count == 0 else { return view(fields.path) }
        // Only a target like `http://host?query` has no path; RFC 9110, 4.2.3: it is the same as "/".
        return fields.asterisk != 0 ? Bytes("*") : Bytes("/")
    }

    /// Behind the first `?`, still percent-encoded; empty when there is none.
    package var query: Bytes { view(fields.query) }

    /// 0 or 1, of `HTTP/1.x`.
    package var versionMinor: Int { Int(fields.version_minor) }

    // MARK: header fields; empty when absent

    /// The authority of an absolute target, else the Host header (RFC 9112, 3.2.2), port included.
    package var host: Bytes { fields.absolute_form != 0 ? view(fields.authority) : view(fields.host) }
    package var authorization: Bytes { view(fields.authorization) }
    package var contentType: Bytes { view(fields.content_type) }
    package var contentEncoding: Bytes { view(fields.content_encoding) }
    package var origin: Bytes { view(fields.origin) }
    package var userAgent: Bytes { view(fields.user_agent) }
    package var referrer: Bytes { view(fields.referrer) }
    package var accept: Bytes { view(fields.accept) }
    package var dataSourceUUID: Bytes { view(fields.data_source_uuid) }
    package var accessControlRequestMethod: Bytes { view(fields.access_control_request_method) }
    package var accessControlRequestHeaders: Bytes { view(fields.access_control_request_headers) }

    /// The value of the first header with this name, or nil. Looks through the head again: for the
    /// headers that have no property of their own.
    package func header(_ lowercaseName: StaticString) -> Bytes? {
        let name = Bytes(lowercaseName)
        var fields = fields
        var value = chttp_span()
        // Safety: the head is complete and its bytes are in place; nothing is written but `value`.
        guard unsafe chttp_find_field(&fields, base, name.base, name.count, &value) != 0 else { return nil }
        return view(value)
    }

    // MARK: what follows

    /// Whether the connection stays open after the answer (RFC 9112, 9.3).
    package var keepAlive: Bool {
        fields.close == 0 && (fields.version_minor == 1 || fields.keep_alive != 0)
    }

    /// Whether the client waits for `100 Continue` before it sends the body.
    package var expectsContinue: Bool { fields.expects_continue != 0 }

    package var framing: HTTPFraming {
        if fields.chunked != 0 { return .chunked }
        return fields.has_length != 0 ? .length(Int(fields.content_length)) : .none
    }

    /// Bytes the head takes, empty lines before it and at its end included; the body begins there.
    package var headBytes: Int { Int(fields.head_bytes) }
}
