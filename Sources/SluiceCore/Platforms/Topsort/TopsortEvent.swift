/// Writes one event as Topsort's schema has it. The draft has every required property.
struct TopsortEvent {
    let json: JSONScratch
    let nowMilliseconds: Int64
    /// Nil where no plan is made of the event. What is decided by a value's content must not be noted.
    var recorder: EncodingRecorder?

    func write(_ kind: TopsortKind, _ fields: borrowing EventFields, _ out: inout ByteBuffer) {
        out.append("{\"id\":")
        let orderID = kind == .purchases ? filled(.orderID, fields) : nil
        if let id = orderID ?? fields.slot(.id) { copy(id, fields, &out) }
        out.append(",\"occurredAt\":\"")
        recorder?.noteTime(behind: out.count)
        out.appendTimestamp(time(fields))
        out.append("\",\"opaqueUserId\":")
        if let id = filled(.userID, fields) ?? fields.slot(.sessionID) { copy(id, fields, &out) }
        switch kind {
        case .impressions: writeAd(fields, &out)
        case .clicks:
            writeAd(fields, &out)
            choice("clickType", .adClickType, .topsortClickType, fields, &out)
        case .purchases: writeItems(fields, &out)
        case .pageviews: writePage(fields, &out)
        }
        choice("deviceType", .contextDeviceType, .deviceType, fields, &out)
        choice("channel", .contextChannel, .topsortChannel, fields, &out)
        out.append(0x7D)
    }

    private func time(_ fields: borrowing EventFields) -> Int64 {
        guard fields.has(.occurredAt), fields.occurredMilliseconds <= nowMilliseconds else {
            return fields.receivedMilliseconds
        }
        return fields.occurredMilliseconds
    }

    // MARK: impressions and clicks

    private func writeAd(_ fields: borrowing EventFields, _ out: inout ByteBuffer) {
        let network = fields.text(.network) ?? .empty
        let isOurs = network.isEmpty || network.equals(Platform.topsort.name)
        let bid = isOurs ? filled(.adID, fields) : nil
        if let bid {
            out.append(",\"resolvedBidId\":")
            copy(bid, fields, &out)
        }
        pair("entity", .entityType, .entityID, fields, &out)
        // Topsort takes an additional attribution only together with a bid.
        if bid != nil { pair("additionalAttribution", .attributionType, .attributionID, fields, &out) }
        writePlacement(fields, &out)
        writePage(fields, &out)
        writeObject(fields, &out)
        member("externalCampaignId", .adCampaignID, fields, &out)
        writeVendor(fields, &out)
    }

    private func pair(
        _ name: StaticString, _ type: EventField, _ id: EventField, _ fields: borrowing EventFields,
        _ out: inout ByteBuffer
    ) {
        guard let typeSlot = filled(type, fields), let idSlot = filled(id, fields) else { return }
        if type == .entityType, !Choice.entityType.contains(fields.bytes(typeSlot)) { return }
        key(name, &out)
        out.append("{\"type\":")
        out.append(typeSlot, of: fields)
        out.append(",\"id\":")
        copy(idSlot, fields, &out)
        out.append(0x7D)
    }

    private func writePlacement(_ fields: borrowing EventFields, _ out: inout ByteBuffer) {
        guard let path = filled(.placementPath, fields) else { return }
        out.append(",\"placement\":{\"path\":")
        copy(path, fields, &out)
        number("position", .placementPosition, fields, &out)
        number("page", .placementPage, fields, &out)
        number("pageSize", .placementPageSize, fields, &out)
        member("productId", .placementProductID, fields, &out)
        member("categoryIds", .placementCategoryIDs, fields, &out)
        member("searchQuery", .placementSearchQuery, fields, &out)
        out.append(0x7D)
    }

    private func writePage(_ fields: borrowing EventFields, _ out: inout ByteBuffer) {
        guard let type = fields.slot(.pageType), Choice.pageType.contains(fields.bytes(type)),
            let id = fields.slot(.pageID)
        else { return }
        out.append(",\"page\":{\"type\":")
        out.append(type, of: fields)
        out.append(",\"pageId\":")
        copy(id, fields, &out)
        member("value", .pageValue, fields, &out)
        out.append(0x7D)
    }

    private func writeObject(_ fields: borrowing EventFields, _ out: inout ByteBuffer) {
        guard let type = fields.slot(.objectType), Choice.objectType.contains(fields.bytes(type)) else {
            return
        }
        out.append(",\"object\":{\"type\":")
        out.append(type, of: fields)
        member("assetId", .objectAssetID, fields, &out)
        member("clickType", .objectClickType, fields, &out)
        out.append(0x7D)
    }

