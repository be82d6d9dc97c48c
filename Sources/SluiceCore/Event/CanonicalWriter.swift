/// Turns drafts into canonical lines. Owner: the decoder that holds it; one thread.
package struct CanonicalWriter: ~Copyable {
    package enum Written: Sendable {
        case accepted
        /// The event was taken before; nothing was written.
        case duplicate
    }

    private var identifiers: UUIDv7Generator
    private let platform: Platform
    private let names = FieldNames()
    private let json = JSONScratch()
    private var personal = PersonalMembers()
    private var occurredAt = TimestampWriter()
    private var receivedAt = TimestampWriter()

    package init(platform: Platform, identifiers: consuming UUIDv7Generator = UUIDv7Generator()) {
        self.platform = platform
        self.identifiers = identifiers
    }

    /// Appends the event to the block, under the sender's id or a new one.
    ///
    /// The draft must hold a type and no problem. What names a person under names of the sender's own is
    /// hashed here, so that it cannot be forgotten for a platform.
    /// - Parameter schema: names the objects in which members without a canonical name were found.
    package mutating func write(
        _ fields: inout EventFields, schema: EventSchema, origin: RequestOrigin, into block: OpenBlock,
        deduplicator: (any Deduplicator)?
    ) -> Written {
        var fingerprint: UInt64?
        if let id = fields.text(.id) {
            let known = EventHash.fingerprint(source: origin.sourceHash, type: fields.type, id: id)
            deduplicator?.expect(fingerprint: known)
            fingerprint = known
        } else {
            let start = fields.scratch.count
            identifiers.append(into: &fields.scratch, milliseconds: origin.receivedMilliseconds)
            fields.set(.id, Slot(.verbatim, .scratch, start: start, count: fields.scratch.count - start))
        }
        if !fields.unknown.isEmpty || !fields.extensions.isEmpty {
            personal.hash(&fields, schema: schema, adopts: platform == .native)
        }
        let (bytes, hashes) = (block.payload.count, block.filterHashes.count)
        addFilterHashes(&fields, to: &block.filterHashes)
        writeLine(&fields, schema, origin, &block.payload)
        // Asked this late, because the answer lies in memory that takes as long to arrive as a line to write.
        if let fingerprint {
            if deduplicator?.isDuplicate(fingerprint: fingerprint) == true {
                block.payload.truncate(to: bytes)
                block.filterHashes.truncate(to: hashes)
                return .duplicate
            }
            block.fingerprints.append(fingerprint)
        }
        block.finishEvent(receivedMilliseconds: origin.receivedMilliseconds)
        return .accepted
    }

    private mutating func addFilterHashes(_ fields: inout EventFields, to hashes: inout HashList) {
        if let id = fields.text(.id) { hashes.append(EventHash.filter(id)) }
        if let id = fields.text(.sessionID) { hashes.append(EventHash.filter(id)) }
        let user = fields.text(.userID)
        let userHash = user.map { EventHash.filter($0) }
        if let userHash { hashes.append(userHash) }
        if let id = fields.text(.userCustomerID) { hashes.append(EventHash.filter(id)) }
        if let id = fields.text(.orderID) { hashes.append(EventHash.filter(id)) }
        if let keys = fields.text(.userKeys) {
            // Often there is one key only, and the user goes by it.
            if let user, let userHash, keys.count == user.count + 4, fields.slot(.userID)?.form == .verbatim,
                keys[2..<keys.count - 2].equals(user)
            {
                return hashes.append(userHash)
            }
            TextList.forEach(in: keys, scratch: json) { key in hashes.append(EventHash.filter(key)) }
        }
    }

    // The draft is lent as `inout` and each step is `mutating`: what is only borrowed is copied for the call.
    private mutating func writeLine(
        _ fields: inout EventFields, _ schema: EventSchema, _ origin: RequestOrigin,
        _ out: inout ByteBuffer
    ) {
        out.reserve(fields.input.count + fields.scratch.count + 512)
        out.append("{\"id\":")
        if let id = fields.slot(.id) { out.append(id, of: fields) }
        out.append(",\"type\":\"")
        out.append(fields.type.name)
        out.append(0x22)
        if fields.has(.occurredAt) {
            out.append(",\"occurred_at\":\"")
            occurredAt.append(fields.occurredMilliseconds, to: &out)
            out.append(0x22)
        }
        out.append(",\"received_at\":\"")
        receivedAt.append(origin.receivedMilliseconds, to: &out)
        out.append("\",\"source\":\"")
        out.append(origin.sourceName)
        out.append("\",\"platform\":\"")
        out.append(platform.name)
        out.append(0x22)
        writeNamed(&fields, &out)
        writeExtensions(&fields, schema, &out)
        out.append("}\n")
    }

    private mutating func writeNamed(_ fields: inout EventFields, _ out: inout ByteBuffer) {
        var rest = fields.present.bits & ~FieldNames.header
        let root = rest & names.mask(Int(EventContainer.root.rawValue))
        writeFields(root, &fields, &out)
        rest &= ~root
        let order = Int(EventContainer.order.rawValue)
        var hasItems = fields.itemCount > 0
        while rest != 0 || hasItems {
            var place = rest == 0 ? order : names.container(of: rest.trailingZeroBitCount)
            // An order can have nothing but items.
            if hasItems, place > order { place = order }
            let bits = rest & names.mask(place)
            rest &= ~bits
            out.append(names.containerPrefix(place))
            let brace = out.count
            writeFields(bits, &fields, &out)
            if hasItems, place == order {
                writeItems(&fields, &out)
                hasItems = false
            }
            // Each member brought a comma; the first one's place is the brace's.
            out.replaceByte(at: brace, with: 0x7B)
            out.append(0x7D)
        }
    }

    private mutating func writeFields(_ set: UInt64, _ fields: inout EventFields, _ out: inout ByteBuffer) {
        var bits = set
        while bits != 0 {
            let place = bits.trailingZeroBitCount
            bits &= bits &- 1
            out.append(fields.slot(at: place), behind: names.prefix(place), of: fields)
        }
    }

    private mutating func writeItems(_ fields: inout EventFields, _ out: inout ByteBuffer) {
        out.append(",\"items\":[")
        for row in 0..<fields.itemCount {
            if row > 0 { out.append(0x2C) }
            let brace = out.count
            var bits = fields.itemBits(row)
            while bits != 0 {
                let place = bits.trailingZeroBitCount
                bits &= bits &- 1
                out.append(fields.itemSlot(row, at: place), behind: names.itemPrefix(place), of: fields)
            }
            if out.count == brace { out.append(0x7B) } else { out.replaceByte(at: brace, with: 0x7B) }
            out.append(0x7D)
        }
        out.append(0x5D)
    }

    // MARK: ext

    private mutating func writeExtensions(
        _ fields: inout EventFields, _ schema: EventSchema, _ out: inout ByteBuffer
    ) {
        guard !fields.unknown.isEmpty || !fields.extensions.isEmpty else { return }
        out.append(",\"ext\":{")
        var isFirst = true
        for member in fields.extensions where member.value.count > 0 {
            if !isFirst { out.append(0x2C) }
            isFirst = false
            appendKey(member.key, &fields, &out)
            out.append(member.value, of: fields)
        }
        if !fields.unknown.isEmpty {
            if !isFirst { out.append(0x2C) }
            out.append(0x22)
            out.append(platform.name)
            out.append("\":")
            writeUnknown(object: 0, &fields, schema, &out)
        }
        out.append(0x7D)
    }

    /// The members found in one object of the schema, and those of the objects within it.
    private mutating func writeUnknown(
        object: UInt8, _ fields: inout EventFields, _ schema: EventSchema, _ out: inout ByteBuffer
    ) {
        out.append(0x7B)
        var isFirst = true
        writeMembers(object, item: -1, &isFirst, &fields, schema, &out)
        for child in 1..<max(1, schema.objects.count) {
            let definition = schema.objects[child]
            guard definition.parent == object, holdsUnknown(UInt8(child), &fields, schema) else { continue }
            if !isFirst { out.append(0x2C) }
            isFirst = false
            out.append(0x22)
            out.append(definition.name)
            out.append("\":")
            if definition.isRow {
                writeUnknownRows(UInt8(child), &fields, schema, &out)
            } else {
                writeUnknown(object: UInt8(child), &fields, schema, &out)
            }
        }
        out.append(0x7D)
    }

    private mutating func writeUnknownRows(
        _ object: UInt8, _ fields: inout EventFields, _ schema: EventSchema, _ out: inout ByteBuffer
    ) {
        out.append(0x7B)
        var row: Int32 = -1
        var isFirstRow = true
        // Members stand in the order in which they were found, so rows ascend.
        for member in fields.unknown where member.object == object && member.item != row {
            row = member.item
            if !isFirstRow { out.append(0x2C) }
            isFirstRow = false
            out.append(0x22)
            out.appendDecimal(Int(row))
            out.append("\":{")
            var isFirst = true
            writeMembers(object, item: row, &isFirst, &fields, schema, &out)
            out.append(0x7D)
        }
        out.append(0x7D)
    }

    private mutating func writeMembers(
        _ object: UInt8, item: Int32, _ isFirst: inout Bool, _ fields: inout EventFields,
        _ schema: EventSchema, _ out: inout ByteBuffer
    ) {
        for member in fields.unknown where member.object == object && member.item == item {
            // `,"name":` as the schema has it, without the comma for the first one.
            let prefix = schema.objects[Int(object)].members[Int(member.property)]
            if prefix.isEmpty {
                if !isFirst { out.append(0x2C) }
                appendKey(member.key, &fields, &out)
                out.append(member.value, of: fields)
            } else {
                out.append(member.value, behind: isFirst ? prefix[1..<prefix.count] : prefix, of: fields)
            }
            isFirst = false
        }
    }

    private mutating func holdsUnknown(
        _ object: UInt8, _ fields: inout EventFields, _ schema: EventSchema
    ) -> Bool {
        for member in fields.unknown {
            var place = member.object
            while place != 0 {
                if place == object { return true }
                place = schema.objects[Int(place)].parent
            }
        }
        return false
    }

    private mutating func appendKey(_ key: Slot, _ fields: inout EventFields, _ out: inout ByteBuffer) {
        out.append(key, of: fields)
        out.append(0x3A)
    }
}

