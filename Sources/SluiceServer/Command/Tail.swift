import SluiceLog

/// `sluice tail`: watches a running gateway, or shows what was refused where none runs.
///
/// Owner: one thread.
package struct Tail: ~Copyable {
    private let query: TailQuery
    private let asJSON: Bool
    private let onRemark: (String) -> Void
    private var output = StandardOutput()

    /// - Parameter onRemark: told what does not belong on standard output.
    package init(_ query: TailQuery, asJSON: Bool, onRemark: @escaping (String) -> Void) {
        self.query = query
        self.asJSON = asJSON
        self.onRemark = onRemark
    }

    /// Runs until interrupted or until the gateway ends it.
    ///
    /// - Parameters:
    ///   - admin: an address instead of the configuration's.
    ///   - file: the configuration file, if one was named.
    ///   - folder: the data folder, asked for only where no gateway answers.
    /// - Returns: the command's exit code.
    package mutating func run(
        admin: String?, file: String?, options: ConfigurationOptions, folder: () -> String?
    ) -> Int32 {
        let endpoint: Endpoint
        do throws(StatusQuery.Failure) {
            endpoint = try StatusQuery.endpoint(admin: admin, file: file, options: options)
        } catch {
            onRemark(error.message)
            return 1
        }
        do throws(AdminClientError) {
            return try watch(endpoint)
        } catch {
            if case .unreachable = error, query.view == .refused, admin == nil, let folder = folder() {
                onRemark("no gateway is running at \(endpoint); this is what was refused before")
                return showPast(folder)
            }
            onRemark("no gateway is running at \(endpoint), the admin address: \(error.message)")
            return 1
        }
    }

    private mutating func watch(_ endpoint: Endpoint) throws(AdminClientError) -> Int32 {
        var ending: String?
        var path = AdminRouter.tailPath
        if !query.text.isEmpty { path += "?" + query.text }
        let end = try AdminStream.read(endpoint, path: path, isWanted: { !Interruption.hasCome }) { line in
            switch TailText.make(line, asJSON: asJSON) {
            case .shown(let text): return show(text)
            case .remark(let text): onRemark(text)
            case .ended(let reason): ending = reason
            case .nothing: break
            }
            return true
        }
        switch end {
        case .unwanted:
            return 0
        case .complete:
            onRemark(ending ?? "the gateway ended it")
            return 0
        case .broken(let reason):
            onRemark("the connection to the gateway broke: \(reason)")
            return 1
        case .refused(let status, let body):
            let message = AdminJSON.decode(ProblemBody.self, from: body)?.error.message
            onRemark(message ?? "what listens at \(endpoint) answered \(status); is it a gateway's admin port?")
            return 1
        }
    }

    private struct ProblemBody: Decodable {
        struct Content: Decodable {
            var message: String
        }
        var error: Content
    }

    /// False when nobody reads any more.
    private mutating func show(_ text: String) -> Bool {
        do throws(StandardOutput.Failure) {
            try output.append(text + "\n")
            try output.flush()
            return true
        } catch {
            return false
        }
    }

    private mutating func showPast(_ folder: String) -> Int32 {
        let rows: [RefusedRow]
        do throws(LogError) {
            rows = try StateReader(folder: folder).refusedRequests(newest: query.past)
        } catch {
            onRemark("\(error)")
            return 1
        }
        var lines = TailLines()
        for row in rows where query.source == nil || row.source == query.source {
            lines.clear()
            lines.refused(row)
            let line = lines.buffer.bytes.array.dropLast()
            guard case .shown(let text) = TailText.make(line, asJSON: asJSON), show(text) else { return 0 }
        }
        return 0
    }
}
