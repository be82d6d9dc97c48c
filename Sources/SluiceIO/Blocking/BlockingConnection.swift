import CLinuxIO
import SluiceCore
import SluiceHTTP

/// One connection of the blocking server, served from its first request to its last.
///
/// Owner: the connection's thread. It does not close the descriptor.
final class BlockingConnection {
    private let descriptor: Int32
    private let peer: PeerAddress
    private let options: BlockingServerOptions
    private let stopSignal: Int32
    private var input = ReceiveBuffer(capacity: ReceiveBuffer.smallest)
    private var output = ByteBuffer(capacity: 4096)

    init(descriptor: Int32, peer: PeerAddress, options: BlockingServerOptions, stopSignal: Int32) {
        self.descriptor = descriptor
        self.peer = peer
        self.options = options
        self.stopSignal = stopSignal
    }

    /// Why no request came.
    private enum ReadError: Error {
        /// Nothing to say: the client has gone, was idle for too long, or the server stops.
        case ended
        case refused(EdgeProblem)
    }

    /// A request whose bytes lie at the front of `input`.
    private struct Message {
        let head: HTTPRequestHead
        let bodyBytes: Int
    }

    /// - Parameter setIdle: told when the connection begins and ends to wait for a request.
    func serve(_ handler: BlockingHTTPServer.Handler, setIdle: (Bool) -> Void) {
        while true {
            do throws(ReadError) {
                if input.isEmpty {
                    setIdle(true)
                    defer { setIdle(false) }
                    try receive(until: nil)
                }
                let message = try readRequest()
                let total = message.head.headBytes + message.bodyBytes
                let request = SimpleRequest(
                    head: message.head, headBytes: input.unread[0..<message.head.headBytes],
                    body: input.unread[message.head.headBytes..<total], peer: peer)
                let goesOn = answer(message.head, with: handler(request))
                // A connection that ends may have dropped its input already.
                guard goesOn else { return }
                input.consume(total)
            } catch {
                if case .refused(let problem) = error { refuse(problem) }
                return
            }
        }
    }

    // MARK: reading

    private func readRequest() throws(ReadError) -> Message {
        var parser = HTTPRequestParser()
        let limits = HTTPLimits(headBytes: options.headBytes)
        var deadline: Int64?
        var head: HTTPRequestHead?
        while head == nil {
            if !input.isEmpty {
                if deadline == nil { deadline = requestDeadline }
                switch parser.parseHead(input.unread, limits: limits) {
                case .incomplete: break
                case .refused(let problem): throw .refused(problem)
                case .head(let found):
                    head = found
                    continue
                }
            }
            try receive(until: deadline)
        }
        guard let head else { throw .ended }
        return try readBody(head, until: deadline ?? requestDeadline)
    }

    private var requestDeadline: Int64 {
        MonotonicClock.nowMilliseconds + Int64(options.requestTimeoutMilliseconds)
    }

    private func readBody(_ head: HTTPRequestHead, until deadline: Int64) throws(ReadError) -> Message {
        if head.expectsContinue, head.versionMinor == 1, input.count == head.headBytes {
            output.removeAll()
            HTTPResponse.appendContinue(to: &output)
            guard send() else { throw .ended }
        }
        switch head.framing {
        case .none:
            return Message(head: head, bodyBytes: 0)
        case .length(let length):
            guard length <= options.bodyBytes else {
                throw .refused(.bodyTooLarge(limit: options.bodyBytes))
            }
            while input.count < head.headBytes + length { try receive(until: deadline) }
            return Message(head: head.moved(to: input.unread), bodyBytes: length)
        case .chunked:
            var decoder = ChunkedBodyDecoder(bodyBytesMax: options.bodyBytes)
            var decoded = head.headBytes
            while true {
                switch input.decodeChunks(&decoder, decoded: &decoded) {
                case .incomplete: try receive(until: deadline)
                case .refused(let problem): throw .refused(problem)
                case .complete:
                    return Message(
                        head: head.moved(to: input.unread), bodyBytes: decoded - head.headBytes)
                }
            }
        }
    }

