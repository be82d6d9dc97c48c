/// VTEX Ads' beacons, each at its own path.
enum VtexKind: UInt8, CaseIterable, Sendable {
    case impression, view, click, conversion

    var name: StaticString {
        switch self {
        case .impression: "impression"
        case .view: "view"
        case .click: "click"
        case .conversion: "conversion"
        }
    }

    var type: EventType {
        switch self {
        case .impression: .impression
        case .view: .viewableImpression
        case .click: .click
        case .conversion: .purchase
        }
    }

    init?(_ type: EventType) {
        guard let kind = VtexKind.allCases.first(where: { $0.type == type }) else { return nil }
        self = kind
    }

    var schema: EventSchema { self == .conversion ? VtexSchema.conversion : VtexSchema.ad }
}

/// The bodies of VTEX Ads' beacons, and the canonical field each property becomes.
///
/// Properties stand in the order in which VTEX Ads names errors: the documented ones of an empty
/// conversion first. `null` and empty strings of optional properties mean none, and go back as they
/// came. Lengths are characters, as Ajv counts them, whatever the name of the limit says.
enum VtexSchema {
    static let ad = EventSchema([
        ObjectSchema(
            "",
            [
                Property("user_id", person, .field(.userID), empty: .aside),
                Property("session_id", person, .field(.sessionID), empty: .aside),
                Property("publisher_id", catalog, .ext, empty: .aside),
            ])
    ])

    static let conversion = EventSchema([
        ObjectSchema(
            "",
            [
                Property("user_id", person, .field(.userID), required: true, empty: .refusedAsNull),
                Property(
                    "order_id", .characters(max: CoreLimits.eventIDBytesMax), .field(.orderID), required: true,
                    empty: .refusedAsNull),
                Property("publisher_id", catalog, .ext, required: true, empty: .refusedAsNull),
                Property("items", .rows(items), required: true),
                Property("created_at", .time, .field(.occurredAt), required: true, empty: .refusedAsNull),
                Property("channel", word, .field(.orderChannel), required: true, empty: .refusedAsNull),
                Property("session_id", person, .field(.sessionID), required: true, empty: .refusedAsNull),
                // Required, too, unless the source is lenient.
                // A plaintext address is hashed, though none should come.
                Property("email_hashed", .personal(.email), .field(.userEmailSHA256), empty: .aside),
                Property("brand", name, .field(.orderBrand), empty: .aside),
                Property("gender", .choice(.gender), .field(.userGender), empty: .aside),
                Property("uf", name, .field(.userRegion), empty: .aside),
                Property("city", name, .field(.userCity), empty: .aside),
                Property("is_company", .boolean, .field(.userIsCompany), empty: .aside),
                Property("phone_hashed", .hash, .field(.userPhoneSHA256), empty: .aside),
                Property("social_id_hashed", .hash, .field(.userTaxIDSHA256), empty: .aside),
                Property("first_name_hashed", .hash, .field(.userFirstNameSHA256), empty: .aside),
                Property("last_name_hashed", .hash, .field(.userLastNameSHA256), empty: .aside),
            ]),
        ObjectSchema(
            "items", isRow: true,
            [
                // Required, unless there is a product_sku.
                Property("sku", catalog, .item(.sku), empty: .refusedAsNull),
                Property(
                    "quantity", .decimal(.positive), .item(.quantity), required: true, empty: .refusedAsNull),
                Property(
                    "price", .decimal(.notNegative), .item(.listPrice), required: true, empty: .refusedAsNull),
                Property("promotional_price", .decimal(.notNegative), .item(.unitPrice), empty: .aside),
                Property("seller_id", catalog, .item(.sellerID), empty: .aside),
                Property("product_id", catalog, .item(.productID), empty: .aside),
                Property("product_sku", catalog, .item(alias), empty: .aside),
            ]),
    ])

    /// Where `product_sku` waits until the item is whole: VTEX Ads' items have no category.
    static let alias = ItemField.category

    static let items: UInt8 = 1

    /// Places of properties that are treated in a way of their own.
    enum Place {
        /// In either schema.
        static let publisherID = 2
        static let items = 3
        static let emailHashed = 7
        static let sku = 0
        static let productSKU = 6
    }

    private static let person = ValueRule.characters(max: CoreLimits.personIDBytesMax)
    private static let catalog = ValueRule.characters(max: CoreLimits.catalogIDBytesMax)
    private static let name = ValueRule.characters(max: CoreLimits.nameBytesMax)
    private static let word = ValueRule.characters(max: CoreLimits.wordBytesMax)
}

/// A beacon's path: `/v1/beacon/{impression,view,click}/{ad}` or `/v1/beacon/conversion`.
struct VtexPath {
    let kind: VtexKind
    /// Still percent-encoded; empty for conversions.
    let ad: Bytes

    init?(_ path: Bytes) {
        let head: StaticString = "/v1/beacon/"
        guard path.hasPrefix(head) else { return nil }
        let rest = path[head.utf8CodeUnitCount..<path.count]
        if rest.equals(VtexKind.conversion.name) {
            kind = .conversion
            ad = .empty
            return
        }
        guard let slash = rest.firstIndex(of: 0x2F) else { return nil }
        let ad = rest[slash + 1..<rest.count]
        // One segment that is no step up or down: what is forwarded must stay where it is.
        guard !ad.isEmpty, ad.firstIndex(of: 0x2F) == nil, !ad.equals("."), !ad.equals("..") else { return nil }
        guard
            let kind = VtexKind.allCases.first(where: { kind in
                kind != .conversion && rest[0..<slash].equals(kind.name)
            })
        else { return nil }
        self.kind = kind
        self.ad = ad
    }

    /// Whether a path and query can stand in a request line as they are.
    static func isForwardable(_ text: Bytes) -> Bool {
        for index in 0..<text.count {
            let byte = text[index]
            if byte <= 0x20 || byte == 0x7F || byte == 0x23 { return false }
        }
        return text.isUTF8
    }
}
