/// Writes one event as GoWit's documentation has it.
struct GowitEvent {
    let marketplaceID: [UInt8]
    let json: JSONScratch

    // MARK: what GoWit requires

    /// Canonical names, in the protocol's order.
    func missing(_ fields: borrowing EventFields) -> [String] {
        var missing: [String] = []
        let isOffline = fields.type == .purchase && GowitEvent.isOffline(fields)
        if !isOffline, GowitEvent.filled(.sessionID, fields) == nil { missing.append("session_id") }
        if marketplaceID.isEmpty, ownMarketplace(fields) == nil { missing.append("ext.gowit.marketplace_id") }
        guard fields.type == .purchase else {
            if GowitEvent.filled(.adID, fields) == nil, GowitEvent.filled(.adIDs, fields) == nil {
                missing.append("ad.id")
            }
            return missing
        }
        if isOffline, GowitEvent.customer(isOffline, fields) == nil { missing.append("user.customer_id") }
        if fields.itemCount == 0 { missing.append("order.items") }
        for row in 0..<fields.itemCount {
            if GowitEvent.filled(row, .sellerID, fields) == nil {
                missing.append("order.items[\(row)].seller_id")
            }
            if GowitEvent.product(row, fields) == nil { missing.append("order.items[\(row)].product_id") }
            if UnitPrice.isMissing(row, fields) { missing.append("order.items[\(row)].unit_price") }
            if !fields.hasItem(row, .quantity) { missing.append("order.items[\(row)].quantity") }
        }
        return missing
    }

    /// Why an item can never be sent; nil when all can.
    func unfitItems(_ fields: borrowing EventFields) -> String? {
        guard fields.type == .purchase else { return nil }
        for row in 0..<fields.itemCount {
            if let reason = UnitPrice.fault(row, fields) { return reason }
            guard let price = UnitPrice.exact(row, fields), !price.isNegative
            else { return "order.items[\(row)].unit_price must be at least 0 for GoWit" }
            guard let count = fields.itemText(row, .quantity), let quantity = try? ExactDecimal.parse(count),
                quantity.isPositive
            else { return "order.items[\(row)].quantity must be greater than 0 for GoWit" }
        }
        return nil
    }

    private static func filled(_ field: EventField, _ fields: borrowing EventFields) -> Slot? {
        guard let slot = fields.slot(field), slot.count > 0 else { return nil }
        return slot
    }

    private static func filled(_ row: Int, _ field: ItemField, _ fields: borrowing EventFields) -> Slot? {
        guard let slot = fields.itemSlot(row, field), slot.count > 0 else { return nil }
        return slot
    }

    private static func product(_ row: Int, _ fields: borrowing EventFields) -> Slot? {
        filled(row, .productID, fields) ?? filled(row, .sku, fields)
    }

    /// Someone who bought in a store has no session and is known by who they are.
    private static func customer(_ isOffline: Bool, _ fields: borrowing EventFields) -> Slot? {
        filled(.userCustomerID, fields) ?? (isOffline ? filled(.userID, fields) : nil)
    }

    private static func isFromGowit(_ fields: borrowing EventFields) -> Bool {
        fields.text(.platform)?.equals(Platform.gowit.name) ?? false
    }

    /// Whether the order was placed in a physical store, in the words of any platform.
    static func isOffline(_ fields: borrowing EventFields) -> Bool {
        guard let channel = fields.text(.orderChannel), !channel.isEmpty else {
            return fields.text(.contextChannel)?.equals("instore") ?? false
        }
        return channel.equalsIgnoringCase("OFFLINE") || channel.equalsIgnoringCase("physical store")
            || channel.equalsIgnoringCase("physical_store") || channel.equalsIgnoringCase("instore")
            || channel.equalsIgnoringCase("in-store") || channel.equalsIgnoringCase("store")
            || channel.equalsIgnoringCase("pos")
    }

    // MARK: writing

    /// Places in `rootNames`.
    private enum Name: Int {
        case eventType, sessionID, marketplaceID, adID, adIDs, placementID, customerID, locationID, channel
        case saleDate, sales, time, redirect, noRedirect
    }

    /// What this writes by itself or leaves out; anything else comes from `ext.gowit`.
    private static let rootNames = KeyTable([
        "event_type", "session_id", "marketplace_id", "ad_id", "ad_ids", "placement_id", "customer_id",
        "location_id", "channel", "sale_date", "sales", "time", "redirect", "no_redirect",
    ])

