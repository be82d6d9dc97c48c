import CLinuxIO

/// Why a listener could not be opened.
package enum ListenError: Error, CustomStringConvertible {
    case unknownHost(String, String)
    case system(ListenAddress, SystemError)

    /// A stable label for logs.
    package var label: String {
        switch self {
        case .unknownHost: "unknown_host"
        case .system: "cannot_listen"
        }
    }

    package var description: String {
        switch self {
        case .unknownHost(let host, let reason): "cannot resolve \(host): \(reason)"
        case .system(let address, let error): "cannot listen on \(address): \(error)"
        }
    }
}

/// A TCP socket that listens. Non-blocking; accepted sockets inherit TCP_NODELAY.
///
/// Owner: whoever opened it, until it is given to an event loop; then that loop's thread, which
/// closes it when it drains.
// @unchecked: handed from the opening thread to the loop's thread once, before that thread starts.
package final class ListeningSocket: @unchecked Sendable {
    /// With the actual port.
    package let address: PeerAddress
    private(set) var descriptor: Int32

    private init(descriptor: Int32, address: PeerAddress) {
        self.descriptor = descriptor
        self.address = address
    }

    deinit { close() }

    package var port: UInt16 { address.port }

    /// Opens a listener on the first address behind `address.host`.
    ///
    /// - Parameters:
    ///   - reusePort: SO_REUSEPORT, so that each shard has a listener of its own on the same port.
    ///   - backlog: connections the kernel keeps until they are accepted; net.core.somaxconn limits it.
    package static func bind(
        _ address: ListenAddress, reusePort: Bool, backlog: Int = 4096
    ) throws(ListenError) -> ListeningSocket {
        try bind(address.resolve()[0], as: address, reusePort: reusePort, backlog: backlog)
    }

    /// Opens a listener on every address behind `address.host`, all on the same port and each alone
    /// on it.
    package static func bindAll(
        _ address: ListenAddress, backlog: Int = 1024
    ) throws(ListenError) -> [ListeningSocket] {
        var listeners: [ListeningSocket] = []
        for numeric in try address.resolve() {
            var native = numeric.native
            native.port = listeners.first?.port ?? address.port
            listeners.append(
                try bind(PeerAddress(native), as: address, reusePort: false, backlog: backlog))
        }
        return listeners
    }

    /// Opens `count` listeners per numeric address behind `address`; the result's element `shard`
    /// is that shard's listeners. With port 0 all of them share the port the kernel gives the first.
    package static func bindShards(
        _ address: ListenAddress, count: Int, backlog: Int = 4096
    ) throws(ListenError) -> [[ListeningSocket]] {
        var shards = [[ListeningSocket]](repeating: [], count: count)
        var port = address.port
        for numeric in try address.resolve() {
            for shard in 0..<count {
                var native = numeric.native
                native.port = port
                let listener = try bind(
                    PeerAddress(native), as: address, reusePort: true, backlog: backlog)
                port = listener.port
                shards[shard].append(listener)
            }
        }
        return shards
    }

    private static func bind(
        _ numeric: PeerAddress, as address: ListenAddress, reusePort: Bool, backlog: Int
    ) throws(ListenError) -> ListeningSocket {
        var native = numeric.native
        do throws(SystemError) {
            // Safety: `native` outlives the call.
            let listened = unsafe clio_listen(&native, reusePort ? 1 : 0, Int32(clamping: backlog))
            let descriptor = try checked("bind", listened)
            let port = clio_local_port(descriptor)
            guard port > 0 else {
                _ = clio_close(descriptor)
                throw SystemError(call: "getsockname", code: -port)
            }
            native.port = UInt16(port)
            return ListeningSocket(descriptor: descriptor, address: PeerAddress(native))
        } catch {
            throw .system(address, error)
        }
    }

    /// Bytes of SO_SNDBUF for accepted connections, which inherit it.
    package func setSendBuffer(bytes: Int) {
        _ = clio_set_send_buffer(descriptor, Int32(clamping: bytes))
    }

    /// Reports a connection only once it has sent something, or after `seconds` (TCP_DEFER_ACCEPT).
    package func deferAccept(seconds: Int) {
        _ = clio_defer_accept(descriptor, Int32(clamping: seconds))
    }

    /// The next waiting connection: its descriptor, or a negative errno (-EAGAIN: none).
    func accept() -> (descriptor: Int32, peer: PeerAddress) {
        var native = clio_address()
        // Safety: `native` outlives the call.
        let accepted = unsafe clio_accept(descriptor, &native)
        return (accepted, PeerAddress(native))
    }

    /// Stops listening. Connections not yet accepted are reset by the kernel.
    package func close() {
        guard descriptor >= 0 else { return }
        _ = clio_close(descriptor)
        descriptor = -1
    }
}
