import Foundation
import SluiceCore
import SluiceLog
import Synchronization

/// Commits blocks of events from one thread that stands for a shard.
struct LogFill {
    let codec: BlockCodec
    let eventsPerBlock: Int
    /// Blocks that may be with the log at once; 1: every block is a commit of its own.
    let blocksMax: Int
    private var samples = SampleEvents()

    init(codec: BlockCodec, eventsPerBlock: Int, blocksMax: Int) {
        self.codec = codec
        self.eventsPerBlock = eventsPerBlock
        self.blocksMax = blocksMax
    }

    /// Prints what was committed, in which time, and the CPU time of the log's thread.
    mutating func run(folder: String, events: Int, seconds: Double) throws {
        var configuration = LogConfiguration()
        configuration.compression = codec
        let log = try EventLog.open(folder: folder, configuration: configuration)
        let shard = BenchParker()
        let channel = ShardChannel(shard: 0, wakeShard: shard, capacity: blocksMax)
        let writer = log.makeWriter(channels: [channel], parker: BenchParker())
        let used = UsedCPU()
        let thread = Thread {
            writer.run()
            used.microseconds.store(Int(Measure.threadSeconds() * 1e6), ordering: .releasing)
        }
        thread.start()
        let bytesBefore = log.diskBytes()
        let started = Measure.seconds()
        let raw = commit(channel, shard, events: events, until: started + seconds)
        let elapsed = Measure.seconds() - started
        writer.stop()
        while !thread.isFinished { usleep(1000) }
        print(
            """
            {"events":\(raw.events),"seconds":\(elapsed),"bytes":\(raw.bytes),\
            "stored_bytes":\(log.stats.storedBytes.load(ordering: .relaxed)),\
            "disk_bytes":\(log.diskBytes() - bytesBefore),"commits":\(log.stats.commits.load(ordering: .relaxed)),\
            "log_cpu_seconds":\(Double(used.microseconds.load(ordering: .acquiring)) / 1e6)}
            """)
        log.close()
    }

    private mutating func commit(
        _ channel: ShardChannel, _ shard: BenchParker, events: Int, until end: Double
    ) -> (events: Int, bytes: Int) {
        var spare = (0..<blocksMax).map { _ in OpenBlock(capacity: eventsPerBlock * 512) }
        var (made, bytes, ticket) = (0, 0, UInt64(0))
        var isOver = false
        while !isOver || channel.blocksOut > 0 {
            isOver = made >= events || Measure.seconds() >= end
            while !isOver, let block = spare.popLast() {
                ticket += 1
                block.reset(ticket: ticket)
                let now = LogClock.system.wallMilliseconds()
                for _ in 0..<eventsPerBlock { samples.append(to: block, receivedMilliseconds: now) }
                made += eventsPerBlock
                bytes += block.payload.count
                let taken = channel.submit(block)
                precondition(taken, "the channel holds every block there is")
                isOver = made >= events || Measure.seconds() >= end
            }
            while let block = channel.takeReturned() {
                guard case .committed = block.commit else { fatalError("the log could not commit") }
                spare.append(block)
            }
            if channel.blocksOut > 0, isOver || spare.isEmpty { shard.park(milliseconds: 100) }
        }
        return (made, bytes)
    }
}

/// Handed from the log's thread to the one that prints.
private final class UsedCPU: Sendable {
    let microseconds = Atomic<Int>(0)
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
