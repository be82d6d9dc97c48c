import Foundation
import SluiceSimulator
import Testing

/// `sluice demo`, as a user runs it.
@Suite(.serialized) struct DemoTests {
    private func start(_ folder: TemporaryFolder, _ arguments: [String]) throws -> GatewayProcess {
        try GatewayProcess(
            executable: TestGateway.binary, arguments: ["demo", "--dir", folder.path + "/demo"] + arguments,
            dataFolder: folder.path, logPath: folder.path + "/output")
    }

    @Test(.timeLimit(.minutes(2)))
    func `a bounded demo ends in balanced books and leaves nothing behind`() throws {
        let folder = try TemporaryFolder()
        let demo = try start(folder, ["--seconds", "4", "--rate", "300", "--json"])
        let end = demo.wait(timeoutMilliseconds: 90_000)
        #expect(end == .exited(code: 0), "\(demo.logTail())")
        let books = try #require(PlainJSON(Array(demo.logTail().utf8)), "\(demo.logTail())")
        #expect(books["balanced"] == .bool(true))
        #expect((books["acknowledged"]?.integer ?? 0) > 300)
        #expect(books["destinations"]?.elements?.count == 6)
        #expect(!FileManager.default.fileExists(atPath: folder.path + "/demo"))
    }

    @Test(.timeLimit(.minutes(2)))
    func `an interrupted demo settles, and shows plain lines where there is no terminal`() throws {
        let folder = try TemporaryFolder()
        let demo = try start(folder, ["--rate", "300", "--keep"])
        try eventually("the demo runs") { demo.logTail().contains("running") }
        demo.signal(SIGINT)
        #expect(demo.wait(timeoutMilliseconds: 90_000) == .exited(code: 0), "\(demo.logTail())")
        let output = demo.logTail()
        #expect(output.contains("The books balance"))
        #expect(!output.contains("\u{1B}"))
        #expect(FileManager.default.fileExists(atPath: folder.path + "/demo/sluice.yaml"))
    }

    @Test(.timeLimit(.minutes(1)))
    func `a folder that cannot be made is told in a sentence`() throws {
        let folder = try TemporaryFolder()
        let demo = try GatewayProcess(
            executable: TestGateway.binary, arguments: ["demo", "--dir", "/proc/nope"],
            dataFolder: folder.path, logPath: folder.path + "/output")
        #expect(demo.wait(timeoutMilliseconds: 30_000) == .exited(code: 1))
        let words = demo.logTail()
        #expect(words.contains("/proc/nope cannot be made: "))
        #expect(!words.contains("NSCocoaErrorDomain"))
    }
}
