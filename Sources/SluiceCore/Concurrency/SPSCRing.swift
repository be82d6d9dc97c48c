import Synchronization

/// A bounded queue between one producing and one consuming thread, without a lock.
///
/// Invariants: 1. `head` is written by the consumer only, `tail` by the producer only.
/// 2. `tail - head` is the number of elements, at most `capacity`. 3. the slots from `head` up to
/// `tail` are initialized, all others are not.
// @unchecked: the storage is a raw pointer; invariant 1 and the acquire/release pairs order its use.
@safe package final class SPSCRing<Element: Sendable>: @unchecked Sendable {
    package let capacity: Int
    private let mask: Int
    private let slots: UnsafeMutablePointer<Element>
    private let head = Atomic<Int>(0)  // written by the consumer, read by both
    private let tail = Atomic<Int>(0)  // written by the producer, read by both

    /// - Parameter capacity: rounded up to a power of two, at least 2.
    package init(capacity: Int) {
        var size = 2
        while size < capacity { size *= 2 }
        self.capacity = size
        self.mask = size - 1
        // Safety: freed in deinit; slots are initialized by push before pop reads them.
        unsafe self.slots = .allocate(capacity: size)
    }

    deinit {
        while pop() != nil {}
        // Safety: all slots are uninitialized now, and nobody else holds the ring.
        unsafe slots.deallocate()
    }

    /// Producer only. False when the ring is full; the element is then not taken.
    package func push(_ element: Element) -> Bool {
        let place = tail.load(ordering: .relaxed)
        guard place &- head.load(ordering: .acquiring) < capacity else { return false }
        // Safety: the slot is free, invariant 3.
        unsafe (slots + (place & mask)).initialize(to: element)
        tail.store(place &+ 1, ordering: .releasing)
        return true
    }

    /// Consumer only. Nil when the ring is empty.
    package func pop() -> Element? {
        let place = head.load(ordering: .relaxed)
        guard place != tail.load(ordering: .acquiring) else { return nil }
        // Safety: the slot is filled, invariant 3; move leaves it uninitialized.
        let element = unsafe (slots + (place & mask)).move()
        head.store(place &+ 1, ordering: .releasing)
        return element
    }

    /// How many elements wait; exact only for a caller that is producer or consumer.
    package var count: Int {
        tail.load(ordering: .acquiring) &- head.load(ordering: .acquiring)
    }
}

/// Wakes one thread that may be asleep. Safe from any thread, cheap when it is awake.
package protocol Waker: AnyObject, Sendable {
    func wake()
}

/// Puts one thread to sleep until it is woken.
package protocol Parker: Waker {
    /// Sleeps until `wake()` was called since the last return, or `milliseconds` have passed
    /// (nil: no limit). May return early.
    func park(milliseconds: Int?)
}
