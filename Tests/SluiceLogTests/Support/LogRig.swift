import Foundation
import SluiceCore
import Synchronization
import Testing

@testable import SluiceLog

/// A folder of its own that goes with the object.
final class TemporaryFolder: Sendable {
    let path: String

    /// - Parameter inMemory: on a file system without a disk, where there is one.
    init(inMemory: Bool = false) {
        let memory = "/dev/shm"
        let isThere = inMemory && FileManager.default.isWritableFile(atPath: memory)
        let parent = isThere ? memory : URL(fileURLWithPath: NSTemporaryDirectory()).path
        path = parent + "/sluice-log-" + UUID().uuidString
        try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func file(_ name: String) -> String { path + "/" + name }
}

/// Runs a program to its end. Copies are made this way because a file opened and closed in this
/// process would take SQLite's locks with it.
@discardableResult
func runProgram(
    _ arguments: [String], environment: [String: String] = [:], folder: String? = nil
) throws -> (status: Int32, output: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    if let folder { process.currentDirectoryURL = URL(fileURLWithPath: folder) }
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    let output = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: output, as: UTF8.self))
}

/// A parker on a condition variable.
final class TestParker: Parker, @unchecked Sendable {
    private let condition = NSCondition()
    private var isSignalled = false  // guarded by `condition`

    func wake() {
        condition.withLock {
            isSignalled = true
            condition.signal()
        }
    }

    func park(milliseconds: Int?) {
        condition.withLock {
            let limit = Date(timeIntervalSinceNow: Double(milliseconds ?? 600_000) / 1000)
            while !isSignalled {
                if !condition.wait(until: limit) { break }
            }
            isSignalled = false
        }
    }
}

/// A thread that can be waited for.
final class TestThread: Sendable {
    private let ended = DispatchSemaphore(value: 0)

    init(_ body: @escaping @Sendable () -> Void) {
        let ended = ended
        Thread.detachNewThread {
            body()
            ended.signal()
        }
    }

    func join() { ended.wait() }
}

/// A wall clock that only tests move; the monotonic clock is the real one.
final class TestClock: Sendable {
    let milliseconds = Atomic<Int64>(1_767_323_045_678)

    var clock: LogClock {
        LogClock(
            wallMilliseconds: { self.milliseconds.load(ordering: .relaxed) },
            monotonicMicroseconds: LogClock.system.monotonicMicroseconds)
    }

    func advance(seconds: Int64) { milliseconds.add(seconds * 1000, ordering: .relaxed) }
}

/// The line that stands for the event `id`.
func eventLine(_ id: String) -> String {
    #"{"id":"\#(id)","type":"click","source":"shop","user":{"id":"u-\#(id)"}}"#
}

func idHash(_ id: String) -> UInt64 { Array(id.utf8).withBytes { hash64($0) } }

/// A block a shard might have filled.
func openBlock(
    _ ids: [String], ticket: UInt64 = 1, receivedMilliseconds: Int64 = LogClock.system.wallMilliseconds()
) -> OpenBlock {
    let block = OpenBlock(capacity: 1024)
    block.reset(ticket: ticket)
    for id in ids {
        block.payload.append(eventLine(id))
        block.payload.append(0x0A)
        block.filterHashes.append(idHash(id))
        block.fingerprints.append(idHash("click " + id))
        block.finishEvent(receivedMilliseconds: receivedMilliseconds)
    }
    return block
}

/// An opened log with its writer and the channels of some shards.
final class LogRig {
    let folder: TemporaryFolder
    let log: EventLog
    let channels: [ShardChannel]
    let shardParkers: [TestParker]
    let parker = TestParker()
    let writer: LogWriter
    private var thread: TestThread?
    private var nextTicket: UInt64 = 1

