/// When a shard under load hands its next block to the log.
///
/// A commit costs the same for one event as for hundreds: a transaction, an fsync, waking the shard. Under load a
/// block that is handed over as soon as the one before came back holds little, because coming back takes little time.
/// So after a block of at least `eventsLeast` events the next one goes on filling for as long as that one's commit
/// took: half as many commits, for one more commit's time of waiting. Below that, nothing waits.
///
/// Owner: the shard's thread.
struct CommitPace {
    /// Events in a block that tell of load.
    static let eventsLeast = 48
    /// However slow the disk is, microseconds.
    static let longestMicroseconds: Int64 = 2000

    private var handedOver: Int64 = 0
    private var notBefore: Int64 = 0

    /// A block goes to the log. Moments are monotonic microseconds.
    mutating func handOver(now: Int64) { handedOver = now }

    /// It came back; `events` is nil when it could not be committed.
    mutating func comeBack(events: Int?, now: Int64) {
        guard let events, events >= CommitPace.eventsLeast else {
            notBefore = 0
            return
        }
        notBefore = now + min(max(0, now - handedOver), CommitPace.longestMicroseconds)
    }

    /// Microseconds until the next block is to be handed over; 0 when it may go at once.
    func wait(now: Int64) -> Int64 { notBefore == 0 ? 0 : max(0, notBefore - now) }

    /// Whether `wait` can be anything but 0.
    var isOn: Bool { notBefore != 0 }
}
