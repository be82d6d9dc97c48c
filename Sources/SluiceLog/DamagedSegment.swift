import SluiceCore

/// A newest segment that cannot be used: what becomes of its file, and where the log goes on.
///
/// A number that was used once must not be used again: a cursor may stand behind it, and a receipt may
/// name it. What the file held cannot always be read, so the next number is chosen behind everything it
/// can have held.
struct DamagedSegment {
    /// Fewer bytes of a file no block takes: its row alone has a payload, a checksum and eight numbers.
    private static let blockBytesMin: Int64 = 64

    let folder: DataFolder
    /// As its name says.
    let firstBlock: Int64
    let path: String

    /// Whether the error speaks of damage. A sound database of another program, a later format, a lock
    /// or a full disk are for people to sort out.
    static func mayBeSetAside(_ error: LogError, path: String) -> Bool {
        switch error {
        case .damaged: return true
        case .foreignFile:
            let head = (try? FileCalls.head(path, count: 100)) ?? []
            return head.count < 100 || Array(head[0..<16]) != Array("SQLite format 3\0".utf8)
        default: return false
        }
    }

    /// Renames the file and what belongs to it; nothing is deleted. Returns the new name.
    func setAside(nowMilliseconds: Int64) throws(LogError) -> String {
        let aside = path + ".damaged-\(nowMilliseconds)"
        // The file last: until it is away, a crash leaves everything to the next start.
        for suffix in ["-wal", "-shm", "-journal"] where FileCalls.exists(path + suffix) {
            try FileCalls.rename(path + suffix, to: aside + suffix)
        }
        try FileCalls.rename(path, to: aside)
        try FileCalls.syncFolder(folder.log)
        return aside
    }

    /// Where the log goes on: behind the segments before (`head`), every cursor, and whatever this
    /// segment can have held.
    func headBehind(_ head: LogHead, aside: String) -> LogHead {
        var next = LogHead(nextBlock: max(head.nextBlock, firstBlock), events: head.events)
        func pass(_ block: Int64, _ events: Int64) {
            next.nextBlock = max(next.nextBlock, block)
            next.events = max(next.events, events)
        }
        if let extent = readableExtent(aside), extent.lastBlock >= firstBlock {
            pass(extent.lastBlock + 1, extent.endEvent)
        } else {
            let bytes = (FileCalls.size(aside) ?? 0) + (FileCalls.size(aside + "-wal") ?? 0)
            pass(firstBlock + 1 + bytes / DamagedSegment.blockBytesMin, 0)
        }
        if let cursors = StateStore.furthest(path: folder.state) { pass(cursors.nextBlock, cursors.events) }
        return next
    }

    private func readableExtent(_ path: String) -> SegmentExtent? {
        guard let connection = try? SegmentConnection(path: path) else { return nil }
        defer { connection.close() }
        return try? connection.extent()
    }
}
