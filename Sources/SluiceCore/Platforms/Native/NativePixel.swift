/// One event as the parameters of `GET /pixel.gif`.
///
/// A parameter's name is the dotted canonical name: `type`, `user.id`, `order.items[0].sku` (also
/// `order.items.0.sku`; rows begin with 0 and have no gaps). A list is given by repeating its
/// parameter. These short names stand for the long ones: `page_url`, `referrer` (context);
/// `user_id`, `customer_id` (user); `ad_id`, `ad_url`, `placement_id`, `click_id`, `campaign_id`
/// (ad); `product_id`, `search_query` (placement); `order_id`, `currency` (order). `key` is the
/// source's credential and is not kept. Any other parameter is kept in `ext.native` as a string.
enum NativePixel {
    static func read(
        _ query: Bytes, _ parser: EventParser, _ json: JSONScratch, into fields: inout EventFields
    ) {
        fields.begin(input: query)
        var parameters = QueryFields(query)
        var count = 0
        while let (name, value) = parameters.next() {
            count += 1
            guard count <= parametersMax else {
                return fields.note(FieldProblem(.tooMany, path: "query", words: "has too many parameters"))
            }
            readParameter(name, value, parser, json, &fields)
        }
        parser.checkRequired(&fields)
    }

    /// The pixel: a GIF89a of one transparent dot.
    static func write(to answer: inout PlatformAnswer) {
        answer.status = 200
        answer.contentType = .gif
        for byte in image { answer.body.append(byte) }
    }

    private static let parametersMax = 20_000
    /// The parameter by which a source is found.
    private static let credential: StaticString = "key"

    private static let image: [UInt8] = [
        0x47, 0x49, 0x46, 0x38, 0x39, 0x61,  // GIF89a
        0x01, 0x00, 0x01, 0x00, 0x80, 0x00, 0x00,  // 1 x 1, two colours
        0x00, 0x00, 0x00, 0xFF, 0xFF, 0xFF,  // black, white
        0x21, 0xF9, 0x04, 0x01, 0x00, 0x00, 0x00, 0x00,  // colour 0 is transparent
        0x2C, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00, 0x01, 0x00, 0x00,  // one image, whole screen
        0x02, 0x02, 0x44, 0x01, 0x00,  // its only dot
        0x3B,
    ]

    private static func readParameter(
        _ name: Bytes, _ value: Bytes, _ parser: EventParser, _ json: JSONScratch,
        _ fields: inout EventFields
    ) {
        guard let key = decoded(name, &fields) else {
            return fields.note(
                FieldProblem(
                    .invalidEncoding, path: "query",
                    words: "has a parameter whose name is not percent-encoded UTF-8"))
        }
        // The credential, which image requests cannot carry elsewhere, is no part of the event: it
        // must reach neither the log nor a destination.
        if fields.bytes(key).equals(credential) { return }
        let target = resolve(fields.bytes(key), parser.schema)
        guard let text = decoded(value, &fields) else {
            var problem = FieldProblem(.invalidEncoding)
            if let target {
                problem.object = target.object
                problem.property = target.property
                problem.item = target.item
            } else {
                problem.key = key
            }
            return fields.note(problem)
        }
        guard let target else {
            if fields.bytes(text).firstIndex(of: 0) != nil || fields.bytes(key).firstIndex(of: 0) != nil {
                var problem = FieldProblem(.nulCharacter)
                problem.key = key
                return fields.note(problem)
            }
            return parser.addUnknown(key, text, 0, -1, &fields)
        }
        store(text, target, parser, json, &fields)
    }

    private static func decoded(_ text: Bytes, _ fields: inout EventFields) -> Slot? {
        let start = fields.scratch.count
        guard QueryFields.decode(text, into: &fields.scratch) else { return nil }
        return Slot(.plain, .scratch, start: start, count: fields.scratch.count - start)
    }

