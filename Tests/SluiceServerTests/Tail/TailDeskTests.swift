import Foundation
import SluiceIO
import SluiceLog
import Testing

@testable import SluiceServer

@Suite struct TailDeskTests {
    /// A pipeline that runs, with a server in front of its tails.
    private final class Rig {
        let folder: TemporaryFolder
        let pipeline: Pipeline
        let admin: Endpoint
        private let server: BlockingHTTPServer

        init(behindMax: Int64) throws {
            folder = try TemporaryFolder()
            let pipeline = try PipelineTests.make(folder)
            self.pipeline = pipeline
            let tails = TailDesk(
                log: pipeline.log, configuration: pipeline.configuration, refusals: pipeline.refusals,
                behindMax: behindMax)
            self.tails = tails
            server = try BlockingHTTPServer(name: "test") { tails.respond(query: $0.query) }
            admin = Endpoint(
                host: "127.0.0.1", port: try server.start(on: ListenAddress(host: "127.0.0.1", port: 0)))
            pipeline.start()
        }

        let tails: TailDesk

        func stop() {
            tails.stop()
            pipeline.stop()
            server.stop()
        }

        func client() throws -> EdgeClient { try EdgeClient(port: pipeline.addresses[0].port) }
    }

    @Test func `a tail that is too far behind leaves out, and says how many`() throws {
        let rig = try Rig(behindMax: 2000)
        defer { rig.stop() }
        // Far more than sockets hold.
        let url = "https://shop.example/" + String(repeating: "p", count: 900)
        let event = #"{"type":"page_view","context":{"page_url":"\#(url)"}}"#
        let requests = 40
        let perRequest = 900
        let body = "[" + Array(repeating: event, count: perRequest).joined(separator: ",") + "]"
        var isSent = false
        var seen = 0
        var dropped = 0
        let client = try rig.client()
        let end = try AdminStream.read(rig.admin, path: "/api/tail", isWanted: { true }) { line in
            if !isSent {
                isSent = true
                // Nobody reads while all of this is committed.
                for _ in 0..<requests {
                    do {
                        try client.send(post("/v1/events", body))
                        #expect(try client.answer().status == 202)
                    } catch {
                        Issue.record(error)
                    }
                }
                return true
            }
            if line.starts(with: Array(#"{"kind":"event""#.utf8)) { seen += 1 }
            if line.starts(with: Array(#"{"kind":"dropped""#.utf8)) {
                let object = try? JSONSerialization.jsonObject(with: Data(line)) as? [String: Any]
                dropped += object?["count"] as? Int ?? 0
            }
            return seen + dropped < requests * perRequest
        }
        #expect(end == .unwanted)
        #expect(seen + dropped == requests * perRequest)
        #expect(dropped > 0)
        #expect(seen > 0)
        #expect(rig.tails.dropped == dropped)
    }

    @Test func `a stop ends tails and lets none begin`() throws {
        let rig = try Rig(behindMax: 2000)
        var ending = ""
        let end = try AdminStream.read(rig.admin, path: "/api/tail", isWanted: { true }) { line in
            if ending.isEmpty {
                // From another thread, as it waits for this one.
                let tails = rig.tails
                Thread.detachNewThread { tails.stop() }
            }
            ending = String(decoding: line, as: UTF8.self)
            return true
        }
        #expect(end == .complete)
        #expect(ending == #"{"kind":"end","reason":"the gateway stops"}"#)
        let after = try AdminStream.read(rig.admin, path: "/api/tail", isWanted: { true }) { _ in true }
        guard case .refused(503, _) = after else {
            Issue.record("\(after)")
            return
        }
        rig.stop()
    }
}
