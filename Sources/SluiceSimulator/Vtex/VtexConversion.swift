/// The body of a conversion, checked as Ajv checks it with `allErrors`: everything that is wrong, required
/// properties first and in the documented order.
struct VtexConversion {
    /// The kinds of values a property may have.
    private enum Kind {
        case text, hash, time, number, flag
        case choice([String])
        /// A string or null.
        case nullableText
        case items
    }

    private static let required = [
        "user_id", "order_id", "publisher_id", "items", "created_at", "channel", "session_id", "email_hashed",
    ]
    private static let properties: [(name: String, kind: Kind)] = [
        ("user_id", .text), ("order_id", .text), ("publisher_id", .text), ("items", .items),
        ("created_at", .time), ("channel", .text), ("session_id", .text), ("email_hashed", .hash),
        ("brand", .text), ("gender", .choice(["F", "M", "O"])), ("uf", .text), ("city", .text),
        ("is_company", .flag), ("phone_hashed", .hash), ("social_id_hashed", .hash),
        ("first_name_hashed", .hash), ("last_name_hashed", .hash),
    ]
    private static let itemRequired = ["sku", "quantity", "price", "promotional_price"]
    /// As real emitters write items: another name for the SKU, and no price but the one that was paid.
    private static let emittedItemRequired = ["product_sku", "quantity", "price"]
    private static let itemProperties: [(name: String, kind: Kind)] = [
        ("sku", .text), ("product_sku", .text), ("quantity", .number), ("price", .number),
        ("promotional_price", .number),
        ("seller_id", .nullableText), ("product_id", .text),
    ]

    let allowsUnknown: Bool
    private(set) var errors: [AjvError] = []

    init(_ body: PlainJSON, allowsUnknown: Bool) {
        self.allowsUnknown = allowsUnknown
        guard case .object(let members) = body else {
            errors.append(.type("object", at: "", schemaPath: "#"))
            return
        }
        check(members, Self.properties, required: Self.required, at: "", schemaPath: "#")
    }

    private mutating func check(
        _ members: [String: PlainJSON], _ properties: [(name: String, kind: Kind)], required: [String],
        at path: String, schemaPath: String
    ) {
        for name in required where members[name] == nil {
            errors.append(.required(name, at: path, schemaPath: schemaPath + "/required"))
        }
        let unknown = members.keys.sorted().filter { name in !properties.contains { $0.name == name } }
        for name in unknown where !allowsUnknown {
            errors.append(
                .other(
                    "additionalProperties", "must NOT have additional properties",
                    "{\"additionalProperty\":\(PlainJSON.quote(name))}", at: path, schemaPath: schemaPath))
        }
        for (name, kind) in properties {
            guard let value = members[name] else { continue }
            check(value, kind, at: "\(path)/\(name)", schemaPath: "\(schemaPath)/properties/\(name)")
        }
    }

    private mutating func check(_ value: PlainJSON, _ kind: Kind, at path: String, schemaPath: String) {
        switch kind {
        case .text:
            checkText(value, at: path, schemaPath: schemaPath)
        case .nullableText:
            if value != .null, value.string == nil {
                errors.append(.type("string,null", at: path, schemaPath: schemaPath))
            }
        case .hash:
            guard checkText(value, at: path, schemaPath: schemaPath), let text = value.string else { return }
            if text.utf8.count != 64 || !text.utf8.allSatisfy(Set("0123456789abcdef".utf8).contains) {
                let pattern = "^[0-9a-f]{64}$"
                errors.append(
                    .other(
                        "pattern", "must match pattern \"\(pattern)\"",
                        "{\"pattern\":\(PlainJSON.quote(pattern))}", at: path, schemaPath: schemaPath))
            }
        case .time:
            guard checkText(value, at: path, schemaPath: schemaPath), let text = value.string else { return }
            if PlainTime.milliseconds(text) == nil || !text.hasSuffix("Z") {
                errors.append(
                    .other(
                        "format", "must match format \"date-time\"", "{\"format\":\"date-time\"}", at: path,
                        schemaPath: schemaPath))
            }
        case .number:
            guard let number = value.double else {
                errors.append(.type("number", at: path, schemaPath: schemaPath))
                return
            }
            if number < 0 {
                errors.append(
                    .other(
                        "minimum", "must be >= 0", "{\"comparison\":\">=\",\"limit\":0}", at: path,
                        schemaPath: schemaPath))
            }
        case .flag:
            if case .bool = value { return }
            errors.append(.type("boolean", at: path, schemaPath: schemaPath))
        case .choice(let names):
            if value == .null || value.string.map(names.contains) == true { return }
            let list = names.map(PlainJSON.quote).joined(separator: ",")
            errors.append(
                .other(
                    "enum", "must be equal to one of the allowed values",
                    "{\"allowedValues\":[\(list),null]}", at: path, schemaPath: schemaPath))
        case .items:
            checkItems(value, at: path, schemaPath: schemaPath)
        }
    }

    @discardableResult
    private mutating func checkText(_ value: PlainJSON, at path: String, schemaPath: String) -> Bool {
        guard let text = value.string else {
            errors.append(.type("string", at: path, schemaPath: schemaPath))
            return false
        }
        guard text.isEmpty else { return true }
        errors.append(
            .other(
                "minLength", "must NOT have fewer than 1 characters", "{\"limit\":1}", at: path,
                schemaPath: schemaPath))
        return false
    }

    private mutating func checkItems(_ value: PlainJSON, at path: String, schemaPath: String) {
        guard let items = value.elements else {
            errors.append(.type("array", at: path, schemaPath: schemaPath))
            return
        }
        if items.isEmpty {
            errors.append(
                .other(
                    "minItems", "must NOT have fewer than 1 items", "{\"limit\":1}", at: path,
                    schemaPath: schemaPath))
        }
        for (index, item) in items.enumerated() {
            guard case .object(let members) = item else {
                errors.append(.type("object", at: "\(path)/\(index)", schemaPath: schemaPath + "/items"))
                continue
            }
            check(
                members, Self.itemProperties,
                required: members["product_sku"] == nil ? Self.itemRequired : Self.emittedItemRequired,
                at: "\(path)/\(index)", schemaPath: schemaPath + "/items")
        }
    }
}
