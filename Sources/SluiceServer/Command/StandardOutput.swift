import Glibc
import SluiceCore

/// Standard output in large writes, for what may be piped into `head`.
///
/// Owner: one thread.
package struct StandardOutput: ~Copyable {
    package enum Failure: Error, Equatable {
        /// Whoever read it has enough.
        case closed
        case failed(String)
    }

    /// Written at once.
    private static let bytesMax = 256 << 10

    private let descriptor: Int32
    private var buffer = ByteBuffer(capacity: StandardOutput.bytesMax + (64 << 10))

    /// Sees to it that a reader's end is an error here, not a signal's.
    package init(descriptor: Int32 = STDOUT_FILENO) {
        self.descriptor = descriptor
        signal(SIGPIPE, SIG_IGN)
    }

    package mutating func append(_ bytes: Bytes) throws(Failure) {
        buffer.append(bytes)
        if buffer.count >= StandardOutput.bytesMax { try flush() }
    }

    package mutating func append(_ text: String) throws(Failure) {
        buffer.append(text)
        if buffer.count >= StandardOutput.bytesMax { try flush() }
    }

    package mutating func flush() throws(Failure) {
        var sent = 0
        while sent < buffer.count {
            // Safety: the range lies in the buffer, which is lent for the call.
            let count = unsafe buffer.bytes[sent..<buffer.count].withUnsafePointer { start, count in
                unsafe Glibc.write(descriptor, start, count)
            }
            if count < 0 {
                if errno == EINTR { continue }
                let failure = errno == EPIPE ? Failure.closed : .failed(errorText(errno))
                buffer.removeAll()
                throw failure
            }
            sent += count
        }
        buffer.removeAll()
    }
}

/// Whether somebody has asked the command to end, with Ctrl-C or SIGTERM. Ended in an orderly way, it leaves
/// whole lines behind.
package enum Interruption {
    /// From here on the first of the two signals only sets a flag; the second ends the process.
    package static func watch() {
        // The handler only sets an atomic, which a handler may.
        var both = sigset_t()
        // Safety: `both` is ours and initialized by sigemptyset.
        unsafe sigemptyset(&both)
        for number in [SIGINT, SIGTERM] {
            unsafe sigaddset(&both, number)
            signal(number) { _ in
                if interrupted.value { _exit(130) }
                interrupted.set()
            }
        }
        // Whoever started the command may have held them back, and a process inherits that.
        unsafe pthread_sigmask(SIG_UNBLOCK, &both, nil)
    }

    package static var hasCome: Bool { interrupted.value }
}

private let interrupted = Flag()
