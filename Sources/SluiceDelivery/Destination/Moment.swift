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
