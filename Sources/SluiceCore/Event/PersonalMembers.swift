/// Hashes what names a person among the members that the canonical event has no name for, before a line is
/// written: by their names, at any depth, also in what a sender puts into `ext`.
///
/// A text becomes its SHA-256 in the place where it stands; a number too, where it is a phone number or a tax
/// id. What is SHA-256 or SHA-1 already (64 or 40 hexadecimal digits), empty, `null` or a truth value stays.
/// In a native event such a member of the event itself or of `user` becomes the canonical hash instead, when
/// the event has none and the text can be brought into the form that is hashed.
///
/// Invariant: what a buffer holds never outlives the call that wrote it. Owner: the writer that holds it.
struct PersonalMembers: ~Copyable {
    private let json = JSONScratch()
    /// The value under construction.
    private var out = ByteBuffer(capacity: 1_024)
    private var text = ByteBuffer(capacity: 256)
    private var form = ByteBuffer(capacity: 256)
    private var name = ByteBuffer(capacity: 64)

    /// - Parameter adopts: members of a person become canonical hashes.
    mutating func hash(_ fields: inout EventFields, schema: EventSchema, adopts: Bool) {
        var index = 0
        while index < fields.unknown.count {
            let member = fields.unknown[index]
            if member.namesNobody {
                index += 1
                continue
            }
            let place = member.object == 0 ? .top : ObjectSchema.kind(schema.objects[Int(member.object)].name)
            let meaning = PersonalName.meaning(of: fields.bytes(member.key), in: place, &name)
            let isAdopted =
                adopts && place != .elsewhere && !member.fromExtension && adopt(member.value, meaning.name, &fields)
            if isAdopted {
                fields.unknown.remove(at: index)
                continue
            }
            let inner: PersonalName.Place = meaning.isPerson || place == .person ? .person : .elsewhere
            if let value = replaced(member.value, meaning, inner, &fields) { fields.unknown[index].value = value }
            index += 1
        }
        for index in fields.extensions.indices where fields.extensions[index].value.count > 0 {
            let value = fields.extensions[index].value
            if let value = replaced(value, PersonalName.Meaning(), .top, &fields) {
                fields.extensions[index].value = value
            }
        }
    }

    // MARK: canonical hashes

    private mutating func adopt(_ value: Slot, _ name: PersonalName?, _ fields: inout EventFields) -> Bool {
        guard let name, let field = name.field, !fields.has(field), read(value, name, fields) else { return false }
        out.removeAll()
        if PersonalData.isHash(text.bytes) {
            for index in 0..<text.count { out.append(Bytes.lowercased(text.bytes[index])) }
        } else {
            form.removeAll()
            guard text.count <= CoreLimits.personalBytesMax, name.data.normalize(text.bytes, into: &form) else {
                return false
            }
            SHA256.appendHex(of: form.bytes, into: &out)
        }
        fields.set(field, fields.copy(out.bytes, form: .verbatim))
        return true
    }

    /// Puts a string, or a number that a name of this kind can mean, into `text`.
    private mutating func read(_ value: Slot, _ name: PersonalName, _ fields: borrowing EventFields) -> Bool {
        text.removeAll()
        let bytes = fields.bytes(value)
        guard value.form == .raw || value.form == .foreign else {
            text.append(bytes)
            return !text.isEmpty
        }
        var reader = JSONReader(bytes, scratch: json, depthMax: CoreLimits.canonicalDepthMax)
        switch try? reader.peek() {
        case .string:
            guard let string = try? reader.string() else { return false }
            string.decode(in: bytes, into: &text)
        case .number where name == .phone || name == .taxID:
            guard let number = try? reader.number() else { return false }
            text.append(number.raw(in: bytes))
        default: return false
        }
        return !text.isEmpty
    }

    // MARK: hashes in place

