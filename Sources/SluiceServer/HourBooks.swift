import SluiceCore
import SluiceLog
import Synchronization

/// The books by hour of a running gateway. Safe from any thread; they wait for each other.
// @unchecked: `state` is used by whoever holds `turn`.
final class HourBooks: @unchecked Sendable {
    private let log: EventLog
    private let hours: LogHours
    private let names: [String]
    private let turn = Mutex(())
    private var state: StateReader?

    init(_ log: EventLog, destinations: [String]) {
        self.log = log
        hours = log.makeHours()
        names = destinations
    }

    /// Of the hour that is under way and those before it, `count` in all. Nil when log or state file cannot be read
    /// at present.
    ///
    /// - Parameter progress: asked once, between the record and the log, so that it is never behind the one nor ahead
    ///   of the other.
    func last(_ count: Int, progress: () -> [String: HourProgress]) -> [HourBook]? {
        turn.withLock { _ in read(count, progress) }
    }

    private func read(_ count: Int, _ progress: () -> [String: HourProgress]) -> [HourBook]? {
        let since = BlockOutcome.hour(of: WallTime.nowMilliseconds()) - Int64(count - 1) * 3_600_000
        guard count > 0, !names.isEmpty else { return [] }
        guard let reader = try? stateReader() else { return nil }
        // The record first: what the log takes meanwhile is pending, by both.
        guard let first = try? hours.events(since: since),
            let outcomes = try? reader.outcomes(since: since, firstEvent: first.recordedBefore)
        else { return nil }
        let progress = progress()
        guard let picture = try? hours.events(since: since) else { return nil }
        return HourBook.make(outcomes, log: picture.completing(first), names: names, progress: progress)
    }

    private func stateReader() throws(LogError) -> StateReader {
        if let state { return state }
        let opened = try log.makeStateReader()
        state = opened
        return opened
    }
}

extension LogHours.Picture {
    /// What has to be on record before the log's rows are compared with it: outcomes of what is not in the log.
    fileprivate var recordedBefore: Int64 {
        max(firstEvent, lost.values.lazy.flatMap { $0 }.map(\.upperBound).max() ?? 0)
    }

    /// This picture with what an earlier one had and retention has taken since.
    fileprivate func completing(_ earlier: LogHours.Picture) -> LogHours.Picture {
        var picture = self
        picture.firstEvent = min(firstEvent, earlier.firstEvent)
        for (hour, ranges) in earlier.ranges {
            picture.ranges[hour, default: []] += HourPage.subtract(picture.ranges[hour] ?? [], from: ranges)
        }
        return picture
    }
}
