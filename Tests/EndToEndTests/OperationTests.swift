import Foundation
import SluiceSimulator
import Testing

/// What an operator meets at the start and at the admin port.
@Suite(.serialized) struct OperationTests {
    @Test(.timeLimit(.minutes(1)))
    func `a destination that is configured no more is warned of`() throws {
        let gateway = try TestGateway()
        let traffic = gateway.traffic(seed: 0xADD, events: 20)
        traffic.start()
        traffic.wait()
        _ = try gateway.settled(events: traffic.totals.acknowledged)
        #expect(!gateway.process.logTail().contains("warning"), "a first start has nothing to warn of")
        #expect(gateway.stop() == .exited(code: 0))
        let text = try String(contentsOfFile: gateway.configuration, encoding: .utf8)
        let rest = text.split(separator: "\n", omittingEmptySubsequences: false).filter {
            !$0.contains("name: warehouse")
        }
        try rest.joined(separator: "\n").write(toFile: gateway.configuration, atomically: true, encoding: .utf8)
        try gateway.restart()
        let lines = gateway.process.logTail().split(separator: "\n").filter { $0.contains("warning") }
        #expect(lines.count == 1 && lines[0].contains("destination=warehouse"), "\(lines)")
        #expect(gateway.stop() == .exited(code: 0))
    }

    @Test(.timeLimit(.minutes(1)))
    func `idle connections to the admin port do not keep a probe waiting`() throws {
        let gateway = try TestGateway()
        let idle = try (0..<16).map { _ in try #require(HTTPClient(address: gateway.run.admin)) }
        for client in idle { #expect(try client.request("GET", "/healthz").status == 200) }
        // Much less than the 15 s after which an idle connection is closed anyway.
        let probe = try #require(HTTPClient(address: gateway.run.admin, timeoutMilliseconds: 8000))
        #expect(try probe.request("GET", "/readyz").status == 200)
        #expect(gateway.stop() == .exited(code: 0))
    }

    @Test(.timeLimit(.minutes(1)))
    func `a conversion that is acknowledged when received can be asked for at once`() throws {
        let folder = try TemporaryFolder()
        let configuration = try folder.write(
            "sluice.yaml",
            """
            listen: ["127.0.0.1:0"]
            admin: "127.0.0.1:0"
            data: "\(folder.path)/data"
            acknowledge: received
            """)
        let process = try TestGateway.start(folder, configuration)
        let client = try #require(HTTPClient(address: try process.waitUntilReady().listen[0]))
        let body = "CampaignId=1&EventTypeId=2&EventDate=NOW&OrderId=o&ClickId=c"
        for _ in 0..<50 {
            let posted = try client.request(
                "POST", "/impact/Advertisers/IR1/Conversions",
                headers: [("Content-Type", "application/x-www-form-urlencoded")], body: Array(body.utf8))
            #expect(posted.header("sluice-acknowledge") == "received")
            let uri = try #require(PlainJSON(posted.body)?["QueuedUri"]?.string)
            let answer = try client.request("GET", "/impact" + uri)
            #expect(answer.status == 200, "\(answer.text)")
            // Nobody is to get it: complete as soon as it is in the log.
            let status = PlainJSON(answer.body)?["Status"]?.string
            #expect(["Queued", "Complete"].contains(status))
        }
        #expect(process.stop() == .exited(code: 0))
    }
}
