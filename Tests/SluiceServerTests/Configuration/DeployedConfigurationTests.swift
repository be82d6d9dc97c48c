import Foundation
import SluiceCore
import SluiceServer
import Testing

/// deploy/sluice.yaml is the documentation of the configuration, and this keeps it true.
@Suite struct DeployedConfigurationTests {
    private static func text() throws -> String {
        let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        let root = tests.deletingLastPathComponent().deletingLastPathComponent()
        return try String(contentsOf: root.appendingPathComponent("deploy/sluice.yaml"), encoding: .utf8)
    }

    /// Takes the "#" away from all lines that are not prose.
    private static func switchedOn() throws -> String {
        try text().split(separator: "\n", omittingEmptySubsequences: false).map { line in
            let isProse = line.hasPrefix("# ") && !line.hasPrefix("#  ") || line == "#"
            return line.hasPrefix("#") && !isProse ? String(line.dropFirst()) : String(line)
        }.joined(separator: "\n")
    }

    private static let environment = [
        "SHOP_WEB_KEY": "a", "TOPSORT_TOKEN": "b", "HOOK_SECRET": "c", "GOWIT_KEY": "d", "IMPACT_TOKEN": "e",
    ]

    @Test func asDeployedItEqualsTheDefaults() throws {
        let read = try ConfigurationLoader.parse(
            DeployedConfigurationTests.text(), file: nil, options: .tests())
        #expect(read == Configuration())
    }

    @Test func switchedOnItIsGoodAndShowsEveryDefault() throws {
        let options = ConfigurationOptions(
            environment: DeployedConfigurationTests.environment, outbound: Set(Platform.allCases), cores: 2,
            fileIsReadable: { _ in true })
        let read = try ConfigurationLoader.parse(
            DeployedConfigurationTests.switchedOn(), file: nil, options: options)
        #expect(read.sources.map(\.name) == ["shop-web", "kiosk"])
        #expect(Set(read.destinations.map(\.platform)) == Set(Platform.allCases).subtracting([.native]))
        // Where a key has a default, the example shows it.
        let shown = try #require(read.destinations.first)
        let standard = DestinationSettings(name: "topsort", platform: .topsort, url: shown.url)
        #expect(shown.batch == standard.batch)
        #expect(shown.concurrency == standard.concurrency)
        #expect(shown.timeoutMilliseconds == standard.timeoutMilliseconds)
        #expect(shown.retryForMilliseconds == standard.retryForMilliseconds)
        #expect(shown.ambiguous == standard.ambiguous)
        #expect(shown.privacy == standard.privacy)
        #expect(shown.start == standard.start)
        #expect(shown.events == EventType.allCases)
        let source = try #require(read.sources.first)
        let standardSource = SourceSettings(name: "shop-web")
        #expect(source.acknowledge == standardSource.acknowledge)
        #expect(source.lenient == standardSource.lenient)
        #expect(source.address == standardSource.address)
    }

    @Test func everyKeyIsShown() throws {
        let text = try DeployedConfigurationTests.switchedOn()
        let groups = [
            ConfigurationKeys.root, ConfigurationKeys.deduplicate, ConfigurationKeys.log, ConfigurationKeys.segment,
            ConfigurationKeys.retain,
            ConfigurationKeys.limits, ConfigurationKeys.source, ConfigurationKeys.retry,
            ConfigurationKeys.destination,
            Platform.allCases.flatMap {
                ConfigurationKeys.destination($0).required + ConfigurationKeys.destination($0).optional
            },
            ConfigurationKeys.accountPlatforms.map { "\($0.name)" },
        ]
        for key in Set(groups.joined()) {
            #expect(text.contains(try Regex("(^|[\\s{,-])\(key):").anchorsMatchLineEndings()), "\(key)")
        }
    }
}
