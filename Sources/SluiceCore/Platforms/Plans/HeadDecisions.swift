/// Remembers what was decided by the heads of lines: by all they say before the first value that is no string, but for
/// the texts that nothing is decided by.
///
/// Of the events of a shop, thousands in a row have the same type, source and network, which stand in their heads.
/// Owner: one thread.
package struct HeadDecisions: ~Copyable {
    private final class Head: LinePlan {
        let decision: Bool
        private let skeleton: LineSkeleton
        var lastUse = 0
        var uses = 0

        init?(_ head: Bytes, gaps: [LineSkeleton.Gap], _ decision: Bool) {
            guard let skeleton = LineSkeleton(head, gaps: gaps) else { return nil }
            self.skeleton = skeleton
            self.decision = decision
        }

        func match(_ line: Bytes) -> Bool { skeleton.match(line) != nil }
    }

    /// Longer heads are rare, and not kept.
    private static let headBytesMax = 1024

    private var heads = LinePlans<Head>()

    package init() {}

    /// What was decided for another line with this head; nil where none is remembered.
    package mutating func decision(_ line: Bytes) -> Bool? { heads.find(line)?.decision }

    /// Remembers a decision for all lines with the head of this one.
    ///
    /// - Parameters:
    ///   - texts: the insides of strings in the head by which nothing is decided, in their order; where they hold
    ///     anything in `line`, so they must in every other.
    package mutating func remember(_ decision: Bool, head: Bytes, texts: [Range<Int>]) {
        guard heads.wantsMore() else { return }
        guard head.count <= HeadDecisions.headBytesMax else { return heads.add(nil) }
        let gaps = texts.map {
            LineSkeleton.Gap(start: $0.lowerBound, count: $0.count, kind: $0.isEmpty ? .textOrNothing : .text)
        }
        heads.add(Head(head, gaps: gaps, decision))
    }
}
