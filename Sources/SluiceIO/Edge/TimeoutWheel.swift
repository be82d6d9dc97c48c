/// Deadlines of many connections at the cost of a store each: a hashed wheel whose entries are
/// moved only when they would otherwise fire too late.
///
/// An entry sits in the slot of some tick at or before its deadline's. When that tick comes and
/// the deadline has moved on meanwhile, the entry moves to a later slot. So a connection that is
/// busy all the time is touched once per timeout, not once per request.
///
/// Invariants: 1. a linked entry's tick is at most its deadline's tick. 2. ticks before `cursor`
/// have no entries. 3. bit `slot` of `occupied` is set iff the slot has entries.
/// Owner: the loop's thread; the clock is passed in.
package struct TimeoutWheel {
    package static let never = Int64.max
    /// Milliseconds per tick: 32. Deadlines are met within one tick, never early.
    private static let tickShift: Int64 = 5
    private static let slots = 1024

    private struct Entry {
        var deadline = TimeoutWheel.never
        var tick: Int64 = -1  // -1: not linked
        var next: Int32 = -1
        var previous: Int32 = -1
    }

    private var entries: ContiguousArray<Entry> = []
    private var heads = ContiguousArray<Int32>(repeating: -1, count: slots)
    private var occupied = ContiguousArray<UInt64>(repeating: 0, count: slots / 64)
    private var cursor: Int64

    package init(now: Int64) { cursor = now >> Self.tickShift }

    /// Makes room for one more entry; its index is the number of entries before.
    package mutating func grow() { entries.append(Entry()) }

    /// Sets the deadline of an entry, in milliseconds of the clock that `popExpired` gets.
    package mutating func set(_ index: Int, deadline: Int64) {
        entries[index].deadline = deadline
        guard deadline != Self.never else { return }
        let tick = Self.tick(of: deadline)
        let linked = entries[index].tick
        if linked >= 0 && linked <= tick { return }
        if linked >= 0 { unlink(index) }
        link(index, tick: tick)
    }

    /// Forgets the deadline and takes the entry out of its slot.
    package mutating func remove(_ index: Int) {
        entries[index].deadline = Self.never
        if entries[index].tick >= 0 { unlink(index) }
    }

    package func deadline(of index: Int) -> Int64 { entries[index].deadline }

    /// An entry whose deadline has passed; its deadline is then `never`. Call until nil.
    package mutating func popExpired(now: Int64) -> Int? {
        let nowTick = now >> Self.tickShift
        if nowTick - cursor > Int64(Self.slots) {
            // After a long sleep every slot is due; once around finds them all.
            cursor = nowTick - Int64(Self.slots)
        }
        while cursor <= nowTick {
            let slot = Int(cursor) & (Self.slots - 1)
            while heads[slot] >= 0 {
                let index = Int(heads[slot])
                unlink(index)
                let deadline = entries[index].deadline
                if deadline == Self.never { continue }
                if deadline <= now {
                    entries[index].deadline = Self.never
                    return index
                }
                link(index, tick: Self.tick(of: deadline))
            }
            cursor += 1
        }
        return nil
    }

    /// Milliseconds until the next slot is due; nil when nothing has a deadline.
    package func untilNext(now: Int64) -> Int? {
        let start = Int(cursor) & (Self.slots - 1)
        var word = start >> 6
        var bits = occupied[word] & (~0 << UInt64(start & 63))
        for _ in 0...occupied.count {
            if bits != 0 {
                let slot = word << 6 + bits.trailingZeroBitCount
                let distance = Int64((slot - start) & (Self.slots - 1))
                return Int(max(0, (cursor + distance) << Self.tickShift - now))
            }
            word = (word + 1) & (occupied.count - 1)
            bits = occupied[word]
        }
        return nil
    }

    // Rounded up, so that a slot is never due before its deadlines.
    private static func tick(of deadline: Int64) -> Int64 {
        (deadline + (1 << tickShift) - 1) >> tickShift
    }

    private mutating func link(_ index: Int, tick wanted: Int64) {
        // At most one turn ahead (invariant 1 allows earlier), and not in a slot already passed.
        let tick = max(cursor, min(wanted, cursor + Int64(Self.slots) - 1))
        let slot = Int(tick) & (Self.slots - 1)
        let head = heads[slot]
        entries[index].tick = tick
        entries[index].previous = -1
        entries[index].next = head
        if head >= 0 { entries[Int(head)].previous = Int32(index) }
        heads[slot] = Int32(index)
        occupied[slot >> 6] |= 1 << UInt64(slot & 63)
    }

    private mutating func unlink(_ index: Int) {
        let entry = entries[index]
        let slot = Int(entry.tick) & (Self.slots - 1)
        if entry.previous >= 0 {
            entries[Int(entry.previous)].next = entry.next
        } else {
            heads[slot] = entry.next
            if entry.next < 0 { occupied[slot >> 6] &= ~(1 << UInt64(slot & 63)) }
        }
        if entry.next >= 0 { entries[Int(entry.next)].previous = entry.previous }
        entries[index].tick = -1
    }
}
