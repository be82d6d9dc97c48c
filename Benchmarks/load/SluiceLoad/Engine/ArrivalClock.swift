import Foundation
import SluiceCore

/// When requests are due in an open loop: one after the other, whether or not earlier ones were answered.
///
/// What is late stays due: the next moment is drawn only when the last one has been used, so that no
/// waiting request is forgotten and none is kept in memory.
package struct ArrivalClock {
    /// Nanoseconds since the beginning; a Double holds whole ones for 100 days.
    private var due = 0.0
    private let arrival: Arrival
    /// Requests a second, of all shares.
    private let rates: (from: Double, to: Double)
    /// Nanoseconds between two of this clock's at a rate of one a second; so whole gaps stay whole.
    private let scale: Double
    private let rampStart: Double
    private let rampEnd: Double
    private var random: SplitMix64

    /// - Parameters:
    ///   - share, of: this is one of several clocks that keep the rate together.
    ///   - rampStart, rampEnd: when a ramp begins and ends, in nanoseconds since the beginning.
    package init(
        _ rate: LoadRate, arrival: Arrival, share: Int = 0, of shares: Int = 1, rampStart: Int64, rampEnd: Int64,
        seed: UInt64
    ) {
        self.arrival = arrival
        self.rampStart = Double(rampStart)
        self.rampEnd = Double(rampEnd)
        random = SplitMix64(seed: seed)
        scale = 1e9 * Double(shares)
        switch rate {
        case .closedLoop: rates = (1, 1)
        case .fixed(let rate): rates = (rate, rate)
        case .ramp(let from, let to): rates = (from, to)
        }
        // So that equal gaps of several clocks do not coincide.
        let first = arrival == .constant ? Double(share) / Double(shares) : draw()
        due = moment(after: 0, requests: first)
    }

    /// When the next request is due, in nanoseconds since the beginning.
    package var next: Int64 { Int64(due) }

    /// The next one has been used.
    package mutating func advance() { due = moment(after: due, requests: draw()) }

    /// How many requests come until the next one: one, or one on average.
    private mutating func draw() -> Double { arrival == .constant ? 1 : -log(1 - random.nextUnit()) }

    /// When so many requests have come since `moment`, at rates that may change meanwhile.
    private func moment(after moment: Double, requests: Double) -> Double {
        let (from, to) = rates
        var left = requests * scale
        guard from != to else { return moment + left / from }
        var moment = moment
        if moment < rampStart {
            let room = (rampStart - moment) * from
            if left <= room { return moment + left / from }
            left -= room
            moment = rampStart
        }
        if moment < rampEnd {
            let slope = (to - from) / (rampEnd - rampStart)
            let rate = from + slope * (moment - rampStart)
            let room = (rate + to) / 2 * (rampEnd - moment)
            if left < room {
                // What the rate's line encloses within x is rate * x + slope / 2 * x^2.
                return moment + 2 * left / (rate + max(0, rate * rate + 2 * slope * left).squareRoot())
            }
            left -= room
            moment = rampEnd
        }
        return moment + left / to
    }
}
