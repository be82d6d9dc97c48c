import Foundation
import Glibc
import SluiceSimulator
import Testing

/// With a shell in the gateway's place.
@Suite struct GatewayProcessTests {
    private let folder: String

    init() throws {
        folder = FileManager.default.temporaryDirectory.path + "/sluice-process-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    private func start(_ script: String, workingFolder: String? = nil) throws -> GatewayProcess {
        try GatewayProcess(
            executable: "/bin/sh", arguments: ["-c", script], dataFolder: folder,
            logPath: folder + "/log", workingFolder: workingFolder)
    }

    private func clean() { try? FileManager.default.removeItem(atPath: folder) }

    @Test func `the end is told with its code or signal`() throws {
        defer { clean() }
        #expect(try start("exit 7").wait(timeoutMilliseconds: 10_000) == .exited(code: 7))
        let killed = try start("kill -9 $$")
        #expect(killed.wait(timeoutMilliseconds: 10_000) == .killed(signal: SIGKILL))
        #expect(killed.poll() == .killed(signal: SIGKILL))
        killed.signal(SIGTERM)
    }

    @Test func `stop asks first`() throws {
        defer { clean() }
        let polite = try start("trap 'exit 0' TERM; echo up; while :; do sleep 0.05; done")
        while !polite.logTail().contains("up") { ThreadSleep.sleep(milliseconds: 5) }
        #expect(polite.stop() == .exited(code: 0))
        let deaf = try start("trap '' TERM; echo deaf; while :; do sleep 0.05; done")
        while !deaf.logTail().contains("deaf") { ThreadSleep.sleep(milliseconds: 5) }
        #expect(deaf.stop(timeoutMilliseconds: 200) == nil)
        #expect(deaf.poll() == .killed(signal: SIGKILL))
    }

    @Test func `standard input ends when asked, and with its owner`() throws {
        defer { clean() }
        let reader = try start("cat; echo over")
        #expect(reader.wait(timeoutMilliseconds: 50) == nil)
        reader.closeInput()
        #expect(reader.wait(timeoutMilliseconds: 10_000) == .exited(code: 0))
        #expect(reader.logTail().contains("over"))
    }

    @Test func `a child does not outlive its owner`() throws {
        defer { clean() }
        var child: GatewayProcess? = try start("sleep 100")
        let processID = try #require(child?.processID)
        #expect(kill(processID, 0) == 0)
        child = nil
        #expect(kill(processID, 0) == -1)
    }

    @Test func `it has a process group of its own, and the signals at their defaults`() throws {
        defer { clean() }
        let child = try start("sleep 100")
        #expect(getpgid(child.processID) == child.processID)
        #expect(getpgid(child.processID) != getpgrp())
    }

    @Test func `it starts where it is told to`() throws {
        defer { clean() }
        let child = try start("pwd", workingFolder: "/usr")
        #expect(child.wait(timeoutMilliseconds: 10_000) == .exited(code: 0))
        #expect(child.logTail() == "/usr\n")
    }

    @Test func `a child that ends early is an error with its words`() throws {
        defer { clean() }
        let child = try start("echo 'sluice.yaml:3: no such key'; exit 2")
        do {
            _ = try child.waitUntilReady()
            Issue.record("ready without a gateway")
        } catch {
            #expect(error.label == "ended")
            #expect(error.description.contains("no such key"))
        }
    }

    @Test func `a stale run file is not believed`() throws {
        defer { clean() }
        let stale = "{\"pid\":1,\"listen\":[\"127.0.0.1:1\"],\"admin\":\"127.0.0.1:1\"}"
        let child = try start("echo '\(stale)' > \(folder)/run.json; sleep 100")
        do {
            _ = try child.waitUntilReady(timeoutMilliseconds: 300)
            Issue.record("ready without a gateway")
        } catch {
            #expect(error.label == "not_ready")
        }
    }

    @Test func `ready is when the run file is its own and the port answers`() throws {
        defer { clean() }
        let server = try StandInServer(StandIn(HealthyPlatform()))
        defer { server.stop() }
        let address = "127.0.0.1:\(server.port)"
        let script = """
            echo '{"pid":'$$',"listen":["\(address)"],"admin":"127.0.0.1:2"}' > \(folder)/run.json
            sleep 100
            """
        let child = try start(script)
        let run = try child.waitUntilReady()
        #expect(run.processID == child.processID)
        #expect(run.listen == [address])
        #expect(run.admin == "127.0.0.1:2")
    }

    @Test func `a binary that is not there is an error`() {
        defer { clean() }
        #expect(throws: GatewayError.self) {
            try GatewayProcess(
                executable: "/nonexistent/sluice", arguments: [], dataFolder: folder,
                logPath: folder + "/log")
        }
    }
}

private struct HealthyPlatform: StandInPlatform {
    let name = "healthy"
    func judge(_ request: StandInRequest, nowMilliseconds: Int64) -> Judgement {
        .taken([], answer: StandInAnswer(status: request.path == "/healthz" ? 200 : 404))
    }
    func trouble(status: Int, message: String) -> StandInAnswer { StandInAnswer(status: status) }
}
