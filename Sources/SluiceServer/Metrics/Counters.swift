import Synchronization

/// A number that one thread counts up and any thread reads.
///
/// Invariant: only the owner writes, so that an addition is a load and a store without a locked bus.
package struct Counter: ~Copyable, Sendable {
    private let number = Atomic<Int>(0)

    package init() {}

    /// Owner thread only.
    package func add(_ amount: Int = 1) {
        number.store(number.load(ordering: .relaxed) &+ amount, ordering: .relaxed)
    }

    package var value: Int { number.load(ordering: .relaxed) }
}

/// A fixed number of counters with one owner, found by index.
///
/// Invariants: 1. only the owner adds. 2. `0..<count` are initialized from init to deinit.
// @unchecked: the storage is a raw pointer to atomics that lives as long as this object.
@safe package final class CounterArray: @unchecked Sendable {
    package let count: Int
    private let counters: UnsafeMutablePointer<Atomic<Int>>

    package init(count: Int) {
        precondition(count > 0)
        self.count = count
        // Safety: freed in deinit only; every element is initialized before the object is whole.
        unsafe counters = .allocate(capacity: count)
        for index in 0..<count { unsafe (counters + index).initialize(to: Atomic(0)) }
    }

    deinit {
        // Safety: invariant 2, and nobody else holds the object.
        unsafe counters.deinitialize(count: count)
        unsafe counters.deallocate()
    }

    /// Owner thread only.
    package func add(_ amount: Int = 1, at index: Int) {
        precondition(index >= 0 && index < count)
        // Safety: invariant 2 and the check on the line before.
        unsafe counters[index].store(counters[index].load(ordering: .relaxed) &+ amount, ordering: .relaxed)
    }

    package subscript(index: Int) -> Int {
        precondition(index >= 0 && index < count)
        // Safety: invariant 2 and the check on the line before.
        return unsafe counters[index].load(ordering: .relaxed)
    }
}
