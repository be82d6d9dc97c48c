/// What `ext.impact` of one event holds, as parameters to be sent: read once, then asked for by name.
///
/// Lists that an item's name stands over become one parameter for each item. Objects, lists of other
/// names and `null` are no parameters and are passed over, as are names that the gateway's own sender would
/// not have let in: empty ones.
///
/// Invariant: the ranges of `entries` lie within `text`, which `read` fills anew.
/// Owner: the encoder that holds it.
struct ImpactExtension: ~Copyable {
    struct Entry {
        /// In `ImpactName.all`, or -1.
        var place = -1
        var item: ImpactItem?
        /// From 1, where `item` is set.
        var number = 0
        var name: Range<Int>
        var value: Range<Int>
        /// A list says that this item has no such parameter.
        var isNone = false
    }

    private(set) var entries: [Entry] = []
    /// By row and item: a place in `entries`, or -1.
    private var itemEntries: [Int32] = []
    /// By place in `ImpactName.all`.
    private(set) var places: UInt64 = 0
    private var passedOver: UInt64 = 0
    private var text = ByteBuffer(capacity: 1_024)
    private let json: JSONScratch

    init(json: JSONScratch) {
        self.json = json
        entries.reserveCapacity(32)
    }

    func bytes(_ range: Range<Int>) -> Bytes { text.bytes[range] }

    func has(_ place: Int) -> Bool { places & (1 << UInt64(place)) != 0 }

    /// The value for an item, if there is one.
    func value(of item: ImpactItem, number: Int) -> Range<Int>? {
        let index = (number - 1) * ImpactItem.count + Int(item.rawValue)
        guard index < itemEntries.count, itemEntries[index] >= 0 else { return nil }
        let entry = entries[Int(itemEntries[index])]
        return entry.isNone ? nil : entry.value
    }

    /// Whether a list over all items says that this one has no such parameter.
    func isNone(_ item: ImpactItem, number: Int) -> Bool {
        let index = (number - 1) * ImpactItem.count + Int(item.rawValue)
        guard index < itemEntries.count, itemEntries[index] >= 0 else { return false }
        return entries[Int(itemEntries[index])].isNone
    }

    private mutating func index(itemCount: Int) {
        itemEntries.removeAll(keepingCapacity: true)
        for _ in 0..<itemCount * ImpactItem.count { itemEntries.append(-1) }
        for (place, entry) in entries.enumerated() {
            guard let item = entry.item, entry.number >= 1, entry.number <= itemCount else { continue }
            let index = (entry.number - 1) * ImpactItem.count + Int(item.rawValue)
            if itemEntries[index] < 0 { itemEntries[index] = Int32(truncatingIfNeeded: place) }
        }
    }

    /// - Parameter leavesOut: places in `ImpactName.all` of parameters that are passed over, as a set.
    mutating func read(_ fields: borrowing EventFields, leavesOut: UInt64 = 0) {
        passedOver = leavesOut
        entries.removeAll(keepingCapacity: true)
        places = 0
        text.removeAll()
        for member in fields.extensions where fields.bytes(member.key).equals(Platform.impact.name) {
            let value = fields.bytes(member.value)
            var reader = JSONReader(value, scratch: json, depthMax: CoreLimits.canonicalDepthMax)
            // The line was read before, so it is JSON throughout.
            try? readObject(&reader, value)
        }
        index(itemCount: fields.itemCount)
    }

    private mutating func readObject(_ reader: inout JSONReader, _ input: Bytes) throws(JSONError) {
        try reader.enterObject()
        while let key = try reader.nextKey() {
            let start = text.count
            key.decode(in: input, into: &text)
            let name = start..<text.count
            let item = ImpactItem.parse(text.bytes[name])
            if let item, item.number == 0, try reader.peek() == .array {
                try readColumn(item.item, name, &reader, input)
            } else if let value = try scalar(&reader, input), !name.isEmpty {
                var entry = Entry(name: name, value: value)
                entry.place = ImpactName.place(of: text.bytes[name])
                if entry.place >= 0, passedOver & (1 << UInt64(entry.place)) != 0 { continue }
                entry.item = item?.item
                entry.number = item.map { max($0.number, 1) } ?? 0
                if entry.place >= 0 { places |= 1 << UInt64(entry.place) }
                entries.append(entry)
            }
        }
    }

    private mutating func readColumn(
        _ item: ImpactItem, _ name: Range<Int>, _ reader: inout JSONReader, _ input: Bytes
    ) throws(JSONError) {
        var number = 0
        try reader.enterArray()
        while try reader.nextElement() {
            number += 1
            let isNull = try reader.peek() == .null
            if let value = try scalar(&reader, input) {
                entries.append(Entry(item: item, number: number, name: name, value: value))
            } else if isNull {
                entries.append(Entry(item: item, number: number, name: name, value: 0..<0, isNone: true))
            }
        }
    }

    /// The value as text; nil for what is none.
    private mutating func scalar(_ reader: inout JSONReader, _ input: Bytes) throws(JSONError) -> Range<Int>? {
        let start = text.count
        switch try reader.peek() {
        case .string: try reader.string().decode(in: input, into: &text)
        case .number: text.append(try reader.number().raw(in: input))
        case .true, .false: text.append(try reader.bool() ? "true" : "false")
        case .null:
            try reader.null()
            return nil
        case .object, .array:
            _ = try reader.skipValue()
            return nil
        }
        return start..<text.count
    }
}
