import Synchronization

/// Who still needs which part of the log: destinations by their saved cursors, replay jobs by theirs.
/// Retention leaves what is held alone until the log reaches its hard limit.
///
/// A name holds the block it was given last and everything behind it. A holder that is known but whose
/// place is not known yet holds from block 0. Any thread; called when a place is saved, never for an event.
package final class SegmentHolds: Sendable {
    private let blocks = Mutex<[String: Int64]>([:])

    package init() {}

    /// From here on `name` needs `block` and what follows, and nothing before it.
    package func hold(_ name: String, from block: Int64) { blocks.withLock { $0[name] = block } }

    package func release(_ name: String) {
        blocks.withLock { blocks in _ = blocks.removeValue(forKey: name) }
    }

    /// In the order of their blocks, then of their names.
    package var holders: [(name: String, block: Int64)] {
        blocks.withLock { $0.map { (name: $0.key, block: $0.value) } }
            .sorted { ($0.block, $0.name) < ($1.block, $1.name) }
    }
}
