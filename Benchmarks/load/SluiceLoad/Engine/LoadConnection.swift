import SluiceIO

/// A request under way.
struct Flight {
    /// When it was due; when it was sent, in a closed loop. Nanoseconds on the monotonic clock, as below.
    var due: Int64 = 0
    var sent: Int64 = 0
    /// As `AcknowledgedRequests` numbers it.
    var request = 0
}

/// One connection of a thread's; its flights are in the thread's own memory.
///
///     closed --open--> connecting --writable--> open --lost--> closed
struct LoadConnection {
    /// Nil when closed.
    var socket: ClientSocket?
    var isOpen = false
    /// Open loop: it stands in the queue of those that can send.
    var isQueued = false
    /// Place of the oldest flight in the ring.
    var first = 0
    var inFlight = 0
    /// Interim answers since the last one that was final.
    var interim = 0
    /// When it was last opened, or begun to.
    var begunAt: Int64 = 0
    /// When to open it again.
    var reopenAt: Int64 = 0
    /// The beginning of an answer whose end has not come yet.
    var carry: [UInt8] = []
    /// What the socket would not take.
    var unsent: [UInt8] = []
}
