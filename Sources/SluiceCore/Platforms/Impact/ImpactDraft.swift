/// A parameter that is wrong, and why.
struct ImpactProblem {
    /// A name of impact.com's; empty when `key` is the sender's.
    var field: StaticString = ""
    /// The item's number behind the name; 0 for none.
    var number = 0
    /// The parameter's decoded name, in the draft.
    var key: Slot?
    var code = FieldProblem.Code.invalidValue
    var limit = 0
    var rule: ValueRule?
    /// What the code and the rule cannot say.
    var words: StaticString = ""
}

/// One conversion under construction: its parameters, as they come, become fields of the event's draft.
///
/// The parameters of items are kept apart until all have come, because they come in any order.
///
/// Invariants: 1. there are `ImpactItem.count` slots for each row. 2. a bit of `given` is set only if
/// the parameter at that place has a value that is right.
/// Owner: the decoder that holds it.
struct ImpactDraft: ~Copyable {
    private(set) var problems: [ImpactProblem] = []

    private let json: JSONScratch
    private var receivedMilliseconds: Int64 = 0
    /// By place in `ImpactName.all`.
    private var seen: UInt64 = 0
    /// Of these something was said that is no value at all, by themselves or by an alias: not missing, but wrong.
    private var refused: UInt64 = 0
    private var given: UInt64 = 0
    private var aliases: [(place: Int, name: Slot, value: Slot)] = []
    private var rows: [Slot] = []
    private var rowsGiven: [UInt16] = []
    private var rowCount = 0
    /// What any row was given.
    private var columns: UInt16 = 0
    /// How often each item's parameter came without a number.
    private var repetitions = [Int](repeating: 0, count: ImpactItem.count)
    private var hasRepetitions = false
    private let plans = ImpactPlans()

    init(json: JSONScratch) {
        self.json = json
        rows.reserveCapacity(16 * ImpactItem.count)
        rowsGiven.reserveCapacity(16)
        aliases.reserveCapacity(4)
    }

    mutating func begin(receivedMilliseconds: Int64) {
        self.receivedMilliseconds = receivedMilliseconds
        seen = 0
        refused = 0
        given = 0
        rowCount = 0
        columns = 0
        if !problems.isEmpty { problems.removeAll(keepingCapacity: true) }
        if !aliases.isEmpty { aliases.removeAll(keepingCapacity: true) }
        guard hasRepetitions else { return }
        hasRepetitions = false
        for item in 0..<ImpactItem.count { repetitions[item] = 0 }
    }

    mutating func note(_ problem: ImpactProblem) {
        if problems.count < CoreLimits.problemsMax { problems.append(problem) }
    }

    // MARK: reading

    /// Reads `name=value&…`, the draft's input.
    mutating func readForm(_ body: Bytes, into fields: inout EventFields) {
        var parameters = QueryFields(body)
        while let parameter = parameters.nextParameter() {
            if parameter.isPlain {
                takePlain(parameter, &fields)
                continue
            }
            let name = parameter.name
            let plain = Slot(.verbatim, .input, start: name.lowerBound, count: name.count)
            guard let key = parameter.isNamePlain ? plain : fields.decodedSlot(body[name]) else {
                note(ImpactProblem(code: .invalidEncoding, words: "has a name that is not percent-encoded UTF-8"))
                continue
            }
            guard let text = fields.decodedSlot(body[parameter.value]) else {
                refuse(ImpactProblem(key: key, code: .invalidEncoding), key, fields)
                continue
            }
            take(key, text, &fields)
        }
    }

    /// Reads an object of flat members, whose values are strings, numbers or truth values.
    ///
    /// - Returns: false when the text is another JSON value.
    mutating func readJSON(_ reader: inout JSONReader, into fields: inout EventFields) throws(JSONError) -> Bool {
        guard try reader.peek() == .object else { return false }
        try reader.enterObject()
        while let name = try reader.nextKey() {
            let key = fields.textSlot(name)
            switch try reader.peek() {
            case .string: take(key, fields.textSlot(try reader.string()), &fields)
            case .number:
                let number = try reader.number()
                take(key, Slot(.raw, .input, start: Int(number.start), count: Int(number.count)), &fields)
            case .true, .false:
                let start = reader.offset
                take(key, Slot(.raw, .input, start: start, count: try reader.bool() ? 4 : 5), &fields)
            case .null: try reader.null()
            case .object, .array:
                _ = try reader.skipValue()
                let problem = ImpactProblem(key: key, code: .wrongType, words: "must be a string or a number")
                refuse(problem, key, fields)
            }
        }
        try reader.end()
        return true
    }

