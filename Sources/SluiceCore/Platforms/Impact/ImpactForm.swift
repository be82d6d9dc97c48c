/// Writes one purchase as the form that impact.com's conversion API takes. The draft has every required
/// field.
struct ImpactForm {
    let campaignID: Int
    let eventTypeID: Int

    /// Throws when a line's total has more digits than a number may have.
    func write(
        _ fields: borrowing EventFields, _ more: borrowing ImpactExtension, _ out: inout ByteBuffer
    ) throws(ExactDecimalError) {
        var sent: UInt64 = 0
        if !more.has(ImpactName.Place.campaignID) { number("CampaignId", campaignID, &out) }
        if more.places & ImpactName.eventTypeMask == 0 { number("EventTypeId", eventTypeID, &out) }
        writeDate(fields, &out)
        sent |= 1 << ImpactName.Place.eventDate
        for place in ImpactName.all.indices {
            guard let value = ImpactForm.value(at: place, fields) else { continue }
            parameter(ImpactName.all[place].name, value, &out)
            sent |= 1 << UInt64(place)
        }
        for row in 0..<fields.itemCount { try writeItem(row, fields, more, &out) }
        for entry in more.entries where entry.item == nil {
            guard entry.place < 0 || sent & (1 << UInt64(entry.place)) == 0 else { continue }
            ImpactForm.key(more.bytes(entry.name), 0, &out)
            out.appendPercentEncoded(more.bytes(entry.value))
        }
    }

    /// The canonical value of a parameter, if the event has one that impact.com can mean.
    static func value(at place: Int, _ fields: borrowing EventFields) -> Bytes? {
        let text: Bytes?
        switch ImpactName.all[place].target {
        case .field(.adClickID):
            let network = fields.text(.network) ?? .empty
            // A click that another network counted has another network's id.
            text = network.isEmpty || network.equals(Platform.impact.name) ? fields.text(.adClickID) : nil
        case .field(let field): text = fields.text(field)
        case .email: text = fields.text(.userEmailSHA256)
        case .currency: text = fields.text(.orderCurrency)
        default: text = nil
        }
        guard let text, !text.isEmpty else { return nil }
        return text
    }

    /// The event's own time, or else that of its receipt.
    private func writeDate(_ fields: borrowing EventFields, _ out: inout ByteBuffer) {
        var time = ByteBuffer(capacity: 24)
        time.appendTimestamp(fields.has(.occurredAt) ? fields.occurredMilliseconds : fields.receivedMilliseconds)
        parameter("EventDate", time.bytes, &out)
    }

    // MARK: items

    private func writeItem(
        _ row: Int, _ fields: borrowing EventFields, _ more: borrowing ImpactExtension, _ out: inout ByteBuffer
    ) throws(ExactDecimalError) {
        for item in ImpactItem.allCases {
            switch item {
            case .sku: itemParameter(item, row, fields.itemText(row, .sku) ?? fields.itemText(row, .productID), &out)
            case .subTotal:
                // A unit price that came from impact.com's client goes back as one.
                if fields.hasItem(row, .lineTotal) || more.value(of: .price, number: row + 1) == nil {
                    try writeSubTotal(row, fields, &out)
                }
            case .totalDiscount:
                if let value = more.value(of: .totalDiscount, number: row + 1) {
                    itemParameter(item, row, more.bytes(value), &out)
                } else if more.value(of: .discount, number: row + 1) == nil {
                    itemParameter(item, row, fields.itemText(row, .discount), &out)
                }
            case .price where fields.hasItem(row, .lineTotal): continue
            case .quantity where ImpactForm.isAssumed(row, fields, more): continue
            case .name, .category, .brand, .quantity:
                if let field = item.field { itemParameter(item, row, fields.itemText(row, field), &out) }
            case .price, .subCategory, .mpn, .discount, .promoCode:
                guard let value = more.value(of: item, number: row + 1) else { continue }
                itemParameter(item, row, more.bytes(value), &out)
            }
        }
    }

    /// Whether the item's one piece is what the gateway took a missing quantity for.
    private static func isAssumed(
        _ row: Int, _ fields: borrowing EventFields, _ more: borrowing ImpactExtension
    ) -> Bool {
        more.isNone(.quantity, number: row + 1) && fields.itemText(row, .quantity)?.equals("1") ?? false
    }

    private func writeSubTotal(
        _ row: Int, _ fields: borrowing EventFields, _ out: inout ByteBuffer
    ) throws(ExactDecimalError) {
        if let total = fields.itemText(row, .lineTotal) { return itemParameter(.subTotal, row, total, &out) }
        guard let price = fields.itemText(row, .unitPrice) else { return }
        let quantity = try fields.itemText(row, .quantity).map(ExactDecimal.parse) ?? ExactDecimal(1)
        var total = ByteBuffer(capacity: 48)
        total.append(try ExactDecimal.parse(price).multiplied(by: quantity))
        itemParameter(.subTotal, row, total.bytes, &out)
    }

    private func itemParameter(_ item: ImpactItem, _ row: Int, _ value: Bytes?, _ out: inout ByteBuffer) {
        guard let value, !value.isEmpty else { return }
        ImpactForm.key(Bytes(item.parameter), row + 1, &out)
        out.appendPercentEncoded(value)
    }

    // MARK: parameters

    private func parameter(_ name: StaticString, _ value: Bytes, _ out: inout ByteBuffer) {
        ImpactForm.key(Bytes(name), 0, &out)
        out.appendPercentEncoded(value)
    }

    private func number(_ name: StaticString, _ value: Int, _ out: inout ByteBuffer) {
        ImpactForm.key(Bytes(name), 0, &out)
        out.appendDecimal(value)
    }

    private static func key(_ name: Bytes, _ number: Int, _ out: inout ByteBuffer) {
        if !out.isEmpty { out.append(0x26) }
        out.appendPercentEncoded(name)
        if number > 0 { out.appendDecimal(number) }
        out.append(0x3D)
    }
}
