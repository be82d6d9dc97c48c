import SluiceIO

/// Who is told what is ready.
package protocol SocketListener: AnyObject {
    /// A watched socket is ready.
    func ready(_ socket: Int32, readable: Bool, writable: Bool, failed: Bool)
}

/// The delivery thread's epoll: curl's sockets and the engine's waker.
///
/// curl stops watching a connection when its request is answered, and watches it again for the next one. The kernel
/// is told neither: a connection that nobody waits for goes on being watched for reading, until it has something to
/// read or is closed. That is possible for connections only, because curl says when they are closed.
///
/// Invariants: 1. once `wait` sleeps, the kernel watches at least what is `wanted`, and for writing no more than
/// that. 2. what is not a connection is watched for exactly what is wanted. 3. `known` is what the kernel watches, or
/// nothing where the socket was closed. Owner: the delivery thread.
package final class SocketPoller: SocketWatcher {
    private struct Watch {
        var wanted = Directions()
        var known = Directions()
        var isConnection = false
        /// Whether it stands in `changed`.
        var isChanged = false
    }

    /// What a socket is watched for.
    private struct Directions: Equatable {
        var readable = false
        var writable = false

        var isEmpty: Bool { !readable && !writable }

        var interest: Interest {
            Interest(
                rawValue: (readable ? Interest.readable.rawValue : 0) | (writable ? Interest.writable.rawValue : 0))
        }
    }

    private var poller: Poller
    /// By the socket's number.
    private var watches: [Watch] = []
    private var changed: [Int32] = []
    private let waker: EventFD
    private static let wakerToken = UInt64.max
    private static let failures = Interest.error.rawValue | Interest.hangup.rawValue

    package init(waker: EventFD) throws(SystemError) {
        poller = try Poller(capacity: 128)
        self.waker = waker
        try poller.add(waker.descriptor, .readable, token: SocketPoller.wakerToken)
    }

    package func watch(_ socket: Int32, readable: Bool, writable: Bool) {
        let place = place(of: socket)
        watches[place].wanted = Directions(readable: readable, writable: writable)
        guard watches[place].isConnection else { return tell(place) }
        if !watches[place].isChanged {
            watches[place].isChanged = true
            changed.append(socket)
        }
    }

    package func opened(_ socket: Int32) {
        let place = place(of: socket)
        watches[place].wanted = Directions()
        watches[place].known = Directions()
        watches[place].isConnection = true
    }

    package func closed(_ socket: Int32) {
        let place = place(of: socket)
        watches[place].wanted = Directions()
        watches[place].known = Directions()
        watches[place].isConnection = false
    }

    private func place(of socket: Int32) -> Int {
        let place = Int(socket)
        while watches.count <= place { watches.append(Watch()) }
        return place
    }

    /// Has the kernel watch exactly what is wanted.
    private func tell(_ place: Int) {
        let (wanted, known) = (watches[place].wanted, watches[place].known)
        guard wanted != known else { return }
        watches[place].known = wanted
        let socket = Int32(place)
        // A socket the kernel no longer knows was closed, which ended the watch too; one it cannot
        // watch at all lets its transfer run into its timeout. Neither needs more than this.
        if wanted.isEmpty {
            try? poller.remove(socket)
        } else if known.isEmpty {
            try? poller.add(socket, wanted.interest, token: UInt64(place))
        } else {
            try? poller.modify(socket, wanted.interest, token: UInt64(place))
        }
    }

    /// Tells the kernel what it must know before the thread sleeps.
    private func tellChanges() {
        for socket in changed {
            let place = Int(socket)
            watches[place].isChanged = false
            let (wanted, known) = (watches[place].wanted, watches[place].known)
            if wanted.readable && !known.readable || wanted.writable != known.writable { tell(place) }
        }
        changed.removeAll(keepingCapacity: true)
    }

    /// Sleeps until something happens or `milliseconds` have passed (nil: no limit), and tells
    /// `listener` what is ready. Returns how much the kernel reported, whether anybody waited for it or not.
    @discardableResult
    package func wait(milliseconds: Int?, _ listener: some SocketListener) -> Int {
        tellChanges()
        let count = poller.wait(milliseconds: milliseconds)
        for index in 0..<count {
            let report = poller[index]
            if report.token == SocketPoller.wakerToken {
                waker.clear()
                continue
            }
            let flags = report.flags.rawValue
            let place = Int(report.token)
            let wanted = watches[place].wanted
            let readable = wanted.readable && flags & Interest.readable.rawValue != 0
            let writable = wanted.writable && flags & Interest.writable.rawValue != 0
            let failed = flags & SocketPoller.failures != 0
            guard readable || writable || failed && !wanted.isEmpty else {
                // Nobody waits for that, and it would be reported for ever.
                tell(place)
                continue
            }
            listener.ready(Int32(place), readable: readable, writable: writable, failed: failed)
        }
        return count
    }
}
