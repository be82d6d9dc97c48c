import CLinuxIO
import SluiceCore

/// A non-blocking connection that is opened from here, for event loops of clients.
///
/// Owner: one thread, which must call `close` once. A plain value, so that a loop keeps thousands in an array.
package struct ClientSocket: Sendable {
    package let descriptor: Int32

    /// Begins to connect, with TCP_NODELAY. The socket becomes writable when that is over: ask
    /// `connectError` then.
    package static func begin(_ address: PeerAddress) throws(SystemError) -> ClientSocket {
        var native = address.native
        // Safety: `native` outlives the call.
        return ClientSocket(descriptor: try checked("connect", unsafe clio_connect_begin(&native)))
    }

    /// Connects within 5 seconds.
    package static func connect(_ address: PeerAddress) throws(SystemError) -> ClientSocket {
        var native = address.native
        // Safety: `native` outlives the call.
        return ClientSocket(descriptor: try checked("connect", unsafe clio_connect(&native)))
    }

    /// Why a connection could not be opened, as in errno(3); 0 when it is open.
    package var connectError: Int32 { -clio_connect_result(descriptor) }

    /// Reads once into `memory`: the number of bytes, 0 at the end, or a negative errno.
    @unsafe package func receive(into memory: UnsafeMutablePointer<UInt8>, room: Int) -> Int {
        // Safety: the caller lends `room` bytes.
        unsafe clio_receive(descriptor, memory, room)
    }

    /// Sends without waiting: the number of bytes taken, or a negative errno.
    package func send(_ bytes: Bytes) -> Int {
        // Safety: the bytes live through the call.
        unsafe bytes.withUnsafePointer { pointer, count in unsafe clio_send(descriptor, pointer, count) }
    }

    package func close() { _ = clio_close(descriptor) }

    /// The negative errno of a call that would have had to wait.
    package static let wouldBlock = Errno.again
}
