import CLinuxIO

/// Interrupts system calls of a thread: SIGUSR1 with a handler that does nothing.
enum TestSignals {
    private static let signal: Int32 = 10

    static func install() { _ = clio_install_empty_handler(signal) }
    static func send(to thread: UInt64) { _ = clio_thread_signal(thread, signal) }
}
