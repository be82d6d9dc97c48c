import ArgumentParser
import SluiceServer

struct TraceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trace",
        abstract: "Find events by an id and say what became of them at each destination.",
        discussion: """
            The id is an event's, an order's, a session's or a user's (id, keys or customer_id). The newest \
            events come first. Asks the gateway that works on the configuration's data folder; where none does, \
            it looks into the folder. \
            Exits with 0 when there is such an event, else with 1.
            """)

    @Argument(help: "An event, order, session or user id.")
    var id: String

    @OptionGroup var arguments: ConfigurationArguments

    @Option(
        name: .long,
        help: ArgumentHelp(
            "The gateway's admin address, instead of the one it left in the data folder.", valueName: "host:port"))
    var admin: String?

    @Option(name: .long, help: "Only events of this type: \(ReceiptEndpoint.typeNames).")
    var type: String?

    @Option(name: .long, help: "Most events to show.")
    var limit = ReceiptEndpoint.limitDefault

    @Flag(name: .long, help: "Print JSON: an array, an object for each event.")
    var json = false

    func validate() throws {
        if id.isEmpty { throw ValidationError("the id is empty") }
        guard (1...ReceiptEndpoint.limitMax).contains(limit) else {
            throw ValidationError("--limit must be from 1 to \(ReceiptEndpoint.limitMax)")
        }
        if let type, !TraceQuery.isType(type) {
            throw ValidationError("--type must be one of \(ReceiptEndpoint.typeNames)")
        }
    }

    func run() throws {
        let answer: TraceQuery.Answer
        do {
            answer = try TraceQuery.ask(
                id, type: type, limit: limit, admin: admin, file: arguments.config, options: arguments.options)
        } catch {
            printError("\(error.message)\n")
            throw ExitCode(1)
        }
        if let remark = answer.remark { printError("\(remark)\n") }
        let events = answer.events
        if json {
            print(ReceiptJSON.encode(events))
        } else if events.isEmpty {
            printError("no event in the log has this id, or this session, order or user\n")
        } else {
            print(TraceText.make(events), terminator: "")
        }
        if events.isEmpty { throw ExitCode(1) }
    }
}
