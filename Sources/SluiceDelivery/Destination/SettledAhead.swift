import SluiceCore

/// Outcomes of events behind a destination's position, by hour: what the books by hour need to know of them before
/// the cursor has come by.
///
/// Invariants: 1. the counts of all hours and the events of `lost` are the outcomes behind the position. 2. `lost` has at
/// most as many ranges as there are exceptions behind the position. Owner: the delivery thread; copies go anywhere.
package struct SettledAhead: Equatable, Sendable {
    package struct Hour: Equatable, Sendable {
        /// See `BlockOutcome.hour`.
        package let hour: Int64
        package fileprivate(set) var counts = OutcomeCounts()
    }

    package private(set) var hours: [Hour] = []
    /// Events that were lost, and are expired, by how many events of the log come before each.
    package private(set) var lost: [Range<Int64>] = []

    package init() {}

    /// How many events of an hour have which outcome; those in `lost` not included.
    package subscript(hour: Int64) -> OutcomeCounts { hours.first { $0.hour == hour }?.counts ?? OutcomeCounts() }

    package mutating func add(_ outcome: Outcome, _ events: Int64 = 1, hour: Int64) {
        // Nearly always the newest, or the one before.
        if let index = hours.lastIndex(where: { $0.hour == hour }) {
            hours[index].counts[outcome] += events
        } else {
            hours.append(Hour(hour: hour))
            hours[hours.count - 1].counts[outcome] = events
        }
    }

    package mutating func addLost(_ events: Range<Int64>) { lost.append(events) }

    /// The position has passed events of an hour.
    mutating func pass(_ outcome: Outcome, _ events: Int64, hour: Int64) {
        guard let index = hours.firstIndex(where: { $0.hour == hour }) else { return }
        hours[index].counts[outcome] -= events
        if hours[index].counts.total == 0 { hours.remove(at: index) }
    }

    /// The position has passed a run.
    mutating func pass(_ run: BlockOutcome) {
        guard let hour = run.hour else {
            lost.removeAll { run.firstEvent <= $0.lowerBound && $0.upperBound <= run.endEvent }
            return
        }
        for outcome in Outcome.allCases where run.counts[outcome] > 0 {
            pass(outcome, run.counts[outcome], hour: hour)
        }
    }
}
