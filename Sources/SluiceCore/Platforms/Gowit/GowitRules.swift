/// What an event in GoWit's protocol must satisfy as a whole, once each of its values has been checked.
enum GowitRules {
    /// Notes what is missing, and settles marketplace and time.
    static func check(
        _ type: EventType?, _ schema: EventSchema, isSDK: Bool, _ fields: inout EventFields
    ) {
        let isQuery = isSDK && type != .purchase
        settleMarketplace(schema, isRequired: !isQuery, &fields)
        switch type {
        case .purchase: checkSale(schema, &fields)
        case nil: break
        default:
            let hasAd = fields.has(.adID) || fields.has(.adIDs) || isNoted("ad_ids", schema, fields)
            require("ad_id", hasAd, "is required, or else ad_ids", schema, &fields)
            // The SDK shows an ad before it knows the session.
            if isQuery, type != .viewableImpression {
                require("session_id", fields.has(.sessionID), "is required", schema, &fields)
            }
        }
        settleTime(&fields)
    }

    private static func checkSale(_ schema: EventSchema, _ fields: inout EventFields) {
        if fields.itemCount == 0 {
            require("sales", false, "must hold at least one sale", schema, &fields)
        }
        let channel = fields.text(.orderChannel) ?? .empty
        if channel.equals("OFFLINE") {
            require(
                "sale_date", GowitRules.given("sale_date", fields) != nil, "is required with channel OFFLINE",
                schema, &fields)
            require(
                "customer_id", fields.has(.userCustomerID), "is required with channel OFFLINE", schema,
                &fields)
        } else if !isNoted("channel", schema, fields) {
            require("session_id", fields.has(.sessionID), "is required", schema, &fields)
        }
    }

    /// Either name is taken. In `ext` the marketplace always goes by `marketplace_id`, the name the
    /// server form has.
    private static func settleMarketplace(
        _ schema: EventSchema, isRequired: Bool, _ fields: inout EventFields
    ) {
        guard fields.unknownIndex("marketplace_id") == nil else { return }
        guard let index = fields.unknownIndex("marketplace_uuid") else {
            if isRequired, !isNoted("marketplace_uuid", schema, fields) {
                require("marketplace_id", false, "is required", schema, &fields)
            }
            return
        }
        let key = fields.copy(Bytes("marketplace_id"), form: .verbatim)
        fields.unknown[index].key = key
        fields.unknown[index].keyHash = hash64(Bytes("marketplace_id"), seed: 0)
    }

    /// The place in `unknown` of a property that has a value: `null` and empty ones, kept as they came, have none.
    static func given(_ name: StaticString, _ fields: borrowing EventFields) -> Int? {
        guard let index = fields.unknownIndex(name), fields.unknown[index].value.form != .foreign else { return nil }
        return index
    }

    /// A sale happened at its `sale_date`, anything else at its `time`.
    private static func settleTime(_ fields: inout EventFields) {
        guard let index = given("sale_date", fields) ?? given("time", fields),
            let milliseconds = Moment.parse(fields.bytes(fields.unknown[index].value))
        else { return }
        fields.occurredMilliseconds = milliseconds
        fields.mark(.occurredAt)
    }

    /// Notes a property as missing, unless something is wrong with it already.
    private static func require(
        _ name: StaticString, _ isGiven: Bool, _ words: StaticString, _ schema: EventSchema,
        _ fields: inout EventFields
    ) {
        guard !isGiven, !isNoted(name, schema, fields) else { return }
        var problem = FieldProblem(.missing)
        problem.property = schema.objects[0].place(of: Bytes(name))
        problem.words = words
        fields.note(problem)
    }

    private static func isNoted(
        _ name: StaticString, _ schema: EventSchema, _ fields: borrowing EventFields
    ) -> Bool {
        let place = schema.objects[0].place(of: Bytes(name))
        for problem in fields.problems where problem.object == 0 && problem.property == place { return true }
        return false
    }
}
