/// One parameter of a conversion that the gateway knows.
struct ImpactName: Sendable {
    enum Target: Sendable {
        case field(EventField)
        /// The time of the event, or `NOW`.
        case time
        /// SHA-256 becomes the canonical hash; SHA-1 has no canonical name; anything else is hashed.
        case email
        /// Three letters of ISO 4217.
        case currency
        /// Checked, and kept in `ext.impact`.
        case ext
        /// Another name for the parameter at this place.
        case alias(Int)
    }

    let name: StaticString
    let rule: ValueRule
    let target: Target
    /// One that says to whom the conversion is attributed.
    var isAttribution = false

    /// Sorted by place; places are used as bits of a word.
    static let all: [ImpactName] = [
        ImpactName(name: "CampaignId", rule: .integer(min: 1), target: .ext),
        ImpactName(name: "EventDate", rule: .time, target: .time),
        ImpactName(name: "OrderId", rule: .characters(max: 64), target: .field(.orderID)),
        ImpactName(name: "Oid", rule: .characters(max: 64), target: .alias(Place.orderID)),
        ImpactName(name: "EventTypeId", rule: .integer(min: 1), target: .ext),
        ImpactName(name: "ActionTrackerId", rule: .integer(min: 1), target: .ext),
        ImpactName(name: "EventTypeCode", rule: word, target: .ext),
        ImpactName(name: "ClickId", rule: .characters(max: 64), target: .field(.adClickID), isAttribution: true),
        ImpactName(
            name: "CustomerId", rule: .characters(max: 255), target: .field(.userCustomerID), isAttribution: true),
        ImpactName(name: "OrderPromoCode", rule: name, target: .field(.orderPromoCode), isAttribution: true),
        ImpactName(name: "PromoCode", rule: name, target: .alias(Place.promoCode), isAttribution: true),
        ImpactName(name: "MediaId", rule: word, target: .ext, isAttribution: true),
        ImpactName(name: "MediaPartnerId", rule: word, target: .ext, isAttribution: true),
        ImpactName(name: "CustomProfileId", rule: name, target: .ext, isAttribution: true),
        ImpactName(
            name: "UniqueUrl", rule: .text(max: CoreLimits.urlBytesMax), target: .ext, isAttribution: true),
        ImpactName(name: "CallerId", rule: name, target: .ext, isAttribution: true),
        ImpactName(name: "GoogAId", rule: name, target: .ext, isAttribution: true),
        ImpactName(name: "AndroidId", rule: name, target: .ext, isAttribution: true),
        ImpactName(name: "AppleIfa", rule: name, target: .ext, isAttribution: true),
        ImpactName(name: "AppleIfv", rule: name, target: .ext, isAttribution: true),
        ImpactName(name: "CurrencyCode", rule: word, target: .currency),
        ImpactName(name: "Currency", rule: word, target: .alias(Place.currency)),
        ImpactName(name: "OrderDiscount", rule: money, target: .field(.orderDiscount)),
        ImpactName(name: "OrderShipping", rule: money, target: .field(.orderShipping)),
        ImpactName(name: "OrderTax", rule: money, target: .field(.orderTax)),
        ImpactName(name: "CustomerEmail", rule: .personal(.email), target: .email),
        ImpactName(name: "CustomerStatus", rule: word, target: .field(.userStatus)),
        ImpactName(name: "CustomerCity", rule: name, target: .field(.userCity)),
        ImpactName(name: "CustomerRegion", rule: name, target: .field(.userRegion)),
        ImpactName(name: "IpAddress", rule: .address, target: .field(.contextIP)),
        ImpactName(
            name: "UserAgent", rule: .text(max: CoreLimits.userAgentBytesMax), target: .field(.contextUserAgent)),
    ]

    enum Place {
        static let campaignID = 0
        static let eventDate = 1
        static let orderID = 2
        static let eventTypeID = 4
        static let actionTrackerID = 5
        static let eventTypeCode = 6
        static let clickID = 7
        static let promoCode = 9
        static let mediaID = 11
        static let mediaPartnerID = 12
        static let currency = 20
        static let email = 25
    }

    private static let table = KeyTable(all.map(\.name))

    static let attributionMask: UInt64 = mask { $0.isAttribution }
    /// Those that name something of one account: in another there is no such campaign and no such event type.
    static let accountMask: UInt64 = 1 << Place.campaignID | eventTypeMask
    static let eventTypeMask: UInt64 =
        1 << Place.eventTypeID | 1 << Place.actionTrackerID | 1 << Place.eventTypeCode

    /// The place of the parameter with this name, or -1.
    static func place(of name: Bytes) -> Int { table.place(of: name) }

    /// The place of the parameter that becomes this field.
    static func place(of field: EventField) -> Int {
        all.firstIndex { name in
            if case .field(let other) = name.target { return other == field }
            return false
        } ?? -1
    }

    private static func mask(_ isIn: (ImpactName) -> Bool) -> UInt64 {
        var mask: UInt64 = 0
        for (place, name) in all.enumerated() where isIn(name) { mask |= 1 << UInt64(place) }
        return mask
    }

    private static let word = ValueRule.text(max: CoreLimits.wordBytesMax)
    private static let name = ValueRule.text(max: CoreLimits.nameBytesMax)
    private static let money = ValueRule.decimal(.notNegative)
}

