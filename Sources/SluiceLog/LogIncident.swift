/// What happened to the log's files while it was running, worth a line in the gateway's log.
package enum LogIncident: Sendable, Equatable, CustomStringConvertible {
    case removed(SegmentRemoval)
    /// Somebody unlinked, moved or replaced the segment that is written to; its content was still open and
    /// was written to a new file under the same name.
    case rescued(path: String)
    /// The segment that was written to cannot be used any more; what it held is not served, and the log
    /// goes on in a new one.
    case abandoned(path: String, nextBlock: Int64, reason: String)
    /// The state file turned out to be damaged. `hasCursors` says whether every cursor was still known, or could be
    /// read; `lost` says what is in the old file only.
    case stateReplaced(path: String, as: String, reason: String, hasCursors: Bool, lost: String)

    /// Whether somebody has to look into it.
    package var isLoud: Bool {
        switch self {
        case .removed(let removal): !removal.neededBy.isEmpty
        case .rescued, .abandoned, .stateReplaced: true
        }
    }

    package var description: String {
        switch self {
        case .removed(let removal): removal.description
        case .rescued(let path):
            "the segment \(path) was unlinked, moved or replaced while it was written to. What it held was"
                + " still open and has been written to a new file of that name; nothing that was acknowledged is"
                + " lost. Nobody but Sluice may change files in its data folder"
        case .abandoned(let path, let next, let reason):
            "the segment \(path) cannot be used any more (\(reason)): what it held is not served, and the log"
                + " goes on with block \(next) in a new segment"
        case .stateReplaced(_, let aside, let reason, let hasCursors, let lost):
            "the state file cannot be used: \(reason). It is kept as \(FileCalls.name(of: aside)), and a new one holds "
                + (hasCursors
                    ? "every cursor"
                    : "NOT EVERY CURSOR (destinations without one begin again at the oldest block there is)")
                + " and what else could be read; \(lost)"
        }
    }
}
