/// The parameters of Kevel's purchases, and the canonical field each becomes.
///
/// `userKey` is read by the decoder, since only it may be repeated. `timestamp` is kept in `ext.kevel`
/// as it came, unless `occurred_at` says it in the very form in which it is sent.
enum KevelSchema {
    static let purchase = EventSchema([
        ObjectSchema(
            "",
            [
                Property("timestamp", .moment, .ext, required: true),
                Property("productId", catalog, .item(.productID), required: true),
                Property("quantity", .integer(min: 1), .item(.quantity), required: true),
                Property("price", .decimal(.notNegative), .item(.unitPrice), required: true),
                Property("transactionId", .text(max: CoreLimits.eventIDBytesMax), .field(.orderID)),
                Property("merchantId", catalog, .item(.sellerID)),
                Property("ltvQuantity", .integer(min: 0), .item(.ltvQuantity)),
                Property("ltvValue", .decimal(.notNegative), .item(.ltvValue)),
            ])
    ])

    /// The place of the property `timestamp`.
    static let timestamp = 0

    private static let catalog = ValueRule.text(max: CoreLimits.catalogIDBytesMax)
}
