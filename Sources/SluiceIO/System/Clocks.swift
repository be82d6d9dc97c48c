import CLinuxIO

/// A clock that never jumps; its zero means nothing.
package enum MonotonicClock {
    package static var nowMilliseconds: Int64 { clio_monotonic_nanoseconds() / 1_000_000 }
    package static var nowMicroseconds: Int64 { clio_monotonic_nanoseconds() / 1000 }
    package static var nowNanoseconds: Int64 { clio_monotonic_nanoseconds() }

    /// Up to a timer tick (1 to 10 ms) behind, for a fraction of the cost.
    package static var coarseMilliseconds: Int64 { clio_monotonic_coarse_nanoseconds() / 1_000_000 }
}

/// Time of day; it jumps when somebody sets it.
package enum WallClock {
    /// Since 1970, UTC.
    package static var nowMilliseconds: Int64 { clio_wall_nanoseconds() / 1_000_000 }
    package static var nowMicroseconds: Int64 { clio_wall_nanoseconds() / 1000 }
}
