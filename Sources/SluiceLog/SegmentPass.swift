import SluiceCore

/// What a check has found out about one segment.
struct SegmentPass {
    let firstBlock: Int64
    let path: String
    /// The first block of the segment behind it; nil for the newest.
    let next: Int64?
    var description: SegmentDescription?
    var findings: [CheckFinding] = []
    /// Numbers of blocks that cannot be read, in order.
    var bad: [ClosedRange<Int64>] = []
    /// Damage of the segment before.
    var carried: [(blocks: ClosedRange<Int64>, path: String)] = []
    /// Stretches between sound blocks that are gone, to be recorded.
    var lost: [QuarantinedBlocks] = []
    /// Sound blocks, and their events.
    var good = 0
    var goodEvents: Int64 = 0
    /// Where its rows end, damaged ones included; nil where that cannot be read.
    var extentEnd: LogHead?
    /// Where its sound blocks end, when that is before `extentEnd`.
    var soundEnd: LogHead?
    /// Not even its table `segment` says what it should.
    var isBeyondUse = false
    /// Its header says something else than its table `segment`.
    var hasDamagedHeader = false
    /// What `--repair` did.
    var repair: String?
    /// Where the damaged file lies now, once it was renamed.
    var damagedPath: String?

    init(firstBlock: Int64, path: String, next: Int64?) {
        self.firstBlock = firstBlock
        self.path = path
        self.next = next
    }

    /// Whether the file needs repair. Overlaps and sums are not the matter of one file.
    var isDamaged: Bool { isBeyondUse || hasDamagedHeader || !bad.isEmpty }

    /// For the segment behind.
    var damage: [(blocks: ClosedRange<Int64>, path: String)] {
        let path = damagedPath ?? path
        if isBeyondUse, let next, next > firstBlock { return [(firstBlock...(next - 1), path)] }
        return bad.map { ($0, path) }
    }

    /// Takes in what the walk had to pass over.
    mutating func take(_ found: [CheckFinding]) {
        for finding in found {
            if let first = finding.firstBlock, let last = finding.lastBlock {
                bad.append(first...last)
            } else {
                let last = (next ?? Int64.max) - 1
                bad.append(last...last)
            }
            findings.append(finding)
        }
    }

    static func finding(_ part: UnreadablePart, path: String, end: Int64) -> CheckFinding {
        switch part {
        case .segment(_, let reason):
            // The walk cannot say how much is left; what comes behind does.
            return CheckFinding(.unreadableSegment, file: path, reason.description)
        case .blocks(_, let numbers, let events, let reason):
            let last = min(numbers.upperBound, end) - 1
            return CheckFinding(
                .damagedBlock, file: path, blocks: numbers.lowerBound...max(numbers.lowerBound, last),
                events: events.map(Int64.init), reason)
        case .gap(let numbers):
            return CheckFinding(
                .gap, file: path, blocks: numbers.lowerBound...(numbers.upperBound - 1), part.description)
        }
    }
}
