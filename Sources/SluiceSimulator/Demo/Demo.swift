import Foundation
import Histogram
import SluiceIO

/// `sluice demo`: a real gateway between generated traffic and stand-ins, and the books at the end.
///
///     starting -> running -> settling -> account -> stopped
///
/// Ctrl-C while running ends the traffic; once more while settling ends the wait. The gateway is a
/// child process of the same binary, and never outlives the demo (see ``GatewayProcess``).
///
/// Owner: the main thread, whose signal mask `run` changes.
package struct Demo {
    private let options: DemoOptions

    package init(_ options: DemoOptions) { self.options = options }

    /// Runs the demo; returns the process's exit code: 0 only when the books balance, nothing is
    /// pending, nothing is missing and the gateway ended in order.
    package func run() throws(DemoError) -> Int32 {
        ProcessSignals.block()
        let folder = try DemoFolder(path: options.folder)
        var isClean = false
        defer {
            // What went wrong must stay for a look.
            if isClean, !options.keepsFolder { folder.remove() }
        }
        let cast = try DemoCast(allPlatforms: true)
        defer { cast.stop() }
        try folder.write(configuration: cast.configuration(data: folder.data))

        var display = DemoDisplay(isSilent: options.printsJSON)
        let (gateway, run) = try startGateway(folder)
        guard let address = run.listen.first, let admin = HTTPClient(address: run.admin) else {
            throw .noStatus(log: gateway.logTail())
        }
        if !options.printsJSON { display.print(greeting(run, folder)) }

        let traffic = makeTraffic(address: address, cast)
        traffic.start()
        let started = MonotonicClock.nowMilliseconds
        watch(traffic, admin, &display, since: started)
        traffic.stop()
        traffic.wait()
        let settled = settle(traffic, admin, &display, since: started)

        guard let status = settled else { throw .noStatus(log: gateway.logTail()) }
        let books = Books(
            figures: status, totals: traffic.totals, ledger: traffic.ledger, parties: cast.parties)
        let end = gateway.stop()
        isClean = books.isClean && end == .exited(code: 0)
        report(books, traffic.totals, end, folder, isClean: isClean, &display)
        return isClean ? 0 : 1
    }

    // MARK: The stages

    private func startGateway(
        _ folder: DemoFolder
    ) throws(DemoError) -> (GatewayProcess, GatewayProcess.Run) {
        do {
            let gateway = try GatewayProcess(
                executable: options.executable,
                arguments: ["serve", "--config", folder.configuration, "--stop-on-stdin-eof"],
                dataFolder: folder.data, logPath: folder.log)
            return (gateway, try gateway.waitUntilReady())
        } catch {
            throw .gateway(error)
        }
    }

    private func makeTraffic(address: String, _ cast: DemoCast) -> Traffic {
        var plan = TrafficPlan(address: address, key: cast.sourceKey, seed: options.seed)
        plan.accounts = cast.accounts
        plan.mix = cast.mix
        plan.resendShare = 0.01
        plan.eventsPerSecond = options.eventsPerSecond
        plan.seconds = options.seconds
        return Traffic(plan, ledger: TrafficLedger())
    }

    /// Until the traffic is over, or somebody asks for the end.
    private func watch(
        _ traffic: Traffic, _ admin: HTTPClient, _ display: inout DemoDisplay, since started: Int64
    ) {
        while !traffic.isOver {
            if ProcessSignals.waitForTermination(milliseconds: display.tickMilliseconds) != nil { return }
            if let status = GatewayFigures.fetch(admin) {
                display.show(figures("running", status, traffic.totals, since: started))
            }
        }
    }

    /// Waits until nothing is pending, within bounds; the last status read.
    private func settle(
        _ traffic: Traffic, _ admin: HTTPClient, _ display: inout DemoDisplay, since started: Int64
    ) -> GatewayFigures? {
        let deadline = MonotonicClock.nowMilliseconds + Int64(options.settleSeconds * 1000)
        var last: GatewayFigures?
        repeat {
            if let status = GatewayFigures.fetch(admin) {
                last = status
                display.show(figures("settling", status, traffic.totals, since: started))
                if status.isSettled, status.logEvents >= Int64(traffic.totals.acknowledged) { break }
            }
            if ProcessSignals.waitForTermination(milliseconds: 100) != nil { break }
        } while MonotonicClock.nowMilliseconds < deadline
        return last
    }

    private func figures(
        _ phase: String, _ status: GatewayFigures, _ totals: TrafficTotals, since started: Int64
    ) -> DemoFigures {
        DemoFigures(
            phase: phase, seconds: Double(MonotonicClock.nowMilliseconds - started) / 1000,
            received: status.received ?? status.logEvents, committed: status.logEvents,
            destinations: status.destinations,
            p50Microseconds: totals.acknowledgeMicroseconds.valueAtPercentile(50),
            p99Microseconds: totals.acknowledgeMicroseconds.valueAtPercentile(99))
    }

    // MARK: Words

    private func greeting(_ run: GatewayProcess.Run, _ folder: DemoFolder) -> [String] {
        [
            "sluice demo: gateway on \(run.listen.joined(separator: ", ")), admin on \(run.admin), "
                + "data in \(folder.data)",
            "traffic: \(Readable.oneDecimal(options.eventsPerSecond)) events/s, seed \(options.seed)"
                + (options.seconds.map { ", \(Readable.oneDecimal($0)) s" } ?? "; Ctrl-C ends it"),
        ]
    }

    private func report(
        _ books: Books, _ totals: TrafficTotals, _ end: ProcessEnd?, _ folder: DemoFolder, isClean: Bool,
        _ display: inout DemoDisplay
    ) {
        if options.printsJSON {
            display.print([books.json])
            return
        }
        let requests = totals.byStatus.sorted { $0.key < $1.key }
            .map { "\($0.key): \(Readable.count($0.value))" }.joined(separator: ", ")
        var lines = [
            "", "answers by status: \(requests)",
            "refused as they had to be: \(Readable.count(totals.refusedRightly)); "
                + "put off: \(Readable.count(totals.putOff)); without an answer: "
                + Readable.count(totals.errorCount),
        ]
        lines += books.lines
        if end != .exited(code: 0) {
            lines.append("! the gateway " + (end?.description ?? "did not stop and was killed"))
        }
        if options.keepsFolder || !isClean { lines.append("kept: \(folder.path)") }
        display.print(lines)
    }
}
