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
    }

    private var parameters: [Parameter] = []
    private var text = ByteBuffer(capacity: 512)
    private var result = ByteBuffer(capacity: 512)
    private let json: JSONScratch

    init(json: JSONScratch) {
        self.json = json
        parameters.reserveCapacity(16)
    }

    /// The object; ends with the next call of `read`.
    var object: Bytes { result.bytes }

    /// False when a name or a value is not percent-encoded UTF-8, or an item's number is beyond any order.
    mutating func read(_ form: Bytes, _ schema: EventSchema) -> Bool {
        parameters.removeAll(keepingCapacity: true)
        text.removeAll()
        result.removeAll()
        var rowCount = 0
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
                rowCount = max(rowCount, row + 1)
            }
            parameters.append(parameter)
        }
        if rowCount > 0 { parameters.sort { ($0.row, $0.name.lowerBound) < ($1.row, $1.name.lowerBound) } }
        var next = 0
        var isFirst = true
        result.append(0x7B)
        appendMembers(row: -1, schema.objects[0], &next, &isFirst)
        if rowCount > 0 { appendRows(rowCount, schema.objects[Int(VtexSchema.items)], &next, &isFirst) }
        result.append(0x7D)
        return true
    }

    private mutating func appendRows(
        _ count: Int, _ object: ObjectSchema, _ next: inout Int, _ isFirst: inout Bool
    ) {
        if !isFirst { result.append(0x2C) }
        result.append("\"items\":[")
        for row in 0..<count {
            if row > 0 { result.append(0x2C) }
            result.append(0x7B)
            var isFirst = true
            appendMembers(row: row, object, &next, &isFirst)
            result.append(0x7D)
        }
        result.append(0x5D)
    }

    /// - Parameter next: the first parameter that is not of an earlier row; they are sorted by row.
    private mutating func appendMembers(
        row: Int, _ object: ObjectSchema, _ next: inout Int, _ isFirst: inout Bool
    ) {
        while next < parameters.count, parameters[next].row == row {
            let parameter = parameters[next]
            next += 1
            if !isFirst { result.append(0x2C) }
            isFirst = false
            let name = text.bytes[parameter.name]
            let value = text.bytes[parameter.value]
            result.appendJSONString(name)
            result.append(0x3A)
            let place = object.place(of: name)
            if place >= 0, stands(value, as: object.properties[place].rule) {
                result.append(value)
            } else {
                result.appendJSONString(value)
            }
        }
    }

    /// Whether the text is JSON that a property other than a string wants.
    private func stands(_ value: Bytes, as rule: ValueRule) -> Bool {
        var reader = JSONReader(value, scratch: json)
        guard let kind = try? reader.peek(), (try? reader.skipValue()) != nil, (try? reader.end()) != nil else {
            return false
        }
        switch rule {
        case .decimal: return kind == .number
        case .boolean: return kind == .true || kind == .false
        case .rows: return kind == .array
        default: return false
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
