import CLinuxIO
import SluiceCore

/// A body that is written piece by piece, for answers without an end in sight.
///
/// Invariant: once `isOpen` is false nothing is written any more. Owner: the connection's thread.
package final class BodyStream {
    /// How often a wait for a slow client looks whether it is wanted any longer.
    private static let sliceMilliseconds: Int32 = 100

    private let descriptor: Int32
    private let stopSignal: Int32
    private let isChunked: Bool
    /// How long a client may take nothing before it is given up; at first the server's request timeout.
    package var timeoutMilliseconds: Int
    private var frame = ByteBuffer(capacity: 4096)
    /// False once the client is gone or took too long.
    package private(set) var isOpen = true

    init(descriptor: Int32, stopSignal: Int32, isChunked: Bool, timeoutMilliseconds: Int) {
        self.descriptor = descriptor
        self.stopSignal = stopSignal
        self.isChunked = isChunked
        self.timeoutMilliseconds = timeoutMilliseconds
    }

    /// Sends the bytes as one chunk, and waits for a client that takes them slowly: at most
    /// `timeoutMilliseconds` without progress, and no longer than `isWanted` says. False when they did not go.
    package func write(_ bytes: Bytes, while isWanted: () -> Bool = { true }) -> Bool {
        guard isOpen, !bytes.isEmpty else { return isOpen }
        frame.removeAll()
        if isChunked {
            frame.append(String(bytes.count, radix: 16))
            frame.append("\r\n")
        }
        frame.append(bytes)
        if isChunked { frame.append("\r\n") }
        isOpen = send(while: isWanted)
        return isOpen
    }

    /// Waits; false when there is nobody to write to any more: the client has closed, or the server stops.
    package func pause(milliseconds: Int) -> Bool {
        guard isOpen else { return false }
        if clio_wait_readable(stopSignal, Int32(clamping: milliseconds)) > 0 { return false }
        isOpen = !hasEnded
        return isOpen
    }

    /// Whether the client has closed. It has nothing more to say, so whatever comes is dropped.
    private var hasEnded: Bool {
        var byte: UInt8 = 0
        while clio_wait_readable(descriptor, 0) > 0 {
            // Safety: one byte of room.
            let count = unsafe clio_receive(descriptor, &byte, 1)
            if count == 0 || (count < 0 && count != Int(Errno.again)) { return true }
            if count < 0 { return false }
        }
        return false
    }

    func finish() {
        guard isOpen, isChunked else { return }
        frame.removeAll()
        frame.append("0\r\n\r\n")
        isOpen = send { true }
    }

    private func send(while isWanted: () -> Bool) -> Bool {
        var sent = 0
        var deadline = MonotonicClock.nowMilliseconds + Int64(timeoutMilliseconds)
        while sent < frame.count {
            // Safety: the range lies in `frame`.
            let taken = unsafe frame.bytes[sent..<frame.count].withUnsafePointer { start, count in
                unsafe clio_send(descriptor, start, count)
            }
            if taken > 0 {
                sent += taken
                deadline = MonotonicClock.nowMilliseconds + Int64(timeoutMilliseconds)
            } else if taken == Int(Errno.again) {
                guard clio_wait_writable(descriptor, BodyStream.sliceMilliseconds) >= 0,
                    MonotonicClock.nowMilliseconds < deadline, isWanted()
                else { return false }
            } else {
                return false
            }
        }
        return true
    }
}
