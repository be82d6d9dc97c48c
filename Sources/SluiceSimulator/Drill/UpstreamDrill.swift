import SluiceIO

/// A way in which a platform is down.
package enum Outage: String, CaseIterable, Sendable {
    /// Nobody listens.
    case refused
    case error503 = "503"
    /// Takes the connection and never answers.
    case hang
    case reset
    case limit429 = "429"

    /// Whether the gateway must stop sending for a while, apart from single probes. A 429 shows that the
    /// platform is there: its Retry-After is kept to instead.
    var opensBreaker: Bool { self != .limit429 }

    var fault: Fault? {
        switch self {
        case .refused: nil
        case .error503: .status(503)
        case .hang: .hang
        case .reset: .reset
        case .limit429: .rateLimit(limit: 100, retryAfterSeconds: 1)
        }
    }
}

/// `sluice drill upstream-down`: each platform in turn, and then all, go down under load and come back.
///
///     per outage: down -> its lag grows, its breaker opens, the others go on -> up -> breaker closed, lag gone
package struct UpstreamDrill {
    private struct Phase {
        let target: String
        let outage: Outage
        var pendingMax: Int64 = 0
        var lagSecondsMax = 0.0
        var opened = false
        var drainedMilliseconds: Int64 = 0
        var othersWentOn: Bool?
    }

    private let options: DrillOptions
    private let secondsDown: Double
    private let outages: [Outage]
    private let isQuick: Bool

    /// - Parameters:
    ///   - secondsDown: how long an outage lasts at least.
    ///   - isQuick: one outage for each platform and one for all, instead of every outage for each.
    package init(_ options: DrillOptions, outages: [Outage], secondsDown: Double, isQuick: Bool) {
        self.options = options
        self.outages = outages
        self.secondsDown = secondsDown
        self.isQuick = isQuick
    }

    /// The process's exit code: 0 only when the ledger balances.
    package func run() throws(DrillError) -> Int32 {
        // What hangs must be given up soon, and nothing may expire meanwhile.
        let session = try DrillSession(options, destinationOptions: ", timeout: 1s, retry: {for: 6h}")
        var isClean = false
        var switches = UpstreamSwitches(session.cast)
        defer {
            switches.stop()
            session.close(isClean: isClean)
        }
        let names = switches.names
        var plan: [(targets: [String], outage: Outage)] = []
        let targets = names.map { [$0] } + [names]
        for (place, target) in targets.enumerated() {
            let kinds = isQuick ? [outages[place % outages.count]] : outages
            plan += kinds.map { (target, $0) }
        }
        session.say(
            "upstream-down drill: \(plan.count) outages of at least \(Readable.oneDecimal(secondsDown)) s, "
                + "\(Readable.oneDecimal(options.eventsPerSecond)) events/s, seed \(options.seed)")
        try session.start()
        session.beginTraffic()
        try session.wait(for: "events are delivered everywhere") {
            session.figures()?.destinations.allSatisfy { $0.delivered > 0 } ?? false
        }
        var phases: [Phase] = []
        for (targets, outage) in plan {
            let phase = try run(targets, outage, session, &switches, isAll: targets.count > 1)
            phases.append(phase)
            session.say(
                "\(phase.target) \(outage.rawValue): \(Readable.count(phase.pendingMax)) events waited, lag "
                    + "\(Readable.oneDecimal(phase.lagSecondsMax)) s; back, and drained after "
                    + Readable.duration(microseconds: UInt64(phase.drainedMilliseconds) * 1000))
        }
        var ledger = try session.finish("upstream-down")
        ledger.details =
            [["down", "by", "waited", "lag", "breaker", "drained after", "others"]] + phases.map(Self.row)
        ledger.members = ["\"outages\":[\(phases.map(Self.json).joined(separator: ","))]"]
        isClean = ledger.isBalanced
        return session.report(ledger)
    }

    private func run(
        _ targets: [String], _ outage: Outage, _ session: DrillSession, _ switches: inout UpstreamSwitches,
        isAll: Bool
    ) throws(DrillError) -> Phase {
        var phase = Phase(target: isAll ? "all" : targets[0], outage: outage)
        guard let before = session.figures() else { throw .demo(.noStatus(log: session.logTail)) }
        switches.down(targets, outage)
        let end = MonotonicClock.nowMilliseconds + Int64(secondsDown * 1000)
        var opened: Set<String> = []
        try session.wait(for: "\(phase.target) \(outage.rawValue): events wait, and the others go on") {
            guard let now = session.figures() else { return false }
            for destination in now.destinations where targets.contains(destination.name) {
                phase.pendingMax = max(phase.pendingMax, destination.pending)
                phase.lagSecondsMax = max(phase.lagSecondsMax, destination.lagSeconds)
                if destination.breaker != "closed" { opened.insert(destination.name) }
            }
            let breakersAreRight = !outage.opensBreaker || opened.count == targets.count
            return MonotonicClock.nowMilliseconds >= end && phase.pendingMax > 0 && breakersAreRight
                && Self.wentOn(now, since: before, without: targets)
        }
        phase.opened = !opened.isEmpty
        phase.othersWentOn = isAll ? nil : true
        guard let atEnd = session.figures() else { throw .demo(.noStatus(log: session.logTail)) }
        try switches.up(targets, outage)
        let up = MonotonicClock.nowMilliseconds
        // Everything that had been accepted by then is settled, and the breakers are closed.
        try session.wait(for: "\(phase.target) \(outage.rawValue): what waited is delivered") {
            guard let now = session.figures() else { return false }
            return now.destinations.allSatisfy { destination in
                let then = atEnd.destinations.first { $0.name == destination.name }?.accepted ?? 0
                return !targets.contains(destination.name)
                    || (destination.breaker == "closed" && destination.accepted - destination.pending >= then)
            }
        }
        phase.drainedMilliseconds = MonotonicClock.nowMilliseconds - up
        return phase
    }

    /// Whether all others have settled everything that came before the outage, and more.
    private static func wentOn(
        _ now: GatewayFigures, since before: GatewayFigures, without targets: [String]
    ) -> Bool {
        now.destinations.allSatisfy { destination in
            guard !targets.contains(destination.name),
                let then = before.destinations.first(where: { $0.name == destination.name })
            else { return true }
            return destination.accepted - destination.pending > then.accepted && destination.delivered > then.delivered
        }
    }

    private static func row(_ phase: Phase) -> [String] {
        [
            phase.target, phase.outage.rawValue, Readable.count(phase.pendingMax),
            Readable.oneDecimal(phase.lagSecondsMax) + " s", phase.opened ? "opened, closed" : "closed",
            Readable.duration(microseconds: UInt64(phase.drainedMilliseconds) * 1000),
            phase.othersWentOn == nil ? "-" : "went on",
        ]
    }

    private static func json(_ phase: Phase) -> String {
        """
        {"down":"\(phase.target)","by":"\(phase.outage.rawValue)","waited":\(phase.pendingMax),\
        "lag_seconds":\(phase.lagSecondsMax),"breaker_opened":\(phase.opened),\
        "drained_ms":\(phase.drainedMilliseconds)}
        """
    }
}

/// Takes stand-ins down and brings them back where they were. Owner: one thread.
private struct UpstreamSwitches {
    private var servers: [(name: String, server: StandInServer)]

    init(_ cast: DemoCast) { servers = cast.servers }

    var names: [String] { servers.map(\.name) }

    func down(_ names: [String], _ outage: Outage) {
        for (name, server) in servers where names.contains(name) {
            if let fault = outage.fault {
                server.standIn.faults.play([FaultStep(fault)])
            } else {
                server.stop()
            }
        }
    }

    mutating func up(_ names: [String], _ outage: Outage) throws(DrillError) {
        for index in servers.indices where names.contains(servers[index].name) {
            let server = servers[index].server
            server.standIn.faults.clear()
            guard outage == .refused else { continue }
            do throws(ListenError) {
                servers[index].server = try StandInServer(server.standIn, port: server.port)
            } catch {
                throw .demo(.standIn(error))
            }
        }
    }

    func stop() {
        for (_, server) in servers { server.stop() }
    }
}
