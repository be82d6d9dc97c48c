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
        if let id = fields.text(.id) {
            let fingerprint = EventHash.fingerprint(source: origin.sourceHash, type: fields.type, id: id)
            if let deduplicator, deduplicator.isDuplicate(fingerprint: fingerprint) { return .duplicate }
            block.fingerprints.append(fingerprint)
        } else {
            let start = fields.scratch.count
            identifiers.append(into: &fields.scratch, milliseconds: origin.receivedMilliseconds)
            fields.set(.id, Slot(.verbatim, .scratch, start: start, count: fields.scratch.count - start))
        }
        if !fields.unknown.isEmpty || !fields.extensions.isEmpty {
            personal.hash(&fields, schema: schema, adopts: platform == .native)
        }
        addFilterHashes(&fields, to: &block.filterHashes)
        writeLine(fields, schema, origin, &block.payload)
        block.finishEvent(receivedMilliseconds: origin.receivedMilliseconds)
        return .accepted
    }

    private func addFilterHashes(_ fields: inout EventFields, to hashes: inout HashList) {
        if let id = fields.text(.id) { hashes.append(EventHash.filter(id)) }
        if let id = fields.text(.sessionID) { hashes.append(EventHash.filter(id)) }
        if let id = fields.text(.userID) { hashes.append(EventHash.filter(id)) }
        if let id = fields.text(.orderID) { hashes.append(EventHash.filter(id)) }
        if let keys = fields.text(.userKeys) {
            TextList.forEach(in: keys, scratch: json) { key in hashes.append(EventHash.filter(key)) }
        }
    }

    private func writeLine(
        _ fields: borrowing EventFields, _ schema: EventSchema, _ origin: RequestOrigin,
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
            out.appendTimestamp(fields.occurredMilliseconds)
            out.append(0x22)
        }
        out.append(",\"received_at\":\"")
        out.appendTimestamp(origin.receivedMilliseconds)
        out.append("\",\"source\":\"")
        out.append(origin.sourceName)
        out.append("\",\"platform\":\"")
        out.append(platform.name)
        out.append(0x22)
        writeNamed(fields, &out)
        writeExtensions(fields, schema, &out)
        out.append("}\n")
    }

    private func writeNamed(_ fields: borrowing EventFields, _ out: inout ByteBuffer) {
        writeFields(fields.present.bits & names.mask(.root) & ~FieldNames.header, fields, &out)
        for place in 1...EventContainer.context.rawValue {
            guard let container = EventContainer(rawValue: place) else { continue }
            let bits = fields.present.bits & names.mask(container)
            let hasItems = container == .order && fields.itemCount > 0
            guard bits != 0 || hasItems else { continue }
            out.append(",\"")
            out.append(container.name)
            out.append("\":")
            let brace = out.count
            writeFields(bits, fields, &out)
            if hasItems { writeItems(fields, &out) }
            // Each member brought a comma; the first one's place is the brace's.
            out.replaceByte(at: brace, with: 0x7B)
            out.append(0x7D)
        }
    }

    private func writeFields(_ set: UInt64, _ fields: borrowing EventFields, _ out: inout ByteBuffer) {
        var bits = set
        while bits != 0 {
            let place = bits.trailingZeroBitCount
            bits &= bits &- 1
            out.append(names.prefix(place))
            out.append(fields.slot(at: place), of: fields)
        }
    }

    private func writeItems(_ fields: borrowing EventFields, _ out: inout ByteBuffer) {
        out.append(",\"items\":[")
        for row in 0..<fields.itemCount {
            if row > 0 { out.append(0x2C) }
            let brace = out.count
            for place in 0..<ItemField.count {
                guard let slot = fields.itemSlot(row, at: place) else { continue }
                out.append(names.itemPrefix(place))
                out.append(slot, of: fields)
            }
            if out.count == brace { out.append(0x7B) } else { out.replaceByte(at: brace, with: 0x7B) }
            out.append(0x7D)
        }
        out.append(0x5D)
    }

    // MARK: ext

    private func writeExtensions(
        _ fields: borrowing EventFields, _ schema: EventSchema, _ out: inout ByteBuffer
    ) {
        guard !fields.unknown.isEmpty || !fields.extensions.isEmpty else { return }
        out.append(",\"ext\":{")
        var isFirst = true
        for member in fields.extensions where member.value.count > 0 {
            if !isFirst { out.append(0x2C) }
            isFirst = false
            appendKey(member.key, fields, &out)
            out.append(member.value, of: fields)
        }
        if !fields.unknown.isEmpty {
            if !isFirst { out.append(0x2C) }
            out.append(0x22)
            out.append(platform.name)
            out.append("\":")
            writeUnknown(object: 0, fields, schema, &out)
        }
        out.append(0x7D)
    }

    /// The members found in one object of the schema, and those of the objects within it.
    private func writeUnknown(
        object: UInt8, _ fields: borrowing EventFields, _ schema: EventSchema, _ out: inout ByteBuffer
    ) {
        out.append(0x7B)
        var isFirst = true
        writeMembers(object, item: -1, &isFirst, fields, &out)
        for child in 1..<max(1, schema.objects.count) {
            let definition = schema.objects[child]
            guard definition.parent == object, holdsUnknown(UInt8(child), fields, schema) else { continue }
            if !isFirst { out.append(0x2C) }
            isFirst = false
            out.append(0x22)
            out.append(definition.name)
            out.append("\":")
            if definition.isRow {
                writeUnknownRows(UInt8(child), fields, &out)
            } else {
                writeUnknown(object: UInt8(child), fields, schema, &out)
            }
        }
        out.append(0x7D)
    }

    private func writeUnknownRows(_ object: UInt8, _ fields: borrowing EventFields, _ out: inout ByteBuffer) {
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
            writeMembers(object, item: row, &isFirst, fields, &out)
            out.append(0x7D)
        }
        out.append(0x7D)
    }

    private func writeMembers(
        _ object: UInt8, item: Int32, _ isFirst: inout Bool, _ fields: borrowing EventFields,
        _ out: inout ByteBuffer
    ) {
        for member in fields.unknown where member.object == object && member.item == item {
            if !isFirst { out.append(0x2C) }
            isFirst = false
            appendKey(member.key, fields, &out)
            out.append(member.value, of: fields)
        }
    }

    private func holdsUnknown(
        _ object: UInt8, _ fields: borrowing EventFields, _ schema: EventSchema
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

    private func appendKey(_ key: Slot, _ fields: borrowing EventFields, _ out: inout ByteBuffer) {
        out.append(key, of: fields)
        out.append(0x3A)
    }
}