    init(
        folder: TemporaryFolder = TemporaryFolder(), shards: Int = 1,
        configuration: LogConfiguration = LogConfiguration(), clock: LogClock = .system,
        faults: LogFaults = LogFaults()
    ) throws {
        self.folder = folder
        log = try EventLog.open(
            folder: folder.file("data"), configuration: configuration, clock: clock, faults: faults)
        let parkers = (0..<shards).map { _ in TestParker() }
        shardParkers = parkers
        channels = (0..<shards).map { ShardChannel(shard: $0, wakeShard: parkers[$0], capacity: 8) }
        let box = CommitBox()
        writer = log.makeWriter(channels: channels, parker: parker) { head in box.add(head) }
        self.box = box
    }

    private let box: CommitBox
    /// The heads `onCommit` was called with.
    var committedHeads: [LogHead] { box.heads }

    func start() {
        let writer = writer
        thread = TestThread { writer.run() }
    }

    /// Ends the writer and gives the folder up.
    func stop() {
        writer.stop()
        if let thread { thread.join() } else { writer.run() }
        thread = nil
        log.close()
    }

    /// Submits a block and waits for it to come back.
    @discardableResult
    func commit(
        _ ids: [String], shard: Int = 0, receivedMilliseconds: Int64 = LogClock.system.wallMilliseconds()
    ) -> BlockCommit {
        let block = openBlock(ids, ticket: nextTicket, receivedMilliseconds: receivedMilliseconds)
        nextTicket += 1
        #expect(channels[shard].submit(block))
        return waitReturned(shard: shard).commit
    }

    func waitReturned(shard: Int = 0) -> OpenBlock {
        while true {
            if let block = channels[shard].takeReturned() { return block }
            shardParkers[shard].park(milliseconds: 1000)
        }
    }

    /// Commits until it succeeds; for logs that fail for a while.
    func commitEventually(_ ids: [String]) -> Int64 {
        while true {
            if case .committed(let number) = commit(ids) { return number }
            Thread.sleep(forTimeInterval: 0.02)
        }
    }
}

private final class CommitBox: Sendable {
    private let list = Mutex<[LogHead]>([])
    var heads: [LogHead] { list.withLock { $0 } }
    func add(_ head: LogHead) { list.withLock { $0.append(head) } }
}

/// Waits until `condition` holds; fails the test when it does not within a minute.
func eventually(_ condition: () -> Bool, _ comment: Comment = "never came true") {
    for _ in 0..<6000 {
        if condition() { return }
        Thread.sleep(forTimeInterval: 0.01)
    }
    Issue.record(comment)
}

func ids(of block: EventBlock) -> [String] {
    (0..<block.eventCount).map { index in
        block.withEvent(index) { bytes in
            let line = bytes.string
            let id = line.dropFirst(7).prefix { $0 != "\"" }
            return line == eventLine(String(id)) ? String(id) : "unexpected: " + line
        }
    }
}

/// What a reader finds from block `start` on: blocks with their ids, and damage.
struct ReadResult {
    var blocks: [(number: Int64, firstEvent: Int64, ids: [String])] = []
    var damaged: [(number: Int64, eventCount: Int)] = []
    var ids: [String] { blocks.flatMap(\.ids) }
}

func readAll(_ source: any BlockSource, from start: Int64 = 1) throws(BlockSourceError) -> ReadResult {
    var result = ReadResult()
    var next = start
    while true {
        do throws(BlockSourceError) {
            guard let block = try source.block(atOrAfter: next) else { return result }
            result.blocks.append((block.number, block.firstEvent, ids(of: block)))
            precondition(block.number >= next, "a reader never goes back")
            next = block.number + 1
        } catch .damaged(let number, let eventCount, _) {
            precondition(number >= next, "a reader never goes back")
            result.damaged.append((number, eventCount))
            next = number + 1
        }
    }
}

func isCommitted(_ commit: BlockCommit, as number: Int64? = nil) -> Bool {
    if case .committed(let found) = commit { return number == nil || number == found }
    return false
}

extension DeliveryState {
    func save(cursors: [SluiceCore.Cursor], exceptions: [ExceptionalOutcome]) throws(DeliveryStateError) {
        try save(DeliveryChange(cursors: cursors, exceptions: exceptions))
    }
}
