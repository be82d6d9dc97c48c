import ArgumentParser
import Foundation
import SluiceIO
import SluiceLoad
import SluiceServer

@main
struct SluiceLoadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sluice-load",
        abstract: "Load a gateway, or any HTTP/1.1 server, and tell what it did.",
        discussion: """
            Without --rate each connection sends again as soon as it is answered (closed loop). With --rate, \
            requests are due at their own times whether or not earlier ones were answered (open loop), and \
            latency counts from when a request was due. Plain HTTP/1.1 only: TLS is not spoken.

            Exits with 0 when every request was answered as expected (of several steps: when one held) and, \
            with --verify, every acknowledged event is in the log exactly once; else with 1.
            """)

    @Argument(help: "http://host:port[/path]. Without a path, the platform's own, under its prefix.")
    var url: String

    @OptionGroup(title: "Load") var load: LoadArguments
    @OptionGroup(title: "Traffic") var traffic: TrafficArguments
    @OptionGroup(title: "Report") var reporting: ReportArguments

    func run() throws {
        // First thing: threads inherit it.
        ProcessSignals.block()
        let order = try order()
        let progress = ProgressLine(isQuiet: reporting.quiet)
        let report: LoadReport
        do {
            let session = try LoadSession(
                order,
                isInterrupted: { ProcessSignals.waitForTermination(milliseconds: $0) != nil },
                onProgress: { progress.show($0) })
            report = try session.report()
        } catch {
            progress.end()
            Self.printError("sluice-load: \(error)\n")
            throw ExitCode(1)
        }
        progress.end()
        print(report.text, terminator: "")
        if let file = reporting.json { try Self.write(report.json, to: file) }
        if let file = reporting.html { try Self.write(Data(report.html.utf8), to: file) }
        if !report.isGood { throw ExitCode(1) }
    }

    private func order() throws -> LoadOrder {
        let target: TargetURL
        do {
            target = try TargetURL(url)
        } catch {
            throw ValidationError("\(error)")
        }
        guard traffic.seed == nil || reporting.verify == nil else {
            throw ValidationError("--verify looks for ids that were never sent before: leave out --seed")
        }
        var order = LoadOrder(
            url: target, urlText: url, seed: traffic.seed ?? UInt64.random(in: 0...UInt64(UInt32.max)))
        order.plan = try load.plan()
        order.traffic = try traffic.settings()
        order.steps = try load.search()
        order.findsKnee = load.findKnee
        order.stepSeconds = load.stepSeconds.seconds
        order.dataFolder = try reporting.dataFolder()
        return order
    }

    private static func write(_ data: Data, to file: String) throws {
        if file == "-" {
            try FileHandle.standardOutput.write(contentsOf: data + Data("\n".utf8))
            return
        }
        do {
            try data.write(to: URL(fileURLWithPath: file))
        } catch {
            printError("sluice-load: cannot write \(file): \(error.localizedDescription)\n")
            throw ExitCode(1)
        }
    }

    static func printError(_ text: String) {
        // Where nobody reads it, nothing is to be done about that.
        try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
    }
}
