// Reading single values: from JSON, and from text as queries and forms carry it.

extension EventFields {
    /// Reads the next value, whatever it is; a wrong one is passed over.
    ///
    /// Objects, rows and `ext` are the parser's business and never come here.
    mutating func take(
        _ rule: ValueRule, empty: EmptyText, from reader: inout JSONReader
    ) throws(JSONError) -> Taken {
        let kind = try reader.peek()
        if kind == .null {
            try reader.null()
            return .absent
        }
        switch rule {
        case .text, .characters, .choice, .hash, .personal, .address, .time, .eventType:
            guard kind == .string else { break }
            return check(textSlot(try reader.string()), rule, empty)
        case .decimal(let bound):
            guard kind == .number else { break }
            return checkDecimal(try reader.number(), bound)
        case .integer(let min):
            guard kind == .number else { break }
            let number = try reader.number()
            guard number.isInteger else { return .bad(.wrongType, limit: 0) }
            return checkInteger(number, min)
        case .number:
            guard kind == .number else { break }
            return .slot(inputSlot(try reader.number()))
        case .boolean:
            guard kind == .true || kind == .false else { break }
            let start = reader.offset
            return .slot(Slot(.raw, .input, start: start, count: try reader.bool() ? 4 : 5))
        case .anyList:
            guard kind == .array || kind == .string else { break }
            let range = try reader.skipValue()
            return .slot(Slot(.foreign, .input, start: range.lowerBound, count: range.count))
        case .textList(let max):
            guard kind == .array else { break }
            return try takeList(max, &reader)
        case .textOrList(let max):
            if kind == .string { return check(textSlot(try reader.string()), .text(max: max), empty) }
            guard kind == .array else { break }
            return try takeList(max, &reader)
        case .identifier(let max):
            if kind == .string { return check(textSlot(try reader.string()), .text(max: max), empty) }
            guard kind == .number else { break }
            let number = try reader.number()
            guard number.isInteger else { return .bad(.wrongType, limit: 0) }
            return Int(number.count) <= max ? .slot(inputSlot(number)) : .bad(.tooLong, limit: max)
        case .moment:
            if kind == .string { return check(textSlot(try reader.string()), .moment, empty) }
            guard kind == .number else { break }
            return check(inputSlot(try reader.number()), .moment, empty)
        case .textElseKept(let max):
            if kind == .string { return check(textSlot(try reader.string()), .text(max: max), empty) }
            let range = try reader.skipValue()
            return .slot(Slot(.foreign, .input, start: range.lowerBound, count: range.count))
        case .object, .rows, .extensions: break
        }
        _ = try reader.skipValue()
        return .bad(.wrongType, limit: 0)
    }

    /// A string's decoded text. What needs no decoding stays where it is.
    @inline(__always)
    mutating func textSlot(_ text: JSONText) -> Slot {
        guard text.hasEscapes else {
            return Slot(.verbatim, .input, start: Int(text.start), count: Int(text.count))
        }
        let start = scratch.count
        text.decode(in: input, into: &scratch)
        return Slot(.plain, .scratch, start: start, count: scratch.count - start)
    }

    private func inputSlot(_ number: JSONNumber) -> Slot {
        Slot(.raw, .input, start: Int(number.start), count: Int(number.count))
    }

    private func checkDecimal(_ number: JSONNumber, _ bound: DecimalBound) -> Taken {
        let text = number.raw(in: input)
        guard text.count <= CoreLimits.decimalBytesMax else {
            return .bad(.tooLong, limit: CoreLimits.decimalBytesMax)
        }
        guard let value = try? ExactDecimal.parse(text) else {
            return .bad(.outOfRange, limit: ExactDecimal.digitsMax)
        }
        guard !number.isNegative, bound == .notNegative || value.isPositive else {
            return .bad(.outOfRange, limit: 0)
        }
        return .slot(inputSlot(number))
    }

    private func checkInteger(_ number: JSONNumber, _ min: Int64) -> Taken {
        guard !number.isNegative, let value = number.integer(in: input), value >= min,
            value <= CoreLimits.integerMax
        else { return .bad(.outOfRange, limit: 0) }
        return .slot(inputSlot(number))
    }

