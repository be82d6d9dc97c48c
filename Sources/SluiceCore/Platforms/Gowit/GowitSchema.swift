/// GoWit's events as its documentation has them, and the canonical field each property becomes.
///
/// What has no canonical name is kept in `ext.gowit` as it came: the marketplace, `request_id`, and
/// the two times, whose text goes back unchanged while their moment becomes `occurred_at`. `null` and empty
/// values of optional properties mean none; they are kept there, too.
enum GowitSchema {
    /// Impressions, viewable impressions and clicks of the server form. Also what an event whose type
    /// is missing or unknown is held against.
    static let ad = EventSchema([
        ObjectSchema("", [eventType(required: true), session(required: true)] + advertisement + common)
    ])

    /// Sales of the server form.
    static let sale = EventSchema(saleObjects(typeRequired: true))

    /// Sales of the SDK form, whose path says what they are.
    static let sdkSale = EventSchema(saleObjects(typeRequired: false))

    /// Ad events of the SDK form: the parameters of a query. A session may be missing from some, which
    /// the decoder sees to.
    static let sdkAd = EventSchema([
        ObjectSchema(
            "",
            [
                Property("type", .choice(.gowitEventType), .ext, required: true, empty: .refused),
                session(required: false),
                Property("redirect", .text(max: CoreLimits.urlBytesMax), .ext),
                Property("no_redirect", .text(max: CoreLimits.wordBytesMax), .ext),
            ] + advertisement + common)
    ])

    private static func saleObjects(typeRequired: Bool) -> [ObjectSchema] {
        [
            ObjectSchema(
                "",
                [
                    eventType(required: typeRequired), session(required: false),
                    Property("channel", .choice(.gowitChannel), .field(.orderChannel), empty: .aside),
                    Property("sale_date", .moment, .ext, empty: .aside),
                    Property("sales", .rows(1), required: true),
                ] + common),
            ObjectSchema(
                "sales", isRow: true,
                [
                    Property("advertiser_id", catalog, .item(.sellerID), required: true, empty: .refused),
                    Property("product_id", catalog, .item(.productID), required: true, empty: .refused),
                    Property("unit_price", .decimal(.notNegative), .item(.unitPrice), required: true),
                    Property("quantity", .decimal(.positive), .item(.quantity), required: true),
                    Property("brand", .text(max: CoreLimits.nameBytesMax), .item(.brand), empty: .aside),
                    // A path as text has a canonical name; a list of its parts goes to `ext`.
                    Property(
                        "retailer_taxonomy", .textElseKept(max: CoreLimits.nameBytesMax), .item(.category),
                        empty: .aside),
                ]),
        ]
    }

    private static let catalog = ValueRule.text(max: CoreLimits.catalogIDBytesMax)

    private static func eventType(required: Bool) -> Property {
        Property("event_type", .choice(.gowitEventType), required: required, empty: .refused)
    }

    private static func session(required: Bool) -> Property {
        Property(
            "session_id", .text(max: CoreLimits.personIDBytesMax), .field(.sessionID), required: required,
            empty: required ? .refused : .aside)
    }

    private static let advertisement = [
        Property("ad_id", .text(max: CoreLimits.adIDBytesMax), .field(.adID), empty: .aside),
        Property("ad_ids", .textList(max: CoreLimits.adIDBytesMax), .field(.adIDs), empty: .aside),
    ]

    private static let common = [
        Property(
            "marketplace_id", .identifier(max: CoreLimits.catalogIDBytesMax), .ext, empty: .refused),
        Property(
            "marketplace_uuid", .identifier(max: CoreLimits.catalogIDBytesMax), .ext, empty: .refused),
        Property("placement_id", .text(max: CoreLimits.adIDBytesMax), .field(.adPlacementID), empty: .aside),
        Property("customer_id", .text(max: CoreLimits.personIDBytesMax), .field(.userCustomerID), empty: .aside),
        Property("location_id", catalog, .field(.contextLocationID), empty: .aside),
        Property("request_id", .text(max: CoreLimits.eventIDBytesMax), .ext, empty: .aside),
        Property("time", .moment, .ext, empty: .aside),
    ]
}
