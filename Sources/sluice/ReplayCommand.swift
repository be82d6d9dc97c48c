import ArgumentParser
import Foundation
import SluiceServer

/// `sluice replay`.
struct ReplayCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Send events of the log to a destination once more.",
        discussion: """
            With --dry-run it says how much that would be. Otherwise it becomes a job, which the running \
            gateway carries out beside its live traffic; without a running gateway it is carried out here, \
            and Ctrl-C pauses it. Events keep their ids, so that platforms that deduplicate do.
            """,
        subcommands: [
            Start.self, List.self, Show.self, Pause.self, Resume.self, Cancel.self,
        ],
        defaultSubcommand: Start.self)

    struct Common: ParsableArguments {
        @OptionGroup var arguments: ConfigurationArguments

        @Option(
            name: .long,
            help: ArgumentHelp(
                "The gateway's admin address, instead of the one it left in the data folder.",
                valueName: "host:port"))
        var admin: String?

        @Flag(name: .long, help: "Print JSON.")
        var json = false

        func run(_ body: (ReplayTool) throws(ReplayFailure) -> Int32) throws {
            let code: Int32
            do {
                code = try body(try tool())
            } catch let error as ReplayFailure {
                printError("sluice replay: \(error.message)\n")
                throw ExitCode(1)
            } catch {
                printError("\(error)\n")
                throw ExitCode(1)
            }
            guard code == 0 else { throw ExitCode(code) }
        }

        private func tool() throws -> ReplayTool {
            var tool = ReplayTool(
                try arguments.load(),
                // At once, because progress goes to standard error meanwhile.
                print: { FileHandle.standardOutput.write(Data($0.utf8)) }, tell: { printError($0) })
            if let admin {
                do { tool.admin = try Endpoint.parse(admin) } catch {
                    throw ReplayFailure("--admin: '\(admin)' \(error.message)")
                }
            }
            tool.isJSON = json
            tool.isTerminal = isatty(STDERR_FILENO) == 1
            return tool
        }
    }

    struct Start: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Reckon a replay, and carry it out unless --dry-run is given.",
            discussion: """
                Without --outcome every event of the range that the destination's rules take is sent, \
                delivered already or not. Events that the destination has not come to yet are left to live \
                delivery. Exits with 0 when the replay is done, or is left to the gateway with --detach.
                """)

        @OptionGroup var common: Common

        @Option(help: "Where to send the events: a destination's name.")
        var destination: String

        @Option(
            parsing: .unconditional,
            help: "Events received from then on: RFC 3339, now, or an age such as -2h.",
            transform: TimeArgument.option)
        var from: TimeArgument?

        @Option(
            parsing: .unconditional, help: "Events received until then; without it, until now.",
            transform: TimeArgument.option)
        var until: TimeArgument?

        @Option(help: "Only events of this type; may be given several times.")
        var type: [String] = []

        @Option(help: "Only events of this source; may be given several times.")
        var source: [String] = []

        @Option(help: "Only events that ended there as rejected, parked, expired, or any of these.")
        var outcome: String?

        @Option(help: ArgumentHelp("Most events in a time, as in 200/s.", valueName: "n/s"))
        var rate: String?

        @Option(
            help: ArgumentHelp(
                "Read an archived segment instead of the log; --from and --until may then be left out.",
                valueName: "file"))
        var fromSegment: String?

        @Flag(help: "Say what would be sent, and send nothing.")
        var dryRun = false

        @Flag(help: "Leave the job to the running gateway and return at once.")
        var detach = false

        func run() throws {
            var request = ReplayRequest()
            request.destination = destination
            request.from = from
            request.until = until
            request.types = type
            request.sources = source
            request.outcome = outcome
            request.rate = rate
            // The gateway has another working folder.
            request.fromSegment = fromSegment.map { URL(fileURLWithPath: $0).standardizedFileURL.path }
            request.dryRun = dryRun
            let wanted = request
            try common.run { (tool) throws(ReplayFailure) in try tool.start(wanted, detaches: detach) }
        }
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List all replays.")
        @OptionGroup var common: Common

        func run() throws { try common.run { (tool) throws(ReplayFailure) in try tool.list() } }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show one replay.")
        @OptionGroup var common: Common
        @Argument(help: "The replay's number.") var id: Int64

        func run() throws { try common.run { (tool) throws(ReplayFailure) in try tool.show(id) } }
    }

    struct Pause: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Pause a replay: nothing more of it is sent.")
        @OptionGroup var common: Common
        @Argument(help: "The replay's number.") var id: Int64

        func run() throws {
            try common.run { (tool) throws(ReplayFailure) in try tool.change(id, .pause) }
        }
    }

    struct Resume: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Go on with a paused replay, in the running gateway or here.")
        @OptionGroup var common: Common
        @Argument(help: "The replay's number.") var id: Int64
        @Flag(help: "Leave the job to the running gateway and return at once.")
        var detach = false

        func run() throws {
            try common.run { (tool) throws(ReplayFailure) in try tool.change(id, .resume, detaches: detach) }
        }
    }

    struct Cancel: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Give a replay up. What was sent stays sent.")
        @OptionGroup var common: Common
        @Argument(help: "The replay's number.") var id: Int64

        func run() throws {
            try common.run { (tool) throws(ReplayFailure) in try tool.change(id, .cancel) }
        }
    }
}