    /// Waits for bytes and reads once. Without a deadline the connection is idle.
    private func receive(until deadline: Int64?) throws(ReadError) {
        input.compact()
        if input.room == 0 {
            let larger = ReceiveBuffer(capacity: input.capacity * 2)
            larger.take(input)
            input = larger
        }
        let now = MonotonicClock.nowMilliseconds
        let limit = deadline ?? now + Int64(options.idleTimeoutMilliseconds)
        while clio_wait_readable(descriptor, wait(until: limit)) <= 0 {
            // A signal may have ended the wait early.
            guard MonotonicClock.nowMilliseconds >= limit else { continue }
            throw deadline == nil ? .ended : .refused(.requestTimeout)
        }
        let received = input.receive(from: descriptor)
        if received <= 0 && received != Int(Errno.again) { throw .ended }
    }

    private func wait(until limit: Int64) -> Int32 {
        Int32(clamping: max(0, limit - MonotonicClock.nowMilliseconds))
    }

    // MARK: answering

    /// False when the connection ends.
    private func answer(_ head: HTTPRequestHead, with response: SimpleResponse) -> Bool {
        if response.delayMilliseconds > 0 {
            // Readable only when the server stops; then there is no answer.
            let waited = clio_wait_readable(stopSignal, Int32(clamping: response.delayMilliseconds))
            if waited > 0 { return false }
        }
        var keepAlive = head.keepAlive && !response.close
        switch response.fault {
        case .none:
            break
        case .hang:
            waitForEnd()
            return false
        case .reset:
            _ = clio_reset_on_close(descriptor)
            return false
        case .truncate:
            keepAlive = false
        }
        output.removeAll()
        response.encode(
            keepAlive: keepAlive, versionMinor: head.versionMinor, isHead: head.method == .head,
            into: &output)
        return send() && keepAlive
    }

    private func refuse(_ problem: EdgeProblem) {
        var headers = [("Content-Type", "text/plain; charset=utf-8")]
        // RFC 9110 section 15.5.6: a 405, which CONNECT gets here, must have Allow.
        if case .methodNotAllowed = problem { headers.append(("Allow", "GET, HEAD, POST")) }
        let response = SimpleResponse(
            status: problem.status, headers: headers,
            body: Bytes(problem.code).array + [0x0A])
        output.removeAll()
        response.encode(keepAlive: false, versionMinor: 1, isHead: false, into: &output)
        guard send() else { return }
        // Closing with unread bytes would reset the connection and might lose the answer.
        _ = clio_shutdown_write(descriptor)
        waitForEnd(milliseconds: 500, bytes: 4 << 20)
    }

    private func send() -> Bool {
        var sent = 0
        let deadline = requestDeadline
        while sent < output.count {
            // Safety: the range lies in `output`.
            let taken = unsafe output.bytes[sent..<output.count].withUnsafePointer { start, count in
                unsafe clio_send(descriptor, start, count)
            }
            if taken >= 0 {
                sent += taken
            } else if taken == Int(Errno.again) {
                guard clio_wait_writable(descriptor, wait(until: deadline)) >= 0,
                    MonotonicClock.nowMilliseconds < deadline
                else { return false }
            } else {
                return false
            }
        }
        return true
    }

    /// Reads and drops until the client or the server closes, or a limit is reached.
    private func waitForEnd(milliseconds: Int? = nil, bytes: Int = .max) {
        let end = milliseconds.map { MonotonicClock.nowMilliseconds + Int64($0) }
        var dropped = 0
        while dropped < bytes {
            let left = end.map { max(0, $0 - MonotonicClock.nowMilliseconds) }
            if left == 0 { return }
            _ = clio_wait_readable(descriptor, left.map { Int32(clamping: $0) } ?? -1)
            input.removeAll()
            let received = input.receive(from: descriptor)
            if received == 0 || received < 0 && received != Int(Errno.again) { return }
            dropped += max(0, received)
        }
    }
}