    /// Notes a parameter whose value is none at all, so that it is not named again as missing.
    private mutating func refuse(_ problem: ImpactProblem, _ key: Slot, _ fields: borrowing EventFields) {
        let name = fields.bytes(key)
        note(problem)
        let place = ImpactName.place(of: name)
        if place >= 0 {
            refused |= 1 << UInt64(place)
            if case .alias(let target) = ImpactName.all[place].target { refused |= 1 << UInt64(target) }
        } else if let (item, number) = ImpactItem.parse(name), number <= CoreLimits.itemsMax {
            openRow(max(number, 1) - 1)
            rowsGiven[max(number, 1) - 1] |= 1 << UInt16(item.rawValue)
        }
    }

    /// Takes one parameter. One without a value counts as not given.
    private mutating func take(_ key: Slot, _ value: Slot, _ fields: inout EventFields) {
        let (place, number) = plans.find(fields.bytes(key))
        take(place, number, key, value, &fields)
    }

    /// - Parameters:
    ///   - place: in `ImpactPlans`, or -1.
    ///   - number: the item's.
    private mutating func take(
        _ place: Int, _ number: Int, _ key: Slot, _ value: Slot, _ fields: inout EventFields
    ) {
        guard place >= 0 else {
            if value.count > 0 { keep(key, value, &fields) }
            return
        }
        if place < plans.namedCount {
            takeNamed(place, key, value, &fields)
        } else if let item = ImpactItem(rawValue: UInt8(truncatingIfNeeded: place - plans.namedCount)) {
            takeItem(item, number, value, &fields)
        }
    }

    /// Takes a parameter that needs no decoding and lies in the draft's input. A value that comes as its plan says
    /// is taken at once; any other goes the way of all, which says the same of the usual ones.
    @inline(__always)
    private mutating func takePlain(_ parameter: QueryFields.Parameter, _ fields: inout EventFields) {
        let key = Slot(.verbatim, .input, start: parameter.name.lowerBound, count: parameter.name.count)
        let value = Slot(.verbatim, .input, start: parameter.value.lowerBound, count: parameter.value.count)
        let (place, number) = plans.find(fields.input[parameter.name])
        guard place >= 0, value.count > 0, let usual = fields.usual(value, plans.all[place]),
            number > 0 ? takeUsual(usual, place, row: number - 1) : takeUsual(usual, place, key, value, &fields)
        else { return take(place, number, key, value, &fields) }
    }

    @inline(__always)
    private mutating func takeUsual(
        _ usual: Slot, _ place: Int, _ key: Slot, _ value: Slot, _ fields: inout EventFields
    ) -> Bool {
        let bit: UInt64 = 1 &<< UInt64(truncatingIfNeeded: place)
        guard place < plans.namedCount, seen & bit == 0 else { return false }
        switch plans.all[place].destination {
        case .field: fields.set(at: Int(plans.all[place].place), usual)
        case .ext:
            guard fields.unknown.count < CoreLimits.unknownMembersMax else { return false }
            // Names of impact.com's come once, so none before it is the same.
            fields.unknown.append(
                UnknownMember(
                    object: 0, fromExtension: false, item: -1, key: key, value: value, keyHash: 0,
                    namesNobody: plans.namingNobody & bit != 0))
        case .item, .nowhere: return false
        }
        seen |= bit
        given |= bit
        return true
    }

    @inline(__always)
    private mutating func takeUsual(_ usual: Slot, _ place: Int, row: Int) -> Bool {
        let item = place - plans.namedCount
        guard row < CoreLimits.itemsMax else { return false }
        openRow(row)
        let bit: UInt16 = 1 &<< UInt16(truncatingIfNeeded: item)
        guard rowsGiven[row] & bit == 0 else { return false }
        rowsGiven[row] |= bit
        columns |= bit
        rows[row &* ImpactItem.count &+ item] = usual
        return true
    }

    private mutating func takeNamed(_ place: Int, _ key: Slot, _ value: Slot, _ fields: inout EventFields) {
        guard value.count > 0 else { return }
        let bit: UInt64 = 1 << UInt64(place)
        let name = ImpactName.all[place]
        guard seen & bit == 0 else { return note(ImpactProblem(field: name.name, code: .duplicateKey)) }
        seen |= bit
        if case .alias = name.target {
            aliases.append((place, key, value))
        } else {
            store(name, place, key, value, &fields)
        }
    }

