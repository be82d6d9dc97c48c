import Foundation
import Glibc
import SluiceCore

/// A client on one connection that waits for what it expects, and gives up after twenty seconds.
final class EdgeClient {
    struct Answer: Equatable {
        var status: Int
        /// By their names in lower case.
        var headers: [String: String]
        var body: String
    }

    enum Failure: Error { case cannotConnect(Int32), sendFailed(Int32), timeout, closed, malformed(String) }

    private let descriptor: Int32
    private var received: [UInt8] = []

    init(port: UInt16) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var patience = timeval(tv_sec: 20, tv_usec: 0)
        var noDelay: Int32 = 1
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        // Safety: every struct is lent for its call, with its own size.
        unsafe setsockopt(
            descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        unsafe setsockopt(
            descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &noDelay, socklen_t(MemoryLayout<Int32>.size))
        let connected = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
                unsafe connect(descriptor, raw, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0 else { throw Failure.cannotConnect(errno) }
    }

    deinit { close(descriptor) }

    func send(_ text: String) throws { try send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) throws {
        var done = 0
        while done < bytes.count {
            // Safety: the range lies in the array, which is lent for the call.
            let taken = unsafe bytes.withUnsafeBytes { raw in
                unsafe Glibc.send(
                    descriptor, raw.baseAddress! + done, bytes.count - done, Int32(MSG_NOSIGNAL))
            }
            guard taken > 0 else { throw Failure.sendFailed(errno) }
            done += taken
        }
    }

    /// Sends a request and returns its answer.
    func ask(_ request: String) throws -> Answer { try ask(Array(request.utf8)) }

    func ask(_ request: [UInt8]) throws -> Answer {
        try send(request)
        return try answer()
    }

    /// Whether anything has arrived within a short while.
    func hasAnswer(withinMilliseconds limit: Int32) -> Bool {
        if !received.isEmpty { return true }
        var watched = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        // Safety: one element is lent for the call.
        return unsafe poll(&watched, 1, limit) > 0
    }

    /// The next answer.
    ///
    /// - Parameter isHead: it answers HEAD, so no body follows whatever Content-Length says.
    func answer(isHead: Bool = false) throws -> Answer {
        var end = headEnd()
        while end == nil {
            try readMore()
            end = headEnd()
        }
        let head = String(decoding: received[0..<end!], as: UTF8.self)
        let lines = head.split(separator: "\r\n")
        guard let first = lines.first, first.hasPrefix("HTTP/1.1 "),
            let status = Int(first.dropFirst(9).prefix(3))
        else { throw Failure.malformed(head) }
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { throw Failure.malformed(head) }
            let value = line[line.index(after: colon)...].drop { $0 == " " }
            headers[line[..<colon].lowercased()] = String(value)
        }
        received.removeFirst(end!)
        let length = isHead ? 0 : Int(headers["content-length"] ?? "0") ?? 0
        while received.count < length { try readMore() }
        let body = String(decoding: received[0..<length], as: UTF8.self)
        received.removeFirst(length)
        return Answer(status: status, headers: headers, body: body)
    }

    /// Whether the server ends the connection, with nothing more before that.
    func isEnded() throws -> Bool {
        do {
            try readMore()
            return false
        } catch Failure.closed {
            return true
        }
    }

    /// Passes over `count` answers and returns how many of them had a status of 200 to 299. Cheaper
    /// than reading each.
    func skipAnswers(_ count: Int) throws -> Int {
        var good = 0
        for _ in 0..<count where try (200..<300).contains(answer().status) { good += 1 }
        return good
    }

    private func readMore() throws {
        var chunk = [UInt8](repeating: 0, count: 65_536)
        // Safety: at most the array's own size is written to it.
        let count = unsafe recv(descriptor, &chunk, chunk.count, 0)
        if count == 0 || (count < 0 && errno == ECONNRESET) { throw Failure.closed }
        guard count > 0 else { throw Failure.timeout }
        received += chunk[0..<count]
    }

    private func headEnd() -> Int? {
        let end: [UInt8] = [0x0D, 0x0A, 0x0D, 0x0A]
        var start = 0
        while start < received.count {
            // Safety: from `start` to the array's end, which is lent for the call.
            let found = unsafe received.withUnsafeBytes { bytes -> Int? in
                guard let base = bytes.baseAddress else { return nil }
                return unsafe memchr(base + start, 0x0A, bytes.count - start).map { unsafe UnsafeRawPointer($0) - base }
            }
            guard let found else { return nil }
            if found >= 3, received[found - 3...found].elementsEqual(end) { return found + 1 }
            start = found + 1
        }
        return nil
    }
}

/// A request as text. `headers` are whole lines without their ends.
func request(_ method: String, _ target: String, _ headers: [String] = [], body: String? = nil) -> String {
    var lines = ["\(method) \(target) HTTP/1.1", "Host: events.example"] + headers
    if let body { lines.append("Content-Length: \(body.utf8.count)") }
    return lines.joined(separator: "\r\n") + "\r\n\r\n" + (body ?? "")
}

func post(_ target: String, _ body: String, _ headers: [String] = []) -> String {
    request("POST", target, headers, body: body)
}

/// Waits until `condition` holds; false after twenty seconds without.
func eventually(_ condition: () -> Bool) -> Bool {
    for _ in 0..<10_000 {
        if condition() { return true }
        usleep(2000)
    }
    return false
}

/// `body` as a gzip member.
func compressedByGzip(_ body: String) throws -> [UInt8] {
    let compressor = ZlibCompressor(format: .gzip)
    var buffer = ByteBuffer(capacity: 1024)
    try Array(body.utf8).withBytes { raw throws(CompressionError) in
        try compressor.compress(raw, into: &buffer)
    }
    return (0..<buffer.count).map { buffer.bytes[$0] }
}
