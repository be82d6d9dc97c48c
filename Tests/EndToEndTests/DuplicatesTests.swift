import Foundation
import SluiceSimulator
import Testing

/// What is sent twice is kept once, restarts and crashes included.
@Suite(.serialized) struct DuplicatesTests {
    private func send(_ body: String, to gateway: TestGateway) throws -> String {
        let answer = try gateway.client().request(
            "POST", "/v1/events",
            headers: [("Authorization", "Bearer \(gateway.cast.sourceKey)"), ("Content-Type", "application/json")],
            body: Array(body.utf8))
        #expect(answer.status == 202)
        return answer.text
    }

    private func click(_ id: String) -> String {
        #"{"id":"\#(id)","type":"click","user":{"id":"u"},"ad":{"id":"a"}}"#
    }

    @Test(.timeLimit(.minutes(1)), arguments: [true, false])
    func `what was taken before a restart is known after it`(_ crashes: Bool) throws {
        let gateway = try TestGateway()
        for id in ["1", "2"] {
            #expect(try send(click(id), to: gateway) == #"{"accepted":1,"duplicates":0,"rejected":[]}"#)
        }
        #expect(try send(click("1"), to: gateway) == #"{"accepted":0,"duplicates":1,"rejected":[]}"#)
        if crashes { try gateway.crash() } else { #expect(gateway.stop() == .exited(code: 0)) }
        try gateway.restart()
        let batch = "[\(click("1")),\(click("2")),\(click("3"))]"
        #expect(try send(batch, to: gateway) == #"{"accepted":1,"duplicates":2,"rejected":[]}"#)
        let figures = try gateway.settled(events: 3)
        #expect(figures.logEvents == 3)
        #expect(figures.duplicates == 2)
        #expect(gateway.stop() == .exited(code: 0))
        #expect(try LogOnDisk.ids(dataFolder: gateway.data) == ["1": 1, "2": 1, "3": 1])
    }
}
