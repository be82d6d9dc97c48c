/// How to encode an event that differs from an earlier one only in values that the request merely repeats.
///
/// Nearly all events of a shop have the same members, and what an encoder makes of them differs in a few texts. A
/// plan holds an event's line and what became of it, and where in both those values stand. A line that has the same
/// bytes between its values, and plain values, is encoded by copying; any other goes the encoder's own way.
///
/// Invariants: 1. a plan makes of the line it was learned from exactly what the encoder made of it: `learned`
/// checks. 2. what is not a value is compared byte by byte, so whatever the encoder decides by it is decided alike.
/// 3. a value has a role only where the encoder decides nothing by it that `match` does not check.
///
/// Owner: the encoder that holds it.
final class EncodingPlan: LinePlan {
    /// What becomes of a value.
    enum Role: UInt8 {
        /// A text that is repeated; not empty.
        case copied
        /// A text that the request does not hold.
        case passedOver
        /// A whole number of 1 to 9 digits that is repeated; not 0.
        case number
        /// The time of day behind the date of `occurred_at` or `received_at`, in the form in which lines hold it.
        case occurred, received

        fileprivate var kind: LineSkeleton.Kind {
            switch self {
            case .copied: .text
            case .passedOver: .textOrNothing
            case .number: .number
            case .occurred, .received: .time
            }
        }
    }

    struct Value: BitwiseCopyable {
        /// Where it stands in the line.
        var start: Int
        var count: Int
        var role: Role
        /// Of a time: when its day begins, milliseconds since 1970.
        var dayMilliseconds: Int64 = 0
    }

    /// A value in the request.
    struct Copy: BitwiseCopyable {
        /// Where it stands in what was written.
        var start: Int
        var count: Int
        /// Among the values; nil for the event's time.
        var value: Int?
    }

    /// Longer lines are rare, and not kept.
    static let lineBytesMax = 4096
    /// `2026-01-02T`, and `03:04:05.678Z` behind it.
    static let dateCount = 11
    static let timeCount = 13

    /// What the encoder wants to know of the event again.
    let tag: UInt8
    private let skeleton: LineSkeleton
    private let output: [UInt8]
    private let copies: [Copy]
    /// The gap of `occurred_at`, and when its day begins.
    private let occurred: (gap: Int, dayMilliseconds: Int64)?
    private let receivedGap: Int?
    var lastUse = 0
    var uses = 0

    private init?(tag: UInt8, line: Bytes, output: Bytes, values: [Value], copies: [Copy]) {
        let gaps = values.map { LineSkeleton.Gap(start: $0.start, count: $0.count, kind: $0.role.kind) }
        guard let skeleton = LineSkeleton(line, gaps: gaps) else { return nil }
        self.skeleton = skeleton
        self.tag = tag
        self.output = output.array
        self.copies = copies
        occurred = values.firstIndex { $0.role == .occurred }.map { ($0, values[$0].dayMilliseconds) }
        receivedGap = values.firstIndex { $0.role == .received }
    }

    /// A plan from one event, or nil where there is none to be had.
    ///
    /// - Parameters:
    ///   - values: in the order of the line, as `match` would find them.
    ///   - copies: in the order of the output.
    static func learned(
        tag: UInt8, line: Bytes, output: Bytes, values: [Value], copies: [Copy], now milliseconds: Int64
    ) -> EncodingPlan? {
        guard line.count <= lineBytesMax, output.count <= lineBytesMax,
            let plan = EncodingPlan(tag: tag, line: line, output: output, values: values, copies: copies),
            plan.match(line), plan.receivedGap != nil || copies.allSatisfy({ $0.value != nil })
        else { return nil }
        var again = ByteBuffer(capacity: output.count + 64)
        plan.write(line, now: milliseconds, to: &again)
        return again.bytes.equals(output) ? plan : nil
    }

    // MARK: Lines

    /// Whether the plan fits the line.
    func match(_ line: Bytes) -> Bool { skeleton.match(line) == line.count }

    /// Reads `03:04:05.678Z`; nil for anything else, leap seconds among it.
    static func timeOfDay(_ line: Bytes, _ place: Int) -> Int64? {
        guard line.count &- place >= timeCount else { return nil }
        let text = line[place..<place &+ timeCount]
        var areDigits = true
        func digit(_ place: Int) -> Int64 {
            let digit = text[place] &- 0x30
            if digit > 9 { areDigits = false }
            return Int64(digit)
        }
        let hour = digit(0) &* 10 &+ digit(1)
        let minute = digit(3) &* 10 &+ digit(4)
        let second = digit(6) &* 10 &+ digit(7)
        let milliseconds = digit(9) &* 100 &+ digit(10) &* 10 &+ digit(11)
        guard areDigits, text[2] == 0x3A, text[5] == 0x3A, text[8] == 0x2E, text[12] == 0x5A, hour < 24, minute < 60,
            second < 60
        else { return nil }
        return ((hour &* 60 &+ minute) &* 60 &+ second) &* 1000 &+ milliseconds
    }

    // MARK: Requests

    /// Writes the event of the line that `match` has just found to fit. - Parameter now: later times are not sent.
    func write(_ line: Bytes, now milliseconds: Int64, to out: inout ByteBuffer) {
        output.withBytes { learned in
            out.reserve(learned.count + line.count)
            var passed = 0
            for copy in copies {
                out.append(learned[passed..<copy.start])
                passed = copy.start &+ copy.count
                if let value = copy.value {
                    out.append(line[skeleton[value]])
                } else {
                    out.append(time(line, milliseconds))
                }
            }
            out.append(learned[passed..<learned.count])
        }
    }

    /// What is sent as the event's time.
    private func time(_ line: Bytes, _ now: Int64) -> Bytes {
        var gap = receivedGap
        if let occurred, let time = EncodingPlan.timeOfDay(line, skeleton[occurred.gap].lowerBound),
            occurred.dayMilliseconds &+ time <= now
        {
            gap = occurred.gap
        }
        guard let gap else { preconditionFailure("no plan has a time and no gap for it") }
        let end = skeleton[gap].upperBound
        return line[end &- EncodingPlan.dateCount &- EncodingPlan.timeCount..<end]
    }
}
