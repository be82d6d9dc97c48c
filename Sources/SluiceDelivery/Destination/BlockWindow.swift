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

/// One block a destination is working on, or a run of events that the log has lost.
///
/// Invariants: 1. every event before `passed` has an outcome and is counted in the cursor.
/// 2. `stages` has one entry per event, or none when the events are lost: those are all expired.
final class WindowBlock {
    let number: Int64
    /// Nil when the events are lost.
    let block: EventBlock?
    let eventCount: Int
    var stages: [EventStage]
    var passed: Int
    /// By event index; handed on when the position passes the event.
    var exceptions: [Int: ExceptionalOutcome] = [:]

    /// - Parameter skipping: events that the cursor has passed already.
    init(_ block: EventBlock, skipping: Int) {
        number = block.number
        self.block = block
        eventCount = block.eventCount
        stages = [EventStage](repeating: .ready, count: block.eventCount)
        passed = skipping
    }

    /// Events the log no longer has, with one exception that stands for all of them.
    init(lost eventCount: Int, number: Int64, exception: ExceptionalOutcome) {
        self.number = number
        block = nil
        self.eventCount = eventCount
        stages = []
        passed = 0
        exceptions[0] = exception
    }

    var bytes: Int { block?.payload.count ?? 0 }
}

/// The blocks from a destination's position to where it has read: a queue with bounds.
///
/// Ordinals count blocks since the window was made, so that a place stays valid while the front
/// moves. Invariant: block numbers rise from front to back; a lost run may share the number of the
/// block behind it.
struct BlockWindow {
    private var blocks: [WindowBlock] = []
    private var removed = 0  // from the front of `blocks`, not yet compacted
    private(set) var frontOrdinal = 0
    private(set) var bytes = 0
    private(set) var events = 0

    var count: Int { blocks.count - removed }
    var endOrdinal: Int { frontOrdinal + count }
    var front: WindowBlock? { count > 0 ? blocks[removed] : nil }

    subscript(ordinal ordinal: Int) -> WindowBlock {
        precondition(ordinal >= frontOrdinal && ordinal < endOrdinal)
        return blocks[removed + ordinal - frontOrdinal]
    }

    mutating func append(_ block: WindowBlock) {
        blocks.append(block)
        bytes += block.bytes
        events += block.eventCount
    }

    mutating func removeFront() {
        let block = blocks[removed]
        bytes -= block.bytes
        events -= block.eventCount
        removed += 1
        frontOrdinal += 1
        // Moves at most as many entries as were removed since the last time.
        if removed * 2 >= blocks.count {
            blocks.removeFirst(removed)
            removed = 0
        }
    }
}

/// A place in the window: which block by ordinal, and which of its events.
struct WindowPlace: Equatable {
    var ordinal: Int
    var index: Int
}
