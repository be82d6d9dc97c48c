import Foundation
import SluiceServer
import SluiceSimulator
import Testing

/// Events given back after an outage, with the real binary.
@Suite(.serialized) struct ReplayTests {
    private struct Run {
        var code: Int32
        var output: String
        var errors: String
    }

    private func sluice(_ gateway: TestGateway, _ arguments: [String]) throws -> Run {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: TestGateway.binary)
        process.arguments = ["replay"] + arguments + ["--config", gateway.configuration]
        let output = Pipe()
        let errors = try gateway.folder.write("errors.txt", "")
        process.standardOutput = output
        process.standardError = FileHandle(forWritingAtPath: errors)
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let text = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return Run(
            code: process.terminationStatus, output: String(decoding: text, as: UTF8.self),
            errors: (try? String(contentsOfFile: errors, encoding: .utf8)) ?? "")
    }

    private func post(_ gateway: TestGateway, _ ids: [String]) throws {
        let events = ids.map {
            "{\"type\":\"click\",\"id\":\"\($0)\",\"occurred_at\":\"2026-01-02T03:04:05Z\",\"session_id\":\"s\","
                + "\"user\":{\"id\":\"u\"},\"ad\":{\"id\":\"a\"}}"
        }
        let answer = try gateway.client().request(
            "POST", "/v1/events",
            headers: [
                ("Authorization", "Bearer \(gateway.cast.sourceKey)"), ("Content-Type", "application/json"),
            ], body: Array("{\"events\":[\(events.joined(separator: ","))]}".utf8))
        #expect(
            [200, 202, 204].contains(answer.status), "\(answer.status) \(String(decoding: answer.body, as: UTF8.self))")
    }

    /// A gateway whose warehouse refused some events and takes them again.
    private func outage() throws -> (gateway: TestGateway, refused: [String]) {
        let gateway = try TestGateway()
        try post(gateway, (0..<10).map { "before-\($0)" })
        _ = try gateway.settled(events: 10)
        gateway.cast.warehouse.standIn.faults.play([FaultStep(.status(400, body: "schema v2 required"))])
        let refused = (0..<60).map { "during-\($0)" }
        try post(gateway, refused)
        let figures = try gateway.settled(events: 70)
        #expect(warehouse(figures).rejected == 60)
        gateway.cast.warehouse.standIn.faults.clear()
        return (gateway, refused)
    }

    private func warehouse(_ figures: GatewayFigures) -> DestinationFigures {
        figures.destinations.first { $0.name == "warehouse" }!
    }

    private func missing(_ gateway: TestGateway, _ ids: [String]) -> [String] {
        ids.filter { gateway.cast.warehouse.standIn.ledger.received($0) == 0 }
    }

    @Test(.timeLimit(.minutes(2)))
    func `what an outage left behind is delivered, and the receipts say so`() throws {
        let (gateway, refused) = try outage()
        let plan = try sluice(
            gateway, ["--destination", "warehouse", "--from", "-1h", "--outcome", "rejected", "--dry-run"])
        #expect(plan.code == 0, "\(plan.errors)")
        #expect(plan.output.contains("events              60\n"), "\(plan.output)")
        #expect(missing(gateway, refused) == refused)

        let run = try sluice(
            gateway, ["--destination", "warehouse", "--from", "-1h", "--outcome", "rejected", "--rate", "5000/s"])
        #expect(run.code == 0, "\(run.errors)")
        #expect(run.errors.hasSuffix("replay 1 done: 60 of 60 events: 60 delivered\n"), "\(run.errors)")
        #expect(missing(gateway, refused) == [])
        #expect(gateway.cast.warehouse.standIn.ledger.received("before-0") == 1)

        try post(gateway, ["after"])
        let figures = try gateway.settled(events: 71)
        #expect(warehouse(figures).delivered == 71)
        #expect(warehouse(figures).rejected == 0)
        #expect(figures.destinations.allSatisfy { $0.isBalanced })
        let admin = try #require(HTTPClient(address: gateway.run.admin))
        let receipt = try admin.request("GET", "/api/events/during-7", headers: [], body: [])
        let words = String(decoding: receipt.body, as: UTF8.self)
        #expect(words.contains("delivered by replay 1; before that rejected (400, "), "\(words)")
        #expect(words.contains(#""status":200"#), "\(words)")

        let list = try sluice(gateway, ["list"])
        #expect(list.output.contains("done") && list.output.contains("warehouse"))
        let again = try sluice(
            gateway, ["--destination", "warehouse", "--from", "-1h", "--outcome", "rejected"])
        #expect(again.code == 0)
        #expect(again.output.contains("there is nothing to send"))
        #expect(gateway.stop() == .exited(code: 0))
    }

    @Test(.timeLimit(.minutes(2)))
    func `kill -9 in the middle loses nothing of a replay`() throws {
        let (gateway, refused) = try outage()
        let run = try sluice(
            gateway,
            [
                "--destination", "warehouse", "--from", "-1h", "--outcome", "rejected", "--rate", "20/s", "--detach",
            ])
        #expect(run.code == 0, "\(run.errors)")
        try eventually("some are sent") { missing(gateway, refused).count < 60 }
        try gateway.crash()
        #expect(!missing(gateway, refused).isEmpty)
        try gateway.restart()
        try eventually("the replay is done") { try sluice(gateway, ["show", "1"]).output.contains("done") }
        #expect(missing(gateway, refused) == [])
        let figures = try gateway.settled(events: 70)
        #expect(warehouse(figures).delivered == 70)
        #expect(figures.destinations.allSatisfy { $0.isBalanced })
        #expect(gateway.stop() == .exited(code: 0))
    }

    @Test(.timeLimit(.minutes(2)))
    func `a replay is paused, resumed and cancelled by hand`() throws {
        let (gateway, refused) = try outage()
        _ = try sluice(
            gateway,
            ["--destination", "warehouse", "--from", "-1h", "--outcome", "any", "--rate", "10/s", "--detach"])
        try eventually("some are sent") { missing(gateway, refused).count < 60 }
        #expect(try sluice(gateway, ["pause", "1"]).output.hasPrefix("replay 1 is paused"))
        #expect(try sluice(gateway, ["resume", "1", "--detach"]).output.hasPrefix("replay 1 is queued"))
        #expect(try sluice(gateway, ["cancel", "1"]).output.hasPrefix("replay 1 is cancelled"))
        let late = try sluice(gateway, ["resume", "1"])
        #expect(late.code == 1)
        #expect(late.errors == "sluice replay: replay 1 is cancelled and cannot be resumed\n")
        let figures = try gateway.settled(events: 70)
        let book = warehouse(figures)
        #expect(book.delivered + book.rejected == 70 && book.rejected > 0)
        #expect(book.isBalanced)
        #expect(gateway.stop() == .exited(code: 0))
    }

    @Test(.timeLimit(.minutes(2)))
    func `without a gateway the replay runs alone`() throws {
        let (gateway, refused) = try outage()
        #expect(gateway.stop() == .exited(code: 0))
        let plan = try sluice(
            gateway, ["--destination", "warehouse", "--from", "-1h", "--outcome", "any", "--dry-run", "--json"])
        #expect(plan.code == 0, "\(plan.errors)")
        #expect(AdminJSON.decode(ReplayAnswer.self, from: Array(plan.output.utf8))?.plan.rejected == 60)
        let run = try sluice(
            gateway, ["--destination", "warehouse", "--from", "-1h", "--outcome", "any", "--json"])
        #expect(run.code == 0, "\(run.errors)")
        let done = AdminJSON.decode(ReplayDocument.self, from: Array(run.output.utf8))
        #expect(done?.phase == "done" && done?.delivered == 60)
        #expect(missing(gateway, refused) == [])
        #expect(try sluice(gateway, ["show", "1"]).output.contains("60 of 60 events: 60 delivered"))
        try gateway.restart()
        let figures = try gateway.settled(events: 70)
        #expect(warehouse(figures).delivered == 70)
        #expect(figures.destinations.allSatisfy { $0.isBalanced })
        #expect(gateway.stop() == .exited(code: 0))
    }

    @Test(.timeLimit(.minutes(1)))
    func `what is wrong is said, and nothing is sent`() throws {
        let gateway = try TestGateway()
        let unknown = try sluice(gateway, ["--destination", "nope", "--from", "-1h"])
        #expect(unknown.code == 1)
        #expect(unknown.errors.contains("--destination: there is no destination 'nope': there are "))
        let backwards = try sluice(gateway, ["--destination", "warehouse", "--from", "-1h", "--until", "-2h"])
        #expect(backwards.code == 1)
        #expect(backwards.errors.contains("--until: "))
        let odd = try sluice(gateway, ["--destination", "warehouse", "--from", "whenever"])
        #expect(odd.code != 0)
        #expect(odd.errors.contains("is not a time"))
        let empty = try sluice(gateway, ["--destination", "warehouse", "--from", "-1h", "--dry-run"])
        #expect(empty.code == 0, "\(empty.errors)")
        #expect(empty.output.contains("events              0\n"))
        let segment = try sluice(gateway, ["--destination", "warehouse", "--from-segment", "/none.sqlite"])
        #expect(segment.errors.contains("--from-segment: /none.sqlite does not exist"))
        #expect(try sluice(gateway, ["show", "9"]).errors == "sluice replay: there is no replay 9\n")
        #expect(try sluice(gateway, ["list"]).output == "there are no replays\n")
        #expect(gateway.stop() == .exited(code: 0))
    }
}
