/// The properties of Topsort's `POST /v2/events`, from its published OpenAPI document. Where the
/// document and the vendor's JavaScript client differ (`clickType`), both forms are allowed.
enum TopsortSchema {
    /// Most events one array may hold.
    static let eventsPerArrayMax = 50

    static let arrays: [(name: String, event: Schema)] = [
        ("impressions", .object(adEvent)),
        ("clicks", .object(adEvent + [.optional("clickType", clickType)])),
        ("purchases", .object(purchase)),
        ("pageviews", .object(pageview)),
    ]

    private static let text = Schema.string(minLength: 1)
    private static let deviceType = Schema.oneOf(["desktop", "mobile"])
    private static let channel = Schema.oneOf(["onsite", "offsite", "instore"])
    private static let clickType = Schema.oneOf([
        "product", "like", "add-to-cart", "image", "add_to_cart", "purchase_now",
    ])
    private static let entity = Schema.object([
        .required("type", .oneOf(["product", "vendor"])), .required("id", text),
    ])
    private static let page = Schema.object([
        .required("type", .oneOf(["home", "category", "PDP", "search", "cart", "other"])),
        .required("pageId", text),
        .optional("value", .either([text, .array(text, min: 0, max: 1000)])),
    ])
    private static let placement = Schema.object([
        .required("path", text),
        .optional("position", .integer(min: 1)),
        .optional("page", .integer(min: 1)),
        .optional("pageSize", .integer(min: 1)),
        .optional("productId", text),
        .optional("categoryIds", .array(text, min: 1, max: 1000)),
        .optional("searchQuery", text),
    ])
    private static let common: [Schema.Field] = [
        .required("id", text), .required("occurredAt", .time), .required("opaqueUserId", text),
        .optional("deviceType", deviceType), .optional("channel", channel),
    ]
    private static let adEvent: [Schema.Field] =
        common + [
            .optional("resolvedBidId", .string(minLength: 0)),
            .optional("entity", entity),
            .optional("additionalAttribution", entity),
            .optional("placement", placement),
            .optional("page", page),
            .optional(
                "object",
                .object([
                    .required("type", .oneOf(["listing", "banner"])), .optional("assetId", text),
                    .optional("clickType", text),
                ])),
            .optional("externalCampaignId", text),
            .optional("externalVendorId", text),
        ]
    private static let purchase: [Schema.Field] =
        common + [
            .required(
                "items",
                .array(
                    .object([
                        .required("productId", text), .required("unitPrice", .number(above: 0)),
                        .optional("quantity", .integer(min: 1)), .optional("vendorId", text),
                    ]), min: 1, max: 10_000))
        ]
    private static let pageview: [Schema.Field] = common + [.required("page", page)]
}
