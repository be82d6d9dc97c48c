import Glibc

/// Why there is no answer.
package enum HTTPClientError: Error, Equatable {
    /// Nothing was sent.
    case unreachable(errno: Int32)
    /// Sent in whole or in part; whether it was taken is unknown.
    case broken(errno: Int32)
    case closedBeforeAnswer
    case timedOut
    case badAnswer

    /// For counting.
    package var label: String {
        switch self {
        case .unreachable: "unreachable"
        case .broken: "broken"
        case .closedBeforeAnswer: "closed"
        case .timedOut: "timed_out"
        case .badAnswer: "bad_answer"
        }
    }
}

/// What a server answered.
package struct HTTPClientAnswer: Sendable {
    package var status: Int
    /// Names in lower case.
    package var headers: [(name: String, value: String)]
    package var body: [UInt8]

    package init(
        status: Int, headers: [(name: String, value: String)], body: [UInt8]
    ) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    package func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }

    package var text: String { String(decoding: body, as: UTF8.self) }
}

/// One keep-alive HTTP/1.1 connection to a numeric IPv4 address; blocking. Connects when needed, and
/// anew after an error. One request is under way at a time, nothing is ever sent twice.
///
/// Owner: one thread. Invariants: 1. `descriptor` is open exactly when it is not nil. 2. `received`
/// holds bytes of the present connection that no answer has used yet.
package final class HTTPClient {
    package let host: String
    package let port: UInt16
    private let timeoutMilliseconds: Int
    private var descriptor: Int32?
    private var received: [UInt8] = []

    static let headBytesMax = 64 << 10
    static let bodyBytesMax = 256 << 20

    /// - Parameter timeoutMilliseconds: for each wait on the socket, not for the whole exchange.
    package init(host: String, port: UInt16, timeoutMilliseconds: Int = 30_000) {
        self.host = host
        self.port = port
        self.timeoutMilliseconds = timeoutMilliseconds
    }

    /// Reads an address like `127.0.0.1:8080`; nil when it has no port.
    package convenience init?(address: String, timeoutMilliseconds: Int = 30_000) {
        guard let colon = address.lastIndex(of: ":"),
            let port = UInt16(address[address.index(after: colon)...])
        else { return nil }
        self.init(
            host: String(address[..<colon]), port: port, timeoutMilliseconds: timeoutMilliseconds)
    }

    deinit { disconnect() }

    package func disconnect() {
        if let descriptor { close(descriptor) }
        descriptor = nil
        received.removeAll(keepingCapacity: true)
    }

    /// Builds a request from its parts and sends it.
    package func request(
        _ method: String, _ target: String, headers: [(name: String, value: String)] = [],
        body: [UInt8] = []
    ) throws(HTTPClientError) -> HTTPClientAnswer {
        try exchange(
            Self.bytes(method, target, host: "\(host):\(port)", headers: headers, body: body),
            isHead: method == "HEAD")
    }

    /// A request as it travels. GET and HEAD without a body carry no Content-Length.
    package static func bytes(
        _ method: String, _ target: String, host: String,
        headers: [(name: String, value: String)] = [], body: [UInt8] = []
    ) -> [UInt8] {
        var head = "\(method) \(target) HTTP/1.1\r\nHost: \(host)\r\n"
        for (name, value) in headers { head += "\(name): \(value)\r\n" }
        if !body.isEmpty || method == "POST" { head += "Content-Length: \(body.count)\r\n" }
        return Array((head + "\r\n").utf8) + body
    }

    /// Sends a whole request and reads its whole answer. After an error the connection is closed.
    package func exchange(
        _ request: [UInt8], isHead: Bool = false
    ) throws(HTTPClientError) -> HTTPClientAnswer {
        do throws(HTTPClientError) {
            try connectIfNeeded()
            try send(request)
            var answer = try readHead()
            while answer.status == 100 { answer = try readHead() }
            try readBody(of: &answer, isHead: isHead)
            if answer.header("connection")?.lowercased() == "close" { disconnect() }
            return answer
        } catch {
            disconnect()
            throw error
        }
    }

    // MARK: The answer

    private func readHead() throws(HTTPClientError) -> HTTPClientAnswer {
        var scanned = 0
        while true {
            if let end = endOfHead(from: &scanned) {
                let text = String(decoding: received[..<end], as: UTF8.self)
                received.removeFirst(end + 4)
                return try Self.parseHead(text)
            }
            guard received.count < Self.headBytesMax else { throw .badAnswer }
            try receive()
        }
    }

    /// Where the empty line begins; remembers how far it looked.
    private func endOfHead(from scanned: inout Int) -> Int? {
        guard received.count >= 4 else { return nil }
        for place in scanned..<received.count - 3
        where received[place] == 0x0D && received[place + 1] == 0x0A
            && received[place + 2] == 0x0D && received[place + 3] == 0x0A
        {
            return place
        }
        scanned = received.count - 3
        return nil
    }

    private static func parseHead(_ text: String) throws(HTTPClientError) -> HTTPClientAnswer {
        var lines = text.split(separator: "\r\n", omittingEmptySubsequences: false)
        let words = lines.removeFirst().split(separator: " ", maxSplits: 2)
        guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]),
            (100...599).contains(status)
        else { throw .badAnswer }
        var headers: [(name: String, value: String)] = []
        for line in lines {
            guard let colon = line.firstIndex(of: ":") else { throw .badAnswer }
            let value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
            headers.append((line[..<colon].lowercased(), String(value)))
        }
        return HTTPClientAnswer(status: status, headers: headers, body: [])
    }

    private func readBody(
        of answer: inout HTTPClientAnswer, isHead: Bool
    ) throws(HTTPClientError) {
        if isHead || answer.status == 204 || answer.status == 304 { return }
        if answer.header("transfer-encoding")?.lowercased() == "chunked" {
            answer.body = try readChunks()
        } else if let text = answer.header("content-length") {
            guard let length = Int(text), (0...Self.bodyBytesMax).contains(length) else {
                throw .badAnswer
            }
            answer.body = try take(length)
        } else {
            throw .badAnswer
        }
    }

    private func readChunks() throws(HTTPClientError) -> [UInt8] {
        var body: [UInt8] = []
        while true {
            let line = try takeLine()
            guard let size = Int(line.prefix { $0 != ";" }, radix: 16), size >= 0,
                body.count + size <= Self.bodyBytesMax
            else { throw .badAnswer }
            if size == 0 { break }
            body += try take(size)
            guard try take(2) == [0x0D, 0x0A] else { throw .badAnswer }
        }
        while try !takeLine().isEmpty {}
        return body
    }

    private func takeLine() throws(HTTPClientError) -> String {
        while true {
            if let end = received.firstIndex(of: 0x0A) {
                let line = received[..<end].filter { $0 != 0x0D }
                received.removeFirst(end + 1)
                return String(decoding: line, as: UTF8.self)
            }
            guard received.count < Self.headBytesMax else { throw .badAnswer }
            try receive()
        }
    }

    private func take(_ count: Int) throws(HTTPClientError) -> [UInt8] {
        while received.count < count { try receive() }
        let taken = Array(received[..<count])
        received.removeFirst(count)
        return taken
    }

    // MARK: The socket

    private func connectIfNeeded() throws(HTTPClientError) {
        if descriptor != nil { return }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        // Safety: inet_pton reads a zero-terminated string and writes the four bytes of sin_addr.
        guard unsafe inet_pton(AF_INET, host, &address.sin_addr) == 1 else {
            throw .unreachable(errno: EINVAL)
        }
        let opened = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard opened >= 0 else { throw .unreachable(errno: errno) }
        setOptions(opened)
        // Safety: the address lives through the call and is as long as stated.
        let result = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe connect(opened, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else {
            let number = errno
            close(opened)
            throw .unreachable(errno: number)
        }
        descriptor = opened
    }

    private func setOptions(_ socket: Int32) {
        var limit = timeval(
            tv_sec: timeoutMilliseconds / 1000, tv_usec: timeoutMilliseconds % 1000 * 1000)
        var on: Int32 = 1
        let limitSize = socklen_t(MemoryLayout<timeval>.size)
        // Safety: each option's value lives through its call and has the size stated.
        unsafe setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, limitSize)
        unsafe setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &limit, limitSize)
        unsafe setsockopt(
            socket, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
    }

    private func send(_ bytes: [UInt8]) throws(HTTPClientError) {
        guard let descriptor else { throw .unreachable(errno: ENOTCONN) }
        var sent = 0
        while sent < bytes.count {
            // Safety: the range from `sent` to the end lies in a live array.
            let count = unsafe bytes.withUnsafeBytes { buffer in
                unsafe Glibc.send(
                    descriptor, buffer.baseAddress.map { unsafe $0 + sent }, buffer.count - sent,
                    Int32(MSG_NOSIGNAL))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw Self.failure(errno) }
            sent += count
        }
    }

    private func receive() throws(HTTPClientError) {
        guard let descriptor else { throw .closedBeforeAnswer }
        let before = received.count
        received += repeatElement(0, count: 16_384)
        while true {
            // Safety: 16,384 bytes were just appended behind `before`.
            let count = unsafe received.withUnsafeMutableBytes { buffer in
                unsafe recv(descriptor, buffer.baseAddress.map { unsafe $0 + before }, 16_384, 0)
            }
            if count < 0, errno == EINTR { continue }
            let number = errno
            received.removeLast(16_384 - max(count, 0))
            if count == 0 { throw .closedBeforeAnswer }
            if count < 0 { throw Self.failure(number) }
            return
        }
    }

    private static func failure(_ number: Int32) -> HTTPClientError {
        number == EAGAIN || number == EWOULDBLOCK ? .timedOut : .broken(errno: number)
    }
}
