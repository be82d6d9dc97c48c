/// Kevel's purchases, as their client: `GET /c/{network}/purchase?…`, one request for each item of an
/// order.
///
/// `userKey` is repeated for each of `user.keys`; without them it is `user.id`, else
/// `user.customer_id`, else `session_id`. The same key must travel in the requests for ads.
/// `transactionId` is `order.id`. A price that only the line's total tells is used where the
/// division is exact. What `ext.kevel` holds goes back as parameters.
///
/// Everything is escaped as RFC 3986 has it, so that no value can end its parameter.
///
/// Delivery thread only.
package final class KevelEncoder: PlatformEncoder {
    package let eventsPerRequestMax = 1

    private let networkID: [UInt8]
    private let reader = CanonicalReader()
    private let json = JSONScratch()
    private var fields = EventFields()
    /// The event that `fields` refers to.
    private var line = ByteBuffer(capacity: 4_096)
    private var work = ByteBuffer(capacity: 1_024)
    private var eventCount = 0
    private var nowMilliseconds: Int64 = 0

    package init(networkID: String) { self.networkID = Array(networkID.utf8) }

    package func takes(type: EventType, network: Bytes) -> Bool { type == .purchase }

    package var partCount: Int { eventCount == 0 ? 1 : max(1, fields.itemCount) }

    package func begin(now milliseconds: Int64) {
        nowMilliseconds = milliseconds
        eventCount = 0
    }

    /// Copies the event, since its parts are written later.
    package func add(_ event: Bytes) -> EncodeResult {
        guard eventCount == 0 else { return .full }
        line.removeAll()
        line.append(event)
        do throws(CanonicalError) {
            try reader.parse(line.bytes, into: &fields)
        } catch {
            return .unfit("the stored event cannot be read: \(error.reason)")
        }
        guard fields.type == .purchase else {
            return .unfit("Kevel takes purchases only, not \(fields.type.name) events")
        }
        let missing = missing()
        guard missing.isEmpty else { return .missing(missing) }
        if let reason = unfit() { return .unfit(reason) }
        eventCount = 1
        return .added
    }

    // MARK: what Kevel requires

    private func missing() -> [String] {
        var missing: [String] = []
        if userKey == nil { missing.append("user.id") }
        if fields.itemCount == 0 { missing.append("order.items") }
        for row in 0..<fields.itemCount {
            if product(row) == nil { missing.append("order.items[\(row)].product_id") }
            if !fields.hasItem(row, .quantity) { missing.append("order.items[\(row)].quantity") }
            if UnitPrice.isMissing(row, fields) {
                missing.append("order.items[\(row)].unit_price")
            }
        }
        return missing
    }

    private func unfit() -> String? {
        if let keys = fields.text(.userKeys) {
            var count = 0
            TextList.forEach(in: keys, scratch: json) { _ in count += 1 }
            if count > CoreLimits.kevelUserKeysMax { return "Kevel takes at most 100 user.keys" }
        }
        for row in 0..<fields.itemCount {
            guard let quantity = whole(row, .quantity), quantity >= 1 else {
                return "order.items[\(row)].quantity must be a whole number from 1 to 2147483647 for Kevel"
            }
            if let reason = UnitPrice.fault(row, fields) { return reason }
            if let price = UnitPrice.exact(row, fields), price.isNegative {
                return "order.items[\(row)].unit_price must be at least 0 for Kevel"
            }
        }
        return nil
    }

    private func filled(_ field: EventField) -> Bytes? {
        guard let text = fields.text(field), !text.isEmpty else { return nil }
        return text
    }

    /// A list of one or more strings as JSON, or a text.
    private var userKey: EventField? {
        if let keys = filled(.userKeys) {
            var isFilled = false
            TextList.forEach(in: keys, scratch: json) { key in if !key.isEmpty { isFilled = true } }
            if isFilled { return .userKeys }
        }
        if filled(.userID) != nil { return .userID }
        if filled(.userCustomerID) != nil { return .userCustomerID }
        return filled(.sessionID) != nil ? .sessionID : nil
    }

    private func product(_ row: Int) -> Bytes? {
        if let product = fields.itemText(row, .productID), !product.isEmpty { return product }
        guard let sku = fields.itemText(row, .sku), !sku.isEmpty else { return nil }
        return sku
    }

    private func whole(_ row: Int, _ field: ItemField) -> Int? {
        guard let text = fields.itemText(row, field), let value = try? ExactDecimal.parse(text),
            let whole = value.integer, whole >= 0, whole <= Int(CoreLimits.integerMax)
        else { return nil }
        return whole
    }

    // MARK: requests

    package func finish(part: Int, into request: inout OutgoingRequest) {
        request.method = .get
        request.contentType = ""
        request.path.append("/c/")
        networkID.withBytes { request.path.appendPercentEncoded($0) }
        request.path.append("/purchase")
        guard eventCount == 1, part < fields.itemCount else { return }
        var query = KevelQuery()
        writeUserKeys(&query, &request.path)
        if let product = product(part) { query.append(.productID, product, to: &request.path) }
        writeTimestamp(&query, &request.path)
        if let quantity = whole(part, .quantity) { append(quantity, .quantity, &query, &request.path) }
        writePrice(part, &query, &request.path)
        if let order = filled(.orderID) { query.append(.transactionID, order, to: &request.path) }
        if let seller = fields.itemText(part, .sellerID), !seller.isEmpty {
            query.append(.merchantID, seller, to: &request.path)
        }
        if let count = whole(part, .ltvQuantity) { append(count, .ltvQuantity, &query, &request.path) }
        if let value = fields.itemText(part, .ltvValue), let amount = try? ExactDecimal.parse(value),
            !amount.isNegative
        {
            query.append(.ltvValue, value, to: &request.path)
        }
        writeExtension(&query, &request.path)
    }

    private func append(
        _ number: Int, _ name: KevelQuery.Name, _ query: inout KevelQuery, _ path: inout ByteBuffer
    ) {
        work.removeAll()
        work.appendDecimal(number)
        query.append(name, work.bytes, to: &path)
    }

    private func writeUserKeys(_ query: inout KevelQuery, _ path: inout ByteBuffer) {
        guard let field = userKey, let text = fields.text(field) else { return }
        guard field == .userKeys else { return query.append(.userKey, text, to: &path) }
        TextList.forEach(in: text, scratch: json) { key in
            if !key.isEmpty { query.append(.userKey, key, to: &path) }
        }
    }

    /// A price is sent with the very digits it came in.
    private func writePrice(_ part: Int, _ query: inout KevelQuery, _ path: inout ByteBuffer) {
        if let text = fields.itemText(part, .unitPrice) { return query.append(.price, text, to: &path) }
        guard let price = UnitPrice.exact(part, fields) else { return }
        work.removeAll()
        work.append(price)
        query.append(.price, work.bytes, to: &path)
    }

    /// The text the event came with, where Kevel's protocol brought it; else ISO 8601.
    private func writeTimestamp(_ query: inout KevelQuery, _ path: inout ByteBuffer) {
        var members = ExtensionMembers(of: .kevel, in: fields, scratch: json)
        while let member = members.next() {
            guard member.name.equals("timestamp") else { continue }
            work.removeAll()
            if work.appendDecoded(member.value, scratch: json), Moment.parse(work.bytes) != nil {
                return query.append(.timestamp, work.bytes, to: &path)
            }
            break
        }
        work.removeAll()
        work.appendTimestamp(
            fields.has(.occurredAt) ? fields.occurredMilliseconds : fields.receivedMilliseconds)
        query.append(.timestamp, work.bytes, to: &path)
    }

    /// Strings and lists of strings; Kevel's protocol has brought nothing else.
    private func writeExtension(_ query: inout KevelQuery, _ path: inout ByteBuffer) {
        var members = ExtensionMembers(of: .kevel, in: fields, scratch: json)
        while let member = members.next() {
            guard member.kind == .string || member.kind == .array, !query.has(member.name) else { continue }
            // Copied: the name ends when a value is decoded.
            let name = member.name.array
            TextList.forEach(in: member.value, scratch: json) { text in
                name.withBytes { query.append($0, text, to: &path) }
            }
        }
    }

    // MARK: answers

    package func classify(_ answer: UpstreamAnswer, eventCount: Int) -> Verdict {
        if answer.status == 204 {
            guard let words = answer.header("kevel-debug"), !words.isEmpty else { return .delivered }
            return .deliveredNoting(UpstreamRules.bounded(words))
        }
        if (200..<300).contains(answer.status) { return .delivered }
        let reason = UpstreamRules.reason(answer)
        if UpstreamRules.isTemporary(answer.status) {
            return .retry(
                afterSeconds: UpstreamRules.retryAfterSeconds(answer, now: nowMilliseconds), reason: reason)
        }
        return .rejected(reason: reason)
    }
}

