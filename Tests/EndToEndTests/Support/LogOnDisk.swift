import Foundation
import SluiceSimulator

/// Reads a gateway's log as an operator without Sluice would: with `sqlite3` and `zstd`.
enum LogOnDisk {
    /// All committed events in order, as lines of JSON. The gateway must not be running.
    static func lines(dataFolder: String) throws -> [String] {
        let folder = dataFolder + "/log"
        let segments = try FileManager.default.contentsOfDirectory(atPath: folder)
            .filter { $0.hasSuffix(".sqlite") }
            .sorted { number($0) < number($1) }
        return try segments.flatMap { try lines(segment: "\(folder)/\($0)") }
    }

    /// How often each event id is in the log.
    static func ids(dataFolder: String) throws -> [String: Int] {
        var counts: [String: Int] = [:]
        for line in try lines(dataFolder: dataFolder) {
            guard let id = PlainJSON(Array(line.utf8))?["id"]?.string else {
                throw TestFailure("an event without id: \(line)")
            }
            counts[id, default: 0] += 1
        }
        return counts
    }

    private static func number(_ name: String) -> Int {
        Int(name.prefix { $0.isNumber }) ?? 0
    }

    private static func lines(segment: String) throws -> [String] {
        let scratch = try TemporaryFolder()
        // Padded, so that the names sort as the numbers do.
        _ = try Tool.run(
            "sqlite3",
            [
                segment,
                "SELECT writefile(printf('\(scratch.path)/%012d.zst', number), payload) FROM block "
                    + "WHERE codec = 'zstd' ORDER BY number",
            ])
        let others = try Tool.run(
            "sqlite3", [segment, "SELECT count(*) FROM block WHERE codec <> 'zstd'"])
        guard String(decoding: others, as: UTF8.self) == "0\n" else {
            throw TestFailure("\(segment) has blocks that are not compressed with zstd")
        }
        let files = try FileManager.default.contentsOfDirectory(atPath: scratch.path).sorted()
        guard !files.isEmpty else { return [] }
        let text = try Tool.run("zstd", ["-dcq"] + files, workingFolder: scratch.path)
        return String(decoding: text, as: UTF8.self).split(separator: "\n").map(String.init)
    }
}
