import SluiceCore
import SluiceLog
import Synchronization

/// The books by hour of a running gateway. Safe from any thread.
final class HourBooks: Sendable {
    private let log: EventLog
    private let hours: LogHours
    private let names: [String]
    private let state = Mutex<StateReader?>(nil)

    init(_ log: EventLog, destinations: [String]) {
        self.log = log
        hours = log.makeHours()
        names = destinations
    }

    /// Of the hour that is under way and those before it, `count` in all. Empty when log or state file cannot
    /// be read at present: the status says elsewhere what is wrong.
    func last(_ count: Int) -> [HourBook] {
        let since = BlockOutcome.hour(of: WallTime.nowMilliseconds()) - Int64(count - 1) * 3_600_000
        guard count > 0, !names.isEmpty, let reader = try? stateReader() else { return [] }
        // The record first: what the log takes meanwhile is pending, by both.
        guard let first = try? hours.events(since: since),
            let outcomes = try? reader.outcomes(since: since, firstEvent: first.firstEvent),
            let picture = try? hours.events(since: since)
        else { return [] }
        return HourBook.make(
            outcomes, log: LogHours.Picture(ranges: picture.ranges, firstEvent: first.firstEvent), names: names)
    }

    private func stateReader() throws(LogError) -> StateReader {
        if let known = state.withLock({ $0 }) { return known }
        let opened = try log.makeStateReader()
        state.withLock { $0 = opened }
        return opened
    }
}