/// `,"name":` of every field and object, ready to be copied.
struct FieldNames: ~Copyable {
    /// Fields, then item fields, then objects.
    private let texts: MemberTexts
    private let masks: [UInt64]
    private let containers: [UInt8]

    /// What every line begins with, which is written by itself.
    static let header = FieldSet(.id, .type, .occurredAt, .receivedAt, .source, .platform).bits

    private static let firstContainer = EventField.count + ItemField.count

    init() {
        let names =
            EventField.allCases.map(\.name) + ItemField.allCases.map(\.name) + EventContainer.allCases.map(\.name)
        precondition(names.allSatisfy { $0.utf8CodeUnitCount + 4 <= MemberTexts.width })
        texts = MemberTexts(names)
        var masks = [UInt64](repeating: 0, count: EventContainer.allCases.count)
        for field in EventField.allCases { masks[Int(field.container.rawValue)] |= 1 << UInt64(field.rawValue) }
        self.masks = masks
        containers = EventField.allCases.map(\.container.rawValue)
    }

    /// The place of the container of a field, by the field's.
    func container(of field: Int) -> Int { Int(containers[field]) }

    /// The fields of a container, by its place.
    func mask(_ container: Int) -> UInt64 { masks[container] }

    func prefix(_ field: Int) -> Bytes { texts[field] }

