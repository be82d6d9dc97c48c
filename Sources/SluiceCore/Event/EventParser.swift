/// Reads an object as a schema defines it into a draft.
///
/// What is wrong with a value is noted in the draft and the value passed over, so that the reader
/// stands behind the event in any case and the next event of a batch can be read. Only text that
/// is not JSON throws.
package struct EventParser: Sendable {
    /// What becomes of members the schema does not know.
    package enum UnknownMembers: Sendable {
        /// Kept for `ext`.
        case kept
        case passedOver
    }

    package let schema: EventSchema
    private let unknownMembers: UnknownMembers

    package init(_ schema: EventSchema, unknownMembers: UnknownMembers = .kept) {
        self.schema = schema
        self.unknownMembers = unknownMembers
    }

    /// Reads the object that comes next: an event.
    package func parse(_ reader: inout JSONReader, into fields: inout EventFields) throws(JSONError) {
        try parseObject(0, item: -1, &reader, &fields)
        if !fields.extensions.isEmpty { refuseMixedExtension(&fields) }
    }

    private func parseObject(
        _ place: UInt8, item: Int32, _ reader: inout JSONReader, _ fields: inout EventFields
    ) throws(JSONError) {
        let object = schema.objects[Int(place)]
        var seen: UInt64 = 0
        var given: UInt64 = 0
        try reader.enterObject()
        var last = -1
        while !reader.leaveObject() {
            var index = fields.order[place, behind: last]
            let keySlot: Slot
            if let key = reader.expectedKey(object.members[index]) {
                keySlot = Slot(.verbatim, .input, start: Int(key.start), count: Int(key.count))
            } else {
                guard let key = try reader.nextKey() else { break }
                keySlot = fields.textSlot(key)
                index = object.place(of: fields.bytes(keySlot))
                guard index >= 0 else {
                    try parseUnknown(keySlot, place, item, &reader, &fields)
                    continue
                }
                fields.order[place, behind: last] = index
            }
            last = index
            let bit: UInt64 = 1 &<< UInt64(index)
            guard seen & bit == 0 else {
                note(.duplicateKey, place, index, item, 0, &fields)
                _ = try reader.skipValue()
                continue
            }
            seen |= bit
            if object.plans[index].way == .object, reader.isAtObject() {
                given |= bit
                try parseObject(object.plans[index].place, item: item, &reader, &fields)
            } else if object.plans[index].destination == .ext {
                if fields.keepUsual(index, of: object, keySlot, place: place, item: item, from: &reader) {
                    given |= bit
                } else if try parseProperty(object.properties[index], index, place, item, keySlot, &reader, &fields) {
                    given |= bit
                }
            } else if fields.takeUsual(index, of: object, item: item, from: &reader) {
                given |= bit
            } else if try parseProperty(object.properties[index], index, place, item, keySlot, &reader, &fields) {
                given |= bit
            }
        }
        let missing = object.requiredMask & ~given
        if missing != 0 { noteMissing(missing, place, item, &fields) }
    }

    /// Notes every property of a set as missing, in the schema's order.
    func noteMissing(_ properties: UInt64, _ place: UInt8, _ item: Int32, _ fields: inout EventFields) {
        var missing = properties
        while missing != 0 {
            note(.missing, place, missing.trailingZeroBitCount, item, 0, &fields)
            missing &= missing &- 1
        }
    }

    /// True when the member has a value; also when that value is wrong, which has been noted then.
    private func parseProperty(
        _ property: Property, _ index: Int, _ place: UInt8, _ item: Int32, _ key: Slot,
        _ reader: inout JSONReader, _ fields: inout EventFields
    ) throws(JSONError) -> Bool {
        switch property.rule {
        case .object(let child):
            let kind = try reader.peek()
            if kind == .null {
                try reader.null()
                return false
            }
            guard kind == .object else {
                note(.wrongType, place, index, item, 0, &fields)
                _ = try reader.skipValue()
                return true
            }
            try parseObject(child, item: item, &reader, &fields)
            return true
        case .rows(let child):
            return try parseRows(child, index, place, &reader, &fields)
        case .extensions:
            return try parseExtensions(index, place, &reader, &fields)
        default:
            let kind = try reader.peek()
            let start = reader.offset
            let taken = try fields.take(property.rule, empty: property.empty, from: &reader)
            if case .absent = taken {
                if property.empty == .aside {
                    let value = Slot(.foreign, .input, start: start, count: reader.offset - start)
                    addUnknown(key, value, place, item, &fields, property: index)
                } else if property.empty == .refusedAsNull, kind == .null {
                    note(.wrongType, place, index, item, 0, &fields)
                    return true
                }
            }
            return store(taken, property, index, place, item, key, &fields)
        }
    }

    /// Puts a value where it belongs. True when the member has a value, right or wrong.
    func store(
        _ taken: Taken, _ property: Property, _ index: Int, _ place: UInt8, _ item: Int32, _ key: Slot,
        _ fields: inout EventFields
    ) -> Bool {
        switch taken {
        case .absent: return false
        case .bad(let code, let limit):
            note(code, place, index, item, limit, &fields)
        case .slot(let slot):
            switch property.target {
            case .field(let field):
                // Two members can mean one field: a hash, and the plain text it is made of.
                if fields.has(field) { note(.duplicateKey, place, index, item, 0, &fields) }
                fields.set(field, slot)
            case .item(let field):
                // Where text is wanted but anything is taken, what is no text goes to `ext`.
                if case .textElseKept = property.rule, slot.form == .foreign {
                    addUnknown(key, slot, place, item, &fields, property: index)
                } else {
                    fields.setItem(Int(item), field, slot)
                }
            case .ext: addUnknown(key, slot, place, item, &fields, property: index)
            case .structure: break
            }
        case .time(let milliseconds, let slot):
            if case .ext = property.target {
                addUnknown(key, slot, place, item, &fields, property: index, milliseconds: milliseconds)
            } else if case .field(.receivedAt) = property.target {
                fields.receivedMilliseconds = milliseconds
                fields.mark(.receivedAt)
            } else {
                fields.occurredMilliseconds = milliseconds
                fields.mark(.occurredAt)
            }
        case .type(let type):
            fields.type = type
            fields.mark(.type)
        }
        return true
    }

    private func parseRows(
        _ child: UInt8, _ index: Int, _ place: UInt8, _ reader: inout JSONReader,
        _ fields: inout EventFields
    ) throws(JSONError) -> Bool {
        let kind = try reader.peek()
        if kind == .null {
            try reader.null()
            return false
        }
        guard kind == .array else {
            note(.wrongType, place, index, -1, 0, &fields)
            _ = try reader.skipValue()
            return true
        }
        try reader.enterArray()
        var row: Int32 = 0
        while try reader.nextElement() {
            if try reader.peek() != .object {
                note(.wrongType, place, index, row, 0, &fields)
                _ = try reader.skipValue()
            } else if Int(row) >= CoreLimits.itemsMax {
                note(.tooMany, place, index, -1, CoreLimits.itemsMax, &fields)
                _ = try reader.skipValue()
            } else {
                while fields.itemCount <= Int(row) { fields.beginItem() }
                try parseObject(child, item: row, &reader, &fields)
            }
            row += 1
        }
        return true
    }

    /// Notes the first required member that is missing, for events that came as single parameters.
    func checkRequired(_ fields: inout EventFields) {
        for (place, object) in schema.objects.enumerated() where object.requiredMask != 0 && !object.isRow {
            var isGiven = place == 0
            for property in object.properties {
                if case .field(let field) = property.target, fields.has(field) { isGiven = true }
            }
            guard isGiven else { continue }
            for (index, property) in object.properties.enumerated() where property.required {
                if case .field(let field) = property.target, !fields.has(field) {
                    note(.missing, UInt8(place), index, -1, 0, &fields)
                }
            }
        }
    }

    func note(
        _ code: FieldProblem.Code, _ object: UInt8, _ property: Int, _ item: Int32, _ limit: Int,
        _ fields: inout EventFields
    ) {
        var problem = FieldProblem(code)
        problem.object = object
        problem.property = property
        problem.item = item
        problem.limit = limit
        fields.note(problem)
    }
}

