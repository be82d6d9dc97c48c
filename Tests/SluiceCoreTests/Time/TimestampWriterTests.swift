import Testing

@testable import SluiceCore

@Suite struct TimestampWriterTests {
    /// Whatever was written before, a timestamp is what `appendTimestamp` makes of it.
    @Test(arguments: [1, 2, 3] as [UInt64]) func `writes what appendTimestamp writes`(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var writer = TimestampWriter()
        let day = Timestamp.millisecondsPerDay
        var time: Int64 = 1_767_323_045_678
        for _ in 0..<20_000 {
            switch random.next(below: 10) {
            case 0: time = Int64.random(in: Timestamp.range, using: &random)
            case 1: time = (time / day) * day + Int64(random.next(below: 3)) - 1
            case 2: time -= time % day + Int64(random.next(below: 3)) - 1
            case 3:
                time =
                    [Int64.min, .max, Timestamp.range.lowerBound, Timestamp.range.upperBound, 0, -1][
                        random.next(below: 6)]
            case 4...7:
                time =
                    max(min(time, Timestamp.range.upperBound), Timestamp.range.lowerBound)
                    &+ Int64(random.next(below: 5000))
            default: break
            }
            var expected = ByteBuffer(capacity: 24)
            expected.appendTimestamp(time)
            var written = ByteBuffer(capacity: 24)
            writer.append(time, to: &written)
            #expect(written.bytes.string == expected.bytes.string, "\(time), seed \(seed)")
        }
    }
}
