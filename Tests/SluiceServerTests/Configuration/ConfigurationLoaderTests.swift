import Foundation
import SluiceCore
import SluiceServer
import Testing

/// Loads `yaml` as `c.yaml` and returns every problem as it is printed.
func problems(_ yaml: String, options: ConfigurationOptions = .tests()) -> [String] {
    do throws(ConfigurationError) {
        _ = try ConfigurationLoader.parse(yaml, file: "c.yaml", options: options)
        return []
    } catch {
        return error.problems.map(\.description)
    }
}

extension ConfigurationOptions {
    static func tests(
        _ environment: [String: String] = [:],
        inbound: Set<Platform> = [.native, .topsort, .gowit, .vtex, .kevel, .impact],
        outbound: Set<Platform> = [.topsort, .webhook],
        ambiguous: Set<AmbiguousPolicy> = [.retry], privacy: Set<PrivacyPolicy> = [.send], cores: Int = 2
    ) -> ConfigurationOptions {
        ConfigurationOptions(
            environment: environment, inbound: inbound, outbound: outbound, ambiguous: ambiguous, privacy: privacy,
            cores: cores, fileIsReadable: { $0 == "/ca.pem" })
    }
}

@Suite struct ConfigurationLoaderTests {
    @Test(arguments: ["", "\n", "# nothing\n"])
    func withoutContentTheDefaultsHold(yaml: String) throws {
        let configuration = try ConfigurationLoader.parse(yaml, file: nil, options: .tests())
        #expect(configuration == Configuration())
        #expect(configuration.listen.map(\.description) == ["127.0.0.1:8080"])
        #expect(configuration.sources.map(\.name) == ["local"])
        #expect(configuration.destinations.isEmpty)
    }

    @Test func deduplicationCanBeSwitchedOff() throws {
        let read = try ConfigurationLoader.parse("deduplicate: off", file: nil, options: .tests())
        #expect(read.deduplicate == nil)
        #expect(try ConfigurationLoader.parse("deduplicate: {}", file: nil, options: .tests()) == Configuration())
    }

