import Foundation
import SluiceServer
import Testing

@Suite struct CheckReportTests {
    private func report(_ yaml: String, memory: Int = 64 << 30, descriptors: Int = 1 << 20) throws
        -> CheckReport
    {
        CheckReport(
            try ConfigurationLoader.parse(yaml, file: "c.yaml", options: .tests()), cores: 2,
            physicalMemoryBytes: memory, descriptorsMax: descriptors)
    }

    @Test func problemsAreListedOneALine() throws {
        let error = #expect(throws: ConfigurationError.self) {
            try ConfigurationLoader.parse("workers: x\nlisten: y\n", file: "c.yaml", options: .tests())
        }
        let report = CheckReport(try #require(error))
        #expect(!report.ok)
        #expect(
            report.text == """
                c.yaml:1:10: workers: 'x' is not a whole number
                c.yaml:2:9: listen: expected a list, found a single value

                """)
        let json =
            try JSONSerialization.jsonObject(with: Data(AdminJSON.encode(report).utf8)) as? [String: Any]
        #expect(json?["ok"] as? Bool == false)
        let problems = try #require(json?["problems"] as? [[String: Any]])
        #expect(problems.map { $0["key"] as? String } == ["workers", "listen"])
        #expect(problems[0]["line"] as? Int == 1)
    }

    @Test func aGoodConfigurationIsSummedUp() throws {
        let yaml = """
            sources: [{name: web, keys: [a, b], accounts: {kevel: 1}}]
            destinations: [{name: hook, platform: webhook, url: "https://x.test/secret-path?token=1", rate: 5/s}]
            limits: {body: 2MiB}
            """
        let report = try report(yaml)
        #expect(report.ok)
        let text = report.text
        #expect(text.hasPrefix("c.yaml: good\n"))
        #expect(text.contains("web     2 keys, kevel  committed"))
        #expect(text.contains("hook         webhook   https://x.test    100            4   5/s"))
        #expect(text.contains(try Regex("limits.body +2MiB  default 1MiB")))
        #expect(text.contains(try Regex("in all +[0-9.]+ GiB")))
        #expect(!text.contains("secret-path"))
        let summary = try #require(report.summary)
        #expect(summary.memoryBytes == summary.memory.reduce(0) { $0 + $1.bytes })
        #expect(summary.shards == 2)
        let json =
            try JSONSerialization.jsonObject(with: Data(AdminJSON.encode(report).utf8)) as? [String: Any]
        #expect((json?["summary"] as? [String: Any])?["memory_bytes"] as? Int == summary.memoryBytes)
    }

    @Test func whatTheMachineCannotGiveIsWarnedOf() throws {
        #expect(try report("").warnings == [])
        #expect(try report("", memory: 1 << 20).warnings.map(\.key) == ["limits"])
        // What nobody asked for is lowered without a word.
        #expect(try report("", descriptors: 1024).warnings == [])
        let named = "limits: {connections: 100000}"
        #expect(try report(named, descriptors: 1024).warnings.map(\.key) == ["limits.connections"])
        #expect(
            try report(named, descriptors: 1024).text.hasPrefix(
                "warning: c.yaml: limits.connections: may need 100104 "))
    }
}
