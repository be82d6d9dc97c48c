/// The bodies of GoWit's server events, from its documentation and its published clients.
enum GowitSchema {
    static let adTypes = ["impression", "click", "viewable_impression"]

    private static let text = Schema.string(minLength: 1)
    private static let identifier = Schema.either([.integer(min: 0), text])
    private static let texts = Schema.array(text, min: 1, max: 1000)

    private static let common: [Schema.Field] = [
        .required("event_type", .oneOf(adTypes + ["sale"])),
        .required("marketplace_id", identifier),
        .optional("customer_id", text),
        .optional("location_id", text),
        .optional("request_id", text),
        .optional("time", .time),
    ]

    /// One of `ad_id` and `ad_ids` must be there, which a schema cannot say.
    static let ad = Schema.object(
        common + [
            .required("session_id", text),
            .optional("ad_id", text),
            .optional("ad_ids", texts),
            .optional("placement_id", identifier),
        ])

    private static let sale = Schema.object([
        .required("advertiser_id", text),
        .required("product_id", text),
        .required("unit_price", .numberAtLeast(0)),
        .required("quantity", .number(above: 0)),
        .optional("brand", text),
        .optional("retailer_taxonomy", .anything),
    ])

    private static let sales = Schema.Field.required("sales", .array(sale, min: 1, max: 10_000))

    static let onlineSale = Schema.object(
        common + [
            .required("session_id", text), sales, .optional("channel", .oneOf(["ONLINE"])),
            .optional("sale_date", .time),
        ])

    /// A sale by the SDK: the path says that it is one, and the marketplace has either of two names.
    static let sdkSale = Schema.object(
        common.filter { $0.name != "event_type" && $0.name != "marketplace_id" } + [
            .optional("event_type", .oneOf(["sale"])), .optional("marketplace_id", identifier),
            .optional("marketplace_uuid", identifier), .required("session_id", text), sales,
            .optional("channel", .oneOf(["ONLINE"])), .optional("sale_date", .time),
        ])

    /// The parameters of the SDK's ad events.
    static let sdkParameters: Set<String> = [
        "type", "session_id", "ad_id", "no_redirect", "redirect", "placement_id", "customer_id",
        "location_id", "marketplace_id", "marketplace_uuid",
    ]

    static let offlineSale = Schema.object(
        common.filter { $0.name != "customer_id" } + [
            .required("channel", .oneOf(["OFFLINE"])), .required("sale_date", .time),
            .required("customer_id", text), sales, .optional("session_id", text),
        ])
}