    /// The value with everything hashed that has to be; nil when nothing has.
    ///
    /// - Parameter place: where members of the value stand, if it is an object.
    private mutating func replaced(
        _ value: Slot, _ meaning: PersonalName.Meaning, _ place: PersonalName.Place, _ fields: inout EventFields
    ) -> Slot? {
        out.removeAll()
        let bytes = fields.bytes(value)
        guard value.form == .raw || value.form == .foreign else {
            guard let name = meaning.name else { return nil }
            text.removeAll()
            text.append(bytes)
            return appendHash(name) ? fields.copy(out.bytes, form: .raw) : nil
        }
        guard meaning.name != nil || PersonalMembers.isContainer(bytes) else { return nil }
        var isChanged = false
        do throws(JSONError) {
            var reader = JSONReader(bytes, scratch: json, depthMax: CoreLimits.canonicalDepthMax)
            try copy(&reader, meaning, place, &isChanged)
        } catch {
            // The value was read before, so it is JSON throughout.
            return nil
        }
        return isChanged ? fields.copy(out.bytes, form: .raw) : nil
    }

    private static func isContainer(_ value: Bytes) -> Bool {
        !value.isEmpty && (value[0] == 0x7B || value[0] == 0x5B)
    }

    /// Copies the next value, without white space between tokens.
    private mutating func copy(
        _ reader: inout JSONReader, _ meaning: PersonalName.Meaning, _ place: PersonalName.Place,
        _ isChanged: inout Bool
    ) throws(JSONError) {
        switch try reader.peek() {
        case .object: try copyObject(&reader, meaning, place, &isChanged)
        case .array:
            var separator: UInt8 = 0x5B
            try reader.enterArray()
            while try reader.nextElement() {
                out.append(separator)
                separator = 0x2C
                try copy(&reader, meaning, place, &isChanged)
            }
            if separator == 0x5B { out.append(separator) }
            out.append(0x5D)
        case .string:
            let string = try reader.string()
            if let name = meaning.name {
                text.removeAll()
                string.decode(in: reader.input, into: &text)
                if appendHash(name) {
                    isChanged = true
                    return
                }
            }
            out.appendJSONString(string, in: reader.input)
        case .number:
            let number = try reader.number().raw(in: reader.input)
            if let name = meaning.name, name == .phone || name == .taxID {
                text.removeAll()
                text.append(number)
                if appendHash(name) {
                    isChanged = true
                    return
                }
            }
            out.append(number)
        case .true, .false, .null:
            out.append(reader.input[try reader.skipValue()])
        }
    }

    private mutating func copyObject(
        _ reader: inout JSONReader, _ meaning: PersonalName.Meaning, _ place: PersonalName.Place,
        _ isChanged: inout Bool
    ) throws(JSONError) {
        var separator: UInt8 = 0x7B
        try reader.enterObject()
        while let key = try reader.nextKey() {
            out.append(separator)
            separator = 0x2C
            out.appendJSONString(key, in: reader.input)
            out.append(0x3A)
            var inner = PersonalName.meaning(of: reader.decoded(key), in: place, &name)
            if inner.name == nil, meaning.spreads { inner.name = meaning.name }
            try copy(
                &reader, inner, inner.isPerson || place == .person ? .person : .elsewhere, &isChanged)
        }
        if separator == 0x7B { out.append(separator) }
        out.append(0x7D)
    }

    /// Appends the hash of what is in `text` as a JSON string; false when it needs none.
    private mutating func appendHash(_ name: PersonalName) -> Bool {
        let text = text.bytes
        guard !text.isEmpty, !PersonalData.isHash(text), !PersonalData.isSHA1(text) else { return false }
        form.removeAll()
        // What has no such form is hashed as it is: anything is better than plain text.
        if text.count > CoreLimits.personalBytesMax || !name.data.normalize(text, into: &form) {
            form.removeAll()
            form.append(text)
        }
        out.append(0x22)
        SHA256.appendHex(of: form.bytes, into: &out)
        out.append(0x22)
        return true
    }
}
