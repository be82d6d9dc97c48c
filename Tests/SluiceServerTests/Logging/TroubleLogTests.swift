import Logging
import SluiceServer
import Synchronization
import Testing

/// A clock that goes when it is told to.
final class ManualClock: Sendable {
    private let time = Atomic<Int64>(0)
    var now: Int64 { time.load(ordering: .relaxed) }
    func advance(_ milliseconds: Int64) { time.add(milliseconds, ordering: .relaxed) }
}

@Suite struct TroubleLogTests {
    private let sink = CapturedLines()
    private let clock = ManualClock()

    private func trouble() -> TroubleLog {
        let clock = clock
        let sink = sink
        let logger = Logger(label: "t") {
            SluiceLogHandler(label: $0, level: .info, format: .text, sink: sink, now: { 0 })
        }
        return TroubleLog(logger: logger, now: { clock.now })
    }

    private func messages() -> [String] {
        sink.all.map { String($0.dropFirst("1970-01-01T00:00:00.000Z ".count)) }
    }

    @Test func theFirstOfAKindIsLoggedAtOnceAndTheRestCounted() {
        let kind = trouble().kind("commit_failed")
        for _ in 0..<5 { kind.report("cannot commit", metadata: ["a": "b"]) }
        #expect(messages() == ["warning t: cannot commit a=b trouble=commit_failed"])
        clock.advance(9_999)
        kind.report("cannot commit")
        #expect(messages().count == 1)
        clock.advance(1)
        kind.report("cannot commit")
        #expect(messages().last == "warning t: cannot commit suppressed=5 trouble=commit_failed")
        #expect(kind.count == 7)
    }

    @Test func kindsDoNotHideEachOther() {
        let log = trouble()
        let first = log.kind("first")
        let second = log.kind("second", level: .error)
        first.report("x")
        second.report("y")
        first.report("x")
        #expect(messages() == ["warning t: x trouble=first", "error t: y trouble=second"])
    }

    @Test func whatWasLeftOutIsToldOfLater() {
        let log = trouble()
        let kind = log.kind("k")
        kind.report("x")
        kind.report("x")
        kind.report("x")
        log.flush()
        #expect(messages().count == 1)
        clock.advance(10_000)
        log.flush()
        #expect(messages().last == "warning t: more of the same suppressed=2 trouble=k")
        log.flush(all: true)
        #expect(messages().count == 2)
        kind.report("x")
        log.flush(all: true)
        #expect(messages().last == "warning t: more of the same suppressed=1 trouble=k")
    }

    @Test func everyLineSaysWhatTheKindIsAbout() {
        let log = trouble()
        let kind = log.kind("k", metadata: ["destination": "hook"])
        kind.report("x", metadata: ["a": "b"])
        kind.report("x")
        log.flush(all: true)
        #expect(
            messages() == [
                "warning t: x a=b destination=hook trouble=k",
                "warning t: more of the same destination=hook suppressed=1 trouble=k",
            ])
    }

    @Test func whatIsLeftOutIsNotEvenMade() {
        let kind = trouble().kind("k")
        var made = 0
        func text() -> String {
            made += 1
            return "x"
        }
        for _ in 0..<10 { kind.report(text()) }
        #expect(made == 1)
    }

    @Test func threadsTogetherLoseNoReport() async {
        let log = trouble()
        let kind = log.kind("k")
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<4 { group.addTask { for _ in 0..<1000 { kind.report("x") } } }
        }
        log.flush(all: true)
        let suppressed = messages().compactMap { line -> Int? in
            line.split(separator: " ").first { $0.hasPrefix("suppressed=") }.flatMap { Int($0.dropFirst(11)) }
        }
        #expect(messages().first == "warning t: x trouble=k")
        #expect(suppressed.reduce(0, +) == 3999)
    }
}
