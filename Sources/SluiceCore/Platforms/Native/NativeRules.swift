/// What a native event must satisfy as a whole, once each of its values has been checked.
enum NativeRules {
    /// Notes the first rule the draft breaks.
    static func check(_ fields: inout EventFields) {
        guard fields.problem == nil else { return }
        switch fields.type {
        case .impression, .viewableImpression, .click: checkAd(&fields)
        case .purchase: checkPurchase(&fields)
        case .pageView: break
        }
        checkItems(&fields)
    }

    private static let adFields = FieldSet(.adID, .adIDs, .adURL, .entityID, .placementProductID)

    private static func checkAd(_ fields: inout EventFields) {
        guard !fields.present.intersects(adFields) else { return }
        fields.note(
            FieldProblem(
                .missing, path: "ad.id",
                words: "is required, or else one of ad.ids, ad.url, entity, placement.product_id"))
    }

    private static func checkPurchase(_ fields: inout EventFields) {
        guard fields.itemCount == 0 else { return }
        fields.note(FieldProblem(.missing, path: "order.items", words: "must hold at least one item"))
    }

    private static func checkItems(_ fields: inout EventFields) {
        for row in 0..<fields.itemCount {
            guard fields.hasItem(row, .productID) || fields.hasItem(row, .sku) else {
                fields.note(missingProduct(row))
                return
            }
            if !fields.hasItem(row, .quantity) {
                fields.setItem(row, .quantity, fields.copy(Bytes("1"), form: .raw))
            }
        }
    }

    private static func missingProduct(_ row: Int) -> FieldProblem {
        var problem = FieldProblem(.missing)
        problem.object = CanonicalSchema.itemsPlace
        problem.property = CanonicalSchema.native.objects[Int(CanonicalSchema.itemsPlace)].place(
            of: Bytes("product_id"))
        problem.item = Int32(row)
        problem.words = "is required, or else sku"
        return problem
    }

    /// Adds what the request says about a browser where the event itself says nothing. Headers
    /// that are no UTF-8 or too long are left out: they are not the sender's words.
    static func complete(_ fields: inout EventFields, from origin: RequestOrigin) {
        if !fields.has(.contextPageURL) {
            add(origin.referrer, .contextPageURL, CoreLimits.urlBytesMax, &fields)
        }
        if !fields.has(.contextUserAgent) {
            add(origin.userAgent, .contextUserAgent, CoreLimits.userAgentBytesMax, &fields)
        }
        if !fields.has(.contextIP) { add(origin.address, .contextIP, CoreLimits.wordBytesMax, &fields) }
    }

    private static func add(_ text: Bytes, _ field: EventField, _ max: Int, _ fields: inout EventFields) {
        guard !text.isEmpty, text.count <= max, text.isUTF8, text.firstIndex(of: 0) == nil else { return }
        fields.setText(field, copying: text)
    }
}
