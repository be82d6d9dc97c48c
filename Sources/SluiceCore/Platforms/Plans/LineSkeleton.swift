import CByteScan

/// A line, or the beginning of one, with gaps: places where other lines may hold something else of the same kind.
///
/// Invariants: 1. the gaps rise, do not overlap, and lie within the text. 2. `found` tells of the line that was matched
/// last, and nothing where it did not match. Owner: one thread.
@safe struct LineSkeleton: ~Copyable {
    /// What may stand in a gap; the raw values are those of `cbytescan_gap`.
    enum Kind: UInt32 {
        /// The inside of a string of plain ASCII that is not empty.
        case text = 0
        case textOrNothing = 1
        /// A whole number of 1 to 9 digits, and not 0.
        case number = 2
        /// A time of day as lines have it: `03:04:05.678Z`.
        case time = 3
    }

    struct Gap: BitwiseCopyable {
        var start: Int
        var count: Int
        var kind: Kind
    }

    private let text: [UInt8]
    private let gapCount: Int
    private let gaps: UnsafeMutablePointer<cbytescan_gap>
    private let found: UnsafeMutablePointer<UInt32>

    /// Nil where the gaps are not in order.
    init?(_ text: Bytes, gaps list: [Gap]) {
        var end = 0
        for gap in list {
            guard gap.start >= end, gap.count >= 0 else { return nil }
            end = gap.start + gap.count
        }
        guard end <= text.count, !text.isEmpty else { return nil }
        self.text = text.array
        gapCount = list.count
        // Safety: freed in deinit only; everything is initialized.
        unsafe gaps = .allocate(capacity: max(1, list.count))
        unsafe found = .allocate(capacity: max(1, list.count) * 2)
        for (index, gap) in list.enumerated() {
            let plain = cbytescan_gap(
                start: UInt32(gap.start), count: UInt32(gap.count), kind: gap.kind.rawValue)
            unsafe (gaps + index).initialize(to: plain)
        }
        unsafe found.initialize(repeating: 0, count: max(1, list.count) * 2)
    }

    deinit {
        // Safety: allocated in init, never given away; their content is trivial.
        unsafe gaps.deallocate()
        unsafe found.deallocate()
    }

    /// How many bytes of the line are as the skeleton has them; nil where it is another.
    func match(_ line: Bytes) -> Int? {
        let end = text.withBytes { text in
            // Safety: both views hold as many bytes as they say, and the gaps lie within the text (invariant 1);
            // there is room for what is found in each.
            unsafe cbytescan_match(line.base, line.count, text.base, text.count, gaps, gapCount, found)
        }
        return end == 0 ? nil : end
    }

    /// Where a gap lies in the line that was matched last.
    subscript(gap: Int) -> Range<Int> {
        precondition(gap >= 0 && gap < gapCount)
        // Safety: inside the allocation, checked on the line before.
        let start = unsafe Int(found[2 &* gap])
        return unsafe start..<start &+ Int(found[2 &* gap &+ 1])
    }
}
