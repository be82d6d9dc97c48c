import Dispatch
import SluiceCore
import Synchronization
import Testing

@testable import SluiceLog

/// A small generator with a printed seed.
private struct Dice: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }
}

@Suite struct FingerprintTableTests {
    private func table(_ events: Int, age: Int = 1000) throws -> FingerprintTable {
        try #require(FingerprintTable(events: events, ageMilliseconds: age))
    }

    private func fingerprint(_ number: Int) -> UInt64 {
        var dice = Dice(seed: UInt64(number))
        return dice.next()
    }

    /// As a block's row holds them.
    private func stored(_ numbers: Range<Int>) -> [UInt8] {
        numbers.flatMap { number in
            let word = fingerprint(number)
            return (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * UInt64($0))) }
        }
    }

    @Test func `an event is known from its second coming on`() throws {
        let table = try table(1000)
        var allowance = FingerprintAllowance()
        for number in 0..<500 { #expect(table.insert(fingerprint(number), &allowance) == nil) }
        for number in 0..<500 { #expect(table.insert(fingerprint(number), &allowance) != nil) }
        #expect(table.insert(fingerprint(500), &allowance) == nil)
        #expect(table.entries == 501)
        #expect(table.overflow == 0)
    }

    /// The low bits say what became of the slot: fingerprints that have only such bits are remembered, too.
    @Test(arguments: [0, 1, 7, 8, UInt64.max])
    func `every fingerprint has a slot`(_ fingerprint: UInt64) throws {
        let table = try table(10)
        var allowance = FingerprintAllowance()
        #expect(table.insert(fingerprint, &allowance) == nil)
        #expect(table.insert(fingerprint, &allowance) != nil)
        table.withdraw(fingerprint)
        #expect(table.insert(fingerprint, &allowance) == nil)
    }

    @Test func `what is withdrawn is new again, in the same slot`() throws {
        let table = try table(1000)
        var allowance = FingerprintAllowance()
        for _ in 0..<10 {
            #expect(table.insert(42 << 8, &allowance) == nil)
            let sighting = try #require(table.insert(42 << 8, &allowance))
            #expect(table.isStillKnown(42 << 8, sighting))
            table.withdraw(42 << 8)
            #expect(!table.isStillKnown(42 << 8, sighting))
        }
        #expect(table.entries == 1)
        table.withdraw(43 << 8)  // never inserted
        #expect(table.insert(43 << 8, &allowance) == nil)
    }

    @Test func `a sighting is of one acceptance only`() throws {
        let table = try table(1000)
        var allowance = FingerprintAllowance()
        #expect(table.insert(1 << 20, &allowance) == nil)
        let first = try #require(table.insert(1 << 20, &allowance))
        table.withdraw(1 << 20)
        #expect(table.insert(1 << 20, &allowance) == nil)
        #expect(!table.isStillKnown(1 << 20, first))
        let second = try #require(table.insert(1 << 20, &allowance))
        #expect(table.isStillKnown(1 << 20, second))
    }

    @Test func `a full generation becomes the previous one, and the one before it is forgotten`() throws {
        let table = try table(100)
        var allowance = FingerprintAllowance()
        table.tend(now: 0)
        for number in 0..<100 { #expect(table.insert(fingerprint(number), &allowance) == nil) }
        #expect(table.rotations == 0)
        #expect(table.insert(fingerprint(100), &allowance) == nil)
        #expect(table.rotations == 1)
        // In the previous generation.
        #expect(table.insert(fingerprint(1), &allowance) != nil)
        table.tend(now: 1)
        for number in 101..<200 { #expect(table.insert(fingerprint(number), &allowance) == nil) }
        #expect(table.rotations == 2)
        #expect(table.insert(fingerprint(2), &allowance) == nil, "two rotations ago")
        // It came again between the rotations, and was remembered anew.
        #expect(table.insert(fingerprint(1), &allowance) != nil)
        #expect(table.insert(fingerprint(150), &allowance) != nil)
        #expect(table.overflow == 0)
    }

    @Test func `a sighting of the previous generation ends with it`() throws {
        let table = try table(10)
        var allowance = FingerprintAllowance()
        #expect(table.insert(fingerprint(0), &allowance) == nil)
        let sighting = try #require(table.insert(fingerprint(0), &allowance))
        for number in 1..<11 { _ = table.insert(fingerprint(number), &allowance) }
        #expect(table.rotations == 1)
        #expect(table.isStillKnown(fingerprint(0), sighting))
        table.tend(now: 1)
        for number in 11..<30 { _ = table.insert(fingerprint(number), &allowance) }
        #expect(table.rotations == 2)
        #expect(!table.isStillKnown(fingerprint(0), sighting))
    }

    /// A duplicate writes into the current generation before it looks into the previous one: what is
    /// withdrawn later must be gone from both.
    @Test func `a take-back reaches both generations`() throws {
        let table = try table(10)
        var allowance = FingerprintAllowance()
        for number in 0..<11 { #expect(table.insert(fingerprint(number), &allowance) == nil) }
        #expect(table.rotations == 1)
        let sighting = try #require(table.insert(fingerprint(3), &allowance))
        table.withdraw(fingerprint(3))
        #expect(!table.isStillKnown(fingerprint(3), sighting))
        #expect(table.insert(fingerprint(3), &allowance) == nil)
    }

    @Test func `where nothing is clean, events are taken and counted`() throws {
        let table = try table(10)
        var allowance = FingerprintAllowance()
        // Nobody tends it: after one rotation the next array still has to be cleaned.
        for number in 0..<20 { #expect(table.insert(fingerprint(number), &allowance) == nil) }
        #expect(table.rotations == 1)
        #expect(table.insert(fingerprint(20), &allowance) == nil)
        #expect(table.insert(fingerprint(20), &allowance) == nil, "not remembered")
        #expect(table.overflow == 2)
        #expect(table.insert(fingerprint(5), &allowance) != nil)
        #expect(table.insert(fingerprint(15), &allowance) != nil)
        table.tend(now: 1)
        #expect(table.insert(fingerprint(20), &allowance) == nil)
        #expect(table.rotations == 2)
        #expect(table.insert(fingerprint(20), &allowance) != nil)
    }

    @Test func `a generation is given up when it is old`() throws {
        let table = try table(1000, age: 100)
        var allowance = FingerprintAllowance()
        table.tend(now: 0)
        #expect(table.insert(fingerprint(0), &allowance) == nil)
        table.tend(now: 99)
        #expect(table.rotations == 0)
        table.tend(now: 100)
        #expect(table.rotations == 1)
        #expect(table.insert(fingerprint(1), &allowance) == nil)
        table.tend(now: 199)
        #expect(table.insert(fingerprint(1), &allowance) != nil)
        table.tend(now: 200)
        #expect(table.rotations == 2)
        #expect(table.insert(fingerprint(0), &allowance) == nil, "as old as two generations")
    }

    @Test func `an empty table has no age`() throws {
        let table = try table(1000, age: 100)
        var allowance = FingerprintAllowance()
        table.tend(now: 0)
        table.tend(now: 1_000_000)
        #expect(table.rotations == 0)
        #expect(table.insert(fingerprint(0), &allowance) == nil)
        table.tend(now: 1_000_001)
        #expect(table.rotations == 0)
    }

    @Test func `what is loaded is as old as it is`() throws {
        let table = try table(1000, age: 100)
        var allowance = FingerprintAllowance()
        #expect(stored(7..<8).withBytes { table.restore($0, &allowance) })
        table.restored(oldestMilliseconds: 90, now: 1000)
        table.tend(now: 1009)
        #expect(table.rotations == 0)
        table.tend(now: 1010)
        #expect(table.rotations == 1)
        var own = FingerprintAllowance()
        #expect(table.insert(fingerprint(7), &own) != nil)
    }

    @Test func `loading fills both generations and then stops`() throws {
        let table = try table(100)
        var allowance = FingerprintAllowance()
        func load(_ numbers: Range<Int>) -> Bool {
            stored(numbers).withBytes { table.restore($0, &allowance) }
        }
        #expect(load(0..<150))
        #expect(load(150..<200))
        #expect(!load(200..<210))
        #expect(table.entries == 200)
        var own = FingerprintAllowance()
        // The newest half is the current generation.
        #expect(table.insert(fingerprint(10), &own) != nil)
        #expect(table.insert(fingerprint(199), &own) != nil)
        #expect(table.insert(fingerprint(300), &own) == nil)
        #expect(table.rotations == 1)
        #expect(table.insert(fingerprint(10), &own) != nil)
    }

    @Test func `memory is three arrays of at most three quarters use`() throws {
        let table = try table(9000)
        #expect(table.bytes == FingerprintTable.bytes(events: 9000))
        #expect(table.bytes == 3 * 8 * (9000 + 3000 + 64))
    }
}

/// Threads that insert the same ids at the same time, and now and then take back what they inserted.
@Suite struct FingerprintTableRaceTests {
    private static let threads = 4
    private static let ids = 20_000

    /// Without take-backs and rotations, exactly one thread gets each id.
    @Test func `each id is accepted by one thread`() throws {
        let seed = UInt64.random(in: .min ... .max)
        let table = try #require(FingerprintTable(events: 1_000_000, ageMilliseconds: 1_000_000))
        let accepted = (0..<Self.ids).map { _ in Counter() }
        DispatchQueue.concurrentPerform(iterations: Self.threads) { thread in
            var dice = Dice(seed: seed &+ UInt64(thread))
            var allowance = FingerprintAllowance()
            for id in (0..<Self.ids).shuffled(using: &dice) {
                var hash = Dice(seed: UInt64(id))
                if table.insert(hash.next(), &allowance) == nil { accepted[id].add(1) }
            }
        }
        let wrong = accepted.indices.filter { accepted[$0].value != 1 }
        #expect(wrong.isEmpty, "seed \(seed): \(wrong.prefix(5))")
    }

    /// At each moment at most one acceptance of an id stands: with random take-backs, one more comes only
    /// after the one before it was taken back.
    @Test func `an id that is taken back is accepted once more`() throws {
        let seed = UInt64.random(in: .min ... .max)
        let table = try #require(FingerprintTable(events: 1_000_000, ageMilliseconds: 1_000_000))
        let standing = (0..<500).map { _ in Counter() }
        let broken = Counter()
        DispatchQueue.concurrentPerform(iterations: Self.threads) { thread in
            var dice = Dice(seed: seed &+ UInt64(thread))
            var allowance = FingerprintAllowance()
            for _ in 0..<50_000 {
                let id = Int.random(in: 0..<500, using: &dice)
                var hash = Dice(seed: UInt64(id))
                let fingerprint = hash.next()
                guard table.insert(fingerprint, &allowance) == nil else { continue }
                if standing[id].add(1) != 1 { broken.add(1) }
                if Int.random(in: 0..<3, using: &dice) != 0 {
                    // Before the table: from then on another thread may accept it.
                    standing[id].add(-1)
                    table.withdraw(fingerprint)
                }
            }
        }
        #expect(broken.value == 0, "seed \(seed)")
        var allowance = FingerprintAllowance()
        for id in 0..<500 {
            var hash = Dice(seed: UInt64(id))
            let isKnown = table.insert(hash.next(), &allowance) != nil
            #expect(isKnown == (standing[id].value == 1), "seed \(seed): id \(id)")
        }
    }

    /// While generations turn over, an id may be accepted twice, but an id that nobody accepted and that
    /// stands is never known: each sighting has an acceptance before it.
    @Test func `no id is known that nobody has accepted`() throws {
        let seed = UInt64.random(in: .min ... .max)
        let table = try #require(FingerprintTable(events: 2000, ageMilliseconds: 1_000_000))
        let accepted = (0..<Self.ids).map { _ in Counter() }
        let isOver = Atomic<Bool>(false)
        let tending = DispatchQueue(label: "tend")
        tending.async { while !isOver.load(ordering: .relaxed) { table.tend(now: 0) } }
        DispatchQueue.concurrentPerform(iterations: Self.threads) { thread in
            var allowance = FingerprintAllowance()
            // All threads in the same order, so that they meet at the same ids.
            for id in 0..<Self.ids {
                var hash = Dice(seed: seed &+ UInt64(id))
                if table.insert(hash.next(), &allowance) == nil { accepted[id].add(1) }
            }
        }
        isOver.store(true, ordering: .relaxed)
        tending.sync {}
        let lost = accepted.indices.filter { accepted[$0].value == 0 }
        #expect(lost.isEmpty, "seed \(seed): \(lost.prefix(5))")
        #expect(table.rotations > 0)
    }
}

private final class Counter: Sendable {
    private let count = Atomic<Int>(0)
    @discardableResult func add(_ amount: Int) -> Int { count.add(amount, ordering: .sequentiallyConsistent).newValue }
    var value: Int { count.load(ordering: .sequentiallyConsistent) }
}
