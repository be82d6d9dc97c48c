import Foundation
import Glibc
import Logging
import SluiceIO
import SluiceServer
import Testing

@Suite struct RunFileTests {
    @Test func `it says where the gateway listens, and goes with it`() throws {
        let folder = try TemporaryFolder()
        let file = RunFile(folder: folder.path)
        try file.write(
            listen: [
                ListenAddress(host: "127.0.0.1", port: 8080), ListenAddress(host: "::1", port: 8081),
            ], admin: ListenAddress(host: "127.0.0.1", port: 9090))
        let text = try Data(contentsOf: URL(fileURLWithPath: folder.path + "/run.json"))
        let content = try #require(JSONSerialization.jsonObject(with: text) as? [String: Any])
        #expect(content["pid"] as? Int == Int(getpid()))
        #expect(content["listen"] as? [String] == ["127.0.0.1:8080", "[::1]:8081"])
        #expect(content["admin"] as? String == "127.0.0.1:9090")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["run.json"])
        file.remove()
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == [])
    }

    @Test func `an earlier file is replaced`() throws {
        let folder = try TemporaryFolder()
        try "old".write(toFile: folder.path + "/run.json", atomically: true, encoding: .utf8)
        let file = RunFile(folder: folder.path)
        try file.write(listen: [], admin: ListenAddress(host: "h", port: 1))
        #expect(try String(contentsOfFile: file.path, encoding: .utf8).contains(#""admin":"h:1""#))
    }

    @Test func `a folder that is gone is named`() throws {
        let file = RunFile(folder: "/nonexistent-\(UUID().uuidString)")
        let failure = #expect(throws: RunFile.Failure.self) {
            try file.write(listen: [], admin: ListenAddress(host: "h", port: 1))
        }
        #expect(failure?.description.contains(file.path) == true)
        #expect(failure?.description.hasSuffix("No such file or directory") == true)
    }
}

@Suite struct LogWatchTests {
    @Test func `a log that cannot commit makes the gateway unready until it can`() throws {
        let sink = CapturedLines()
        let logger = Logger(label: "t") {
            SluiceLogHandler(label: $0, level: .info, format: .text, sink: sink, now: { 0 })
        }
        let rig = try ShardRig()
        defer { rig.stop() }
        let readiness = Readiness()
        readiness.enter(.running)
        let watch = LogWatch(rig.log.stats, readiness, TroubleLog(logger: logger), logger)
        watch.look()
        #expect(readiness.isReady)
        rig.gate.isFailing = true
        #expect(try rig.client().ask(post("/v1/events", click("1"))).status == 503)
        watch.look()
        watch.look()
        #expect(readiness.reasons.count == 1)
        #expect(readiness.reasons.first?.hasPrefix("log: cannot commit: ") == true)
        #expect(sink.all.count == 1, "the second look is not told of at once")
        #expect(sink.all.first?.contains("error t: the log cannot commit; events are answered 503") == true)
        rig.gate.isFailing = false
        #expect(eventually { !rig.log.stats.isFailing })
        watch.look()
        #expect(readiness.isReady)
    }
}
