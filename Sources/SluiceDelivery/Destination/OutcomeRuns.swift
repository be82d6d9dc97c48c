import SluiceCore

/// Runs of outcomes in the order of the log, as few as there can be.
///
/// Its size depends on how mixed the outcomes are: a bit for each event where filtered ones stand between
/// others, next to nothing where they do not. `bytes` is what it holds in memory, about.
struct OutcomeRuns {
    /// A run without its bitmap, its place in the array included.
    static let runBytes = 128

    private(set) var list: [BlockOutcome] = []
    private(set) var bytes = 0

    /// Adds `count` events of one block with the same outcome, which follow those added before.
    mutating func add(
        _ outcome: Outcome, _ count: Int64, at place: EventSequence, eventNumber: Int64, hour: Int64?,
        destination: String
    ) {
        let last = list.count - 1
        if last >= 0 {
            let before = list[last].filteredEvents.count
            if list[last].append(outcome, count, at: place, eventNumber: eventNumber, hour: hour) {
                bytes += list[last].filteredEvents.count - before
                return
            }
        }
        var run = BlockOutcome(
            destination: destination, first: place, lastBlock: place.block, firstEvent: eventNumber, hour: hour)
        run.counts[outcome] = count
        push(run)
    }

    /// Adds a run that follows those added before.
    mutating func add(_ run: BlockOutcome) {
        guard run.eventCount > 0 else { return }
        let last = list.count - 1
        if last >= 0 {
            let before = list[last].filteredEvents.count
            if list[last].append(run) {
                bytes += list[last].filteredEvents.count - before
                return
            }
        }
        push(run)
    }

    mutating func add(_ others: OutcomeRuns) {
        for run in others.list { add(run) }
    }

    private mutating func push(_ run: BlockOutcome) {
        list.append(run)
        bytes += OutcomeRuns.runBytes + run.filteredEvents.count
    }

    /// Forgets all but the last run, which may still grow.
    mutating func keepLast() {
        guard list.count > 1 else { return }
        list.removeFirst(list.count - 1)
        bytes = OutcomeRuns.runBytes + list[0].filteredEvents.count
    }

    /// Counts an event of one of the runs otherwise. False when none covers it.
    mutating func correct(_ eventNumber: Int64, from: Outcome, to: Outcome) -> Bool {
        guard let index = index(of: eventNumber) else { return false }
        let before = list[index].filteredEvents.count
        let isCorrected = list[index].correct(from: from, to: to)
        bytes += list[index].filteredEvents.count - before
        return isCorrected
    }

    /// What became of an event that has no row of its own; nil when no run covers it.
    func outcome(_ eventNumber: Int64) -> Outcome? {
        guard let index = index(of: eventNumber), let isFiltered = list[index].isFiltered(eventNumber) else {
            return nil
        }
        // Only of events that were lost together the hour is not known: they share one row.
        if list[index].hour == nil { return .expired }
        return isFiltered ? .filtered : .delivered
    }

    private func index(of eventNumber: Int64) -> Int? {
        list.lastIndex { $0.firstEvent <= eventNumber && eventNumber < $0.endEvent }
    }
}
