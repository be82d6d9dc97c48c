/// VTEX Ads' answers: `{"messages":[…]}`, and errors as Ajv writes them, an array of `{instancePath,
/// keyword, message, params, schemaPath}` that holds all of them.
///
/// Errors stand in Ajv's order: what a whole object lacks, then what is wrong with each of its
/// properties, in the schema's order. What no JSON schema could say has a keyword of its own and comes
/// last.
enum VtexAnswer {
    /// Paths of problems that are no property's.
    static let root: StaticString = "root"
    static let anyOf: StaticString = "anyOf"
    static let publisher: StaticString = "publisher_id"
    static let url: StaticString = "url"

    static func writeAccepted(_ kind: VtexKind, to answer: inout PlatformAnswer) {
        answer.status = 202
        answer.contentType = .json
        answer.body.append("{\"messages\":[\"")
        answer.body.append(kind.name)
        answer.body.append(" will be processed soon\"]}")
    }

    static func write(_ problem: EdgeProblem, to answer: inout PlatformAnswer) {
        begin(problem.status, problem.code, &answer)
        if case .unsupportedMediaType = problem {
            answer.body.append(
                "this content type is not supported; send application/json or application/x-www-form-urlencoded")
        } else {
            problem.appendMessage(to: &answer.body)
        }
        end(problem.code, &answer)
    }

    static func write(_ error: JSONError, to answer: inout PlatformAnswer) {
        begin(400, "json", &answer)
        answer.body.append("must be JSON: ")
        answer.body.append(error.code.message)
        answer.body.append(", at byte ")
        answer.body.appendDecimal(Int(error.offset))
        end("json", &answer)
    }

    private static func begin(_ status: Int, _ keyword: StaticString, _ answer: inout PlatformAnswer) {
        answer.status = status
        answer.contentType = .json
        answer.body.append("[{\"instancePath\":\"\",\"keyword\":\"")
        answer.body.append(keyword)
        answer.body.append("\",\"message\":\"")
    }

    private static func end(_ keyword: StaticString, _ answer: inout PlatformAnswer) {
        answer.body.append("\",\"params\":{},\"schemaPath\":\"#/")
        answer.body.append(keyword)
        answer.body.append("\"}]")
    }

    static func write(
        _ fields: borrowing EventFields, _ schema: EventSchema, to answer: inout PlatformAnswer
    ) {
        answer.status = 422
        answer.contentType = .json
        // Sorting keeps the order in which problems of one place were found.
        let problems = fields.problems.enumerated().sorted { left, right in
            let leftRank = rank(left.element)
            let rightRank = rank(right.element)
            return leftRank == rightRank ? left.offset < right.offset : leftRank.lexicographicallyPrecedes(rightRank)
        }
        var list = AjvList(schema: schema)
        for (_, problem) in problems { list.append(problem, fields) }
        answer.body.append(0x5B)
        answer.body.append(list.text.bytes)
        answer.body.append(0x5D)
    }

    private static func rank(_ problem: FieldProblem) -> [Int] {
        if Bytes(problem.path).equals(root) || Bytes(problem.path).equals(anyOf) { return [0] }
        if problem.path.utf8CodeUnitCount > 0 || problem.key != nil || problem.property < 0 { return [2] }
        if problem.object == 0 {
            if problem.code == .missing { return [0, problem.property] }
            return [1, problem.property, Int(problem.item), -1]
        }
        return [1, VtexSchema.Place.items, Int(problem.item), problem.code == .missing ? 0 : 1, problem.property]
    }
}

/// Errors in Ajv's words, one behind the other.
struct AjvList: ~Copyable {
    private(set) var text = ByteBuffer(capacity: 1_024)
    private let schema: EventSchema

    init(schema: EventSchema) { self.schema = schema }

