import Foundation
import Glibc
import SluiceIO

/// How a process ended.
package enum ProcessEnd: Equatable, Sendable, CustomStringConvertible {
    case exited(code: Int32)
    case killed(signal: Int32)

    package var description: String {
        switch self {
        case .exited(let code): "exited with code \(code)"
        case .killed(let signal): "was killed by signal \(signal)"
        }
    }
}

/// A gateway that did not come up.
package enum GatewayError: Error, CustomStringConvertible {
    case cannotStart(SystemError)
    case ended(ProcessEnd, log: String)
    case notReady(log: String)

    /// For messages and counting.
    package var label: String {
        switch self {
        case .cannotStart: "cannot_start"
        case .ended: "ended"
        case .notReady: "not_ready"
        }
    }

    package var description: String {
        switch self {
        case .cannotStart(let error): "the gateway cannot be started: \(error)"
        case .ended(let end, let log): "the gateway \(end) before it was ready\n\(log)"
        case .notReady(let log): "the gateway did not become ready in time\n\(log)"
        }
    }
}

/// `sluice serve` as a child process.
///
/// Its process group is its own, so that a terminal's Ctrl-C does not reach it. Its standard input is
/// a pipe whose other end only this process holds: the kernel closes it when this process dies, no
/// matter how, and a gateway started with `--stop-on-stdin-eof` then ends, too.
///
/// Owner: one thread. Invariants: 1. `end` is nil exactly as long as the child was not reaped, so
/// `processID` then cannot belong to anyone else. 2. A child never outlives this object.
package final class GatewayProcess {
    /// Where the gateway listens, from `<data>/run.json`.
    package struct Run: Equatable, Sendable {
        package let processID: Int32
        package let listen: [String]
        package let admin: String
    }

    package let processID: Int32
    package let logPath: String
    private let runPath: String
    private var standardInput: Int32?
    private var end: ProcessEnd?

    /// Starts the binary; `waitUntilReady` says where it listens.
    ///
    /// - Parameters:
    ///   - executable: path of the `sluice` binary.
    ///   - arguments: behind the program's name.
    ///   - dataFolder: the configuration's `data`; its old `run.json` is removed first.
    ///   - logPath: gets standard output and standard error, appended.
    ///   - environment: `NAME=value`; nil: this process's own.
    package init(
        executable: String, arguments: [String], dataFolder: String, logPath: String,
        workingFolder: String? = nil, environment: [String]? = nil
    ) throws(GatewayError) {
        runPath = dataFolder + "/run.json"
        self.logPath = logPath
        // Safety: unlink reads the path, which Swift zero-terminates.
        _ = unsafe unlink(runPath)
        do throws(SystemError) {
            let child = try ChildProcess.spawn(
                executable: executable, arguments: arguments, outputPath: logPath,
                workingFolder: workingFolder, environment: environment)
            processID = child.processID
            standardInput = child.standardInput
        } catch {
            throw .cannotStart(error)
        }
    }

    deinit {
        if poll() == nil {
            kill(processID, SIGKILL)
            _ = reap(options: 0)
        }
        closeInput()
    }

    /// Waits until `run.json` of this very process is there and the public port answers.
    package func waitUntilReady(timeoutMilliseconds: Int = 15_000) throws(GatewayError) -> Run {
        let deadline = MonotonicClock.nowMilliseconds + Int64(timeoutMilliseconds)
        while MonotonicClock.nowMilliseconds < deadline {
            if let end = poll() { throw .ended(end, log: logTail()) }
            if let run = readRun(), run.processID == processID, let address = run.listen.first,
                let client = HTTPClient(address: address, timeoutMilliseconds: 2000),
                (try? client.request("GET", "/healthz"))?.status == 200
            {
                return run
            }
            ThreadSleep.sleep(milliseconds: 10)
        }
        throw .notReady(log: logTail())
    }

    /// Sends a signal, unless the process has ended.
    package func signal(_ number: Int32) {
        if poll() == nil { kill(processID, number) }
    }

    /// How the process ended; nil while it runs.
    package func poll() -> ProcessEnd? {
        if end == nil { end = reap(options: WNOHANG) }
        return end
    }

    /// Waits for the process to end; nil when it still runs after `timeoutMilliseconds`.
    package func wait(timeoutMilliseconds: Int) -> ProcessEnd? {
        let deadline = MonotonicClock.nowMilliseconds + Int64(timeoutMilliseconds)
        while true {
            if let end = poll() { return end }
            if MonotonicClock.nowMilliseconds >= deadline { return nil }
            ThreadSleep.sleep(milliseconds: 5)
        }
    }

    /// SIGTERM, then SIGKILL when it does not end in time; nil when it had to be killed.
    package func stop(timeoutMilliseconds: Int = 20_000) -> ProcessEnd? {
        signal(SIGTERM)
        if let end = wait(timeoutMilliseconds: timeoutMilliseconds) { return end }
        signal(SIGKILL)
        _ = wait(timeoutMilliseconds: 5000)
        return nil
    }

    /// Ends the child's standard input.
    package func closeInput() {
        if let standardInput { close(standardInput) }
        standardInput = nil
    }

    /// The last bytes of what the gateway said, at most 4 KiB.
    package func logTail() -> String {
        guard let data = FileManager.default.contents(atPath: logPath) else { return "" }
        return String(decoding: data.suffix(4096), as: UTF8.self)
    }

    private func reap(options: Int32) -> ProcessEnd? {
        var status: Int32 = 0
        var result: Int32
        repeat {
            // Safety: waitpid writes one Int32.
            result = unsafe waitpid(processID, &status, options)
        } while result < 0 && errno == EINTR
        guard result == processID else { return nil }
        // wait(2): the low seven bits are the signal, the next eight the exit code.
        let signal = status & 0x7F
        return signal == 0 ? .exited(code: status >> 8 & 0xFF) : .killed(signal: signal)
    }

    private func readRun() -> Run? {
        guard let data = FileManager.default.contents(atPath: runPath),
            let document = PlainJSON([UInt8](data)), let number = document["pid"]?.integer,
            let listen = document["listen"]?.elements?.compactMap(\.string),
            let admin = document["admin"]?.string
        else { return nil }
        return Run(processID: Int32(clamping: number), listen: listen, admin: admin)
    }
}
