/// One of the forms in which GoWit's events come: how it is read, and what is asked of the whole.
final class GowitForm: Sendable {
    let parser: EventParser
    let rules: GowitRules

    init(_ schema: EventSchema) {
        parser = EventParser(schema)
        rules = GowitRules(schema)
    }
}

/// What an event in GoWit's protocol must satisfy as a whole, once each of its values has been checked.
struct GowitRules: Sendable {
    private let schema: EventSchema

    /// Places of properties that are treated in a way of their own; -1 where the form has none.
    let marketplaceID: Int
    let requestID: Int
    private let marketplaceUUID: Int
    private let saleDate: Int
    private let time: Int

    init(_ schema: EventSchema) {
        self.schema = schema
        marketplaceID = schema.objects[0].place(of: Bytes("marketplace_id"))
        requestID = schema.objects[0].place(of: Bytes("request_id"))
        marketplaceUUID = schema.objects[0].place(of: Bytes("marketplace_uuid"))
        saleDate = schema.objects[0].place(of: Bytes("sale_date"))
        time = schema.objects[0].place(of: Bytes("time"))
    }

    /// Notes what is missing, and settles marketplace and time.
    func check(_ type: EventType?, isSDK: Bool, _ fields: inout EventFields) {
        let isQuery = isSDK && type != .purchase
        settleMarketplace(isRequired: !isQuery, &fields)
        switch type {
        case .purchase: checkSale(&fields)
        case nil: break
        default:
            if !fields.has(.adID), !fields.has(.adIDs), !isNoted("ad_ids", fields) {
                require("ad_id", false, "is required, or else ad_ids", &fields)
            }
            // The SDK shows an ad before it knows the session.
            if isQuery, type != .viewableImpression {
                require("session_id", fields.has(.sessionID), "is required", &fields)
            }
        }
        settleTime(&fields)
    }

    private func checkSale(_ fields: inout EventFields) {
        if fields.itemCount == 0 {
            require("sales", false, "must hold at least one sale", &fields)
        }
        let channel = fields.text(.orderChannel) ?? .empty
        if channel.equals("OFFLINE") {
            require(
                "sale_date", given(saleDate, fields) != nil, "is required with channel OFFLINE", &fields)
            require(
                "customer_id", fields.has(.userCustomerID), "is required with channel OFFLINE", &fields)
        } else if !isNoted("channel", fields) {
            require("session_id", fields.has(.sessionID), "is required", &fields)
        }
    }

    /// Either name is taken. In `ext` the marketplace always goes by `marketplace_id`, the name the
    /// server form has.
    private func settleMarketplace(isRequired: Bool, _ fields: inout EventFields) {
        guard fields.unknownIndex(property: marketplaceID) == nil else { return }
        guard let index = fields.unknownIndex(property: marketplaceUUID) else {
            if isRequired, !isNoted("marketplace_uuid", fields) {
                require("marketplace_id", false, "is required", &fields)
            }
            return
        }
        let key = fields.copy(Bytes("marketplace_id"), form: .verbatim)
        fields.unknown[index].key = key
        fields.unknown[index].keyHash = hash64(Bytes("marketplace_id"), seed: 0)
        fields.unknown[index].property = Int16(truncatingIfNeeded: marketplaceID)
    }

    /// The place in `unknown` of a property that has a value: `null` and empty ones, kept as they came, have none.
    @inline(__always)
    func given(_ property: Int, _ fields: borrowing EventFields) -> Int? {
        guard let index = fields.unknownIndex(property: property), fields.unknown[index].value.form != .foreign
        else { return nil }
        return index
    }

    /// A sale happened at its `sale_date`, anything else at its `time`.
    private func settleTime(_ fields: inout EventFields) {
        guard let index = given(saleDate, fields) ?? given(time, fields) else { return }
        fields.occurredMilliseconds = fields.unknown[index].milliseconds
        fields.mark(.occurredAt)
    }

    /// Notes a property as missing, unless something is wrong with it already.
    private func require(
        _ name: StaticString, _ isGiven: Bool, _ words: StaticString, _ fields: inout EventFields
    ) {
        guard !isGiven, !isNoted(name, fields) else { return }
        var problem = FieldProblem(.missing)
        problem.property = schema.objects[0].place(of: Bytes(name))
        problem.words = words
        fields.note(problem)
    }

    private func isNoted(_ name: StaticString, _ fields: borrowing EventFields) -> Bool {
        guard !fields.problems.isEmpty else { return false }
        let place = schema.objects[0].place(of: Bytes(name))
        for problem in fields.problems where problem.object == 0 && problem.property == place { return true }
        return false
    }
}
