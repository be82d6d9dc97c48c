import CLinuxIO
import SluiceCore
import SluiceHTTP

extension EdgeLoop {
    func answers(of connection: EdgeConnection) -> AnswerQueue {
        if let output = connection.output { return output }
        let output = queues.acquire()
        connection.output = output
        return output
    }

    // MARK: tickets

    /// Lets go of the answers that wait for `ticket` or a lower one; they are sent at the end of
    /// the round. To be called from `EdgeHandler.woken`, `batchEnded` or `nothingMore`.
    package func release(through ticket: UInt64) {
        assert(isOnLoopThread)
        guard ticket >= nextTicket else { return }
        nextTicket = ticket + 1
        while let tokens = tickets.popFirst(through: ticket) {
            for token in tokens { markReleased(token) }
            tickets.recycle(tokens)
        }
    }

    private func markReleased(_ token: UInt64) {
        guard let connection = connection(for: token), let output = connection.output else { return }
        if output.release(below: nextTicket) { markDirty(connection) }
    }

    /// Puts a 503 in the place of every answer that waits for `ticket`. Answers of other tickets
    /// stay as they are. To be called from `EdgeHandler.woken`, `batchEnded` or `nothingMore`.
    package func fail(ticket: UInt64, retryAfterSeconds: Int) {
        assert(isOnLoopThread)
        guard let tokens = tickets.remove(ticket: ticket) else { return }
        for token in tokens {
            guard let connection = connection(for: token), let output = connection.output else {
                continue
            }
            output.fail(ticket: ticket, scratch: &failureScratch) { entry, prepared, answer in
                handler.answerFailure(
                    tag: entry.tag, retryAfterSeconds: retryAfterSeconds,
                    keepAlive: entry.keepAlive, isHead: entry.isHead, prepared: prepared,
                    answer: &answer)
            }
            _ = output.release(below: nextTicket)
            markDirty(connection)
        }
        tickets.recycle(tokens)
    }

    /// Tickets from here on stand for answers that come later, and are above every ticket of a handler.
    static let laterTickets: UInt64 = 1 << 63

    /// Gives the answer that was announced by `.later(number)`; it is sent at the end of the round. The
    /// closure appends one whole response, and is not called when the connection is gone. To be called from
    /// `EdgeHandler.woken`, `batchEnded` or `nothingMore`.
    package func answer(
        _ number: UInt64, _ write: (_ keepAlive: Bool, _ isHead: Bool, _ answer: inout ByteBuffer) -> Void
    ) {
        assert(isOnLoopThread)
        guard let token = later.removeValue(forKey: number), let connection = connection(for: token),
            let output = connection.output
        else { return }
        output.fail(ticket: EdgeLoop.laterTickets | number, scratch: &failureScratch) { entry, _, answer in
            write(entry.keepAlive, entry.isHead, &answer)
        }
        _ = output.release(below: nextTicket)
        markDirty(connection)
    }

    /// Lets go of the answer that was announced by `.held(number)`; it is sent at the end of the round. To be
    /// called from `EdgeHandler.woken`, `batchEnded` or `nothingMore`.
    package func release(held number: UInt64) {
        assert(isOnLoopThread)
        guard let token = later.removeValue(forKey: number), let connection = connection(for: token),
            let output = connection.output
        else { return }
        output.release(only: EdgeLoop.laterTickets | number)
        _ = output.release(below: nextTicket)
        markDirty(connection)
    }

    /// Puts a 503 in the place of the answer that was announced by `.held(number)`. To be called from
    /// `EdgeHandler.woken`, `batchEnded` or `nothingMore`.
    package func fail(held number: UInt64, retryAfterSeconds: Int) {
        assert(isOnLoopThread)
        guard let token = later.removeValue(forKey: number), let connection = connection(for: token),
            let output = connection.output
        else { return }
        output.fail(ticket: EdgeLoop.laterTickets | number, scratch: &failureScratch) { entry, prepared, answer in
            handler.answerFailure(
                tag: entry.tag, retryAfterSeconds: retryAfterSeconds, keepAlive: entry.keepAlive,
                isHead: entry.isHead, prepared: prepared, answer: &answer)
        }
        _ = output.release(below: nextTicket)
        markDirty(connection)
    }

    private func markDirty(_ connection: EdgeConnection) {
        guard !connection.isDirty else { return }
        connection.isDirty = true
        dirty.append(connection.token)
    }

    /// Sends what was let go in this round, one send per connection.
    func flushDirty() {
        guard !dirty.isEmpty else { return }
        swap(&dirty, &dirtySpare)
        for token in dirtySpare {
            guard let connection = connection(for: token) else { continue }
            connection.isDirty = false
            guard flush(connection) else { continue }
            // Requests are not handled here, after `batchEnded`, but in the next round.
            if connection.isPaused { enqueueReady(connection) }
            settle(connection)
        }
        dirtySpare.removeAll(keepingCapacity: true)
    }

    // MARK: sending

