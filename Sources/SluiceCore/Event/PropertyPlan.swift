import CByteScan

/// How a property's value usually comes, as plain data: what need not be looked at closer.
///
/// Only speed depends on it. A value that comes as its plan says is taken at once; any other is left to the
/// property's rule, which says the same of the usual ones.
struct PropertyPlan: Sendable {
    enum Way: UInt8, Sendable {
        /// There is no usual one.
        case none
        case text, hash, choice, time, moment, eventType, integer, decimal, number, object
    }

    enum Destination: UInt8, Sendable {
        case field, item, ext
        /// The value is only checked.
        case nowhere
    }

    let way: Way
    let destination: Destination
    /// Of an `EventField` or an `ItemField`, or of an object in the schema.
    let place: UInt8
    let choice: Choice
    /// Bytes of a text, or values of a number.
    let bounds: ClosedRange<Int32>

    init(_ property: Property) {
        var way = Way.none
        var choice = Choice.entityType
        var bounds: ClosedRange<Int32> = 0...0
        switch property.rule {
        case .text(let max), .identifier(let max), .textElseKept(let max), .characters(let max):
            // What has few bytes enough has few characters enough.
            way = .text
            bounds = PropertyPlan.sizes(max)
            if case .text = property.rule, property.empty == .kept { bounds = 0...bounds.upperBound }
        case .choice(let among):
            (way, choice, bounds) = (.choice, among, PropertyPlan.sizes(.max))
        case .hash, .personal: way = .hash
        case .time: way = .time
        case .moment: (way, bounds) = (.moment, PropertyPlan.sizes(.max))
        case .eventType: way = .eventType
        case .integer(let min):
            if let least = Int32(exactly: min), CoreLimits.integerMax == Int64(Int32.max) {
                (way, bounds) = (.integer, least...Int32.max)
            }
        case .decimal(let bound): (way, bounds) = (.decimal, (bound == .positive ? 1 : 0)...Int32.max)
        case .number: way = .number
        case .object: way = .object
        default: break
        }
        (self.way, destination, place) = PropertyPlan.target(of: property, way)
        self.choice = choice
        self.bounds = bounds
    }

    private static func sizes(_ max: Int) -> ClosedRange<Int32> { 1...Swift.max(1, Int32(clamping: max)) }

    /// Where the value goes; values that go elsewhere have no usual way.
    private static func target(of property: Property, _ way: Way) -> (Way, Destination, place: UInt8) {
        if case .object(let child) = property.rule { return (way, .nowhere, child) }
        switch (way, property.target) {
        case (.time, .field(.occurredAt)), (.time, .field(.receivedAt)), (.eventType, .field(.type)): break
        case (.moment, .ext): break
        case (.time, _), (.eventType, _), (.moment, _): return (.none, .nowhere, 0)
        default: break
        }
        switch property.target {
        case .field(let field): return (way, .field, field.rawValue)
        case .item(let field): return (way, .item, field.rawValue)
        case .ext: return (way, .ext, 0)
        case .structure: return (way == .choice ? way : .none, .nowhere, 0)
        }
    }

    /// Whether a number of these digits, without the point, is within the bounds.
    @inline(__always)
    func admits(_ digits: UInt64, isInteger: Bool) -> Bool {
        switch way {
        case .integer:
            isInteger && digits >= UInt64(bounds.lowerBound.magnitude)
                && digits <= UInt64(bounds.upperBound.magnitude)
        case .decimal: digits >= UInt64(bounds.lowerBound.magnitude)
        default: true
        }
    }
}

extension EventFields {
    /// Takes the value that comes next if it comes as the property's plan says. False when it does not: nothing
    /// has changed then but that white space is passed.
    ///
    /// - Parameter index: the property's place in `object`; one that is not kept for `ext`.
    @inline(__always)
    mutating func takeUsual(
        _ index: Int, of object: ObjectSchema, item: Int32, from reader: inout JSONReader
    ) -> Bool {
        let plan = object.plans[index]
        switch plan.way {
        case .text:
            guard isFree(plan), let text = reader.usualString(plan.bounds) else { return false }
            put(Slot(.verbatim, .input, start: Int(text.start), count: Int(text.count)), plan, item)
            return true
        case .integer, .decimal, .number:
            guard isFree(plan), let (number, digits) = reader.usualNumber() else { return false }
            guard plan.admits(digits, isInteger: number.isInteger) else { return false }
            reader.pass(number)
            put(Slot(.raw, .input, start: Int(number.start), count: Int(number.count)), plan, item)
            return true
        case .hash, .choice, .time, .eventType: return takeUsualWord(plan, item, &reader)
        case .moment, .object, .none: return false
        }
    }

