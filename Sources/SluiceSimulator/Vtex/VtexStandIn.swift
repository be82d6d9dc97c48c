/// VTEX Ads' event API: `POST /v1/beacon/{impression,view,click}/{ad}?…` and `/v1/beacon/conversion`.
///
/// The URL of an ad event was signed when the ad was served, over path and query as they are, so that
/// one changed byte shows. Stricter than the real one in a single point: a conversion may have
/// documented properties only, unless `allowsUnknown`.
package struct VtexStandIn: StandInPlatform {
    package let name = "vtex"
    /// Whose events it takes.
    package let publisher: String
    package let allowsUnknown: Bool

    static let kinds = ["impression", "view", "click"]

    package init(publisher: String, allowsUnknown: Bool = false) {
        self.publisher = publisher
        self.allowsUnknown = allowsUnknown
    }

    package func judge(_ request: StandInRequest, nowMilliseconds: Int64) -> Judgement {
        let parts = request.path.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard parts.count >= 4, parts[0].isEmpty, parts[1] == "v1", parts[2] == "beacon" else {
            return refuse(404, "no such path")
        }
        let isConversion = parts.count == 4 && parts[3] == "conversion"
        guard isConversion || (parts.count == 5 && Self.kinds.contains(parts[3]) && !parts[4].isEmpty) else {
            return refuse(404, "no such path")
        }
        guard request.method == "POST" else { return refuse(405, "\(request.method) is not allowed") }
        guard let body = Self.body(of: request) else {
            return refuse(400, "the body is neither JSON nor a form")
        }
        return isConversion ? conversion(body) : adEvent(request, body, kind: parts[3], ad: parts[4])
    }

    /// JSON, or a form as an object of strings; nil for anything else.
    private static func body(of request: StandInRequest) -> PlainJSON? {
        switch request.mediaType {
        case "application/json", "text/plain":
            return PlainJSON(request.body)
        case "application/x-www-form-urlencoded":
            guard let form = PlainForm(String(decoding: request.body, as: UTF8.self), plusIsSpace: true)
            else { return nil }
            return .object(
                Dictionary(
                    form.parameters.map { ($0.name, .string($0.value)) },
                    uniquingKeysWith: { first, _ in first }))
        default:
            return nil
        }
    }

    // MARK: Ad events

    private func adEvent(_ request: StandInRequest, _ body: PlainJSON, kind: String, ad: String) -> Judgement {
        guard Self.isSigned(path: request.path, query: request.query) else {
            return refuse(403, "the URL's signature does not fit")
        }
        guard PlainForm(request.query, plusIsSpace: false)?["publisher_id"] == publisher else {
            return refuse(403, "the publisher is not known")
        }
        guard case .object(let members) = body else {
            return refuse([.type("object", at: "", schemaPath: "#")])
        }
        var errors: [AjvError] = []
        for name in ["user_id", "session_id"] {
            if let value = members[name], value.string == nil {
                errors.append(.type("string", at: "/\(name)", schemaPath: "#/properties/\(name)"))
            }
        }
        if members["user_id"] == nil, members["session_id"] == nil { errors += AjvError.neitherID }
        guard errors.isEmpty else { return refuse(errors) }
        return .taken([Self.ledgerID(kind: kind, ad: ad)], answer: accepted(kind))
    }

    /// What the ledger knows an ad event by.
    package static func ledgerID(kind: String, ad: String) -> String { "/v1/beacon/\(kind)/\(ad)" }

    /// Path and query of an ad's event URL, as this platform hands them out with the ad.
    ///
    /// - Parameter query: further parameters, escaped as they shall stay, such as `campaign_id=7`.
    package static func target(kind: String, ad: String, publisher: String, query: String) -> String {
        let text = "/v1/beacon/\(kind)/\(ad)?publisher_id=\(publisher)&\(query)"
        return text + "&sign=" + sign(text)
    }

    private static func isSigned(path: String, query: String) -> Bool {
        let target = Array("\(path)?\(query)".utf8)
        let mark = Array("&sign=".utf8)
        guard target.count > mark.count + 16 else { return false }
        let place = target.count - 16 - mark.count
        return Array(target[place..<place + mark.count]) == mark
            && String(decoding: target[..<place], as: UTF8.self) + "&sign="
                + sign(String(decoding: target[..<place], as: UTF8.self))
                == String(decoding: target, as: UTF8.self)
    }

    /// FNV-1a, 64 bits, as 16 hex digits. It guards against mistakes, not against people.
    private static func sign(_ text: String) -> String {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    // MARK: Conversions

    private func conversion(_ body: PlainJSON) -> Judgement {
        let errors = VtexConversion(body, allowsUnknown: allowsUnknown).errors
        guard errors.isEmpty else { return refuse(errors) }
        guard body["publisher_id"]?.string == publisher else {
            return refuse([
                AjvError(
                    instancePath: "/publisher_id", keyword: "custom", message: "publisher not found",
                    params: "{}", schemaPath: "#/properties/publisher_id/custom")
            ])
        }
        return .taken([body["order_id"]?.string ?? ""], answer: accepted("conversion"))
    }

    // MARK: Answers

    private func accepted(_ kind: String) -> StandInAnswer {
        .json(status: 202, "{\"messages\":[\"\(kind) will be processed soon\"]}")
    }

    private func refuse(_ errors: [AjvError]) -> Judgement {
        .refused(
            "422: " + errors.map(\.text).joined(separator: "; "),
            answer: .json(status: 422, "[\(errors.map(\.json).joined(separator: ","))]"))
    }

    private func refuse(_ status: Int, _ message: String) -> Judgement {
        .refused("\(status): \(message)", answer: trouble(status: status, message: message))
    }

    package func trouble(status: Int, message: String) -> StandInAnswer {
        .json(status: status, "{\"message\":\(PlainJSON.quote(message))}")
    }
}
