import SluiceCore
import SluiceHTTP

/// Puts a platform's answer into an HTTP response.
///
/// The answers that most requests get are prepared beforehand. Owner: the shard thread.
final class AnswerWriter {
    private let date: HTTPDate
    private let noContentCommitted: HTTPResponseTemplate
    private let noContentReceived: HTTPResponseTemplate
    private let acceptedCommitted: HTTPResponseTemplate
    private let acceptedReceived: HTTPResponseTemplate

    init(date: HTTPDate) {
        self.date = date
        func template(_ status: Int, _ type: StaticString, _ acknowledge: HTTPAcknowledge) -> HTTPResponseTemplate {
            var head = HTTPResponseHead(status: status, contentType: type)
            head.acknowledge = acknowledge
            return HTTPResponseTemplate(head, date: date)
        }
        noContentCommitted = template(204, "", .committed)
        noContentReceived = template(204, "", .received)
        acceptedCommitted = template(202, "application/json", .committed)
        acceptedReceived = template(202, "application/json", .received)
    }

    /// An answer to events.
    ///
    /// - Parameter originAllowed: whether the page that sent them may read it.
    func append(
        _ answer: borrowing PlatformAnswer, head: HTTPRequestHead, acknowledge: HTTPAcknowledge,
        originAllowed: Bool = true, to output: inout ByteBuffer
    ) {
        var options = HTTPResponseOptions(head)
        if originAllowed { options.allowedOrigin = head.origin }
        if let template = template(for: answer, acknowledge) {
            template.append(options, body: answer.body.bytes, to: &output)
            return
        }
        var responseHead = HTTPResponseHead(status: answer.status, contentType: answer.contentType.value)
        responseHead.acknowledge = acknowledge
        responseHead.noStore = answer.noStore
        responseHead.extraLines = answer.extraLine
        HTTPResponse.append(responseHead, options, body: answer.body.bytes, date: date, to: &output)
    }

    private func template(
        for answer: borrowing PlatformAnswer, _ acknowledge: HTTPAcknowledge
    ) -> HTTPResponseTemplate? {
        guard !answer.noStore, answer.extraLine.utf8CodeUnitCount == 0 else { return nil }
        switch (answer.status, acknowledge) {
        case (204, .committed): return noContentCommitted
        case (204, .received): return noContentReceived
        case (202, .committed) where answer.contentType == .json: return acceptedCommitted
        case (202, .received) where answer.contentType == .json: return acceptedReceived
        default: return nil
        }
    }

    /// The answer to OPTIONS: what the path allows, and what a page of an allowed origin may send.
    func appendOptions(
        _ head: HTTPRequestHead, allow: StaticString, originAllowed: Bool, to output: inout ByteBuffer
    ) {
        var options = HTTPResponseOptions(head)
        if originAllowed { options.allowedOrigin = head.origin }
        guard originAllowed, !head.accessControlRequestMethod.isEmpty else {
            var responseHead = HTTPResponseHead(status: 204)
            responseHead.allow = allow
            HTTPResponse.append(responseHead, options, date: date, to: &output)
            return
        }
        HTTPResponse.appendPreflight(
            options, methods: allow, headers: head.accessControlRequestHeaders, maxAgeSeconds: 86_400,
            date: date, to: &output)
    }

    /// A refusal after which the connection goes on as the request asked.
    func appendRefusal(
        _ answer: borrowing PlatformAnswer, _ problem: EdgeProblem, _ platform: Platform, head: HTTPRequestHead,
        allow: StaticString, originAllowed: Bool, to output: inout ByteBuffer
    ) {
        var options = HTTPResponseOptions(head)
        if originAllowed { options.allowedOrigin = head.origin }
        if case .unavailable(let seconds) = problem { options.retryAfterSeconds = seconds }
        var responseHead = HTTPResponseHead(status: answer.status, contentType: answer.contentType.value)
        responseHead.allow = allow
        responseHead.noStore = true
        switch problem {
        case .unauthorized:
            // RFC 9110 section 11.6.1: a 401 must say how to authenticate.
            responseHead.authenticate =
                platform == .impact ? "Basic realm=\"sluice\"" : "Bearer realm=\"sluice\""
        case .unsupportedContentEncoding:
            // RFC 9110 section 12.5.3: what would have been taken.
            responseHead.extraLines = "Accept-Encoding: gzip\r\n"
        default: break
        }
        HTTPResponse.append(responseHead, options, body: answer.body.bytes, date: date, to: &output)
    }

    /// A refusal after which the connection closes.
    func appendClosing(
        _ answer: borrowing PlatformAnswer, _ problem: EdgeProblem, isHead: Bool, allowedOrigin: Bytes,
        to output: inout ByteBuffer
    ) {
        var options = HTTPResponseOptions(persistence: .close, isHead: isHead)
        options.allowedOrigin = allowedOrigin
        if case .unavailable(let seconds) = problem { options.retryAfterSeconds = seconds }
        var responseHead = HTTPResponseHead(status: answer.status, contentType: answer.contentType.value)
        if case .methodNotAllowed = problem {
            // RFC 9110 section 15.5.6: a 405 must have Allow. Of what the loop itself refuses only
            // CONNECT gets one, whose target is no path: these are the methods of all paths.
            responseHead.allow = "GET, HEAD, POST, OPTIONS"
        }
        HTTPResponse.append(responseHead, options, body: answer.body.bytes, date: date, to: &output)
    }

    /// An answer for which the request had to wait: the 503 in the place of one whose commit failed, or what
    /// was looked up. Without `allowedOrigin` a page could not read it, and would take it for a broken network.
    func appendLate(
        _ answer: borrowing PlatformAnswer, retryAfterSeconds: Int, keepAlive: Bool, isHead: Bool,
        allowedOrigin: Bytes, to output: inout ByteBuffer
    ) {
        var options = HTTPResponseOptions(
            persistence: HTTPPersistence(keepAlive: keepAlive), isHead: isHead)
        options.retryAfterSeconds = retryAfterSeconds
        options.allowedOrigin = allowedOrigin
        var responseHead = HTTPResponseHead(status: answer.status, contentType: answer.contentType.value)
        responseHead.noStore = answer.noStore
        HTTPResponse.append(responseHead, options, body: answer.body.bytes, date: date, to: &output)
    }
}
