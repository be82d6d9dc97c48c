import Foundation
import SluiceSimulator
import Testing

@Suite(.serialized) struct ExportTests {
    private func id(_ line: String) -> String { PlainJSON(Array(line.utf8))?["id"]?.string ?? "" }

    @Test(.timeLimit(.minutes(2)))
    func `an export holds every event once, beside a running gateway and without one`() throws {
        let gateway = try TestGateway()
        let traffic = gateway.traffic(seed: 41, events: 3000)
        traffic.start()
        traffic.wait()
        #expect(traffic.totals.acknowledged > 2000)
        _ = try gateway.settled(events: traffic.totals.acknowledged)
        let config = ["--config", gateway.configuration]

        let beside = try Command.run(["export"] + config)
        #expect(beside.code == 0, "\(beside.complaints)")
        #expect(gateway.stop() == .exited(code: 0))
        let stored = try LogOnDisk.lines(dataFolder: gateway.data)
        #expect(beside.lines == stored)
        #expect(beside.complaints.hasPrefix("\(stored.count) events, "))
        let without = try Command.run(["export", "--json"] + config)
        #expect(without.code == 0)
        #expect(without.lines == stored)
        #expect(PlainJSON(Array(without.complaints.utf8))?["events"]?.integer == Int64(stored.count))

        // Filters.
        let purchases = stored.filter { PlainJSON(Array($0.utf8))?["type"]?.string == "purchase" }
        #expect(!purchases.isEmpty && purchases.count < stored.count)
        let typed = try Command.run(["export", "--type", "purchase", "--source", "shop-web"] + config)
        #expect(typed.lines == purchases)
        #expect(try Command.run(["export", "--source", "nobody"] + config).lines == [])
        #expect(try Command.run(["export", "--from", "-2h"] + config).lines == stored)
        #expect(try Command.run(["export", "--from=-2h", "--until", "-1h"] + config).lines == [])
        #expect(try Command.run(["export", "--until", "2026-01-01"] + config).lines.count < stored.count)

        // Times cut within a block, and both halves make the whole.
        let times = Set(stored.compactMap { PlainJSON(Array($0.utf8))?["received_at"]?.string }).sorted()
        let middle = times[times.count / 2]
        let before = try Command.run(["export", "--until", middle] + config).lines
        let after = try Command.run(["export", "--from", middle] + config).lines
        #expect(!before.isEmpty && !after.isEmpty)
        #expect((before + after).sorted() == stored.sorted())

        // With their sequences, which rise.
        let numbered = try Command.run(["export", "--sequence"] + config).lines
        #expect(numbered.count == stored.count)
        #expect(numbered[0] == "{\"sequence\":\"1.0\",\"event\":\(stored[0])}")

        // One segment alone.
        let segment = gateway.data + "/log/000000000001.sqlite"
        #expect(try Command.run(["export", "--file", segment]).lines == stored)
    }

    @Test(.timeLimit(.minutes(1)))
    func `a reader that has enough ends it quietly`() throws {
        let gateway = try TestGateway()
        let traffic = gateway.traffic(seed: 5, events: 3000)
        traffic.start()
        traffic.wait()
        let text = try Tool.run(
            "bash",
            [
                "-c",
                "set -o pipefail; '\(TestGateway.binary)' export --config '\(gateway.configuration)' 2>&1 | head -n 1",
            ])
        #expect(text.split(separator: 0x0A).count == 1)
    }

    @Test(.timeLimit(.minutes(1)))
    func `what is damaged is named and passed over`() throws {
        let gateway = try TestGateway()
        for number in 1...3 {
            let body = "{\"id\":\"e-\(number)\",\"type\":\"page_view\"}"
            let answer = try gateway.client().request(
                "POST", "/v1/events", headers: [("Authorization", "Bearer \(gateway.cast.sourceKey)")],
                body: Array(body.utf8))
            #expect(answer.status == 202)
        }
        #expect(gateway.stop() == .exited(code: 0))
        let segment = gateway.data + "/log/000000000001.sqlite"
        _ = try Tool.run("sqlite3", [segment, "UPDATE block SET crc32c = crc32c + 1 WHERE number = 2"])
        let result = try Command.run(["export", "--config", gateway.configuration])
        #expect(result.code == 1)
        #expect(result.lines.map(id) == ["e-1", "e-3"])
        #expect(result.complaints.contains("cannot read block 2 of \(segment)"))
        let json = try Command.run(["export", "--json", "--config", gateway.configuration])
        #expect(json.code == 1)
        let report = try #require(PlainJSON(Array(json.complaints.utf8)))
        #expect(report["events"]?.integer == 2)
        #expect(report["unreadable"]?.elements?.count == 1)
    }

    @Test(.timeLimit(.minutes(1)))
    func `what is asked wrongly is explained`() throws {
        let folder = try TemporaryFolder()
        let config = try folder.write("sluice.yaml", "data: \(folder.path)/none\n")
        func complaint(_ arguments: String...) throws -> String {
            let result = try Command.run(["export", "--config", config] + arguments)
            #expect(result.code != 0)
            #expect(result.lines.isEmpty)
            return result.complaints
        }
        #expect(try complaint("--from", "2h").contains("write -2h"))
        #expect(try complaint("--from", "now", "--until", "-1h").contains("--from is later"))
        #expect(try complaint("--type", "buy").contains("there are: impression"))
        #expect(try complaint().contains("\(folder.path)/none/log does not exist"))
    }
}
