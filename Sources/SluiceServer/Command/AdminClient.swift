import Glibc

/// What went wrong when the admin port was asked.
package enum AdminClientError: Error, Equatable {
    case unknownHost(String)
    /// Nothing listens there, or it cannot be reached.
    case unreachable(String)
    case timeout
    /// What answered is not an admin port, or says more than is read.
    case badAnswer(String)

    package var label: String {
        switch self {
        case .unknownHost: "unknown_host"
        case .unreachable: "unreachable"
        case .timeout: "timeout"
        case .badAnswer: "bad_answer"
        }
    }

    package var message: String {
        switch self {
        case .unknownHost(let host): "the host '\(host)' is not known"
        case .unreachable(let reason): reason
        case .timeout: "no answer in time"
        case .badAnswer(let reason): "the answer is not one of a gateway: \(reason)"
        }
    }
}

/// A small blocking HTTP client for one request to the admin port.
package enum AdminClient {
    package struct Answer: Sendable, Equatable {
        package var status: Int
        /// By name in lower case; of several with one name, the first.
        package var headers: [String: String]
        package var body: [UInt8]

        package init(status: Int, headers: [String: String] = [:], body: [UInt8]) {
            self.status = status
            self.headers = headers
            self.body = body
        }
    }

    /// - Parameters:
    ///   - path: begins with `/`, is already encoded.
    ///   - timeoutMilliseconds: for the whole exchange.
    ///   - bytesMax: of head and body together.
    package static func get(
        _ endpoint: Endpoint, path: String, timeoutMilliseconds: Int = 5000, bytesMax: Int = 16 << 20
    ) throws(AdminClientError) -> Answer {
        try exchange(
            endpoint, "GET \(path) HTTP/1.1\r\n", "", [], timeoutMilliseconds: timeoutMilliseconds,
            bytesMax: bytesMax)
    }

    /// The same with a JSON body.
    package static func post(
        _ endpoint: Endpoint, path: String, json body: [UInt8], timeoutMilliseconds: Int = 5000,
        bytesMax: Int = 16 << 20
    ) throws(AdminClientError) -> Answer {
        try exchange(
            endpoint, "POST \(path) HTTP/1.1\r\n",
            "Content-Type: application/json\r\nContent-Length: \(body.count)\r\n", body,
            timeoutMilliseconds: timeoutMilliseconds, bytesMax: bytesMax)
    }

    private static func exchange(
        _ endpoint: Endpoint, _ requestLine: String, _ headers: String, _ body: [UInt8],
        timeoutMilliseconds: Int, bytesMax: Int
    ) throws(AdminClientError) -> Answer {
        let deadline = WallTime.monotonicMilliseconds() + Int64(timeoutMilliseconds)
        let descriptor = try connect(reachable(endpoint), deadline: deadline)
        defer { close(descriptor) }
        let head =
            requestLine + "Host: \(endpoint)\r\nAccept: application/json\r\n" + headers + "Connection: close\r\n\r\n"
        try send(Array(head.utf8) + body, to: descriptor, deadline: deadline)
        return try parse(receive(from: descriptor, deadline: deadline, bytesMax: bytesMax))
    }

    /// A listener on all addresses is asked on loopback.
    static func reachable(_ endpoint: Endpoint) -> Endpoint {
        guard endpoint.isWildcard else { return endpoint }
        return Endpoint(host: endpoint.isIPv6 ? "::1" : "127.0.0.1", port: endpoint.port)
    }

    static func connect(_ endpoint: Endpoint, deadline: Int64) throws(AdminClientError) -> Int32 {
        // Safety: an addrinfo of zeros points nowhere.
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        // Safety: getaddrinfo reads the two strings and hints and sets `list`, freed below.
        guard unsafe getaddrinfo(endpoint.host, String(endpoint.port), &hints, &list) == 0 else {
            throw .unknownHost(endpoint.host)
        }
        defer { unsafe freeaddrinfo(list) }
        var failure = AdminClientError.unreachable("nothing answers at \(endpoint)")
        var next = unsafe list
        while let entry = unsafe next {
            // Safety: entries are valid until freeaddrinfo.
            unsafe next = entry.pointee.ai_next
            let descriptor = unsafe socket(
                entry.pointee.ai_family,
                Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
            guard descriptor >= 0 else { continue }
            var error: Int32 = 0
            if unsafe Glibc.connect(descriptor, entry.pointee.ai_addr, entry.pointee.ai_addrlen) != 0 {
                error = errno
                if error == EINPROGRESS {
                    guard wait(descriptor, POLLOUT, deadline: deadline) else {
                        close(descriptor)
                        failure = .timeout
                        continue
                    }
                    var size = socklen_t(MemoryLayout<Int32>.size)
                    // Safety: SO_ERROR writes one Int32.
                    unsafe getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size)
                }
            }
            if error == 0 { return descriptor }
            close(descriptor)
            failure = .unreachable("nothing answers at \(endpoint): \(errorText(error))")
        }
        throw failure
    }

    /// False when the deadline passes first.
    static func wait(_ descriptor: Int32, _ events: Int32, deadline: Int64) -> Bool {
        while true {
            let left = deadline - WallTime.monotonicMilliseconds()
            guard left > 0 else { return false }
            var entry = pollfd(fd: descriptor, events: Int16(events), revents: 0)
            // Safety: poll reads and writes one pollfd.
            let count = unsafe poll(&entry, 1, Int32(clamping: left))
            if count > 0 { return true }
            if count < 0, errno != EINTR { return false }
        }
    }

    static func send(_ bytes: [UInt8], to descriptor: Int32, deadline: Int64) throws(AdminClientError) {
        var sent = 0
        while sent < bytes.count {
            guard wait(descriptor, Int32(POLLOUT), deadline: deadline) else { throw .timeout }
            // Safety: the pointer stays inside `bytes`, which is lent for the call.
            let count = unsafe bytes.withUnsafeBytes { memory in
                unsafe Glibc.send(
                    descriptor, memory.baseAddress! + sent, memory.count - sent, Int32(MSG_NOSIGNAL))
            }
            if count < 0 {
                if errno == EINTR || errno == EAGAIN { continue }
                throw .unreachable("the connection broke: \(errorText(errno))")
            }
            sent += count
        }
    }

    /// Everything until the other side closes.
    private static func receive(
        from descriptor: Int32, deadline: Int64, bytesMax: Int
    ) throws(AdminClientError) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            guard wait(descriptor, Int32(POLLIN), deadline: deadline) else { throw .timeout }
            // Safety: at most the chunk's own size is written to it.
            let count = unsafe chunk.withUnsafeMutableBytes {
                unsafe recv(descriptor, $0.baseAddress, $0.count, 0)
            }
            if count < 0 {
                if errno == EINTR || errno == EAGAIN { continue }
                throw .unreachable("the connection broke: \(errorText(errno))")
            }
            if count == 0 { return bytes }
            bytes += chunk[..<count]
            guard bytes.count <= bytesMax else {
                throw .badAnswer("it is longer than \(ByteSize.text(bytesMax))")
            }
        }
    }

    /// Takes an answer apart that ended with its connection.
    package static func parse(_ bytes: [UInt8]) throws(AdminClientError) -> Answer {
        guard let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else {
            throw .badAnswer("it has no HTTP head")
        }
        let lines = String(decoding: bytes[..<end.lowerBound], as: UTF8.self)
            .split(separator: "\r\n", omittingEmptySubsequences: false)
        let start = lines[0].split(separator: " ")
        guard start.count >= 2, start[0].hasPrefix("HTTP/1."), let status = Int(start[1]),
            (100...599).contains(status)
        else { throw .badAnswer("it does not begin with an HTTP status") }
        var body = Array(bytes[end.upperBound...])
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { throw .badAnswer("a header has no colon") }
            let name = line[..<colon].lowercased()
            let value = line[colon...].dropFirst().drop { $0 == " " }
            if headers[name] == nil { headers[name] = String(value) }
            if name == "transfer-encoding" { throw .badAnswer("it is sent in chunks") }
            if name == "content-length" {
                guard let length = Int(value), length >= 0, length <= body.count else {
                    throw .badAnswer("its body is cut short")
                }
                body = Array(body.prefix(length))
            }
        }
        return Answer(status: status, headers: headers, body: body)
    }
}
