/// The canonical event's fields, as the documentation lists them, checked by name and type.
enum CanonicalForm {
    private static let text = Schema.string(minLength: 1)
    private static let texts = Schema.array(text, min: 0, max: 1000)
    private static let decimal = Schema.numberAtLeast(-Double.greatestFiniteMagnitude)

    private static let user = Schema.object(
        [
            "id", "customer_id", "email_sha256", "phone_sha256", "tax_id_sha256", "first_name_sha256",
            "last_name_sha256", "gender", "region", "city", "status",
        ].map { .optional($0, text) } + [.optional("keys", texts), .optional("is_company", .bool)])

    private static let ad = Schema.object(
        ["id", "placement_id", "click_id", "click_type", "campaign_id", "url"].map { .optional($0, text) }
            + [.optional("ids", texts)])

    private static let placement = Schema.object(
        ["path", "product_id", "search_query"].map { .optional($0, text) }
            + ["position", "page", "page_size"].map { .optional($0, .integer(min: 1)) }
            + [.optional("category_ids", texts)])

    private static let item = Schema.object(
        ["product_id", "sku", "name", "category", "brand", "seller_id"].map { .optional($0, text) }
            + ["quantity", "unit_price", "list_price", "line_total", "discount", "ltv_quantity", "ltv_value"]
            .map { .optional($0, decimal) })

    private static let order = Schema.object(
        ["id", "currency", "channel", "brand", "promo_code"].map { .optional($0, text) }
            + ["discount", "shipping", "tax"].map { .optional($0, decimal) }
            + [.required("items", .array(item, min: 1, max: 10_000))])

    private static let context = Schema.object(
        [
            "page_url", "referrer", "user_agent", "ip", "device_type", "channel", "location_id",
        ].map { .optional($0, text) } + [.optional("gpc", .bool), .optional("bot", .bool)])

    private static let event = Schema.object([
        .required("id", text),
        .required(
            "type", .oneOf(["impression", "viewable_impression", "click", "purchase", "page_view"])),
        // A pixel, for one, says nothing of the time, and the gateway's own is kept apart from it.
        .optional("occurred_at", .time),
        .required("received_at", .time),
        .required("source", text),
        .required("platform", .oneOf(["native", "topsort", "gowit", "vtex", "kevel", "impact"])),
        .optional("network", text),
        .optional("session_id", text),
        .optional("user", user),
        .optional("ad", ad),
        .optional("placement", placement),
        .optional("page", .anything),
        .optional("object", .anything),
        .optional("entity", .anything),
        .optional("attribution", .anything),
        .optional("order", order),
        .optional("context", context),
        .optional("ext", .anything),
    ])

    /// What is wrong with an event, for people; nil when it has the canonical form.
    static func problem(in document: PlainJSON, at path: String) -> String? {
        if let found = event.violation(of: document, at: path) { return found.text }
        for name in ["occurred_at", "received_at"] {
            guard let text = document[name]?.string else { continue }
            guard text.hasSuffix("Z"), text.utf8.count == 24 else {
                return "\(path).\(name) is not in UTC with milliseconds"
            }
        }
        if document["type"]?.string == "purchase", document["order"] == nil {
            return "\(path).order is required"
        }
        return nil
    }
}
