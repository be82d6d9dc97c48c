import SluiceIO
import Synchronization
import Testing

@Suite struct EventFDTests {
    @Test func aWakeBeforeParkingIsNotLost() throws {
        let event = try EventFD()
        event.wake()
        event.wake()
        event.park(milliseconds: nil)
        let before = MonotonicClock.nowMilliseconds
        event.park(milliseconds: 20)
        #expect(MonotonicClock.nowMilliseconds - before >= 19)
    }

    @Test func everyWakeIsSeenByAParkedThread() throws {
        let event = try EventFD()
        let work = Atomic<Int>(0)
        let done = Atomic<Int>(0)
        let shared = Shared(event: event)
        let thread = startThread(name: "sleeper") {
            while done.load(ordering: .acquiring) < 20_000 {
                done.store(work.load(ordering: .acquiring), ordering: .releasing)
                if done.load(ordering: .relaxed) < 20_000 { shared.event.park(milliseconds: nil) }
            }
        }
        for count in 1...20_000 {
            work.store(count, ordering: .releasing)
            event.wake()
        }
        thread.join()
        #expect(done.load(ordering: .relaxed) == 20_000)
    }

    @Test func aBusyConsumerIsToldWithoutAWrite() throws {
        let event = try EventFD()
        #expect(!event.takeSignal())
        event.wake()
        var poller = try Poller()
        try poller.add(event.descriptor, [.readable, .edgeTriggered], token: 9)
        #expect(poller.wait(milliseconds: 0) == 0)
        #expect(event.takeSignal())
        #expect(!event.takeSignal())
        event.wake()
        #expect(!event.arm())
        #expect(event.takeSignal())
        #expect(event.arm())
        event.wake()
        #expect(poller.wait(milliseconds: 1000) == 1)
        #expect(poller[0].token == 9)
        #expect(event.takeSignal())
        // Edge-triggered: what was reported is not reported again, though it was never read.
        #expect(poller.wait(milliseconds: 0) == 0)
    }

    @Test func timersExpireOnceAndCanBeStopped() throws {
        let timer = try TimerFD()
        var poller = try Poller()
        try poller.add(timer.descriptor, .readable, token: 1)
        timer.set(milliseconds: 1)
        #expect(poller.wait(milliseconds: 5000) == 1)
        timer.clear()
        #expect(poller.wait(milliseconds: 5) == 0)
        timer.set(milliseconds: 1)
        timer.set(milliseconds: nil)
        #expect(poller.wait(milliseconds: 20) == 0)
    }
}

private final class Shared: Sendable {
    let event: EventFD
    init(event: EventFD) { self.event = event }
}
