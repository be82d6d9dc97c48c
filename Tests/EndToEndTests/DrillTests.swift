import Foundation
import Glibc
import SluiceSimulator
import Testing

/// `sluice drill`, as an operator runs it, in few rounds.
@Suite(.serialized) struct DrillTests {
    private func start(_ folder: TemporaryFolder, _ arguments: [String]) throws -> GatewayProcess {
        try GatewayProcess(
            executable: TestGateway.binary,
            arguments: ["drill"] + arguments + ["--dir", folder.path + "/drill", "--rate", "300"],
            dataFolder: folder.path, logPath: folder.path + "/output")
    }

    /// Runs a drill to its end; its ledger, which must balance.
    private func ledger(_ folder: TemporaryFolder, _ arguments: [String]) throws -> PlainJSON {
        let drill = try start(folder, arguments + ["--json"])
        let end = drill.wait(timeoutMilliseconds: 280_000)
        let output = drill.logTail()
        #expect(end == .exited(code: 0), "\(output)")
        let line = output.split(separator: "\n").last { $0.hasPrefix("{\"drill\"") } ?? ""
        let ledger = try #require(PlainJSON(Array(line.utf8)), "\(output)")
        #expect(ledger["balanced"] == .bool(true))
        #expect((ledger["acknowledged"]?.integer ?? 0) > 0)
        #expect(ledger["log"]?["missing"]?.integer == 0 && ledger["log"]?["twice"]?.integer == 0)
        #expect(ledger["fresh"]?.integer == 20)
        #expect(ledger["destinations"]?.elements?.count == 6)
        #expect(ledger["destinations"]?.elements?.allSatisfy { $0["missing"]?.integer == 0 } == true)
        #expect(!FileManager.default.fileExists(atPath: folder.path + "/drill"))
        return ledger
    }

    @Test(.timeLimit(.minutes(5)))
    func `kill -9 at random moments loses nothing`() throws {
        let folder = try TemporaryFolder()
        let ledger = try ledger(folder, ["crash", "--rounds", "3", "--seconds", "1"])
        #expect((ledger["restarts"]?.integer ?? 0) >= 3)
    }

    @Test(.timeLimit(.minutes(5)), arguments: [[], ["--limit-files"]])
    func `a full disk is answered with 503 and recovered from`(_ means: [String]) throws {
        let folder = try TemporaryFolder()
        let ledger = try ledger(folder, ["disk-full", "--rounds", "2", "--seconds", "1"] + means)
        #expect((ledger["refused_while_full"]?.integer ?? 0) >= 40)
        #expect(ledger["restarts"]?.integer == 0)
        if !means.isEmpty { #expect(ledger["means"]?.string == "file_size_limit") }
    }

    @Test(.timeLimit(.minutes(5)))
    func `platforms that are down get everything once they are back`() throws {
        let folder = try TemporaryFolder()
        let ledger = try ledger(folder, ["upstream-down", "--seconds", "1", "--quick"])
        #expect(ledger["outages"]?.elements?.count == 7)
    }

    @Test(.timeLimit(.minutes(2)))
    func `an interrupted drill leaves no process behind`() throws {
        let folder = try TemporaryFolder()
        let drill = try start(folder, ["crash", "--rounds", "1000", "--keep"])
        let run = folder.path + "/drill/data/run.json"
        func gateway() -> Int32? {
            FileManager.default.contents(atPath: run).flatMap { PlainJSON([UInt8]($0)) }?["pid"]?.integer
                .map { Int32(clamping: $0) }
        }
        try eventually("a gateway runs") { gateway() != nil }
        drill.signal(SIGINT)
        guard case .exited(let code)? = drill.wait(timeoutMilliseconds: 60_000) else {
            throw TestFailure("the drill goes on: \(drill.logTail())")
        }
        #expect(code != 0)
        // Whoever wrote the file last is gone; a number used again would be some other program's.
        if let last = gateway() {
            let command = FileManager.default.contents(atPath: "/proc/\(last)/cmdline") ?? Data()
            #expect(!String(decoding: command, as: UTF8.self).contains(folder.path))
        }
    }
}