/// The names once more, as plain data: by one look-up for all, and with how each value usually comes.
struct ImpactPlans {
    /// By place in `ImpactName.all`, and behind them by `ImpactItem`, whose canonical name, if there is one, is the
    /// plan's place. What is more than a value of its own, such as a time, has no usual way.
    let all: [PropertyPlan]
    /// How many of them are names of conversions.
    let namedCount: Int
    /// Names that say nothing of a person, as a set of places.
    let namingNobody: UInt64
    /// As a set of `ImpactItem`s.
    let itemsWithoutField: UInt16
    let required: UInt64 =
        1 << ImpactName.Place.campaignID | 1 << ImpactName.Place.eventDate | 1 << ImpactName.Place.orderID
    let eventTypes = ImpactName.eventTypeMask
    let attributions = ImpactName.attributionMask
    /// Names of conversions, then those of items.
    private let table: KeyTable

    init() {
        var namingNobody: UInt64 = 0
        var work = ByteBuffer(capacity: 64)
        var all: [PropertyPlan] = []
        for (place, name) in ImpactName.all.enumerated() {
            if PersonalName.meaning(of: Bytes(name.name), in: .top, &work).name == nil { namingNobody |= 1 << place }
            all.append(PropertyPlan(Property(name.name, name.rule, ImpactPlans.target(of: name), empty: .refused)))
        }
        self.namingNobody = namingNobody
        namedCount = all.count
        for item in ImpactItem.allCases {
            let target = item.field.map { Property.Target.item($0) } ?? .ext
            all.append(PropertyPlan(Property(item.parameter, item.rule, target, empty: .refused)))
        }
        self.all = all
        var without: UInt16 = 0
        for item in ImpactItem.allCases where item.field == nil { without |= 1 << UInt16(item.rawValue) }
        itemsWithoutField = without
        table = KeyTable(ImpactName.all.map(\.name) + ImpactItem.allCases.map(\.parameter))
    }

    private static func target(of name: ImpactName) -> Property.Target {
        switch name.target {
        case .field(let field): .field(field)
        case .email: .field(.userEmailSHA256)
        case .ext: .ext
        case .time, .currency, .alias: .structure
        }
    }

    /// The place of the parameter with this name among conversions' and items', and the number behind the
    /// latter's as `ImpactItem.parse` has it; -1 for names that are neither's.
    @inline(__always)
    func find(_ name: Bytes) -> (place: Int, number: Int) {
        var end = name.count
        while end > 0, name[end - 1] &- 0x30 < 10 { end -= 1 }
        guard end < name.count else { return (table.place(of: name), 0) }
        let place = table.place(of: name[0..<end])
        guard place >= namedCount, name[end] != 0x30 else { return (-1, 0) }
        guard name.count - end <= 9 else { return (place, .max) }
        var number = 0
        for index in end..<name.count { number = number * 10 + Int(name[index] &- 0x30) }
        return (place, number)
    }
}

/// What an item of a conversion has, each as a parameter with the item's number behind its name.
enum ImpactItem: UInt8, CaseIterable, Sendable {
    case sku, name, category, subCategory, brand, mpn, quantity, price, subTotal, discount, totalDiscount
    case promoCode

    static let count = ImpactItem.allCases.count

    var parameter: StaticString {
        switch self {
        case .sku: "ItemSku"
        case .name: "ItemName"
        case .category: "ItemCategory"
        case .subCategory: "ItemSubCategory"
        case .brand: "ItemBrand"
        case .mpn: "ItemMpn"
        case .quantity: "ItemQuantity"
        case .price: "ItemPrice"
        case .subTotal: "ItemSubTotal"
        case .discount: "ItemDiscount"
        case .totalDiscount: "ItemTotalDiscount"
        case .promoCode: "ItemPromoCode"
        }
    }

    var rule: ValueRule {
        switch self {
        case .sku: .text(max: CoreLimits.catalogIDBytesMax)
        case .quantity: .decimal(.positive)
        case .price, .subTotal, .discount, .totalDiscount: .decimal(.notNegative)
        default: .text(max: CoreLimits.nameBytesMax)
        }
    }

    /// Whether it is an amount that some senders give below zero.
    var isDiscount: Bool { self == .discount || self == .totalDiscount }

    /// The canonical name that says the same, if there is one.
    var field: ItemField? {
        switch self {
        case .sku: .sku
        case .name: .name
        case .category: .category
        case .brand: .brand
        case .quantity: .quantity
        case .subTotal: .lineTotal
        case .totalDiscount: .discount
        case .subCategory, .mpn, .price, .discount, .promoCode: nil
        }
    }

    private static let table = KeyTable(allCases.map(\.parameter))

    /// Takes `ItemSku12` apart; the number is 0 where there is none, and `Int.max` where it is beyond
    /// anything an order can hold. Nil for names that are no item's, `ItemSku0` and `ItemSku01` among them.
    static func parse(_ name: Bytes) -> (item: ImpactItem, number: Int)? {
        guard name.hasPrefix("Item") else { return nil }
        var end = name.count
        while end > 0, name[end - 1] &- 0x30 < 10 { end -= 1 }
        let place = table.place(of: name[0..<end])
        guard place >= 0, let item = ImpactItem(rawValue: UInt8(place)) else { return nil }
        guard end < name.count else { return (item, 0) }
        guard name[end] != 0x30 else { return nil }
        guard name.count - end <= 9 else { return (item, .max) }
        var number = 0
        for index in end..<name.count { number = number * 10 + Int(name[index] &- 0x30) }
        return (item, number)
    }
}
