/// The four arrays of Topsort's `POST /v2/events`, in the order of its specification.
enum TopsortKind: UInt8, CaseIterable, Sendable {
    case impressions, clicks, purchases, pageviews

    var name: StaticString {
        switch self {
        case .impressions: "impressions"
        case .clicks: "clicks"
        case .purchases: "purchases"
        case .pageviews: "pageviews"
        }
    }

    var type: EventType {
        switch self {
        case .impressions: .impression
        case .clicks: .click
        case .purchases: .purchase
        case .pageviews: .pageView
        }
    }

    init?(_ name: Bytes) {
        if name.equals("impressions") {
            self = .impressions
        } else if name.equals("clicks") {
            self = .clicks
        } else if name.equals("purchases") {
            self = .purchases
        } else if name.equals("pageviews") {
            self = .pageviews
        } else {
            return nil
        }
    }
}

/// Topsort's events as its OpenAPI specification defines them, and the canonical field each
/// property becomes.
///
/// Where the specification asks for at least one character, an empty string is refused; an empty
/// `resolvedBidId` is none, because clients send one for organic events. Properties it does not
/// know are kept in `ext.topsort`; so is `externalVendorId`, for which the canonical form has no
/// name.
enum TopsortSchema {
    static let impression = EventSchema(event([], entity: [entity]))
    static let click = EventSchema(event([clickType], entity: [entity]))
    /// Impressions and clicks whose `entity` is not looked at and kept in `ext.topsort` as it came. The
    /// other properties have the same places as in the full schemas.
    static let servedImpression = EventSchema(event([], entity: []))
    static let servedClick = EventSchema(event([clickType], entity: []))
    static let purchase = EventSchema([
        ObjectSchema(
            "",
            [
                id(.orderID), occurredAt, opaqueUserID,
                Property("items", .rows(1), required: true), deviceType, channel,
            ]),
        ObjectSchema(
            "items", isRow: true,
            [
                Property("productId", catalog, .item(.productID), required: true, empty: .refused),
                Property("unitPrice", .decimal(.positive), .item(.unitPrice), required: true),
                Property("quantity", .integer(min: 1), .item(.quantity)),
                Property("vendorId", catalog, .item(.sellerID), empty: .refused),
            ]),
    ])
    static let pageview = EventSchema([
        ObjectSchema(
            "",
            [
                id(.id), occurredAt, opaqueUserID, Property("page", .object(1), required: true),
                deviceType, channel,
            ]),
        page,
    ])

    static func schema(of kind: TopsortKind) -> EventSchema {
        switch kind {
        case .impressions: impression
        case .clicks: click
        case .purchases: purchase
        case .pageviews: pageview
        }
    }

    /// Whether the problem lies in `entity`, which an event with a `resolvedBidId` need not have right.
    static func isEntity(_ problem: FieldProblem, of schema: EventSchema) -> Bool {
        guard problem.path.utf8CodeUnitCount == 0 else { return false }
        if problem.object == entityPlace { return true }
        return problem.object == 0 && problem.property == schema.objects[0].properties.count - 1
    }

    private static let entityPlace: UInt8 = 1

    private static var entity: Property { Property("entity", .object(entityPlace)) }

    private static var clickType: Property {
        Property("clickType", .choice(.topsortClickType), .field(.adClickType))
    }

    private static let catalog = ValueRule.text(max: CoreLimits.catalogIDBytesMax)

    private static func id(_ field: EventField) -> Property {
        Property(
            "id", .text(max: CoreLimits.eventIDBytesMax), .field(field), required: true, empty: .refused)
    }

    private static var occurredAt: Property {
        Property("occurredAt", .time, .field(.occurredAt), required: true, empty: .refused)
    }

    private static var opaqueUserID: Property {
        Property(
            "opaqueUserId", .text(max: CoreLimits.personIDBytesMax), .field(.userID), required: true,
            empty: .refused)
    }

    private static var deviceType: Property {
        Property("deviceType", .choice(.deviceType), .field(.contextDeviceType), empty: .refused)
    }

    private static var channel: Property {
        Property("channel", .choice(.topsortChannel), .field(.contextChannel), empty: .refused)
    }

    /// - Parameter entity: the property of that name, or none. It comes last, so that the others have
    ///   the same places with it and without.
    private static func event(_ more: [Property], entity: [Property]) -> [ObjectSchema] {
        [
            ObjectSchema(
                "",
                [
                    id(.id), occurredAt, opaqueUserID,
                    Property("resolvedBidId", .text(max: CoreLimits.adIDBytesMax), .field(.adID)),
                    Property("additionalAttribution", .object(2)),
                    Property("placement", .object(3)),
                    Property("page", .object(4)),
                    Property("object", .object(5)),
                    Property("externalCampaignId", catalog, .field(.adCampaignID)),
                    Property("externalVendorId", catalog, .ext),
                    deviceType, channel,
                ] + more + entity),
            ObjectSchema(
                "entity",
                [
                    Property(
                        "type", .choice(.entityType), .field(.entityType), required: true, empty: .refused),
                    Property("id", catalog, .field(.entityID), required: true, empty: .refused),
                ]),
            ObjectSchema(
                "additionalAttribution",
                [
                    Property(
                        "type", .text(max: CoreLimits.wordBytesMax), .field(.attributionType), required: true,
                        empty: .refused),
                    Property("id", catalog, .field(.attributionID), required: true, empty: .refused),
                ]),
            ObjectSchema(
                "placement",
                [
                    Property(
                        "path", .text(max: CoreLimits.urlBytesMax), .field(.placementPath), required: true,
                        empty: .refused),
                    Property("position", .integer(min: 1), .field(.placementPosition)),
                    Property("page", .integer(min: 1), .field(.placementPage)),
                    Property("pageSize", .integer(min: 1), .field(.placementPageSize)),
                    Property("productId", catalog, .field(.placementProductID), empty: .refused),
                    Property(
                        "categoryIds", .textList(max: CoreLimits.catalogIDBytesMax),
                        .field(.placementCategoryIDs), empty: .refused),
                    Property(
                        "searchQuery", .text(max: CoreLimits.urlBytesMax), .field(.placementSearchQuery),
                        empty: .refused),
                ]),
            page,
            ObjectSchema(
                "object",
                [
                    Property(
                        "type", .choice(.objectType), .field(.objectType), required: true, empty: .refused),
                    Property("assetId", catalog, .field(.objectAssetID)),
                    Property("clickType", .text(max: CoreLimits.wordBytesMax), .field(.objectClickType)),
                ]),
        ]
    }

    private static var page: ObjectSchema {
        ObjectSchema(
            "page",
            [
                Property("type", .choice(.pageType), .field(.pageType), required: true, empty: .refused),
                Property(
                    "pageId", .text(max: CoreLimits.urlBytesMax), .field(.pageID), required: true,
                    empty: .kept),
                Property("value", .textOrList(max: CoreLimits.urlBytesMax), .field(.pageValue)),
            ])
    }
}
