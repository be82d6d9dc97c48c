import SluiceCore
import SluiceDelivery
import SluiceLog

/// What a destination has done beyond the cursor that is saved.
package struct HourProgress: Sendable {
    /// How many events of the log it has read or passed; what was given up behind them is expired.
    package var readEvent: Int64
    /// How many events of the log lie before those that `ahead` may speak of.
    package var positionEvent: Int64
    package var ahead: SettledAhead

    package init(readEvent: Int64, positionEvent: Int64 = 0, ahead: SettledAhead = SettledAhead()) {
        self.readEvent = readEvent
        self.positionEvent = positionEvent
        self.ahead = ahead
    }

    init(_ status: DestinationStatus) {
        self.init(
            readEvent: status.readEvent, positionEvent: status.startEvent + status.counts.total - status.ahead,
            ahead: status.settledAhead)
    }
}

/// What the books by hour of one destination are made of: ranges of event numbers, by how many events of the log
/// come before each.
///
/// Invariant: `held`, `lost` and `givenUp` do not overlap each other, nor does any of them reach before
/// `firstEvent`; `lost` and `givenUp` do not overlap runs whose hour is on record.
struct HourPage {
    let cursor: Cursor
    /// The first event that was ever due, or the first behind those that are remembered as sums.
    let firstEvent: Int64
    /// Everything before it has its outcome.
    let cursorEvent: Int64
    /// Everything before it was read, or passed.
    let readEvent: Int64
    /// Outcomes behind `cursorEvent`.
    let ahead: SettledAhead
    let sums: [Int64: OutcomeCounts]
    let forgotten: [Int64: OutcomeCounts]
    let unplaced: [BlockOutcome]
    let lost: LogHours.Ranges
    let givenUp: LogHours.Ranges
    let damaged: LogHours.Ranges
    private let early: [BlockOutcome]
    private let log: LogHours.Picture

    init(_ cursor: Cursor, _ outcomes: OutcomesByHour, _ log: LogHours.Picture, _ progress: HourProgress?) {
        let name = cursor.destination
        self.cursor = cursor
        self.log = log
        let first = max(cursor.startEvent, outcomes.forgottenEnd[name] ?? 0)
        firstEvent = first
        cursorEvent = cursor.startEvent + cursor.counts.total
        readEvent = max(cursorEvent, progress?.readEvent ?? cursorEvent)
        // Of a moment before the cursor's it may speak of events that the cursor counts by now.
        let isCurrent = progress.map { [cursorEvent] in $0.positionEvent >= cursorEvent } ?? false
        ahead = isCurrent ? progress?.ahead ?? SettledAhead() : SettledAhead()
        sums = outcomes.sums[name] ?? [:]
        forgotten = outcomes.forgotten[name] ?? [:]
        unplaced = outcomes.unplaced.filter { $0.destination == name }
        let early = outcomes.early.filter { $0.destination == name }
        self.early = early
        damaged = log.damaged
        // The log's own rows first, then what is on record, then what is only supposed.
        var taken = log.ranges.values.flatMap { $0 } + early.map { $0.firstEvent..<$0.endEvent }
        taken.append(Int64.min..<first)
        var parts: LogHours.Ranges = [:]
        for part in outcomes.givenUp { parts[part.hour, default: []].append(part.events) }
        givenUp = parts.mapValues { HourPage.subtract(taken, from: $0) }
        taken += givenUp.values.flatMap { $0 }
        lost = log.lost.mapValues { HourPage.subtract(taken, from: $0) }
    }

    var hours: Set<Int64> {
        Set(log.ranges.keys).union(sums.keys).union(forgotten.keys).union(lost.keys).union(givenUp.keys)
    }

    /// What the log has of an hour.
    func held(_ hour: Int64) -> [Range<Int64>] {
        (log.ranges[hour] ?? []).compactMap { range in
            range.upperBound > firstEvent ? max(range.lowerBound, firstEvent)..<range.upperBound : nil
        }
    }

    /// Events of an hour that are on record and not in the log any more, and those of them that were lost.
    func recordedElsewhere(_ hour: Int64) -> (total: Int64, lost: Int64) {
        let gaps = log.lost.values.flatMap { $0 }
        var total: Int64 = 0
        var inGaps: Int64 = 0
        for run in early where run.hour == hour {
            let first = max(run.firstEvent, firstEvent)
            total += max(0, min(run.endEvent, log.firstEvent) - first)
            let missing = HourPage.count(gaps, from: max(first, log.firstEvent), to: run.endEvent)
            total += missing
            inGaps += missing + HourPage.count(gaps, from: first, to: min(run.endEvent, log.firstEvent))
        }
        return (total, inGaps)
    }

    static func count(_ ranges: [Range<Int64>], from first: Int64 = .min, to end: Int64 = .max) -> Int64 {
        ranges.reduce(0) { sum, range in
            sum + max(0, min(range.upperBound, end) - max(range.lowerBound, first))
        }
    }

    /// What is left of `ranges` without `taken`; neither in any order.
    static func subtract(_ taken: [Range<Int64>], from ranges: [Range<Int64>]) -> [Range<Int64>] {
        guard !ranges.isEmpty else { return [] }
        let taken = taken.filter { !$0.isEmpty }.sorted { $0.lowerBound < $1.lowerBound }
        var left: [Range<Int64>] = []
        for range in ranges {
            var next = range.lowerBound
            for other in taken where other.upperBound > next {
                guard other.lowerBound < range.upperBound else { break }
                if other.lowerBound > next { left.append(next..<other.lowerBound) }
                next = max(next, other.upperBound)
            }
            if next < range.upperBound { left.append(next..<range.upperBound) }
        }
        return left
    }
}
