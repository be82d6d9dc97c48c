import CCurl

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// What the driver asks of the loop it lives on.
package protocol SocketWatcher: AnyObject {
    /// Watches a socket for the given directions, level-triggered; neither: stops watching it.
    func watch(_ socket: Int32, readable: Bool, writable: Bool)
    /// A connection's socket was made: until `closed` its number means this socket.
    func opened(_ socket: Int32)
    /// The connection's socket is about to be closed.
    func closed(_ socket: Int32)
}

/// Hands on what curl says of its sockets.
///
/// A class of its own, because curl closes sockets until its multi handle is gone, and so when the driver is going.
/// Owner: the delivery thread.
@safe final class CurlSockets {
    private let watcher: any SocketWatcher

    init(_ watcher: any SocketWatcher) { self.watcher = watcher }

    static func from(_ context: UnsafeMutableRawPointer?) -> CurlSockets {
        // Safety: the context is the driver's, which keeps it until its multi handle is gone.
        unsafe Unmanaged<CurlSockets>.fromOpaque(context!).takeUnretainedValue()
    }

    func changed(_ socket: Int32, _ what: Int32) -> Int32 {
        watcher.watch(
            socket, readable: what == CURL_POLL_IN || what == CURL_POLL_INOUT,
            writable: what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
        return 0
    }

    /// CURLOPT_SOCKOPTFUNCTION: called "after creation of the socket but before the connect call".
    func opened(_ socket: Int32) -> Int32 {
        watcher.opened(socket)
        return ccurl_socket_option_ok()
    }

    /// CURLOPT_CLOSESOCKETFUNCTION: called "instead of the close(3) or closesocket(3) call when sockets are closed".
    func close(_ socket: Int32) -> Int32 {
        watcher.closed(socket)
        #if canImport(Glibc)
            return Glibc.close(socket) == 0 ? 0 : 1
        #elseif canImport(Musl)
            return Musl.close(socket) == 0 ? 0 : 1
        #endif
    }
}
