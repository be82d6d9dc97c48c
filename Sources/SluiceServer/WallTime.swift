import Glibc
import SluiceCore

/// The clocks, read where no faster one is at hand.
package enum WallTime {
    /// Milliseconds since 1970; may jump.
    package static func nowMilliseconds() -> Int64 { read(CLOCK_REALTIME) }

    /// Milliseconds since some fixed moment; never goes back.
    package static func monotonicMilliseconds() -> Int64 { read(CLOCK_MONOTONIC) }

    private static func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        // Safety: clock_gettime writes one timespec.
        unsafe clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }

    /// `2026-01-02T03:04:05.678Z` for milliseconds since 1970.
    package static func text(_ milliseconds: Int64) -> String {
        var buffer = ByteBuffer(capacity: 24)
        buffer.appendTimestamp(milliseconds)
        return buffer.bytes.string
    }
}
