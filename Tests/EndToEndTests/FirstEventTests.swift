import Foundation
import SluiceSimulator
import Testing

/// What a newcomer does first: start it, and send an event with curl.
@Suite(.serialized) struct FirstEventTests {
    @Test(.timeLimit(.minutes(1)))
    func `an event sent with curl is in the log, readable with sqlite3 and zstd`() throws {
        let folder = try TemporaryFolder()
        // Everything at its default, apart from the ports.
        _ = try folder.write("sluice.yaml", "listen: [\"127.0.0.1:0\"]\nadmin: \"127.0.0.1:0\"\n")
        let process = try GatewayProcess(
            executable: TestGateway.binary, arguments: ["serve"], dataFolder: folder.path + "/sluice-data",
            logPath: folder.path + "/gateway.log", workingFolder: folder.path)
        let run = try process.waitUntilReady()
        let client = try #require(HTTPClient(address: run.listen[0]))

        let body = Array("{\"type\":\"click\",\"user\":{\"id\":\"u\"},\"ad\":{\"id\":\"a\"}}".utf8)
        let answer = try client.request(
            "POST", "/v1/events",
            headers: [
                ("User-Agent", "curl/7.88.1"), ("Accept", "*/*"),
                ("Content-Type", "application/x-www-form-urlencoded"),
            ], body: body)
        #expect(answer.status == 202)
        #expect(answer.header("sluice-acknowledge") == "committed")
        let document = try #require(PlainJSON(answer.body))
        #expect(document["accepted"]?.integer == 1)
        #expect(document["rejected"]?.elements?.isEmpty == true)

        #expect(process.stop() == .exited(code: 0))
        let lines = try LogOnDisk.lines(dataFolder: folder.path + "/sluice-data")
        #expect(lines.count == 1)
        let event = try #require(PlainJSON(Array(lines[0].utf8)))
        #expect(event["type"]?.string == "click")
        #expect(event["user"]?["id"]?.string == "u")
        #expect(event["ad"]?["id"]?.string == "a")
        #expect(event["platform"]?.string == "native")
        #expect(event["id"]?.string?.utf8.count == 36)
        #expect(event["received_at"]?.string.flatMap(PlainTime.milliseconds) != nil)
    }

    @Test(.timeLimit(.minutes(1)))
    func `a configuration that is wrong is refused with file and line`() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write("bad.yaml", "listen: [\"127.0.0.1:0\"]\nadmim: \"127.0.0.1:0\"\n")
        for command in ["serve", "check"] {
            let process = try GatewayProcess(
                executable: TestGateway.binary, arguments: [command, "--config", path],
                dataFolder: folder.path + "/data", logPath: "\(folder.path)/\(command).log")
            let end = try #require(process.wait(timeoutMilliseconds: 20_000))
            guard case .exited(let code) = end, code != 0 else {
                throw TestFailure("\(command) \(end)")
            }
            #expect(process.logTail().contains("bad.yaml:2"))
            #expect(process.logTail().contains("admim"))
        }
        #expect(!FileManager.default.fileExists(atPath: folder.path + "/data"))
    }
}
