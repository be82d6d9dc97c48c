import SluiceCore

/// What has become of one event of a block in the window.
enum EventStage: UInt8 {
    case ready  // due, not in a batch
    case claimed  // in a batch
    case delivered, rejected, parked, expired, filtered

    init(_ outcome: Outcome) {
        switch outcome {
        case .delivered: self = .delivered
        case .rejected: self = .rejected
        case .parked: self = .parked
        case .expired: self = .expired
        case .filtered: self = .filtered
        }
    }

    /// Nil while the event is pending.
    var outcome: Outcome? {
        switch self {
        case .ready, .claimed: nil
        case .delivered: .delivered
        case .rejected: .rejected
        case .parked: .parked
        case .expired: .expired
        case .filtered: .filtered
        }
    }
}

/// One block a destination is working on; or, once it is closed, a run of events that all have
/// their outcome and wait only for the position to come by.
///
/// Invariants: 1. every event before `passed` has an outcome and is counted in the cursor.
/// 2. an open block has one entry in `stages` per event, and `unsettled` of those from `passed` on
/// have no outcome. 3. a closed one has neither block nor stages, and never stays at the front.
final class WindowBlock {
    /// Its place in the window; of a run the first.
    fileprivate(set) var ordinal = 0
    /// Of the block, or of the first in the run.
    let number: Int64
    /// Nil once it is closed.
    private(set) var block: EventBlock?
    private(set) var eventCount: Int
    var stages: [EventStage]
    var passed: Int
    var unsettled: Int
    /// The outcomes of a closed run, from `passed` on; nil while it is open.
    private(set) var closed: OutcomeCounts?
    /// The same by block; empty while it is open.
    private(set) var runs = OutcomeRuns()
    /// See `BlockOutcome.hour`.
    let hour: Int64?
    /// In the order of the log; handed on when the position passes their events.
    var exceptions: [ExceptionalOutcome] = []
    private var isShrunk = false

    /// - Parameter skipping: events that the cursor has passed already.
    init(_ block: EventBlock, skipping: Int) {
        number = block.number
        hour = BlockOutcome.hour(of: block.firstReceivedMilliseconds)
        self.block = block
        eventCount = block.eventCount
        stages = [EventStage](repeating: .ready, count: block.eventCount)
        passed = skipping
        unsettled = block.eventCount - skipping
    }

    /// Events the log no longer has, with one exception that stands for all of them.
    ///
    /// - Parameter run: all of them, expired.
    init(lost run: BlockOutcome, number: Int64, exception: ExceptionalOutcome) {
        self.number = number
        hour = nil
        block = nil
        let eventCount = Int(run.eventCount)
        self.eventCount = eventCount
        stages = []
        passed = 0
        unsettled = 0
        closed = run.counts
        runs.add(run)
        exceptions = [exception]
    }

    /// What it holds in memory: the events, and for each its place and its stage.
    var bytes: Int { block.map { $0.payload.count + $0.eventCount * 5 } ?? 0 }

    /// Keeps the exceptions in the order of the log.
    func add(_ exception: ExceptionalOutcome) {
        let after = exceptions.lastIndex { $0.sequence < exception.sequence }
        exceptions.insert(exception, at: after.map { $0 + 1 } ?? 0)
    }

    /// Keeps no more of a settled block than what became of its events.
    fileprivate func close(destination: String) {
        precondition(closed == nil && unsettled == 0)
        var counts = OutcomeCounts()
        var index = passed
        while let (outcome, count) = settled(from: index) {
            counts[outcome] += Int64(count)
            record(outcome, count, from: index, in: &runs, destination: destination)
            index += count
        }
        precondition(index == eventCount, "invariant 2")
        closed = counts
        block = nil
        stages = []
    }

    /// The outcome that the event at `index` has, and how many in a row have the same; nil where it has none
    /// yet, or is none.
    func settled(from index: Int) -> (outcome: Outcome, count: Int)? {
        guard index < stages.count, let outcome = stages[index].outcome else { return nil }
        var end = index + 1
        while end < stages.count, stages[end] == stages[index] { end += 1 }
        return (outcome, end - index)
    }

    /// Enters events of this block, which is open, into the runs they follow.
    func record(
        _ outcome: Outcome, _ count: Int, from index: Int, in runs: inout OutcomeRuns, destination: String
    ) {
        guard let block else { preconditionFailure("invariant 3") }
        runs.add(
            outcome, Int64(count), at: EventSequence(block: number, index: index),
            eventNumber: block.firstEvent + Int64(index), hour: hour, destination: destination)
    }

    /// Takes over the closed run behind this one.
    fileprivate func join(_ next: WindowBlock) {
        guard var counts = closed, let others = next.closed else { preconditionFailure("both are closed") }
        for outcome in Outcome.allCases { counts[outcome] += others[outcome] }
        closed = counts
        runs.add(next.runs)
        eventCount += next.eventCount
        exceptions += next.exceptions
    }

