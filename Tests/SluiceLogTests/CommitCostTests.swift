import CSyncCounter
import Foundation
import SluiceCore
import Synchronization
import Testing

@testable import SluiceLog

/// What a commit costs the disk, counted and not timed.
@Suite struct CommitCostTests {
    /// Syncs of the log thread from its first look at a group to its publication.
    private final class SyncsPerCommit: Sendable {
        private let before = Atomic<Int64>(0)
        private let list = Mutex<[Int64]>([])

        var counts: [Int64] { list.withLock { $0 } }
        func begin() { before.store(csync_count(), ordering: .relaxed) }
        func end() { list.withLock { $0.append(csync_count() - before.load(ordering: .relaxed)) } }
    }

    @Test func aGroupCostsOneSyncHoweverManyShardsAreInIt() throws {
        let syncs = SyncsPerCommit()
        var faults = LogFaults()
        faults.beforeInsert = { _ in syncs.begin() }
        let folder = TemporaryFolder()
        var configuration = LogConfiguration()
        configuration.walBytes = 256 << 10
        let log = try EventLog.open(folder: folder.file("data"), configuration: configuration, faults: faults)
        let parkers = (0..<4).map { _ in TestParker() }
        let channels = (0..<4).map { ShardChannel(shard: $0, wakeShard: parkers[$0], capacity: 8) }
        let writer = log.makeWriter(channels: channels, parker: TestParker()) { _ in syncs.end() }
        let thread = TestThread { writer.run() }
        var groups = 0
        for round in 0..<100 {
            groups += 1
            for (shard, channel) in channels.enumerated() {
                let block = openBlock((0..<10).map { "\(round)-\(shard)-\($0)" }, ticket: UInt64(round + 1))
                #expect(channel.submit(block))
            }
            for (shard, channel) in channels.enumerated() {
                while channel.takeReturned() == nil { parkers[shard].park(milliseconds: 1000) }
            }
        }
        writer.stop()
        thread.join()
        #expect(log.stats.checkpoints.load(ordering: .relaxed) > 1, "the figures should cover checkpoints")
        log.close()
        // The first blocks of a round may be taken alone, the others then go together.
        #expect(syncs.counts.count >= groups && syncs.counts.count <= 4 * groups)
        #expect(syncs.counts.allSatisfy { $0 == 1 }, "\(syncs.counts)")
    }

    /// The write-ahead log, and with it what a commit or a reader has to search, stays as small as it was.
    @Test func tenThousandCommitsLeaveNothingBehindThatGrows() throws {
        var configuration = LogConfiguration()
        configuration.walBytes = 1 << 20
        let folder = TemporaryFolder(inMemory: true)
        let rig = try LogRig(folder: folder, configuration: configuration)
        rig.start()
        let wal = rig.log.folder.segment(firstBlock: 1) + "-wal"
        var largest: [Int64] = []
        for part in 0..<10 {
            var most: Int64 = 0
            for number in 0..<1000 {
                rig.commit(["\(part)-\(number)"])
                if number % 50 == 0 { most = max(most, FileCalls.size(wal) ?? 0) }
            }
            largest.append(most)
        }
        rig.stop()
        #expect(rig.log.head.events == 10_000)
        #expect(largest.allSatisfy { $0 <= Int64(configuration.walBytes * 2) }, "\(largest)")
        #expect(try #require(largest.last) <= largest[1] + 65_536, "\(largest)")
    }
}
