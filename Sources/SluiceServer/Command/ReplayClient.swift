import SluiceCore
import SluiceLog

/// Why a command about replays failed, in words for people.
package struct ReplayFailure: Error, Equatable {
    package var message: String
    package init(_ message: String) { self.message = message }
}

/// Asks a running gateway about replays.
package struct ReplayClient: Sendable {
    package let endpoint: Endpoint
    /// Reckoning reads the log: a day's worth may take its time.
    private static let reckonMilliseconds = 600_000

    package init(_ endpoint: Endpoint) { self.endpoint = endpoint }

    /// Who is to be asked.
    package enum Search {
        case found(ReplayClient)
        /// Nobody owns the folder.
        case none
        /// Somebody owns the folder, or may, and does not answer; in words for people.
        case silent(String)
    }

    /// The gateway that works on a data folder.
    ///
    /// - Parameter admin: an address that was named; then only that one counts.
    package static func find(
        admin: Endpoint?, _ configuration: Configuration
    ) throws(ReplayFailure) -> Search {
        if let admin {
            guard answers(admin) else {
                throw ReplayFailure("no gateway is running at \(admin), the admin address")
            }
            return .found(ReplayClient(admin))
        }
        switch FolderGateway.find(folder: configuration.data, configured: configuration.admin) {
        case .answering(let endpoint): return .found(ReplayClient(endpoint))
        case .none: return .none
        case .silent(let reason): return .silent(reason)
        }
    }

    private static func answers(_ endpoint: Endpoint) -> Bool {
        (try? AdminClient.get(endpoint, path: "/api/replays"))?.status == 200
    }

    package func start(_ request: ReplayRequest, now: Int64) throws(ReplayFailure) -> ReplayAnswer {
        try decode(
            ReplayAnswer.self,
            exchange { (endpoint) throws(AdminClientError) in
                try AdminClient.post(
                    endpoint, path: ReplayDesk.prefix, json: request.json(now: now),
                    timeoutMilliseconds: ReplayClient.reckonMilliseconds)
            })
    }

    package func list() throws(ReplayFailure) -> ReplayList {
        try decode(
            ReplayList.self,
            exchange { (endpoint) throws(AdminClientError) in
                try AdminClient.get(endpoint, path: ReplayDesk.prefix)
            })
    }

    package func show(_ id: Int64) throws(ReplayFailure) -> ReplayDocument {
        try decode(
            ReplayDocument.self,
            exchange { (endpoint) throws(AdminClientError) in
                try AdminClient.get(endpoint, path: "\(ReplayDesk.prefix)/\(id)")
            })
    }

    package func change(_ id: Int64, _ step: ReplayStep) throws(ReplayFailure) -> ReplayDocument {
        try decode(
            ReplayDocument.self,
            exchange { (endpoint) throws(AdminClientError) in
                try AdminClient.post(
                    endpoint, path: "\(ReplayDesk.prefix)/\(id)/\(step.rawValue)", json: Array("{}".utf8),
                    timeoutMilliseconds: 15_000)
            })
    }

    private func exchange(
        _ body: (Endpoint) throws(AdminClientError) -> AdminClient.Answer
    ) throws(ReplayFailure) -> AdminClient.Answer {
        do throws(AdminClientError) {
            return try body(endpoint)
        } catch {
            throw ReplayFailure("the gateway at \(endpoint) does not answer: \(error.message)")
        }
    }

    private struct Problem: Decodable {
        struct Content: Decodable {
            var message: String
            var field: String?
        }
        var error: Content
    }

    private func decode<Value: Decodable>(
        _ type: Value.Type, _ answer: AdminClient.Answer
    ) throws(ReplayFailure) -> Value {
        guard (200...299).contains(answer.status) else {
            guard let problem = AdminJSON.decode(Problem.self, from: answer.body)?.error else {
                throw ReplayFailure("what listens at \(endpoint) answered \(answer.status)")
            }
            throw ReplayFailure(ReplayProblem(problem.field, problem.message).text)
        }
        guard let value = AdminJSON.decode(type, from: answer.body) else {
            throw ReplayFailure("what listens at \(endpoint) did not answer as a gateway does")
        }
        return value
    }
}

/// What can be done to a replay there is.
package enum ReplayStep: String, Sendable, CaseIterable {
    case pause, resume, cancel
}
