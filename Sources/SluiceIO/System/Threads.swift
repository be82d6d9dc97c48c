import CLinuxIO

/// A thread that was started and must be joined once.
package struct JoinableThread: Sendable {
    /// The pthread_t, for signals in tests.
    package let handle: UInt64

    /// Waits until the thread's body has returned.
    package func join() { _ = clio_thread_join(handle) }
}

private final class ThreadBody {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
}

/// Starts a thread. Traps when the system has no room for one: that is a broken limit, found at
/// start, since no thread is started for a request.
///
/// - Parameter name: as shown by ps and gdb; the first 15 bytes count.
package func startThread(name: String, _ body: @escaping @Sendable () -> Void) -> JoinableThread {
    // Retained here, released by the thread when its body returns.
    let box = unsafe Unmanaged.passRetained(ThreadBody(body)).toOpaque()
    var handle: UInt64 = 0
    // Safety: `box` stays retained until the thread has taken it; `handle` outlives the call.
    let error = unsafe clio_thread_start(
        name,
        { raw in
            guard let raw = unsafe raw else { return }
            // Safety: the very pointer passed as argument, taken once.
            unsafe Unmanaged<ThreadBody>.fromOpaque(raw).takeRetainedValue().run()
        }, box, &handle)
    precondition(error == 0, "cannot start a thread")
    return JoinableThread(handle: handle)
}

/// Which CPUs the process may use, and on which a thread runs.
package enum CPUAffinity {
    /// Numbers of the CPUs this process may use; never empty.
    package static var allowed: [Int] {
        var numbers = [Int32](repeating: 0, count: 1024)
        // Safety: the call writes at most `count` numbers into the array.
        let found = unsafe clio_allowed_cpus(&numbers, Int32(numbers.count))
        return found > 0 ? numbers[0..<Int(found)].map(Int.init) : [0]
    }

    /// Binds the calling thread to one CPU. False when the system refuses.
    @discardableResult
    package static func pin(to cpu: Int) -> Bool {
        cpu >= 0 && cpu < 1024 && clio_thread_pin(Int32(cpu)) == 0
    }
}

/// How exactly the calling thread's waits end.
package enum ThreadTimers {
    /// Waits then end when they should, and not up to 50 us later, which the kernel allows itself otherwise.
    package static func makeExact() { _ = clio_thread_exact_timers() }
}

/// The signals that ask the process to end.
package enum ProcessSignals {
    package enum Termination: Sendable { case terminate, interrupt }

    /// Holds back SIGTERM and SIGINT for `waitForTermination` and ignores SIGPIPE and SIGXFSZ. Call it first
    /// thing in main: threads inherit it from the thread that starts them.
    package static func block() { _ = clio_signals_block() }

    /// Waits for SIGTERM or SIGINT; nil after `milliseconds` (nil: no limit) without either, or
    /// after another signal.
    package static func waitForTermination(milliseconds: Int? = nil) -> Termination? {
        // SIGINT is 2 and SIGTERM 15 on every Linux, signal(7).
        switch clio_signals_wait(milliseconds.map { Int32(clamping: $0) } ?? -1) {
        case 2: .interrupt
        case 15: .terminate
        default: nil
        }
    }
}