    @Test func everyKeyIsRead() throws {
        let yaml = """
            listen: ["0.0.0.0:80", "[::1]:81"]
            admin: localhost:9999
            data: /srv/events
            workers: 3
            acknowledge: received
            drain: 1m30s
            log_format: json
            log_level: debug
            log:
              compression: zlib
              segment: {size: 64MB, age: 10m}
              retain: {age: 30d, size: 1TiB, hard_size: 2TiB}
            deduplicate: {age: 6h, events: 20000}
            limits:
              body: 2MiB
              inflated: 4MiB
              head: 8KiB
              connections: 5000
              head_timeout: 1s
              body_timeout: 2s
              idle_timeout: 3s
              pipelined: 7
              receive_memory: 100MiB
              answer_memory: 10MiB
              recent_blocks: 12MiB
            hosts: {Events.Shop.Example: topsort}
            sources:
              - name: web
                id: 7D0F3F0E-6f0b-4a53-9a6e-0c6c2f1f7f10
                keys: [one, "${KEY}"]
                accounts: {gowit: m-1, vtex: pub-1, kevel: 123, impact: IRsid1}
                origins: ["https://Shop.example", "http://localhost:3000"]
                acknowledge: committed
                lenient: true
                ip: drop
              - {name: kiosk, open: true, ip: full}
            destinations:
              - name: warehouse
                platform: webhook
                url: "https://Hooks.example:8443/in?x=1"
                secret: "a secret"
                token: tok
                events: [click, page_view]
                sources: [web]
                networks: [topsort, organic]
                batch: 7
                concurrency: 9
                rate: 1000/h
                timeout: 2s
                retry: {for: 12h}
                ambiguous: park
                gpc: withhold
                start: earliest
                gzip: true
                ca_file: /ca.pem
                headers: {X-Team: "ads $$ and ${KEY}"}
              - {name: ts, platform: topsort, url: "https://api.topsort.com/base/", token: t}
            """
        let read = try ConfigurationLoader.parse(
            yaml, file: "c.yaml",
            options: .tests(["KEY": "from-env"], ambiguous: [.retry, .park], privacy: [.send, .withhold]))

        var expected = Configuration()
        expected.file = "c.yaml"
        expected.listen = [Endpoint(host: "0.0.0.0", port: 80), Endpoint(host: "::1", port: 81)]
        expected.admin = Endpoint(host: "localhost", port: 9999)
        expected.data = "/srv/events"
        expected.workers = 3
        expected.drainMilliseconds = 90_000
        expected.logFormat = .json
        expected.deduplicate?.ageMilliseconds = 6 * 3_600_000
        expected.deduplicate?.events = 20_000
        expected.logLevel = .debug
        expected.log.compression = .zlib
        expected.log.segmentBytes = 64_000_000
        expected.log.segmentAgeMilliseconds = 600_000
        expected.log.retainAgeMilliseconds = 30 * 86_400_000
        expected.log.retainBytes = 1 << 40
        expected.log.retainHardBytes = 2 << 40
        expected.limits.bodyBytes = 2 << 20
        expected.limits.inflatedBytes = 4 << 20
        expected.limits.headBytes = 8 << 10
        expected.limits.connections = 5000
        expected.limits.namesConnections = true
        expected.limits.headTimeoutMilliseconds = 1000
        expected.limits.bodyTimeoutMilliseconds = 2000
        expected.limits.idleTimeoutMilliseconds = 3000
        expected.limits.pipelinedRequests = 7
        expected.limits.receiveMemoryBytes = 100 << 20
        expected.limits.answerMemoryBytes = 10 << 20
        expected.limits.recentBlocksBytes = 12 << 20
        expected.hosts = ["events.shop.example": .topsort]
        var web = SourceSettings(name: "web")
        web.id = "7d0f3f0e-6f0b-4a53-9a6e-0c6c2f1f7f10"
        web.keys = [Secret("one"), Secret("from-env")]
        web.accounts = [.gowit: "m-1", .vtex: "pub-1", .kevel: "123", .impact: "IRsid1"]
        web.origins = ["https://shop.example", "http://localhost:3000"]
        web.lenient = true
        web.address = .drop
        var kiosk = SourceSettings(name: "kiosk")
        kiosk.acknowledge = .received
        kiosk.isOpen = true
        kiosk.address = .full
        expected.sources = [web, kiosk]
        var warehouse = DestinationSettings(
            name: "warehouse", platform: .webhook,
            url: WebAddress(scheme: "https", host: "hooks.example", port: 8443, path: "/in", query: "x=1"))
        warehouse.secret = Secret("a secret")
        warehouse.token = Secret("tok")
        warehouse.events = [.click, .pageView]
        warehouse.sources = ["web"]
        warehouse.networks = ["topsort", ""]
        warehouse.batch = 7
        warehouse.concurrency = 9
        warehouse.rate = Rate(requests: 1000, period: .hour)
        warehouse.timeoutMilliseconds = 2000
        warehouse.retryForMilliseconds = 43_200_000
        warehouse.ambiguous = .park
        warehouse.privacy = .withhold
        warehouse.start = .earliest
        warehouse.gzip = true
        warehouse.caFile = "/ca.pem"
        warehouse.headers = [DestinationHeader(name: "X-Team", value: Secret("ads $ and from-env"))]
        var topsort = DestinationSettings(
            name: "ts", platform: .topsort,
            url: WebAddress(scheme: "https", host: "api.topsort.com", path: "/base"))
        topsort.token = Secret("t")
        expected.destinations = [warehouse, topsort]
        // What has no effect in this version is warned of; ConfigurationWarningTests looks at that.
        expected.warnings = read.warnings
        #expect(read == expected)
        #expect(read.warnings.map(\.key) == [])
    }

    /// Campaigns and event types of one account mean nothing in another, so the encoder must know.
    @Test func sourcesOfAnotherImpactAccountAreKnown() throws {
        let yaml = """
            sources:
              - {name: same, keys: [a], accounts: {impact: IRsid1}}
              - {name: other, keys: [b], accounts: {impact: IRsid2}}
              - {name: none, keys: [c], accounts: {vtex: IRsid2}}
            destinations:
              - {name: i, platform: impact, url: "https://i.test", account_sid: IRsid1, token: t, campaign_id: 1, event_type_id: 2}
              - {name: w, platform: webhook, url: "https://w.test"}
            """
        let read = try ConfigurationLoader.parse(yaml, file: nil, options: .tests(outbound: Set(Platform.allCases)))
        #expect(read.destinations.map(\.otherAccounts) == [["other"], []])
    }

