import CLinuxIO
import SluiceCore

extension EdgeLoop {
    func watchListeners() throws(SystemError) {
        for (index, listener) in listeners.enumerated() {
            // Level-triggered: a turn may end before the queue is empty.
            try poller.add(
                listener.descriptor, .readable, token: Self.listenerTokens + UInt64(index))
        }
    }

    /// Takes connections that wait, at most one turn's worth.
    func accept(from listener: ListeningSocket) {
        for _ in 0..<EdgeLimits.acceptsPerTurn {
            guard acceptOne(from: listener) else { return }
        }
    }

    private func acceptOne(from listener: ListeningSocket) -> Bool {
        let (descriptor, peer) = listener.accept()
        if descriptor < 0 {
            if descriptor == Errno.again { return false }
            if Errno.isExhaustion(descriptor) {
                pauseAccepting()
                return false
            }
            // accept(2): "treat them like EAGAIN by retrying": errors of the one connection.
            return true
        }
        counts.accepted += 1
        let isOverLimit = counts.openConnections >= limits.connections
        if isOverLimit {
            counts.overLimit += 1
            guard counts.openConnections < limits.connections + EdgeLimits.refusalSlots else {
                _ = clio_close(descriptor)
                return true
            }
        }
        guard let connection = open(descriptor, peer) else { return true }
        if isOverLimit {
            refuse(connection, .unavailable(retryAfterSeconds: EdgeLimits.retryAfterSeconds), head: nil)
        }
        settle(connection)
        return true
    }

    private func open(_ descriptor: Int32, _ peer: PeerAddress) -> EdgeConnection? {
        let connection: EdgeConnection
        if let place = freePlaces.popLast() {
            connection = connections[place]
        } else {
            connection = EdgeConnection(index: connections.count, peer: peer)
            connections.append(connection)
            wheel.grow()
        }
        connection.open(descriptor: descriptor, peer: peer)
        // One registration for the connection's whole life: edge-triggered, so that the interest in
        // writing costs nothing until a send falls short.
        do throws(SystemError) {
            try poller.add(
                descriptor, [.readable, .writable, .peerFinished, .edgeTriggered],
                token: connection.token)
        } catch {
            _ = clio_close(descriptor)
            connection.phase = .free
            connection.descriptor = -1
            freePlaces.append(connection.index)
            return nil
        }
        counts.openConnections += 1
        return connection
    }

    /// Out of descriptors: the queue stays full and would be reported for ever, so look away a while.
    private func pauseAccepting() {
        guard acceptPausedUntil == nil else { return }
        counts.acceptPauses += 1
        acceptPausedUntil = now + EdgeLimits.acceptPauseMilliseconds
        for listener in listeners { try? poller.remove(listener.descriptor) }
    }

    func resumeAccepting() {
        acceptPausedUntil = nil
        do throws(SystemError) {
            try watchListeners()
        } catch {
            // Still no memory for it: try again after another pause. Those added twice fail with
            // EEXIST, so all are removed first.
            pauseAccepting()
        }
    }

    /// Takes everything in the accept queues, then closes the listeners.
    func stopListening() {
        acceptPausedUntil = nil
        for listener in listeners {
            var taken = 0
            while taken < limits.connections, acceptOne(from: listener) { taken += 1 }
            listener.close()
        }
        listeners.removeAll()
        acceptPausedUntil = nil
    }
}