    /// Checks text that lies at `slot`, decoded.
    mutating func check(_ slot: Slot, _ rule: ValueRule, _ empty: EmptyText) -> Taken {
        if slot.count == 0 {
            switch empty {
            case .refused, .refusedAsNull: return .bad(.empty, limit: 0)
            case .absent, .aside: return .absent
            case .kept: if case .text = rule { return .slot(slot) }
            }
        }
        // Control characters must be escaped in JSON: only decoded text can hold a NUL.
        if slot.form == .plain, bytes(slot).firstIndex(of: 0) != nil {
            return .bad(.nulCharacter, limit: 0)
        }
        switch rule {
        case .text(let max):
            return Int(slot.count) <= max ? .slot(slot) : .bad(.tooLong, limit: max)
        case .characters(let max):
            // What has few bytes enough has few characters enough.
            return Int(slot.count) <= max || bytes(slot).codePointCount <= max
                ? .slot(slot) : .bad(.tooLong, limit: max)
        case .choice(let choice):
            return choice.contains(bytes(slot)) ? .slot(slot) : .bad(.invalidValue, limit: 0)
        case .time:
            guard let milliseconds = Timestamp.parse(bytes(slot)) else { return .bad(.invalidValue, limit: 0) }
            return .time(milliseconds, slot)
        case .moment:
            guard let milliseconds = Moment.parse(bytes(slot)) else { return .bad(.invalidValue, limit: 0) }
            return .time(milliseconds, slot)
        case .identifier(let max), .textElseKept(let max):
            return Int(slot.count) <= max ? .slot(slot) : .bad(.tooLong, limit: max)
        case .eventType:
            guard let type = EventType(bytes(slot)) else { return .bad(.invalidValue, limit: 0) }
            return .type(type)
        case .hash:
            guard PersonalData.isHash(bytes(slot)) else { return .bad(.invalidValue, limit: 0) }
            return .slot(lowercasedHash(slot))
        case .personal(let data):
            guard Int(slot.count) <= CoreLimits.personalBytesMax else {
                return .bad(.tooLong, limit: CoreLimits.personalBytesMax)
            }
            if PersonalData.isHash(bytes(slot)) { return .slot(lowercasedHash(slot)) }
            work.removeAll()
            guard data.normalize(bytes(slot), into: &work) else { return .bad(.invalidValue, limit: 0) }
            let start = scratch.count
            SHA256.appendHex(of: work.bytes, into: &scratch)
            work.removeAll()
            return .slot(Slot(.verbatim, .scratch, start: start, count: scratch.count - start))
        case .address:
            guard let address = ClientAddress(bytes(slot)) else { return .bad(.invalidValue, limit: 0) }
            switch addressPolicy {
            case .truncate: break
            case .full: return .slot(slot)
            case .drop: return .absent
            }
            let start = scratch.count
            address.appendTruncated(into: &scratch)
            return .slot(Slot(.verbatim, .scratch, start: start, count: scratch.count - start))
        default:
            return .bad(.wrongType, limit: 0)
        }
    }

    /// A hash, whose digits are all hexadecimal, with its letters in lower case.
    private mutating func lowercasedHash(_ slot: Slot) -> Slot {
        if bytes(slot).isLowercaseHash, slot.form == .verbatim { return slot }
        let start = scratch.count
        for index in 0..<Int(slot.count) {
            let byte = Bytes.lowercased(bytes(slot)[index])
            scratch.append(byte)
        }
        return Slot(.verbatim, .scratch, start: start, count: scratch.count - start)
    }

    /// Reads a list of strings and keeps it as JSON without white space.
    private mutating func takeList(_ max: Int, _ reader: inout JSONReader) throws(JSONError) -> Taken {
        let start = scratch.count
        var fault: (FieldProblem.Code, Int)?
        var count = 0
        scratch.append(0x5B)
        try reader.enterArray()
        while try reader.nextElement() {
            count += 1
            guard try reader.peek() == .string else {
                _ = try reader.skipValue()
                if fault == nil { fault = (.wrongType, 0) }
                continue
            }
            let text = try reader.string()
            if count > CoreLimits.listElementsMax {
                if fault == nil { fault = (.tooMany, CoreLimits.listElementsMax) }
                continue
            }
            work.removeAll()
            text.decode(in: input, into: &work)
            if let found = appendElement(max, isFirst: count == 1), fault == nil { fault = found }
        }
        scratch.append(0x5D)
        if let (code, limit) = fault { return .bad(code, limit: limit) }
        guard count > 0 else { return .absent }
        return .slot(Slot(.raw, .scratch, start: start, count: scratch.count - start))
    }

