import Logging
import SluiceIO
import SluiceLog
import SluiceServer
import Testing

@Suite struct PipelineTests {
    /// A pipeline on ports of its own, with its data in `folder`.
    static func make(_ folder: TemporaryFolder, _ change: (inout Configuration) -> Void = { _ in }) throws
        -> Pipeline
    {
        var configuration = Configuration()
        configuration.listen = [Endpoint(host: "127.0.0.1", port: 0)]
        configuration.data = folder.path + "/data"
        configuration.workers = 2
        configuration.drainMilliseconds = 5000
        change(&configuration)
        let troubles = TroubleLog(logger: Logger(label: "t") { _ in SwiftLogNoOpLogHandler() })
        return try Pipeline(
            configuration, troubles: PipelineTroubles(troubles, destinations: configuration.destinations))
    }

    @Test func `events of all shards are in the log when it has stopped`() throws {
        let folder = try TemporaryFolder()
        let pipeline = try PipelineTests.make(folder)
        #expect(!pipeline.readiness.isReady)
        pipeline.start()
        #expect(pipeline.readiness.isReady)
        let port = try #require(pipeline.addresses.first).port
        // The kernel spreads connections over the shards; with so many, hardly all go to one.
        let clients = try (0..<32).map { _ in try EdgeClient(port: port) }
        for (index, client) in clients.enumerated() { try client.send(post("/v1/events", click("\(index)"))) }
        for client in clients { #expect(try client.answer().status == 202) }
        pipeline.stop()
        #expect(!pipeline.readiness.isReady)
        for client in clients { #expect(try client.isEnded()) }
        let log = try EventLog.open(folder: folder.path + "/data")
        defer { log.close() }
        #expect(log.head.events == 32)
    }

    @Test func `a second gateway in the same folder is refused`() throws {
        let folder = try TemporaryFolder()
        let first = try PipelineTests.make(folder)
        defer { first.log.close() }
        let error = #expect(throws: LogError.self) { try PipelineTests.make(folder) }
        #expect(error.map { "\($0.label)" } == "data_folder_in_use")
    }
}

@Suite struct StatusCollectorTests {
    @Test func `it adds up what the stages count`() throws {
        let folder = try TemporaryFolder()
        let pipeline = try PipelineTests.make(folder) { configuration in
            configuration.sources = [.local, .keyed("app", "k")]
            var hook = DestinationSettings(
                name: "hook", platform: .webhook,
                url: WebAddress(scheme: "http", host: "127.0.0.1", port: 1, path: "/"))
            hook.events = [.purchase]
            configuration.destinations = [hook]
        }
        let collector = StatusCollector(pipeline)
        pipeline.start()
        defer { pipeline.stop() }
        let port = try #require(pipeline.addresses.first).port
        for index in 0..<8 {
            let client = try EdgeClient(port: port)
            _ = try client.ask(post("/v1/events", "[\(click("\(index)")),{}]"))
            _ = try client.ask(post("/v1/events", click("app-\(index)"), ["Authorization: Bearer k"]))
        }
        // What is filtered is passed over by the delivery thread in its own time.
        #expect(eventually { collector.status().destinations.first?.filtered == 16 })
        let status = collector.status()
        #expect(status.edge.shards == 2)
        #expect(status.edge.connectionsAccepted == 8)
        #expect(status.edge.bytesReceived > 0)
        #expect(status.edge.bytesSent > 0)
        #expect(status.edge.acknowledgeP50Milliseconds != nil)
        #expect(status.log.events == 16)
        #expect(status.log.committedEvents == 16)
        #expect(status.log.commits >= 1)
        #expect(status.log.nextBlock == Int64(status.log.committedBlocks) + 1)
        #expect(status.log.segments == 1)
        #expect(status.log.diskBytes > 0)
        #expect(status.log.failing == nil)
        #expect(
            status.sources == [
                SourceReport(name: "local", accepted: 8, duplicates: 0, rejected: 8),
                SourceReport(name: "app", accepted: 8, duplicates: 0, rejected: 0),
            ])
        let hook = try #require(status.destinations.first)
        #expect(hook.name == "hook")
        #expect(hook.delivered == 0)
        #expect(hook.breaker == .closed)
        let timings = collector.timings()
        #expect(timings.commit?.count == status.log.commits)
        #expect(timings.delivery.map { $0.0 } == ["hook"])
    }
}
