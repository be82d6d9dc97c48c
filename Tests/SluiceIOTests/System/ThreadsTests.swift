import SluiceIO
import Synchronization
import Testing

@Suite struct ThreadsTests {
    @Test func joinWaitsForTheBody() {
        let total = Atomic<Int>(0)
        let threads = (1...8).map { number in
            startThread(name: "adder-with-a-long-name-\(number)") {
                for _ in 0..<1000 { total.add(number, ordering: .relaxed) }
            }
        }
        for thread in threads { thread.join() }
        #expect(total.load(ordering: .relaxed) == 36_000)
    }

    @Test func pinsToAnAllowedCPU() {
        let allowed = CPUAffinity.allowed
        #expect(!allowed.isEmpty)
        let result = Mutex<(Bool, [Int])>((false, []))
        startThread(name: "pinned") {
            let pinned = CPUAffinity.pin(to: allowed[0])
            let now = CPUAffinity.allowed
            result.withLock { $0 = (pinned, now) }
        }.join()
        #expect(result.withLock { $0.0 })
        #expect(result.withLock { $0.1 } == [allowed[0]])
        #expect(!CPUAffinity.pin(to: -1))
    }

    @Test func clocksAgree() {
        let fine = MonotonicClock.nowMilliseconds
        let coarse = MonotonicClock.coarseMilliseconds
        #expect(abs(fine - coarse) < 1000)
        #expect(WallClock.nowMilliseconds > 1_700_000_000_000)
        #expect(abs(WallClock.nowMicroseconds / 1000 - WallClock.nowMilliseconds) < 1000)
    }
}
