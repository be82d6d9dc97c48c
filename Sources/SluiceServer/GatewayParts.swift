import Glibc
import Logging
import SluiceIO
import SluiceLog
import Synchronization

/// The admin port: the router behind a small server of its own threads.
final class AdminServer {
    private let server: BlockingHTTPServer

    private let endpoint: Endpoint

    /// - Parameters:
    ///   - endpoint: where to listen.
    ///   - folder: what `DataFolder.identity` says of the data folder.
    ///   - tails: answers `GET /api/tail`, which does not end.
    init(_ router: AdminRouter, on endpoint: Endpoint, folder: String?, tails: TailDesk) throws {
        self.endpoint = endpoint
        let hosts = AdminHosts(endpoint)
        let options = BlockingServerOptions(
            connections: Limits.adminConnections, headBytes: 16 << 10, bodyBytes: 64 << 10,
            idleTimeoutMilliseconds: 15_000, requestTimeoutMilliseconds: 5000)
        server = try BlockingHTTPServer(name: "sluice-admin", options: options) { request in
            let refusal = hosts.refusal(path: request.path, headers: request.headers)
            var response: SimpleResponse
            if refusal == nil, request.path == AdminRouter.tailPath, request.method == .get {
                response = tails.respond(query: request.query)
            } else {
                let answer =
                    refusal
                    ?? router.respond(
                        AdminRequest(
                            request.methodText, request.path, query: request.query, headers: request.headers,
                            body: request.body))
                response = SimpleResponse(
                    status: answer.status, contentType: answer.contentType, text: answer.body)
                if let allow = answer.allow { response.headers.append(("Allow", allow)) }
                response.headers.append(("Cache-Control", "no-store"))
            }
            if let folder { response.headers.append((FolderGateway.header, folder)) }
            return response
        }
    }

    /// The actual port.
    func start() throws -> UInt16 {
        try server.start(on: ListenAddress(host: endpoint.host, port: endpoint.port))
    }

    func stop() { server.stop() }
}

/// `<data>/run.json`: where the running gateway listens, for tools that start it with port 0.
package struct RunFile {
    package let path: String

    package init(folder: String) { path = folder + "/run.json" }

    private struct Content: Codable {
        var pid: Int32
        var listen: [String]
        var admin: String
    }

    package struct Failure: Error, CustomStringConvertible {
        package var description: String
    }

    /// Written beside and renamed, so that nobody reads half of it.
    package func write(listen: [ListenAddress], admin: ListenAddress) throws(Failure) {
        let content = Content(
            pid: getpid(), listen: listen.map(\.description), admin: admin.description)
        let text = AdminJSON.encode(content) + "\n"
        let draft = path + ".new"
        // Safety: fopen, fputs and rename read the strings for the call only.
        guard let file = unsafe fopen(draft, "w") else {
            throw Failure(description: "cannot write \(draft): \(errorText(errno))")
        }
        let isWritten = unsafe fputs(text, file) >= 0
        let isClosed = unsafe fclose(file) == 0
        guard isWritten, isClosed, unsafe rename(draft, path) == 0 else {
            throw Failure(description: "cannot write \(path): \(errorText(errno))")
        }
    }

    /// Where the gateway that wrote it has its admin port; nil when there is no such file. It may be left
    /// over from a gateway that was killed.
    package func admin() -> Endpoint? {
        guard let bytes = try? SmallFile.read(path, max: 64 << 10),
            let content = AdminJSON.decode(Content.self, from: bytes)
        else { return nil }
        return try? Endpoint.parse(content.admin)
    }

    package func remove() {
        // Safety: unlink reads the path for the call only.
        _ = unsafe unlink(path)
    }
}

/// A flag that is set once.
final class Flag: Sendable {
    private let isSet = Atomic<Bool>(false)
    var value: Bool { isSet.load(ordering: .acquiring) }
    func set() { isSet.store(true, ordering: .releasing) }
}

/// Watches for the end of standard input on a thread of its own.
enum EndOfInput {
    private static let ended = Flag()

    static var hasEnded: Bool { ended.value }

    static func watch() {
        // Not joined: it may sleep in read(2) until the process ends.
        _ = startThread(name: "sluice-stdin") {
            var byte: UInt8 = 0
            while true {
                // Safety: reads at most the one byte there is room for.
                let count = unsafe read(STDIN_FILENO, &byte, 1)
                if count == 0 || (count < 0 && errno != EINTR) { break }
            }
            ended.set()
            kill(getpid(), SIGTERM)
        }
    }
}

/// Turns the log's failures into readiness and log lines.
///
/// Owner: the main thread.
package final class LogWatch {
    private let stats: LogStats
    private let readiness: Readiness
    private let commitFailed: TroubleKind
    private let upkeepFailed: TroubleKind
    private var upkeepFailures: Int64 = 0
    private var wasFailing = false
    private let logger: Logger

    package init(
        _ stats: LogStats, _ readiness: Readiness, _ troubles: TroubleLog, _ logger: Logger
    ) {
        self.logger = logger
        self.stats = stats
        self.readiness = readiness
        commitFailed = troubles.kind("commit_failed", level: .error)
        upkeepFailed = troubles.kind("log_upkeep_failed")
    }

    package func look() {
        for incident in stats.takeIncidents() {
            let message: Logger.Message = "\(incident)"
            if incident.isLoud { logger.error(message) } else { logger.notice(message) }
        }
        if stats.isFailing, let failure = stats.failure {
            wasFailing = true
            readiness.obstruct("log", reason: "cannot commit: \(failure.error)")
            commitFailed.report("the log cannot commit; events are answered 503: \(failure.error)")
        } else {
            readiness.clear("log")
            if wasFailing { logger.notice("the log commits again") }
            wasFailing = false
        }
        let failures = stats.upkeepFailures.load(ordering: .relaxed)
        if failures > upkeepFailures, let error = stats.upkeepFailure {
            upkeepFailures = failures
            upkeepFailed.report("a checkpoint or change of segments failed and will be tried again: \(error)")
        }
    }
}
