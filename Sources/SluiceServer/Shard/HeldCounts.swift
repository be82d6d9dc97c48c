import SluiceCore

/// What the answers that wait for a commit will be counted as. They are counted when it has come: an
/// answer that is replaced by a failure promised nothing, and its events are in no block.
///
/// Invariant: entries stand in the order of their tickets. Owner: the shard's thread.
struct HeldCounts {
    struct Entry {
        var ticket: UInt64
        var platform: Platform
        var status: Int
        var source: Int
        var result: DecodeResult
    }

    /// Entries from `first` on wait; those before it are settled. The array keeps its memory.
    private var entries: [Entry] = []
    private var first = 0

    init() { entries.reserveCapacity(1024) }

    mutating func add(_ entry: Entry) { entries.append(entry) }

    /// Takes out every entry up to `ticket`.
    mutating func settle(through ticket: UInt64, _ count: (Entry) -> Void) {
        while first < entries.count, entries[first].ticket <= ticket {
            count(entries[first])
            first += 1
        }
        if first == entries.count {
            entries.removeAll(keepingCapacity: true)
            first = 0
        } else if first > 4096 {
            entries.removeFirst(first)
            first = 0
        }
    }
}