    /// `externalVendorId` has no canonical name: it comes back from `ext.topsort`.
    private func writeVendor(_ fields: borrowing EventFields, _ out: inout ByteBuffer) {
        for member in fields.extensions
        where fields.bytes(member.key).equals(Platform.topsort.name) {
            let text = fields.bytes(member.value)
            var reader = JSONReader(text, scratch: json, depthMax: CoreLimits.canonicalDepthMax)
            guard (try? reader.enterObject()) != nil else { return }
            while let name = try? reader.nextKey() {
                if name.equals("externalVendorId", in: text), (try? reader.peek()) == .string {
                    guard let value = try? reader.string() else { return }
                    let text = reader.decoded(value)
                    guard !text.isEmpty, text.count <= CoreLimits.catalogIDBytesMax,
                        text.firstIndex(of: 0) == nil
                    else { continue }
                    key("externalVendorId", &out)
                    out.appendJSONString(text)
                } else if (try? reader.skipValue()) == nil {
                    return
                }
            }
        }
    }

    // MARK: purchases

    private func writeItems(_ fields: borrowing EventFields, _ out: inout ByteBuffer) {
        out.append(",\"items\":[")
        for row in 0..<fields.itemCount {
            if row > 0 { out.append(0x2C) }
            out.append("{\"productId\":")
            if let product = fields.itemSlot(row, .productID) ?? fields.itemSlot(row, .sku) {
                out.append(product, of: fields)
            }
            out.append(",\"unitPrice\":")
            UnitPrice.append(row, fields, to: &out)
            if let text = fields.itemText(row, .quantity), let quantity = try? ExactDecimal.parse(text) {
                // 2.0 is a whole number, but Topsort's schema wants it written as one.
                out.append(",\"quantity\":")
                out.append(quantity)
            }
            if let vendor = fields.itemSlot(row, .sellerID), vendor.count > 0 {
                out.append(",\"vendorId\":")
                out.append(vendor, of: fields)
            }
            out.append(0x7D)
        }
        out.append(0x5D)
    }

    // MARK: members

    private func filled(_ field: EventField, _ fields: borrowing EventFields) -> Slot? {
        guard let slot = fields.slot(field), slot.count > 0 else { return nil }
        return slot
    }

    /// A value that is there, whatever it is.
    private func copy(_ slot: Slot, _ fields: borrowing EventFields, _ out: inout ByteBuffer) {
        recorder?.note(slot, behind: out.count)
        out.append(slot, of: fields)
    }

    private func key(_ name: StaticString, _ out: inout ByteBuffer) {
        out.append(",\"")
        out.append(name)
        out.append("\":")
    }

    private func member(
        _ name: StaticString, _ field: EventField, _ fields: borrowing EventFields, _ out: inout ByteBuffer
    ) {
        guard let slot = filled(field, fields) else { return }
        key(name, &out)
        copy(slot, fields, &out)
    }

    private func number(
        _ name: StaticString, _ field: EventField, _ fields: borrowing EventFields, _ out: inout ByteBuffer
    ) {
        guard let slot = filled(field, fields), let value = try? ExactDecimal.parse(fields.bytes(slot)),
            let whole = value.integer, whole >= 1
        else { return }
        key(name, &out)
        recorder?.note(slot, behind: out.count)
        out.appendDecimal(whole)
    }

    private func choice(
        _ name: StaticString, _ field: EventField, _ choice: Choice, _ fields: borrowing EventFields,
        _ out: inout ByteBuffer
    ) {
        guard let slot = fields.slot(field), choice.contains(fields.bytes(slot)) else { return }
        key(name, &out)
        out.append(slot, of: fields)
    }
}

/// Reads what Topsort says is wrong: an object, or an array of such objects.
enum TopsortErrorText {
    /// `errCode: message` of the first error; nil when the body is something else.
    static func read(_ body: Bytes, _ json: JSONScratch) -> String? {
        var reader = JSONReader(body, scratch: json, depthMax: CoreLimits.canonicalDepthMax)
        do throws(JSONError) {
            if try reader.peek() == .array {
                try reader.enterArray()
                guard try reader.nextElement() else { return nil }
            }
            guard try reader.peek() == .object else { return nil }
            return try readObject(&reader, body)
        } catch {
            return nil
        }
    }

    private static func readObject(_ reader: inout JSONReader, _ body: Bytes) throws(JSONError) -> String? {
        var code: String?
        var message: String?
        try reader.enterObject()
        while let key = try reader.nextKey() {
            let isCode = key.equals("errCode", in: body)
            let isMessage = key.equals("message", in: body)
            if isCode || isMessage, try reader.peek() == .string {
                let text = try reader.string()
                if isCode {
                    code = reader.decoded(text).string
                } else {
                    message = reader.decoded(text).string
                }
            } else {
                _ = try reader.skipValue()
            }
        }
        guard let code, let message else { return code ?? message }
        return "\(code): \(message)"
    }
}
