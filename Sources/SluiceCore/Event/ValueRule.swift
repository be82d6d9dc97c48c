/// What a value must be to be taken. Plain data, so that looking one up costs no reference count.
package enum ValueRule: Sendable {
    /// A string of at most so many bytes.
    case text(max: Int)
    /// A string of at most so many characters: Unicode code points, as JSON Schema counts them.
    case characters(max: Int)
    /// One of a few strings.
    case choice(Choice)
    /// SHA-256 as 64 hexadecimal digits.
    case hash
    /// Personal data, hashed on the spot.
    case personal(PersonalData)
    /// A client's address; truncated.
    case address
    /// An exact decimal number.
    case decimal(DecimalBound)
    /// A whole number from `min` to `CoreLimits.integerMax`.
    case integer(min: Int64)
    case boolean
    /// A list of strings of at most so many bytes each.
    case textList(max: Int)
    /// A string, or a list of strings.
    case textOrList(max: Int)
    /// RFC 3339 with offset.
    case time
    /// ISO 8601 in its usual forms, or seconds or milliseconds since 1970, as text or number; see
    /// `Moment`.
    case moment
    /// A string of at most so many bytes, or a whole number.
    case identifier(max: Int)
    /// A string of at most so many bytes; any other value is taken, too, and kept in `ext`.
    case textElseKept(max: Int)
    case eventType
    /// Any number, or a list, or anything: for lines that were checked when they came in.
    case number
    case anyList
    /// Another object of the schema.
    case object(UInt8)
    /// A list of objects of the schema; each becomes a row of `order.items`.
    case rows(UInt8)
    /// The member `ext`.
    case extensions

    /// "must be …" for a value of another JSON type.
    var kindWords: StaticString {
        switch self {
        case .text, .characters, .choice, .hash, .personal, .address, .time, .eventType, .textElseKept:
            "a string"
        case .identifier: "a string or a whole number"
        case .moment: "a time as in 2026-01-02T03:04:05Z, or in seconds or milliseconds since 1970"
        case .decimal, .number: "a number"
        case .integer: "a whole number"
        case .boolean: "true or false"
        case .textList, .anyList: "a list of strings"
        case .textOrList: "a string or a list of strings"
        case .object, .extensions: "an object"
        case .rows: "a list of objects"
        }
    }

    /// "must be …" for a value of the right type.
    var requirementWords: StaticString {
        switch self {
        case .choice(let choice): choice.words
        case .hash: "64 hexadecimal digits"
        case .personal(let data): data.words
        case .address: "an IPv4 or IPv6 address"
        case .decimal(.notNegative): "at least 0, with at most 34 digits"
        case .decimal(.positive): "greater than 0, with at most 34 digits"
        case .integer(let min): min == 0 ? "from 0 to 2147483647" : "from 1 to 2147483647"
        case .time: "a time with offset, as in 2026-01-02T03:04:05Z"
        case .eventType: "one of impression, viewable_impression, click, purchase, page_view"
        default: kindWords
        }
    }
}

package enum DecimalBound: UInt8, Sendable {
    case notNegative, positive
}

/// Strings from a closed set.
package enum Choice: UInt8, Sendable {
    case entityType, pageType, objectType, gender, deviceType, topsortChannel, topsortClickType
    case gowitEventType, gowitChannel

    package func contains(_ text: Bytes) -> Bool {
        switch self {
        case .entityType: text.equals("product") || text.equals("vendor")
        case .pageType:
            text.equals("home") || text.equals("category") || text.equals("PDP")
                || text.equals("search") || text.equals("cart") || text.equals("other")
        case .objectType: text.equals("listing") || text.equals("banner")
        case .gender: text.equals("F") || text.equals("M") || text.equals("O")
        case .deviceType: text.equals("desktop") || text.equals("mobile")
        case .topsortChannel:
            text.equals("onsite") || text.equals("offsite") || text.equals("instore")
        case .topsortClickType:
            text.equals("product") || text.equals("like") || text.equals("add-to-cart")
                || text.equals("image") || text.equals("add_to_cart") || text.equals("purchase_now")
        case .gowitEventType:
            text.equals("impression") || text.equals("click") || text.equals("viewable_impression")
                || text.equals("sale")
        case .gowitChannel: text.equals("ONLINE") || text.equals("OFFLINE")
        }
    }

    var words: StaticString {
        switch self {
        case .entityType: "one of product, vendor"
        case .pageType: "one of home, category, PDP, search, cart, other"
        case .objectType: "one of listing, banner"
        case .gender: "one of F, M, O"
        case .deviceType: "one of desktop, mobile"
        case .topsortChannel: "one of onsite, offsite, instore"
        case .topsortClickType:
            "one of product, like, add-to-cart, image, add_to_cart, purchase_now"
        case .gowitEventType: "one of impression, click, viewable_impression, sale"
        case .gowitChannel: "one of ONLINE, OFFLINE"
        }
    }
}

/// What an empty string means.
package enum EmptyText: UInt8, Sendable {
    case refused
    /// As if the member were not there: browsers send an empty referrer when there is none.
    case absent
    case kept
    /// As if the member were not there, but it is kept in `ext`, and so is `null`: for platforms where
    /// either is as good as a value, and an event that goes back must be what came in.
    case aside
    /// Refused as too short; and `null`, which elsewhere is none, as a wrong type.
    case refusedAsNull
}

/// What came of reading one value.
package enum Taken {
    case slot(Slot)
    /// Milliseconds since 1970, and the text they were read from.
    case time(Int64, Slot)
    case type(EventType)
    /// `null`, or an empty string that means nothing.
    case absent
    case bad(FieldProblem.Code, limit: Int)
}
