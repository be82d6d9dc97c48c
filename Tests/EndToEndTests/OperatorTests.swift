import Foundation
import SluiceServer
import SluiceSimulator
import Testing

/// What an operator sees with the real binary: whose gateway is asked, and who may ask.
@Suite(.serialized) struct OperatorTests {
    private func post(_ gateway: TestGateway, _ ids: [String]) throws {
        for id in ids {
            let answer = try gateway.client().request(
                "POST", "/v1/events", headers: [("Authorization", "Bearer \(gateway.cast.sourceKey)")],
                body: Array(#"{"id":"\#(id)","type":"click","user":{"id":"u"},"ad":{"id":"ad-7"}}"#.utf8))
            #expect(answer.status == 202)
        }
    }

    private func sluice(
        _ gateway: TestGateway, _ command: String, _ more: String...
    ) throws -> (code: Int32, lines: [String], complaints: String) {
        try Command.run([command, "--config", gateway.configuration] + more)
    }

    @Test(.timeLimit(.minutes(2)))
    func `commands find their own gateway, and no other one`() throws {
        let own = try TestGateway()
        try post(own, ["mine"])
        _ = try own.settled(events: 1)
        // The configured port is 0: only the folder tells where it is.
        let status = try sluice(own, "status")
        #expect(status.code == 0 && status.complaints.isEmpty, "\(status.complaints)")
        #expect(status.lines.first?.contains(", running, ") == true)
        #expect(try sluice(own, "trace", "mine").code == 0)

        // Another one, at the address that the configuration of this one names.
        let other = try TestGateway()
        try post(other, ["theirs-1", "theirs-2"])
        _ = try other.settled(events: 2)
        let text = try String(contentsOfFile: own.configuration, encoding: .utf8)
            .split(separator: "\n").map { $0.hasPrefix("admin:") ? "admin: \"\(other.run.admin)\"" : String($0) }
        _ = try own.folder.write("sluice.yaml", text.joined(separator: "\n") + "\n")
        #expect(try sluice(own, "status").lines.first?.contains(", running, ") == true)
        #expect(try sluice(own, "trace", "theirs-1").code == 1)

        // Its admin port cannot be told from the folder any more.
        try FileManager.default.removeItem(atPath: own.data + "/run.json")
        let silent = try sluice(own, "status")
        #expect(silent.code == 1)
        #expect(silent.complaints.contains("the gateway at \(other.run.admin) works on another folder"))
        #expect(silent.lines.contains { $0.hasPrefix("log     1 events") }, "\(silent.lines)")
        let traced = try sluice(own, "trace", "mine")
        #expect(traced.code == 0 && traced.complaints.contains("works on another folder"))
        let watched = try sluice(own, "tail", "-n", "5")
        #expect(watched.code == 1 && watched.lines.count == 1 && watched.lines[0].contains(" mine "))
        #expect(try sluice(own, "replay", "--destination", "warehouse", "--from", "-1h").complaints.contains("--admin"))

        try own.crash()
        let alone = try sluice(own, "status")
        #expect(alone.code == 1)
        #expect(alone.complaints.hasPrefix("no gateway is running on \(own.data); "), "\(alone.complaints)")
        #expect(alone.lines.contains { $0.contains("warehouse") && $0.contains("balanced") })
        #expect(try sluice(own, "trace", "theirs-1").code == 1)
        #expect(try sluice(own, "trace", "mine").code == 0)
        let past = try sluice(own, "tail", "-n", "5")
        #expect(past.code == 0 && past.lines.count == 1)
        #expect(try sluice(own, "tail").code == 1)
        // Whoever names an address means it.
        #expect(try sluice(own, "trace", "theirs-1", "--admin", other.run.admin).code == 0)
        #expect(other.stop() == .exited(code: 0))
    }

    @Test(.timeLimit(.minutes(1)))
    func `a page whose name leads to this machine reads nothing`() throws {
        let gateway = try TestGateway()
        let admin = try #require(HTTPClient(address: gateway.run.admin))
        func ask(_ method: String, _ path: String, host: String, _ more: [(name: String, value: String)] = []) throws
            -> Int
        {
            try RawRequest.status(
                gateway.run.admin,
                "\(method) \(path) HTTP/1.1\r\nHost: \(host)\r\n"
                    + more.map { "\($0.name): \($0.value)\r\n" }.joined() + "Connection: close\r\n\r\n")
        }
        for path in ["/api/status", "/api/events/x", "/api/replays", "/api/tail", "/metrics"] {
            #expect(try ask("GET", path, host: "evil.test:9090") == 421, "\(path)")
        }
        #expect(
            try ask(
                "POST", "/api/replays", host: "evil.test",
                [("Content-Type", "application/json"), ("Content-Length", "0")]) == 421)
        #expect(try ask("GET", "/api/status", host: "localhost:9090") == 200)
        #expect(try ask("GET", "/api/status", host: "[::1]") == 200)
        #expect(try ask("GET", "/healthz", host: "evil.test") == 200)
        #expect(try ask("GET", "/readyz", host: "evil.test") == 200)
        #expect(try admin.request("GET", "/api/status", headers: [], body: []).status == 200)
        #expect(gateway.stop() == .exited(code: 0))
    }

    @Test(.timeLimit(.minutes(1)))
    func `a copy of an own segment counts what was delivered`() throws {
        let gateway = try TestGateway()
        try post(gateway, (0..<5).map { "e-\($0)" })
        _ = try gateway.settled(events: 5)
        #expect(gateway.stop() == .exited(code: 0))
        let copy = gateway.folder.path + "/archived.sqlite"
        try FileManager.default.copyItem(atPath: gateway.data + "/log/000000000001.sqlite", toPath: copy)
        func plan(_ gateway: TestGateway) throws -> ReplayPlanDocument {
            let run = try sluice(
                gateway, "replay", "--destination", "warehouse", "--from-segment", copy, "--dry-run", "--json")
            #expect(run.code == 0, "\(run.complaints)")
            let text = Array(run.lines.joined(separator: "\n").utf8)
            return try #require(AdminJSON.decode(ReplayAnswer.self, from: text)).plan
        }
        let own = try plan(gateway)
        #expect(own.events == 5 && own.alreadyDelivered == 5 && own.notes.isEmpty)

        // At another gateway, whose blocks have the same numbers, nothing is known of them.
        let other = try TestGateway()
        try post(other, (0..<5).map { "o-\($0)" })
        _ = try other.settled(events: 5)
        #expect(other.stop() == .exited(code: 0))
        let foreign = try plan(other)
        #expect(foreign.events == 5 && foreign.alreadyDelivered == 0)
        #expect(foreign.notes.contains { $0.contains("another log's") }, "\(foreign.notes)")
    }

    @Test func `an error in options shows the usage of its command`() throws {
        let backwards = try Command.run(["export", "--from", "now", "--until", "-1h"])
        #expect(backwards.code != 0)
        #expect(backwards.complaints.contains("--from is later than --until"))
        #expect(backwards.complaints.contains("Usage: sluice export "))
        for command in ["export", "tail"] {
            let run = try Command.run([command, "--type", "sale"])
            #expect(run.code != 0 && run.complaints.contains("Usage: sluice \(command) "), "\(run.complaints)")
        }
    }
}

/// One request as it stands, and the status of its answer.
private enum RawRequest {
    static func status(_ address: String, _ text: String) throws -> Int {
        let colon = try #require(address.lastIndex(of: ":"))
        let head = try Tool.run(
            "bash",
            [
                "-c", #"exec 3<>"/dev/tcp/$0/$1"; printf %s "$2" >&3; head -n 1 <&3"#, String(address[..<colon]),
                String(address[address.index(after: colon)...]), text,
            ])
        let parts = String(decoding: head, as: UTF8.self).split(separator: " ")
        return parts.count > 1 ? Int(parts[1]) ?? 0 : 0
    }
}
