/// Writes the body of one beacon. The draft has every required field.
struct VtexBody {
    let publisherID: String
    let json: JSONScratch

    func writeAd(_ fields: borrowing EventFields, _ out: inout ByteBuffer) {
        var written: UInt64 = 0
        out.append(0x7B)
        writeNamed(VtexSchema.ad, fields, &written, &out)
        writeExtension(VtexSchema.ad, fields, &written, &out)
        close(&out)
    }

    func writeConversion(_ fields: borrowing EventFields, _ out: inout ByteBuffer) {
        let schema = VtexSchema.conversion
        var written: UInt64 = 0
        out.append(0x7B)
        key("publisher_id", &out)
        if let own = ownPublisher(fields) {
            out.append(own)
        } else {
            Array(publisherID.utf8).withBytes { out.appendJSONString($0) }
        }
        mark("publisher_id", schema, &written)
        if let id = VtexBody.userID(fields) {
            key("user_id", &out)
            out.append(id, of: fields)
            mark("user_id", schema, &written)
        }
        key("created_at", &out)
        out.append(0x22)
        out.appendTimestamp(fields.has(.occurredAt) ? fields.occurredMilliseconds : fields.receivedMilliseconds)
        out.append(0x22)
        mark("created_at", schema, &written)
        key("channel", &out)
        if let channel = VtexBody.channel(fields) { out.appendJSONString(channel) }
        mark("channel", schema, &written)
        writeNamed(schema, fields, &written, &out)
        writeItems(fields, &out)
        mark("items", schema, &written)
        writeExtension(schema, fields, &written, &out)
        close(&out)
    }

    // MARK: values

    /// The shop's id of the user: `user.id`, or else `user.customer_id`.
    static func userID(_ fields: borrowing EventFields) -> Slot? {
        for field in [EventField.userID, .userCustomerID] {
            if let slot = fields.slot(field), slot.count > 0 { return slot }
        }
        return nil
    }

    /// Whether the event came by VTEX Ads' own protocol.
    static func isTheirs(_ fields: borrowing EventFields) -> Bool {
        fields.text(.platform)?.equals(Platform.vtex.name) ?? false
    }

    /// The publisher, as JSON, whose conversion came by VTEX Ads' own protocol: it stays that publisher's.
    private func ownPublisher(_ fields: borrowing EventFields) -> Bytes? {
        guard VtexBody.isTheirs(fields) else { return nil }
        var members = ExtensionMembers(of: .vtex, in: fields, scratch: json)
        while let member = members.next() {
            guard member.name.equals("publisher_id") else { continue }
            // Two quotation marks are an empty string.
            return member.kind == .string && member.value.count > 2 ? member.value : nil
        }
        return nil
    }

    /// The order's channel in VTEX Ads' words, where another platform's word says the same. What VTEX Ads' own
    /// clients said is in its words already.
    static func channel(_ fields: borrowing EventFields) -> Bytes? {
        if let channel = fields.text(.orderChannel), !channel.isEmpty {
            if isTheirs(fields) { return channel }
            if channel.equals("ONLINE") { return Bytes("ecommerce") }
            return channel.equals("OFFLINE") ? Bytes("physical store") : channel
        }
        guard let channel = fields.text(.contextChannel) else { return nil }
        if channel.equals("onsite") || channel.equals("web") { return Bytes("ecommerce") }
        if channel.equals("instore") { return Bytes("physical store") }
        return channel.equals("app") ? channel : nil
    }

    /// What is paid for one: the unit price, or else a line's total shared among its quantity, or else
    /// the list price.
    static func paidPrice(_ row: Int, _ fields: borrowing EventFields) -> ExactDecimal? {
        if fields.hasItem(row, .unitPrice) || fields.hasItem(row, .lineTotal) {
            return UnitPrice.exact(row, fields)
        }
        return fields.itemText(row, .listPrice).flatMap { try? ExactDecimal.parse($0) }
    }

    private func writeNamed(
        _ schema: EventSchema, _ fields: borrowing EventFields, _ written: inout UInt64, _ out: inout ByteBuffer
    ) {
        for (place, property) in schema.objects[0].properties.enumerated() {
            guard case .field(let field) = property.target, written & (1 << UInt64(place)) == 0,
                let slot = fields.slot(field), slot.count > 0
            else { continue }
            if case .choice(let choice) = property.rule, !choice.contains(fields.bytes(slot)) { continue }
            if VtexBody.isHash(property.rule), !PersonalData.isHash(fields.bytes(slot)) { continue }
            key(property.name, &out)
            out.append(slot, of: fields)
            written |= 1 << UInt64(place)
        }
    }

    private static func isHash(_ rule: ValueRule) -> Bool {
        switch rule {
        case .hash, .personal: true
        default: false
        }
    }

    private func mark(_ name: StaticString, _ schema: EventSchema, _ written: inout UInt64) {
        let place = schema.objects[0].place(of: Bytes(name))
        if place >= 0 { written |= 1 << UInt64(place) }
    }

    // MARK: items

