import Foundation
import SluiceCore
import SluiceIO
import SluiceLog
import SluiceServer
import Testing

/// Shards in real event loops on threads of their own, with a real log in a folder of its own. Each shard
/// has a port of its own, so that a test chooses who gets what.
final class ShardRig {
    private struct Member {
        let loop: EdgeLoop
        let metrics: EdgeMetrics
        let port: UInt16
        let thread: JoinableThread
    }

    let folder: TemporaryFolder
    let gate = CommitGate()
    let log: EventLog
    let fingerprints: FingerprintTable?
    private let members: [Member]
    private let writer: LogWriter
    private let logThread: JoinableThread
    private var isStopped = false

    // The first shard's; most tests have no other.
    var loop: EdgeLoop { members[0].loop }
    var metrics: EdgeMetrics { members[0].metrics }
    var port: UInt16 { members[0].port }

    /// - Parameters:
    ///   - sources: one open source called `local` when empty.
    ///   - remembers: how many events a generation of known ones has; nil: duplicates are taken.
    ///   - wrap: puts something between the loop and the shard.
    init(
        sources: [SourceSettings] = [], limits: Limits = Limits(), hosts: [String: Platform] = [:],
        shards: Int = 1, remembers: Int? = 100_000, refusalsPerSecond: Int = 100,
        wrap: (Shard) -> any EdgeHandler = { $0 }
    ) throws {
        let sources = sources.isEmpty ? [SourceSettings.local] : sources
        folder = try TemporaryFolder()
        log = try EventLog.open(folder: folder.path + "/data", faults: gate.faults)
        fingerprints = remembers.flatMap { FingerprintTable(events: $0, ageMilliseconds: 3_600_000) }
        let wakers = try (0..<shards).map { _ in try EventFD() }
        let barrier = DuplicateBarrier(wakers: wakers)
        let sourceTable = SourceTable(sources)
        var channels: [ShardChannel] = []
        var parts: [(shard: Shard, loop: EdgeLoop, metrics: EdgeMetrics, port: UInt16)] = []
        for index in 0..<shards {
            let listener = try ListeningSocket.bind(ListenAddress(host: "127.0.0.1", port: 0), reusePort: false)
            let port = listener.port
            let channel = ShardChannel(
                shard: index, wakeShard: wakers[index], capacity: Limits.blocksPerShard)
            let metrics = EdgeMetrics(sourceNames: sources.map(\.name))
            let shard = Shard(
                sources: sourceTable, channel: channel, metrics: metrics, limits: limits,
                hosts: HostTable(hosts), refusals: RefusalPort(perSecondMax: refusalsPerSecond, desk: try EventFD()),
                fingerprints: fingerprints, barrier: barrier)
            let loop = try EdgeLoop(
                listeners: [listener], limits: EdgeLimits(limits, shards: 1), waker: wakers[index],
                handler: wrap(shard))
            shard.loop = loop
            channels.append(channel)
            parts.append((shard, loop, metrics, port))
        }
        let writer = log.makeWriter(channels: channels, parker: try EventFD(), fingerprints: fingerprints)
        self.writer = writer
        logThread = startThread(name: "test-log") { writer.run() }
        members = parts.map { part in
            let shard = part.shard
            return Member(
                loop: part.loop, metrics: part.metrics, port: part.port,
                thread: startThread(name: "test-edge") { shard.run() })
        }
    }

    deinit { stop() }

    /// Drains the shards, then the log.
    func stop(drainMilliseconds: Int = 0) {
        guard !isStopped else { return }
        isStopped = true
        drain(milliseconds: drainMilliseconds)
        for member in members { member.thread.join() }
        gate.open()
        writer.stop()
        logThread.join()
        log.close()
    }

    /// Asks every shard to end.
    func drain(milliseconds: Int) {
        for member in members { member.loop.requestDrain(deadlineMilliseconds: milliseconds) }
    }

    func client(_ shard: Int = 0) throws -> EdgeClient { try EdgeClient(port: members[shard].port) }

    /// Events of one kind, all shards together.
    func count(_ kind: EdgeMetrics.SourceCount, source: Int = 0) -> Int {
        members.reduce(0) { $0 + $1.metrics.count(kind, source: source) }
    }

    /// Every event committed so far, as it is stored.
    func lines() throws -> [String] {
        let reader = log.makeReader()
        var lines: [String] = []
        var next: Int64 = 1
        while let block = try reader.block(atOrAfter: next) {
            lines += (0..<block.eventCount).map { block.withEvent($0) { bytes in bytes.string } }
            next = block.number + 1
        }
        return lines
    }

    /// Every event committed so far, as an object.
    func events() throws -> [[String: Any]] {
        try lines().map { line in
            try #require(JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        }
    }

    /// Requests the shard has taken, those that stall left out.
    func waitForRequests(_ count: Int, shard: Int = 0) -> Bool {
        eventually { members[shard].loop.stats.requests.load(ordering: .relaxed) >= count }
    }
}

/// A native click with this id.
func click(_ id: String) -> String {
    #"{"id":"\#(id)","type":"click","user":{"id":"u"},"ad":{"id":"a"}}"#
}

extension SourceSettings {
    static func keyed(_ name: String, _ keys: String...) -> SourceSettings {
        var source = SourceSettings(name: name)
        source.keys = keys.map(Secret.init)
        return source
    }
}
