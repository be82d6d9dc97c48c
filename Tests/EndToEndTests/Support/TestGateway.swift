import Foundation
import Glibc
import SluiceSimulator

/// The built binary, in a folder of its own, between the demo's cast of stand-ins.
///
/// Owner: one test. Invariant: no child outlives it.
final class TestGateway {
    let folder: TemporaryFolder
    let cast: DemoCast
    let configuration: String
    private(set) var process: GatewayProcess
    private(set) var run: GatewayProcess.Run

    var data: String { folder.path + "/data" }
    var address: String { run.listen[0] }

    /// - Parameters:
    ///   - destinationOptions: see ``DemoCast/configuration(data:listen:admin:destinationOptions:)``.
    ///   - more: lines at the end of the configuration.
    init(destinationOptions: String = "", allPlatforms: Bool = false, more: String = "") throws {
        folder = try TemporaryFolder()
        cast = try DemoCast(allPlatforms: allPlatforms)
        configuration = try folder.write(
            "sluice.yaml",
            cast.configuration(data: folder.path + "/data", destinationOptions: destinationOptions) + more)
        process = try Self.start(folder, configuration)
        run = try process.waitUntilReady()
    }

    deinit {
        _ = process.stop(timeoutMilliseconds: 5000)
        cast.stop()
    }

    /// The binary that was built beside the tests; `SLUICE_BINARY` names another one.
    static var binary: String {
        if let path = ProcessInfo.processInfo.environment["SLUICE_BINARY"] { return path }
        let tests = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return URL(fileURLWithPath: tests).deletingLastPathComponent().path + "/sluice"
    }

    static func start(
        _ folder: TemporaryFolder, _ configuration: String, log: String = "gateway.log"
    ) throws -> GatewayProcess {
        try GatewayProcess(
            executable: binary, arguments: ["serve", "--config", configuration, "--stop-on-stdin-eof"],
            dataFolder: folder.path + "/data", logPath: "\(folder.path)/\(log)")
    }

    /// A second process on the same configuration and data, as somebody might start by mistake. Unlike
    /// a restart it leaves the first one's `run.json` alone.
    func startRival() throws -> GatewayProcess {
        try GatewayProcess(
            executable: Self.binary, arguments: ["serve", "--config", configuration],
            dataFolder: folder.path + "/nowhere", logPath: folder.path + "/rival.log")
    }

    /// SIGKILL: no farewell of any kind.
    func crash() throws {
        process.signal(SIGKILL)
        guard process.wait(timeoutMilliseconds: 10_000) == .killed(signal: SIGKILL) else {
            throw TestFailure("the gateway was not killed: \(process.logTail())")
        }
    }

    /// Starts anew on the same folder, after `crash` or `stop`.
    func restart() throws {
        process = try Self.start(folder, configuration)
        run = try process.waitUntilReady()
    }

    /// SIGTERM, and how it ended; nil when it had to be killed.
    func stop() -> ProcessEnd? { process.stop() }

    func client() throws -> HTTPClient {
        guard let client = HTTPClient(address: address, timeoutMilliseconds: 15_000) else {
            throw TestFailure("\(address) is no address")
        }
        return client
    }

    func figures() throws -> GatewayFigures {
        guard let admin = HTTPClient(address: run.admin), let figures = GatewayFigures.fetch(admin) else {
            throw TestFailure("the status cannot be read: \(process.logTail())")
        }
        return figures
    }

    /// The figures once nothing is pending and the log holds at least `events`.
    func settled(events: Int, timeoutMilliseconds: Int = 60_000) throws -> GatewayFigures {
        var last: GatewayFigures?
        for _ in 0..<timeoutMilliseconds / 50 {
            let figures = try figures()
            if figures.isSettled, figures.logEvents >= Int64(events) { return figures }
            last = figures
            ThreadSleep.sleep(milliseconds: 50)
        }
        throw TestFailure("still pending: \(String(describing: last)); \(process.logTail())")
    }

    func traffic(
        seed: UInt64, events: Int? = nil, eventsPerSecond: Double? = nil, mix: TrafficMix = TrafficMix()
    ) -> Traffic {
        var plan = TrafficPlan(address: address, key: cast.sourceKey, seed: seed)
        plan.connections = 4
        plan.eventsMax = events
        plan.eventsPerSecond = eventsPerSecond
        plan.mix = mix
        plan.resendShare = 0.02
        return Traffic(plan, ledger: TrafficLedger())
    }
}

/// Waits until `condition` holds, for at most 30 seconds.
func eventually(_ what: String, _ condition: () throws -> Bool) throws {
    for _ in 0..<1500 {
        if try condition() { return }
        ThreadSleep.sleep(milliseconds: 20)
    }
    throw TestFailure("never happened: \(what)")
}
