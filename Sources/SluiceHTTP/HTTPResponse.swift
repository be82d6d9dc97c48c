import CHTTPParser
import SluiceCore

/// Writes answers, whole, into the buffer of what a connection is to be sent. Allocates nothing.
package enum HTTPResponse {
    /// Appends a response of head and body.
    ///
    /// Content-Length is left out for 204 and 304, which have no body by definition; a body given
    /// with them is dropped (RFC 9110, 6.4.1 and 8.6).
    package static func append(
        _ head: HTTPResponseHead, _ options: HTTPResponseOptions = HTTPResponseOptions(), body: Bytes = .empty,
        date: HTTPDate, to answer: inout ByteBuffer
    ) {
        answer.reserve(512 + body.count)
        answer.append(HTTPStatusLine.text(head.status))
        answer.append(date.line)
        appendFixedLines(head, to: &answer)
        finish(options, status: head.status, body: body, to: &answer)
    }

    /// Appends `100 Continue`, the interim answer to `Expect: 100-continue`.
    package static func appendContinue(to answer: inout ByteBuffer) {
        answer.append("HTTP/1.1 100 Continue\r\n\r\n")
    }

    /// Appends the answer to a CORS preflight: 204 that lets `options.allowedOrigin` send.
    ///
    /// - Parameters:
    ///   - methods: value of `Access-Control-Allow-Methods`.
    ///   - headers: value of `Access-Control-Allow-Headers`, perhaps the one the browser asked for;
    ///     echoed only when it is a list of header names.
    ///   - maxAgeSeconds: how long the browser may remember the answer.
    package static func appendPreflight(
        _ options: HTTPResponseOptions, methods: StaticString, headers: Bytes, maxAgeSeconds: Int,
        date: HTTPDate, to answer: inout ByteBuffer
    ) {
        answer.append(HTTPStatusLine.text(204))
        answer.append(date.line)
        if isOrigin(options.allowedOrigin) {
            line("Access-Control-Allow-Methods: ", methods, to: &answer)
            if !headers.isEmpty, isNameList(headers) {
                answer.append("Access-Control-Allow-Headers: ")
                answer.append(headers)
                answer.append("\r\n")
            }
            line("Access-Control-Max-Age: ", maxAgeSeconds, to: &answer)
        }
        finish(options, status: 204, body: .empty, to: &answer)
    }

    // MARK: parts

    /// What depends on the head alone, without status line and date.
    static func appendFixedLines(_ head: HTTPResponseHead, to answer: inout ByteBuffer) {
        if head.contentType.utf8CodeUnitCount > 0 { line("Content-Type: ", head.contentType, to: &answer) }
        switch head.acknowledge {
        case .none: break
        case .committed: answer.append("Sluice-Acknowledge: committed\r\n")
        case .received: answer.append("Sluice-Acknowledge: received\r\n")
        }
        if head.noStore { answer.append("Cache-Control: no-store\r\n") }
        if head.allow.utf8CodeUnitCount > 0 { line("Allow: ", head.allow, to: &answer) }
        if head.authenticate.utf8CodeUnitCount > 0 {
            line("WWW-Authenticate: ", head.authenticate, to: &answer)
        }
        answer.append(head.extraLines)
    }

    /// What depends on the request and the body, to the end of the response.
    static func finish(
        _ options: HTTPResponseOptions, status: Int, body: Bytes, to answer: inout ByteBuffer
    ) {
        if !options.allowedOrigin.isEmpty { appendOrigin(options, to: &answer) }
        if options.retryAfterSeconds > 0 { line("Retry-After: ", options.retryAfterSeconds, to: &answer) }
        if let rateLimit = options.rateLimit {
            line("X-RateLimit-Limit: ", rateLimit.limit, to: &answer)
            line("X-RateLimit-Remaining: ", rateLimit.remaining, to: &answer)
            line("X-RateLimit-Reset: ", rateLimit.reset, to: &answer)
        }
        if !options.location.isEmpty, isVisible(options.location) {
            answer.append("Location: ")
            answer.append(options.location)
            answer.append("\r\n")
        }
        switch options.persistence {
        case .implied: break
        case .keepAlive: answer.append("Connection: keep-alive\r\n")
        case .close: answer.append("Connection: close\r\n")
        }
        if status == 204 || status == 304 {
            answer.append("\r\n")
            return
        }
        answer.append("Content-Length: ")
        answer.appendDecimal(body.count)
        answer.append("\r\n\r\n")
        if !options.isHead { answer.append(body) }
    }

    private static func appendOrigin(_ options: HTTPResponseOptions, to answer: inout ByteBuffer) {
        guard isOrigin(options.allowedOrigin) else { return }
        answer.append("Access-Control-Allow-Origin: ")
        answer.append(options.allowedOrigin)
        // The answer differs by origin, so a cache may not give it to another.
        answer.append("\r\nVary: Origin\r\n")
        if options.allowsCredentials { answer.append("Access-Control-Allow-Credentials: true\r\n") }
    }

    private static func line(_ name: StaticString, _ value: StaticString, to answer: inout ByteBuffer) {
        answer.append(name)
        answer.append(value)
        answer.append("\r\n")
    }

    private static func line(_ name: StaticString, _ value: Int, to answer: inout ByteBuffer) {
        answer.append(name)
        answer.appendDecimal(value)
        answer.append("\r\n")
    }

    /// The origin that a response written by this type may be read by; empty: none was named. The
    /// view is one of `response`.
    package static func allowedOrigin(of response: Bytes) -> Bytes {
        var start = 0
        while let end = response.firstIndex(of: 0x0D, from: start), end > start {
            let line = response[start..<end]
            if line.hasPrefix("Access-Control-Allow-Origin: ") { return line[29..<line.count] }
            start = end + 2
        }
        return .empty
    }

    // MARK: what may be echoed

    /// Whether `bytes` can be an origin: visible ASCII, not empty. The request's head was checked
    /// when it was read; this holds even for a caller that takes the bytes from elsewhere.
    static func isOrigin(_ bytes: Bytes) -> Bool { !bytes.isEmpty && isVisible(bytes) }

    private static func isVisible(_ bytes: Bytes) -> Bool {
        for index in 0..<bytes.count where bytes[index] <= 0x20 || bytes[index] >= 0x7F { return false }
        return true
    }

    /// Whether `bytes` are header names, commas and white space.
    static func isNameList(_ bytes: Bytes) -> Bool {
        for index in 0..<bytes.count {
            let byte = bytes[index]
            let isLetter = (byte | 0x20) &- 0x61 < 26
            let isDigit = byte &- 0x30 < 10
            guard isLetter || isDigit || byte == 0x2D || byte == 0x5F || byte == 0x2C || byte == 0x20 else {
                return false
            }
        }
        return true
    }
}
