import ArgumentParser
import SluiceServer

struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract:
            "Say how the gateway is: sources, lag, outcomes, and whether the books balance, in all and hour by hour.",
        discussion: """
            Asks the gateway that works on the configuration's data folder. Where none does, or none answers, it \
            says so and shows what lies on the disk. Exits with 0 when the gateway answers and its books balance, \
            else with 1.
            """)

    @OptionGroup var arguments: ConfigurationArguments

    @Option(
        name: .long,
        help: ArgumentHelp(
            "The gateway's admin address, instead of the one it left in the data folder.", valueName: "host:port"))
    var admin: String?

    @Option(name: .long, help: "How many hours the books by hour go back; 0 leaves them out.")
    var hours = AdminRouter.hoursDefault

    @Flag(name: .long, help: "Print JSON.")
    var json = false

    func validate() throws {
        guard (0...AdminRouter.hoursMax).contains(hours) else {
            throw ValidationError("--hours must be from 0 to \(AdminRouter.hoursMax)")
        }
    }

    func run() throws {
        let answer: StatusQuery.Answer
        do {
            answer = try StatusQuery.ask(
                admin: admin, file: arguments.config, options: arguments.options, hours: hours)
        } catch {
            printError("\(error.message)\n")
            throw ExitCode(1)
        }
        if let remark = answer.remark { printError("\(remark)\n") }
        let document = answer.document
        print(
            json ? AdminJSON.encode(document, pretty: true) + "\n" : StatusText.make(document), terminator: ""
        )
        if answer.remark != nil || !document.books.balanced { throw ExitCode(1) }
    }
}