// MARK: members without a name

extension EventParser {
    private func parseUnknown(
        _ key: Slot, _ place: UInt8, _ item: Int32, _ reader: inout JSONReader, _ fields: inout EventFields
    ) throws(JSONError) {
        let range = try reader.skipValue()
        guard unknownMembers == .kept else { return }
        let value = Slot(.foreign, .input, start: range.lowerBound, count: range.count)
        addUnknown(key, value, place, item, &fields)
    }

    /// Keeps a member for `ext`, unless its object has one of the same name or there are too many.
    func addUnknown(
        _ key: Slot, _ value: Slot, _ place: UInt8, _ item: Int32, _ fields: inout EventFields,
        fromExtension: Bool = false, property: Int = -1, milliseconds: Int64 = 0
    ) {
        var problem = FieldProblem(.duplicateKey)
        problem.object = place
        problem.item = item
        problem.key = key
        let text = fields.bytes(key)
        guard text.count <= CoreLimits.unknownKeyBytesMax else {
            problem.code = .tooLong
            problem.limit = CoreLimits.unknownKeyBytesMax
            problem.key = nil
            problem.words = "has a member whose name is longer than 256 bytes"
            if place == 0 { problem.path = "ext" }
            return fields.note(problem)
        }
        let hash = hash64(text, seed: 0)
        for index in fields.unknown.indices {
            let other = fields.unknown[index]
            guard other.keyHash == hash, other.object == place, other.item == item else { continue }
            guard fields.bytes(other.key).equals(text) else { continue }
            // Three members come from the gateway an event passed before, and each gateway on the way adds its own:
            // what the first one said is kept.
            if other.fromExtension != fromExtension, EventParser.isProvenance(text) {
                if fromExtension {
                    fields.unknown[index].value = value
                    fields.unknown[index].fromExtension = true
                }
                return
            }
            if other.fromExtension != fromExtension {
                problem.code = .conflict
                problem.words = "stands both in the event and in ext.native"
            }
            return fields.note(problem)
        }
        guard fields.unknown.count < CoreLimits.unknownMembersMax else {
            problem.code = .tooMany
            problem.words = "is one of more than 256 members without a canonical name"
            return fields.note(problem)
        }
        fields.unknown.append(
            UnknownMember(
                object: place, fromExtension: fromExtension, item: item, key: key, value: value,
                keyHash: hash, property: Int16(truncatingIfNeeded: property), milliseconds: milliseconds))
    }

