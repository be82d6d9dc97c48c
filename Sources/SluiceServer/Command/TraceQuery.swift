import SluiceCore
import SluiceLog

/// `sluice trace`: asks the running gateway what became of events, or looks into its folder where none runs.
package enum TraceQuery {
    package struct Failure: Error, Equatable {
        package var message: String

        package init(message: String) { self.message = message }
    }

    package struct Answer: Sendable, Equatable {
        /// The newest first; empty when there is no such event.
        package var events: [TracedEvent]
        /// Why the folder was looked into although a process owns it.
        package var remark: String?
    }

    /// Whether `--type` may say it.
    package static func isType(_ name: String) -> Bool { eventType(name) != nil }

    private static func eventType(_ name: String) -> EventType? {
        Array(name.utf8).withBytes { EventType($0) }
    }

    /// - Parameters:
    ///   - id: of an event, an order, a session or a user.
    ///   - type: the name of a type; nil finds all.
    ///   - limit: most events that are found.
    ///   - admin: an address instead of the one the data folder names; only a gateway there is asked then.
    ///   - file: the configuration file, if one was named.
    package static func ask(
        _ id: String, type: String?, limit: Int, admin: String?, file: String?,
        standardFiles: [String] = ConfigurationLoader.standardFiles, options: ConfigurationOptions,
        timeoutMilliseconds: Int = 30_000
    ) throws(Failure) -> Answer {
        let query = EventQuery(id: Array(id.utf8), type: type.flatMap(eventType), limit: limit)
        let place: CommandPlace
        do throws(CommandPlace.Failure) {
            place = try CommandPlace(admin: admin, file: file, standardFiles: standardFiles, options: options)
        } catch {
            throw Failure(message: error.message)
        }
        switch place.gateway() {
        case .answering(let endpoint):
            return Answer(events: try ask(endpoint, query, timeoutMilliseconds), remark: nil)
        case .none:
            return Answer(events: try look(query, place, "no gateway is running on \(place.folder)"), remark: nil)
        case .silent(let reason):
            return Answer(
                events: try look(query, place, reason),
                remark: "\(reason); this is what lies on the disk, as of the last save")
        }
    }

    private static func ask(
        _ endpoint: Endpoint, _ query: EventQuery, _ timeoutMilliseconds: Int
    ) throws(Failure) -> [TracedEvent] {
        let answer: AdminClient.Answer
        do throws(AdminClientError) {
            answer = try AdminClient.get(
                endpoint, path: path(of: query), timeoutMilliseconds: timeoutMilliseconds, bytesMax: 256 << 20)
        } catch {
            throw Failure(message: "no gateway answers at \(endpoint), the admin address: \(error.message)")
        }
        return try read(answer, from: endpoint)
    }

    private static func path(of query: EventQuery) -> String {
        var id = ByteBuffer(capacity: query.id.count * 3)
        query.id.withBytes { id.appendPercentEncoded($0) }
        var path = ReceiptEndpoint.prefix + id.bytes.string
        path += "?limit=\(query.limit)"
        if let type = query.type { path += "&type=\(type.name)" }
        return path
    }

    private static func read(
        _ answer: AdminClient.Answer, from endpoint: Endpoint
    ) throws(Failure) -> [TracedEvent] {
        switch answer.status {
        case 200:
            guard let events = ReceiptJSON.decode(answer.body) else { break }
            return events
        case 404 where String(decoding: answer.body, as: UTF8.self).contains("no event in the log"):
            return []
        case 503:
            let text = String(decoding: answer.body, as: UTF8.self)
            if let start = text.firstRange(of: "no event that can be read"),
                let end = text[start.lowerBound...].firstIndex(of: "\"")
            {
                throw Failure(message: String(text[start.lowerBound..<end]))
            }
            throw Failure(message: "the gateway at \(endpoint) cannot read its log at present")
        default: break
        }
        throw Failure(
            message:
                "what listens at \(endpoint) answered \(answer.status), not as a gateway's admin port does")
    }

    private static func look(
        _ query: EventQuery, _ place: CommandPlace, _ reason: String
    ) throws(Failure) -> [TracedEvent] {
        do {
            return try ReceiptDesk(folder: place.folder, destinations: place.destinations.map(\.name))
                .receipts(query)
        } catch {
            throw Failure(message: "\(reason), and its log cannot be read: \(error)")
        }
    }
}
