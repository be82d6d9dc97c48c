import SluiceCore
import SluiceHTTP
import SluiceLog

/// `GET /api/events/{id}`: what the admin port answers about an event.
///
/// Safe from any thread.
package struct ReceiptEndpoint: Sendable {
    package static let prefix = "/api/events/"
    /// Most events in an answer.
    package static let limitMax = 1000
    package static let limitDefault = 20

    private let find: @Sendable (EventQuery) throws(LogError) -> [TracedEvent]

    package init(_ find: @escaping @Sendable (EventQuery) throws(LogError) -> [TracedEvent]) {
        self.find = find
    }

    package enum Answer: Sendable, Equatable {
        case found(String)
        case refused(status: Int, code: String, message: String)
    }

    /// - Parameters:
    ///   - id: percent-encoded.
    ///   - query: `type` and `limit`, each at most once.
    package func answer(id: String, query: String) -> Answer {
        let parsed: EventQuery
        switch ReceiptEndpoint.parse(id: id, query: query) {
        case .success(let query): parsed = query
        case .failure(let refusal): return .refused(status: 400, code: "bad_request", message: refusal.message)
        }
        let events: [TracedEvent]
        do throws(LogError) {
            events = try find(parsed)
        } catch {
            return .refused(status: 503, code: "unavailable", message: "the log cannot be read: \(error)")
        }
        guard !events.isEmpty else {
            return .refused(
                status: 404, code: "not_found",
                message: "no event in the log has this id, or this session, order or user")
        }
        return .found(ReceiptJSON.encode(events))
    }

    private struct Refusal: Error {
        let message: String
    }

    private static func parse(id: String, query: String) -> Result<EventQuery, Refusal> {
        guard let id = decoded(Array(id.utf8), plusIsSpace: false), !id.isEmpty else {
            return .failure(Refusal(message: "the id is not percent-encoded as it should be, or is empty"))
        }
        var result = EventQuery(id: id, limit: limitDefault)
        var refusal: Refusal?
        Array(query.utf8).withBytes { bytes in
            var parameters = QueryParser(bytes)
            while let parameter = parameters.next(), refusal == nil {
                guard let value = decoded(parameter.value.array, plusIsSpace: true) else {
                    refusal = Refusal(message: "the query is not percent-encoded as it should be")
                    return
                }
                if parameter.isNamed("type") {
                    guard let type = value.withBytes({ EventType($0) }) else {
                        refusal = Refusal(message: "'type' is not a type of events: \(typeNames)")
                        return
                    }
                    result.type = type
                } else if parameter.isNamed("limit") {
                    guard let limit = Int(String(decoding: value, as: UTF8.self)), (1...limitMax).contains(limit)
                    else {
                        refusal = Refusal(message: "'limit' is not a number from 1 to \(limitMax)")
                        return
                    }
                    result.limit = limit
                } else {
                    refusal = Refusal(message: "the query knows only 'type' and 'limit'")
                }
            }
        }
        if let refusal { return .failure(refusal) }
        return .success(result)
    }

    package static var typeNames: String { EventType.allCases.map { "\($0.name)" }.joined(separator: ", ") }

    private static func decoded(_ text: [UInt8], plusIsSpace: Bool) -> [UInt8]? {
        var buffer = ByteBuffer(capacity: text.count + 1)
        let isGood = text.withBytes { bytes in
            (try? PercentEncoding.decode(bytes, plusIsSpace: plusIsSpace, into: &buffer)) != nil
        }
        return isGood ? buffer.bytes.array : nil
    }
}
