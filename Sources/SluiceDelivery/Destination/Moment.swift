/// Now, by both clocks: one for intervals, one for people.
package struct Moment: Equatable, Sendable {
    /// Milliseconds of a clock that never jumps.
    package var monotonic: Int64
    /// Milliseconds since 1970.
    package var wall: Int64

    package init(monotonic: Int64, wall: Int64) {
        self.monotonic = monotonic
        self.wall = wall
    }
}

/// A small generator for jitter (Steele, Lea and Flood: Fast splittable pseudorandom number
/// generators, 2014). Seeded, so that tests repeat.
package struct SplitMix64: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
