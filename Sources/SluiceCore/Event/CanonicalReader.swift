/// Why a stored line is not an event.
package enum CanonicalError: Error {
    case invalidJSON(JSONError)
    /// A member is missing or is not what it should be; its dotted name.
    case invalidField(String)

    /// For metrics and logs.
    package var label: String {
        switch self {
        case .invalidJSON: "invalid_json"
        case .invalidField: "invalid_field"
        }
    }

    package var reason: String {
        switch self {
        case .invalidJSON(let error): "\(error.code.message), at byte \(error.offset)"
        case .invalidField(let field): "\(field) is missing or invalid"
        }
    }
}

/// Reads stored lines back into drafts, for encoders. It trusts nothing: a line that is not a
/// canonical event is an error, whatever it is. Bounds on lengths are not checked again.
///
/// Owner: one thread.
package final class CanonicalReader {
    private let parser = EventParser(CanonicalSchema.stored, unknownMembers: .passedOver)
    private let json = JSONScratch()

    package init() {}

    /// Reads one line, without its line feed. The draft refers to `line`, which must stay in place.
    package func parse(_ line: Bytes, into fields: inout EventFields) throws(CanonicalError) {
        fields.begin(input: line)
        do throws(JSONError) {
            var reader = JSONReader(line, scratch: json, depthMax: CoreLimits.canonicalDepthMax)
            try parser.parse(&reader, into: &fields)
            try reader.end()
        } catch {
            throw .invalidJSON(error)
        }
        try check(fields)
    }

    /// Reads only what every line begins with, up to the first object: id, type, times, source,
    /// platform, network, session. Enough to say who gets the event.
    package func parseHead(_ line: Bytes, into fields: inout EventFields) throws(CanonicalError) {
        fields.begin(input: line)
        do throws(JSONError) {
            var reader = JSONReader(line, scratch: json, depthMax: CoreLimits.canonicalDepthMax)
            try readHead(&reader, &fields)
        } catch {
            throw .invalidJSON(error)
        }
        for property in parser.schema.objects[0].properties where property.required {
            if case .field(let field) = property.target, !fields.has(field) {
                throw .invalidField(field.path)
            }
        }
        try check(fields)
    }

    private func readHead(_ reader: inout JSONReader, _ fields: inout EventFields) throws(JSONError) {
        let root = parser.schema.objects[0]
        try reader.enterObject()
        while let key = try reader.nextKey() {
            let slot = fields.textSlot(key)
            let index = root.place(of: fields.bytes(slot))
            guard index >= 0 else { return }
            let property = root.properties[index]
            guard case .field = property.target else { return }
            let taken = try fields.take(property.rule, empty: property.empty, from: &reader)
            _ = parser.store(taken, property, index, 0, -1, slot, &fields)
        }
    }

    private func check(_ fields: borrowing EventFields) throws(CanonicalError) {
        guard let problem = fields.problem else { return }
        var path = ByteBuffer(capacity: 64)
        parser.schema.appendPath(of: problem, in: fields, into: &path)
        throw .invalidField(path.bytes.string)
    }
}
