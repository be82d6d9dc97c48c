import SluiceCore
import Synchronization

/// The log's end, published by the log thread and read by all.
///
/// Invariants: 1. `version` is odd while the two figures are being changed. 2. Only the log thread
/// calls `publish`.
final class LogHeadCell: Sendable {
    private let version = Atomic<UInt64>(0)
    private let nextBlock: Atomic<Int64>
    private let events: Atomic<Int64>

    init(_ head: LogHead) {
        nextBlock = Atomic(head.nextBlock)
        events = Atomic(head.events)
    }

    func publish(_ head: LogHead) {
        let start = version.load(ordering: .relaxed)
        version.store(start &+ 1, ordering: .sequentiallyConsistent)
        nextBlock.store(head.nextBlock, ordering: .sequentiallyConsistent)
        events.store(head.events, ordering: .sequentiallyConsistent)
        version.store(start &+ 2, ordering: .sequentiallyConsistent)
    }

    /// Both figures as of one moment.
    func load() -> LogHead {
        while true {
            let before = version.load(ordering: .sequentiallyConsistent)
            let head = LogHead(
                nextBlock: nextBlock.load(ordering: .sequentiallyConsistent),
                events: events.load(ordering: .sequentiallyConsistent))
            if before & 1 == 0, version.load(ordering: .sequentiallyConsistent) == before { return head }
        }
    }
}