    private static func store(
        _ text: Slot, _ target: Target, _ parser: EventParser, _ json: JSONScratch,
        _ fields: inout EventFields
    ) {
        let property = parser.schema.objects[Int(target.object)].properties[target.property]
        var previous: Slot?
        switch property.target {
        case .field(let field):
            if fields.has(field) {
                guard case .textList = property.rule else {
                    return parser.note(
                        .duplicateKey, target.object, target.property, target.item, 0, &fields)
                }
                previous = fields.slot(field)
                fields.remove(field)
            }
        case .item(let field):
            guard Int(target.item) < CoreLimits.itemsMax else {
                return fields.note(
                    FieldProblem(.tooMany, path: "order.items", words: "must hold at most 1000 elements"))
            }
            if Int(target.item) == fields.itemCount { fields.beginItem() }
            guard Int(target.item) < fields.itemCount else {
                return fields.note(
                    FieldProblem(
                        .conflict, path: "order.items", words: "must be numbered from 0 without gaps"))
            }
            if fields.hasItem(Int(target.item), field) {
                return parser.note(.duplicateKey, target.object, target.property, target.item, 0, &fields)
            }
        case .structure, .ext:
            return parser.note(.wrongType, target.object, target.property, target.item, 0, &fields)
        }
        let taken = fields.takeText(
            text, property.rule, empty: property.empty, previous: previous, scratch: json)
        _ = parser.store(taken, property, target.property, target.object, target.item, .none, &fields)
    }
}

// MARK: names

extension NativePixel {
    /// The property a parameter means.
    struct Target {
        var object: UInt8
        var property: Int
        var item: Int32 = -1
    }

    private static let aliases = KeyTable([
        "page_url", "referrer", "user_id", "customer_id", "ad_id", "ad_url", "placement_id", "click_id",
        "campaign_id", "product_id", "search_query", "order_id", "currency",
    ])

    private static let aliasTargets: [(StaticString, StaticString)] = [
        ("context", "page_url"), ("context", "referrer"), ("user", "id"), ("user", "customer_id"),
        ("ad", "id"), ("ad", "url"), ("ad", "placement_id"), ("ad", "click_id"), ("ad", "campaign_id"),
        ("placement", "product_id"), ("placement", "search_query"), ("order", "id"), ("order", "currency"),
    ]

    static func resolve(_ name: Bytes, _ schema: EventSchema) -> Target? {
        let alias = aliases.place(of: name)
        if alias >= 0 {
            let (container, member) = aliasTargets[alias]
            return resolve(Bytes(container), Bytes(member), schema)
        }
        guard let dot = name.firstIndex(of: 0x2E) else {
            let place = schema.objects[0].place(of: name)
            guard place >= 0 else { return nil }
            return Target(object: 0, property: place)
        }
        return resolve(name[0..<dot], name[dot + 1..<name.count], schema)
    }

    private static func resolve(_ container: Bytes, _ member: Bytes, _ schema: EventSchema) -> Target? {
        let outer = schema.objects[0].place(of: container)
        guard outer >= 0, case .object(let object) = schema.objects[0].properties[outer].rule else {
            return nil
        }
        let place = schema.objects[Int(object)].place(of: member)
        if place >= 0 { return Target(object: object, property: place) }
        guard let (row, rest) = row(of: member), container.equals("order") else { return nil }
        let field = schema.objects[Int(CanonicalSchema.itemsPlace)].place(of: rest)
        guard field >= 0 else { return nil }
        return Target(object: CanonicalSchema.itemsPlace, property: field, item: row)
    }

    /// Takes `items[2].sku` or `items.2.sku` apart.
    private static func row(of member: Bytes) -> (Int32, Bytes)? {
        guard member.hasPrefix("items"), member.count > 7 else { return nil }
        let isBracketed = member[5] == 0x5B
        guard isBracketed || member[5] == 0x2E else { return nil }
        var here = 6
        var row: Int32 = 0
        while here < member.count, member[here] &- 0x30 < 10, here < 11 {
            row = row * 10 + Int32(member[here] &- 0x30)
            here += 1
        }
        guard here > 6 else { return nil }
        if isBracketed {
            guard here < member.count, member[here] == 0x5D else { return nil }
            here += 1
        }
        guard here < member.count, member[here] == 0x2E else { return nil }
        return (row, member[here + 1..<member.count])
    }
}
