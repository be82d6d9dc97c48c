import SluiceCore
import Synchronization

/// Under which acceptance a fingerprint was found: see ``FingerprintTable/isStillKnown(_:_:)``.
package struct FingerprintSighting: Sendable, Equatable {
    let generation: UInt64
    let version: UInt64
}

/// The right to fill some slots of one generation; each inserting thread has its own.
package struct FingerprintAllowance: Sendable {
    fileprivate var generation: UInt64 = 0
    fileprivate var left = 0

    package init() {}
}

/// Remembers which events were taken: at least the last `events` of them, or those of the last `age`,
/// whichever is fewer, and at most twice that.
///
///     generation   n-1 previous      n current       n+1 next
///                  read-only         filled          empty
///                  -- rotate: each moves one place to the left; the oldest is emptied and comes last --
///
/// Invariants: 1. Within a generation a fingerprint has one slot, so that of several threads that insert
/// it one gets `nil`, all others a sighting. 2. Whoever found it in the current generation first writes
/// there and then looks into the previous one; whoever withdraws goes from the older to the newer. So
/// either the one sees the other's, or the other way round: a withdrawn event is never taken for known
/// because of a slot that a later duplicate left behind. 3. The next generation is empty before it
/// becomes the current one. 4. Memory is fixed: three arrays, mapped once, never grown or freed.
///
/// Exact but for this: two threads that insert the same fingerprint for the first time within the
/// nanoseconds of a rotation may both get `nil`. Never do both get a sighting.
///
/// Shared by all shards, without a lock. `tend` belongs to the log thread.
// @unchecked: `upkeep` and `populated` belong to the log thread; everything else is atomic or immutable.
package final class FingerprintTable: @unchecked Sendable {
    /// Fingerprints each of the two generations holds.
    package let capacity: Int
    private let ageMilliseconds: Int64
    private let batch: Int
    // Three members instead of an array: members that never change need no reference count to look at. Unmapped in
    // deinit.
    private let slots0: FingerprintSlots
    private let slots1: FingerprintSlots
    private let slots2: FingerprintSlots

    private let generation = Atomic<UInt64>(FingerprintTable.firstGeneration)
    /// The newest generation whose array is empty or in use.
    private let prepared = Atomic<UInt64>(FingerprintTable.firstGeneration + 1)
    private let rotationCount = Atomic<Int>(0)
    private let overflowCount = Atomic<Int>(0)
    // Slots given out, by place of the array.
    private let taken0 = Atomic<Int>(0)
    private let taken1 = Atomic<Int>(0)
    private let taken2 = Atomic<Int>(0)

    /// How far the next generation's memory is provided.
    private var populated: (generation: UInt64, bytes: Int) = (0, 0)

    /// When the current generation began, by the clock of `tend`.
    private var upkeep: (generation: UInt64, since: Int64)?

    /// A multiple of three, so that generation and array agree; not the first of all, which has none before it.
    private static let firstGeneration: UInt64 = 3

    /// Bytes of all arrays together for so many events a generation.
    package static func bytes(events: Int) -> Int { 3 * slots(events: events) * MemoryLayout<UInt64>.stride }

    /// At most three quarters of the slots are used.
    private static func slots(events: Int) -> Int { events + events / 3 + 64 }

    /// Nil when the system has no memory for it.
    ///
    /// - Parameters:
    ///   - events: at least 1.
    ///   - ageMilliseconds: how long a generation is filled at most.
    package init?(events: Int, ageMilliseconds: Int) {
        precondition(events > 0 && ageMilliseconds > 0)
        capacity = events
        self.ageMilliseconds = Int64(ageMilliseconds)
        // One thread counts for so many at a time: the counter's cache line would be fought over.
        batch = max(1, min(256, events / 4096))
        let multiplier = UInt64.random(in: .min ... .max)
        var arrays: [FingerprintSlots] = []
        for _ in 0..<3 {
            guard
                let slots = FingerprintSlots(
                    count: FingerprintTable.slots(events: events), multiplier: multiplier)
            else {
                for slots in arrays { slots.unmap() }
                return nil
            }
            arrays.append(slots)
        }
        (slots0, slots1, slots2) = (arrays[0], arrays[1], arrays[2])
        _ = slots(FingerprintTable.firstGeneration).populate(from: 0, amount: .max)
    }

    deinit {
        for slots in [slots0, slots1, slots2] { slots.unmap() }
    }

    @inline(__always)
    private func slots(_ generation: UInt64) -> FingerprintSlots {
        switch generation % 3 {
        case 0: slots0
        case 1: slots1
        default: slots2
        }
    }

    // MARK: on an event's way

    /// Begins to fetch the memory that `insert` of this fingerprint looks at. Any thread.
    package func expect(_ fingerprint: UInt64) {
        let key = FingerprintSlot.key(fingerprint)
        let generation = generation.load(ordering: .relaxed)
        slots(generation).touch(key)
        slots(generation &- 1).touch(key)
    }

    /// Inserts the fingerprint: nil when it was not known, else the sighting of the one that was.
    ///
    /// Any thread, each with its own allowance.
    package func insert(
        _ fingerprint: UInt64, _ allowance: inout FingerprintAllowance
    ) -> FingerprintSighting? {
        let key = FingerprintSlot.key(fingerprint)
        while true {
            let generation = generation.load(ordering: .acquiring)
            let previous = slots(generation &- 1)
            // Both arrays' memory is on its way at the same time.
            previous.touch(key)
            switch place(key, in: generation, &allowance) {
            case .known(let version):
                return FingerprintSighting(generation: generation, version: version)
            case .placed(let version):
                let older = previous.find(key)
                guard older.slot.isLive else { return nil }
                return FingerprintSighting(generation: generation, version: version)
            case .full:
                // Looked at before the rotation, which would forget it.
                let older = previous.find(key)
                if older.slot.isLive {
                    return FingerprintSighting(generation: generation &- 1, version: older.slot.version)
                }
                if rotate(from: generation) { continue }
                if self.generation.load(ordering: .acquiring) != generation { continue }
                overflowCount.add(1, ordering: .relaxed)
                return nil
            case .crowded:
                overflowCount.add(1, ordering: .relaxed)
                return nil
            }
        }
    }

    private enum Placing {
        /// It was live.
        case known(version: UInt64)
        /// It is live now.
        case placed(version: UInt64)
        case full
        /// No room where it belongs.
        case crowded
    }

    private func place(
        _ key: UInt64, in generation: UInt64, _ allowance: inout FingerprintAllowance
    ) -> Placing {
        let slots = slots(generation)
        while true {
            let place = slots.find(key)
            guard place.index >= 0 else { return .crowded }
            if place.slot.isEmpty {
                guard reserve(generation, &allowance) else { return .full }
                guard slots.replace(place, with: FingerprintSlot(bits: key | FingerprintSlot.live)) else { continue }
                allowance.left -= 1
                return .placed(version: 0)
            }
            if place.slot.isLive { return .known(version: place.slot.version) }
            let revived = place.slot.revived
            if slots.replace(place, with: revived) { return .placed(version: revived.version) }
        }
    }

    /// Sees to it that the thread may fill a slot of the generation. False when that is full.
    private func reserve(_ generation: UInt64, _ allowance: inout FingerprintAllowance) -> Bool {
        if allowance.generation == generation, allowance.left > 0 { return true }
        let before = withTaken(generation) { taken in
            // Looked at first: a full generation's counter must not run away.
            let now = taken.load(ordering: .relaxed)
            return now >= capacity ? now : taken.add(batch, ordering: .relaxed).oldValue
        }
        guard before < capacity else { return false }
        allowance.generation = generation
        allowance.left = min(batch, capacity - before)
        return true
    }

    private func withTaken<R>(_ generation: UInt64, _ body: (borrowing Atomic<Int>) -> R) -> R {
        switch generation % 3 {
        case 0: body(taken0)
        case 1: body(taken1)
        default: body(taken2)
        }
    }

    /// Forgets a fingerprint that was inserted. Any thread.
    package func withdraw(_ fingerprint: UInt64) {
        let key = FingerprintSlot.key(fingerprint)
        let generation = generation.load(ordering: .sequentiallyConsistent)
        // From the older to the newer, invariant 2. The next one is looked through as well, because it may
        // have become the current one meanwhile.
        slots(generation &- 1).withdraw(key)
        slots(generation).withdraw(key)
        slots(generation &+ 1).withdraw(key)
    }

    /// Whether the event that was sighted is still the one that is known: it was not withdrawn meanwhile,
    /// nor taken anew after that. Any thread.
    package func isStillKnown(_ fingerprint: UInt64, _ sighting: FingerprintSighting) -> Bool {
        let now = generation.load(ordering: .acquiring)
        // A sighting in an array that was emptied since tells nothing.
        guard now &- sighting.generation <= 1 else { return false }
        let slot = slots(sighting.generation).find(FingerprintSlot.key(fingerprint)).slot
        return slot.isLive && slot.version == sighting.version
    }

    // MARK: rotation

    /// Makes the next generation the current one. False when that is not empty yet, or another thread was
    /// first.
    private func rotate(from generation: UInt64) -> Bool {
        guard prepared.load(ordering: .acquiring) > generation else { return false }
        let (isOurs, _) = self.generation.compareExchange(
            expected: generation, desired: generation + 1, ordering: .sequentiallyConsistent)
        if isOurs { rotationCount.add(1, ordering: .relaxed) }
        return isOurs
    }

    /// Rotates when the current generation is old enough, and empties the array that comes next. Costs a
    /// few loads when there is nothing to do. Log thread only.
    ///
    /// - Parameter milliseconds: of a clock that never goes back.
    package func tend(now milliseconds: Int64) {
        let current = generation.load(ordering: .acquiring)
        if upkeep?.generation != current || entries == 0 { upkeep = (current, milliseconds) }
        if let began = upkeep?.since, milliseconds - began >= ageMilliseconds, rotate(from: current) {
            upkeep = (current + 1, milliseconds)
        }
        let next = generation.load(ordering: .acquiring) + 1
        guard prepared.load(ordering: .relaxed) < next else { return populate(next) }
        slots(next).clear()
        withTaken(next) { $0.store(0, ordering: .relaxed) }
        prepared.store(next, ordering: .releasing)
    }

    /// Once the current generation is three quarters full, provides the next one's memory piece by piece, so that
    /// neither an event nor a commit waits for much of it. Log thread only.
    private func populate(_ next: UInt64) {
        guard taken(next &- 1) >= capacity - capacity / 4 else { return }
        if populated.generation != next { populated = (next, 0) }
        guard populated.bytes < slots(next).bytes else { return }
        populated.bytes = slots(next).populate(from: populated.bytes, amount: FingerprintTable.populatedAtOnce)
    }

    /// Two large pages: clearing them takes less than a millisecond.
    private static let populatedAtOnce = 4 << 20

    // MARK: after a start

    /// Inserts what the log holds, the newest first: into the current generation until it is full, then into
    /// the previous one. False when both are. Any thread, before the first `insert`.
    ///
    /// - Parameter fingerprints: unsigned 64-bit integers, little-endian.
    func restore(_ fingerprints: Bytes, _ allowance: inout FingerprintAllowance) -> Bool {
        let current = generation.load(ordering: .acquiring)
        let total = fingerprints.count / 8
        var target = allowance.generation == current &- 1 ? current &- 1 : current
        var first = 0
        while first < total {
            // Enough loads on their way at once to hide most of the memory's latency.
            let end = min(first + 32, total)
            for index in first..<end {
                slots(target).touch(FingerprintSlot.key(fingerprints.littleEndian(at: index)))
            }
            for index in first..<end {
                let key = FingerprintSlot.key(fingerprints.littleEndian(at: index))
                if case .full = place(key, in: target, &allowance) {
                    guard target == current else { return false }
                    target = current &- 1
                    if case .full = place(key, in: target, &allowance) { return false }
                }
            }
            first = end
        }
        return true
    }

    /// Says how old the oldest fingerprint is that `restore` inserted. Before the threads start.
    func restored(oldestMilliseconds: Int64, now milliseconds: Int64) {
        let age = min(max(0, oldestMilliseconds), ageMilliseconds)
        upkeep = (generation.load(ordering: .acquiring), milliseconds - age)
    }

    // MARK: figures

    /// Fingerprints that are remembered, within what the threads have reserved.
    package var entries: Int {
        let current = generation.load(ordering: .acquiring)
        return taken(current) + taken(current &- 1)
    }

    private func taken(_ generation: UInt64) -> Int {
        min(capacity, withTaken(generation) { $0.load(ordering: .relaxed) })
    }

    package var rotations: Int { rotationCount.load(ordering: .relaxed) }

    /// Events that were taken without being remembered, because the next generation was not empty yet.
    package var overflow: Int { overflowCount.load(ordering: .relaxed) }

    package var bytes: Int { slots0.bytes + slots1.bytes + slots2.bytes }
}

extension Bytes {
    /// The 64-bit integer at place `index` of a list of such.
    fileprivate func littleEndian(at index: Int) -> UInt64 {
        precondition(index >= 0 && (index + 1) * 8 <= count)
        // Safety: the eight bytes lie within the view, checked on the line before.
        return unsafe withUnsafePointer { start, _ in
            unsafe UInt64(littleEndian: UnsafeRawPointer(start + index * 8).loadUnaligned(as: UInt64.self))
        }
    }
}
