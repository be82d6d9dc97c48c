import SluiceCore
import SluiceLog

/// `sluice tail`: watches a running gateway, or shows what there was where none runs.
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

    /// Runs until interrupted or until the gateway ends it. Where no gateway runs, or none answers, it shows
    /// what there is of the past, if that was asked for.
    ///
    /// - Parameters:
    ///   - admin: an address instead of the one the data folder names.
    ///   - file: the configuration file, if one was named.
    /// - Returns: the command's exit code.
    package mutating func run(
        admin: String?, file: String?, standardFiles: [String] = ConfigurationLoader.standardFiles,
        options: ConfigurationOptions
    ) -> Int32 {
        let place: CommandPlace
        do throws(CommandPlace.Failure) {
            place = try CommandPlace(admin: admin, file: file, standardFiles: standardFiles, options: options)
        } catch {
            onRemark(error.message)
            return 1
        }
        switch place.gateway() {
        case .answering(let endpoint):
            do throws(AdminClientError) {
                return try watch(endpoint)
            } catch {
                onRemark("no gateway is running at \(endpoint), the admin address: \(error.message)")
                return 1
            }
        case .none:
            return showPast(place.folder, "no gateway is running on \(place.folder)", code: 0)
        case .silent(let reason):
            return showPast(place.folder, reason, code: 1)
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

    // MARK: Without a gateway

    /// - Parameter code: the exit code when the past could be shown.
    private mutating func showPast(_ folder: String, _ reason: String, code: Int32) -> Int32 {
        switch query.view {
        case .refused:
            onRemark("\(reason); this is what was refused before")
        case .events where query.past > 0:
            onRemark("\(reason); these are the newest events of its log")
        case .events, .outcomes:
            onRemark(reason)
            return 1
        }
        do throws(LogError) {
            if query.view == .refused { try showRefused(folder) } else { try showEvents(folder) }
        } catch {
            onRemark("\(error)")
            return 1
        }
        return code
    }

    private mutating func showRefused(_ folder: String) throws(LogError) {
        var lines = TailLines()
        for row in try StateReader(folder: folder).refusedRequests(newest: query.past)
        where query.source == nil || row.source == query.source {
            lines.clear()
            lines.refused(row)
            guard show(lines) else { return }
        }
    }

    private mutating func showEvents(_ folder: String) throws(LogError) {
        var found: [(sequence: EventSequence, line: [UInt8])] = []
        let filter = TailFilter(query)
        let past = query.past
        let reader = try LogFolderReader(folder: folder)
        do {
            try reader.forEachEventBlock(newestFirst: true) { block in
                for index in (0..<block.eventCount).reversed() where found.count < past {
                    block.withEvent(index) { line in
                        guard filter.wants(line) else { return }
                        found.append((EventSequence(block: block.number, index: index), line.array))
                    }
                }
                return found.count < past && !Interruption.hasCome
            }
        } catch let error as LogError {
            throw error
        } catch { preconditionFailure("an error of no known kind: \(error)") }
        var lines = TailLines()
        for event in found.reversed() {
            lines.clear()
            event.line.withBytes { lines.event($0, event.sequence) }
            guard show(lines) else { return }
        }
    }

    private mutating func show(_ lines: borrowing TailLines) -> Bool {
        guard case .shown(let text) = TailText.make(lines.buffer.bytes.array.dropLast(), asJSON: asJSON) else {
            return true
        }
        return show(text)
    }
}
