import ArgumentParser
import Foundation
import SluiceSimulator

/// `sluice demo`.
struct DemoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Run a gateway between simulated senders and simulated platforms.",
        discussion: """
            Starts stand-ins for Topsort, GoWit, VTEX Ads, Kevel, impact.com and a webhook, a real \
            gateway in front of them, and traffic in every platform's form. At Ctrl-C, or after --seconds, the traffic stops, the gateway delivers what is \
            left, and the books are printed: what each destination accepted, and what became of it, \
            compared with what the senders were promised and what the stand-ins got. Exits with 0 \
            only if they balance and nothing is pending or missing.
            """)

    @Option(help: "Send traffic for so many seconds; without it, until Ctrl-C.")
    var seconds: Double?

    @Option(help: "Events a second.")
    var rate: Double = 500

    @Option(
        help: "Folder for configuration, data and log; must be empty or absent. Default: a temporary one.")
    var dir: String?

    @Flag(help: "Leave the folder behind.")
    var keep = false

    @Flag(help: "Print the books as one JSON object, and nothing else.")
    var json = false

    @Option(help: "Seed of the traffic, to send the same requests again.")
    var seed: UInt64?

    func validate() throws {
        if let seconds, !(seconds > 0 && seconds <= 86_400) {
            throw ValidationError("--seconds must be above 0, and at most 86400 (a day)")
        }
        guard rate > 0, rate <= 1_000_000 else {
            throw ValidationError("--rate must be above 0, and at most 1000000")
        }
    }

    func run() throws {
        var options = DemoOptions(seed: seed ?? UInt64.random(in: 0...UInt64(UInt32.max)))
        options.seconds = seconds
        options.eventsPerSecond = rate
        options.folder = dir
        options.keepsFolder = keep
        options.printsJSON = json
        do {
            let code = try Demo(options).run()
            if code != 0 { throw ExitCode(code) }
        } catch let error as DemoError {
            FileHandle.standardError.write(Data("sluice demo: \(error)\n".utf8))
            throw ExitCode(1)
        }
    }
}
