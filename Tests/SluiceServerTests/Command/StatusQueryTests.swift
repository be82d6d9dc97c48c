import Foundation
import Glibc
import SluiceIO
import SluiceLog
import SluiceServer
import Testing

@Suite struct StatusQueryTests {
    private func ask(_ admin: String) throws(StatusQuery.Failure) -> StatusDocument {
        try StatusQuery.ask(admin: admin, file: nil, standardFiles: [], options: .tests()).document
    }

    @Test func aGatewayIsAsked() throws {
        let document = StatusDocument(GatewayStatus.example)
        let body = AdminJSON.encode(document)
        let server = try LoopbackPort.answering(
            "HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
        #expect(try ask(server.description) == document)
    }

    @Test func theGatewayOfTheFolderIsAsked() throws {
        let folder = try TemporaryFolder()
        let log = try EventLog.open(folder: folder.path + "/data")
        defer { log.close() }
        let gateway = try StandInGateway(folder: log.folder.identity, status: GatewayStatus.example)
        defer { gateway.stop() }
        try RunFile(folder: log.folder.path).write(
            listen: [], admin: ListenAddress(host: "127.0.0.1", port: gateway.endpoint.port))
        // What else is wrong with the configuration does not matter here.
        let path = try folder.configuration("admin: 127.0.0.1:0\ndestinations: [{}]\n")
        let answer = try StatusQuery.ask(admin: nil, file: path, options: .tests())
        #expect(answer.document == StatusDocument(GatewayStatus.example) && answer.remark == nil)
    }

    @Test func theFolderAloneIsShownWhereNoGatewayRuns() throws {
        let folder = try TemporaryFolder()
        // Another configuration's gateway listens at the address of this one.
        let other = try StandInGateway(folder: "1-2", status: GatewayStatus.example)
        defer { other.stop() }
        let path = try folder.configuration(
            """
            admin: \(other.endpoint)
            destinations: [{name: down, platform: webhook, url: "http://127.0.0.1:1/"}]

            """)
        #expect(throws: StatusQuery.Failure.self) {
            try StatusQuery.ask(admin: nil, file: path, options: .tests())
        }
        let down = DestinationSettings(
            name: "down", platform: .webhook, url: WebAddress(scheme: "http", host: "127.0.0.1", port: 1, path: "/"))
        let pipeline = try PipelineTests.make(folder) { $0.destinations = [down] }
        pipeline.start()
        let client = try EdgeClient(port: try #require(pipeline.addresses.first).port)
        #expect(try client.ask(post("/v1/events", click("c-1"))).status == 202)

        // It runs, and does not answer: the other gateway's status is not shown in its place.
        let silent = try StatusQuery.ask(admin: nil, file: path, options: .tests())
        #expect(silent.document.status.log.events == 1 && silent.document.status.phase == .stopped)
        #expect(silent.remark?.contains("is in use by process \(getpid())") == true)
        #expect(silent.remark?.contains("the gateway at \(other.endpoint) works on another folder") == true)
        pipeline.stop()

        let answer = try StatusQuery.ask(admin: nil, file: path, options: .tests())
        let status = answer.document.status
        #expect(answer.remark == "no gateway is running on \(folder.path)/data; this is what lies on the disk")
        #expect(status.phase == .stopped && !status.ready && status.log.events == 1 && status.log.segments == 1)
        #expect(status.log.nextBlock == 2 && status.log.diskBytes > 0)
        #expect(status.destinations.map(\.name) == ["down"] && status.destinations[0].platform == "webhook")
        #expect(answer.document.books.balanced && answer.document.books.destinations[0].pending == 1)
        #expect(status.hours.map(\.pending) == [1] && status.hours.allSatisfy { $0.balanced })
        let text = StatusText.make(answer.document)
        #expect(text.contains("as the data folder says\n  no gateway is running on "))
        #expect(!text.contains("edge ") && !text.contains("SOURCE"))
        #expect(
            try StatusQuery.ask(admin: nil, file: path, options: .tests(), hours: 0).document.status.hours.isEmpty)
    }

    @Test func whatIsNoGatewayIsSaid() throws {
        let other = try LoopbackPort.answering("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        #expect(
            throws: StatusQuery.Failure(
                message: "what listens at \(other) answered 404; is it a gateway's admin port?")
        ) {
            try ask(other.description)
        }
        let odd = try LoopbackPort.answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        #expect(
            throws: StatusQuery.Failure(
                message: "what listens at \(odd) did not answer with a gateway's status")
        ) {
            try ask(odd.description)
        }
        #expect(
            throws: StatusQuery.Failure(
                message: "--admin: 'x' has no port: expected the form 127.0.0.1:8080 or [::1]:8080")
        ) {
            try ask("x")
        }
    }

    @Test func nobodyThereIsSaidWithTheAddress() throws {
        try LoopbackPort.silent { endpoint in
            let failure = StatusQuery.Failure(
                message:
                    "no gateway is running at \(endpoint), the admin address: nothing answers at \(endpoint): Connection refused"
            )
            #expect(throws: failure) { try ask(endpoint.description) }
        }
    }
}