    private func writeItems(_ fields: borrowing EventFields, _ out: inout ByteBuffer) {
        let schema = VtexSchema.conversion.objects[Int(VtexSchema.items)]
        let extensions = VtexBody.extensionText(fields).map(rowExtensions) ?? [:]
        key("items", &out)
        out.append(0x5B)
        for row in 0..<fields.itemCount {
            if row > 0 { out.append(0x2C) }
            var written: UInt64 = 0
            out.append(0x7B)
            item("sku", fields.itemSlot(row, .sku) ?? fields.itemSlot(row, .productID), schema, &written, fields, &out)
            if let quantity = fields.itemSlot(row, .quantity) {
                item("quantity", quantity, schema, &written, fields, &out)
            } else {
                key("quantity", &out)
                out.append("1")
                written |= 1 << UInt64(schema.place(of: Bytes("quantity")))
            }
            price("price", row, [.listPrice, .unitPrice], schema, &written, fields, &out)
            price("promotional_price", row, [.unitPrice], schema, &written, fields, &out)
            item("seller_id", fields.itemSlot(row, .sellerID), schema, &written, fields, &out)
            item("product_id", fields.itemSlot(row, .productID), schema, &written, fields, &out)
            if let more = extensions[row] { writeRow(more, schema, &written, &out) }
            close(&out)
        }
        out.append(0x5D)
    }

    private func item(
        _ name: StaticString, _ slot: Slot?, _ schema: ObjectSchema, _ written: inout UInt64,
        _ fields: borrowing EventFields, _ out: inout ByteBuffer
    ) {
        guard let slot, slot.count > 0 else { return }
        key(name, &out)
        out.append(slot, of: fields)
        written |= 1 << UInt64(schema.place(of: Bytes(name)))
    }

    /// Writes a price as it was written, or else one that is computed.
    private func price(
        _ name: StaticString, _ row: Int, _ from: [ItemField], _ schema: ObjectSchema, _ written: inout UInt64,
        _ fields: borrowing EventFields, _ out: inout ByteBuffer
    ) {
        for field in from where fields.hasItem(row, field) {
            return item(name, fields.itemSlot(row, field), schema, &written, fields, &out)
        }
        guard let price = VtexBody.paidPrice(row, fields) else { return }
        key(name, &out)
        out.append(price)
        written |= 1 << UInt64(schema.place(of: Bytes(name)))
    }

    // MARK: ext.vtex

    /// What VTEX Ads' own clients had sent beyond the canonical form goes back to it.
    private func writeExtension(
        _ schema: EventSchema, _ fields: borrowing EventFields, _ written: inout UInt64, _ out: inout ByteBuffer
    ) {
        guard let text = VtexBody.extensionText(fields) else { return }
        var reader = JSONReader(text, scratch: json, depthMax: CoreLimits.canonicalDepthMax)
        // The line was read before, so it is JSON throughout.
        try? writeMembers(&reader, text, schema.objects[0], &written, skipsItems: schema.objects.count > 1, &out)
    }

    private static func extensionText(_ fields: borrowing EventFields) -> Bytes? {
        for member in fields.extensions where fields.bytes(member.key).equals(Platform.vtex.name) {
            return fields.bytes(member.value)
        }
        return nil
    }

    /// The members of `items` in `ext.vtex`, by row: they stand beside the items' own.
    private func rowExtensions(_ text: Bytes) -> [Int: Bytes] {
        var rows: [Int: Bytes] = [:]
        var reader = JSONReader(text, scratch: json, depthMax: CoreLimits.canonicalDepthMax)
        // The line was read before, so it is JSON throughout.
        try? readRows(&reader, text, &rows)
        return rows
    }

    private func readRows(
        _ reader: inout JSONReader, _ text: Bytes, _ rows: inout [Int: Bytes]
    ) throws(JSONError) {
        try reader.enterObject()
        while let key = try reader.nextKey() {
            guard key.equals("items", in: text), try reader.peek() == .object else {
                _ = try reader.skipValue()
                continue
            }
            try reader.enterObject()
            while let inner = try reader.nextKey() {
                let row = Int(reader.decoded(inner).string)
                let isObject = try reader.peek() == .object
                let range = try reader.skipValue()
                if let row, isObject { rows[row] = text[range] }
            }
        }
    }

    private func writeRow(
        _ text: Bytes, _ schema: ObjectSchema, _ written: inout UInt64, _ out: inout ByteBuffer
    ) {
        var reader = JSONReader(text, scratch: json, depthMax: CoreLimits.canonicalDepthMax)
        try? writeMembers(&reader, text, schema, &written, skipsItems: false, &out)
    }

    private func writeMembers(
        _ reader: inout JSONReader, _ text: Bytes, _ object: ObjectSchema, _ written: inout UInt64,
        skipsItems: Bool, _ out: inout ByteBuffer
    ) throws(JSONError) {
        try reader.enterObject()
        while let name = try reader.nextKey() {
            let place = object.place(of: reader.decoded(name))
            let isTaken = place >= 0 && written & (1 << UInt64(place)) != 0
            let isItems = skipsItems && name.equals("items", in: text)
            let range = try reader.skipValue()
            guard !isTaken, !isItems else { continue }
            if out.bytes[out.count - 1] != 0x7B { out.append(0x2C) }
            out.appendJSONString(name, in: text)
            out.append(0x3A)
            out.append(text[range])
        }
    }

    // MARK: members

    private func key(_ name: StaticString, _ out: inout ByteBuffer) {
        if out.bytes[out.count - 1] != 0x7B { out.append(0x2C) }
        out.append(0x22)
        out.append(name)
        out.append("\":")
    }

    private func close(_ out: inout ByteBuffer) { out.append(0x7D) }
}