    /// Checks a value and puts it where it belongs.
    private mutating func store(
        _ name: ImpactName, _ place: Int, _ key: Slot, _ value: Slot, _ fields: inout EventFields
    ) {
        let bit: UInt64 = 1 << UInt64(place)
        switch name.target {
        case .time:
            guard let time = time(fields.bytes(value)) else {
                return note(
                    ImpactProblem(
                        field: name.name, words: "must be NOW or a time as in 2026-01-02T03:04:05Z"))
            }
            fields.occurredMilliseconds = time
            fields.mark(.occurredAt)
        case .email:
            if PersonalData.isSHA1(fields.bytes(value)) {
                keep(key, value, &fields)
            } else if let slot = checked(value, name.rule, name.name, 0, &fields) {
                fields.set(.userEmailSHA256, slot)
            } else {
                return
            }
        case .currency:
            guard ImpactDraft.isCurrency(fields.bytes(value)) else {
                return note(ImpactProblem(field: name.name, words: "must be three letters of ISO 4217"))
            }
            fields.set(.orderCurrency, ImpactDraft.text(value))
        case .field(.orderDiscount) where isNegativeAmount(fields.bytes(value)):
            keep(key, value, &fields)
        case .field(.contextIP) where fields.addressPolicy == .drop: return
        case .field(let field):
            guard let slot = checked(value, name.rule, name.name, 0, &fields) else { return }
            fields.set(field, slot)
        case .ext:
            guard checked(value, name.rule, name.name, 0, &fields) != nil else { return }
            keep(key, value, &fields)
        case .alias: return
        }
        given |= bit
    }

    private mutating func takeItem(
        _ item: ImpactItem, _ number: Int, _ value: Slot, _ fields: inout EventFields
    ) {
        var number = number
        if number == 0 {
            hasRepetitions = true
            repetitions[Int(item.rawValue)] += 1
            number = repetitions[Int(item.rawValue)]
        }
        guard number <= CoreLimits.itemsMax else {
            return note(
                ImpactProblem(field: item.parameter, code: .tooMany, words: "is given for more than 1000 items"))
        }
        guard value.count > 0 else { return }
        openRow(number - 1)
        let bit: UInt16 = 1 << UInt16(item.rawValue)
        guard rowsGiven[number - 1] & bit == 0 else {
            return note(ImpactProblem(field: item.parameter, number: number, code: .duplicateKey))
        }
        // Marked in any case, so that a wrong value is no gap.
        rowsGiven[number - 1] |= bit
        columns |= bit
        var slot = value
        if value.form == .verbatim, let usual = fields.usual(value, plans.all[plans.namedCount + Int(item.rawValue)]) {
            slot = usual
        } else if !(item.isDiscount && isNegativeAmount(fields.bytes(value))) {
            guard let taken = checked(value, item.rule, item.parameter, number, &fields) else { return }
            slot = taken
        } else {
            slot.form = .raw
        }
        rows[(number - 1) * ImpactItem.count + Int(item.rawValue)] = slot
    }

    @inline(__always)
    private mutating func openRow(_ row: Int) {
        while rowCount <= row {
            if rowsGiven.count == rowCount {
                rowsGiven.append(0)
                for _ in 0..<ImpactItem.count { rows.append(.none) }
            }
            rowsGiven[rowCount] = 0
            rowCount += 1
        }
    }

    // MARK: finishing

    /// Notes what only shows when all parameters have come, and completes the event's draft.
    mutating func finish(into fields: inout EventFields) {
        for (place, key, value) in aliases {
            guard case .alias(let target) = ImpactName.all[place].target else { continue }
            if seen & (1 << UInt64(target)) == 0 {
                // Its own name is the one its sender knows.
                var name = ImpactName.all[target]
                name = ImpactName(name: ImpactName.all[place].name, rule: name.rule, target: name.target)
                seen |= 1 << UInt64(target)
                store(name, target, key, value, &fields)
            } else if checked(value, ImpactName.all[place].rule, ImpactName.all[place].name, 0, &fields) != nil {
                keep(key, value, &fields)
            }
        }
        checkRequired()
        finishItems(&fields)
    }

