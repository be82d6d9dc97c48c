/// When the requests arrived whose answers wait for a commit, for the acknowledge histogram.
///
/// Requests of one batch and one ticket share an entry, so that a request costs an addition.
/// Invariant: entries stand in the order of their tickets.
struct ArrivalLog {
    private struct Entry {
        var ticket: UInt64
        var microseconds: Int64
        var count: Int
    }

    /// Entries from `first` on wait; those before it are settled. The array keeps its memory.
    private var entries: [Entry] = []
    private var first = 0

    init() { entries.reserveCapacity(1024) }

    mutating func add(ticket: UInt64, microseconds: Int64) {
        if first < entries.count {
            let last = entries.count - 1
            if entries[last].ticket == ticket, entries[last].microseconds == microseconds {
                entries[last].count += 1
                return
            }
        }
        entries.append(Entry(ticket: ticket, microseconds: microseconds, count: 1))
    }

    /// Takes out every entry up to `ticket` and reports its arrival and number of requests.
    mutating func settle(through ticket: UInt64, _ report: (_ microseconds: Int64, _ count: Int) -> Void) {
        while first < entries.count, entries[first].ticket <= ticket {
            report(entries[first].microseconds, entries[first].count)
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