    mutating func append(_ problem: FieldProblem, _ fields: borrowing EventFields) {
        if problem.path.utf8CodeUnitCount > 0 { return appendWhole(problem) }
        guard problem.property >= 0, problem.key == nil else { return appendUnknown(problem, fields) }
        let property = schema.objects[Int(problem.object)].properties[problem.property]
        switch problem.code {
        case .missing:
            entry(problem, nil, "required") { out in
                out.append("must have required property '")
                out.append(property.name)
                out.append("'")
            } parameters: { out in
                out.append("\"missingProperty\":\"")
                out.append(property.name)
                out.append(0x22)
            }
        case .wrongType: appendType(problem, property)
        case .empty where problem.property == VtexSchema.Place.items && problem.object == 0:
            entry(problem, property, "minItems", "must NOT have fewer than 1 items", "\"limit\":1")
        case .empty, .invalidValue: appendValue(problem, property)
        case .tooLong:
            // What is too long for an address is no hash either.
            if case .personal = property.rule { return appendValue(problem, property) }
            if case .decimal = property.rule { return appendRange(problem, property) }
            appendLimit(problem, property, "maxLength", " characters")
        case .tooMany: appendLimit(problem, property, "maxItems", " items")
        case .outOfRange: appendRange(problem, property)
        case .nulCharacter:
            entry(
                problem, property, "pattern", "must match pattern \\\"^[^\\\\u0000]*$\\\"",
                "\"pattern\":\"^[^\\\\u0000]*$\"")
        default: entry(problem, property, "uniqueKeys", "must NOT be given twice", "")
        }
    }

    // MARK: what is wrong with a value

    private mutating func appendType(_ problem: FieldProblem, _ property: Property) {
        if case .rows = property.rule, problem.item >= 0 {
            return entry(problem, nil, "type", "must be object", "\"type\":\"object\"")
        }
        let isNullable = Bytes(property.name).equals("gender") || Bytes(property.name).equals("seller_id")
        switch property.rule {
        case .decimal: entry(problem, property, "type", "must be number", "\"type\":\"number\"")
        case .boolean: entry(problem, property, "type", "must be boolean", "\"type\":\"boolean\"")
        case .rows: entry(problem, property, "type", "must be array", "\"type\":\"array\"")
        default:
            if isNullable {
                entry(problem, property, "type", "must be string,null", "\"type\":[\"string\",\"null\"]")
            } else {
                entry(problem, property, "type", "must be string", "\"type\":\"string\"")
            }
        }
        // Ajv tells of both: a set of values is checked whatever the type.
        if case .choice = property.rule { appendValue(problem, property) }
    }

    private mutating func appendValue(_ problem: FieldProblem, _ property: Property) {
        switch property.rule {
        case .choice:
            entry(
                problem, property, "enum", "must be equal to one of the allowed values",
                "\"allowedValues\":[\"F\",\"M\",\"O\",null]")
        case .hash, .personal:
            entry(
                problem, property, "pattern", "must match pattern \\\"^[0-9a-fA-F]{64}$\\\"",
                "\"pattern\":\"^[0-9a-fA-F]{64}$\"")
        case .time:
            entry(
                problem, property, "format", "must match format \\\"date-time\\\"", "\"format\":\"date-time\"")
        default:
            entry(problem, property, "minLength", "must NOT have fewer than 1 characters", "\"limit\":1")
        }
    }

    private mutating func appendLimit(
        _ problem: FieldProblem, _ property: Property, _ keyword: StaticString, _ unit: StaticString
    ) {
        entry(problem, property, keyword) { out in
            out.append("must NOT have more than ")
            out.appendDecimal(problem.limit)
            out.append(unit)
        } parameters: { out in
            out.append("\"limit\":")
            out.appendDecimal(problem.limit)
        }
    }

    private mutating func appendRange(_ problem: FieldProblem, _ property: Property) {
        if problem.limit > 0 {
            return entry(
                problem, property, "range", "must have at most 34 digits and an exponent from -40 to 40", "")
        }
        if case .decimal(.positive) = property.rule {
            entry(problem, property, "exclusiveMinimum", "must be > 0", "\"comparison\":\">\",\"limit\":0")
        } else {
            entry(problem, property, "minimum", "must be >= 0", "\"comparison\":\">=\",\"limit\":0")
        }
    }

    // MARK: what is wrong with the request