    func itemPrefix(_ field: Int) -> Bytes { texts[EventField.count + field] }

    func containerPrefix(_ container: Int) -> Bytes { texts[FieldNames.firstContainer + container] }
}

extension ByteBuffer {
    /// Appends a value of a draft as JSON.
    @inline(__always)
    mutating func append(_ slot: Slot, of fields: borrowing EventFields) {
        let text = fields.bytes(slot)
        switch slot.form {
        case .verbatim: appendQuoted(text)
        case .plain: appendJSONString(text)
        case .raw: append(text)
        case .foreign: appendJSONCompact(text)
        }
    }

    /// Appends `prefix`, of which 32 bytes can be read, and a value of a draft as JSON.
    @inline(__always)
    mutating func append(_ slot: Slot, behind prefix: Bytes, of fields: borrowing EventFields) {
        switch slot.form {
        case .verbatim, .raw: append(prefix: prefix, fields.bytes(slot), quoted: slot.form == .verbatim)
        case .plain, .foreign:
            append(prefix)
            append(slot, of: fields)
        }
    }

    /// Changes one byte that was written before.
    @inline(__always)
    mutating func replaceByte(at index: Int, with byte: UInt8) {
        precondition(index >= 0 && index < count)
        unsafe withUnsafeMutablePointer { (start, _) in
            // Safety: the index lies within the content, checked above.
            unsafe start[index] = byte
        }
    }
}

/// Reads lists of strings as the canonical form holds them.
package enum TextList {
    /// Calls `body` with each decoded string; a single string counts as a list of one. What is
    /// not a string is passed over, and reading ends where the text is not JSON.
    package static func forEach(in json: Bytes, scratch: JSONScratch, _ body: (Bytes) -> Void) {
        var reader = JSONReader(json, scratch: scratch, depthMax: CoreLimits.canonicalDepthMax)
        guard let kind = try? reader.peek() else { return }
        if kind == .string, let text = try? reader.string() { return body(reader.decoded(text)) }
        guard kind == .array, (try? reader.enterArray()) != nil else { return }
        while (try? reader.nextElement()) == true {
            if (try? reader.peek()) == .string, let text = try? reader.string() {
                body(reader.decoded(text))
            } else if (try? reader.skipValue()) == nil {
                return
            }
        }
    }
}
