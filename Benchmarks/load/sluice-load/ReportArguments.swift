import ArgumentParser
import Foundation
import SluiceServer

/// What is told, and checked afterwards.
struct ReportArguments: ParsableArguments {
    @Option(help: ArgumentHelp("Write the report as JSON; - is standard output.", valueName: "file"))
    var json: String?

    @Option(help: ArgumentHelp("Write the report as one HTML page.", valueName: "file"))
    var html: String?

    @Option(
        help: ArgumentHelp(
            "Afterwards look for every acknowledged event in the log of this configuration, or of this data folder.",
            valueName: "config"))
    var verify: String?

    @Flag(help: "No line for each second.")
    var quiet = false

    /// Where the log lies.
    func dataFolder() throws -> String? {
        guard let verify else { return nil }
        var isFolder: ObjCBool = false
        // Safety: `isFolder` outlives the call.
        if unsafe FileManager.default.fileExists(atPath: verify, isDirectory: &isFolder), isFolder.boolValue {
            return verify
        }
        do {
            let options = ConfigurationOptions(environment: ProcessInfo.processInfo.environment)
            return try ConfigurationLoader.onDisk(file: verify, options: options).data
        } catch {
            throw ValidationError("\(error)")
        }
    }
}
