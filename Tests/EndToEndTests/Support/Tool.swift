import Foundation

/// A command-line program that everybody has, run to its end.
enum Tool {
    /// Its standard output; throws with its words when it does not exit with 0.
    static func run(
        _ path: String, _ arguments: [String], workingFolder: String? = nil
    ) throws -> [UInt8] {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [path] + arguments
        if let workingFolder { process.currentDirectoryURL = URL(fileURLWithPath: workingFolder) }
        let output = Pipe()
        process.standardOutput = output
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let bytes = [UInt8](output.fileHandleForReading.readDataToEndOfFile())
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw TestFailure("\(path) \(arguments) failed with \(process.terminationStatus)")
        }
        return bytes
    }
}
