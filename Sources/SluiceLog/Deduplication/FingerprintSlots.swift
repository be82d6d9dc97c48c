import Glibc
import SluiceCore
import Synchronization

/// What one slot holds: `0` while it is empty, else a fingerprint's key and what became of it.
///
///     bits 63…3   key: the fingerprint without its low three bits
///     bits 2…1    version: rises by one, modulo four, each time the slot becomes live again
///     bit 0       live; else withdrawn
struct FingerprintSlot {
    static let live: UInt64 = 1
    private static let versionMask: UInt64 = 0b110
    private static let keyMask: UInt64 = ~0b111

    /// Never 0: that is an empty slot.
    static func key(_ fingerprint: UInt64) -> UInt64 {
        let key = fingerprint & keyMask
        return key == 0 ? 0b1000 : key
    }

    let bits: UInt64

    var isEmpty: Bool { bits == 0 }
    var isLive: Bool { bits & FingerprintSlot.live != 0 }
    var version: UInt64 { (bits & FingerprintSlot.versionMask) >> 1 }

    func isOf(_ key: UInt64) -> Bool { bits & FingerprintSlot.keyMask == key }

    var withdrawn: FingerprintSlot { FingerprintSlot(bits: bits & ~FingerprintSlot.live) }

    /// The withdrawn slot, live again, under its next version.
    var revived: FingerprintSlot {
        let next = (bits &+ 0b010) & FingerprintSlot.versionMask
        return FingerprintSlot(bits: bits & FingerprintSlot.keyMask | next | FingerprintSlot.live)
    }
}

/// Open addressing with linear probing over a flat array of atomics, insert-only.
///
/// Invariants: 1. A slot that is not empty keeps its key until `clear`. 2. So a key has one slot: the
/// first on its probe sequence that was empty when it came, won by compare-and-swap.
///
/// Safe from any thread. A caller that goes on while `clear` runs may find its slot empty again.
///
/// A value, so that whoever looks for a key counts no references; all copies mean the same memory, which its owner, the
/// table, gives back with `unmap`.
// @unchecked: the memory is mapped for as long as the table lives, and every word of it is an atomic.
@safe struct FingerprintSlots: @unchecked Sendable {
    /// Where a key is, or would go.
    struct Place {
        /// Negative when the key is not there and there is no room for it within `probesMax` slots.
        var index: Int
        var slot: FingerprintSlot
    }

    /// At three quarters full a probe sequence of random keys never comes near this. Whoever chose keys to
    /// make long ones would have to know `multiplier`.
    private static let probesMax = 4096

    let count: Int
    private let slots: UnsafeMutablePointer<Atomic<UInt64>>
    private let multiplier: UInt64

    var bytes: Int { count * MemoryLayout<UInt64>.stride }

    /// Nil when the system has no memory for it. The memory costs nothing before it is populated or written to; then,
    /// where the system has large pages, soon all of it is resident.
    init?(count: Int, multiplier: UInt64) {
        precondition(count > 0)
        // Safety: an anonymous private mapping has no other owner; the result is checked.
        let memory = unsafe mmap(
            nil, count * MemoryLayout<UInt64>.stride, PROT_READ | PROT_WRITE,
            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
        guard let memory = unsafe memory, unsafe memory != MAP_FAILED else { return nil }
        // Slots are used all over it from the first event on: in large pages that takes a few hundred page faults
        // instead of one for nearly each event, and the processor finds each slot sooner. A hint.
        // Safety: the range is the new mapping.
        _ = unsafe madvise(memory, count * MemoryLayout<UInt64>.stride, MADV_HUGEPAGE)
        self.count = count
        self.multiplier = multiplier | 1
        // Safety: pages are zeroed, and an atomic word of zero bits is one that holds 0.
        unsafe slots = memory.bindMemory(to: Atomic<UInt64>.self, capacity: count)
    }

    /// Gives the memory back. No copy may be used any more.
    func unmap() {
        // Safety: mapped in init with this length; nobody uses it any more.
        _ = unsafe munmap(slots, bytes)
    }

    /// The first slot of a key's probe sequence.
    private func start(_ key: UInt64) -> Int {
        // By the secret multiplier, so that nobody can choose ids that crowd together.
        Int(truncatingIfNeeded: (key &* multiplier).multipliedFullWidth(by: UInt64(count)).high)
    }

    /// Begins to fetch the memory a key's slot is in.
    func touch(_ key: UInt64) {
        // Safety: start < count.
        unsafe prefetch(slots + start(key))
    }

    /// The key's slot, or the empty one it would get.
    func find(_ key: UInt64) -> Place {
        var index = start(key)
        for _ in 0..<min(count, FingerprintSlots.probesMax) {
            // Safety: index < count. Sequentially consistent, because one thread that looks here after
            // writing to another array races with one that does so the other way round.
            let bits = unsafe slots[index].load(ordering: .sequentiallyConsistent)
            let slot = FingerprintSlot(bits: bits)
            if slot.isEmpty || slot.isOf(key) { return Place(index: index, slot: slot) }
            index += 1
            if index == count { index = 0 }
        }
        return Place(index: -1, slot: FingerprintSlot(bits: 0))
    }

    /// Puts `desired` into the place if that is still as it was found.
    func replace(_ place: Place, with desired: FingerprintSlot) -> Bool {
        precondition(place.index >= 0 && place.index < count)
        // Safety: checked on the line before.
        return unsafe slots[place.index].compareExchange(
            expected: place.slot.bits, desired: desired.bits, ordering: .sequentiallyConsistent
        ).exchanged
    }

    /// Marks the key's slot as withdrawn, if it is live.
    func withdraw(_ key: UInt64) {
        while true {
            let place = find(key)
            guard place.index >= 0, !place.slot.isEmpty, place.slot.isLive else { return }
            if replace(place, with: place.slot.withdrawn) { return }
        }
    }

    /// Has the system provide the memory from byte `start` on, at most `amount` bytes, so that nobody waits for a page to
    /// be cleared on an event's way. Slots keep what they hold. Returns where to go on; `bytes` when all is there.
    func populate(from start: Int, amount: Int) -> Int {
        precondition(start >= 0 && amount > 0)
        guard start < bytes else { return bytes }
        let length = min(amount, bytes - start)
        // madvise(2), since Linux 5.14; where it is not known, pages come when they are needed.
        // Safety: the range lies within this mapping; its content stays.
        _ = unsafe madvise(UnsafeMutableRawPointer(slots) + start, length, FingerprintSlots.populateWrite)
        return start + length
    }

    /// MADV_POPULATE_WRITE, which the C library's header of Debian 12 may not have.
    private static let populateWrite: Int32 = 23

    /// Empties every slot, giving the memory back to the system until it is written to again.
    func clear() {
        // madvise(2): "subsequent accesses of pages in the range will succeed, but will result in …
        // zero-fill-on-demand pages for anonymous private mappings".
        // Safety: the range is this mapping.
        let failed = unsafe madvise(slots, bytes, MADV_DONTNEED)
        precondition(failed == 0, "madvise of an own mapping")
    }
}