    @Test func keysOfPlatformsToComeAreRead() throws {
        let yaml = """
            destinations:
              - {name: g, platform: gowit, url: "https://g.test/events/", token: k, data_source: 7d0f3f0e-6f0b-4a53-9a6e-0c6c2f1f7f10, marketplace_id: 12}
              - {name: v, platform: vtex, url: "https://v.test", publisher_id: p}
              - {name: k, platform: kevel, url: "https://k.test", network_id: 123}
              - {name: i, platform: impact, url: "https://i.test", account_sid: s, token: t, campaign_id: 1000, event_type_id: 9876}
            """
        let all = Set(Platform.allCases)
        let read = try ConfigurationLoader.parse(yaml, file: nil, options: .tests(outbound: all)).destinations
        #expect(read.map(\.platform) == [.gowit, .vtex, .kevel, .impact])
        #expect(read[0].url.path == "/events/")
        #expect(read[0].dataSource == "7d0f3f0e-6f0b-4a53-9a6e-0c6c2f1f7f10")
        #expect(read[0].marketplaceID == "12")
        #expect(read[1].publisherID == "p")
        #expect(read[2].networkID == "123")
        #expect(read[3].accountSID == "s")
        #expect(read[3].campaignID == 1000)
        #expect(read[3].eventTypeID == 9876)
        #expect(
            problems(yaml).map { $0.prefix(36) } == [
                "c.yaml:2:25: destinations[0].platfor", "c.yaml:3:25: destinations[1].platfor",
                "c.yaml:4:25: destinations[2].platfor", "c.yaml:5:25: destinations[3].platfor",
            ])
    }

    @Test func theFirstStandardFileIsTaken() throws {
        let folder = try TemporaryFolder()
        let first = folder.path + "/first.yaml"
        let second = folder.path + "/second.yaml"
        let options = ConfigurationOptions.tests()
        #expect(
            try ConfigurationLoader.load(file: nil, standardFiles: [first, second], options: options).file
                == nil)
        try "workers: 2".write(toFile: second, atomically: true, encoding: .utf8)
        let fromSecond = try ConfigurationLoader.load(
            file: nil, standardFiles: [first, second], options: options)
        #expect(fromSecond.file == second)
        #expect(fromSecond.workers == 2)
        try "workers: 1".write(toFile: first, atomically: true, encoding: .utf8)
        #expect(
            try ConfigurationLoader.load(file: nil, standardFiles: [first, second], options: options).workers
                == 1)
        #expect(
            try ConfigurationLoader.load(file: second, standardFiles: [first], options: options).workers == 2)
    }

    @Test func aNamedFileMustBeThere() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/none.yaml"
        #expect(
            throws: ConfigurationError(problems: [
                ConfigurationProblem(file: path, message: "cannot be read: No such file or directory")
            ])
        ) { try ConfigurationLoader.load(file: path, options: .tests()) }
    }

    @Test func filesOfAnotherKindAreRefused() throws {
        let folder = try TemporaryFolder()
        let large = folder.path + "/large.yaml"
        _ = FileManager.default.createFile(
            atPath: large, contents: Data(repeating: 0x23, count: (1 << 20) + 1))
        #expect(
            throws: ConfigurationError(problems: [
                ConfigurationProblem(file: large, message: "is larger than 1MiB")
            ])
        ) { try ConfigurationLoader.load(file: large, options: .tests()) }
        let latin = folder.path + "/latin.yaml"
        _ = FileManager.default.createFile(atPath: latin, contents: Data([0x23, 0xE4, 0x0A]))
        #expect(
            throws: ConfigurationError(problems: [
                ConfigurationProblem(file: latin, message: "is not UTF-8 text")
            ])
        ) { try ConfigurationLoader.load(file: latin, options: .tests()) }
    }

    @Test func whereAGatewayIsCanBeReadFromABadConfiguration() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/c.yaml"
        try "admin: 127.0.0.1:7\ndata: /d\nsources: [{name: a, keys: ['${UNSET}']}]\n"
            .write(toFile: path, atomically: true, encoding: .utf8)
        let known = try ConfigurationLoader.onDisk(file: path, options: .tests())
        #expect(known.admin.port == 7 && known.data == "/d")
        for bad in ["admin: nowhere\n", "data: '${UNSET}'\n"] {
            try bad.write(toFile: path, atomically: true, encoding: .utf8)
            #expect(throws: ConfigurationError.self) {
                try ConfigurationLoader.onDisk(file: path, options: .tests())
            }
        }
        let defaults = try ConfigurationLoader.onDisk(file: nil, standardFiles: [], options: .tests())
        #expect(defaults.admin.port == 9090 && defaults.data == "./sluice-data")
    }
}

/// A folder of its own for one test, gone with it.
final class TemporaryFolder {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "sluice-server-tests-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}
