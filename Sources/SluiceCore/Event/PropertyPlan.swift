/// How a property's value usually comes, as plain data: what need not be looked at closer.
///
/// Only speed depends on it. A value that comes as its plan says is taken at once; any other is left to the
/// property's rule, which says the same of the usual ones.
struct PropertyPlan: Sendable {
    enum Way: UInt8, Sendable {
        /// There is no usual one.
        case none
        case text, choice, time, eventType, integer, decimal, number, object
    }

    let way: Way
    /// Whether `place` is that of an `ItemField`; else it is that of an `EventField`, or an object's in the schema.
    let isItem: Bool
    let place: UInt8
    let choice: Choice
    /// Bytes of a text, or values of a number.
    let bounds: ClosedRange<Int32>

    init(_ property: Property) {
        var way = Way.none
        var choice = Choice.entityType
        var bounds: ClosedRange<Int32> = 0...0
        switch property.rule {
        case .text(let max), .identifier(let max), .textElseKept(let max):
            way = .text
            bounds = PropertyPlan.sizes(max)
            if case .text = property.rule, property.empty == .kept { bounds = 0...bounds.upperBound }
        case .choice(let among):
            (way, choice, bounds) = (.choice, among, PropertyPlan.sizes(.max))
        case .time: way = .time
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
        (self.way, isItem, place) = PropertyPlan.target(of: property, way)
        self.choice = choice
        self.bounds = bounds
    }

    private static func sizes(_ max: Int) -> ClosedRange<Int32> { 1...Swift.max(1, Int32(clamping: max)) }

    /// Where the value goes; values that go elsewhere have no usual way.
    private static func target(of property: Property, _ way: Way) -> (Way, isItem: Bool, place: UInt8) {
        if case .object(let child) = property.rule { return (way, false, child) }
        switch (way, property.target) {
        case (.time, .field(.occurredAt)), (.time, .field(.receivedAt)), (.eventType, .field(.type)): break
        case (.time, _), (.eventType, _): return (.none, false, 0)
        default: break
        }
        switch property.target {
        case .field(let field): return (way, false, field.rawValue)
        case .item(let field): return (way, true, field.rawValue)
        case .ext, .structure: return (.none, false, 0)
        }
    }
}

extension EventFields {
    /// Takes the value that comes next if it comes as the plan says. False when it does not: nothing has
    /// changed then but that white space is passed.
    @inline(__always)
    mutating func takeUsual(_ plan: PropertyPlan, item: Int32, from reader: inout JSONReader) -> Bool {
        switch plan.way {
        case .text:
            guard isFree(plan), let text = reader.usualString(plan.bounds) else { return false }
            put(Slot(.verbatim, .input, start: Int(text.start), count: Int(text.count)), plan, item)
            return true
        case .integer, .decimal, .number:
            guard isFree(plan), let (number, digits) = reader.usualNumber() else { return false }
            if plan.way == .integer {
                guard number.isInteger, digits >= UInt64(plan.bounds.lowerBound.magnitude),
                    digits <= UInt64(plan.bounds.upperBound.magnitude)
                else { return false }
            } else if plan.way == .decimal {
                guard digits >= UInt64(plan.bounds.lowerBound.magnitude) else { return false }
            }
            reader.pass(number)
            put(Slot(.raw, .input, start: Int(number.start), count: Int(number.count)), plan, item)
            return true
        case .choice, .time, .eventType: return takeUsualWord(plan, item, &reader)
        case .object, .none: return false
        }
    }

    /// A string that is looked into.
    private mutating func takeUsualWord(_ plan: PropertyPlan, _ item: Int32, _ reader: inout JSONReader) -> Bool {
        let start = reader.checkpoint
        guard let text = reader.usualString(1...Int32.max) else { return false }
        let word = text.raw(in: input)
        switch plan.way {
        case .choice:
            guard isFree(plan), plan.choice.contains(word) else { break }
            put(Slot(.verbatim, .input, start: Int(text.start), count: Int(text.count)), plan, item)
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

    /// Whether no other member has given the field: two can mean the same one.
    @inline(__always)
    private func isFree(_ plan: PropertyPlan) -> Bool {
        plan.isItem || present.bits & (1 &<< UInt64(plan.place)) == 0
    }

    @inline(__always)
    private mutating func put(_ slot: Slot, _ plan: PropertyPlan, _ item: Int32) {
        if plan.isItem { setItem(Int(item), at: Int(plan.place), slot) } else { set(at: Int(plan.place), slot) }
    }
}
