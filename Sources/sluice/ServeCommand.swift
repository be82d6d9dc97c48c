import ArgumentParser
import Logging
import SluiceServer

struct ServeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Run the gateway until SIGTERM or SIGINT.",
        discussion: """
            Without any configuration it listens on loopback, takes events from anyone there, and \
            keeps them in ./sluice-data. Log lines go to standard error.
            """)

    @OptionGroup var arguments: ConfigurationArguments

    @Flag(help: ArgumentHelp("Stop when standard input ends, as a child whose parent is gone.", visibility: .hidden))
    var stopOnStdinEof = false

    func run() throws {
        let configuration: Configuration
        do {
            configuration = try arguments.load()
        } catch {
            printError("\(error)\n")
            throw ExitCode(1)
        }
        let logger = Logger.sluice("sluice", level: configuration.logLevel, format: configuration.logFormat)
        for warning in configuration.warnings { logger.warning("\(warning)") }
        let code: Int32
        do {
            code = try Gateway.serve(configuration, logger: logger, stopsAtEndOfInput: stopOnStdinEof)
        } catch {
            logger.critical("the gateway cannot run: \(error)")
            throw ExitCode(1)
        }
        guard code == 0 else { throw ExitCode(code) }
    }
}
