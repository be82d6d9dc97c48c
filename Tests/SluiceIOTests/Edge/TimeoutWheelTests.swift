import SluiceIO
import Testing

@Suite struct TimeoutWheelTests {
    private func expired(_ wheel: inout TimeoutWheel, at now: Int64) -> [Int] {
        var found: [Int] = []
        while let index = wheel.popExpired(now: now) { found.append(index) }
        return found.sorted()
    }

    private func wheel(_ count: Int, now: Int64 = 1000) -> TimeoutWheel {
        var wheel = TimeoutWheel(now: now)
        for _ in 0..<count { wheel.grow() }
        return wheel
    }

    @Test func neverEarlyAndAtMostATickLate() {
        for deadline in stride(from: Int64(1001), to: 1200, by: 1) {
            var wheel = wheel(1)
            wheel.set(0, deadline: deadline)
            #expect(expired(&wheel, at: deadline - 1).isEmpty)
            #expect(expired(&wheel, at: deadline + 32) == [0])
            #expect(expired(&wheel, at: deadline + 64).isEmpty)
        }
    }

    @Test func aDeadlineThatMovesOnFiresOnceAtItsNewTime() {
        var wheel = wheel(1)
        wheel.set(0, deadline: 2000)
        for now in stride(from: Int64(1100), through: 5000, by: 100) {
            wheel.set(0, deadline: now + 1000)
            #expect(expired(&wheel, at: now).isEmpty)
        }
        #expect(expired(&wheel, at: 5999).isEmpty)
        #expect(expired(&wheel, at: 6032) == [0])
    }

    @Test func aDeadlineThatMovesUpFiresEarlier() {
        var wheel = wheel(2)
        wheel.set(0, deadline: 20_000)
        wheel.set(1, deadline: 20_000)
        wheel.set(0, deadline: 1500)
        #expect(expired(&wheel, at: 1600) == [0])
        #expect(expired(&wheel, at: 20_064) == [1])
    }

    @Test func deadlinesBeyondOneTurn() {
        var wheel = wheel(3)
        wheel.set(0, deadline: 100_000)
        wheel.set(1, deadline: 3_000_000)
        wheel.set(2, deadline: 100_000)
        wheel.remove(2)
        var found: [(Int64, Int)] = []
        var now: Int64 = 1000
        while now < 3_100_000 {
            now += Int64(wheel.untilNext(now: now) ?? 1_000_000) + 1
            while let index = wheel.popExpired(now: now) { found.append((now, index)) }
        }
        #expect(found.map(\.1) == [0, 1])
        #expect((100_000...100_040).contains(found[0].0))
        #expect((3_000_000...3_000_040).contains(found[1].0))
    }

    @Test func afterALongSleepAllAreFound() {
        var wheel = wheel(500)
        for index in 0..<500 { wheel.set(index, deadline: 1000 + Int64(index) * 97) }
        #expect(expired(&wheel, at: 90_000_000) == Array(0..<500))
        #expect(wheel.untilNext(now: 90_000_000) == nil)
    }

    @Test func againstAPlainList() {
        var random = SplitMix(state: 42)
        var wheel = wheel(50, now: 0)
        var plain = [Int64](repeating: .max, count: 50)
        var now: Int64 = 0
        for _ in 0..<20_000 {
            let index = Int(random.next() % 50)
            switch random.next() % 4 {
            case 0:
                plain[index] = .max
                wheel.remove(index)
            case 1:
                plain[index] = .max
                wheel.set(index, deadline: TimeoutWheel.never)
            default:
                plain[index] = now + 1 + Int64(random.next() % 60_000)
                wheel.set(index, deadline: plain[index])
            }
            now += Int64(random.next() % 90)
            while let found = wheel.popExpired(now: now) {
                #expect(plain[found] <= now, "seed 42")
                plain[found] = .max
            }
            for deadline in plain { #expect(deadline > now - 32, "seed 42") }
        }
    }
}

struct SplitMix: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
