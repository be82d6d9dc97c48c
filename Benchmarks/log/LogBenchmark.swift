import Foundation
import SluiceCore
import SluiceLog

/// Measures the log on the disk of the folder given: commits, reading for replay, opening.
///
///     scripts/bench-log [FOLDER] [MILLION EVENTS]
@main
enum LogBenchmark {
    static let eventsPerBlock = 2000

    static func main() throws {
        let arguments = CommandLine.arguments
        let parent = arguments.count > 1 ? arguments[1] : NSTemporaryDirectory()
        let folder = parent + "/sluice-bench-\(UUID().uuidString)"
        let events = (arguments.count > 2 ? Int(arguments[2]) ?? 10 : 10) * 1_000_000
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try fill(folder, events: events)
        try open(folder)
        try read(folder, through: "the delivery thread's reader") { log, body in
            let reader = log.makeReader()
            var next: Int64 = 1
            while let block = try reader.block(atOrAfter: next) {
                body(block.eventCount, block.payload.count)
                next = block.number + 1
            }
        }
        try lone(folder)
    }

    /// An event as a shop sends it, some 400 bytes.
    static func append(_ number: Int, to block: OpenBlock) {
        let id = "01989f4e-7c1a-7abc-8def-" + String(100_000_000_000 + number)
        block.payload.append(
            #"{"id":"\#(id)","type":"click","occurred_at":"2026-11-21T22:00:00.123Z","received_at":"2026-11-21T22:00:00.456Z","source":"shop-web","platform":"topsort","network":"topsort","session_id":"s-\#(number % 5000)","user":{"id":"u-\#(number % 20_000)"},"ad":{"id":"r-\#(number % 977)","placement_id":"home"},"placement":{"path":"/category/\#(number % 300)","position":\#(number % 20)},"context":{"page_url":"https://shop.example/p/\#(number % 4000)"}}"#
        )
        block.payload.append(0x0A)
        block.filterHashes.append(UInt64(truncatingIfNeeded: number) &* 0x9E37_79B9_7F4A_7C15)
        block.fingerprints.append(UInt64(truncatingIfNeeded: number) &* 0xBF58_476D_1CE4_E5B9)
        block.finishEvent(receivedMilliseconds: LogClock.system.wallMilliseconds())
    }

    static func fill(_ folder: String, events: Int) throws {
        var configuration = LogConfiguration()
        configuration.segmentBytes = 64 << 20
        let log = try EventLog.open(folder: folder, configuration: configuration)
        let waiter = BenchParker()
        let channel = ShardChannel(shard: 0, wakeShard: waiter, capacity: 8)
        let writer = log.makeWriter(channels: [channel], parker: BenchParker())
        let thread = Thread { writer.run() }
        thread.start()
        var spare = (0..<8).map { _ in OpenBlock(capacity: 1 << 20) }
        let started = now()
        var number = 0
        var ticket: UInt64 = 0
        while number < events || channel.blocksOut > 0 {
            while number < events, let block = spare.popLast() {
                ticket += 1
                block.reset(ticket: ticket)
                for _ in 0..<min(eventsPerBlock, events - number) {
                    append(number, to: block)
                    number += 1
                }
                precondition(channel.submit(block))
            }
            while let block = channel.takeReturned() { spare.append(block) }
            if spare.isEmpty { waiter.park(milliseconds: 100) }
        }
        let seconds = now() - started
        writer.stop()
        while !thread.isFinished { usleep(1000) }
        print(
            "filled \(events) events in \(two(seconds)) s, \(log.segmentCount) segments, \(log.diskBytes() >> 20) MiB,"
                + " \(log.stats.commits.load(ordering: .relaxed)) commits")
        log.close()
    }

    static func open(_ folder: String) throws {
        let started = now()
        let log = try EventLog.open(folder: folder)
        let seconds = now() - started
        print("opened a log with \(log.head.events) events in \(two(seconds * 1000)) ms")
        log.close()
    }

    static func read(
        _ folder: String, through name: String, _ body: (EventLog, (Int, Int) -> Void) throws -> Void
    ) throws {
        let log = try EventLog.open(folder: folder)
        var events = 0
        var bytes = 0
        let started = now()
        let cpu = cpuSeconds()
        try body(log) {
            events += $0
            bytes += $1
        }
        let used = cpuSeconds() - cpu
        print(
            "read through \(name): \(events) events, \(bytes >> 20) MiB in \(two(now() - started)) s;"
                + " \(two(Double(events) / used / 1_000_000)) million events a second of CPU; \(peakMegabytes()) MiB resident at most"
        )
        log.close()
    }

    /// Commits of one event each, as under low load.
    static func lone(_ folder: String) throws {
        let log = try EventLog.open(folder: folder)
        let waiter = BenchParker()
        let channel = ShardChannel(shard: 0, wakeShard: waiter, capacity: 2)
        let writer = log.makeWriter(channels: [channel], parker: BenchParker())
        let thread = Thread { writer.run() }
        thread.start()
        let block = OpenBlock(capacity: 4096)
        var parts: [String] = []
        for part in 0..<10 {
            let started = now()
            for number in 0..<1000 {
                block.reset(ticket: UInt64(part * 1000 + number + 1))
                append(number, to: block)
                precondition(channel.submit(block))
                while channel.takeReturned() == nil { waiter.park(milliseconds: 100) }
            }
            parts.append(two((now() - started) * 1000) + " us")
        }
        writer.stop()
        while !thread.isFinished { usleep(1000) }
        print("10,000 lone commits, mean of each thousand: \(parts.joined(separator: ", "))")
        log.close()
    }

    static func now() -> Double { Double(LogClock.system.monotonicMicroseconds()) / 1_000_000 }

    static func cpuSeconds() -> Double { Double(clock()) / Double(CLOCKS_PER_SEC) }

    static func peakMegabytes() -> Int {
        var usage = rusage()
        // Safety: the kernel fills the struct on this frame.
        unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return usage.ru_maxrss / 1024
    }

    static func two(_ value: Double) -> String { String(format: "%.2f", value) }
}

/// A parker on a condition variable.
// @unchecked: `isSignalled` is guarded by `condition`.
final class BenchParker: Parker, @unchecked Sendable {
    private let condition = NSCondition()
    private var isSignalled = false

    func wake() {
        condition.withLock {
            isSignalled = true
            condition.signal()
        }
    }

    func park(milliseconds: Int?) {
        condition.withLock {
            if !isSignalled {
                _ = condition.wait(until: Date(timeIntervalSinceNow: Double(milliseconds ?? 1000) / 1000))
            }
            isSignalled = false
        }
    }
}
