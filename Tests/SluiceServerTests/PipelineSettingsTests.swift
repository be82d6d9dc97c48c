import Logging
import SluiceCore
import SluiceDelivery
import SluiceIO
import SluiceLog
import SluiceServer
import Testing

@Suite struct PipelineSettingsTests {
    @Test func `the log gets its settings`() {
        var configuration = Configuration()
        configuration.log.compression = .zlib
        configuration.log.segmentBytes = 1 << 22
        configuration.log.segmentAgeMilliseconds = 90_000
        configuration.limits.recentBlocksBytes = 10 << 20
        let log = LogConfiguration(configuration)
        #expect(log.compression == .zlib)
        #expect(log.segmentBytes == 1 << 22)
        #expect(log.segmentAgeSeconds == 90)
        #expect(log.recentBytes + log.decodedBytes == 10 << 20, "one reader holds no more than recent_blocks")
        #expect(log.writtenBy.hasPrefix("sluice "))
    }

    @Test func `each shard gets its part of what all may hold`() {
        var limits = Limits()
        limits.headBytes = 1
        limits.bodyBytes = 2
        limits.connections = 100
        limits.headTimeoutMilliseconds = 3
        limits.bodyTimeoutMilliseconds = 4
        limits.idleTimeoutMilliseconds = 5
        limits.pipelinedRequests = 6
        limits.receiveMemoryBytes = 400
        limits.answerMemoryBytes = 800
        let edge = EdgeLimits(limits, shards: 4)
        #expect(edge.headBytes == 1)
        #expect(edge.bodyBytes == 2)
        #expect(edge.connections == 25)
        #expect(edge.headTimeoutMilliseconds == 3)
        #expect(edge.bodyTimeoutMilliseconds == 4)
        #expect(edge.idleTimeoutMilliseconds == 5)
        #expect(edge.pipelinedRequests == 6)
        #expect(edge.receiveMemoryBytes == 100)
        #expect(edge.answerMemoryBytes == 200)
        #expect(edge.pendingAnswerBytes == Limits.connectionAnswerBytes)
        limits.connections = 1
        #expect(EdgeLimits(limits, shards: 4).connections == 1)
    }

    private var settings: DestinationSettings {
        DestinationSettings(
            name: "d", platform: .webhook, url: WebAddress(scheme: "https", host: "x.test", path: "/hook"))
    }

    @Test func `a destination gets its settings`() {
        var settings = settings
        settings.secret = Secret("s")
        settings.headers = [.init(name: "X-A", value: Secret("b"))]
        settings.events = [.click]
        settings.sources = ["shop"]
        settings.networks = ["topsort", ""]
        settings.batch = 7
        settings.concurrency = 8
        settings.rate = Rate(requests: 9, period: .hour)
        settings.timeoutMilliseconds = 1234
        settings.retryForMilliseconds = 5000
        settings.start = .earliest
        settings.gzip = true
        settings.caFile = "/ca.pem"
        let made = DestinationConfiguration(settings)
        #expect(made.name == "d")
        #expect(made.platform == .webhook)
        #expect(made.url == "https://x.test/hook")
        #expect(made.secret == "s")
        #expect(made.headers == [.init(name: "X-A", value: "b")])
        #expect(made.rules.events == [.click])
        #expect(made.rules.sources == ["shop"])
        #expect(made.rules.networks == ["topsort", ""])
        #expect(made.batch == 7)
        #expect(made.concurrency == 8)
        #expect(made.rate == DeliveryRate(amount: 9, periodMilliseconds: 3_600_000))
        #expect(made.timeoutMilliseconds == 1234)
        #expect(made.retryForSeconds == 5)
        #expect(made.start == .earliest)
        #expect(made.gzip)
        #expect(made.caFile == "/ca.pem")
    }

    @Test(arguments: [Platform.topsort, .webhook])
    func `a token goes with every request`(platform: Platform) {
        var settings = settings
        settings.platform = platform
        #expect(DestinationConfiguration(settings).fixedHeaders.isEmpty)
        settings.token = Secret("t")
        #expect(
            DestinationConfiguration(settings).fixedHeaders
                == [.init(name: "Authorization", value: "Bearer t")])
    }

    @Test func `there is an encoder for every platform that may be named`() {
        #expect(Encoders.platforms == ConfigurationOptions(environment: [:]).outbound)
        for platform in Encoders.platforms {
            var settings = settings
            settings.platform = platform
            #expect(Encoders.make(for: settings).eventsPerRequestMax > 0)
        }
    }
}

@Suite struct PipelineTroublesTests {
    /// The engine reports what concerns all destinations, such as a state file that cannot be written,
    /// under no name.
    @Test func troubleOfNoSingleDestinationIsLogged() {
        let sink = CapturedLines()
        let logger = Logger(label: "t") {
            SluiceLogHandler(label: $0, level: .info, format: .text, sink: sink, now: { 0 })
        }
        let address = WebAddress(scheme: "https", host: "x.test", path: "/hook")
        let troubles = PipelineTroubles(
            TroubleLog(logger: logger),
            destinations: [DestinationSettings(name: "hook", platform: .webhook, url: address)])
        troubles.delivery("state_unavailable", "", "cursors cannot be saved: full")
        troubles.delivery("state_unavailable", "hook", "no cursor")
        #expect(
            sink.all == [
                "1970-01-01T00:00:00.000Z warning t: cursors cannot be saved: full trouble=state_unavailable",
                "1970-01-01T00:00:00.000Z warning t: no cursor destination=hook trouble=state_unavailable",
            ])
    }
}
