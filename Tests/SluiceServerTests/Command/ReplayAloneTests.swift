import SluiceCore
import SluiceDelivery
import SluiceLog
import SluiceServer
import Testing

import struct Foundation.Data
import class Foundation.FileManager
import struct Foundation.URL

@Suite struct ReplayAloneTests {
    enum Loss: CaseIterable { case removed, emptied, damaged }

    /// What was acknowledged is due, whoever opens the folder first after its state file was lost.
    @Test(arguments: Loss.allCases) func `a lost state file is not forgotten by it`(_ loss: Loss) throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/data/state.sqlite"
        var hook = DestinationSettings(
            name: "hook", platform: .webhook, url: WebAddress(scheme: "http", host: "127.0.0.1", port: 1, path: "/"))
        hook.start = .latest
        let change = { (configuration: inout Configuration) in configuration.destinations = [hook] }
        try takeOneEvent(folder, change)
        for suffix in ["-wal", "-shm"] { try? FileManager.default.removeItem(atPath: path + suffix) }
        switch loss {
        case .removed: try FileManager.default.removeItem(atPath: path)
        case .emptied: try Data().write(to: URL(fileURLWithPath: path))
        case .damaged: try Data(repeating: 0x55, count: 20_000).write(to: URL(fileURLWithPath: path))
        }
        var configuration = Configuration()
        configuration.data = folder.path + "/data"
        configuration.destinations = [hook]
        for _ in 0..<2 {
            let alone = try ReplayAlone(configuration)
            #expect(alone.warnings.contains { $0.contains("cursors were lost") })
            #expect(throws: ReplayFailure.self) { try alone.change(99, .pause) }
        }
        do {
            let next = try PipelineTests.make(folder, change)
            #expect(next.log.stateWasLost)
            let destinations = StatusCollector(next).status().destinations
            #expect(destinations.map(\.startEvent) == [0], "it begins at the oldest block")
            next.start()
            next.stop()
        }
        let log = try EventLog.open(folder: folder.path + "/data")
        #expect(!log.stateWasLost, "every destination has its cursor")
        log.close()
    }

    /// In a frame of its own: whoever opened the state file has closed it when this returns.
    private func takeOneEvent(_ folder: TemporaryFolder, _ change: (inout Configuration) -> Void) throws {
        let pipeline = try PipelineTests.make(folder, change)
        pipeline.start()
        let client = try EdgeClient(port: try #require(pipeline.addresses.first).port)
        try client.send(post("/v1/events", click("a")))
        #expect(try client.answer().status == 202)
        pipeline.stop()
    }
}
