/// What has been seen of an event that comes as the parameters of a query, a form, or both.
///
/// Sets of places in the properties of the event itself.
package struct FormProgress {
    package var seen: UInt64 = 0
    package var given: UInt64 = 0

    package init() {}
}

// Events as parameters: `name=value&…`, one for each property of the event itself.

extension EventParser {
    /// Reads parameters into the draft. May be called for a query and then for a body; `finishForm`
    /// ends the event. All values are copied, so that the draft's `input` does not matter.
    ///
    /// A property given twice is a problem, except a list, which is given by repeating it. Parameters
    /// that the schema does not know are kept for `ext` as strings, repeated ones as a list of them.
    ///
    /// - Parameter lenient: values may not have been escaped; see `QueryFields.decode`.
    func parseForm(
        _ text: Bytes, lenient: Bool = false, scratch json: JSONScratch, progress: inout FormProgress,
        into fields: inout EventFields
    ) {
        var parameters = QueryFields(text)
        while let (name, value) = parameters.next() {
            readParameter(name, value, lenient, json, &progress, &fields)
        }
    }

    /// Brings repeated parameters together and notes the properties that are missing.
    func finishForm(_ progress: FormProgress, into fields: inout EventFields) {
        mergeRepeated(&fields)
        noteMissing(schema.objects[0].requiredMask & ~progress.given, 0, -1, &fields)
    }

    /// Reads a parameter that needs no decoding, and whose name and value lie in the draft's input, if its value
    /// comes as its property's plan says. False, and nothing has happened, if it does not: `readParameter` sees
    /// what it is then, and says the same of those that do.
    ///
    /// - Parameter item: the row of `order.items` that properties of items belong to.
    @inline(__always)
    func readPlain(
        _ parameter: QueryFields.Parameter, _ progress: inout FormProgress, _ fields: inout EventFields,
        item: Int32 = -1
    ) -> Bool {
        guard parameter.isPlain else { return false }
        let object = schema.objects[0]
        let index = object.place(of: fields.input[parameter.name])
        guard index >= 0 else { return false }
        let bit: UInt64 = 1 &<< UInt64(index)
        guard progress.seen & bit == 0 else { return false }
        let text = Slot(.verbatim, .input, start: parameter.value.lowerBound, count: parameter.value.count)
        if object.plans[index].destination == .ext {
            let key = Slot(.verbatim, .input, start: parameter.name.lowerBound, count: parameter.name.count)
            guard fields.keepUsual(text, index, of: object, key, place: 0, item: -1) else { return false }
        } else {
            guard fields.takeUsual(text, object.plans[index], item: item) else { return false }
        }
        progress.seen |= bit
        progress.given |= bit
        return true
    }

    /// Reads one parameter, still encoded.
    ///
    /// - Parameter item: the row of `order.items` that properties of items belong to.
    func readParameter(
        _ name: Bytes, _ value: Bytes, _ lenient: Bool, _ json: JSONScratch,
        _ progress: inout FormProgress, _ fields: inout EventFields, item: Int32 = -1
    ) {
        guard let key = fields.decodedSlot(name, lenient: lenient) else {
            return fields.note(
                FieldProblem(
                    .invalidEncoding, path: "query",
                    words: "has a parameter whose name is not percent-encoded UTF-8"))
        }
        let index = schema.objects[0].place(of: fields.bytes(key))
        guard let text = fields.decodedSlot(value, lenient: lenient) else {
            var problem = FieldProblem(.invalidEncoding)
            problem.property = index
            if index < 0 { problem.key = key }
            if index >= 0 { progress.given |= 1 &<< UInt64(index) }
            return fields.note(problem)
        }
        guard index >= 0 else { return keepParameter(key, text, &fields) }

        let property = schema.objects[0].properties[index]
        let bit: UInt64 = 1 &<< UInt64(index)
        var previous: Slot?
        if progress.seen & bit != 0 {
            guard case .textList = property.rule, case .field(let field) = property.target else {
                return note(.duplicateKey, 0, index, -1, 0, &fields)
            }
            previous = fields.slot(field)
            fields.remove(field)
        }
        progress.seen |= bit
        let taken = fields.takeText(
            text, property.rule, empty: property.empty, previous: previous, scratch: json)
        if case .item = property.target {
            if store(taken, property, index, 0, item, key, &fields) { progress.given |= bit }
        } else if store(taken, property, index, 0, -1, key, &fields) {
            progress.given |= bit
        }
    }

