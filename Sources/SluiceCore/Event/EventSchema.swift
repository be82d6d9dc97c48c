/// One member of an object that a platform defines.
package struct Property: Sendable {
    package enum Target: Sendable {
        /// The rule says where it goes: objects, rows, `ext`.
        case structure
        case field(EventField)
        case item(ItemField)
        /// The canonical form has no name for it: checked, then kept in `ext`.
        case ext
    }

    package let name: StaticString
    package let rule: ValueRule
    package let target: Target
    package let required: Bool
    package let empty: EmptyText

    package init(
        _ name: StaticString, _ rule: ValueRule, _ target: Target = .structure, required: Bool = false,
        empty: EmptyText = .absent
    ) {
        self.name = name
        self.rule = rule
        self.target = target
        self.required = required
        self.empty = empty
    }
}

/// An object that a platform defines: its members, and where it stands in the event.
package final class ObjectSchema: Sendable {
    /// The last part of its path; empty for the event itself.
    package let name: StaticString
    /// The object it stands in, by its place in the schema; itself for the event.
    package let parent: UInt8
    /// Whether it stands in a list.
    package let isRow: Bool
    package let properties: [Property]
    /// By place in `properties`.
    let requiredMask: UInt64
    /// The properties whose names say nothing of a person, as a set of places.
    let namingNobody: UInt64
    /// How each property's value usually comes, by its place.
    let plans: [PropertyPlan]
    /// How each property's name usually comes, by its place.
    let members: MemberTexts
    private let keys: KeyTable

    package init(
        _ name: StaticString, parent: UInt8 = 0, isRow: Bool = false, _ properties: [Property]
    ) {
        precondition(properties.count <= 64, "a set of properties is a word of 64 bits")
        self.name = name
        self.parent = parent
        self.isRow = isRow
        self.properties = properties
        plans = properties.map { PropertyPlan($0) }
        members = MemberTexts(properties.map(\.name))
        keys = KeyTable(properties.map(\.name))
        var mask: UInt64 = 0
        var namingNobody: UInt64 = 0
        var work = ByteBuffer(capacity: 64)
        let standsIn = ObjectSchema.kind(name)
        for (place, property) in properties.enumerated() {
            if property.required { mask |= 1 << UInt64(place) }
            let meaning = PersonalName.meaning(of: Bytes(property.name), in: standsIn, &work)
            if meaning.name == nil { namingNobody |= 1 << UInt64(place) }
        }
        requiredMask = mask
        self.namingNobody = namingNobody
    }

    /// The place of the property with this name, or -1.
    @inline(__always)
    package func place(of key: Bytes) -> Int { keys.place(of: key) }

    /// Where members of an object of this name stand, which decides what their names can mean.
    static func kind(_ name: StaticString) -> PersonalName.Place {
        if name.utf8CodeUnitCount == 0 { return .top }
        return Bytes(name).equals("user") ? .person : .elsewhere
    }
}

