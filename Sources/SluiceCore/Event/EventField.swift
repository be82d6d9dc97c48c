/// The objects of the canonical event, in the order in which they are written.
package enum EventContainer: UInt8, CaseIterable, Sendable {
    case root, user, ad, placement, page, object, entity, attribution, order, context

    /// The member's name; empty for the event itself.
    package var name: StaticString {
        switch self {
        case .root: ""
        case .user: "user"
        case .ad: "ad"
        case .placement: "placement"
        case .page: "page"
        case .object: "object"
        case .entity: "entity"
        case .attribution: "attribution"
        case .order: "order"
        case .context: "context"
        }
    }
}

/// The named values of a canonical event, in the order in which they are written.
///
/// `order.items` are rows of `ItemField`; `ext` is kept apart, because its content has no names here.
package enum EventField: UInt8, CaseIterable, Sendable {
    case id, type, occurredAt, receivedAt, source, platform, network, sessionID
    case userID, userKeys, userCustomerID, userEmailSHA256, userPhoneSHA256, userTaxIDSHA256
    case userFirstNameSHA256, userLastNameSHA256, userGender, userRegion, userCity, userIsCompany
    case userStatus
    case adID, adIDs, adPlacementID, adClickID, adClickType, adCampaignID, adURL
    case placementPath, placementPosition, placementPage, placementPageSize, placementProductID
    case placementCategoryIDs, placementSearchQuery
    case pageType, pageID, pageValue
    case objectType, objectAssetID, objectClickType
    case entityType, entityID
    case attributionType, attributionID
    case orderID, orderCurrency, orderChannel, orderBrand, orderDiscount, orderPromoCode, orderShipping
    case orderTax
    case contextPageURL, contextReferrer, contextUserAgent, contextIP, contextDeviceType, contextChannel
    case contextGPC, contextBot, contextLocationID

    /// How many there are. A set of them must fit into the 64 bits of `FieldSet`.
    package static let count = EventField.allCases.count

    /// The member's name within its container.
    package var name: StaticString {
        switch self {
        case .id: "id"
        case .type: "type"
        case .occurredAt: "occurred_at"
        case .receivedAt: "received_at"
        case .source: "source"
        case .platform: "platform"
        case .network: "network"
        case .sessionID: "session_id"
        case .userID: "id"
        case .userKeys: "keys"
        case .userCustomerID: "customer_id"
        case .userEmailSHA256: "email_sha256"
        case .userPhoneSHA256: "phone_sha256"
        case .userTaxIDSHA256: "tax_id_sha256"
        case .userFirstNameSHA256: "first_name_sha256"
        case .userLastNameSHA256: "last_name_sha256"
        case .userGender: "gender"
        case .userRegion: "region"
        case .userCity: "city"
        case .userIsCompany: "is_company"
        case .userStatus: "status"
        case .adID: "id"
        case .adIDs: "ids"
        case .adPlacementID: "placement_id"
        case .adClickID: "click_id"
        case .adClickType: "click_type"
        case .adCampaignID: "campaign_id"
        case .adURL: "url"
        case .placementPath: "path"
        case .placementPosition: "position"
        case .placementPage: "page"
        case .placementPageSize: "page_size"
        case .placementProductID: "product_id"
        case .placementCategoryIDs: "category_ids"
        case .placementSearchQuery: "search_query"
        case .pageType: "type"
        case .pageID: "id"
        case .pageValue: "value"
        case .objectType: "type"
        case .objectAssetID: "asset_id"
        case .objectClickType: "click_type"
        case .entityType: "type"
        case .entityID: "id"
        case .attributionType: "type"
        case .attributionID: "id"
        case .orderID: "id"
        case .orderCurrency: "currency"
        case .orderChannel: "channel"
        case .orderBrand: "brand"
        case .orderDiscount: "discount"
        case .orderPromoCode: "promo_code"
        case .orderShipping: "shipping"
        case .orderTax: "tax"
        case .contextPageURL: "page_url"
        case .contextReferrer: "referrer"
        case .contextUserAgent: "user_agent"
        case .contextIP: "ip"
        case .contextDeviceType: "device_type"
        case .contextChannel: "channel"
        case .contextGPC: "gpc"
        case .contextBot: "bot"
        case .contextLocationID: "location_id"
        }
    }

    /// The object the member belongs to.
    package var container: EventContainer {
        switch rawValue {
        case ...EventField.sessionID.rawValue: .root
        case ...EventField.userStatus.rawValue: .user
        case ...EventField.adURL.rawValue: .ad
        case ...EventField.placementSearchQuery.rawValue: .placement
        case ...EventField.pageValue.rawValue: .page
        case ...EventField.objectClickType.rawValue: .object
        case ...EventField.entityID.rawValue: .entity
        case ...EventField.attributionID.rawValue: .attribution
        case ...EventField.orderTax.rawValue: .order
        default: .context
        }
    }

    /// The dotted name, as messages and configuration use it. Allocates.
    package var path: String { container == .root ? "\(name)" : "\(container.name).\(name)" }
}

/// The named values of one row of `order.items`, in the order in which they are written.
package enum ItemField: UInt8, CaseIterable, Sendable {
    case productID, sku, name, category, brand, sellerID, quantity
    case unitPrice, listPrice, lineTotal, discount, ltvQuantity, ltvValue

    package static let count = ItemField.allCases.count

    package var name: StaticString {
        switch self {
        case .productID: "product_id"
        case .sku: "sku"
        case .name: "name"
        case .category: "category"
        case .brand: "brand"
        case .sellerID: "seller_id"
        case .quantity: "quantity"
        case .unitPrice: "unit_price"
        case .listPrice: "list_price"
        case .lineTotal: "line_total"
        case .discount: "discount"
        case .ltvQuantity: "ltv_quantity"
        case .ltvValue: "ltv_value"
        }
    }
}

/// A set of `EventField`, cheap to clear and to walk in order.
package struct FieldSet: Equatable, Sendable {
    package var bits: UInt64 = 0

    package init() {}

    package init(_ fields: EventField...) {
        for field in fields { insert(field) }
    }

    @inline(__always)
    package func contains(_ field: EventField) -> Bool { bits & (1 &<< UInt64(field.rawValue)) != 0 }

    @inline(__always)
    package mutating func insert(_ field: EventField) { bits |= 1 &<< UInt64(field.rawValue) }

    @inline(__always)
    package mutating func remove(_ field: EventField) { bits &= ~(1 &<< UInt64(field.rawValue)) }

    /// Whether any field of `other` is in this set.
    @inline(__always)
    package func intersects(_ other: FieldSet) -> Bool { bits & other.bits != 0 }
}
