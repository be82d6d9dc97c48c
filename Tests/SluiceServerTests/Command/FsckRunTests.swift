import Foundation
import SluiceLog
import SluiceServer
import Testing

@Suite struct FsckRunTests {
    /// A folder with an empty log, and what the run wrote to standard output.
    private func run(
        _ prepare: (String) throws -> Void = { _ in }, repairs: Bool = false, json: Bool = false
    ) throws -> (code: Int32, output: String) {
        let folder = try TemporaryFolder()
        try EventLog.open(folder: folder.path + "/data").close()
        try prepare(folder.path + "/data")
        var output = ""
        let check = FsckRun(
            folder: folder.path + "/data", repairs: repairs, json: json, output: { output += $0 }, progress: nil)
        return (try check.run(), output)
    }

    @Test func `a sound folder is clean`() throws {
        let result = try run()
        #expect(result.code == 0)
        #expect(result.output.contains("1 segments, 0 sound blocks with 0 events"))
        #expect(result.output.contains("clean, 1 notes"), "there is no state file: \(result.output)")
    }

    @Test func `problems are named as they are found`() throws {
        let result = try run { data in
            try Data([1]).write(to: URL(fileURLWithPath: data + "/log/000000000099.sqlite-wal"))
        }
        #expect(result.code == 1)
        #expect(result.output.contains("PROBLEM orphan log/000000000099.sqlite-wal: belongs to"))
        #expect(result.output.contains("1 problems; sluice fsck --repair"))
    }

    @Test func `the document has all of it`() throws {
        let result = try run(
            { data in try Data([1]).write(to: URL(fileURLWithPath: data + "/log/000000000099.sqlite-wal")) },
            repairs: true, json: true)
        #expect(result.code == 1, "repaired is not clean, as in fsck(8)")
        let document = try #require(
            JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
        #expect(document["exit_code"] as? Int == 1)
        let findings = try #require(document["findings"] as? [[String: Any]])
        let orphan = try #require(findings.first { $0["kind"] as? String == "orphan" })
        #expect((orphan["repair"] as? String)?.hasPrefix("renamed to 000000000099.sqlite-wal.damaged-") == true)
        let summary = try #require(document["summary"] as? [String: Any])
        #expect(summary["problems"] as? Int == 1 && summary["repaired"] as? Int == 1)
        #expect(summary["beside_gateway"] as? Bool == false)
    }

    @Test func `a folder in use is not repaired`() throws {
        let folder = try TemporaryFolder()
        let log = try EventLog.open(folder: folder.path)
        defer { log.close() }
        let check = FsckRun(folder: folder.path, repairs: true, json: false, output: { _ in }, progress: nil)
        let error = #expect(throws: LogError.self) { try check.run() }
        #expect(error?.description.contains("is in use by another process") == true)
    }

    @Test func `what is left unrepaired is told apart`() {
        var summary = CheckSummary(folder: "d")
        #expect(summary.exitCode(repairs: true) == 0)
        summary.problems = 2
        summary.repaired = 1
        #expect(summary.exitCode(repairs: true) == 4 && summary.exitCode(repairs: false) == 1)
        summary.repaired = 2
        #expect(summary.exitCode(repairs: true) == 1)
    }
}
