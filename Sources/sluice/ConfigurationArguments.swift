import ArgumentParser
import Foundation
import SluiceServer

/// `--config`, for every command that has a configuration.
struct ConfigurationArguments: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp(
            "The configuration file. Without it \(ConfigurationLoader.standardFiles.joined(separator: ", then ")), else the defaults.",
            valueName: "file"))
    var config: String?

    var options: ConfigurationOptions {
        ConfigurationOptions(environment: ProcessInfo.processInfo.environment)
    }

    func load() throws(ConfigurationError) -> Configuration {
        try ConfigurationLoader.load(file: config, options: options)
    }
}

/// Writes to standard error, without a line end of its own.
func printError(_ text: String) {
    // Where nobody reads it, nothing is to be done about that.
    try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
}
