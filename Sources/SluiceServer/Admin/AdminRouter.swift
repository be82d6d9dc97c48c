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

    private let readiness: Readiness
    private let metrics: MetricsRegistry
    private let status: @Sendable () -> GatewayStatus
    private let replays: ReplayDesk?

    /// - Parameters:
    ///   - status: gathers the gateway's state; phase and readiness are filled in here.
    ///   - replays: answers below `/api/replays`.
    package init(
        readiness: Readiness, metrics: MetricsRegistry, replays: ReplayDesk? = nil,
        status: @escaping @Sendable () -> GatewayStatus
    ) {
        self.replays = replays
        self.readiness = readiness
        self.metrics = metrics
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
    ///   - path: without the query, not decoded: no path here needs it.
    ///   - query: ignored by everything there is so far.
    package func respond(method: String, path: String, query: String = "") -> AdminResponse {
        guard let answer = route(path) else {
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

    private func route(_ path: String) -> (() -> AdminResponse)? {
        switch path {
        case "/healthz":
            { AdminResponse(status: 200, contentType: "text/plain; charset=utf-8", body: "ok\n") }
        case "/readyz": ready
        case "/metrics":
            { AdminResponse(status: 200, contentType: MetricsWriter.contentType, body: self.metrics.text()) }
        case "/api/status": fullStatus
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

    private func fullStatus() -> AdminResponse {
        var current = status()
        current.phase = readiness.phase
        current.reasons = readiness.reasons
        current.ready = current.reasons.isEmpty
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