    /// Drops the text of events that have their outcome, where they are most of the block.
    fileprivate func shrink() {
        guard let block, !isShrunk, unsettled * 4 <= eventCount else { return }
        isShrunk = true
        var payload: [UInt8] = []
        var starts: [Int32] = [0]
        starts.reserveCapacity(block.eventCount + 1)
        for index in 0..<block.eventCount {
            if stages[index].outcome == nil, index >= passed {
                payload += block.payload[Int(block.lineStarts[index])..<Int(block.lineStarts[index + 1])]
            } else {
                payload.append(0x0A)
            }
            starts.append(Int32(payload.count))
        }
        self.block = EventBlock(
            number: block.number, firstEvent: block.firstEvent,
            firstReceivedMilliseconds: block.firstReceivedMilliseconds, payload: payload, lineStarts: starts)
    }
}

/// The blocks from a destination's position to where it has read: a queue with bounds.
///
/// An event that is stuck holds the position, not the memory: settled blocks behind it become runs
/// of counts, and neighbouring runs become one. So there are at most two entries for each block
/// that has an event without an outcome, however far the destination goes on behind it.
///
/// Ordinals count blocks since the window was made, so that a place stays valid while blocks before
/// it go. Invariants: 1. ordinals and block numbers rise from front to back; a lost run may share
/// the number of the block behind it. 2. `bytes` and `openCount` are sums over the open blocks,
/// `runBytes` is one over the closed ones.
struct BlockWindow {
    private var blocks: [WindowBlock] = []
    private var removed = 0  // from the front of `blocks`, not yet compacted
    private(set) var endOrdinal = 0
    private(set) var bytes = 0
    private(set) var runBytes = 0
    /// Blocks that have an event without an outcome.
    private(set) var openCount = 0

    /// Blocks and runs.
    var count: Int { blocks.count - removed }
    var front: WindowBlock? { count > 0 ? blocks[removed] : nil }

    subscript(ordinal ordinal: Int) -> WindowBlock { blocks[position(of: ordinal)] }

    /// The first entry at `ordinal` or behind it.
    func entry(atOrAfter ordinal: Int) -> WindowBlock? {
        let at = lowerBound(ordinal)
        return at < blocks.count ? blocks[at] : nil
    }

    private func position(of ordinal: Int) -> Int {
        let at = lowerBound(ordinal)
        precondition(at < blocks.count && blocks[at].ordinal == ordinal, "a place in a block that is closed")
        return at
    }

    /// Where the first entry of at least `ordinal` is; found at once while there are no runs.
    private func lowerBound(_ ordinal: Int) -> Int {
        guard let front, ordinal > front.ordinal else { return removed }
        var low = removed
        var high = blocks.count
        let straight = removed + ordinal - front.ordinal
        if straight < high, blocks[straight].ordinal == ordinal { return straight }
        while low < high {
            let middle = (low + high) / 2
            if blocks[middle].ordinal < ordinal { low = middle + 1 } else { high = middle }
        }
        return low
    }

    mutating func append(_ block: WindowBlock) {
        block.ordinal = endOrdinal
        endOrdinal += 1
        blocks.append(block)
        bytes += block.bytes
        runBytes += block.runs.bytes
        if block.closed == nil { openCount += 1 }
    }

    mutating func removeFront() {
        let block = blocks[removed]
        bytes -= block.bytes
        runBytes -= block.runs.bytes
        if block.closed == nil { openCount -= 1 }
        removed += 1
        // Moves at most as many entries as were removed since the last time.
        if removed * 2 >= blocks.count {
            blocks.removeFirst(removed)
            removed = 0
        }
    }

    /// Turns a block whose events are all settled into a run, and joins it with those beside it.
    mutating func close(ordinal: Int, destination: String) {
        var at = lowerBound(ordinal)
        guard at < blocks.count, blocks[at].ordinal == ordinal else { return }  // passed in the meantime
        if blocks[at].closed == nil {
            bytes -= blocks[at].bytes
            openCount -= 1
            blocks[at].close(destination: destination)
            runBytes += blocks[at].runs.bytes
        }
        if at > removed, blocks[at - 1].closed != nil {
            join(at - 1)
            at -= 1
        }
        if at + 1 < blocks.count, blocks[at + 1].closed != nil { join(at) }
    }

    /// Makes one of the closed entries at `index` and behind it.
    private mutating func join(_ index: Int) {
        runBytes -= blocks[index].runs.bytes + blocks[index + 1].runs.bytes
        blocks[index].join(blocks[index + 1])
        runBytes += blocks[index].runs.bytes
        blocks.remove(at: index + 1)
    }

    /// The entry that holds an event, open or closed.
    func entry(holding place: EventSequence, eventNumber: Int64) -> WindowBlock? {
        blocks[removed...].first { entry in
            entry.closed == nil ? entry.number == place.block : entry.runs.outcome(eventNumber) != nil
        }
    }

    /// Drops the text of settled events from blocks that are held for a few.
    mutating func shrink() {
        for block in blocks[removed...] where block.closed == nil {
            let before = block.bytes
            block.shrink()
            bytes -= before - block.bytes
        }
    }
}

/// A place in the window: which block by ordinal, and which of its events.
struct WindowPlace: Equatable {
    var ordinal: Int
    var index: Int
}
