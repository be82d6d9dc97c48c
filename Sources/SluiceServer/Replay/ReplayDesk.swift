import Dispatch
import SluiceCore
import SluiceDelivery
import Synchronization

/// A request to the admin port, as far as its answers depend on it.
package struct AdminRequest: Sendable {
    package var method: String
    /// Without the query, still encoded.
    package var path: String
    package var query = ""
    /// Names in lower case.
    package var headers: [(name: String, value: String)] = []
    package var body: [UInt8] = []

    package init(
        _ method: String, _ path: String, query: String = "", headers: [(name: String, value: String)] = [],
        body: [UInt8] = []
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.body = body
    }

    func header(_ lowercaseName: String) -> String? { headers.first { $0.name == lowercaseName }?.value }
}

/// `/api/replays`: makes, lists and changes the replays of the running gateway.
///
///     GET  /api/replays                                 all of them
///     POST /api/replays                                 a new one; with "dry_run": true only its figures
///     GET  /api/replays/{id}
///     POST /api/replays/{id}/pause | resume | cancel
///
/// A page in the operator's browser can reach the admin port, too. It cannot send JSON there without asking
/// first, which nothing here answers, and it cannot hide its origin: whoever posts must send JSON, and not
/// from a page of another host.
///
/// Safe from any thread. What is reckoned is read on the caller's thread, one such request at a time.
package final class ReplayDesk: Sendable {
    /// Asks the delivery thread, which answers once.
    package typealias Ask = @Sendable (ReplayCommand, @escaping ReplayReply) -> Void

    static let prefix = "/api/replays"
    private static let answerMilliseconds = 10_000

    private let configuration: Configuration
    private let ask: Ask
    private let jobs: @Sendable () -> [ReplayJob]
    private let settle: @Sendable (@escaping @Sendable () -> Void) -> Void
    private let now: @Sendable () -> Int64
    private let isReckoning = Mutex(false)

    /// - Parameters:
    ///   - jobs: all replays as of the delivery thread's last turn.
    ///   - settle: has all outcomes saved, and calls back: what is reckoned is read from the state file.
    ///   - now: milliseconds since 1970.
    package init(
        _ configuration: Configuration, ask: @escaping Ask, jobs: @escaping @Sendable () -> [ReplayJob],
        settle: @escaping @Sendable (@escaping @Sendable () -> Void) -> Void = { $0() },
        now: @escaping @Sendable () -> Int64 = { WallTime.nowMilliseconds() }
    ) {
        self.configuration = configuration
        self.ask = ask
        self.jobs = jobs
        self.settle = settle
        self.now = now
    }

    /// Whether a path is answered here.
    static func serves(_ path: String) -> Bool { path == prefix || path.hasPrefix(prefix + "/") }

    func respond(_ request: AdminRequest) -> AdminResponse {
        let parts = request.path.dropFirst(ReplayDesk.prefix.count).split(separator: "/").map(String.init)
        let isRead = request.method == "GET" || request.method == "HEAD"
        switch parts.count {
        case 0:
            if isRead { return AdminResponse.json(200, ReplayList(jobs())) }
            guard request.method == "POST" else { return notAllowed("GET, HEAD, POST") }
            return refusal(of: request) ?? create(request)
        case 1:
            guard isRead else { return notAllowed("GET, HEAD") }
            guard let job = jobs().first(where: { "\($0.id)" == parts[0] }) else { return missing(parts[0]) }
            return AdminResponse.json(200, ReplayDocument(job))
        case 2 where ["pause", "resume", "cancel"].contains(parts[1]):
            guard request.method == "POST" else { return notAllowed("POST") }
            guard let id = Int64(parts[0]) else { return missing(parts[0]) }
            let command: ReplayCommand =
                parts[1] == "pause" ? .pause(id) : parts[1] == "resume" ? .resume(id) : .cancel(id)
            return refusal(of: request) ?? carryOut(command) { .json(200, ReplayDocument($0)) }
        default:
            return .problem(404, "not_found", "there is nothing at this path")
        }
    }

    private func notAllowed(_ methods: String) -> AdminResponse {
        var response = AdminResponse.problem(405, "method_not_allowed", "only \(methods) are allowed here")
        response.allow = methods
        return response
    }

    private func missing(_ id: String) -> AdminResponse {
        .problem(404, "unknown_replay", "there is no replay '\(LogLine.printable(id))'")
    }

    // MARK: Browsers

    private func refusal(of request: AdminRequest) -> AdminResponse? {
        let type = (request.header("content-type") ?? "").lowercased().prefix { $0 != ";" && $0 != " " }
        guard type == "application/json" else {
            return .problem(415, "unsupported_media_type", "Content-Type must be application/json")
        }
        // RFC 6454, section 7.3: browsers send it with every POST; programs do not.
        if let origin = request.header("origin"), !ReplayDesk.isLocal(origin) {
            return .problem(403, "foreign_origin", "a page of another host may not change anything here")
        }
        if let site = request.header("sec-fetch-site"), !["same-origin", "none"].contains(site) {
            return .problem(403, "foreign_origin", "a page of another host may not change anything here")
        }
        return nil
    }

    /// Whether a page comes from this machine; `null`, of a page without an origin, does not.
    static func isLocal(_ origin: String) -> Bool {
        guard let scheme = origin.firstRange(of: "://") else { return false }
        var host = origin[scheme.upperBound...].lowercased()
        if host.hasPrefix("[") {
            host = String(host.dropFirst().prefix { $0 != "]" })
        } else {
            host = String(host.prefix { $0 != ":" && $0 != "/" })
        }
        return Endpoint(host: host, port: 0).isLoopback
    }

    // MARK: Making one

    private func create(_ request: AdminRequest) -> AdminResponse {
        let isFree = isReckoning.withLock { busy in
            defer { busy = true }
            return !busy
        }
        guard isFree else {
            return .problem(429, "busy", "another replay is being reckoned; try again in a moment")
        }
        defer { isReckoning.withLock { $0 = false } }
        let plan: ReplayPlan
        let wanted: ReplayRequest
        do throws(ReplayProblem) {
            wanted = try ReplayRequest(json: request.body)
            let now = now()
            let spec = try wanted.spec(configuration, now: now)
            let isSettled = DispatchSemaphore(value: 0)
            settle { isSettled.signal() }
            _ = isSettled.wait(timeout: .now() + .milliseconds(ReplayDesk.answerMilliseconds))
            plan = try ReplayPlan.reckon(spec, configuration, now: now)
        } catch {
            return .problem(400, "invalid_replay", error.message, field: error.field)
        }
        let document = ReplayPlanDocument(plan)
        guard !wanted.dryRun, plan.estimate.total.events > 0 else {
            return .json(200, ReplayAnswer(plan: document, replay: nil))
        }
        return carryOut(.create(plan.job)) {
            .json(201, ReplayAnswer(plan: document, replay: ReplayDocument($0)))
        }
    }

    private func carryOut(
        _ command: ReplayCommand, _ answer: (ReplayJob) -> AdminResponse
    ) -> AdminResponse {
        switch ReplayDesk.result(of: command, ask) {
        case .success(let job): return answer(job)
        case .failure(let refusal):
            let status =
                switch refusal {
                case .unknownReplay: 404
                case .wrongPhase: 409
                case .unknownDestination: 400
                case .tooMany: 429
                case .unavailable: 503
                }
            return .problem(status, "\(refusal.label)", refusal.message)
        }
    }

    /// Asks and waits for the answer.
    package static func result(of command: ReplayCommand, _ ask: Ask) -> Result<ReplayJob, ReplayRefusal> {
        let answer = AnswerBox()
        ask(command) { answer.give($0) }
        return answer.wait(milliseconds: answerMilliseconds)
            ?? .failure(.unavailable("the delivery thread did not answer in time"))
    }

    private final class AnswerBox: Sendable {
        private let value = Mutex<Result<ReplayJob, ReplayRefusal>?>(nil)
        private let isGiven = DispatchSemaphore(value: 0)

        func give(_ result: Result<ReplayJob, ReplayRefusal>) {
            value.withLock { $0 = result }
            isGiven.signal()
        }

        func wait(milliseconds: Int) -> Result<ReplayJob, ReplayRefusal>? {
            _ = isGiven.wait(timeout: .now() + .milliseconds(milliseconds))
            return value.withLock { $0 }
        }
    }
}

extension AdminResponse {
    static func json(_ status: Int, _ value: some Encodable) -> AdminResponse {
        AdminResponse(status: status, contentType: "application/json", body: AdminJSON.encode(value) + "\n")
    }

    private struct ProblemBody: Codable {
        struct Content: Codable {
            var code: String
            var message: String
            var field: String?
        }
        var error: Content
    }

    /// - Parameter field: of the request's body, where one is at fault.
    static func problem(
        _ status: Int, _ code: String, _ message: String, field: String? = nil
    ) -> AdminResponse {
        json(status, ProblemBody(error: .init(code: code, message: message, field: field)))
    }
}