    private static let saleNames = KeyTable([
        "advertiser_id", "product_id", "unit_price", "quantity", "brand", "retailer_taxonomy",
    ])

    /// The members of one object so far.
    private struct Written {
        var places: UInt64 = 0

        mutating func insert(_ name: Name) { places |= 1 &<< UInt64(name.rawValue) }
        func contains(_ place: Int) -> Bool { places & (1 &<< UInt64(place)) != 0 }
    }

    /// The draft has what `missing` and `unfitItems` ask for.
    func write(_ fields: borrowing EventFields, to out: inout ByteBuffer) {
        let isSale = fields.type == .purchase
        let isOffline = isSale && GowitEvent.isOffline(fields)
        let isOwn = GowitEvent.isFromGowit(fields)
        var written = Written()
        written.insert(.redirect)
        written.insert(.noRedirect)

        out.append("{\"event_type\":\"")
        out.append(isSale ? "sale" : fields.type.name)
        out.append(0x22)
        written.insert(.eventType)
        // A session says nothing about who stood in a store; but what came goes back.
        if !isOffline || isOwn {
            member(.sessionID, "session_id", GowitEvent.filled(.sessionID, fields), fields, &written, &out)
        }
        writeMarketplace(fields, &written, &out)
        if !isSale { writeAds(fields, &written, &out) }
        member(
            .placementID, "placement_id", GowitEvent.filled(.adPlacementID, fields), fields, &written, &out)
        member(.customerID, "customer_id", GowitEvent.customer(isOffline, fields), fields, &written, &out)
        member(
            .locationID, "location_id", GowitEvent.filled(.contextLocationID, fields), fields, &written, &out)
        if isSale { writeChannel(isOffline, fields, &written, &out) }
        writeExtension(isSale: isSale, fields, &written, &out)
        writeTime(isOffline: isOffline, isOwn: isOwn, fields, written, &out)
        if isSale { writeSales(fields, &out) }
        out.append(0x7D)
    }

    private func member(
        _ name: Name, _ key: StaticString, _ slot: Slot?, _ fields: borrowing EventFields,
        _ written: inout Written, _ out: inout ByteBuffer
    ) {
        guard let slot else { return }
        GowitEvent.key(key, &out)
        out.append(slot, of: fields)
        written.insert(name)
    }

    private static func key(_ name: StaticString, _ out: inout ByteBuffer) {
        out.append(",\"")
        out.append(name)
        out.append("\":")
    }

    private func writeMarketplace(
        _ fields: borrowing EventFields, _ written: inout Written, _ out: inout ByteBuffer
    ) {
        GowitEvent.key("marketplace_id", &out)
        if let own = ownMarketplace(fields) {
            out.append(own)
        } else {
            marketplaceID.withBytes { out.appendJSONString($0) }
        }
        written.insert(.marketplaceID)
    }

    /// The event's own marketplace as JSON, when it is a string or a number.
    private func ownMarketplace(_ fields: borrowing EventFields) -> Bytes? {
        var members = ExtensionMembers(of: .gowit, in: fields, scratch: json)
        while let member = members.next() {
            guard member.name.equals("marketplace_id") else { continue }
            let isGiven = member.kind == .number || member.kind == .string && member.value.count > 2
            return isGiven ? member.value : nil
        }
        return nil
    }

    private func writeAds(
        _ fields: borrowing EventFields, _ written: inout Written, _ out: inout ByteBuffer
    ) {
        if let ad = GowitEvent.filled(.adID, fields) {
            if cameInList(fields) {
                out.append(",\"ad_ids\":[")
                out.append(ad, of: fields)
                out.append(0x5D)
                written.insert(.adIDs)
                return
            }
            member(.adID, "ad_id", ad, fields, &written, &out)
        }
        member(.adIDs, "ad_ids", GowitEvent.filled(.adIDs, fields), fields, &written, &out)
    }

    /// Whether the decoder derived the event's id, as it does for `ad_ids`.
    private func cameInList(_ fields: borrowing EventFields) -> Bool {
        guard GowitEvent.isFromGowit(fields), let id = fields.text(.id) else { return false }
        var members = ExtensionMembers(of: .gowit, in: fields, scratch: json)
        while let member = members.next() {
            guard member.name.equals("request_id") else { continue }
            var request = ByteBuffer(capacity: 256)
            return request.appendDecoded(member.value, scratch: json) && !request.isEmpty
                && !request.bytes.equals(id)
        }
        return false
    }

