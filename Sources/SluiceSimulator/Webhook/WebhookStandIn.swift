import SluiceCore

/// The receiving end of a `webhook` destination: a JSON array of canonical events, signed.
///
/// `Sluice-Signature: t=<seconds since 1970>,v1=<hex>`, where the hex is HMAC-SHA256, under the shared
/// secret, of the decimal `t`, a full stop and the body as it travelled (compressed, if it was).
///
/// The ledger goes by the generator's ids where an event bears one (`TrafficEvent.trace`), and by the
/// events' own ids otherwise.
package struct WebhookStandIn: StandInPlatform {
    package let name = "webhook"
    /// Nil: signatures are not looked at.
    package let secret: String?
    /// The one path it answers on.
    package let path: String

    /// How old or how far ahead a signature may be.
    static let signatureToleranceSeconds: Int64 = 300
    /// Most bytes a compressed body may grow to.
    static let inflatedBytesMax = 64 << 20

    package init(secret: String?, path: String = "/hook") {
        self.secret = secret
        self.path = path
    }

    package func judge(_ request: StandInRequest, nowMilliseconds: Int64) -> Judgement {
        guard request.path == path else { return refuse(404, "no such path") }
        guard request.method == "POST" else { return refuse(405, "\(request.method) is not allowed") }
        guard request.mediaType == "application/json" else {
            return refuse(415, "the content type must be application/json")
        }
        if let secret, let problem = signatureProblem(request, secret: secret, now: nowMilliseconds) {
            return refuse(401, problem)
        }
        guard let body = Self.content(of: request) else {
            return refuse(415, "the content encoding is unknown, or the body does not decompress")
        }
        guard let document = PlainJSON(body) else { return refuse(400, "the body is not valid JSON") }
        guard let events = document.elements else { return refuse(400, "the body must be an array") }
        guard !events.isEmpty else { return refuse(400, "the array is empty") }
        var ids: [String] = []
        for (index, event) in events.enumerated() {
            if let found = CanonicalForm.problem(in: event, at: "[\(index)]") { return refuse(400, found) }
            ids.append(TrafficEvent.trace(of: event))
        }
        return .taken(ids, answer: .json(status: 200, "{\"received\":\(ids.count)}"))
    }

    /// What is wrong with the signature; nil when it is right.
    private func signatureProblem(_ request: StandInRequest, secret: String, now: Int64) -> String? {
        guard let header = request.header("sluice-signature") else {
            return "there is no Sluice-Signature"
        }
        var time: Int64?
        var signatures: [String] = []
        for part in header.split(separator: ",") {
            if part.hasPrefix("t=") { time = Int64(part.dropFirst(2)) }
            if part.hasPrefix("v1=") { signatures.append(String(part.dropFirst(3))) }
        }
        guard let time, !signatures.isEmpty else { return "the Sluice-Signature has no t or no v1" }
        guard abs(time - now / 1000) <= Self.signatureToleranceSeconds else {
            return "the signature is too old, or from the future"
        }
        let expected = Self.signature(secret: secret, seconds: time, body: request.body)
        return signatures.contains(expected) ? nil : "the signature does not fit the body"
    }

    /// A request's body without its content coding; nil when that is unknown, or the body does not have it.
    package static func content(of request: StandInRequest) -> [UInt8]? {
        switch request.header("content-encoding")?.lowercased() {
        case nil, "identity": request.body
        case "gzip": Self.inflate(request.body)
        default: nil
        }
    }

    private func refuse(_ status: Int, _ message: String) -> Judgement {
        .refused("\(status): \(message)", answer: trouble(status: status, message: message))
    }

    package func trouble(status: Int, message: String) -> StandInAnswer {
        .json(status: status, "{\"message\":\(PlainJSON.quote(message))}")
    }
}