    private mutating func checkRequired() {
        let named = seen | refused
        if named & plans.required == plans.required, named & plans.eventTypes != 0, named & plans.attributions != 0,
            seen & 1 << ImpactName.Place.mediaID == 0
        {
            return
        }
        for place in [ImpactName.Place.campaignID, ImpactName.Place.eventDate, ImpactName.Place.orderID]
        where named & (1 << UInt64(place)) == 0 {
            note(ImpactProblem(field: ImpactName.all[place].name, code: .missing))
        }
        if named & ImpactName.eventTypeMask == 0 {
            note(
                ImpactProblem(
                    field: "EventTypeId", code: .missing, words: "is required, or else ActionTrackerId or EventTypeCode"
                ))
        }
        if named & ImpactName.attributionMask == 0 {
            note(
                ImpactProblem(
                    field: "ClickId", code: .missing,
                    words:
                        "is required, or else one of CustomerId, CustomProfileId, OrderPromoCode, PromoCode, MediaId, MediaPartnerId, UniqueUrl, CallerId, GoogAId, AndroidId, AppleIfa, AppleIfv"
                ))
        }
        let both: UInt64 = 1 << ImpactName.Place.mediaID | 1 << ImpactName.Place.mediaPartnerID
        if seen & both == both {
            note(
                ImpactProblem(
                    field: "MediaPartnerId", code: .conflict, words: "must not be given together with MediaId"))
        }
    }

    private mutating func finishItems(_ fields: inout EventFields) {
        for row in 0..<rowCount {
            fields.beginItem()
            guard rowsGiven[row] != 0 else {
                note(
                    ImpactProblem(
                        field: "ItemSku", number: row + 1, code: .missing,
                        words: "is required: items are numbered from 1 without gaps"))
                continue
            }
            if has(row, .price), has(row, .subTotal) {
                note(
                    ImpactProblem(
                        field: "ItemSubTotal", number: row + 1, code: .conflict,
                        words: "must not be given together with ItemPrice"))
            }
            guard problems.isEmpty else { continue }
            finishItem(row, &fields)
        }
        guard problems.isEmpty else { return }
        // Others have a canonical name in every row.
        let kept = columns & (plans.itemsWithoutField | 1 << UInt16(ImpactItem.totalDiscount.rawValue))
        if kept != 0 {
            for item in ImpactItem.allCases where kept & 1 << UInt16(item.rawValue) != 0 { keepColumn(item, &fields) }
        }
        keepQuantities(&fields)
    }

    @inline(__always)
    private func has(_ row: Int, _ item: ImpactItem) -> Bool { rowsGiven[row] & (1 << UInt16(item.rawValue)) != 0 }

    private func slot(_ row: Int, _ item: ImpactItem) -> Slot? {
        has(row, item) ? rows[row * ImpactItem.count + Int(item.rawValue)] : nil
    }

    @inline(__always)
    private func number(_ row: Int, _ item: ImpactItem, _ fields: borrowing EventFields) -> ExactDecimal? {
        slot(row, item).flatMap { try? ExactDecimal.parse(fields.bytes($0)) }
    }

    /// A line's discount below zero has no canonical name either. Beside a discount per unit the line's is kept
    /// as well, or nobody could say later whether it came or was computed.
    private func isKept(_ row: Int, _ item: ImpactItem, _ fields: borrowing EventFields) -> Bool {
        guard has(row, item) else { return false }
        if item.field == nil { return true }
        return item == .totalDiscount && (has(row, .discount) || isNegative(row, item, fields))
    }

    private func isNegative(_ row: Int, _ item: ImpactItem, _ fields: borrowing EventFields) -> Bool {
        number(row, item, fields)?.isNegative ?? false
    }

    private func finishItem(_ row: Int, _ fields: inout EventFields) {
        var bits = rowsGiven[row] & ~plans.itemsWithoutField
        while bits != 0 {
            let place = bits.trailingZeroBitCount
            bits &= bits &- 1
            if place == Int(ImpactItem.totalDiscount.rawValue), isNegative(row, .totalDiscount, fields) { continue }
            fields.setItem(
                row, at: Int(plans.all[plans.namedCount + place].place), rows[row * ImpactItem.count + place])
        }
        if !has(row, .quantity) { fields.setItem(row, .quantity, fields.copy(Bytes("1"), form: .raw)) }
        guard has(row, .price) || has(row, .subTotal) || has(row, .discount) else { return }
        let quantity = number(row, .quantity, fields) ?? ExactDecimal(1)
        if let price = slot(row, .price) {
            fields.setItem(row, .unitPrice, price)
        } else if let price = number(row, .subTotal, fields)?.dividedExactly(by: quantity) {
            set(price, row, .unitPrice, &fields)
        }
        if !has(row, .totalDiscount), let each = number(row, .discount, fields), !each.isNegative,
            let discount = try? each.multiplied(by: quantity)
        {
            set(discount, row, .discount, &fields)
        }
    }

    private func set(_ number: ExactDecimal, _ row: Int, _ field: ItemField, _ fields: inout EventFields) {
        let start = fields.scratch.count
        fields.scratch.append(number)
        fields.setItem(row, field, Slot(.raw, .scratch, start: start, count: fields.scratch.count - start))
    }