    private static func isProvenance(_ key: Bytes) -> Bool {
        key.equals("received_at") || key.equals("source") || key.equals("platform")
    }

    /// `ext`: one object per platform, kept as it is; `ext.native` is merged with the members that
    /// have no canonical name.
    private func parseExtensions(
        _ index: Int, _ place: UInt8, _ reader: inout JSONReader, _ fields: inout EventFields
    ) throws(JSONError) -> Bool {
        let kind = try reader.peek()
        if kind == .null {
            try reader.null()
            return false
        }
        guard kind == .object else {
            note(.wrongType, place, index, -1, 0, &fields)
            _ = try reader.skipValue()
            return true
        }
        try reader.enterObject()
        while let keyText = try reader.nextKey() {
            let key = fields.textSlot(keyText)
            let name = fields.bytes(key)
            let hash = hash64(name, seed: 0)
            var problem = FieldProblem(
                .wrongType, path: "ext", words: "must hold only objects, one for each platform")
            guard try reader.peek() == .object else {
                fields.note(problem)
                _ = try reader.skipValue()
                continue
            }
            for other in fields.extensions
            where other.keyHash == hash && fields.bytes(other.key).equals(name) {
                problem = FieldProblem(.duplicateKey, path: "ext", words: "names a platform twice")
                fields.note(problem)
            }
            if fields.extensions.count >= CoreLimits.unknownMembersMax {
                fields.note(FieldProblem(.tooMany, path: "ext", words: "must hold at most 256 members"))
                _ = try reader.skipValue()
                continue
            }
            var member = ExtensionMember(key: key, value: .none, keyHash: hash)
            if unknownMembers == .kept, name.equals("native") {
                try parseNativeExtension(&reader, &fields)
            } else {
                let range = try reader.skipValue()
                member.value = Slot(.foreign, .input, start: range.lowerBound, count: range.count)
            }
            fields.extensions.append(member)
        }
        return true
    }

    private func parseNativeExtension(
        _ reader: inout JSONReader, _ fields: inout EventFields
    ) throws(JSONError) {
        try reader.enterObject()
        while let keyText = try reader.nextKey() {
            let key = fields.textSlot(keyText)
            let range = try reader.skipValue()
            let value = Slot(.foreign, .input, start: range.lowerBound, count: range.count)
            addUnknown(key, value, 0, -1, &fields, fromExtension: true)
        }
    }

    /// An object of `ext.native` that came in cannot be merged with members of the object of that
    /// name which have no canonical name: that is refused.
    private func refuseMixedExtension(_ fields: inout EventFields) {
        for member in fields.unknown where member.fromExtension {
            for other in fields.unknown where other.object != 0 {
                var top = schema.objects[Int(other.object)]
                while top.parent != 0 { top = schema.objects[Int(top.parent)] }
                if fields.bytes(member.key).equals(top.name) {
                    fields.note(
                        FieldProblem(
                            .conflict, path: "ext.native",
                            words: "has a member that the event's unnamed members need, too"))
                    return
                }
            }
        }
    }
}
