/// An answer of the admin port.
package struct AdminResponse: Sendable, Equatable {
    package var status: Int
    package var contentType: String
    package var body: String
    /// The value of `Allow`, for 405.
    package var allow: String?

    package init(status: Int, contentType: String, body: String, allow: String? = nil) {
        self.status = status
        self.contentType = contentType
        self.body = body
        self.allow = allow
    }
}

/// What the admin port serves. Knows nothing of sockets; safe from any thread.
package final class AdminRouter: Sendable {
    package static let methods = "GET, HEAD"
    /// A stream, which the server around this gives; here it has only a head.
    package static let tailPath = "/api/tail"

    private let readiness: Readiness
    private let metrics: MetricsRegistry
    private let status: @Sendable (_ hours: Int) -> GatewayStatus
    private let receipts: ReceiptEndpoint
    private let replays: ReplayDesk?

    /// How many hours the books by hour go back where nothing else is asked for, and at most.
    package static let hoursDefault = 24
    package static let hoursMax = 24 * 31

    /// - Parameters:
    ///   - receipts: finds events and what became of them.
    ///   - replays: answers below `/api/replays`.
    ///   - status: gathers the gateway's state, with the books of so many hours; phase and readiness are filled
    ///     in here.
    package init(
        readiness: Readiness, metrics: MetricsRegistry, receipts: ReceiptEndpoint, replays: ReplayDesk? = nil,
        status: @escaping @Sendable (_ hours: Int) -> GatewayStatus
    ) {
        self.replays = replays
        self.readiness = readiness
        self.metrics = metrics
        self.receipts = receipts
        self.status = status
    }

    package func respond(_ request: AdminRequest) -> AdminResponse {
        guard let replays, ReplayDesk.serves(request.path) else {
            return respond(method: request.method, path: request.path, query: request.query)
        }
        var response = replays.respond(request)
        if request.method == "HEAD" { response.body = "" }
        return response
    }

    /// - Parameters:
    ///   - path: without the query, not decoded.
    ///   - query: not decoded.
    package func respond(method: String, path: String, query: String = "") -> AdminResponse {
        guard let answer = route(path, query) else {
            return problem(404, "not_found", "there is nothing at this path")
        }
        guard method == "GET" || method == "HEAD" else {
            var refusal = problem(405, "method_not_allowed", "only \(AdminRouter.methods) are allowed here")
            refusal.allow = AdminRouter.methods
            return refusal
        }
        var response = answer()
        if method == "HEAD" { response.body = "" }
        return response
    }

    private func route(_ path: String, _ query: String) -> (() -> AdminResponse)? {
        if path.hasPrefix(ReceiptEndpoint.prefix) {
            return { self.receipt(String(path.dropFirst(ReceiptEndpoint.prefix.count)), query) }
        }
        return switch path {
        case "/healthz":
            { AdminResponse(status: 200, contentType: "text/plain; charset=utf-8", body: "ok\n") }
        case "/readyz": ready
        case "/metrics":
            { AdminResponse(status: 200, contentType: MetricsWriter.contentType, body: self.metrics.text()) }
        case "/api/status": { self.fullStatus(query) }
        case AdminRouter.tailPath:
            { AdminResponse(status: 200, contentType: "application/x-ndjson", body: "") }
        default: nil
        }
    }

    private struct ReadyBody: Encodable {
        var ready: Bool
        var reasons: [String]
    }

    private func ready() -> AdminResponse {
        let reasons = readiness.reasons
        let body = AdminJSON.encode(ReadyBody(ready: reasons.isEmpty, reasons: reasons))
        return json(reasons.isEmpty ? 200 : 503, body)
    }

    private func receipt(_ id: String, _ query: String) -> AdminResponse {
        switch receipts.answer(id: id, query: query) {
        case .found(let body): json(200, body)
        case .refused(let status, let code, let message): problem(status, code, message)
        }
    }

    private func fullStatus(_ query: String) -> AdminResponse {
        var hours = AdminRouter.hoursDefault
        if !query.isEmpty {
            guard query.hasPrefix("hours="), let asked = Int(query.dropFirst(6)),
                (0...AdminRouter.hoursMax).contains(asked)
            else {
                return problem(
                    400, "bad_request", "the query knows only 'hours', a number from 0 to \(AdminRouter.hoursMax)")
            }
            hours = asked
        }
        var current = status(hours)
        current.phase = readiness.phase
        current.ready = readiness.isReady
        current.reasons = readiness.reasons + current.reasons
        return json(200, AdminJSON.encode(StatusDocument(current)))
    }

    private struct ProblemBody: Encodable {
        struct Content: Encodable {
            var code: String
            var message: String
        }
        var error: Content
    }

    private func problem(_ status: Int, _ code: String, _ message: String) -> AdminResponse {
        json(status, AdminJSON.encode(ProblemBody(error: .init(code: code, message: message))))
    }

    private func json(_ status: Int, _ body: String) -> AdminResponse {
        AdminResponse(status: status, contentType: "application/json", body: body + "\n")
    }
}
