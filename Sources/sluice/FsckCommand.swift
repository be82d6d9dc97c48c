import ArgumentParser
import Foundation
import SluiceServer

struct FsckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fsck",
        abstract: "Check the log and the state file block by block, and repair them where asked.",
        discussion: """
            Without --repair nothing is changed, also beside a running gateway, where only what is committed \
            is looked at. A repair needs the gateway to be stopped. It deletes nothing: damaged files are \
            renamed, their sound blocks go into fresh ones, and the state file is copied before it is corrected.

            Exits with 0 when nothing is wrong; with 1 when there are problems, repaired ones included; with 4 \
            when --repair could not repair all of them; with 8 when the check could not be made.
            """)

    @OptionGroup var arguments: ConfigurationArguments

    @Option(
        name: .long,
        help: ArgumentHelp("The data folder, instead of the configuration's.", valueName: "folder"))
    var dir: String?

    @Flag(name: .long, help: "Set damaged files aside, keep what is sound, correct cursors.")
    var repair = false

    @Flag(name: .long, help: "Print JSON.")
    var json = false

    func run() throws {
        let folder: String
        do {
            folder = try dir ?? arguments.load().data
        } catch {
            printError("\(error)\n")
            throw ExitCode(FsckRun.exitOperationalError)
        }
        let isTerminal = isatty(FileHandle.standardError.fileDescriptor) != 0
        let check = FsckRun(
            folder: folder, repairs: repair, json: json, output: { print($0, terminator: "") },
            progress: isTerminal ? { printError($0) } : nil)
        let code: Int32
        do {
            code = try check.run()
        } catch {
            printError("\(error)\n")
            throw ExitCode(FsckRun.exitOperationalError)
        }
        if code != 0 { throw ExitCode(code) }
    }
}