    private func writeChannel(
        _ isOffline: Bool, _ fields: borrowing EventFields, _ written: inout Written,
        _ out: inout ByteBuffer
    ) {
        // ONLINE is what GoWit assumes; it is said only where the sender said it.
        let isOnline = fields.text(.orderChannel)?.equals("ONLINE") ?? false
        guard isOffline || isOnline else { return }
        GowitEvent.key("channel", &out)
        out.append(isOffline ? "\"OFFLINE\"" : "\"ONLINE\"")
        written.insert(.channel)
    }

    private func writeExtension(
        isSale: Bool, _ fields: borrowing EventFields, _ written: inout Written, _ out: inout ByteBuffer
    ) {
        var members = ExtensionMembers(of: .gowit, in: fields, scratch: json)
        while let member = members.next() {
            let place = GowitEvent.rootNames.place(of: member.name)
            if place >= 0 {
                // What the rows of a sale had beside their properties goes into the rows.
                if isSale, place == Name.sales.rawValue { continue }
                if written.contains(place) { continue }
                written.places |= 1 &<< UInt64(place)
            }
            GowitEvent.append(member, &out)
        }
    }

    private static func append(_ member: ExtensionMembers.Member, _ out: inout ByteBuffer) {
        out.append(0x2C)
        out.appendJSONString(member.name)
        out.append(0x3A)
        out.append(member.value)
    }

    /// The times of an event that brings none in GoWit's form.
    private func writeTime(
        isOffline: Bool, isOwn: Bool, _ fields: borrowing EventFields, _ written: Written,
        _ out: inout ByteBuffer
    ) {
        let time = fields.has(.occurredAt) ? fields.occurredMilliseconds : fields.receivedMilliseconds
        if isOffline, !written.contains(Name.saleDate.rawValue) {
            GowitEvent.key("sale_date", &out)
            out.append(0x22)
            out.appendTimestamp(time)
            out.append(0x22)
        }
        if !isOwn, fields.has(.occurredAt), !written.contains(Name.time.rawValue) {
            GowitEvent.key("time", &out)
            out.append(0x22)
            out.appendTimestamp(time)
            out.append(0x22)
        }
    }

    // MARK: sales

    private func writeSales(_ fields: borrowing EventFields, _ out: inout ByteBuffer) {
        let rest = extensionRows(fields)
        out.append(",\"sales\":[")
        for row in 0..<fields.itemCount {
            if row > 0 { out.append(0x2C) }
            writeSale(row, rest?[row], fields, &out)
        }
        out.append(0x5D)
    }

    private func writeSale(
        _ row: Int, _ rest: Bytes?, _ fields: borrowing EventFields, _ out: inout ByteBuffer
    ) {
        var written: UInt64 = 0b1111
        out.append("{\"advertiser_id\":")
        if let seller = fields.itemSlot(row, .sellerID) { out.append(seller, of: fields) }
        out.append(",\"product_id\":")
        if let product = GowitEvent.product(row, fields) { out.append(product, of: fields) }
        out.append(",\"unit_price\":")
        UnitPrice.append(row, fields, to: &out)
        out.append(",\"quantity\":")
        if let quantity = fields.itemSlot(row, .quantity) { out.append(quantity, of: fields) }
        if let brand = GowitEvent.filled(row, .brand, fields) {
            out.append(",\"brand\":")
            out.append(brand, of: fields)
            written |= 0b1_0000
        }
        if let category = GowitEvent.filled(row, .category, fields) {
            out.append(",\"retailer_taxonomy\":")
            out.append(category, of: fields)
            written |= 0b10_0000
        }
        if let rest {
            var members = ExtensionMembers(object: rest, scratch: json)
            while let member = members.next() {
                let place = GowitEvent.saleNames.place(of: member.name)
                if place >= 0, written & (1 &<< UInt64(place)) != 0 { continue }
                GowitEvent.append(member, &out)
            }
        }
        out.append(0x7D)
    }

    /// What `ext.gowit.sales` holds for each row: an object whose members are named after the rows.
    private func extensionRows(_ fields: borrowing EventFields) -> [Int: Bytes]? {
        var members = ExtensionMembers(of: .gowit, in: fields, scratch: json)
        while let member = members.next() {
            guard member.name.equals("sales"), member.kind == .object else { continue }
            var rows: [Int: Bytes] = [:]
            var inner = ExtensionMembers(object: member.value, scratch: json)
            while let row = inner.next() {
                if row.kind == .object, let number = Int(row.name.string) { rows[number] = row.value }
            }
            return rows
        }
        return nil
    }
}
