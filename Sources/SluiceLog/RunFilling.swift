import GRDB
import SluiceCore

/// Makes up for runs that could not be read: what is there stays, and runs without an hour stand for the events
/// between, so that for each destination the sums are its cursor's counts again.
struct RunFilling {
    /// Whether every run was read.
    let areRunsWhole: Bool
    /// Whether `forgotten_total` was read, and is true.
    let isForgottenKnown: Bool

    private struct Hole {
        var first: EventSequence
        var firstEvent: Int64
        var events: Int64
        var lastBlock: Int64
    }

    func fill(_ database: Database) throws {
        for name in try String.fetchAll(database, sql: "SELECT destination FROM cursor") {
            guard let cursor = try StateStore.readCursor(of: name, in: database, path: "") else { continue }
            let runs = try BlockOutcomeTable.fetch(
                database, where: "destination = ? ORDER BY first_event", arguments: [name], withBitmaps: false)
            let forgotten = isForgottenKnown ? try ForgottenTotal.read(name, database) ?? OutcomeCounts() : nil
            let start = try start(cursor, runs, forgotten, database)
            var missing = cursor.counts
            for outcome in Outcome.allCases {
                let known = runs.reduce(forgotten?[outcome] ?? 0) { $0 + $1.counts[outcome] }
                missing[outcome] = max(0, missing[outcome] - known)
            }
            try BlockOutcomeTable.write(
                RunFilling.standIns(for: RunFilling.holes(runs, from: start, to: cursor), missing, name), database)
        }
        try ForgottenTotal.reckon(database)
    }

    /// The first event of which there should be a run.
    private func start(
        _ cursor: SluiceCore.Cursor, _ runs: [BlockOutcome], _ forgotten: OutcomeCounts?, _ database: Database
    ) throws -> Int64 {
        // Runs are forgotten in their order.
        if let forgotten { return cursor.startEvent + forgotten.total }
        if areRunsWhole, let first = runs.first { return first.firstEvent }
        let end = try Int64.fetchOne(
            database, sql: "SELECT end_event FROM hour_total_end WHERE destination = ?",
            arguments: [cursor.destination])
        return max(cursor.startEvent, end ?? 0)
    }

    private static func holes(_ runs: [BlockOutcome], from start: Int64, to cursor: SluiceCore.Cursor) -> [Hole] {
        var holes: [Hole] = []
        var end = start
        var before = EventSequence(block: 0, index: 0)
        for run in runs {
            if run.firstEvent > end {
                holes.append(
                    Hole(
                        first: before, firstEvent: end, events: run.firstEvent - end,
                        lastBlock: max(before.block, run.first.block - 1)))
            }
            end = max(end, run.endEvent)
            // Behind this run, and before the one that follows.
            before = EventSequence(block: run.lastBlock, index: Int(Int32.max))
        }
        let cursorEnd = cursor.startEvent + cursor.counts.total
        if cursorEnd > end {
            holes.append(
                Hole(
                    first: before, firstEvent: end, events: cursorEnd - end,
                    lastBlock: max(before.block, cursor.position.block)))
        }
        return holes
    }

    /// Shares `missing` out among the holes by their size: which event was what, nobody knows.
    private static func standIns(for holes: [Hole], _ missing: OutcomeCounts, _ name: String) -> [BlockOutcome] {
        var missing = missing
        var events = holes.reduce(0) { $0 + $1.events }
        // What was forgotten is not known: its share of each kind stays there.
        var total = max(missing.total, events)
        return holes.compactMap { hole in
            var counts = OutcomeCounts()
            for outcome in Outcome.allCases where total > 0 {
                counts[outcome] = Int64(Double(missing[outcome]) * Double(hole.events) / Double(total))
            }
            // What rounding left: of that of which most is left.
            while counts.total < hole.events,
                let most = Outcome.allCases.max(by: { missing[$0] - counts[$0] < missing[$1] - counts[$1] }),
                missing[most] > counts[most]
            {
                counts[most] += min(hole.events - counts.total, missing[most] - counts[most])
            }
            for outcome in Outcome.allCases { missing[outcome] -= counts[outcome] }
            events -= hole.events
            total = max(missing.total, events)
            guard counts.total > 0 else { return nil }
            return BlockOutcome(
                destination: name, first: hole.first, lastBlock: hole.lastBlock, firstEvent: hole.firstEvent, hour: nil,
                counts: counts)
        }
    }
}