/// All objects of one kind of event in one protocol. The event itself comes first.
package final class EventSchema: Sendable {
    package let objects: [ObjectSchema]

    package init(_ objects: [ObjectSchema]) {
        precondition(objects.count <= 64)
        self.objects = objects
    }

    /// Writes the dotted path of a problem: `order.items[2].quantity`.
    package func appendPath(
        of problem: FieldProblem, in fields: borrowing EventFields, into out: inout ByteBuffer
    ) {
        guard problem.path.utf8CodeUnitCount == 0 else {
            out.append(problem.path)
            return
        }
        appendObjectPath(problem.object, item: problem.item, into: &out)
        if let key = problem.key {
            if problem.object != 0 { out.append(0x2E) }
            out.appendEcho(fields.bytes(key))
        } else if problem.property >= 0 {
            if problem.object != 0 { out.append(0x2E) }
            out.append(objects[Int(problem.object)].properties[problem.property].name)
            if problem.item >= 0, case .rows = rule(of: problem) {
                out.append(0x5B)
                out.appendDecimal(Int(problem.item))
                out.append(0x5D)
            }
        }
    }

    private func appendObjectPath(_ place: UInt8, item: Int32, into out: inout ByteBuffer) {
        guard place != 0 else { return }
        let object = objects[Int(place)]
        if object.parent != 0 {
            appendObjectPath(object.parent, item: -1, into: &out)
            out.append(0x2E)
        }
        out.append(object.name)
        if object.isRow, item >= 0 {
            out.append(0x5B)
            out.appendDecimal(Int(item))
            out.append(0x5D)
        }
    }

    private func rule(of problem: FieldProblem) -> ValueRule? {
        problem.property < 0 ? nil : objects[Int(problem.object)].properties[problem.property].rule
    }

    /// Writes what is wrong, as the end of a sentence that begins with the path. Needs no escape in JSON.
    package func appendWords(of problem: FieldProblem, into out: inout ByteBuffer) {
        guard problem.words.utf8CodeUnitCount == 0 else {
            out.append(problem.words)
            return
        }
        let rule = rule(of: problem)
        switch problem.code {
        case .missing: out.append("is required")
        case .wrongType:
            out.append("must be ")
            if case .rows = rule, problem.item >= 0 {
                out.append("an object")
            } else {
                out.append(rule?.kindWords ?? "an object")
            }
        case .empty: out.append("must not be empty")
        case .tooLong:
            out.append("must be at most ")
            out.appendDecimal(problem.limit)
            if case .characters = rule { out.append(" characters long") } else { out.append(" bytes long") }
        case .tooMany:
            out.append("must hold at most ")
            out.appendDecimal(problem.limit)
            out.append(" elements")
        case .outOfRange, .invalidValue:
            out.append("must be ")
            out.append(rule?.requirementWords ?? "valid")
        case .nulCharacter: out.append("must not contain a NUL character")
        case .duplicateKey: out.append("is given twice")
        case .conflict: out.append("contradicts another field")
        case .invalidEncoding: out.append("must be percent-encoded UTF-8")
        case .tooDeep: out.append("is nested too deep")
        }
    }
}

/// Finds a name among a few. Built once; a look-up costs one hash of four bytes and one comparison.
// @unchecked: immutable, and the views are of constant data.
package struct KeyTable: @unchecked Sendable {
    /// Places in `names`; 255 where there is none. A power of two, never full.
    private let buckets: [UInt8]
    private let names: [Bytes]
    /// Spreads these names well, if possible so that no two of them meet.
    private let factor: UInt32

    package init(_ names: [StaticString]) {
        precondition(names.count <= 100)
        let names = names.map { Bytes($0) }
        var random = SplitMix64(seed: 1)
        var best = KeyTable.place(names, 0x9E37_79B1)
        for _ in 0..<200 where best.meetings > 0 {
            let other = KeyTable.place(names, UInt32(truncatingIfNeeded: random.next()) | 1)
            if other.meetings < best.meetings { best = other }
        }
        buckets = best.buckets
        factor = best.factor
        self.names = names
    }

    private static func place(
        _ names: [Bytes], _ factor: UInt32
    ) -> (buckets: [UInt8], factor: UInt32, meetings: Int) {
        var buckets = [UInt8](repeating: 255, count: 512)
        var meetings = 0
        for (place, name) in names.enumerated() {
            var bucket = KeyTable.hash(name, factor)
            while buckets[bucket & 511] != 255 {
                bucket += 1
                meetings += 1
            }
            buckets[bucket & 511] = UInt8(place)
        }
        return (buckets, factor, meetings)
    }

    @inline(__always)
    private static func hash(_ key: Bytes, _ factor: UInt32) -> Int {
        let count = key.count
        guard count > 0 else { return 0 }
        // Safety: the view is not empty, so all three lie within it.
        let first = unsafe UInt32(key.base[0])
        let middle = unsafe UInt32(key.base[count &>> 1])
        let last = unsafe UInt32(key.base[count &- 1])
        let all = first | middle &<< 8 | last &<< 16 | UInt32(truncatingIfNeeded: count) &<< 24
        return Int((all &* factor) &>> 23)
    }

    /// The place of `key`, or -1.
    @inline(__always)
    package func place(of key: Bytes) -> Int {
        var bucket = KeyTable.hash(key, factor)
        while true {
            let place = buckets[bucket & 511]
            if place == 255 { return -1 }
            if key.equals(names[Int(place)]) { return Int(place) }
            bucket &+= 1
        }
    }
}
