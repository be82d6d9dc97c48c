import Foundation
import Synchronization

/// A command of the built binary, with what it writes as it comes.
///
/// Owner: one test. Invariant: the child does not outlive it.
final class Command {
    private let process = Process()
    private let output = Collector()
    private let errors = Collector()

    /// What came through a pipe so far, gathered by its own thread.
    private final class Collector: Sendable {
        private let bytes = Mutex<[UInt8]>([])
        private let ended = DispatchSemaphore(value: 0)
        let pipe = Pipe()

        func start() {
            let handle = pipe.fileHandleForReading
            Thread.detachNewThread {
                while true {
                    let data = handle.availableData
                    if data.isEmpty { break }
                    self.bytes.withLock { $0 += data }
                }
                self.ended.signal()
            }
        }

        var text: String { bytes.withLock { String(decoding: $0, as: UTF8.self) } }
        func wait() { ended.wait() }
    }

    init(_ arguments: [String]) throws {
        process.executableURL = URL(fileURLWithPath: TestGateway.binary)
        process.arguments = arguments
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output.pipe
        process.standardError = errors.pipe
        try process.run()
        output.start()
        errors.start()
    }

    deinit {
        if process.isRunning {
            process.terminate()
            process.waitUntilExit()
        }
    }

    /// Whole lines on standard output so far.
    var lines: [String] {
        let text = output.text
        guard let end = text.lastIndex(of: "\n") else { return [] }
        return text[..<end].split(separator: "\n").map(String.init)
    }

    var complaints: String { errors.text }

    func interrupt() { process.interrupt() }

    /// Waits for its end and for all it wrote; its exit code.
    func wait() -> Int32 {
        process.waitUntilExit()
        output.wait()
        errors.wait()
        return process.terminationStatus
    }

    /// Runs to the end.
    static func run(_ arguments: [String]) throws -> (code: Int32, lines: [String], complaints: String) {
        let command = try Command(arguments)
        let code = command.wait()
        return (code, command.lines, command.complaints)
    }
}
