import Logging
import SluiceCore
import SluiceDelivery
import SluiceIO
import SluiceLog

/// Every stage of the gateway, wired on one page.
///
///     EdgeLoop ── Shard ── ShardChannel ══> LogWriter ── segments, fsync
///        ^                      <══ commit ══╯  │ recent blocks, wake
///        ╰── answers released                   v
///                         BlockSource ── DeliveryEngine ── libcurl ── platforms
///                                             ╰── DeliveryState ── state.sqlite
///
/// Threads: one per shard, one for the log, one for delivery, one for questions about conversions
/// (`SubmissionDesk`), one for what was refused (`RefusalDesk`), a few for the admin port. They share
/// rings, atomics and immutable values; nothing on an event's way takes a lock.
package final class Pipeline {
    let configuration: Configuration
    package let log: EventLog
    let shards: [(loop: EdgeLoop, shard: Shard, metrics: EdgeMetrics)]
    let delivery: DeliveryEngine
    package let readiness = Readiness()
    /// Where the public edge listens, with actual ports.
    package let addresses: [ListenAddress]
    /// Which events were taken lately; nil where duplicates are taken like any other event.
    let fingerprints: FingerprintTable?
    /// What was remembered at the start, from the log.
    let fingerprintLoad: FingerprintLoad?
    private let writer: LogWriter
    private var edgeThreads: [JoinableThread] = []
    private var logThread: JoinableThread?
    private var deliveryThread: JoinableThread?
    private let desk: SubmissionDesk
    private var deskThread: JoinableThread?
    let refusals: RefusalDesk
    private var refusalThread: JoinableThread?
    let tails: TailDesk

    package init(_ configuration: Configuration, troubles: PipelineTroubles) throws {
        self.configuration = configuration
        let count = configuration.shards(cores: CPUAffinity.allowed.count)

        // The log: the folder's lock first, so that a second process ends here.
        log = try EventLog.open(folder: configuration.data, configuration: LogConfiguration(configuration))

        // Which events were taken lately, before anything is answered.
        (fingerprints, fingerprintLoad) = try Pipeline.loadFingerprints(configuration, log, threads: count)

        // The edge: one listener per shard and address, one channel to the log per shard.
        let listeners = try Pipeline.listen(configuration.listen, shards: count)
        addresses = listeners.addresses
        let sources = SourceTable(configuration.sources)
        let hosts = HostTable(configuration.hosts)
        let deskParker = try EventFD()
        let refusalParker = try EventFD()
        let wakers = try (0..<count).map { _ in try EventFD() }
        let barrier = DuplicateBarrier(wakers: wakers)
        var ports: [SubmissionPort] = []
        var refusalPorts: [RefusalPort] = []
        var shards: [(loop: EdgeLoop, shard: Shard, metrics: EdgeMetrics)] = []
        var channels: [ShardChannel] = []
        for index in 0..<count {
            let waker = wakers[index]
            let channel = ShardChannel(shard: index, wakeShard: waker, capacity: Limits.blocksPerShard)
            let metrics = EdgeMetrics(sourceNames: configuration.sources.map(\.name))
            let port = SubmissionPort(capacity: SubmissionDesk.capacity, shard: waker, desk: deskParker)
            let refusalPort = RefusalPort(
                perSecondMax: max(1, RefusalDesk.perSecondMax / count), desk: refusalParker)
            let shard = Shard(
                sources: sources, channel: channel, metrics: metrics, limits: configuration.limits,
                hosts: hosts, submissions: port, refusals: refusalPort, fingerprints: fingerprints, barrier: barrier)
            let loop = try EdgeLoop(
                listeners: listeners.byShard[index],
                limits: EdgeLimits(configuration.limits, shards: count), waker: waker, handler: shard)
            shard.loop = loop
            channels.append(channel)
            ports.append(port)
            refusalPorts.append(refusalPort)
            shards.append((loop, shard, metrics))
        }
        self.shards = shards

        // Delivery: opens its cursors now, so that every event committed from here on is due.
        // Until a destination's cursor is known, it needs whatever there is.
        let holds = log.holds
        for destination in configuration.destinations { holds.hold(destination.name, from: 0) }
        let state = try log.makeDeliveryState()
        var options = DeliveryOptions.sluice(log)
        options.onPositionSaved = { holds.hold($0, from: $1) }
        delivery = try DeliveryEngine(
            destinations: configuration.destinations.map { (DestinationConfiguration($0), Encoders.make(for: $0)) },
            blocks: log.makeReader(), state: state, options: options,
            replays: ReplayParts(log: log, store: state), onTrouble: troubles.delivery)

        // What became of a conversion is looked up apart from the shards.
        desk = SubmissionDesk(
            log: log, destinations: configuration.destinations, ports: ports, parker: deskParker)

        // What is refused is kept apart from the shards, too; who wants to watch reads what is there.
        refusals = RefusalDesk(
            ports: refusalPorts, sourceNames: configuration.sources.map(\.name),
            store: log.makeRefusalStore(state), parker: refusalParker)
        tails = TailDesk(log: log, configuration: configuration, refusals: refusals)

        // The log thread wakes delivery after each commit.
        let deliveryWaker = delivery.waker
        log.stateBell.attach { deliveryWaker.wake() }
        writer = log.makeWriter(
            channels: channels, parker: try EventFD(), fingerprints: fingerprints
        ) { _ in deliveryWaker.wake() }
    }

    /// Starts every thread; from here on events are taken.
    package func start() {
        logThread = startThread(name: "sluice-log") { [writer] in writer.run() }
        deliveryThread = startThread(name: "sluice-delivery") { [delivery] in delivery.run() }
        deskThread = startThread(name: "sluice-lookup") { [desk] in desk.run() }
        refusalThread = startThread(name: "sluice-refusals") { [refusals] in refusals.run() }
        edgeThreads = shards.enumerated().map { index, shard in
            startThread(name: "sluice-edge-\(index)") { [shard = shard.shard] in shard.run() }
        }
        readiness.enter(.running)
    }

    /// Ends in the order of an event's way, so that each stage can finish what the one before it gave
    /// it: no new connections, answers for what is in flight, commits, what is on its way upstream,
    /// cursors. Blocks until done, at most about `drainMilliseconds`.
    package func stop() {
        readiness.enter(.draining)
        let deadline = MonotonicClock.nowMilliseconds + Int64(configuration.drainMilliseconds)
        for shard in shards { shard.loop.requestDrain(deadlineMilliseconds: configuration.drainMilliseconds) }
        edgeThreads.forEach { $0.join() }
        desk.requestStop()
        deskThread?.join()
        refusals.requestStop()
        refusalThread?.join()
        writer.stop()
        logThread?.join()
        delivery.requestStop(
            deadlineMilliseconds: Int(max(0, deadline - MonotonicClock.nowMilliseconds)))
        deliveryThread?.join()
        tails.stop()
        log.close()
    }

    private static func loadFingerprints(
        _ configuration: Configuration, _ log: EventLog, threads: Int
    ) throws -> (FingerprintTable?, FingerprintLoad?) {
        guard let settings = configuration.deduplicate else { return (nil, nil) }
        guard
            let table = FingerprintTable(events: settings.events, ageMilliseconds: settings.ageMilliseconds)
        else { throw PipelineError.noMemoryForFingerprints(events: settings.events) }
        // Memory and the database's copying are what it waits for: more threads would not make it faster.
        let load = log.loadFingerprints(
            into: table, ageMilliseconds: settings.ageMilliseconds, threads: min(threads, 4))
        return (table, load)
    }

    private static func listen(
        _ endpoints: [Endpoint], shards: Int
    ) throws -> (byShard: [[ListeningSocket]], addresses: [ListenAddress]) {
        var byShard = [[ListeningSocket]](repeating: [], count: shards)
        var addresses: [ListenAddress] = []
        for endpoint in endpoints {
            let address = ListenAddress(host: endpoint.host, port: endpoint.port)
            let opened = try ListeningSocket.bindShards(address, count: shards)
            for (index, listeners) in opened.enumerated() { byShard[index] += listeners }
            addresses.append(ListenAddress(host: endpoint.host, port: opened[0][0].port))
        }
        return (byShard, addresses)
    }
}

/// What keeps the stages from being put together.
package enum PipelineError: Error, CustomStringConvertible {
    case noMemoryForFingerprints(events: Int)

    package var description: String {
        switch self {
        case .noMemoryForFingerprints(let events):
            "the system has no memory for the fingerprints of deduplicate.events (\(events)): \(ByteSize.rounded(FingerprintTable.bytes(events: events)))"
        }
    }
}
