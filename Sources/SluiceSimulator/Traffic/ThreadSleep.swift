import Glibc

/// Lets the calling thread sleep.
package enum ThreadSleep {
    package static func sleep(microseconds: Int64) {
        guard microseconds > 0 else { return }
        usleep(useconds_t(clamping: microseconds))
    }

    package static func sleep(milliseconds: Int) { sleep(microseconds: Int64(milliseconds) * 1000) }
}
