/// Kevel's purchase endpoint, `GET /c/{network}/purchase`: one line item a call, in the query.
///
/// A product is attributed where an ad for it was shown: here, where it is in `attributed`. The
/// answer is 200 then; for a product of the catalogue only, or for none, it is 204 with the reason in
/// `kevel-debug`. Both count as taken.
///
/// Stricter than the real one in two points: only documented parameters are taken, and none but
/// `userKey` twice, because what Sluice sends must be made of those only.
package struct KevelStandIn: StandInPlatform {
    /// Which products lead to which answer.
    package enum Products: Equatable, Sendable {
        case all
        case only(Set<String>)
        /// Products whose name ends with one of these digits: a part of any catalogue.
        case endingIn(String)

        func contains(_ product: String) -> Bool {
            switch self {
            case .all: true
            case .only(let names): names.contains(product)
            case .endingIn(let digits): product.last.map(digits.contains) ?? false
            }
        }
    }

    package let name = "kevel"
    package let network: String
    /// Products that an ad was shown for.
    package let attributed: Products
    /// Products that exist.
    package let catalogue: Products

    static let userKeysMax = 100
    /// Values above are milliseconds: as seconds they would lie thousands of years ahead.
    static let epochSecondsMax: Int64 = 100_000_000_000

    package init(network: String, attributed: Products = .all, catalogue: Products = .all) {
        self.network = network
        self.attributed = attributed
        self.catalogue = catalogue
    }

    package func judge(_ request: StandInRequest, nowMilliseconds: Int64) -> Judgement {
        guard request.path == "/c/\(network)/purchase" else { return refuse(404, "no such path") }
        guard request.method == "GET" || request.method == "POST" else {
            return refuse(405, "\(request.method) is not allowed")
        }
        guard let form = PlainForm(request.query, plusIsSpace: false) else {
            return refuse(400, "the query is not well-formed")
        }
        let keys = form.values("userKey").filter { !$0.isEmpty }
        guard !keys.isEmpty, let product = form.text("productId"), let time = form.text("timestamp"),
            let quantity = form.text("quantity"), let price = form.text("price")
        else {
            return refuse(
                400,
                "required parameter missing: expected userKey, timestamp, productId, quantity and price")
        }
        guard keys.count <= Self.userKeysMax else { return refuse(400, "maximum of 100 userKeys exceeded") }
        if let problem = problem(form, time: time, quantity: quantity, price: price) {
            return refuse(400, problem)
        }
        return .taken(
            [Self.ledgerID(transaction: form.text("transactionId"), product: product)],
            answer: answer(product))
    }

    /// What the ledger knows a line item by.
    package static func ledgerID(transaction: String?, product: String) -> String {
        "\(transaction ?? "")/\(product)"
    }

    private static let known: Set<String> = [
        "userKey", "productId", "timestamp", "quantity", "price", "transactionId", "merchantId",
        "ltvQuantity", "ltvValue",
    ]

    private func problem(_ form: PlainForm, time: String, quantity: String, price: String) -> String? {
        if let name = form.names.subtracting(Self.known).min() { return "unknown parameter: \(name)" }
        if let name = form.names.sorted().first(where: { $0 != "userKey" && form.values($0).count > 1 }) {
            return "parameter given twice: \(name)"
        }
        if !Self.isTime(time) { return "timestamp must be ISO 8601 or unix epoch" }
        if PlainNumber.int32(quantity) == nil { return "quantity must be an int32" }
        if PlainNumber.decimal(price) == nil { return "price must be a float" }
        if let value = form.text("ltvQuantity"), PlainNumber.int32(value) == nil {
            return "ltvQuantity must be an int32"
        }
        if let value = form.text("ltvValue"), PlainNumber.decimal(value) == nil {
            return "ltvValue must be a float"
        }
        return nil
    }

    private static func isTime(_ text: String) -> Bool {
        if let epoch = Int64(text) { return epoch > 0 && epoch < epochSecondsMax * 1000 }
        return PlainTime.milliseconds(text) != nil
    }

    private func answer(_ product: String) -> StandInAnswer {
        if !catalogue.contains(product) { return unattributed("product not found: \(product)") }
        if !attributed.contains(product) {
            return unattributed("no attributable item was found for productId \(product)")
        }
        return StandInAnswer(status: 200)
    }

    private func unattributed(_ reason: String) -> StandInAnswer {
        // A header holds no control characters, whatever the product's name does.
        let text = String(
            String.UnicodeScalarView(reason.unicodeScalars.filter { $0.value >= 0x20 && $0.value < 0x7F }))
        return StandInAnswer(status: 204, headers: [("kevel-debug", text)])
    }

    private func refuse(_ status: Int, _ message: String) -> Judgement {
        .refused("\(status): \(message)", answer: trouble(status: status, message: message))
    }

    package func trouble(status: Int, message: String) -> StandInAnswer {
        StandInAnswer(
            status: status, headers: [("content-type", "text/plain; charset=utf-8")],
            body: Array(message.utf8))
    }
}
