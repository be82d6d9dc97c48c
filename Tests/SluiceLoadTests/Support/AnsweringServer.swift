import Glibc
import SluiceIO
import Synchronization

/// A server on loopback that answers each request (its head and its Content-Length are read) as a script says.
///
/// Owner: one test. It serves each connection on a thread of its own.
final class AnsweringServer: Sendable {
    /// What to do about the request with this number, counted from 0 over all connections.
    enum Reply: Sendable {
        case answer(String)
        /// Answer after so many milliseconds.
        case late(Int, String)
        case close
        case silence
    }

    let port: UInt16
    private let listener: Int32
    private let count = Atomic<Int>(0)
    private let isStopping = Atomic<Bool>(false)
    private let threads = Mutex<[JoinableThread]>([])
    private let sockets = Mutex<[Int32]>([])
    private let script: @Sendable (Int) -> Reply

    static let noContent = "HTTP/1.1 204 No Content\r\n\r\n"

    var requests: Int { count.load(ordering: .relaxed) }

    /// - Parameter accepts: whether it takes connections at all. Where not, the kernel completes one or two, and
    ///   lets all others wait for ever.
    init(accepts: Bool = true, _ script: @escaping @Sendable (Int) -> Reply) {
        self.script = script
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let listener = listener
        // Safety: the address and its length live through each call.
        unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                precondition(unsafe bind(listener, address, length) == 0 && listen(listener, accepts ? 128 : 0) == 0)
                precondition(unsafe getsockname(listener, address, &length) == 0)
            }
        }
        port = UInt16(bigEndian: address.sin_port)
        guard accepts else { return }
        let accepting = startThread(name: "answering") { [self] in accept() }
        threads.withLock { $0.append(accepting) }
    }

    /// Ends all connections and waits for the threads.
    func stop() {
        isStopping.store(true, ordering: .relaxed)
        shutdown(listener, Int32(SHUT_RDWR))
        // The accepting thread ends first, so that no thread is started behind our back.
        threads.withLock { $0.isEmpty ? nil : $0.removeFirst() }?.join()
        for socket in sockets.withLock({ $0 }) { shutdown(socket, Int32(SHUT_RDWR)) }
        for thread in threads.withLock({ $0 }) { thread.join() }
        for socket in sockets.withLock({ $0 }) { close(socket) }
        close(listener)
    }

    private func accept() {
        while !isStopping.load(ordering: .relaxed) {
            // Nothing is asked of the peer's address.
            let socket = Glibc.accept(listener, nil, nil)
            guard socket >= 0 else { return }
            sockets.withLock { $0.append(socket) }
            let thread = startThread(name: "answering-one") { [self] in serve(socket) }
            threads.withLock { $0.append(thread) }
        }
    }

    private func serve(_ socket: Int32) {
        var received: [UInt8] = []
        while true {
            while let end = Self.requestEnd(received) {
                received.removeFirst(end)
                switch script(count.add(1, ordering: .relaxed).oldValue) {
                case .answer(let text): send(text, socket)
                case .late(let milliseconds, let text):
                    usleep(UInt32(milliseconds) * 1000)
                    send(text, socket)
                case .close:
                    shutdown(socket, Int32(SHUT_RDWR))
                    return
                case .silence: break
                }
            }
            var chunk = [UInt8](repeating: 0, count: 65_536)
            // Safety: at most the chunk's own size is written to it.
            let got = unsafe chunk.withUnsafeMutableBytes { unsafe recv(socket, $0.baseAddress, $0.count, 0) }
            guard got > 0 else {
                shutdown(socket, Int32(SHUT_RDWR))
                return
            }
            received += chunk[..<got]
        }
    }

    private func send(_ text: String, _ socket: Int32) {
        let bytes = Array(text.utf8)
        // Safety: the bytes live through the call.
        _ = unsafe bytes.withUnsafeBytes { unsafe Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
    }

    private static func requestEnd(_ bytes: [UInt8]) -> Int? {
        guard let head = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else { return nil }
        let lines = String(decoding: bytes[..<head.lowerBound], as: UTF8.self).lowercased().split(separator: "\r\n")
        let length = lines.first { $0.hasPrefix("content-length:") }.flatMap {
            Int($0.dropFirst(15).drop { $0 == " " })
        }
        let end = head.upperBound + (length ?? 0)
        return end <= bytes.count ? end : nil
    }
}
