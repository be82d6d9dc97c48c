import ArgumentParser
import SluiceServer

struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Check a configuration: print everything that is wrong with it, or what it amounts to.",
        discussion: "Exits with 0 when the configuration is good, else with 1.")

    @OptionGroup var arguments: ConfigurationArguments

    @Flag(name: .long, help: "Print JSON.")
    var json = false

    func run() throws {
        let report: CheckReport
        do {
            report = CheckReport(try arguments.load())
        } catch {
            report = CheckReport(error)
        }
        if json {
            print(AdminJSON.encode(report, pretty: true))
        } else if report.ok {
            print(report.text, terminator: "")
        } else {
            printError(report.text)
        }
        if !report.ok { throw ExitCode(1) }
    }
}
