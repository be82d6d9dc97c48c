import Synchronization

/// What a loop counts. Written by the loop's thread once per batch, read by any.
package final class EdgeStats: Sendable {
    /// Connections open now, those that only read their last answer included.
    package let openConnections = Atomic<Int>(0)
    package let accepted = Atomic<Int>(0)
    /// Connections turned away over a limit, with or without words, and those closed because they did
    /// not read their answers when the memory for answers was spent.
    package let overLimit = Atomic<Int>(0)
    /// Times accepting paused for want of descriptors.
    package let acceptPauses = Atomic<Int>(0)
    /// Requests handed to the handler and not stalled.
    package let requests = Atomic<Int>(0)
    /// Requests the loop itself refused.
    package let refused = Atomic<Int>(0)
    /// Connections ended by a timeout of whatever class.
    package let timedOut = Atomic<Int>(0)
    package let bytesIn = Atomic<Int>(0)
    package let bytesOut = Atomic<Int>(0)
    /// Receive buffers allocated now, in use or kept for reuse.
    package let receiveMemoryBytes = Atomic<Int>(0)
    /// Memory of answers allocated now, in use or kept for reuse.
    package let answerMemoryBytes = Atomic<Int>(0)
    /// Requests that wait for `resumeStalled` or for room for their answers.
    package let stalled = Atomic<Int>(0)

    init() {}
}

/// The loop's own, plain copy of the counters.
struct EdgeCounts {
    var openConnections = 0
    var accepted = 0
    var overLimit = 0
    var acceptPauses = 0
    var requests = 0
    var refused = 0
    var timedOut = 0
    var bytesIn = 0
    var bytesOut = 0
    var stalled = 0

    func publish(to stats: EdgeStats, receiveMemoryBytes: Int, answerMemoryBytes: Int) {
        stats.openConnections.store(openConnections, ordering: .relaxed)
        stats.accepted.store(accepted, ordering: .relaxed)
        stats.overLimit.store(overLimit, ordering: .relaxed)
        stats.acceptPauses.store(acceptPauses, ordering: .relaxed)
        stats.requests.store(requests, ordering: .relaxed)
        stats.refused.store(refused, ordering: .relaxed)
        stats.timedOut.store(timedOut, ordering: .relaxed)
        stats.bytesIn.store(bytesIn, ordering: .relaxed)
        stats.bytesOut.store(bytesOut, ordering: .relaxed)
        stats.stalled.store(stalled, ordering: .relaxed)
        stats.receiveMemoryBytes.store(receiveMemoryBytes, ordering: .relaxed)
        stats.answerMemoryBytes.store(answerMemoryBytes, ordering: .relaxed)
    }
}
