import CLinuxIO
import SluiceCore
import SluiceHTTP
import Synchronization

/// One shard's side of the network: its listeners, its connections, and the thread that serves them.
///
/// Each round waits for readiness, reads and handles what has arrived, and sends what may go: one
/// send per connection and round. Requests are parsed where they were received and handled before
/// the next read, so that a connection holds memory only while a request is incomplete or an
/// answer has not gone.
///
/// Invariants: 1. answers leave in the order of their requests. 2. no request is handed to the
/// handler between `batchEnded` and the next wait. 3. a request in memory is charged to
/// `receiveMemoryBytes`, an answer to `answerMemoryBytes`. 4. every open connection has a deadline, or
/// waits for a commit, for `resumeStalled` or for room for its answer. 5. once buffers have grown to
/// their working size, a request allocates nothing.
///
/// Owner: the thread that calls `run`; only `requestDrain` and `stats` are for others.
// @unchecked: confined to the thread in `run`; what others touch is atomic.
package final class EdgeLoop: @unchecked Sendable {
    package let stats = EdgeStats()
    let limits: EdgeLimits
    let httpLimits: HTTPLimits
    let handler: any EdgeHandler
    let waker: EventFD

    // The loop's thread only, from here on.
    var listeners: [ListeningSocket]
    var poller: Poller
    var connections: ContiguousArray<EdgeConnection> = []
    var freePlaces: [Int] = []
    var buffers: BufferPool
    var queues = AnswerQueuePool()
    /// Memory of all answer queues that are attached to connections, as of their last flush.
    var answerBytes = 0
    var wheel: TimeoutWheel
    var tickets = TicketQueue()
    /// Answers that wait for tickets below this may go.
    var nextTicket: UInt64 = 0
    /// Which connection waits for which later or held answer.
    var later: [UInt64: UInt64] = [:]
    /// Connections to go on with in the next round; those to flush in this one.
    var ready: [UInt64] = []
    var readySpare: [UInt64] = []
    var dirty: [UInt64] = []
    var dirtySpare: [UInt64] = []
    var stalled: [UInt64] = []
    var stalledFirst = 0
    var resumeWanted = false
    var isResuming = false
    /// A request was stalled because the memory for answers is spent.
    var wantsAnswerRoom = false
    /// What clients that were refused still send. Not of the pool: it must be there when that is spent.
    let discarded = ReceiveBuffer(capacity: ReceiveBuffer.smallest)
    var failureScratch = ByteBuffer(capacity: 1024)
    var counts = EdgeCounts()
    /// Monotonic milliseconds, read once per round.
    package private(set) var now: Int64
    var acceptPausedUntil: Int64?
    var isDraining = false
    private var owner: UInt64 = 0
    /// Monotonic milliseconds; written by any thread.
    private let drainDeadline = Atomic<Int64>(Int64.max)

    static let wakerToken = UInt64.max
    static let listenerTokens = UInt64(0xFFFF_0000)

    /// Takes over the listeners: the loop closes them when it drains.
    ///
    /// - Precondition: `limits.connections` is at least 1.
    package init(
        listeners: [ListeningSocket], limits: EdgeLimits, waker: EventFD, handler: any EdgeHandler
    ) throws(SystemError) {
        precondition(limits.connections > 0 && limits.pipelinedRequests > 0)
        self.listeners = listeners
        self.limits = limits
        self.httpLimits = HTTPLimits(headBytes: limits.headBytes)
        self.handler = handler
        self.waker = waker
        now = MonotonicClock.coarseMilliseconds
        wheel = TimeoutWheel(now: now)
        buffers = BufferPool(limit: limits.receiveBudget)
        poller = try Poller(capacity: 512)
        try poller.add(waker.descriptor, [.readable, .edgeTriggered], token: Self.wakerToken)
        try watchListeners()
    }

    deinit {
        for connection in connections where connection.descriptor >= 0 {
            _ = clio_close(connection.descriptor)
        }
    }

    /// Asks the loop to end: it takes what is already in the accept queue, closes idle connections,
    /// answers what is in flight with `Connection: close`, and returns from `run` when all is
    /// answered or `deadlineMilliseconds` from now have passed. From any thread.
    package func requestDrain(deadlineMilliseconds: Int) {
        let deadline = MonotonicClock.nowMilliseconds + Int64(max(deadlineMilliseconds, 0))
        drainDeadline.store(deadline, ordering: .releasing)
        waker.wake()
    }

    /// Serves until drained.
    package func run() {
        owner = clio_thread_current()
        var isDone = false
        while !isDone {
            let reported = wait()
            now = MonotonicClock.coarseMilliseconds
            for index in 0..<reported { take(poller[index]) }
            if waker.takeSignal() { handler.woken() }
            if resumeWanted { resumeNow() }
            continueReady()
            if drainDeadline.load(ordering: .acquiring) != Int64.max && !isDraining { beginDrain() }
            handler.batchEnded()
            flushDirty()
            expireDeadlines()
            if wantsAnswerRoom { makeAnswerRoom() }
            if isDraining {
                isDone =
                    counts.openConnections == 0
                    || now >= drainDeadline.load(ordering: .relaxed)
            }
            publishStats()
        }
        for connection in connections where connection.phase != .free { close(connection) }
        publishStats()
    }

    /// Sleeps until the waker is called, or for `milliseconds`. Only after `run` has returned, on its thread.
    package func parkAfterRun(milliseconds: Int) {
        guard !waker.takeSignal() else { return }
        if waker.arm() { waker.park(milliseconds: milliseconds) }
    }

    private func publishStats() {
        counts.publish(
            to: stats, receiveMemoryBytes: buffers.allocatedBytes,
            answerMemoryBytes: answerBytes + queues.bytes)
    }

    /// For asserts: whether the caller is the loop's thread.
    var isOnLoopThread: Bool { owner == 0 || owner == clio_thread_current() }

    private func wait() -> Int {
        if handler.wantsMore {
            let reported = poller.wait(milliseconds: 0)
            if reported > 0 { return reported }
            // What the last round left to do is there to be read, too.
            if ready.isEmpty && !resumeWanted { handler.nothingMore() }
        }
        return poller.wait(milliseconds: sleepTime())
    }

    private func sleepTime() -> Int? {
        if !ready.isEmpty || resumeWanted || !dirty.isEmpty { return 0 }
        if !waker.arm() { return 0 }
        var sleep = wheel.untilNext(now: now)
        if let until = acceptPausedUntil { sleep = min(sleep ?? .max, Int(max(0, until - now))) }
        if isDraining {
            let left = Int(max(0, drainDeadline.load(ordering: .relaxed) - now))
            sleep = min(sleep ?? .max, left)
        }
        // The coarse clock lags by up to a tick of the kernel; waiting 0 would only spin until then.
        return sleep.map { max($0, 1) }
    }

    private func take(_ report: Readiness) {
        let place = report.token & 0xFFFF_FFFF
        if place < Self.listenerTokens {
            guard let connection = connection(for: report.token) else { return }
            take(report.flags, for: connection)
        } else if report.token != Self.wakerToken {
            accept(from: listeners[Int(place - Self.listenerTokens)])
        }
    }

    private func take(_ flags: Interest, for connection: EdgeConnection) {
        // HUP means both directions are shut: a reset, or the end of lingering. Nobody reads then.
        if !flags.isDisjoint(with: [.error, .hangup]) { return close(connection) }
        if flags.contains(.writable) && connection.sendBlocked {
            connection.sendBlocked = false
            guard flush(connection) else { return }
        }
        if !flags.isDisjoint(with: [.readable, .peerFinished]) {
            connection.mayRead = true
            if flags.contains(.peerFinished) { connection.endIsNear = true }
        }
        advance(connection)
    }

    /// The connection a token was made for, if it is still there.
    func connection(for token: UInt64) -> EdgeConnection? {
        let index = Int(token & 0xFFFF_FFFF)
        guard index < connections.count else { return nil }
        let connection = connections[index]
        return connection.token == token && connection.phase != .free ? connection : nil
    }

    /// Goes on with a connection in the next round.
    func enqueueReady(_ connection: EdgeConnection) {
        guard !connection.isReady else { return }
        connection.isReady = true
        ready.append(connection.token)
    }

    private func continueReady() {
        guard !ready.isEmpty else { return }
        swap(&ready, &readySpare)
        for token in readySpare {
            guard let connection = connection(for: token) else { continue }
            connection.isReady = false
            advance(connection)
        }
        readySpare.removeAll(keepingCapacity: true)
    }

    private func beginDrain() {
        isDraining = true
        stopListening()
        // Every connection is read once more: what has arrived is in flight and gets its answer.
        for connection in connections where connection.phase == .open {
            connection.mayRead = true
            connection.deadline = .none
            advance(connection)
        }
    }
}
