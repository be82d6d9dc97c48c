import ArgumentParser
import SluiceServer

struct TailCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tail",
        abstract: "Watch events come in, what becomes of them at a destination, or what is refused.",
        discussion: """
            Shows events of a running gateway as they are committed: received, sequence, source, platform, type, \
            id, and a few facts. With --destination it shows their outcomes there, in the order of the log; with \
            --refused the requests that were turned away and why. -n begins with those of the past, which are shown \
            even when no gateway runs. Whoever reads too slowly misses lines, and is told how many; the gateway never waits.

            Ends with Ctrl-C, or when the gateway stops. Exits with 0 then, and with 1 when there is no gateway \
            to watch or the connection breaks.

              sluice tail --type purchase --json | jq .order.id
              sluice tail --refused -n 50
            """)

    @OptionGroup var arguments: ConfigurationArguments

    @Option(help: "Only what this source sent.")
    var source: String?

    @Option(help: "Only events of this type.")
    var type: String?

    @Option(help: "Show what becomes of events at this destination.")
    var destination: String?

    @Flag(help: "Show what is refused.")
    var refused = false

    @Option(
        name: .customShort("n"),
        help: ArgumentHelp(
            "Begin with so many that are there already, at most \(TailQuery.pastMax). Default: 10 with --refused, else 0.",
            valueName: "count"))
    var past: Int?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "The gateway's admin address, instead of the one it left in the data folder.", valueName: "host:port"))
    var admin: String?

    @Flag(help: "Print events as they are stored; outcomes and refusals as JSON objects.")
    var json = false

    func validate() throws {
        if refused, destination != nil { throw ValidationError("--refused and --destination exclude each other") }
        if refused, type != nil { throw ValidationError("what was refused has no --type") }
        if destination != nil, past != nil { throw ValidationError("-n goes with events and --refused") }
        if let type {
            do { _ = try TailQuery.type(type) } catch { throw ValidationError(error.message) }
        }
        if let past, !(0...TailQuery.pastMax).contains(past) {
            throw ValidationError("-n must be from 0 to \(TailQuery.pastMax)")
        }
    }

    func run() throws {
        var query = TailQuery()
        query.source = source
        query.past = past ?? (refused ? 10 : 0)
        query.type = try type.map { name throws(FormError) in try TailQuery.type(name) }
        if let destination { query.view = .outcomes(destination: destination) }
        if refused { query.view = .refused }
        Interruption.watch()
        var tail = Tail(query, asJSON: json, onRemark: { printError("sluice tail: \($0)\n") })
        let code = tail.run(admin: admin, file: arguments.config, options: arguments.options)
        guard code == 0 else { throw ExitCode(code) }
    }
}
