extension EdgeProblem {
    /// Writes what is wrong, for people; needs no escape in JSON.
    func appendMessage(to out: inout ByteBuffer) {
        switch self {
        case .badRequest(let words): out.appendJSONEscaped(Bytes(words))
        case .unauthorized: out.append("the credential is missing or unknown")
        case .forbiddenOrigin: out.append("the source may not send from this origin")
        case .notFound: out.append("there is nothing at this path")
        case .methodNotAllowed: out.append("this path does not take this method")
        case .requestTimeout: out.append("the request took too long to arrive")
        case .bodyTooLarge(let limit):
            out.append("the body may have at most ")
            out.appendDecimal(limit)
            out.append(" bytes")
        case .headTooLarge(let limit):
            out.append("the request head may have at most ")
            out.appendDecimal(limit)
            out.append(" bytes")
        case .tooManyHeaderLines(let limit):
            out.append("the request may have at most ")
            out.appendDecimal(limit)
            out.append(" header lines")
        case .unsupportedMediaType: out.append("this content type is not supported; send application/json")
        case .unsupportedContentEncoding: out.append("this content encoding is not supported")
        case .unsupportedTransferEncoding: out.append("this transfer encoding is not supported")
        case .expectationFailed: out.append("the only expectation that can be met is 100-continue")
        case .unsupportedVersion: out.append("this version of HTTP is not supported")
        case .unavailable(let seconds):
            out.append("events cannot be stored at present; try again in ")
            out.appendDecimal(seconds)
            out.append(" seconds")
        }
    }
}
