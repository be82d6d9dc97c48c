/// Something `sluice fsck` came across.
package struct CheckFinding: Sendable, Equatable, Encodable {
    /// Stable labels.
    package enum Kind: String, Sendable, Encodable, CaseIterable {
        /// A segment, or what is left of it, cannot be read.
        case unreadableSegment = "unreadable_segment"
        /// A segment's header is not what was written; its blocks can be read.
        case damagedHeader = "damaged_header"
        /// A block is not what was written.
        case damagedBlock = "damaged_block"
        /// Blocks are in no segment, and nothing says why.
        case gap
        /// Blocks are in two segments.
        case overlap
        /// A segment's file is not the one its name promises.
        case wrongName = "wrong_name"
        /// A block's count of the events before it is not the sum of the blocks before it.
        case wrongSum = "wrong_sum"
        /// Blocks that are known to be gone.
        case quarantined
        case stateMissing = "state_missing"
        case stateDamaged = "state_damaged"
        case stateNewer = "state_newer"
        case cursorBeyondHead = "cursor_beyond_head"
        /// A cursor's counts do not add up to the events before it.
        case cursorCounts = "cursor_counts"
        /// A cursor stands at a block that cannot be read: its events become expired there.
        case cursorInDamage = "cursor_in_damage"
        /// Outcomes of events the log has not reached.
        case outcomesBeyondHead = "outcomes_beyond_head"
        /// Outcomes of events that were given up; the gateway removes them in time.
        case outcomesOutdated = "outcomes_outdated"
        /// A file that belongs to nothing.
        case orphan
        /// A file that was set aside earlier.
        case setAside = "set_aside"
    }

    package enum Severity: String, Sendable, Encodable {
        /// Worth knowing; nothing is wrong.
        case note
        case problem
    }

    package var kind: Kind
    package var severity: Severity
    /// The file's name, relative to the data folder.
    package var file: String?
    package var firstBlock: Int64?
    package var lastBlock: Int64?
    package var events: Int64?
    package var destination: String?
    package var message: String
    /// What `--repair` did about it; nil when it did nothing.
    package var repair: String?

    init(
        _ kind: Kind, _ severity: Severity = .problem, file: String? = nil, blocks: ClosedRange<Int64>? = nil,
        events: Int64? = nil, destination: String? = nil, _ message: String
    ) {
        self.kind = kind
        self.severity = severity
        self.file = file
        firstBlock = blocks?.lowerBound
        lastBlock = blocks?.upperBound
        self.events = events
        self.destination = destination
        self.message = message
    }
}

/// How far a check has come.
package struct CheckProgress: Sendable, Equatable, Encodable {
    package var segments = 0
    package var segmentsTotal = 0
    package var bytes: Int64 = 0
    package var bytesTotal: Int64 = 0
    package var blocks: Int64 = 0
    package var events: Int64 = 0
}

/// What a check amounts to.
package struct CheckSummary: Sendable, Equatable, Encodable {
    package var folder: String
    /// A gateway was running on the folder: only what was committed was looked at.
    package var besideGateway = false
    package var progress = CheckProgress()
    package var nextBlock: Int64 = 1
    package var logEvents: Int64 = 0
    package var problems = 0
    package var repaired = 0
    package var notes = 0

    package init(folder: String) { self.folder = folder }

    /// 0: nothing is wrong. 1: problems were found, and with `repairs` all of them were repaired. 4: some could
    /// not be. In the manner of fsck(8), where repaired is not 0 either.
    package func exitCode(repairs: Bool) -> Int32 {
        if problems == 0 { return 0 }
        return repairs && repaired < problems ? 4 : 1
    }
}
