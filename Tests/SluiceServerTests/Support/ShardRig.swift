import Foundation
import SluiceCore
import SluiceIO
import SluiceLog
import SluiceServer
import Testing

/// A shard in a real event loop on a thread of its own, with a real log in a folder of its own.
final class ShardRig {
    let folder: TemporaryFolder
    let gate = CommitGate()
    let log: EventLog
    let loop: EdgeLoop
    let metrics: EdgeMetrics
    let port: UInt16
    private let writer: LogWriter
    private let logThread: JoinableThread
    private let edgeThread: JoinableThread
    private var isStopped = false

    /// - Parameters:
    ///   - sources: one open source called `local` when empty.
    ///   - wrap: puts something between the loop and the shard.
    init(
        sources: [SourceSettings] = [], limits: Limits = Limits(), hosts: [String: Platform] = [:],
        wrap: (Shard) -> any EdgeHandler = { $0 }
    ) throws {
        let sources = sources.isEmpty ? [SourceSettings.local] : sources
        folder = try TemporaryFolder()
        log = try EventLog.open(folder: folder.path + "/data", faults: gate.faults)
        let listener = try ListeningSocket.bind(ListenAddress(host: "127.0.0.1", port: 0), reusePort: false)
        port = listener.port
        let waker = try EventFD()
        let channel = ShardChannel(shard: 0, wakeShard: waker, capacity: Limits.blocksPerShard)
        metrics = EdgeMetrics(sourceNames: sources.map(\.name))
        let shard = Shard(
            sources: SourceTable(sources), channel: channel, metrics: metrics, limits: limits,
            hosts: HostTable(hosts), refusals: RefusalPort(perSecondMax: 100, desk: try EventFD()))
        loop = try EdgeLoop(
            listeners: [listener], limits: EdgeLimits(limits, shards: 1), waker: waker, handler: wrap(shard))
        shard.loop = loop
        let writer = log.makeWriter(channels: [channel], parker: try EventFD())
        self.writer = writer
        logThread = startThread(name: "test-log") { writer.run() }
        edgeThread = startThread(name: "test-edge") { shard.run() }
    }

    deinit { stop() }

    /// Drains the shard, then the log.
    func stop(drainMilliseconds: Int = 0) {
        guard !isStopped else { return }
        isStopped = true
        loop.requestDrain(deadlineMilliseconds: drainMilliseconds)
        edgeThread.join()
        gate.open()
        writer.stop()
        logThread.join()
        log.close()
    }

    func client() throws -> EdgeClient { try EdgeClient(port: port) }

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
    func waitForRequests(_ count: Int) -> Bool {
        eventually { loop.stats.requests.load(ordering: .relaxed) >= count }
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