    /// Keeps an item's parameter without a canonical name as one list for all items, with `null` for those
    /// that lack it: `"ItemMpn":["a",null,"c"]`.
    private mutating func keepColumn(_ item: ImpactItem, _ fields: inout EventFields) {
        var rowsToKeep = 0
        for row in 0..<rowCount where isKept(row, item, fields) { rowsToKeep = row + 1 }
        guard rowsToKeep > 0 else { return }
        fields.work.removeAll()
        for row in 0..<rowsToKeep { appendCell(isKept(row, item, fields) ? slot(row, item) : nil, row, &fields) }
        endColumn(item, &fields)
    }

    /// An item without a quantity is one, for all that read the event; that its sender left it out is kept as a
    /// list of all quantities, `"ItemQuantity":[2,null]`, so that it goes back to impact.com as it came.
    private mutating func keepQuantities(_ fields: inout EventFields) {
        var isComplete = true
        for row in 0..<rowCount where !has(row, .quantity) { isComplete = false }
        guard !isComplete else { return }
        fields.work.removeAll()
        for row in 0..<rowCount { appendCell(slot(row, .quantity), row, &fields) }
        endColumn(.quantity, &fields)
    }

    private func appendCell(_ slot: Slot?, _ row: Int, _ fields: inout EventFields) {
        fields.work.append(row == 0 ? 0x5B : 0x2C)
        guard let slot else { return fields.work.append("null") }
        if slot.form == .raw {
            fields.work.append(fields.bytes(slot))
        } else {
            fields.work.appendJSONString(fields.bytes(slot))
        }
    }

    private mutating func endColumn(_ item: ImpactItem, _ fields: inout EventFields) {
        fields.work.append(0x5D)
        let start = fields.scratch.count
        fields.scratch.append(fields.work.bytes)
        let value = Slot(.raw, .scratch, start: start, count: fields.scratch.count - start)
        keep(fields.copy(Bytes(item.parameter), form: .verbatim), value, &fields)
    }

    // MARK: values

    /// The value as the rule has it; nil when it is wrong, which has been noted then.
    private mutating func checked(
        _ value: Slot, _ rule: ValueRule, _ field: StaticString, _ number: Int, _ fields: inout EventFields
    ) -> Slot? {
        var problem = ImpactProblem(field: field, number: number, rule: rule)
        switch fields.takeText(ImpactDraft.text(value), rule, empty: .refused, previous: nil, scratch: json) {
        case .slot(let slot): return slot
        case .bad(let code, let limit):
            problem.code = code
            problem.limit = limit
        default: problem.code = .wrongType
        }
        note(problem)
        return nil
    }

    /// JSON's numbers and truth values as the text they are in a form.
    private static func text(_ value: Slot) -> Slot {
        guard value.form == .raw else { return value }
        var slot = value
        slot.form = .verbatim
        return slot
    }

    private func time(_ text: Bytes) -> Int64? {
        text.equals("NOW") ? receivedMilliseconds : Moment.parseISO8601(text)
    }

    private func isNegativeAmount(_ text: Bytes) -> Bool {
        guard text.count <= CoreLimits.decimalBytesMax, text.count > 1, text[0] == 0x2D else { return false }
        return (try? ExactDecimal.parse(text)) != nil
    }

    static func isCurrency(_ text: Bytes) -> Bool {
        guard text.count == 3 else { return false }
        for index in 0..<3 where (text[index] | 0x20) &- 0x61 >= 26 { return false }
        return true
    }

    /// Keeps a parameter for `ext.impact`, under the name it came with.
    private mutating func keep(_ key: Slot, _ value: Slot, _ fields: inout EventFields) {
        let name = fields.bytes(key)
        guard name.count <= CoreLimits.unknownKeyBytesMax else {
            return note(ImpactProblem(code: .tooLong, words: "has a name longer than 256 bytes"))
        }
        if name.firstIndex(of: 0) != nil || (value.form == .plain && fields.bytes(value).firstIndex(of: 0) != nil) {
            return note(ImpactProblem(key: key, code: .nulCharacter))
        }
        let hash = hash64(name, seed: 0)
        for other in fields.unknown where other.keyHash == hash && fields.bytes(other.key).equals(name) {
            return note(ImpactProblem(key: key, code: .duplicateKey))
        }
        guard fields.unknown.count < CoreLimits.unknownMembersMax else {
            return note(
                ImpactProblem(key: key, code: .tooMany, words: "is one of more than 256 further parameters"))
        }
        fields.unknown.append(
            UnknownMember(object: 0, fromExtension: false, item: -1, key: key, value: value, keyHash: hash))
    }
}
