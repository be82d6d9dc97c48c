// What GoWit's SDK sends from pages: ad events as `GET /server/sdk/events?type=…`, sales as
// `POST /server/sdk/sale_events`.

extension GowitStandIn {
    /// Nil for paths that are not the SDK's.
    func judgeSDK(_ request: StandInRequest) -> Judgement? {
        switch request.path {
        case "/server/sdk/events":
            guard request.method == "GET" else { return refuse(405, "\(request.method) is not allowed") }
            return sdkEvent(request.query)
        case "/server/sdk/sale_events":
            guard request.method == "POST" else { return refuse(405, "\(request.method) is not allowed") }
            return sdkSale(request)
        default:
            return nil
        }
    }

    /// The session may be missing, and values may stand unescaped: then they are taken as they are.
    private func sdkEvent(_ query: String) -> Judgement {
        let form = PlainForm(query, plusIsSpace: false) ?? Self.unescaped(query)
        let type = form["type"] ?? ""
        guard GowitSchema.adTypes.contains(type) else {
            return refuse(400, "the event is not valid", field: "type", "type is required")
        }
        guard let ad = form.text("ad_id") else {
            return refuse(400, "the event is not valid", field: "ad_id", "ad_id is required")
        }
        // Behind a redirect that is not escaped anything may follow.
        if form["redirect"] == nil, let name = form.names.subtracting(GowitSchema.sdkParameters).min() {
            return refuse(400, "the event is not valid", field: name, "\(name) is not known")
        }
        if autoImpression, type == "impression" {
            return refuse(
                400, "impressions are recorded by the platform", field: "type",
                "impression must not be sent with auto-impression")
        }
        return .taken(
            [Self.ledgerID(session: form["session_id"] ?? "", ad: ad, type: type)],
            answer: StandInAnswer(status: 204))
    }

    private static func unescaped(_ query: String) -> PlainForm {
        PlainForm(
            query.split(separator: "&").map { part in
                let halves = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                return PlainForm.Parameter(
                    name: String(halves[0]), value: halves.count > 1 ? String(halves[1]) : "")
            })
    }

    private func sdkSale(_ request: StandInRequest) -> Judgement {
        guard ["application/json", "text/plain", ""].contains(request.mediaType) else {
            return refuse(415, "the content type must be application/json")
        }
        guard let event = PlainJSON(request.body) else { return refuse(400, "the body is not valid JSON") }
        guard case .object = event else { return refuse(400, "the body must be an object") }
        if let found = GowitSchema.sdkSale.violation(of: event, at: "") {
            return refuse(400, "the event is not valid", field: found.path, found.text)
        }
        guard Self.text(event["marketplace_id"] ?? event["marketplace_uuid"]) == marketplace else {
            return refuse(
                400, "the event is not valid", field: "marketplace_id", "marketplace_id is not known")
        }
        return sale(event)
    }
}