    private mutating func appendWhole(_ problem: FieldProblem) {
        let path = Bytes(problem.path)
        if path.equals(VtexAnswer.anyOf) {
            for (place, name) in [StaticString("user_id"), "session_id"].enumerated() {
                comma()
                text.append(
                    "{\"instancePath\":\"\",\"keyword\":\"required\",\"message\":\"must have required property '")
                text.append(name)
                text.append("'\",\"params\":{\"missingProperty\":\"")
                text.append(name)
                text.append("\"},\"schemaPath\":\"#/anyOf/")
                text.appendDecimal(place)
                text.append("/required\"}")
            }
            whole("", "anyOf", problem.words, "", "#/anyOf")
        } else if path.equals(VtexAnswer.root) {
            whole("", "type", problem.words, "\"type\":\"object\"", "#/type")
        } else if path.equals(VtexAnswer.publisher) {
            whole("/publisher_id", "publisher", problem.words, "", "#/properties/publisher_id/publisher")
        } else {
            whole("", "request", problem.words, "", "#/request")
        }
    }

    /// A member the schema does not know, which is given twice or is one too many.
    private mutating func appendUnknown(_ problem: FieldProblem, _ fields: borrowing EventFields) {
        comma()
        text.append("{\"instancePath\":\"")
        appendRow(problem)
        if let key = problem.key {
            var pointer = ByteBuffer(capacity: 64)
            AjvList.appendPointer(fields.bytes(key), &pointer)
            text.appendJSONEscaped(pointer.bytes)
        }
        let isDouble = problem.code == .duplicateKey
        text.append("\",\"keyword\":\"")
        text.append(isDouble ? "uniqueKeys" : "maxProperties")
        text.append("\",\"message\":\"")
        if isDouble {
            text.append("must NOT be given twice")
        } else {
            text.append(problem.words)
        }
        text.append("\",\"params\":{},\"schemaPath\":\"#/")
        text.append(isDouble ? "uniqueKeys" : "maxProperties")
        text.append("\"}")
    }

    /// A name as part of a JSON pointer (RFC 6901).
    private static func appendPointer(_ name: Bytes, _ out: inout ByteBuffer) {
        out.append(0x2F)
        for index in 0..<name.count {
            switch name[index] {
            case 0x7E: out.append("~0")
            case 0x2F: out.append("~1")
            case let byte: out.append(byte)
            }
        }
    }

    // MARK: entries

    private mutating func comma() { if !text.isEmpty { text.append(0x2C) } }

    private mutating func whole(
        _ path: StaticString, _ keyword: StaticString, _ message: StaticString, _ parameters: StaticString,
        _ schemaPath: StaticString
    ) {
        comma()
        text.append("{\"instancePath\":\"")
        text.append(path)
        text.append("\",\"keyword\":\"")
        text.append(keyword)
        text.append("\",\"message\":\"")
        text.append(message)
        text.append("\",\"params\":{")
        text.append(parameters)
        text.append("},\"schemaPath\":\"")
        text.append(schemaPath)
        text.append("\"}")
    }

    private mutating func entry(
        _ problem: FieldProblem, _ property: Property?, _ keyword: StaticString, _ message: StaticString,
        _ parameters: StaticString
    ) {
        entry(problem, property, keyword) {
            $0.append(message)
        } parameters: {
            $0.append(parameters)
        }
    }

    /// - Parameter property: nil when the object that should have it is at fault.
    private mutating func entry(
        _ problem: FieldProblem, _ property: Property?, _ keyword: StaticString,
        message: (inout ByteBuffer) -> Void, parameters: (inout ByteBuffer) -> Void
    ) {
        comma()
        text.append("{\"instancePath\":\"")
        appendRow(problem)
        if let property {
            text.append(0x2F)
            text.append(property.name)
        }
        text.append("\",\"keyword\":\"")
        text.append(keyword)
        text.append("\",\"message\":\"")
        message(&text)
        text.append("\",\"params\":{")
        parameters(&text)
        text.append("},\"schemaPath\":\"#/")
        if problem.object == VtexSchema.items || problem.item >= 0 { text.append("properties/items/items/") }
        if let property {
            text.append("properties/")
            text.append(property.name)
            text.append(0x2F)
        }
        text.append(keyword)
        text.append("\"}")
    }

    private mutating func appendRow(_ problem: FieldProblem) {
        guard problem.item >= 0 else { return }
        text.append("/items/")
        text.appendDecimal(Int(problem.item))
    }
}
