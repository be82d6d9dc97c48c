import SluiceCore
import SluiceServer
import Testing

/// Keys that are good but change nothing in this version are warned of, so that nobody relies on them.
@Suite struct ConfigurationWarningTests {
    /// For a gateway that serves native and Topsort only.
    private func warnings(_ yaml: String) throws -> [String] {
        try ConfigurationLoader.parse(
            yaml, file: "c.yaml", options: .tests(inbound: [.native, .topsort])
        )
        .warnings.map(\.description)
    }

    @Test(arguments: [
        (
            "sources: [{name: a, id: 7d0f3f0e-6f0b-4a53-9a6e-0c6c2f1f7f10}]",
            "c.yaml:1:25: sources[0].id: has no effect in this version: no platform it serves finds a source by its id"
        ),
        (
            "sources: [{name: a, lenient: true}]",
            "c.yaml:1:30: sources[0].lenient: has no effect in this version: events are checked in full"
        ),
        (
            "sources: [{name: a, keys: [k], accounts: {vtex: p}}]",
            "c.yaml:1:49: sources[0].accounts.vtex: has no effect in this version, which takes no events in the form of vtex yet"
        ),
    ])
    func `a key without effect is named`(yaml: String, warning: String) throws {
        #expect(try warnings(yaml) == [warning])
    }

    @Test func `a window that is longer than the log is named`() throws {
        #expect(
            try warnings("deduplicate: {age: 8d}") == [
                "c.yaml:1:20: deduplicate.age: is longer than log.retain.age (7d): after a restart only events that are still in the log are known"
            ])
    }

    @Test(arguments: [
        "log: {compression: zlib, segment: {size: 1MiB}, retain: {age: 8d, size: 1GiB, hard_size: 2GiB}}", "hosts: {}",
        "sources: [{name: a, lenient: false}]",
        "destinations: [{name: a, platform: webhook, url: 'https://x.test', ambiguous: retry, gpc: send}]",
    ])
    func `what happens anyway is not`(yaml: String) throws {
        #expect(try warnings(yaml) == [])
    }

    @Test func `check shows them`() throws {
        let configuration = try ConfigurationLoader.parse(
            "sources: [{name: a, lenient: true}]", file: "c.yaml", options: .tests(inbound: [.native, .topsort]))
        let report = CheckReport(
            configuration, cores: 1, physicalMemoryBytes: 64 << 30, descriptorsMax: 1 << 20)
        #expect(report.ok)
        #expect(report.warnings.map(\.key) == ["sources[0].lenient"])
        #expect(report.text.hasPrefix("warning: c.yaml:1:30: sources[0].lenient: has no effect"))
    }
}
