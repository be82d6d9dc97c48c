import SluiceCore
import SluiceHTTP

extension EdgeLoop {
    /// Does all that can be done for a connection now: handles what was received, receives more,
    /// sends what may go, and leaves it under the right deadline.
    func advance(_ connection: EdgeConnection) {
        if connection.phase == .lingering { return linger(connection) }
        var turns = 0
        while connection.phase == .open && !connection.isStalled {
            if connection.isPaused {
                guard flush(connection) else { return }
                if isFull(connection) { break }
                connection.isPaused = false
            }
            consume(connection)
            if connection.phase != .open || connection.isStalled { break }
            if connection.isPaused {
                guard flush(connection) else { return }
                if isFull(connection) { break }
            } else {
                guard connection.mayRead else { break }
                guard receive(connection) else { return }
            }
            turns += 1
            if turns == EdgeLimits.readsPerTurn {
                enqueueReady(connection)
                break
            }
        }
        settle(connection)
    }

    /// Whether a connection has so many answers waiting that no more is read.
    private func isFull(_ connection: EdgeConnection) -> Bool {
        guard let output = connection.output else { return false }
        return output.waiting >= limits.pipelinedRequests
            || output.unsent >= limits.pendingAnswerBytes
    }

    // MARK: receiving

    /// Reads once. False when the connection is gone.
    private func receive(_ connection: EdgeConnection) -> Bool {
        guard let input = roomToReceive(connection) else {
            refuse(
                connection, .unavailable(retryAfterSeconds: EdgeLimits.retryAfterSeconds), head: nil)
            return true
        }
        let room = input.room
        let received = input.receive(from: connection.descriptor)
        if received > 0 {
            counts.bytesIn &+= received
            // A short read has emptied the socket; bytes that come later are reported again. The
            // peer's end may have been reported together with them, and would not be again.
            if received < room && !connection.endIsNear { connection.mayRead = false }
        } else if received == 0 {
            connection.peerFinished = true
            connection.mayRead = false
        } else if received == Int(Errno.again) {
            connection.mayRead = false
        } else {
            close(connection)
            return false
        }
        return true
    }

    /// The connection's buffer with room in it, or nil when the memory budget is spent.
    private func roomToReceive(_ connection: EdgeConnection) -> ReceiveBuffer? {
        guard let input = connection.input else {
            connection.input = buffers.acquireFirst()
            return connection.input
        }
        input.compact()
        if input.room > 0 { return input }
        // The head's limit and the body's bound what a buffer can be asked to hold.
        guard let larger = buffers.acquire(capacity: input.capacity * 2) else { return nil }
        larger.take(input)
        buffers.release(input)
        connection.input = larger
        return larger
    }

    // MARK: requests

    /// Handles every whole request that has been received, in order, as long as answers have room.
    private func consume(_ connection: EdgeConnection) {
        guard let input = connection.input else { return }
        while !input.isEmpty && connection.phase == .open && !connection.isStalled {
            if isFull(connection) {
                connection.isPaused = true
                return
            }
            let isWhole =
                switch connection.progress {
                case .head: readHead(connection, input)
                case .length: input.count >= connection.headBytes + connection.bodyBytes
                case .chunked: readChunks(connection, input)
                case .complete: true
                }
            guard isWhole else { return }
            // The fast way has handed the request over already: it stands at the next head or stalls.
            if connection.progress != .head && !connection.isStalled { handOver(connection, input) }
        }
    }

    /// Reads a head. A request that is here as a whole is handed over at once; else what is
    /// awaited is noted. False when more bytes are needed, or none will be read.
    private func readHead(_ connection: EdgeConnection, _ input: ReceiveBuffer) -> Bool {
        switch connection.parser.parseHead(input.unread, limits: httpLimits) {
        case .incomplete:
            return false
        case .refused(let problem):
            refuse(connection, problem, head: connection.parser.unfinishedHead(input.unread))
            return false
        case .head(let head):
            connection.headBytes = head.headBytes
            switch head.framing {
            case .none:
                handOver(connection, input, head, bodyBytes: 0)
                return true
            case .length(let length):
                if length > limits.bodyBytes {
                    refuse(connection, .bodyTooLarge(limit: limits.bodyBytes), head: head)
                    return false
                }
                if input.count >= head.headBytes + length {
                    handOver(connection, input, head, bodyBytes: length)
                    return true
                }
                connection.bodyBytes = length
                connection.progress = .length
                sayContinue(connection, head, input)
                return false
            case .chunked:
                connection.bodyBytes = 0
                connection.chunks = ChunkedBodyDecoder(bodyBytesMax: limits.bodyBytes)
                connection.progress = .chunked
                sayContinue(connection, head, input)
                return readChunks(connection, input)
            }
        }
    }

    private func readChunks(_ connection: EdgeConnection, _ input: ReceiveBuffer) -> Bool {
        var decoded = connection.headBytes + connection.bodyBytes
        let result = input.decodeChunks(&connection.chunks, decoded: &decoded)
        connection.bodyBytes = decoded - connection.headBytes
        switch result {
        case .incomplete:
            return false
        case .complete:
            connection.progress = .complete
            return true
        case .refused(let problem):
            refuse(connection, problem, head: currentHead(connection))
            return false
        }
    }

