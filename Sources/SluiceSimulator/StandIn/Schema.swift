/// What a JSON value must look like: the part of JSON Schema that the platforms' documents use.
package indirect enum Schema: Sendable {
    /// At least `minLength` characters.
    case string(minLength: Int)
    case oneOf([String])
    /// RFC 3339 with an offset.
    case time
    case integer(min: Int)
    case number(above: Double)
    case numberAtLeast(Double)
    case bool
    case array(Schema, min: Int, max: Int)
    case object([Field])
    /// Anything that fits at least one.
    case either([Schema])
    /// Any value at all.
    case anything

    package struct Field: Sendable {
        package let name: String
        package let schema: Schema
        package let isRequired: Bool

        package static func required(_ name: String, _ schema: Schema) -> Field {
            Field(name: name, schema: schema, isRequired: true)
        }

        package static func optional(_ name: String, _ schema: Schema) -> Field {
            Field(name: name, schema: schema, isRequired: false)
        }
    }

    /// How a value broke its schema.
    package struct Violation: Equatable, Sendable {
        package enum Kind: String, Sendable {
            /// A required property is absent.
            case missing
            /// The property is not in the schema.
            case unknown
            /// Another JSON type than asked for.
            case type
            /// The right type, and a value that is not allowed.
            case value
        }
        /// As in `impressions[2].placement.path`.
        package let path: String
        package let kind: Kind

        package var text: String {
            switch kind {
            case .missing: "\(path) is required"
            case .unknown: "\(path) is not a known property"
            case .type: "\(path) has the wrong type"
            case .value: "\(path) has a value that is not allowed"
            }
        }
    }

    /// The first violation found, required properties before all others; nil when the value fits.
    package func violation(of value: PlainJSON, at path: String) -> Violation? {
        switch self {
        case .anything:
            return nil
        case .string(let minLength):
            guard case .string(let text) = value else { return Violation(path: path, kind: .type) }
            return text.count >= minLength ? nil : Violation(path: path, kind: .value)
        case .oneOf(let names):
            guard case .string(let text) = value else { return Violation(path: path, kind: .type) }
            return names.contains(text) ? nil : Violation(path: path, kind: .value)
        case .time:
            guard case .string(let text) = value else { return Violation(path: path, kind: .type) }
            return PlainTime.milliseconds(text) != nil ? nil : Violation(path: path, kind: .value)
        case .integer(let min):
            guard case .number(let number, isInteger: true) = value else {
                return Violation(path: path, kind: .type)
            }
            return number >= Double(min) ? nil : Violation(path: path, kind: .value)
        case .number(let bound):
            guard case .number(let number, _) = value else { return Violation(path: path, kind: .type) }
            return number > bound ? nil : Violation(path: path, kind: .value)
        case .numberAtLeast(let bound):
            guard case .number(let number, _) = value else { return Violation(path: path, kind: .type) }
            return number >= bound ? nil : Violation(path: path, kind: .value)
        case .bool:
            guard case .bool = value else { return Violation(path: path, kind: .type) }
            return nil
        case .array(let element, let min, let max):
            return Self.violation(of: value, element: element, count: min...max, at: path)
        case .object(let fields):
            return Self.violation(of: value, fields: fields, at: path)
        case .either(let choices):
            let found = choices.map { $0.violation(of: value, at: path) }
            return found.contains { $0 == nil } ? nil : found.last ?? nil
        }
    }

    private static func violation(
        of value: PlainJSON, element: Schema, count: ClosedRange<Int>, at path: String
    ) -> Violation? {
        guard case .array(let elements) = value else { return Violation(path: path, kind: .type) }
        guard count.contains(elements.count) else { return Violation(path: path, kind: .value) }
        for (index, one) in elements.enumerated() {
            if let found = element.violation(of: one, at: "\(path)[\(index)]") { return found }
        }
        return nil
    }

    private static func violation(
        of value: PlainJSON, fields: [Field], at path: String
    ) -> Violation? {
        guard case .object(let members) = value else { return Violation(path: path, kind: .type) }
        func place(_ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }
        for field in fields where field.isRequired && members[field.name] == nil {
            return Violation(path: place(field.name), kind: .missing)
        }
        for name in members.keys.sorted() where !fields.contains(where: { $0.name == name }) {
            return Violation(path: place(name), kind: .unknown)
        }
        for field in fields {
            guard let member = members[field.name] else { continue }
            if let found = field.schema.violation(of: member, at: place(field.name)) { return found }
        }
        return nil
    }
}