    /// Appends the text in `work` to the list under construction at the end of `scratch`.
    private mutating func appendElement(_ max: Int, isFirst: Bool) -> (FieldProblem.Code, Int)? {
        if work.isEmpty { return (.empty, 0) }
        if work.count > max { return (.tooLong, max) }
        if work.bytes.firstIndex(of: 0) != nil { return (.nulCharacter, 0) }
        if !isFirst { scratch.append(0x2C) }
        scratch.appendJSONString(work.bytes)
        return nil
    }
}

// MARK: queries and forms

extension EventFields {
    /// Reads a value from decoded UTF-8 text at `slot`, where numbers and truth values are words.
    ///
    /// A list is given by repeating its parameter; `previous` is what came of the earlier ones.
    mutating func takeText(
        _ slot: Slot, _ rule: ValueRule, empty: EmptyText, previous: Slot?, scratch json: JSONScratch
    ) -> Taken {
        let text = bytes(slot)
        switch rule {
        case .decimal, .integer, .number:
            guard !text.isEmpty else { return .absent }
            guard let number = EventFields.wholeNumber(text, json) else { return .bad(.wrongType, limit: 0) }
            return takeNumber(number, slot, rule)
        case .boolean:
            guard !text.isEmpty else { return .absent }
            if text.equals("true") || text.equals("1") { return .slot(copy(Bytes("true"), form: .raw)) }
            if text.equals("false") || text.equals("0") { return .slot(copy(Bytes("false"), form: .raw)) }
            return .bad(.wrongType, limit: 0)
        case .textList(let max):
            return takeElement(slot, max, previous)
        case .textOrList(let max):
            return check(slot, .text(max: max), empty)
        case .object, .rows, .extensions, .anyList:
            return .bad(.wrongType, limit: 0)
        default:
            return check(slot, rule, empty)
        }
    }

    /// The text's number, when the text is one number as JSON writes it and nothing else.
    private static func wholeNumber(_ text: Bytes, _ json: JSONScratch) -> JSONNumber? {
        var reader = JSONReader(text, scratch: json)
        guard let kind = try? reader.peek(), kind == .number, let number = try? reader.number(),
            number.start == 0, Int(number.count) == text.count
        else { return nil }
        return number
    }

    private func takeNumber(_ number: JSONNumber, _ slot: Slot, _ rule: ValueRule) -> Taken {
        var raw = slot
        raw.form = .raw
        switch rule {
        case .integer(let min):
            guard number.isInteger else { return .bad(.wrongType, limit: 0) }
            guard let value = number.integer(in: bytes(slot)), value >= min, value <= CoreLimits.integerMax
            else { return .bad(.outOfRange, limit: 0) }
        case .decimal(let bound):
            guard slot.count <= CoreLimits.decimalBytesMax else {
                return .bad(.tooLong, limit: CoreLimits.decimalBytesMax)
            }
            guard !number.isNegative, let value = try? ExactDecimal.parse(bytes(slot)),
                bound == .notNegative || value.isPositive
            else { return .bad(.outOfRange, limit: 0) }
        default: break
        }
        return .slot(raw)
    }

    private mutating func takeElement(_ slot: Slot, _ max: Int, _ previous: Slot?) -> Taken {
        guard slot.count > 0 else { return previous.map { .slot($0) } ?? .absent }
        work.removeAll()
        work.append(bytes(slot))
        let start: Int
        if let previous {
            // The list is copied without its closing bracket to where it can grow.
            scratch.reserve(Int(previous.count))
            start = scratch.count
            scratch.append(bytes(previous)[0..<Int(previous.count) - 1])
            var separators = 0
            for index in start..<scratch.count where scratch.bytes[index] == 0x2C { separators += 1 }
            // Commas inside of strings count, too: the bound is then met a little early.
            if separators + 1 >= CoreLimits.listElementsMax {
                return .bad(.tooMany, limit: CoreLimits.listElementsMax)
            }
        } else {
            start = scratch.count
            scratch.append(0x5B)
        }
        if let (code, limit) = appendElement(max, isFirst: previous == nil) {
            return .bad(code, limit: limit)
        }
        scratch.append(0x5D)
        return .slot(Slot(.raw, .scratch, start: start, count: scratch.count - start))
    }
}
