/// When segments are given up.
package struct RetentionLimits: Sendable, Equatable {
    /// A segment whose newest event is older than this may go.
    package var ageSeconds: Int
    /// Bytes of the whole log above which its oldest segment may go.
    package var bytes: Int64
    /// Bytes of the whole log above which its oldest segment goes even when somebody needs it; at least
    /// `bytes`.
    package var hardBytes: Int64

    package init(ageSeconds: Int, bytes: Int64, hardBytes: Int64? = nil) {
        self.ageSeconds = ageSeconds
        self.bytes = bytes
        self.hardBytes = max(bytes, hardBytes ?? bytes)
    }
}

/// A segment that was given up.
package struct SegmentRemoval: Sendable, Equatable, CustomStringConvertible {
    package enum Reason: String, Sendable {
        case age, size
        /// The log had reached its hard limit.
        case hardSize = "hard_size"
    }

    package var path: String
    /// Its first block, and the number behind its last.
    package var blocks: Range<Int64>
    /// Nil where the segment could not be read.
    package var events: Int64?
    package var bytes: Int64
    package var reason: Reason
    /// Who still needed it; they account for its events as expired.
    package var neededBy: [String]

    package var description: String {
        let what =
            "the segment \(path) (blocks \(blocks.lowerBound) to \(blocks.upperBound - 1),"
            + " \(events.map { "\($0)" } ?? "an unknown number of") events, \(bytes) bytes)"
        guard !neededBy.isEmpty else { return "gave up \(what) by \(reason.rawValue)" }
        return "GAVE UP EVENTS THAT WERE STILL NEEDED: \(what), because the log is larger than"
            + " log.retain.hard_size. What \(neededBy.joined(separator: ", ")) has neither settled nor read of it expires there"
    }
}

/// Decides what becomes of the log's oldest segment. No I/O.
struct LogRetention {
    let limits: RetentionLimits

    enum Verdict: Equatable {
        case keep
        case remove(SegmentRemoval.Reason, neededBy: [String])
    }

    /// - Parameters:
    ///   - endBlock: the number behind the segment's last block.
    ///   - newestMilliseconds: when its newest event was received; nil when that is not known.
    ///   - logBytes: of the whole log, the segment included.
    func verdict(
        endBlock: Int64, newestMilliseconds: Int64?, logBytes: Int64,
        holders: [(name: String, block: Int64)], nowMilliseconds: Int64
    ) -> Verdict {
        let neededBy = holders.filter { $0.block < endBlock }.map(\.name)
        if neededBy.isEmpty {
            if logBytes > limits.bytes { return .remove(.size, neededBy: []) }
            if let newestMilliseconds,
                nowMilliseconds - newestMilliseconds > Int64(limits.ageSeconds) * 1000
            {
                return .remove(.age, neededBy: [])
            }
            return .keep
        }
        return logBytes > limits.hardBytes ? .remove(.hardSize, neededBy: neededBy) : .keep
    }
}
