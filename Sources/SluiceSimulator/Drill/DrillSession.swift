import Foundation
import Glibc
import SluiceIO

/// What every drill has: a real gateway as a child process, stand-ins of all platforms, traffic, and a
/// ledger of what the traffic was promised.
///
/// Owner: the main thread, with SIGINT and SIGTERM held back for `sleep`. Invariants: 1. No child outlives
/// the session (see ``GatewayProcess``; the kernel closes a child's input when this process is killed).
/// 2. `process` and `run` are those of the last `start`.
final class DrillSession {
    let options: DrillOptions
    let folder: DemoFolder
    let cast: DemoCast
    let ledger = TrafficLedger()
    private(set) var process: GatewayProcess?
    private(set) var run: GatewayProcess.Run?
    private(set) var traffic: Traffic?
    private(set) var restarts = 0
    private(set) var slowestStartMilliseconds: Int64 = 0
    private var starts = 0
    private let began = MonotonicClock.nowMilliseconds
    private let probeState: DrillProbe

    /// - Parameters:
    ///   - destinationOptions: see ``DemoCast/configuration(data:listen:admin:destinationOptions:)``.
    ///   - prepare: called with the folder before anything starts a thread.
    init(
        _ options: DrillOptions, destinationOptions: String = "", prepare: (DemoFolder) -> Void = { _ in }
    ) throws(DrillError) {
        ProcessSignals.block()
        self.options = options
        do throws(DemoError) {
            folder = try DemoFolder(path: options.folder)
            prepare(folder)
            cast = try DemoCast(allPlatforms: true)
            try folder.write(
                configuration: cast.configuration(data: folder.data, destinationOptions: destinationOptions))
        } catch {
            throw .demo(error)
        }
        probeState = DrillProbe(ledger: ledger, key: cast.sourceKey, seed: options.seed ^ 0x9806)
    }

    // MARK: The gateway

    /// Starts the gateway and waits until it takes requests; traffic goes to it from then on.
    func start() throws(DrillError) {
        let began = MonotonicClock.nowMilliseconds
        do throws(GatewayError) {
            try spawn()
        } catch {
            throw .gateway(error)
        }
        guard let process else { return }
        let deadline = began + Int64(options.patienceSeconds * 1000)
        while true {
            do throws(GatewayError) {
                run = try process.waitUntilReady(timeoutMilliseconds: 250)
                break
            } catch {
                guard case .notReady = error, MonotonicClock.nowMilliseconds < deadline else {
                    throw .gateway(error)
                }
            }
            try sleep(milliseconds: 1)
        }
        if starts > 1 {
            slowestStartMilliseconds = max(slowestStartMilliseconds, MonotonicClock.nowMilliseconds - began)
        }
        traffic?.redirect(to: address)
    }

    /// Starts the gateway without waiting for anything.
    func spawn() throws(GatewayError) {
        process = try GatewayProcess(
            executable: options.executable,
            arguments: ["serve", "--config", folder.configuration, "--stop-on-stdin-eof"],
            dataFolder: folder.data, logPath: folder.log)
        starts += 1
        restarts = starts - 1
    }

    /// SIGKILL: no farewell of any kind.
    func kill() throws(DrillError) {
        process?.signal(SIGKILL)
        let end = process?.wait(timeoutMilliseconds: 30_000)
        guard end == .killed(signal: SIGKILL) else {
            throw .stuck("the gateway ends by SIGKILL; it \(end.map(\.description) ?? "lives")", log: logTail)
        }
    }

    var address: String { run?.listen.first ?? "" }
    var logTail: String { process?.logTail() ?? "" }

    func figures() -> GatewayFigures? {
        guard let run, let admin = HTTPClient(address: run.admin, timeoutMilliseconds: 5000) else { return nil }
        return GatewayFigures.fetch(admin)
    }

    // MARK: Traffic

    /// Begins to send in all platforms' forms.
    func beginTraffic() {
        var plan = TrafficPlan(address: address, key: cast.sourceKey, seed: options.seed)
        plan.accounts = cast.accounts
        plan.mix = cast.mix
        plan.eventsPerSecond = options.eventsPerSecond
        let traffic = Traffic(plan, ledger: ledger)
        traffic.start()
        self.traffic = traffic
    }

    func endTraffic() {
        traffic?.stop()
        traffic?.wait()
    }

