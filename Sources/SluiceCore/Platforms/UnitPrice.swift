/// The price of one piece, for platforms that want it of every item.
///
/// A price that only the line's total tells is used where the division is exact: a rounded one would
/// make another total.
enum UnitPrice {
    /// The item's own, or else its line's total shared among its quantity, which is 1 where it is not said.
    /// Nil when there is neither, or no exact one.
    static func exact(_ row: Int, _ fields: borrowing EventFields) -> ExactDecimal? {
        if let text = fields.itemText(row, .unitPrice) { return try? ExactDecimal.parse(text) }
        guard let text = fields.itemText(row, .lineTotal), let total = try? ExactDecimal.parse(text) else { return nil }
        guard let count = fields.itemText(row, .quantity) else { return total }
        guard let quantity = try? ExactDecimal.parse(count) else { return nil }
        return total.dividedExactly(by: quantity)
    }

    /// Whether the item says nothing from which its price could follow.
    static func isMissing(_ row: Int, _ fields: borrowing EventFields) -> Bool {
        !fields.hasItem(row, .unitPrice) && !fields.hasItem(row, .lineTotal)
    }

    /// Why an item whose price is not missing has no exact one; nil when it has.
    static func fault(_ row: Int, _ fields: borrowing EventFields) -> String? {
        guard exact(row, fields) == nil else { return nil }
        return fields.hasItem(row, .unitPrice)
            ? "order.items[\(row)].unit_price is no exact number"
            : "order.items[\(row)].unit_price is missing, and line_total cannot be divided exactly"
    }

    /// Writes the price with the very digits it came in, or else the one that follows from the line's total.
    static func append(_ row: Int, _ fields: borrowing EventFields, to out: inout ByteBuffer) {
        if let price = fields.itemSlot(row, .unitPrice) {
            out.append(price, of: fields)
        } else if let price = exact(row, fields) {
            out.append(price)
        }
    }
}
