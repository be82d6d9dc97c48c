import Foundation
import GRDB
import SluiceCore

/// Puts a fresh file with every sound block in the place of a damaged segment, which is renamed.
///
/// Invariant: at every moment each sound block lies whole in a file; nothing is deleted. The fresh file
/// is complete and synced before the damaged one loses its name.
struct SegmentSalvage {
    let folder: DataFolder
    let clock: LogClock
    let writtenBy: String

    struct Result: CustomStringConvertible {
        /// Where the damaged file lies now.
        var aside: String
        var blocks = 0
        /// Where the log goes on; set for the newest segment when what it lost was at its end.
        var head: LogHead?

        var description: String {
            let kept =
                blocks == 0
                ? "none of its blocks could be kept" : "its \(blocks) sound blocks are in a fresh file"
            return "the damaged file is \(FileCalls.name(of: aside)); \(kept)"
        }
    }

    /// - Parameter before: the log where the segment begins.
    func replace(_ pass: SegmentPass, before: LogHead) throws(LogError) -> Result {
        let path = pass.path
        let draft = path + ".creating"
        var end = before
        var copied = 0
        for suffix in ["", "-wal", "-shm", "-journal"] { try FileCalls.remove(draft + suffix) }
        if pass.good > 0 {
            try WriterSegment.makeDraft(
                draft, at: before,
                createdMilliseconds: pass.description?.createdMilliseconds ?? clock.wallMilliseconds(),
                writtenBy: pass.description?.writtenBy ?? writtenBy)
            (copied, end) = try copySoundBlocks(of: pass, to: draft, from: before)
            try FileCalls.syncFile(draft)
        }
        let damaged = DamagedSegment(folder: folder, firstBlock: pass.firstBlock, path: path)
        let aside = try damaged.setAside(nowMilliseconds: clock.wallMilliseconds())
        var result = Result(aside: aside, blocks: copied)
        if copied > 0 {
            try FileCalls.rename(draft, to: path)
            try FileCalls.syncFolder(folder.log)
        }
        guard pass.next == nil else { return result }
        let lostEnd = pass.isBeyondUse || pass.bad.last.map { $0.upperBound >= end.nextBlock } == true
        if lostEnd || copied == 0 {
            // No number is used twice: what was lost may have been acknowledged and delivered.
            let head = damaged.headBehind(end, aside: aside)
            var configuration = LogConfiguration()
            configuration.writtenBy = writtenBy
            try WriterSegment.create(
                in: folder, at: head, nowMilliseconds: clock.wallMilliseconds(), configuration: configuration)
            result.head = head
        }
        return result
    }

    /// Copies row by row what can be read and decoded.
    private func copySoundBlocks(
        of pass: SegmentPass, to draft: String, from before: LogHead
    ) throws(LogError) -> (blocks: Int, end: LogHead) {
        let isNewest = pass.next == nil
        let closed = clock.wallMilliseconds()
        let source = try SegmentConnection.anywhere(pass.path)
        defer { source.close() }
        return try aboutFile(draft) {
            let queue = try DatabaseQueue(path: draft)
            defer { try? queue.close() }
            let decoder = BlockDecoder()
            var copied = 0
            var end = before
            try queue.inDatabase { database in
                try database.execute(sql: "PRAGMA synchronous = OFF")
                try WriterSegment.setJournalMode(database, "delete")
                try database.inTransaction {
                    let statement = try database.cachedStatement(sql: SegmentSchema.insertBlock)
                    let walk = SegmentWalk(path: pass.path, received: Int64.min..<Int64.max) { _ in }
                    defer { walk.close() }
                    _ = try walk.ascend(pass.firstBlock..<(pass.next ?? Int64.max)) { stored in
                        guard (try? decoder.decode(stored)) != nil else { return true }
                        var hashes: BlockHashes?
                        try source.hashes(stored.number..<stored.number + 1, limit: 1) { hashes = $0 }
                        guard let hashes else { return true }
                        try statement.execute(arguments: [
                            stored.number, stored.firstEvent, stored.eventCount,
                            stored.firstReceivedMilliseconds, stored.lastReceivedMilliseconds,
                            stored.codec.rawValue, stored.rawSize, Int64(stored.checksum),
                            Data(hashes.filter),
                            Data(hashes.fingerprints),
                            Data(stored.payload),
                        ])
                        copied += 1
                        end = LogHead(
                            nextBlock: stored.number + 1,
                            events: stored.firstEvent + Int64(stored.eventCount))
                        return true
                    }
                    if !isNewest {
                        try database.execute(sql: "UPDATE segment SET closed = ?", arguments: [closed])
                    }
                    return .commit
                }
            }
            return (copied, end)
        }
    }
}
