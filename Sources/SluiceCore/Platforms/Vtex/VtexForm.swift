/// Turns a form into the JSON object it stands for, so that both are read and checked in one way.
///
/// `user_id=u` is a string, `is_company=true` and `items[0][quantity]=2` are what their properties want
/// them to be, and `items` may also come whole, as JSON. A value that cannot be what its property wants
/// stays a string, which the check then refuses. Repeated parameters become repeated members.
///
/// Invariant: the ranges of `parameters` lie within `text`. Owner: the decoder that holds it.
struct VtexForm: ~Copyable {
    private struct Parameter {
        /// Of `items`, or -1 for the body itself.
        var row: Int
        var name: Range<Int>
        var value: Range<Int>
        /// The place of the next parameter of the same row, or -1.
        var next = -1
    }

    /// The parameters of a row or of the body itself, as a list through `Parameter.next`; -1 ends it.
    private struct List {
        var first = -1
        var last = -1
    }

    private var parameters: [Parameter] = []
    private var body = List()
    private var rows: [List] = []
    private var text = ByteBuffer(capacity: 512)
    private var result = ByteBuffer(capacity: 512)
    private let json: JSONScratch

    init(json: JSONScratch) {
        self.json = json
        parameters.reserveCapacity(16)
        rows.reserveCapacity(16)
    }

    /// The object; ends with the next call of `read`.
    var object: Bytes { result.bytes }

    /// False when a name or a value is not percent-encoded UTF-8, or an item's number is beyond any order.
    mutating func read(_ form: Bytes, _ schema: EventSchema) -> Bool {
        parameters.removeAll(keepingCapacity: true)
        text.removeAll()
        result.removeAll()
        body = List()
        rows.removeAll(keepingCapacity: true)
        var fields = QueryFields(form)
        while let (name, value) = fields.next() {
            let start = text.count
            guard QueryFields.decode(name, into: &text) else { return false }
            let middle = text.count
            guard QueryFields.decode(value, into: &text) else { return false }
            var parameter = Parameter(row: -1, name: start..<middle, value: middle..<text.count)
            if schema.objects.count > 1, let (row, inner) = VtexForm.row(of: text.bytes[start..<middle]) {
                guard row < CoreLimits.itemsMax else { return false }
                parameter.row = row
                parameter.name = start + inner.lowerBound..<start + inner.upperBound
            }
            append(parameter)
        }
        var isFirst = true
        result.append(0x7B)
        appendMembers(body.first, schema.objects[0], &isFirst)
        if !rows.isEmpty { appendRows(schema.objects[Int(VtexSchema.items)], isFirst: isFirst) }
        result.append(0x7D)
        return true
    }

    private mutating func append(_ parameter: Parameter) {
        let place = parameters.count
        parameters.append(parameter)
        while rows.count <= parameter.row { rows.append(List()) }
        let last = parameter.row < 0 ? body.last : rows[parameter.row].last
        if last >= 0 { parameters[last].next = place }
        if parameter.row < 0 {
            if last < 0 { body.first = place }
            body.last = place
        } else {
            if last < 0 { rows[parameter.row].first = place }
            rows[parameter.row].last = place
        }
    }

    private mutating func appendRows(_ object: ObjectSchema, isFirst: Bool) {
        if !isFirst { result.append(0x2C) }
        result.append("\"items\":[")
        for row in 0..<rows.count {
            if row > 0 { result.append(0x2C) }
            result.append(0x7B)
            var isFirst = true
            appendMembers(rows[row].first, object, &isFirst)
            result.append(0x7D)
        }
        result.append(0x5D)
    }

    /// - Parameter first: the place where the list of members begins.
    private mutating func appendMembers(_ first: Int, _ object: ObjectSchema, _ isFirst: inout Bool) {
        var place = first
        while place >= 0 {
            let parameter = parameters[place]
            place = parameter.next
            if !isFirst { result.append(0x2C) }
            isFirst = false
            let name = text.bytes[parameter.name]
            let value = text.bytes[parameter.value]
            result.appendJSONString(name)
            result.append(0x3A)
            let property = object.place(of: name)
            if property >= 0, stands(value, as: object.properties[property].rule) {
                result.append(value)
            } else {
                result.appendJSONString(value)
            }
        }
    }

    /// Whether the text is JSON that a property other than a string wants.
    private func stands(_ value: Bytes, as rule: ValueRule) -> Bool {
        switch rule {
        case .decimal: kind(of: value) == .number
        case .boolean: value.equals("true") || value.equals("false")
        case .rows: kind(of: value) == .array
        default: false
        }
    }

    /// What the whole text is as JSON; nil when it is none.
    private func kind(of value: Bytes) -> JSONKind? {
        var reader = JSONReader(value, scratch: json)
        do throws(JSONError) {
            let kind = try reader.peek()
            _ = try reader.skipValue()
            try reader.end()
            return kind
        } catch {
            return nil
        }
    }

    /// Takes `items[2][sku]` apart.
    private static func row(of name: Bytes) -> (Int, Range<Int>)? {
        let head: StaticString = "items["
        guard name.hasPrefix(head), name.count > 0, name[name.count - 1] == 0x5D,
            let end = name.firstIndex(of: 0x5D), end + 2 < name.count, name[end + 1] == 0x5B
        else { return nil }
        let digits = name[head.utf8CodeUnitCount..<end]
        guard digits.count > 0, digits.count <= 9 else { return nil }
        var row = 0
        for index in 0..<digits.count {
            guard digits[index] &- 0x30 < 10 else { return nil }
            row = row * 10 + Int(digits[index] &- 0x30)
        }
        return (row, end + 2..<name.count - 1)
    }
}