    /// Of the traffic and of single events.
    var totals: TrafficTotals {
        var sum = probeState.totals
        if let traffic { sum.add(traffic.totals) }
        return sum
    }

    var acknowledged: Int { totals.acknowledged }

    /// Sends one event of its own.
    func probe() -> DrillProbe.Answer { probeState.send(to: address) }

    // MARK: Time

    /// Sleeps, unless somebody wants the drill to end.
    func sleep(milliseconds: Int) throws(DrillError) {
        let deadline = MonotonicClock.nowMilliseconds + Int64(milliseconds)
        repeat {
            let left = max(deadline - MonotonicClock.nowMilliseconds, 0)
            if ProcessSignals.waitForTermination(milliseconds: Int(left)) != nil { throw .interrupted }
        } while MonotonicClock.nowMilliseconds < deadline
    }

    /// Waits until `condition` holds.
    func wait(for what: String, _ condition: () throws(DrillError) -> Bool) throws(DrillError) {
        let deadline = MonotonicClock.nowMilliseconds + Int64(options.patienceSeconds * 1000)
        while try !condition() {
            if let end = process?.poll() { throw .stuck("\(what); the gateway \(end)", log: logTail) }
            guard MonotonicClock.nowMilliseconds < deadline else { throw .stuck(what, log: logTail) }
            try sleep(milliseconds: 20)
        }
    }

    /// Says what happens.
    func say(_ text: String) {
        let seconds = Double(MonotonicClock.nowMilliseconds - began) / 1000
        let line = Data("[\(Readable.oneDecimal(seconds)) s] \(text)\n".utf8)
        try? (options.printsJSON ? FileHandle.standardError : .standardOutput).write(contentsOf: line)
    }

    // MARK: The end

    /// Ends the traffic, lets everything be delivered, sends fresh events, stops the gateway in order, reads
    /// its log, and draws up the ledger.
    func finish(_ drill: String) throws(DrillError) -> DrillLedger {
        endTraffic()
        say("traffic ends; \(Readable.count(acknowledged)) events acknowledged; delivering what is left")
        _ = try settled()
        let fresh = try sendFresh(20)
        guard let status = try settled() else { throw .demo(.noStatus(log: logTail)) }
        let end = process?.stop()
        var ledger = DrillLedger(
            drill: drill, seed: options.seed,
            books: Books(figures: status, totals: totals, ledger: ledger, parties: cast.parties),
            log: try DrillLog(dataFolder: folder.data, acknowledged: ledger.events.map(\.id)))
        ledger.putOff = totals.putOff
        ledger.restarts = restarts
        ledger.slowestStartMilliseconds = slowestStartMilliseconds
        ledger.fresh = fresh
        if end != .exited(code: 0) {
            ledger.otherProblems.append("the gateway " + (end?.description ?? "did not stop and was killed"))
        }
        return ledger
    }

    /// Waits until nothing is pending; the last status read, for the ledger to judge.
    private func settled() throws(DrillError) -> GatewayFigures? {
        let deadline = MonotonicClock.nowMilliseconds + Int64(options.patienceSeconds * 1000)
        var last: GatewayFigures?
        while MonotonicClock.nowMilliseconds < deadline {
            if let status = figures() {
                last = status
                if status.isSettled, status.logEvents >= Int64(acknowledged) { return status }
            }
            try sleep(milliseconds: 50)
        }
        return last
    }

    private func sendFresh(_ count: Int) throws(DrillError) -> Int {
        var taken = 0
        for _ in 0..<count {
            if case .taken = probe() { taken += 1 }
        }
        return taken
    }

    /// Prints the ledger; returns the process's exit code.
    func report(_ ledger: DrillLedger) -> Int32 {
        let text = options.printsJSON ? [ledger.json] : [""] + ledger.lines
        try? FileHandle.standardOutput.write(contentsOf: Data(text.map { $0 + "\n" }.joined().utf8))
        return ledger.isBalanced ? 0 : 1
    }

    /// Ends traffic and gateway, at once.
    func endChild() {
        endTraffic()
        process = nil
    }

    /// Ends everything. What went wrong stays for a look.
    func close(isClean: Bool) {
        endChild()
        cast.stop()
        if isClean, !options.keepsFolder {
            folder.remove()
        } else {
            say("kept: \(folder.path)")
        }
    }
}
