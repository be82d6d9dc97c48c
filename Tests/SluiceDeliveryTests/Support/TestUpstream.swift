import Glibc
import SluiceIO
import Synchronization

/// An upstream on a loopback port that answers as a test tells it, well or badly: a thread per
/// connection, raw sockets. Ended by `close`.
final class TestUpstream: Sendable {
    struct Request: Sendable {
        var method: String
        var target: String
        /// Names in lower case.
        var headers: [(name: String, value: String)]
        var body: String
        /// From 0, in the order of accepting.
        var connection: Int
        /// From 0, over all connections.
        var number: Int

        func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }
        /// What `IDEncoder` sent.
        var ids: [String] { body.split(separator: "\n").map(String.init) }
    }

    enum Reply: Sendable {
        case answer(Int, headers: [String] = [], body: String = "")
        /// Exactly these bytes, then the connection closes.
        case raw(String)
        /// These pieces one after another, then the connection closes.
        case pieces([String])
        /// The connection is reset.
        case reset
        /// No answer until the client goes away.
        case hang
    }

    let port: UInt16
    private let listener: Int32
    private let handler: @Sendable (Request) -> Reply
    private let content = Mutex<([Request], connections: Int, sockets: Set<Int32>)>(([], 0, []))
    private let threads = Mutex<[JoinableThread]>([])
    private let isClosed = Atomic<Bool>(false)

    init(_ handler: @escaping @Sendable (Request) -> Reply) {
        self.handler = handler
        (listener, port) = TestUpstream.listen(on: 0)
        let acceptor = startThread(name: "upstream") { self.acceptAll() }
        threads.withLock { $0.append(acceptor) }
    }

    /// A port nobody listened on a moment ago.
    static func freePort() -> UInt16 {
        let (socket, port) = listen(on: 0)
        _ = Glibc.close(socket)
        return port
    }

    private static func listen(on port: UInt16) -> (Int32, UInt16) {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        // Safety: a sockaddr_in seen as the sockaddr it begins with, for the length given.
        unsafe withUnsafeMutablePointer(to: &address) { address in
            unsafe address.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                precondition(unsafe Glibc.bind(socket, address, length) == 0)
                precondition(Glibc.listen(socket, 128) == 0)
                precondition(unsafe getsockname(socket, address, &length) == 0)
            }
        }
        return (socket, UInt16(bigEndian: address.sin_port))
    }

    /// Whether a connection to the port is accepted.
    static func isListening(_ port: UInt16) -> Bool {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { _ = Glibc.close(socket) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        // Safety: a sockaddr_in seen as the sockaddr it begins with, for its length.
        return unsafe withUnsafePointer(to: &address) { address in
            unsafe address.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                unsafe connect(socket, address, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }

    var url: String { "http://127.0.0.1:\(port)" }
    var requests: [Request] { content.withLock { $0.0 } }
    var connections: Int { content.withLock { $0.connections } }

    func close() {
        isClosed.store(true, ordering: .releasing)
        _ = shutdown(listener, Int32(SHUT_RDWR))
        content.withLock { content in
            for socket in content.sockets { _ = shutdown(socket, Int32(SHUT_RDWR)) }
        }
        // The acceptor is the first, and starts no connection after `isClosed`.
        while let thread = threads.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) { thread.join() }
    }

    private func acceptAll() {
        while true {
            let socket = accept(listener, nil, nil)
            if isClosed.load(ordering: .acquiring) || socket < 0 {
                if socket >= 0 { _ = Glibc.close(socket) }
                _ = Glibc.close(listener)
                return
            }
            let connection = content.withLock { content in
                content.connections += 1
                content.sockets.insert(socket)
                return content.connections - 1
            }
            let thread = startThread(name: "upstream-conn") {
                self.serve(socket, connection)
                self.content.withLock {
                    $0.sockets.remove(socket)
                    _ = Glibc.close(socket)
                }
            }
            threads.withLock { $0.append(thread) }
        }
    }

    private func serve(_ socket: Int32, _ connection: Int) {
        var buffer: [UInt8] = []
        while let request = readRequest(socket, &buffer, connection) {
            switch handler(request) {
            case .answer(let status, let headers, let body):
                var head = "HTTP/1.1 \(status) Status\r\n"
                for header in headers { head += header + "\r\n" }
                if status != 204 { head += "Content-Length: \(body.utf8.count)\r\n" }
                guard send(socket, head + "\r\n" + body) else { return }
            case .raw(let text):
                _ = send(socket, text)
                return
            case .pieces(let pieces):
                for piece in pieces {
                    guard send(socket, piece) else { return }
                    usleep(5000)
                }
                return
            case .reset:
                var option = linger(l_onoff: 1, l_linger: 0)
                // Safety: the option is a linger, of its own size.
                _ = unsafe setsockopt(
                    socket, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
                return
            case .hang:
                while receive(socket, &buffer) {}
                return
            }
        }
    }

    private func readRequest(_ socket: Int32, _ buffer: inout [UInt8], _ connection: Int) -> Request? {
        var headEnd: Int?
        while headEnd == nil {
            headEnd =
                buffer.count < 4
                ? nil : (0...buffer.count - 4).first { buffer[$0..<$0 + 4].elementsEqual("\r\n\r\n".utf8) }
            if headEnd == nil, !receive(socket, &buffer) { return nil }
        }
        let lines = String(decoding: buffer[..<headEnd!], as: UTF8.self).split(separator: "\r\n")
        let first = lines[0].split(separator: " ")
        let headers = lines.dropFirst().map { line in
            let colon = line.firstIndex(of: ":")!
            let value = line[line.index(after: colon)...].drop { $0 == " " }
            return (name: line[..<colon].lowercased(), value: String(value))
        }
        let length = headers.first { $0.name == "content-length" }.flatMap { Int($0.value) } ?? 0
        let end = headEnd! + 4 + length
        while buffer.count < end {
            guard receive(socket, &buffer) else { return nil }
        }
        let body = String(decoding: buffer[(headEnd! + 4)..<end], as: UTF8.self)
        buffer.removeFirst(end)
        return content.withLock { content in
            let request = Request(
                method: String(first[0]), target: String(first[1]), headers: headers, body: body,
                connection: connection, number: content.0.count)
            content.0.append(request)
            return request
        }
    }

    private func receive(_ socket: Int32, _ buffer: inout [UInt8]) -> Bool {
        var piece = [UInt8](repeating: 0, count: 65_536)
        // Safety: recv writes at most the array's size into it.
        let count = unsafe recv(socket, &piece, piece.count, 0)
        guard count > 0 else { return false }
        buffer += piece[..<count]
        return true
    }

    private func send(_ socket: Int32, _ text: String) -> Bool {
        let bytes = Array(text.utf8)
        var sent = 0
        while sent < bytes.count {
            // Safety: the pointer covers the rest of the array.
            let count = unsafe bytes.withUnsafeBytes { bytes in
                unsafe Glibc.send(
                    socket, bytes.baseAddress! + sent, bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }
}
