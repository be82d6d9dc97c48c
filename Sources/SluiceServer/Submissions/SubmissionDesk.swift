import SluiceCore
import SluiceDelivery
import SluiceIO
import SluiceLog

/// Answers what became of conversions: looks the event up in the log and its outcomes in the state file.
///
///     Shard ── SubmissionPort ══> SubmissionDesk ── segments, state.sqlite (read-only)
///       ^          <══ finding ══╯
///
/// The shards never wait for a disk: they go on with other requests until the finding comes.
///
/// Owner: the thread that calls `run`; `requestStop` is for others.
// @unchecked: confined to the thread in `run`; what others touch is atomic.
package final class SubmissionDesk: @unchecked Sendable {
    /// Questions each shard may have open at one time.
    package static let capacity = 64
    /// How far a block's times may lie from the time in the id: clocks can be set back.
    private static let slackMilliseconds: Int64 = 60_000
    /// How long a conversion that was answered early may be on its way into the log. A commit that takes
    /// longer has failed, and with it what it held.
    private static let arrivalMilliseconds: Int64 = 10_000

    /// A destination that conversions go to, and the rules that say which.
    private struct Destination {
        let name: String
        let matcher: RuleMatcher
        let encoder: any PlatformEncoder
    }

    private let ports: [SubmissionPort]
    private let parker: any Parker
    private let log: EventLog
    private let finder: EventFinder
    private let reader = CanonicalReader()
    private var fields = EventFields()
    private let destinations: [Destination]
    private var state: StateReader?
    private let isStopping = Flag()
    private let now: @Sendable () -> Int64

    /// - Parameter now: the wall clock, milliseconds since 1970.
    package init(
        log: EventLog, destinations: [DestinationSettings], ports: [SubmissionPort], parker: any Parker,
        now: @escaping @Sendable () -> Int64 = { WallClock.nowMilliseconds }
    ) {
        self.log = log
        self.now = now
        self.ports = ports
        self.parker = parker
        finder = log.makeFinder()
        self.destinations = destinations.filter { $0.platform == .impact }.map {
            Destination(
                name: $0.name, matcher: RuleMatcher(DestinationConfiguration($0).rules, platform: .impact),
                encoder: Encoders.make(for: $0))
        }
    }

    /// Answers questions until asked to stop; those that are open then are answered first.
    package func run() {
        while true {
            let stopsNow = isStopping.value
            for port in ports {
                while let question = port.nextQuestion() {
                    port.give(SubmissionFinding(number: question.number, result: find(question)))
                }
            }
            if stopsNow { break }
            parker.park(milliseconds: nil)
        }
        state = nil
    }

    /// From any thread; no shard may ask any more.
    package func requestStop() {
        isStopping.set()
        parker.wake()
    }

    private func find(_ question: SubmissionQuestion) -> SubmissionFinding.Result {
        do {
            let time = question.id.milliseconds
            let window = time - SubmissionDesk.slackMilliseconds..<time + SubmissionDesk.slackMilliseconds
            guard
                let found = try question.id.event.withBytes({ (id) throws(LogError) in
                    try finder.find(id: id, received: window)
                })
            else { return isOnItsWay(question) ? .found(SubmissionReport(of: question.id)) : .unknown }
            return try found.line.withBytes { try report(on: $0, found, question) }
        } catch {
            return .unavailable
        }
    }

    /// Whether the event may be in a block that is not committed yet. Nobody else's can be told by it: the
    /// answer holds nothing but the id, and the id is what was asked.
    private func isOnItsWay(_ question: SubmissionQuestion) -> Bool {
        question.isAnsweredEarly && abs(now() - question.id.milliseconds) <= SubmissionDesk.arrivalMilliseconds
    }

    private func report(
        on line: Bytes, _ found: FoundEvent, _ question: SubmissionQuestion
    ) throws -> SubmissionFinding.Result {
        guard let summary = EventSummary(line), summary.source.string == question.source,
            SubmissionDesk.isImpactLine(line), (try? reader.parse(line, into: &fields)) != nil
        else { return .unknown }
        var report = SubmissionReport(of: question.id)
        report.status = .complete
        report.orderID = fields.text(.orderID)?.string ?? ""
        let due = destinations.filter { destination in
            destination.matcher.admits(summary) { destination.encoder.takes(type: $0, network: $1) }
        }
        // Without such a destination nothing is outstanding.
        guard !due.isEmpty else { return .found(report) }
        let standings = try stateReader().standings(at: found.sequence)
        var waiting = 0
        var settled = 0
        for destination in due {
            let standing = standings[destination.name]
            if let standing, standing.startEvent > found.eventNumber { continue }
            if let exception = standing?.exception {
                settled += 1
                guard exception.outcome != .delivered else { continue }
                report.error = report.error ?? (exception.outcome.rawValue.uppercased(), exception.reason)
            } else if let standing, found.sequence < standing.position {
                settled += 1
            } else {
                waiting += 1
            }
        }
        if waiting > 0 { report.status = settled > 0 ? .inProgress : .queued }
        return .found(report)
    }

    /// Whether the event came in impact.com's form: among the line's scalars, which stand before its first
    /// object, is its platform.
    private static func isImpactLine(_ line: Bytes) -> Bool {
        let mark = Bytes("\"platform\":\"impact\"")
        let end = line.firstIndex(of: UInt8(ascii: "{"), from: 1) ?? line.count
        guard end >= mark.count else { return false }
        for start in 1...max(1, end - mark.count) where line[start..<start + mark.count].equals(mark) { return true }
        return false
    }

    private func stateReader() throws -> StateReader {
        if let state { return state }
        let opened = try log.makeStateReader()
        state = opened
        return opened
    }
}