    /// Sends what may go. False when the connection is gone.
    func flush(_ connection: EdgeConnection) -> Bool {
        // Taken out meanwhile: moved there and back, it costs no counting of references.
        guard let output = connection.output.take() else { return true }
        if output.sendable > 0 && !connection.sendBlocked {
            let wanted = output.sendable
            let taken = output.send(to: connection.descriptor)
            if taken >= 0 {
                counts.bytesOut &+= taken
                if taken < wanted { connection.sendBlocked = true }
                // Progress: the client gets its full time again.
                if taken > 0 && connection.deadline == .send { connection.deadline = .none }
            } else if taken == Int(Errno.again) {
                connection.sendBlocked = true
            } else {
                connection.output = output
                close(connection)
                return false
            }
        }
        var held = 0
        if output.isEmpty {
            queues.release(output)
        } else {
            held = output.bytes.capacity
            connection.output = output
        }
        charge(connection, held)
        if connection.sendBlocked && answerBytes > limits.answerMemoryBytes {
            // It does not read, and what it does not read would be paid by all others.
            counts.overLimit += 1
            close(connection)
            return false
        }
        return true
    }

    /// - Parameter held: bytes of memory that its answers hold now.
    private func charge(_ connection: EdgeConnection, _ held: Int) {
        answerBytes += held - connection.chargedBytes
        connection.chargedBytes = held
        queues.trim(to: max(0, limits.answerMemoryBytes - answerBytes))
    }

    // MARK: room for answers

    /// Whether another answer may be begun. It may go beyond the limit: if its client does not read
    /// it, it is that client who is closed.
    var hasAnswerRoom: Bool { answerBytes <= limits.answerMemoryBytes }

    /// Requests wait for room for their answers: closes those who do not read theirs, and goes on as
    /// soon as there is room. Answers that wait for a commit make room when it has come.
    func makeAnswerRoom() {
        if !hasAnswerRoom {
            for connection in connections where connection.sendBlocked && connection.phase != .free {
                counts.overLimit += 1
                close(connection)
            }
        }
        guard hasAnswerRoom else { return }
        wantsAnswerRoom = false
        resumeWanted = stalledFirst < stalled.count
    }

    // MARK: refusing and closing

    /// Answers what the loop itself refuses, behind the answers that wait, and reads no further.
    func refuse(_ connection: EdgeConnection, _ problem: EdgeProblem, head: HTTPRequestHead?) {
        counts.refused &+= 1
        let output = answers(of: connection)
        handler.refuse(problem, head: head, answer: &output.bytes)
        output.recordReady()
        connection.mustLinger = true
        finish(connection)
    }

    /// No further request is read; the connection closes when its answers have gone.
    func finish(_ connection: EdgeConnection) {
        connection.phase = .finishing
        connection.deadline = .none
    }

    /// Ends a turn with a connection: gives back what it does not need, sends, closes or sets the
    /// deadline.
    func settle(_ connection: EdgeConnection) {
        if connection.input?.isOverdraft == true, connection.input?.isEmpty == false, connection.phase == .open,
            !connection.isStalled, !connection.isPaused, !connection.isReady
        {
            // There was room to handle a whole request, but there is none to wait for the rest of one.
            refuse(
                connection, .unavailable(retryAfterSeconds: EdgeLimits.retryAfterSeconds),
                head: knownHead(connection))
        }
        if let input = connection.input.take() {
            if input.isEmpty || connection.phase != .open {
                if !input.isEmpty { connection.mustLinger = true }
                buffers.release(input)
            } else {
                connection.input = input
            }
        }
        guard flush(connection) else { return }
        if connection.output == nil && !connection.isStalled && !connection.isReady {
            switch connection.phase {
            case .finishing:
                return endAnswered(connection)
            case .open where connection.peerFinished:
                // What is left in `input` can never become a request.
                return close(connection)
            case .open where isDraining && connection.hasAsked && connection.input == nil:
                return close(connection)
            default:
                break
            }
        }
        setDeadline(connection)
    }

    /// The last answer has gone. Closing a socket that holds unread bytes resets the connection,
    /// and the reset can overtake the answer; so unless all was read, the rest is read first.
    private func endAnswered(_ connection: EdgeConnection) {
        if connection.peerFinished || !(connection.mustLinger || connection.mayRead) {
            return close(connection)
        }
        _ = clio_shutdown_write(connection.descriptor)
        connection.phase = .lingering
        connection.mayRead = true
        setDeadline(connection)
        linger(connection)
    }

    /// Reads and drops what a finished connection still sends, within bounds.
    func linger(_ connection: EdgeConnection) {
        for _ in 0..<EdgeLimits.readsPerTurn {
            guard connection.mayRead else { return }
            discarded.removeAll()
            let received = discarded.receive(from: connection.descriptor)
            if received == Int(Errno.again) {
                connection.mayRead = false
                return
            }
            connection.lingeredBytes += max(received, 0)
            if received <= 0 || connection.lingeredBytes > EdgeLimits.lingerBytesMax {
                return close(connection)
            }
            counts.bytesIn &+= received
        }
        enqueueReady(connection)
    }

    /// Frees the connection's place. Answers that wait are dropped; their tokens find nobody.
    func close(_ connection: EdgeConnection) {
        // Closing takes the descriptor out of the poller as well: nobody else holds it.
        _ = clio_close(connection.descriptor)
        if let input = connection.input { buffers.release(input) }
        if let output = connection.output.take() { queues.release(output) }
        if connection.isStalled {
            connection.isStalled = false
            counts.stalled -= 1
        }
        connection.input = nil
        charge(connection, 0)
        connection.descriptor = -1
        connection.phase = .free
        connection.generation &+= 1
        connection.deadline = .none
        wheel.remove(connection.index)
        counts.openConnections -= 1
        freePlaces.append(connection.index)
    }
}
