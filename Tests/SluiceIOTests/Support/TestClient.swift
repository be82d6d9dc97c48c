import CLinuxIO
import SluiceIO
import Testing

/// A client on a plain socket that waits for what it expects, and gives up after ten seconds.
final class TestClient {
    struct Answer: Equatable {
        var status: Int
        var headers: [String: String]
        var body: String
    }

    enum Failure: Error { case cannotConnect(Int32), sendFailed(Int), timeout, closed, reset, malformed(String) }

    private static let patienceMilliseconds: Int64 = 10_000

    private(set) var descriptor: Int32
    private var received: [UInt8] = []

    init(_ address: PeerAddress, receiveBuffer: Int32? = nil) throws {
        var native = clio_address()
        let status = unsafe clio_parse_numeric(address.text, &native)
        precondition(status == 0)
        native.port = address.port
        // Safety: `native` outlives the call.
        descriptor = unsafe clio_connect(&native)
        guard descriptor >= 0 else { throw Failure.cannotConnect(descriptor) }
        if let receiveBuffer { _ = clio_set_receive_buffer(descriptor, receiveBuffer) }
    }

    deinit { close() }

    func close() {
        if descriptor >= 0 { _ = clio_close(descriptor) }
        descriptor = -1
    }

    func reset() {
        _ = clio_reset_on_close(descriptor)
        close()
    }

    func finishWriting() { _ = clio_shutdown_write(descriptor) }

    func send(_ text: String) throws { try send(Array(text.utf8)[...]) }

    func send(_ bytes: ArraySlice<UInt8>) throws {
        var rest = bytes
        let deadline = MonotonicClock.nowMilliseconds + Self.patienceMilliseconds
        while !rest.isEmpty {
            let taken = trySend(rest)
            if taken > 0 {
                rest = rest.dropFirst(taken)
            } else if taken == -11 {
                guard MonotonicClock.nowMilliseconds < deadline else { throw Failure.timeout }
                _ = clio_wait_writable(descriptor, 100)
            } else {
                throw Failure.sendFailed(taken)
            }
        }
    }

    /// Sends without waiting: bytes taken or a negative errno.
    func trySend(_ bytes: ArraySlice<UInt8>) -> Int {
        unsafe bytes.withUnsafeBytes { unsafe clio_send(descriptor, $0.baseAddress, $0.count) }
    }

    /// Reads once more; false at the end of the stream.
    private func readMore(until deadline: Int64) throws -> Bool {
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = unsafe chunk.withUnsafeMutableBytes {
                unsafe clio_receive(descriptor, $0.baseAddress, $0.count)
            }
            if count > 0 {
                received += chunk[0..<count]
                return true
            }
            if count == 0 { return false }
            if count == -104 { throw Failure.reset }
            guard count == -11 else { throw Failure.closed }
            guard MonotonicClock.nowMilliseconds < deadline else { throw Failure.timeout }
            _ = clio_wait_readable(descriptor, 100)
        }
    }

    private var deadline: Int64 { MonotonicClock.nowMilliseconds + Self.patienceMilliseconds }

    /// Whether the server has sent anything within a short while.
    func hasAnswer(withinMilliseconds limit: Int32) -> Bool {
        !received.isEmpty || clio_wait_readable(descriptor, limit) > 0
    }

    /// The next answer, of a request that was not HEAD.
    func answer(isHead: Bool = false) throws -> Answer {
        let deadline = deadline
        var end = headEnd()
        while end == nil {
            guard try readMore(until: deadline) else { throw Failure.closed }
            end = headEnd()
        }
        let lines = String(decoding: received[0..<end!], as: UTF8.self).split(separator: "\r\n")
        guard let first = lines.first, first.hasPrefix("HTTP/1.1 "), let status = Int(first.dropFirst(9).prefix(3))
        else { throw Failure.malformed(lines.first.map(String.init) ?? "") }
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2 else { throw Failure.malformed(String(line)) }
            headers[parts[0].lowercased()] = parts[1].trimmingPrefix(" ").description
        }
        received.removeFirst(end!)
        let length = isHead || status < 200 ? 0 : Int(headers["content-length"] ?? "0") ?? 0
        while received.count < length {
            guard try readMore(until: deadline) else { throw Failure.closed }
        }
        let body = String(decoding: received[0..<length], as: UTF8.self)
        received.removeFirst(length)
        return Answer(status: status, headers: headers, body: body)
    }

    private func headEnd() -> Int? {
        guard received.count >= 4 else { return nil }
        for index in 3..<received.count
        where received[index] == 10 && received[index - 1] == 13 && received[index - 2] == 10
            && received[index - 3] == 13
        { return index + 1 }
        return nil
    }

    /// Everything up to the end of the stream.
    func rest() throws -> [UInt8] {
        let deadline = deadline
        while try readMore(until: deadline) {}
        let all = received
        received = []
        return all
    }

    /// Waits for the end of the stream, by FIN or RST, and expects nothing before it.
    func expectEnd(_ location: SourceLocation = #_sourceLocation) {
        do {
            let bytes = try rest()
            #expect(bytes.isEmpty, sourceLocation: location)
        } catch Failure.reset {
        } catch {
            Issue.record(error, sourceLocation: location)
        }
    }
}

/// Waits until `condition` holds; false after ten seconds without.
func eventually(_ condition: () -> Bool) -> Bool {
    let deadline = MonotonicClock.nowMilliseconds + 10_000
    while !condition() {
        guard MonotonicClock.nowMilliseconds < deadline else { return false }
        _ = clio_wait_readable(-1, 2)
    }
    return true
}
