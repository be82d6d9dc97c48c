/// Values by block number, at most so many bytes of them; the longest unused go first.
///
/// Invariants: 1. `bytes` is the sum of the sizes in `entries`. 2. Every entry's `stamp` stands in
/// `order` exactly once together with its number; what else stands there is out of date.
/// Owner: the thread of its reader.
struct BlockCache<Value> {
    private struct Entry {
        let value: Value
        let size: Int
        var stamp: Int
    }

    private var entries: [Int64: Entry] = [:]
    private var order: [(number: Int64, stamp: Int)] = []
    private var orderStart = 0
    private var nextStamp = 0
    private(set) var bytes = 0
    private let bytesMax: Int

    init(bytesMax: Int) { self.bytesMax = bytesMax }

    var count: Int { entries.count }

    /// The value at `number`, which then counts as just used.
    mutating func value(at number: Int64) -> Value? {
        guard var entry = entries[number] else { return nil }
        // The newest stays where it is: several destinations often ask for the same block in a row.
        if entry.stamp != nextStamp - 1 {
            entry.stamp = stamp(number)
            entries[number] = entry
            compact()
        }
        return entry.value
    }

    /// Adds `value`, and drops others until it fits; a value larger than all is kept alone.
    mutating func insert(_ value: Value, at number: Int64, size: Int) {
        remove(number)
        entries[number] = Entry(value: value, size: size, stamp: stamp(number))
        bytes += size
        while bytes > bytesMax, entries.count > 1 { removeOldest() }
        compact()
    }

    mutating func remove(_ number: Int64) {
        if let entry = entries.removeValue(forKey: number) { bytes -= entry.size }
    }

    private mutating func stamp(_ number: Int64) -> Int {
        defer { nextStamp += 1 }
        order.append((number, nextStamp))
        return nextStamp
    }

    private mutating func removeOldest() {
        while orderStart < order.count {
            let (number, stamp) = order[orderStart]
            orderStart += 1
            if entries[number]?.stamp == stamp {
                remove(number)
                return
            }
        }
    }

    /// Keeps `order` in proportion to `entries`.
    private mutating func compact() {
        guard order.count > 64, order.count > entries.count * 4 else { return }
        let current = order[orderStart...].filter { entries[$0.number]?.stamp == $0.stamp }
        order = Array(current)
        orderStart = 0
    }
}
