/// The parameters of a conversion, checked by the published rules. Unknown ones are normal.
struct ImpactConversion {
    struct Problem: Equatable, Sendable {
        let field: String
        let message: String
    }

    private(set) var problems: [Problem] = []
    let orderID: String

    private static let attributionKeys = [
        "ClickId", "CustomerId", "CustomProfileId", "OrderPromoCode", "PromoCode", "MediaId",
        "MediaPartnerId", "UniqueUrl", "CallerId", "GoogAId", "AndroidId", "AppleIfa", "AppleIfv",
    ]
    private static let amounts = ["OrderDiscount", "OrderShipping", "OrderTax"]
    private static let lengths = [("OrderId", 64), ("Oid", 64), ("ClickId", 64), ("CustomerId", 255)]
    private static let itemTexts = ["Sku", "Name", "Category", "SubCategory", "Brand", "Mpn", "PromoCode"]
    private static let itemNumbers = ["Quantity", "Price", "SubTotal", "Discount", "TotalDiscount"]

    init(_ form: PlainForm) {
        orderID = form.text("OrderId") ?? form.text("Oid") ?? ""
        checkRequired(form)
        checkValues(form)
        checkItems(form)
    }

    private mutating func add(_ field: String, _ message: String) {
        problems.append(Problem(field: field, message: message))
    }

    private mutating func checkRequired(_ form: PlainForm) {
        if form.text("CampaignId") == nil { add("CampaignId", "CampaignId is required") }
        if form.text("EventDate") == nil { add("EventDate", "EventDate is required") }
        if orderID.isEmpty { add("OrderId", "OrderId is required") }
        if ["EventTypeId", "ActionTrackerId", "EventTypeCode"].allSatisfy({ form.text($0) == nil }) {
            add("EventTypeId", "EventTypeId, ActionTrackerId or EventTypeCode is required")
        }
        if Self.attributionKeys.allSatisfy({ form.text($0) == nil }) {
            add("ClickId", "one of \(Self.attributionKeys.joined(separator: ", ")) is required")
        }
        if form.text("MediaId") != nil, form.text("MediaPartnerId") != nil {
            add("MediaId", "MediaId and MediaPartnerId must not both be given")
        }
    }

    private mutating func checkValues(_ form: PlainForm) {
        for name in ["CampaignId", "EventTypeId", "ActionTrackerId"] {
            if let text = form.text(name), PlainNumber.int32(text) == nil {
                add(name, "\(name) must be an integer")
            }
        }
        if let text = form.text("EventDate"), text != "NOW", PlainTime.milliseconds(text) == nil {
            add("EventDate", "EventDate must be ISO 8601 or NOW")
        }
        for (name, most) in Self.lengths {
            if let text = form.text(name), text.count > most {
                add(name, "\(name) must be at most \(most) characters")
            }
        }
        for name in Self.amounts {
            if let text = form.text(name), PlainNumber.decimal(text) == nil {
                add(name, "\(name) must be a number")
            }
        }
        for name in ["CurrencyCode", "Currency"] {
            if let text = form.text(name), !Self.isCurrency(text) { add(name, "\(name) must be ISO 4217") }
        }
        if let text = form.text("CustomerEmail"), !Self.isDigest(text) {
            add("CustomerEmail", "CustomerEmail must be SHA-1 or SHA-256")
        }
        for name in form.names.sorted() where form.values(name).count > 1 && !Self.mayRepeat(name) {
            add(name, "\(name) is given twice")
        }
    }

    private static func isCurrency(_ text: String) -> Bool {
        text.utf8.count == 3 && text.utf8.allSatisfy { (0x41...0x5A).contains($0) }
    }

    private static func isDigest(_ text: String) -> Bool {
        [40, 64].contains(text.utf8.count)
            && text.lowercased().utf8.allSatisfy(Set("0123456789abcdef".utf8).contains)
    }

    /// An item's parameter without a number: its n-th repetition is item n.
    private static func mayRepeat(_ name: String) -> Bool {
        name.hasPrefix("Item") && (itemTexts + itemNumbers).contains(String(name.dropFirst(4)))
    }

    private mutating func checkItems(_ form: PlainForm) {
        checkRepetitions(form)
        var numbers: Set<Int> = []
        for parameter in form.parameters {
            guard let (name, number) = Self.item(parameter.name) else { continue }
            numbers.insert(number)
            if Self.itemNumbers.contains(name), PlainNumber.decimal(parameter.value) == nil {
                add(parameter.name, "\(parameter.name) must be a number")
            }
        }
        for number in numbers.sorted() {
            if form.text("ItemPrice\(number)") != nil, form.text("ItemSubTotal\(number)") != nil {
                add(
                    "ItemPrice\(number)",
                    "ItemPrice\(number) and ItemSubTotal\(number) must not both be given")
            }
        }
        if numbers.remove(0) != nil { add("ItemSku0", "items must be numbered from 1 without gaps") }
        if let most = numbers.max(), let gap = (1...most).first(where: { !numbers.contains($0) }) {
            add("ItemSku\(gap)", "items must be numbered from 1 without gaps")
        }
    }

    /// Items without numbers: the n-th repetition of a parameter is that of item n.
    private mutating func checkRepetitions(_ form: PlainForm) {
        for name in Self.itemNumbers {
            for value in form.values("Item" + name) where !value.isEmpty && PlainNumber.decimal(value) == nil {
                add("Item" + name, "Item\(name) must be a number")
            }
        }
        for (price, total) in zip(form.values("ItemPrice"), form.values("ItemSubTotal"))
        where !price.isEmpty && !total.isEmpty {
            add("ItemPrice", "ItemPrice and ItemSubTotal must not both be given")
        }
    }

    /// `ItemSubTotal12` as `SubTotal` and 12; nil for a name without a number, and for other names.
    private static func item(_ name: String) -> (String, Int)? {
        guard name.hasPrefix("Item") else { return nil }
        let rest = name.dropFirst(4)
        let word = rest.prefix { !($0.isASCII && $0.isNumber) }
        guard (itemTexts + itemNumbers).contains(String(word)), let number = Int(rest.dropFirst(word.count)),
            (0...100_000).contains(number)
        else { return nil }
        return (String(word), number)
    }
}
