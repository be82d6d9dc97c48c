import ArgumentParser
import SluiceServer

struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write events of the log to standard output, one JSON object on a line.",
        discussion: """
            Events are written as they are stored, in the order of the log, chosen by when they were received. \
            Works beside a running gateway and without one, and on segments that were archived elsewhere. Times \
            are RFC 3339 (2026-11-21T18:30:00Z), a date (2026-11-21, UTC), now, or an age (-2h, -1d12h).

            What cannot be read is passed over and named on standard error. Exits with 0 only when all of the \
            range could be read.

              sluice export --from -1h --type purchase | jq .order.id
              sluice export --from 2026-11-20 --until 2026-11-21 | zstd > friday.ndjson.zst
            """)

    @OptionGroup var arguments: ConfigurationArguments

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Received at this time or later. Default: all there is.", valueName: "time"),
        transform: TimeArgument.option)
    var from: TimeArgument?

    @Option(
        parsing: .unconditional, help: ArgumentHelp("Received before this time. Default: now.", valueName: "time"),
        transform: TimeArgument.option)
    var until: TimeArgument?

    @Option(parsing: .singleValue, help: "Only events of this type; may be repeated.")
    var type: [String] = []

    @Option(parsing: .singleValue, help: "Only events of this source; may be repeated.")
    var source: [String] = []

    @Flag(help: "Write {\"sequence\":\"1042.7\",\"event\":{...}} instead of the event alone.")
    var sequence = false

    @Option(
        parsing: .singleValue,
        help: ArgumentHelp(
            "Read this segment instead of the data folder; may be repeated.", valueName: "segment"))
    var file: [String] = []

    @Flag(help: "Print the counts on standard error as JSON.")
    var json = false

    // What is thrown from `run` is shown with the usage of `sluice` itself.
    func validate() throws {
        let (start, end) = span()
        guard start <= end else { throw ValidationError("--from is later than --until") }
        for name in type {
            do { _ = try TailQuery.type(name) } catch { throw ValidationError(error.message) }
        }
    }

    private func span() -> (start: Int64, end: Int64) {
        let now = WallTime.nowMilliseconds()
        return (from?.milliseconds(now: now) ?? Int64.min, until?.milliseconds(now: now) ?? now)
    }

    func run() throws {
        let (start, end) = span()
        var options = ExportOptions(received: start..<end)
        options.sources = source
        options.withSequence = sequence
        for name in type { options.types.insert(try TailQuery.type(name)) }
        Interruption.watch()
        let report = try failing { try export(options) }
        // Who has seen enough does not want to read a report.
        if report.closed { return }
        printError(json ? AdminJSON.encode(report) + "\n" : text(report))
        if Interruption.hasCome { throw ExitCode(130) }
        guard report.isComplete else { throw ExitCode(1) }
    }

    private func export(_ options: ExportOptions) throws -> ExportReport {
        let readers = try Export.open(files: file) { try arguments.load().data }
        var export = Export(options)
        return try export.run(
            readers, onUnreadable: { if !json { printError("sluice export: \($0)\n") } },
            isWanted: { !Interruption.hasCome })
    }

    private func text(_ report: ExportReport) -> String {
        var text = "\(report.events) events, \(ByteSize.rounded(report.bytes))"
        if report.interrupted { text += ", interrupted" }
        let unread = report.unreadable.count + report.unreadableOmitted
        if unread > 0 { text += "; \(unread) parts of the log could not be read" }
        return text + "\n"
    }

    /// Says what went wrong in one line, and ends with 1.
    private func failing<T>(_ body: () throws -> T) throws -> T {
        do {
            return try body()
        } catch let error as StandardOutput.Failure {
            if case .failed(let reason) = error { printError("sluice export: standard output: \(reason)\n") }
            throw ExitCode(1)
        } catch {
            printError("sluice export: \(error)\n")
            throw ExitCode(1)
        }
    }
}
