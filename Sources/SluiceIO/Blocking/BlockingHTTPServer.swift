import CLinuxIO
import SluiceCore
import SluiceHTTP
import Synchronization

/// What the blocking server allows.
package struct BlockingServerOptions: Sendable {
    /// Most connections served at once, each by a thread. When one more comes, the one that has been idle for
    /// longest, and not only for a moment, is closed; while none is, further ones wait to be accepted.
    package var connections: Int
    package var headBytes: Int
    package var bodyBytes: Int
    /// Without a request on an open connection.
    package var idleTimeoutMilliseconds: Int
    /// From a request's first byte to its last, and for the client to take the answer.
    package var requestTimeoutMilliseconds: Int

    package init(
        connections: Int = 64, headBytes: Int = 16_384, bodyBytes: Int = 8 << 20,
        idleTimeoutMilliseconds: Int = 60_000, requestTimeoutMilliseconds: Int = 10_000
    ) {
        self.connections = connections
        self.headBytes = headBytes
        self.bodyBytes = bodyBytes
        self.idleTimeoutMilliseconds = idleTimeoutMilliseconds
        self.requestTimeoutMilliseconds = requestTimeoutMilliseconds
    }
}

/// A small HTTP/1.1 server with a thread per connection, for the admin port and for stand-ins of
/// upstreams: places where simple code is worth more than speed.
///
/// Invariants: 1. a descriptor is in `open` from before its thread starts until just before it is
/// closed, so `stop` never shuts down a descriptor that belongs to somebody else by then. 2. every
/// thread is joined: by the accepting thread once it has finished, at the latest by `stop`.
///
/// `start` and `stop` are called once each, from any thread; the handler runs on many.
package final class BlockingHTTPServer: Sendable {
    package typealias Handler = @Sendable (SimpleRequest) -> SimpleResponse

    private struct State {
        var accepting: JoinableThread?
        var threads: [Int32: JoinableThread] = [:]
        var finished: [JoinableThread] = []
        var open: Set<Int32> = []
        /// Connections between two requests, and since when (monotonic milliseconds).
        var idle: [Int32: Int64] = [:]
    }

    private let name: String
    private let options: BlockingServerOptions
    private let handler: Handler
    private let state = Mutex(State())
    /// Wakes the accepting thread: a connection ended, or the server stops.
    private let waker: EventFD
    /// Stays signalled once the server stops, so that every thread that waits sees it.
    private let stopSignal: EventFD
    private let isStopping = Atomic<Bool>(false)

    /// - Parameter name: of the threads; 11 bytes of it count.
    package init(
        name: String, options: BlockingServerOptions = BlockingServerOptions(),
        handler: @escaping Handler
    ) throws(SystemError) {
        self.name = name
        self.options = options
        self.handler = handler
        waker = try EventFD()
        stopSignal = try EventFD()
    }

    deinit { precondition(state.withLock { $0.accepting == nil }, "a started server must be stopped") }

    /// Connections open now.
    package var openConnections: Int { state.withLock { $0.open.count } }

    /// Listens on every address behind `address` and starts to serve. Returns the actual port.
    package func start(on address: ListenAddress) throws(ListenError) -> UInt16 {
        let listeners = try ListeningSocket.bindAll(address)
        let port = listeners[0].port
        let acceptor: Acceptor
        do throws(SystemError) {
            acceptor = try Acceptor(listeners: listeners, waker: waker)
        } catch {
            throw .system(address, error)
        }
        let thread = startThread(name: name) { self.accept(acceptor) }
        state.withLock { $0.accepting = thread }
        return port
    }

    /// Stops listening, cuts every connection and waits until all threads have ended.
    package func stop() {
        isStopping.store(true, ordering: .sequentiallyConsistent)
        stopSignal.wake()
        waker.wake()
        let accepting = state.withLock { state in
            let thread = state.accepting
            state.accepting = nil
            return thread
        }
        // The accepting thread first: after it, no connection is added.
        accepting?.join()
        let threads = state.withLock { state in
            for descriptor in state.open { _ = clio_shutdown_both(descriptor) }
            let all = Array(state.threads.values) + state.finished
            state.threads.removeAll()
            state.finished.removeAll()
            return all
        }
        for thread in threads { thread.join() }
    }

    // MARK: the accepting thread

    // @unchecked: made by `start`, then used by the accepting thread only.
    private final class Acceptor: @unchecked Sendable {
        var poller: Poller
        let listeners: [ListeningSocket]
        var isWatching = false
        /// Somebody waits to be accepted, and a connection is about to end: the waker tells.
        var awaitsRoom = false

        init(listeners: [ListeningSocket], waker: EventFD) throws(SystemError) {
            self.listeners = listeners
            poller = try Poller(capacity: 16)
            try poller.add(waker.descriptor, .readable, token: UInt64.max)
        }

        func watch(_ wanted: Bool) {
            guard wanted != isWatching else { return }
            isWatching = wanted
            for (index, listener) in listeners.enumerated() {
                if wanted {
                    try? poller.add(listener.descriptor, .readable, token: UInt64(index))
                } else {
                    try? poller.remove(listener.descriptor)
                }
            }
        }
    }

    private func accept(_ acceptor: Acceptor) {
        while !isStopping.load(ordering: .acquiring) {
            reap()
            acceptor.watch(!acceptor.awaitsRoom && (openConnections < options.connections || hasIdle))
            let count = acceptor.poller.wait(milliseconds: acceptor.awaitsRoom ? Self.roomLookMilliseconds : nil)
            if count == 0 { acceptor.awaitsRoom = false }
            for index in 0..<count {
                let token = acceptor.poller[index].token
                if token == UInt64.max {
                    waker.clear()
                    acceptor.awaitsRoom = false
                } else {
                    acceptor.awaitsRoom = !acceptOne(from: acceptor.listeners[Int(token)])
                }
            }
        }
        for listener in acceptor.listeners { listener.close() }
    }

    /// False when there is no room.
    private func acceptOne(from listener: ListeningSocket) -> Bool {
        guard openConnections < options.connections else {
            makeRoom()
            return false
        }
        let (descriptor, peer) = listener.accept()
        guard descriptor >= 0 else {
            // Out of descriptors: not again before one may have been freed.
            if Errno.isExhaustion(descriptor) {
                _ = clio_wait_readable(stopSignal.descriptor, 50)
            }
            return true
        }
        state.withLock { state in
            state.open.insert(descriptor)
            // Under the lock, so that the thread cannot report its end before it is known.
            state.threads[descriptor] = startThread(name: name + "-conn") {
                self.serve(descriptor, peer)
            }
        }
        return true
    }

    private var hasIdle: Bool { state.withLock { !$0.idle.isEmpty } }

    /// A connection that has only just been opened or answered is not taken for idle.
    private static let idleGraceMilliseconds: Int64 = 250
    /// Between two looks for room while somebody waits to be accepted.
    private static let roomLookMilliseconds = 50

    /// Ends the connection that has been idle for longest; its thread wakes this one when it has gone.
    private func makeRoom() {
        state.withLock { state in
            guard let oldest = state.idle.min(by: { $0.value < $1.value }),
                MonotonicClock.nowMilliseconds - oldest.value >= Self.idleGraceMilliseconds
            else { return }
            state.idle[oldest.key] = nil
            _ = clio_shutdown_both(oldest.key)
        }
    }

    /// A connection begins or ends to wait for a request.
    private func setIdle(_ descriptor: Int32, _ isIdle: Bool) {
        let isFull = state.withLock { state in
            state.idle[descriptor] = isIdle ? MonotonicClock.nowMilliseconds : nil
            return isIdle && state.open.count >= options.connections
        }
        // Somebody may wait for the room that this one could make.
        if isFull { waker.wake() }
    }

    private func reap() {
        let finished = state.withLock { state in
            let threads = state.finished
            state.finished.removeAll()
            return threads
        }
        for thread in finished { thread.join() }
    }

    // MARK: a connection's thread

    private func serve(_ descriptor: Int32, _ peer: PeerAddress) {
        let connection = BlockingConnection(
            descriptor: descriptor, peer: peer, options: options, stopSignal: stopSignal.descriptor)
        connection.serve(handler) { self.setIdle(descriptor, $0) }
        state.withLock { state in
            state.open.remove(descriptor)
            state.idle[descriptor] = nil
            if let thread = state.threads.removeValue(forKey: descriptor) {
                state.finished.append(thread)
            }
            // Under the lock: as soon as it is closed the number may come back from accept.
            _ = clio_close(descriptor)
        }
        waker.wake()
    }
}
