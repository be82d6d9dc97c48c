import Foundation
import Synchronization
import Testing

/// Holds the instructions an event costs on its way from a request's body to its canonical line against
/// `Benchmarks/thresholds.json`. Unlike times they hardly depend on the machine, and not on what else it does.
///
///     SLUICE_ALLOCATION_TESTS=1 swift test -c release -Xswiftc -enable-testing --scratch-path .build-optimized --filter InstructionTests
///
/// With SLUICE_RECORD_THRESHOLDS=1 in the environment the file is written from what was counted: read the
/// difference before committing it.
@Suite(
    .enabled(if: Build.isOptimized, "needs an optimized build"),
    .enabled(if: Build.isX86, "the thresholds are those of x86-64"),
    .enabled(if: Callgrind.path != nil, "needs valgrind; scripts/bootstrap installs it"))
struct InstructionTests {
    @Test func anEventCostsNoMoreThanItsThreshold() throws {
        let benchmark = CoreProgram()
        let requests = try benchmark.requests()
        #expect(!requests.isEmpty)
        let counted = try benchmark.instructions(of: requests)
        var thresholds = try Thresholds.read()
        if ProcessInfo.processInfo.environment["SLUICE_RECORD_THRESHOLDS"] == "1" {
            thresholds.instructionsPerEvent = counted
            try thresholds.write()
            return
        }
        #expect(
            Set(thresholds.instructionsPerEvent.keys) == Set(requests),
            "each request of Benchmarks/core has its threshold, and each threshold its request; \(Thresholds.howTo)")
        for (request, figure) in counted.sorted(by: { $0.key < $1.key }) {
            guard let recorded = thresholds.instructionsPerEvent[request] else { continue }
            let most = recorded + recorded * thresholds.slackPercent / 100
            #expect(
                figure <= most,
                """
                \(request): \(figure) instructions an event; at most \(most) are allowed, \(recorded) when they were \
                recorded and \(thresholds.slackPercent) % more. Where the cost is worth it, \(Thresholds.howTo)
                """)
        }
    }
}

private enum Build {
    static var isOptimized: Bool {
        #if DEBUG
            false
        #else
            true
        #endif
    }

    static var isX86: Bool {
        #if arch(x86_64)
            true
        #else
            false
        #endif
    }
}

/// The committed figures.
private struct Thresholds: Codable {
    /// Of what, for whoever reads the file.
    var about: String
    /// How much more than recorded is let pass: compilers and C libraries differ by some.
    var slackPercent: Int
    var instructionsPerEvent: [String: Int]

    static let howTo =
        "record them with SLUICE_RECORD_THRESHOLDS=1 scripts/test, and commit Benchmarks/thresholds.json"

    private static let file = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Benchmarks/thresholds.json")

    static func read() throws -> Thresholds {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(Thresholds.self, from: Data(contentsOf: file))
    }

    func write() throws {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try (encoder.encode(self) + Data("\n".utf8)).write(to: Thresholds.file)
    }
}

/// The program of Benchmarks/core, built beside the tests.
private struct CoreProgram {
    /// Counted between so many events and so many: what happens once, start-up and warm-up, falls away.
    private static let few = 500
    private static let many = 2500

    private var path: String {
        let tests = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return URL(fileURLWithPath: tests).deletingLastPathComponent().path + "/CoreBenchmark"
    }

    /// The requests' names.
    func requests() throws -> [String] {
        try run(path, ["list"]).output.split(separator: "\n").compactMap {
            $0.split(separator: " ").first.map(String.init)
        }
    }

    /// Instructions an event of each request costs.
    func instructions(of requests: [String]) throws -> [String: Int] {
        let results = Mutex<[String: Result<Int, any Error>]>([:])
        DispatchQueue.concurrentPerform(iterations: requests.count) { index in
            let request = requests[index]
            let result = Result {
                (try count(request, CoreProgram.many) - count(request, CoreProgram.few))
                    / (CoreProgram.many - CoreProgram.few)
            }
            results.withLock { $0[request] = result }
        }
        return try results.withLock { try $0.mapValues { try $0.get() } }
    }

    private func count(_ request: String, _ events: Int) throws -> Int {
        let words = try run(
            Callgrind.path ?? "valgrind",
            [
                "--tool=callgrind", "--callgrind-out-file=/dev/null", path, "run", request, "sluice", String(events),
            ]
        ).errors
        // ==1234== Collected : 355792237
        guard let total = words.firstMatch(of: /Collected : (\d+)/).flatMap({ Int($0.1) }) else {
            throw ProgramFailure(description: "callgrind says no total: \(words)")
        }
        return total
    }

    private func run(_ program: String, _ arguments: [String]) throws -> (output: String, errors: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        // Hashes that differ from run to run would make the counts differ.
        process.environment = ProcessInfo.processInfo.environment.merging(["SWIFT_DETERMINISTIC_HASHING": "1"]) { $1 }
        let (output, errors) = (Pipe(), Pipe())
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        // Both fit into a pipe's buffer, so neither keeps the program waiting.
        let said = output.fileHandleForReading.readDataToEndOfFile()
        let complained = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationReason == .exit, process.terminationStatus == 0 else {
            throw ProgramFailure(description: "\(program) \(arguments) failed: \(complained)")
        }
        return (String(decoding: said, as: UTF8.self), complained)
    }
}

private struct ProgramFailure: Error, CustomStringConvertible {
    let description: String
}

private enum Callgrind {
    /// Where valgrind is installed; nil where it is not.
    static let path = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        .map { "\($0)/valgrind" }.first { FileManager.default.isExecutableFile(atPath: $0) }
}