    /// A string that is looked into.
    private mutating func takeUsualWord(_ plan: PropertyPlan, _ item: Int32, _ reader: inout JSONReader) -> Bool {
        let start = reader.checkpoint
        guard let text = reader.usualString(1...Int32.max) else { return false }
        let word = text.raw(in: input)
        switch plan.way {
        case .choice, .hash:
            let slot = Slot(.verbatim, .input, start: Int(text.start), count: Int(text.count))
            guard isFree(plan), usual(slot, plan) != nil else { break }
            put(slot, plan, item)
            return true
        case .time:
            guard let milliseconds = Timestamp.parse(word) else { break }
            if plan.place == EventField.receivedAt.rawValue {
                receivedMilliseconds = milliseconds
                mark(.receivedAt)
            } else {
                occurredMilliseconds = milliseconds
                mark(.occurredAt)
            }
            return true
        default:
            guard let type = EventType(word) else { break }
            self.type = type
            mark(.type)
            return true
        }
        reader.restore(start)
        return false
    }

    /// Keeps the value that comes next for `ext` if it comes as the property's plan says, as `takeUsual` does.
    ///
    /// - Parameter place: the object's place in the schema.
    mutating func keepUsual(
        _ index: Int, of object: ObjectSchema, _ key: Slot, place: UInt8, item: Int32, from reader: inout JSONReader
    ) -> Bool {
        let plan = object.plans[index]
        guard plan.way == .text || plan.way == .moment else { return false }
        let start = reader.checkpoint
        guard let text = reader.usualString(plan.bounds) else { return false }
        let slot = Slot(.verbatim, .input, start: Int(text.start), count: Int(text.count))
        if keepUsual(slot, index, of: object, key, place: place, item: item) { return true }
        reader.restore(start)
        return false
    }

    /// The same for a text that can stand between quotation marks as it is.
    mutating func keepUsual(
        _ slot: Slot, _ index: Int, of object: ObjectSchema, _ key: Slot, place: UInt8, item: Int32
    ) -> Bool {
        let plan = object.plans[index]
        guard unknown.count < CoreLimits.unknownMembersMax, plan.bounds.contains(slot.count) else { return false }
        var milliseconds: Int64 = 0
        switch plan.way {
        case .text: break
        case .moment:
            guard let moment = Moment.parse(bytes(slot)) else { return false }
            milliseconds = moment
        default: return false
        }
        unknown.append(
            UnknownMember(
                object: place, fromExtension: false, item: item, key: key, value: slot, keyHash: 0,
                property: Int16(truncatingIfNeeded: index),
                namesNobody: object.namingNobody & (1 &<< UInt64(index)) != 0, milliseconds: milliseconds))
        return true
    }

    /// Takes the text of a parameter, which can stand between quotation marks as it is, if it is as the plan says.
    @inline(__always)
    mutating func takeUsual(_ text: Slot, _ plan: PropertyPlan, item: Int32) -> Bool {
        guard plan.destination != .ext, isFree(plan), let slot = usual(text, plan) else { return false }
        put(slot, plan, item)
        return true
    }

    /// What becomes of such a text where the plan wants it; nil when it is not as the plan says.
    @inline(__always)
    func usual(_ slot: Slot, _ plan: PropertyPlan) -> Slot? {
        switch plan.way {
        case .text: return plan.bounds.contains(slot.count) ? slot : nil
        case .integer, .decimal, .number:
            guard let number = bytes(slot).wholeNumber,
                plan.admits(number.digits, isInteger: Int(number.decimals) == 0)
            else { return nil }
            var raw = slot
            raw.form = .raw
            return raw
        case .choice: return slot.count > 0 && plan.choice.contains(bytes(slot)) ? slot : nil
        case .hash: return bytes(slot).isLowercaseHash ? slot : nil
        case .time, .moment, .eventType, .object, .none: return nil
        }
    }

    /// Whether no other member has given the field: two can mean the same one.
    @inline(__always)
    private func isFree(_ plan: PropertyPlan) -> Bool {
        plan.destination != .field || present.bits & (1 &<< UInt64(plan.place)) == 0
    }

    @inline(__always)
    private mutating func put(_ slot: Slot, _ plan: PropertyPlan, _ item: Int32) {
        switch plan.destination {
        case .field: set(at: Int(plan.place), slot)
        case .item: setItem(Int(item), at: Int(plan.place), slot)
        case .ext, .nowhere: break
        }
    }
}

extension Bytes {
    /// The digits of a number of at most 18 characters, without sign and exponent, as a whole number, and how many
    /// of them stood behind the point. Nil when the text is anything else.
    @inline(__always)
    var wholeNumber: (digits: UInt64, decimals: UInt32)? {
        var digits: UInt64 = 0
        var decimals: UInt32 = 0
        // Safety: reads exactly the bytes of the view.
        return unsafe cbytescan_whole_number(base, count, &decimals, &digits) != 0 ? (digits, decimals) : nil
    }

    /// Whether the text is a SHA-256 as it is stored.
    @inline(__always)
    var isLowercaseHash: Bool {
        // Safety: reads exactly the bytes of the view.
        unsafe cbytescan_is_hash(base, count) != 0
    }
}