/// `,"name":` of every field, ready to be copied.
struct FieldNames: ~Copyable {
    private var text = ByteBuffer(capacity: 1_024)
    private var ends = [0]
    private var masks = [UInt64](repeating: 0, count: EventContainer.allCases.count)

    /// What every line begins with, which is written by itself.
    static let header = FieldSet(.id, .type, .occurredAt, .receivedAt, .source, .platform).bits

    init() {
        for field in EventField.allCases {
            add(field.name)
            masks[Int(field.container.rawValue)] |= 1 << UInt64(field.rawValue)
        }
        for field in ItemField.allCases { add(field.name) }
    }

    private mutating func add(_ name: StaticString) {
        text.append(",\"")
        text.append(name)
        text.append("\":")
        ends.append(text.count)
    }

    func mask(_ container: EventContainer) -> UInt64 { masks[Int(container.rawValue)] }

    func prefix(_ field: Int) -> Bytes { text.bytes[ends[field]..<ends[field + 1]] }

    func itemPrefix(_ field: Int) -> Bytes { prefix(EventField.count + field) }
}

extension ByteBuffer {
    /// Appends a value of a draft as JSON.
    @inline(__always)
    mutating func append(_ slot: Slot, of fields: borrowing EventFields) {
        let text = fields.bytes(slot)
        switch slot.form {
        case .verbatim:
            append(0x22)
            append(text)
            append(0x22)
        case .plain: appendJSONString(text)
        case .raw: append(text)
        case .foreign: appendJSONCompact(text)
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
