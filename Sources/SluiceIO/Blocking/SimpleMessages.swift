import SluiceCore
import SluiceHTTP

/// A request as the blocking server hands it over: copied, so that it may be kept.
package struct SimpleRequest: Sendable {
    package let method: RequestMethod
    package let methodText: String
    /// Still percent-encoded.
    package let path: String
    /// Behind `?`, still percent-encoded; empty when there is none.
    package let query: String
    /// In the order they came; names in lower case.
    package let headers: [(name: String, value: String)]
    package let body: [UInt8]
    package let peer: PeerAddress

    /// The value of the first header with this lower-case name.
    package func header(_ lowercaseName: String) -> String? {
        headers.first { $0.name == lowercaseName }?.value
    }

    init(head: HTTPRequestHead, headBytes: Bytes, body: Bytes, peer: PeerAddress) {
        method = head.method
        methodText = head.methodText.string
        path = head.path.string
        query = head.query.string
        headers = Self.headerLines(headBytes)
        self.body = body.array
        self.peer = peer
    }

    /// The lines of a head the parser has found right.
    private static func headerLines(_ head: Bytes) -> [(name: String, value: String)] {
        var lines: [(name: String, value: String)] = []
        var start = 0
        while let end = head.firstIndex(of: 0x0A, from: start) {
            let line = head[start..<max(start, end - 1)]
            start = end + 1
            // The request line's only colons stand behind its first space; header names have none.
            guard let colon = line.firstIndex(of: 0x3A) else { continue }
            if let space = line.firstIndex(of: 0x20), space < colon { continue }
            lines.append(
                (line[0..<colon].string.lowercased(), line[(colon + 1)..<line.count].trimmed.string))
        }
        return lines
    }
}

/// What the blocking server answers, or does instead of answering.
package struct SimpleResponse: Sendable {
    /// A misbehaviour to play, for stand-ins of upstreams.
    package enum Fault: Sendable, Equatable {
        case none
        /// No answer; the connection stays open until the client or the server closes it.
        case hang
        /// RST instead of an answer.
        case reset
        /// The head promises the whole body; only this many bytes of it come, then the end.
        case truncate(bodyBytes: Int)
    }

    package var status: Int
    /// Content-Length, Connection and Date are added by the server.
    package var headers: [(name: String, value: String)]
    package var body: [UInt8]
    /// Waits so long before anything is sent, or before the fault happens.
    package var delayMilliseconds = 0
    package var fault = Fault.none
    /// Closes the connection after the answer.
    package var close = false
    /// Writes the body piece by piece instead of `body`; the connection ends with it. Runs on the
    /// connection's thread.
    package var stream: (@Sendable (BodyStream) -> Void)?

    package init(
        status: Int, headers: [(name: String, value: String)] = [], body: [UInt8] = [],
        delayMilliseconds: Int = 0, fault: Fault = .none
    ) {
        self.status = status
        self.headers = headers
        self.body = body
        self.delayMilliseconds = delayMilliseconds
        self.fault = fault
    }

    package init(status: Int = 200, contentType: String, text: String) {
        self.init(status: status, headers: [("Content-Type", contentType)], body: Array(text.utf8))
    }

    /// Head and body as they go over the wire; `.truncate` is honoured.
    func encode(keepAlive: Bool, versionMinor: Int, isHead: Bool, into buffer: inout ByteBuffer) {
        buffer.append("HTTP/1.1 ")
        buffer.appendDecimal(status)
        // RFC 9112, 4: the reason phrase may be empty, the space before it may not.
        buffer.append(" ")
        buffer.append(Self.reason(status))
        buffer.append("\r\nDate: ")
        HTTPDate.append(seconds: WallClock.nowMilliseconds / 1000, to: &buffer)
        buffer.append("\r\n")
        for header in headers {
            buffer.append(header.name)
            buffer.append(": ")
            buffer.append(header.value)
            buffer.append("\r\n")
        }
        let hasBody = status >= 200 && status != 204 && status != 304
        if stream != nil {
            if versionMinor > 0 { buffer.append("Transfer-Encoding: chunked\r\n") }
        } else if hasBody {
            buffer.append("Content-Length: ")
            buffer.appendDecimal(body.count)
            buffer.append("\r\n")
        }
        if !keepAlive {
            buffer.append("Connection: close\r\n")
        } else if versionMinor == 0 {
            buffer.append("Connection: keep-alive\r\n")
        }
        buffer.append("\r\n")
        guard hasBody, !isHead, stream == nil else { return }
        var sent = body.count
        if case .truncate(let bytes) = fault { sent = min(max(bytes, 0), sent) }
        body.withBytes { buffer.append($0[0..<sent]) }
    }

    private static func reason(_ status: Int) -> StaticString {
        switch status {
        case 200: "OK"
        case 201: "Created"
        case 202: "Accepted"
        case 204: "No Content"
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 408: "Request Timeout"
        case 413: "Content Too Large"
        case 421: "Misdirected Request"
        case 429: "Too Many Requests"
        case 500: "Internal Server Error"
        case 503: "Service Unavailable"
        default: ""
        }
    }
}
