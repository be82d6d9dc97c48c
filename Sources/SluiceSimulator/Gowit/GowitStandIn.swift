/// GoWit's endpoint for server events: JSON, the raw API key in `Authorization`, and the data source's
/// UUID in `Data-Source-UUID` on every request. Beside it what GoWit's SDK sends from pages, which bears no
/// credential: see `GowitStandIn+SDK.swift`.
///
/// Stricter than the real one in a single point: a property that is not documented is refused,
/// because what Sluice sends must be made of documented properties only. Its protocol has no event
/// ids, so the ledger goes by what a request is about (`ledgerID`).
package struct GowitStandIn: StandInPlatform {
    package let name = "gowit"
    /// The API key, sent as it is.
    package let key: String
    /// A UUID.
    package let dataSource: String
    /// As text, however it is sent.
    package let marketplace: String
    /// The one path it answers on.
    package let path: String
    /// The platform records impressions itself, so that one that is sent is a mistake.
    package let autoImpression: Bool

    package init(
        key: String, dataSource: String, marketplace: String, path: String = "/server/events",
        autoImpression: Bool = false
    ) {
        self.key = key
        self.dataSource = dataSource
        self.marketplace = marketplace
        self.path = path
        self.autoImpression = autoImpression
    }

    package func judge(_ request: StandInRequest, nowMilliseconds: Int64) -> Judgement {
        if let judgement = judgeSDK(request) { return judgement }
        guard request.path == path else { return refuse(404, "no such path") }
        guard request.method == "POST" else { return refuse(405, "\(request.method) is not allowed") }
        guard request.header("authorization") == key else {
            return refuse(401, "the API key is not valid")
        }
        guard let source = request.header("data-source-uuid") else {
            return refuse(400, "the data source is missing", field: "Data-Source-UUID", "is required")
        }
        guard source.lowercased() == dataSource.lowercased() else {
            return refuse(401, "the data source is not known")
        }
        guard request.mediaType == "application/json" else {
            return refuse(415, "the content type must be application/json")
        }
        guard let document = PlainJSON(request.body) else {
            return refuse(400, "the body is not valid JSON")
        }
        guard case .object = document else { return refuse(400, "the body must be an object") }
        return judge(document)
    }

    private func judge(_ event: PlainJSON) -> Judgement {
        let type = event["event_type"]?.string ?? ""
        let isOffline = event["channel"]?.string == "OFFLINE"
        let schema =
            type == "sale" ? (isOffline ? GowitSchema.offlineSale : GowitSchema.onlineSale) : GowitSchema.ad
        if let found = schema.violation(of: event, at: "") {
            return refuse(400, "the event is not valid", field: found.path, found.text)
        }
        guard Self.text(event["marketplace_id"]) == marketplace else {
            return refuse(
                400, "the event is not valid", field: "marketplace_id", "marketplace_id is not known")
        }
        return type == "sale" ? sale(event) : adEvent(event, type)
    }

    private func adEvent(_ event: PlainJSON, _ type: String) -> Judgement {
        let ads =
            [event["ad_id"]?.string].compactMap(\.self)
            + (event["ad_ids"]?.elements ?? []).compactMap(\.string)
        guard !ads.isEmpty else {
            return refuse(400, "the event is not valid", field: "ad_id", "ad_id is required")
        }
        if autoImpression, type == "impression" {
            return refuse(
                400, "impressions are recorded by the platform", field: "event_type",
                "impression must not be sent with auto-impression")
        }
        let session = event["session_id"]?.string ?? ""
        return .taken(
            ads.map { Self.ledgerID(session: session, ad: $0, type: type) },
            answer: StandInAnswer(status: 204))
    }

    func sale(_ event: PlainJSON) -> Judgement {
        let session = event["session_id"]?.string ?? event["customer_id"]?.string ?? ""
        let products = (event["sales"]?.elements ?? []).compactMap { $0["product_id"]?.string }
        return .taken(
            products.map { Self.ledgerID(session: session, product: $0) },
            answer: StandInAnswer(status: 204))
    }

    /// What the ledger knows an ad event by.
    package static func ledgerID(session: String, ad: String, type: String) -> String {
        "\(session)/\(ad)/\(type)"
    }

    /// What the ledger knows a product of a sale by; `session` is the customer of an offline sale.
    package static func ledgerID(session: String, product: String) -> String {
        "\(session)/\(product)/sale"
    }

    /// A marketplace's id as text: a string, or a whole number.
    static func text(_ value: PlainJSON?) -> String {
        value?.string ?? value?.integer.map(String.init) ?? ""
    }

    func refuse(
        _ status: Int, _ message: String, field: String? = nil, _ detail: String = ""
    ) -> Judgement {
        .refused(
            "\(status): \(message)" + (field == nil ? "" : " (\(detail))"),
            answer: error(status, message, details: field.map { [($0, detail)] } ?? []))
    }

    /// `{"message", "code", "details": {field: words}}`.
    private func error(_ status: Int, _ message: String, details: [(String, String)]) -> StandInAnswer {
        let members = details.map { "\(PlainJSON.quote($0.0)):\(PlainJSON.quote($0.1))" }
        return .json(
            status: status,
            """
            {"message":\(PlainJSON.quote(message)),"code":"\(Self.code(status))",\
            "details":{\(members.joined(separator: ","))}}
            """)
    }

    private static func code(_ status: Int) -> String {
        switch status {
        case 400: "validation_error"
        case 401: "unauthorized"
        case 404: "not_found"
        case 429: "too_many_requests"
        case 500...: "internal_error"
        default: "error"
        }
    }

    package func trouble(status: Int, message: String) -> StandInAnswer {
        error(status, message, details: [])
    }
}
