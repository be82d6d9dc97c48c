import ArgumentParser
import Foundation
import SluiceSimulator

/// `sluice drill`.
struct DrillCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drill",
        abstract: "Break things on purpose, on this machine, and show that nothing acknowledged is lost.",
        discussion: """
            Each drill starts a gateway of its own in a temporary folder, between simulated senders and \
            simulated platforms on loopback, and prints a ledger: what was acknowledged, what the log holds, \
            and what came to each destination. Exits with 0 only if it balances. A running gateway is not \
            touched.
            """,
        subcommands: [Crash.self, DiskFull.self, UpstreamDown.self])

    /// What all drills take.
    struct Arguments: ParsableArguments {
        @Option(help: "Events a second.")
        var rate: Double = 500

        @Option(
            help:
                "Folder for configuration, data and log; must be empty or absent. Default: a temporary one.")
        var dir: String?

        @Flag(help: "Leave the folder behind.")
        var keep = false

        @Flag(help: "Print the ledger as one JSON object; what happens meanwhile goes to standard error.")
        var json = false

        @Option(help: "Seed of the traffic and of all that is left to chance.")
        var seed: UInt64?

        @Option(help: "How many seconds to wait for anything that must happen in the end.")
        var patience: Double = 120

        func validate() throws {
            guard rate > 0, rate <= 1_000_000 else {
                throw ValidationError("--rate must be above 0, and at most 1000000")
            }
            guard patience >= 1, patience <= 86_400 else {
                throw ValidationError("--patience must be from 1 to 86400 (a day)")
            }
        }

        var options: DrillOptions {
            var options = DrillOptions(seed: seed ?? UInt64.random(in: 0...UInt64(UInt32.max)))
            options.eventsPerSecond = rate
            options.folder = dir
            options.keepsFolder = keep
            options.printsJSON = json
            options.patienceSeconds = patience
            return options
        }

        /// `--rounds` and `--seconds`.
        static func check(rounds: Int = 1, seconds: Double) throws {
            guard rounds >= 1, rounds <= 1_000_000 else {
                throw ValidationError("--rounds must be from 1 to 1000000")
            }
            guard seconds > 0, seconds <= 86_400 else {
                throw ValidationError("--seconds must be above 0, and at most 86400 (a day)")
            }
        }
    }

    /// Runs a drill to its exit code.
    static func run(_ drill: () throws(DrillError) -> Int32) throws {
        let code: Int32
        do throws(DrillError) {
            code = try drill()
        } catch {
            printError("sluice drill: \(error)\n")
            throw ExitCode(1)
        }
        if code != 0 { throw ExitCode(code) }
    }

    struct Crash: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "crash",
            abstract: "Kill the gateway under load (SIGKILL) at random moments, and start it again.",
            discussion: """
                At the end every acknowledged event must be in the log exactly once and at each destination \
                that takes it at least once, and fresh events must pass.
                """)

        @OptionGroup var arguments: Arguments

        @Option(help: "How often to kill it.")
        var rounds = 20

        @Option(help: "The longest that load goes on before a kill.")
        var seconds: Double = 2

        func validate() throws { try Arguments.check(rounds: rounds, seconds: seconds) }

        func run() throws {
            try DrillCommand.run { () throws(DrillError) in
                try CrashDrill(arguments.options, rounds: rounds, secondsPerRound: seconds).run()
            }
        }
    }

    struct DiskFull: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "disk-full",
            abstract: "Fill the gateway's disk under load, and free it again.",
            discussion: """
                The disk is a private file system in memory, where the kernel lets us mount one; else the \
                gateway's files are kept from growing. While it is full every request must be answered 503 \
                with Retry-After, or be kept; once there is room the gateway must go on by itself.
                """)

        @OptionGroup var arguments: Arguments

        @Option(help: "How often to fill it.")
        var rounds = 2

        @Option(help: "How long load goes on before the disk is full, and how long it stays so.")
        var seconds: Double = 5

        @Flag(help: "Mount nothing; limit the size of the gateway's files instead.")
        var limitFiles = false

        func validate() throws { try Arguments.check(rounds: rounds, seconds: seconds) }

        func run() throws {
            try DrillCommand.run { () throws(DrillError) in
                try DiskFullDrill(
                    arguments.options, rounds: rounds, secondsPerRound: seconds, mayMount: !limitFiles
                ).run()
            }
        }
    }

    struct UpstreamDown: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "upstream-down",
            abstract: "Take each platform down under load, then all of them, and bring them back.",
            discussion: """
                Every way of being down is tried on each: refused connections, 503, requests that hang, \
                resets, and 429. What waited must be delivered once the platform is back; the other \
                destinations must not be held up.
                """)

        @OptionGroup var arguments: Arguments

        @Option(help: "How long each outage lasts at least.")
        var seconds: Double = 3

        @Option(
            help: ArgumentHelp(
                "Only these outages, with commas between: \(Outage.allCases.map(\.rawValue).joined(separator: ", ")).",
                valueName: "outages"))
        var only: String?

        @Flag(help: "One outage for each platform instead of all of them.")
        var quick = false

        func validate() throws {
            try Arguments.check(seconds: seconds)
            _ = try outages()
        }

        private func outages() throws -> [Outage] {
            guard let only else { return Outage.allCases }
            return try only.split(separator: ",").map { word in
                guard let outage = Outage(rawValue: word.trimmingCharacters(in: .whitespaces)) else {
                    throw ValidationError("--only: there is no outage '\(word)'")
                }
                return outage
            }
        }

        func run() throws {
            let outages = try outages()
            try DrillCommand.run { () throws(DrillError) in
                try UpstreamDrill(
                    arguments.options, outages: outages, secondsDown: seconds, isQuick: quick
                ).run()
            }
        }
    }
}
