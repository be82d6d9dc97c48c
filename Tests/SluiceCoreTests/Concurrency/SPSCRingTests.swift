import Foundation
import SluiceCore
import Synchronization
import Testing

@Suite struct SPSCRingTests {
    @Test func isAQueue() {
        let ring = SPSCRing<Int>(capacity: 4)
        #expect(ring.pop() == nil)
        for round in 0..<10 {
            for value in 0..<4 { #expect(ring.push(round * 10 + value)) }
            #expect(!ring.push(99))
            #expect(ring.count == 4)
            for value in 0..<4 { #expect(ring.pop() == round * 10 + value) }
            #expect(ring.pop() == nil && ring.count == 0)
        }
    }

    @Test func capacityIsRoundedUp() {
        #expect(SPSCRing<Int>(capacity: 0).capacity == 2)
        #expect(SPSCRing<Int>(capacity: 5).capacity == 8)
        #expect(SPSCRing<Int>(capacity: 8).capacity == 8)
    }

    /// Counts how many of it live.
    private final class Counted: Sendable {
        let count: Shared
        init(_ count: Shared) {
            self.count = count
            count.value.add(1, ordering: .relaxed)
        }
        deinit { count.value.subtract(1, ordering: .relaxed) }
    }

    private final class Shared: Sendable {
        let value = Atomic<Int>(0)
    }

    @Test func releasesWhatItHolds() {
        let live = Shared()
        do {
            let ring = SPSCRing<Counted>(capacity: 4)
            for _ in 0..<3 { _ = ring.push(Counted(live)) }
            #expect(live.value.load(ordering: .relaxed) == 3)
            _ = ring.pop()
            #expect(live.value.load(ordering: .relaxed) == 2)
            for _ in 0..<5 { _ = ring.push(Counted(live)) }
            // Two were not taken, and are gone.
            #expect(live.value.load(ordering: .relaxed) == 4)
        }
        #expect(live.value.load(ordering: .relaxed) == 0)
    }

    /// One thread pushes, another pops: all arrive, in order, whole.
    @Test(arguments: [2, 8, 1024])
    func carriesEverythingBetweenTwoThreads(_ capacity: Int) {
        struct Item: Sendable {
            let number: Int
            let words: [Int]
        }
        let total = 200_000
        let ring = SPSCRing<Item>(capacity: capacity)
        let producer = Thread {
            var number = 0
            while number < total {
                if ring.push(Item(number: number, words: [number, ~number])) { number += 1 } else { sched_yield() }
            }
        }
        producer.start()
        var expected = 0
        var wrong = 0
        while expected < total {
            guard let item = ring.pop() else {
                sched_yield()
                continue
            }
            if item.number != expected || item.words != [expected, ~expected] { wrong += 1 }
            if ring.count > ring.capacity { wrong += 1 }
            expected += 1
        }
        #expect(wrong == 0)
        #expect(ring.pop() == nil)
    }
}