    /// Keeps a parameter the schema does not know; `mergeRepeated` looks for others of its name.
    private func keepParameter(_ key: Slot, _ value: Slot, _ fields: inout EventFields) {
        var problem = FieldProblem(.tooMany)
        problem.key = key
        if fields.bytes(key).count > CoreLimits.unknownKeyBytesMax {
            return fields.note(
                FieldProblem(
                    .tooLong, path: "query", words: "has a parameter whose name is longer than 256 bytes"))
        }
        if fields.bytes(key).firstIndex(of: 0) != nil || fields.bytes(value).firstIndex(of: 0) != nil {
            problem.code = .nulCharacter
            return fields.note(problem)
        }
        guard fields.unknown.count < CoreLimits.unknownMembersMax else {
            problem.words = "is one of more than 256 parameters without a canonical name"
            return fields.note(problem)
        }
        fields.unknown.append(
            UnknownMember(
                object: 0, fromExtension: false, item: -1, key: key, value: value,
                keyHash: hash64(fields.bytes(key), seed: 0)))
    }

    /// Makes one list of parameters that have the same name, where the first of them stands.
    private func mergeRepeated(_ fields: inout EventFields) {
        guard fields.unknown.count > 1 else { return }
        var first = 0
        while first < fields.unknown.count {
            if EventParser.nextRepetition(of: first, after: first, fields) != nil {
                mergeList(at: first, &fields)
            }
            first += 1
        }
    }

    private func mergeList(at first: Int, _ fields: inout EventFields) {
        fields.work.removeAll()
        fields.work.append(0x5B)
        fields.work.appendJSONString(fields.bytes(fields.unknown[first].value))
        var place = first
        while let next = EventParser.nextRepetition(of: first, after: place, fields) {
            fields.work.append(0x2C)
            fields.work.appendJSONString(fields.bytes(fields.unknown[next].value))
            fields.unknown.remove(at: next)
            place = next - 1
        }
        fields.work.append(0x5D)
        let start = fields.scratch.count
        fields.scratch.append(fields.work.bytes)
        fields.unknown[first].value = Slot(.raw, .scratch, start: start, count: fields.scratch.count - start)
    }

    private static func nextRepetition(
        of first: Int, after place: Int, _ fields: borrowing EventFields
    ) -> Int? {
        let member = fields.unknown[first]
        var index = place + 1
        while index < fields.unknown.count {
            let other = fields.unknown[index]
            if other.keyHash == member.keyHash, other.object == member.object, other.item == member.item,
                fields.bytes(other.key).equals(fields.bytes(member.key))
            {
                return index
            }
            index += 1
        }
        return nil
    }
}

extension EventFields {
    /// Decodes the text of a query or form; nil when it cannot be.
    mutating func decodedSlot(_ text: Bytes, lenient: Bool = false) -> Slot? {
        let start = scratch.count
        guard let form = QueryFields.decodeText(text, into: &scratch, lenient: lenient) else { return nil }
        return Slot(form, .scratch, start: start, count: scratch.count - start)
    }

    /// The place in `unknown` of a property of the event itself; nil when it is not there, or no property.
    @inline(__always)
    func unknownIndex(property: Int) -> Int? {
        for index in unknown.indices
        where unknown[index].property == property && unknown[index].object == 0 && property >= 0 { return index }
        return nil
    }

    /// The place in `unknown` of a member of the event itself, by its decoded name.
    func unknownIndex(_ name: StaticString) -> Int? {
        for index in unknown.indices
        where unknown[index].object == 0 && unknown[index].item < 0 && bytes(unknown[index].key).equals(name) {
            return index
        }
        return nil
    }
}
