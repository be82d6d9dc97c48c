/// When a shard hands its open block to the log.
///
/// A commit costs the same for one event as for hundreds: a transaction, an fsync, waking the shard. So as long as
/// requests are there to be read, the block goes on filling, for at most `gatherMicroseconds`; as soon as nothing is
/// left to read, it goes. A lone request waits for nothing, and a shard that cannot keep up, whose clients wait
/// for it anyway, commits once in a millisecond, or when a block is full.
///
/// Owner: the shard's thread.
struct CommitPace {
    /// What an answer may wait longer because others keep coming, microseconds.
    static let gatherMicroseconds: Int64 = 1000

    /// When the open block's first events came; nil while it has none.
    private var begun: Int64?

    /// The open block holds events, of which the latest came at `moment`. Moments are monotonic microseconds.
    mutating func gather(at moment: Int64) {
        if begun == nil { begun = moment }
    }

    /// Whether the open block may go on filling, if more requests are there.
    func mayGather(now: Int64) -> Bool {
        guard let begun else { return true }
        return now - begun < CommitPace.gatherMicroseconds
    }

    /// The open block went to the log.
    mutating func handOver() { begun = nil }
}
