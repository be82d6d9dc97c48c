import ArgumentParser
import SluiceServer

@main
struct Sluice: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sluice",
        abstract: "An event gateway: takes beacons, keeps them, and delivers them to advertising platforms.",
        version: BuildInformation.version,
        subcommands: [
            ServeCommand.self, CheckCommand.self, StatusCommand.self, TraceCommand.self, ReplayCommand.self,
            TailCommand.self, ExportCommand.self, FsckCommand.self, DemoCommand.self,
            DrillCommand.self,
        ])
}
