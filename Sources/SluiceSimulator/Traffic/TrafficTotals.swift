import Histogram

/// What came of a generator's requests.
package struct TrafficTotals: Sendable {
    /// Requests that were answered.
    package var answered = 0
    package var byStatus: [Int: Int] = [:]
    /// Events acknowledged by a 2xx.
    package var acknowledged = 0
    /// Events that were acknowledged, sent once more, and acknowledged again.
    package var resent = 0
    /// Events that were sent once more and got no answer then.
    package var resentAmbiguous = 0
    /// Requests refused as they had to be, in whole or in part.
    package var refusedRightly = 0
    /// Questions about earlier requests that were answered.
    package var told = 0
    /// Requests put off with 429 or 503; their events are not acknowledged.
    package var putOff = 0
    /// Answers that are none of the above.
    package var unexpected = 0
    /// What the first of them said, at most 8.
    package var unexpectedSamples: [String] = []
    /// Requests without an answer, by what went wrong.
    package var errors: [String: Int] = [:]
    /// Events of requests without an answer, unless nothing was sent: taken or not, nobody knows.
    package var ambiguous = 0
    /// From when a request was due, or was sent where there is no rate, to its whole answer; in
    /// microseconds. Only requests whose events were acknowledged.
    package var acknowledgeMicroseconds = Histogram<UInt64>(
        highestTrackableValue: 120_000_000, numberOfSignificantValueDigits: .two)

    package init() {}

    package var errorCount: Int { errors.values.reduce(0, +) }

    mutating func sample(_ text: String) {
        unexpected += 1
        if unexpectedSamples.count < 8 { unexpectedSamples.append(text) }
    }

    mutating func add(_ other: TrafficTotals) {
        answered += other.answered
        byStatus.merge(other.byStatus, uniquingKeysWith: +)
        acknowledged += other.acknowledged
        resent += other.resent
        resentAmbiguous += other.resentAmbiguous
        refusedRightly += other.refusedRightly
        told += other.told
        putOff += other.putOff
        unexpected += other.unexpected
        unexpectedSamples = Array((unexpectedSamples + other.unexpectedSamples).prefix(8))
        errors.merge(other.errors, uniquingKeysWith: +)
        ambiguous += other.ambiguous
        acknowledgeMicroseconds.add(other.acknowledgeMicroseconds)
    }
}