    /// The head of the request that is being read, once it is complete.
    func currentHead(_ connection: EdgeConnection) -> HTTPRequestHead? {
        guard connection.progress != .head, let input = connection.input else { return nil }
        // Read again rather than kept: only requests that arrive in pieces come here, and the
        // buffer may have moved meanwhile.
        var parser = HTTPRequestParser()
        guard case .head(let head) = parser.parseHead(input.unread, limits: httpLimits) else {
            preconditionFailure("a head that was complete")
        }
        return head
    }

    /// As much of the head at the front as has been understood.
    func knownHead(_ connection: EdgeConnection) -> HTTPRequestHead? {
        if connection.progress != .head { return currentHead(connection) }
        return connection.input.flatMap { connection.parser.unfinishedHead($0.unread) }
    }

    private func handOver(_ connection: EdgeConnection, _ input: ReceiveBuffer) {
        guard let head = currentHead(connection) else { return }
        handOver(connection, input, head, bodyBytes: connection.bodyBytes)
    }

    /// Hands a whole request to the handler and notes when its answer may go.
    private func handOver(
        _ connection: EdgeConnection, _ input: ReceiveBuffer, _ head: HTTPRequestHead, bodyBytes: Int
    ) {
        let head = isDraining ? head.closing : head
        let keepAlive = head.keepAlive
        let total = head.headBytes + bodyBytes
        guard hasAnswerRoom else {
            wantsAnswerRoom = true
            return stall(connection, bodyBytes: bodyBytes)
        }
        let output = answers(of: connection)
        let before = output.bytes.count
        let request = EdgeRequest(
            head: head, body: input.unread[head.headBytes..<total], peer: connection.peer)
        switch handler.handle(request, answer: &output.bytes) {
        case .now:
            output.recordReady()
        case .after(let ticket) where ticket < nextTicket:
            output.recordReady()
        case .after(let ticket):
            if output.lastTicket != ticket { tickets.add(ticket: ticket, token: connection.token) }
            output.recordWaiting(
                ticket: ticket, tag: handler.failureTag, keepAlive: keepAlive,
                isHead: head.method == .head)
        case .later(let number):
            output.bytes.truncate(to: before)
            // Holds the answer's place; it is never sent, because nothing lets go of this ticket.
            output.bytes.append(0)
            later[number] = connection.token
            output.recordWaiting(
                ticket: EdgeLoop.laterTickets | number, tag: 0, keepAlive: keepAlive,
                isHead: head.method == .head)
        case .held(let number):
            later[number] = connection.token
            output.recordWaiting(
                ticket: EdgeLoop.laterTickets | number, tag: handler.failureTag, keepAlive: keepAlive,
                isHead: head.method == .head)
        case .stall:
            output.bytes.truncate(to: before)
            return stall(connection, bodyBytes: bodyBytes)
        }
        counts.requests &+= 1
        input.consume(total)
        connection.progress = .head
        connection.deadline = .none
        connection.hasAsked = true
        if !keepAlive { finish(connection) }
    }

    /// Tells a client that waits before it sends its body to go on (RFC 9110, 10.1.1).
    private func sayContinue(
        _ connection: EdgeConnection, _ head: HTTPRequestHead, _ input: ReceiveBuffer
    ) {
        // "A server MAY omit sending a 100 response if it has already received some … content".
        guard head.expectsContinue, head.versionMinor == 1, input.count == head.headBytes else { return }
        let output = answers(of: connection)
        HTTPResponse.appendContinue(to: &output.bytes)
        output.recordReady()
    }

    // MARK: stalling

    private func stall(_ connection: EdgeConnection, bodyBytes: Int) {
        connection.bodyBytes = bodyBytes
        connection.progress = .complete
        connection.isStalled = true
        counts.stalled += 1
        // A request that stalls again while the list is worked off keeps its place at the front.
        if !isResuming { stalled.append(connection.token) }
    }

    /// Hands requests that were stalled to the handler again, in the order they came, until one
    /// stalls again. To be called from `EdgeHandler.woken`, `batchEnded` or `nothingMore`.
    package func resumeStalled() {
        assert(isOnLoopThread)
        resumeWanted = stalledFirst < stalled.count
    }

    func resumeNow() {
        resumeWanted = false
        // Connections that stall for the first time meanwhile are not in this pass.
        let end = stalled.count
        defer {
            if stalledFirst == stalled.count || stalledFirst >= 1024 {
                stalled.removeFirst(stalledFirst)
                stalledFirst = 0
            }
        }
        while stalledFirst < end {
            if let connection = connection(for: stalled[stalledFirst]), connection.isStalled {
                connection.isStalled = false
                counts.stalled -= 1
                isResuming = true
                consume(connection)
                isResuming = false
                if connection.isStalled {
                    settle(connection)
                    return
                }
                advance(connection)
            }
            stalledFirst += 1
        }
    }
}
