import SluiceCore

/// What is to be counted of a request once it is known what became of it.
struct WaitingRequest {
    /// By the monotonic clock.
    var arrivalMicroseconds: Int64
    var platform: Platform
    /// The source's place in the configuration.
    var source: Int
    /// The status of the answer that waits.
    var status: Int
    var result: DecodeResult
}

/// The requests whose answers wait for a commit, so that each is counted with the answer it gets.
///
/// There are at most as many as events in the blocks of a shard. Invariant: entries stand in the order
/// of their tickets. Owner: the shard thread.
struct WaitingRequests {
    /// Entries from `first` on wait; those before it are settled. The array keeps its memory.
    private var entries: [(ticket: UInt64, request: WaitingRequest)] = []
    private var first = 0

    init() { entries.reserveCapacity(8192) }

    mutating func add(_ request: WaitingRequest, ticket: UInt64) {
        entries.append((ticket, request))
    }

    /// Takes out every request that waits for `ticket` or a lower one.
    mutating func settle(through ticket: UInt64, _ body: (WaitingRequest) -> Void) {
        while first < entries.count, entries[first].ticket <= ticket {
            body(entries[first].request)
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
