import CLinuxIO
import SluiceCore
import Synchronization

/// Wakes one thread, through an eventfd that is written only when that thread may be asleep.
///
///      armed --wake, writes--> signalled <--wake-- awake
///        ^                        |                  ^
///        +--------- clear --------+---- takeSignal --+
///
/// A thread that merely sleeps uses `park`. A thread with a poller of its own watches `descriptor`;
/// it calls `clear` for each report. An event loop that would rather not pay a write and a read
/// while it is busy calls `takeSignal` each round and `arm` before it sleeps.
///
/// Invariant: a `wake` whose exchange found `awake` or `signalled` is seen by the consumer's next
/// exchange, together with everything its caller did before.
package final class EventFD: Parker {
    private enum State {
        static let armed: UInt8 = 0
        static let signalled: UInt8 = 1
        static let awake: UInt8 = 2
    }

    /// For a poller's `add`. Readable after a wake that found the thread armed.
    package let descriptor: Int32
    private let state = Atomic<UInt8>(State.armed)

    package init() throws(SystemError) {
        descriptor = try checked("eventfd", clio_eventfd())
    }

    deinit { _ = clio_close(descriptor) }

    package func wake() {
        if state.exchange(State.signalled, ordering: .acquiringAndReleasing) == State.armed {
            _ = clio_eventfd_signal(descriptor)
        }
    }

    /// Forgets the signal; the next `wake` writes again. Look for work after this, not before.
    package func clear() {
        _ = clio_eventfd_drain(descriptor)
        _ = state.exchange(State.armed, ordering: .acquiringAndReleasing)
    }

    /// Whether somebody called `wake` since the last call. From now on `wake` does not write: the
    /// caller must `arm` before it sleeps. The descriptor must be watched edge-triggered, since it
    /// is not read.
    package func takeSignal() -> Bool {
        if state.load(ordering: .relaxed) == State.awake { return false }
        return state.exchange(State.awake, ordering: .acquiringAndReleasing) == State.signalled
    }

    /// Makes `wake` write again. False when a signal is there already: then do not sleep.
    package func arm() -> Bool {
        state.compareExchange(
            expected: State.awake, desired: State.armed, ordering: .acquiringAndReleasing
        ).original != State.signalled
    }

    package func park(milliseconds: Int?) {
        _ = clio_wait_readable(descriptor, milliseconds.map { Int32(clamping: $0) } ?? -1)
        clear()
    }
}

/// A one-shot timer that a poller can watch.
package struct TimerFD: ~Copyable {
    private let timer: OwnedDescriptor

    package init() throws(SystemError) {
        timer = OwnedDescriptor(try checked("timerfd_create", clio_timerfd()))
    }

    package var descriptor: Int32 { timer.raw }

    /// Expires once after `milliseconds` (0: at once); nil stops it. Replaces the last setting.
    package func set(milliseconds: Int?) {
        let nanoseconds = milliseconds.map { UInt64(max($0, 0)) * 1_000_000 }
        // timerfd_settime(2): "Setting both fields … to zero disarms the timer".
        let error = clio_timerfd_set(timer.raw, nanoseconds.map { max($0, 1) } ?? 0)
        precondition(error >= 0, "timerfd_settime failed")
    }

    /// Makes the descriptor unreadable until the next expiry.
    package func clear() { _ = clio_eventfd_drain(timer.raw) }
}
