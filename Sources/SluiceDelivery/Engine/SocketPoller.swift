import SluiceIO

/// The delivery thread's epoll: curl's sockets and the engine's waker.
///
/// Invariant: `watched` holds exactly the sockets that were added and not removed. Owner: the
/// delivery thread.
package final class SocketPoller: SocketWatcher {
    private var poller: Poller
    private var watched: [Int32: Interest] = [:]
    private let waker: EventFD
    private static let wakerToken = UInt64.max

    package init(waker: EventFD) throws(SystemError) {
        poller = try Poller(capacity: 128)
        self.waker = waker
        try poller.add(waker.descriptor, .readable, token: SocketPoller.wakerToken)
    }

    package func watch(_ socket: Int32, readable: Bool, writable: Bool) {
        var interest: Interest = []
        if readable { interest.insert(.readable) }
        if writable { interest.insert(.writable) }
        let before = watched[socket]
        guard before != interest else { return }
        // A socket the kernel no longer knows was closed, which ended the watch too; one it cannot
        // watch at all lets its transfer run into its timeout. Neither needs more than this.
        if interest.isEmpty {
            watched[socket] = nil
            try? poller.remove(socket)
        } else {
            watched[socket] = interest
            let token = UInt64(UInt32(bitPattern: socket))
            if before == nil {
                try? poller.add(socket, interest, token: token)
            } else {
                try? poller.modify(socket, interest, token: token)
            }
        }
    }

    /// Sleeps until something happens or `milliseconds` have passed (nil: no limit), and tells
    /// `driver` what is ready.
    package func wait(milliseconds: Int?, driver: CurlDriver) {
        let count = poller.wait(milliseconds: milliseconds)
        for index in 0..<count {
            let report = poller[index]
            if report.token == SocketPoller.wakerToken {
                waker.clear()
                continue
            }
            let failed = !report.flags.isDisjoint(with: [.error, .hangup])
            driver.ready(
                Int32(truncatingIfNeeded: report.token), readable: report.flags.contains(.readable),
                writable: report.flags.contains(.writable), failed: failed)
        }
    }
}
