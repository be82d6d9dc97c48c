import Foundation
import SluiceCore
import Testing

@testable import SluiceLog

/// Runs the commands of docs/log-format.md as they stand there.
@Suite struct LogFormatTests {
    /// The page's shell commands, in order.
    private static func commands() throws -> [String] {
        let page = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().appendingPathComponent("../../docs/log-format.md")
        let parts = try String(contentsOf: page, encoding: .utf8).components(separatedBy: "```sh\n")
        return parts.dropFirst().compactMap { $0.components(separatedBy: "\n```").first }
    }

    private func output(of word: String, _ rig: LogRig, segment: Int64, block: Int64) throws -> String {
        let commands = try LogFormatTests.commands().filter { $0.contains(word) }
        let command = try #require(commands.count == 1 ? commands[0] : nil, "one command with \(word)")
        let folder = TemporaryFolder()
        let result = try runProgram(
            ["sh", "-e", "-c", command],
            environment: [
                "SEGMENT": rig.log.folder.segment(firstBlock: segment), "BLOCK": "\(block)",
                "STATE": rig.log.folder.state,
            ], folder: folder.path)
        #expect(result.status == 0, "\(command)")
        return result.output
    }

    private func lines(_ ids: [String]) -> String { ids.map { eventLine($0) + "\n" }.joined() }

    @Test func aSegmentCanBeReadByHand() throws {
        var configuration = LogConfiguration()
        configuration.writtenBy = "sluice test"
        let rig = try LogRig(configuration: configuration)
        rig.start()
        let first = (0..<50).map { "first-\($0)" }
        let second = (0..<50).map { "second-\($0)" }
        rig.commit(first)
        rig.commit(second)
        // While the gateway runs, and when it has stopped.
        for isRunning in [true, false] {
            if !isRunning { rig.stop() }
            #expect(
                try output(of: "FROM segment", rig, segment: 1, block: 1).contains("sluice test|20"))
            let list = try output(of: "length(payload)", rig, segment: 1, block: 1)
            #expect(list.contains("\n1|50|zstd|\(lines(first).utf8.count)|"))
            #expect(try output(of: "block.zst", rig, segment: 1, block: 2).hasSuffix(lines(second)))
            #expect(try output(of: "cat 0", rig, segment: 1, block: 1).hasSuffix(lines(first + second)))
            #expect(try output(of: "integrity_check", rig, segment: 1, block: 1) == "ok\n")
        }
    }

    @Test func storedAndZlibBlocksToo() throws {
        for codec in [BlockCodec.none, .zlib] {
            var configuration = LogConfiguration()
            configuration.compression = codec
            let rig = try LogRig(configuration: configuration)
            rig.start()
            let ids = (0..<50).map { "event-\($0)" }
            rig.commit(ids)
            rig.stop()
            let word = codec == .none ? "codec = 'none'" : "python3"
            #expect(try output(of: word, rig, segment: 1, block: 1).contains(lines(ids)))
        }
    }

    @Test func theStateFileCanBeReadByHand() throws {
        let rig = try LogRig()
        let state = try rig.log.makeDeliveryState()
        try state.save(
            DeliveryChange(
                cursors: [
                    Cursor(
                        destination: "hook", position: EventSequence(block: 4, index: 2), startEvent: 0,
                        counts: OutcomeCounts())
                ],
                exceptions: [
                    ExceptionalOutcome(
                        destination: "hook", sequence: EventSequence(block: 3, index: 1), eventID: "e",
                        outcome: .parked, status: 0, reason: "ambiguous", attempts: 1,
                        firstAttemptMilliseconds: 1, lastAttemptMilliseconds: 1, url: "u")
                ]))
        #expect(
            try output(of: "FROM cursor", rig, segment: 1, block: 1)
                == "hook|4|2|0|0\nhook|3.1|parked|0|ambiguous\n")
        rig.stop()
    }

    /// The page names every column there is, and the pragmas as they are.
    @Test func thePageIsComplete() throws {
        let page = try String(
            contentsOf: URL(fileURLWithPath: #filePath)
                .deletingLastPathComponent().appendingPathComponent("../../docs/log-format.md"),
            encoding: .utf8)
        let rig = try LogRig()
        _ = try rig.log.makeDeliveryState()
        rig.stop()
        for (path, tables) in [
            (rig.log.folder.segment(firstBlock: 1), ["segment", "block"]),
            (rig.log.folder.state, ["cursor", "block_outcome", "exceptional_outcome"]),
        ] {
            for table in tables {
                let columns = try runProgram(
                    ["sqlite3", path, "SELECT name FROM pragma_table_info('\(table)')"]
                ).output.split(separator: "\n")
                #expect(columns.count > 5)
                for column in columns { #expect(page.contains("`\(column)`"), "\(table).\(column)") }
            }
            let application = try runProgram(["sqlite3", path, "PRAGMA application_id"]).output
            #expect(page.contains(application.trimmingCharacters(in: .whitespacesAndNewlines)))
        }
        #expect(page.contains("`page_size` | \(SegmentSchema.pageSize)"))
        #expect(page.contains("`user_version` | \(SegmentSchema.formatVersion)"))
    }
}