/// The query of one purchase under construction.
struct KevelQuery {
    enum Name: Int, CaseIterable {
        case userKey, productID, timestamp, quantity, price, transactionID, merchantID, ltvQuantity, ltvValue

        var text: StaticString {
            switch self {
            case .userKey: "userKey"
            case .productID: "productId"
            case .timestamp: "timestamp"
            case .quantity: "quantity"
            case .price: "price"
            case .transactionID: "transactionId"
            case .merchantID: "merchantId"
            case .ltvQuantity: "ltvQuantity"
            case .ltvValue: "ltvValue"
            }
        }
    }

    private static let names = KeyTable(Name.allCases.map(\.text))
    private var written: UInt64 = 0
    private var isEmpty = true

    init() {}

    mutating func append(_ name: Name, _ value: Bytes, to path: inout ByteBuffer) {
        written |= 1 &<< UInt64(name.rawValue)
        append(Bytes(name.text), value, to: &path)
    }

    mutating func append(_ name: Bytes, _ value: Bytes, to path: inout ByteBuffer) {
        path.append(isEmpty ? 0x3F : 0x26)
        isEmpty = false
        path.appendPercentEncoded(name)
        path.append(0x3D)
        path.appendPercentEncoded(value)
    }

    /// Whether a parameter of the protocol by this name was written; `timestamp` always is.
    func has(_ name: Bytes) -> Bool {
        let place = KevelQuery.names.place(of: name)
        return place >= 0 && written & (1 &<< UInt64(place)) != 0
    }
}
