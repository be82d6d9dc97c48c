/// Topsort's event endpoint, `POST /v2/events`.
///
/// Stricter than the real one in a single point: a property the published schema does not have is
/// refused, because what Sluice sends must be made of documented properties only.
///
/// A batch is atomic, as upstream: one bad event and none is recorded. A `resolvedBidId` that
/// begins with `unknown-` plays a bid that the platform does not know.
package struct TopsortStandIn: StandInPlatform {
    package let name = "topsort"
    /// The API key that clients must present as a bearer token.
    package let key: String
    /// Errors as an array of objects, as the documentation has it, in place of the specification's
    /// single object.
    package let errorsAsArray: Bool

    /// How far an event's time may lie ahead of the platform's clock.
    static let futureToleranceMilliseconds: Int64 = 5000
    static let unknownBidPrefix = "unknown-"

    package init(key: String, errorsAsArray: Bool = false) {
        self.key = key
        self.errorsAsArray = errorsAsArray
    }

    package func judge(_ request: StandInRequest, nowMilliseconds: Int64) -> Judgement {
        guard request.path == "/v2/events" else { return refuse(404, "not_found", "no such path") }
        guard request.method == "POST" else {
            return refuse(405, "method_not_allowed", "\(request.method) is not allowed")
        }
        guard request.header("authorization") == "Bearer \(key)" else {
            return refuse(401, "invalid_api_key", "the API key is not valid")
        }
        guard request.mediaType == "application/json" else {
            return refuse(415, "bad_request", "the content type must be application/json")
        }
        guard let document = PlainJSON(request.body) else {
            return refuse(400, "invalid_json", "the body is not valid JSON")
        }
        guard case .object(let members) = document else {
            return refuse(422, "bad_request", "the body must be an object")
        }
        return judge(members, nowMilliseconds: nowMilliseconds)
    }

    private func judge(_ members: [String: PlainJSON], nowMilliseconds: Int64) -> Judgement {
        let known = TopsortSchema.arrays.map(\.name)
        if let name = members.keys.sorted().first(where: { !known.contains($0) }) {
            return refuse(400, "invalid_event_type", "\(name) is not a known property")
        }
        var ids: [String] = []
        for (name, schema) in TopsortSchema.arrays {
            guard let member = members[name] else { continue }
            guard let events = member.elements else {
                return refuse(422, "bad_request", "\(name) must be an array")
            }
            guard events.count <= TopsortSchema.eventsPerArrayMax else {
                return refuse(
                    400, "bad_request", "\(name) holds more than \(TopsortSchema.eventsPerArrayMax) events")
            }
            for (index, event) in events.enumerated() {
                if let refusal = judge(
                    event, schema: schema, array: name, index: index, nowMilliseconds: nowMilliseconds)
                {
                    return refusal
                }
                if let id = event["id"]?.string { ids.append(id) }
            }
        }
        guard !ids.isEmpty else { return refuse(400, "empty_request", "there is no event in the request") }
        return .taken(ids, answer: StandInAnswer(status: 204))
    }

    /// Nil when the event is good.
    private func judge(
        _ event: PlainJSON, schema: Schema, array: String, index: Int, nowMilliseconds: Int64
    ) -> Judgement? {
        let path = "\(array)[\(index)]"
        if let found = schema.violation(of: event, at: path) {
            return refuse(
                found.kind == .missing || found.kind == .type ? 422 : 400, errorCode(found), found.text)
        }
        let time = event["occurredAt"]?.string.flatMap(PlainTime.milliseconds) ?? 0
        if time > nowMilliseconds + Self.futureToleranceMilliseconds {
            return refuse(400, "invalid_event_time", "At least one event is in the future: \(path)")
        }
        let bid = event["resolvedBidId"]?.string ?? ""
        if event["additionalAttribution"] != nil, bid.isEmpty {
            return refuse(400, "bad_request", "\(path).additionalAttribution needs a resolvedBidId")
        }
        if bid.hasPrefix(Self.unknownBidPrefix) {
            return refuse(400, "resolved_bid_id_not_found", "\(path).resolvedBidId is not known")
        }
        return nil
    }

    private func errorCode(_ violation: Schema.Violation) -> String {
        let path = violation.path
        if path.hasSuffix(".items") { return "no_purchase_items" }
        if path.hasSuffix(".quantity"), violation.kind == .value {
            return "purchase_item_quantity_less_or_equal_than_zero"
        }
        if path.hasSuffix(".occurredAt"), violation.kind == .value { return "invalid_event_time" }
        if path.hasSuffix(".placement.path") { return "missing_placement" }
        if path.hasSuffix("].productId"), violation.kind == .missing { return "missing_product_id" }
        return "bad_request"
    }

    private func refuse(_ status: Int, _ code: String, _ message: String) -> Judgement {
        .refused("\(status) \(code): \(message)", answer: error(status, code, message))
    }

    private func error(_ status: Int, _ code: String, _ message: String) -> StandInAnswer {
        let object = """
            {"errCode":"\(code)","docUrl":"https://docs.topsort.com/reference/errors",\
            "message":\(PlainJSON.quote(message))}
            """
        return .json(status: status, errorsAsArray ? "[\(object)]" : object)
    }

    package func trouble(status: Int, message: String) -> StandInAnswer {
        error(status, status == 429 ? "too_many_requests" : "internal_server_error", message)
    }
}
