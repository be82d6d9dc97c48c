import SluiceCore

/// A read-only view of a data folder, or of one segment file that was archived elsewhere, for tools: without
/// the folder's lock, beside a running gateway or without one.
///
/// Invariants: 1. Nothing is written to the log, and nothing checkpointed: connections are read-only. 2. A
/// file that may still grow is open only while a batch is read, so that the gateway can close it. 3. A few
/// blocks are in memory at a time. 4. No file is opened but through SQLite: closing another descriptor would
/// take away the locks that a connection of the same process holds on it.
///
/// Beside a running gateway the newest block may be one that is not acknowledged yet. Owner: one thread.
package final class LogFolderReader {
    /// One segment file.
    package struct Segment: Sendable, Equatable {
        package let path: String
        /// As its name says, or, of an archived file, as its table says.
        package let firstBlock: Int64
        package let description: SegmentDescription
        /// Nil when it holds no block.
        package let extent: SegmentExtent?
    }

    /// Receive times of consecutive segments overlap: blocks of several shards are filled side by side,
    /// and clocks are corrected. By so much a segment's first time may mislead about its neighbours.
    static let overlapMilliseconds: Int64 = 600_000

    /// Called with what is passed over, as soon as it is met.
    package var onUnreadable: (UnreadablePart) -> Void = { _ in }
    private let place: Place
    private let decoder = BlockDecoder()

    private enum Place {
        case folder(DataFolder)
        case file(String, firstBlock: Int64)
    }

    /// - Parameter path: the data folder.
    /// - Throws: `missing`, `notAFolder`, `permissionDenied` when it has no log folder.
    package init(folder path: String) throws(LogError) {
        let folder = DataFolder(path)
        _ = try folder.segments()
        place = .folder(folder)
    }

    /// - Parameter path: one segment file, wherever it lies and whatever its name.
    /// - Throws: `missing`, `foreignFile`, `newerFormat`, `damaged`, `permissionDenied`.
    package init(file path: String) throws(LogError) {
        let connection = try SegmentConnection.anywhere(path)
        defer { connection.close() }
        place = .file(path, firstBlock: try connection.description().firstBlock)
    }

    // MARK: Segments

    /// The segments that can be read, in the order of their blocks. Opens each file.
    package func segments() throws(LogError) -> [Segment] {
        var segments: [Segment] = []
        for file in try files() {
            do throws(LogError) {
                segments.append(try describe(file))
            } catch {
                report(file, error)
            }
        }
        return segments
    }

    struct File {
        let firstBlock: Int64
        let path: String
        /// Numbers from here on belong to the next file.
        var endBlock = Int64.max
    }

    func files() throws(LogError) -> [File] {
        switch place {
        case .file(let path, let firstBlock):
            return [File(firstBlock: firstBlock, path: path)]
        case .folder(let folder):
            // A crash leaves a file without bytes behind; no block was ever in it.
            var files = try folder.segments()
                .filter { FileCalls.size($0.path) != 0 || (FileCalls.size($0.path + "-wal") ?? 0) > 0 }
                .map { File(firstBlock: $0.firstBlock, path: $0.path) }
            for index in files.indices.dropLast() { files[index].endBlock = files[index + 1].firstBlock }
            return files
        }
    }

    func describe(_ file: File) throws(LogError) -> Segment {
        let connection = try SegmentConnection.anywhere(file.path)
        defer { connection.close() }
        let description = try connection.description()
        try check(description, file)
        return Segment(
            path: file.path, firstBlock: file.firstBlock, description: description,
            extent: try connection.extent())
    }

    private enum Beginning {
        case empty
        /// When the first event of its first block was received, milliseconds since 1970.
        case received(Int64)
        /// Its first or its last page is damaged; there may be others.
        case unknown
    }

    private func begin(_ file: File) throws(LogError) -> Beginning {
        let connection = try SegmentConnection.anywhere(file.path)
        defer { connection.close() }
        let description = try connection.description()
        try check(description, file)
        do throws(LogError) {
            return try connection.extent().map { .received($0.firstReceivedMilliseconds) } ?? .empty
        } catch {
            guard case .damaged = error else { throw error }
            return .unknown
        }
    }

    private func check(_ description: SegmentDescription, _ file: File) throws(LogError) {
        guard description.firstBlock != file.firstBlock else { return }
        throw .damaged(
            path: file.path,
            reason: "its first block is \(description.firstBlock), not \(file.firstBlock) as its name says")
    }

    /// What retention took away meanwhile is no damage.
    func report(_ file: File, _ error: LogError) {
        if case .missing = error { return }
        onUnreadable(.segment(path: file.path, reason: error))
    }

    // MARK: Blocks

    /// Calls `body` with each block that holds events received in `received` (milliseconds since 1970),
    /// until it answers false. What `body` throws is thrown on; what cannot be read is given to
    /// `onUnreadable` and passed over. No lock is held while `body` runs.
    ///
    /// - Parameters:
    ///   - newestFirst: in descending order of their numbers, from the newest there is. In ascending order,
    ///     blocks that are committed meanwhile are read, too.
    ///   - from: the number to begin with: blocks before it (behind it, with `newestFirst`) are left out.
    package func forEachBlock(
        received: Range<Int64> = Int64.min..<Int64.max, newestFirst: Bool = false, from: Int64? = nil,
        _ body: (StoredBlock) throws -> Bool
    ) throws {
        guard !received.isEmpty else { return }
        if newestFirst {
            try descend(received, from ?? Int64.max, body)
        } else {
            try ascend(received, from ?? 1, body)
        }
    }

    /// As `forEachBlock`, with the blocks' checksums verified and their events ready to be read.
    package func forEachEventBlock(
        received: Range<Int64> = Int64.min..<Int64.max, newestFirst: Bool = false, from: Int64? = nil,
        _ body: (EventBlock) throws -> Bool
    ) throws {
        try forEachBlock(received: received, newestFirst: newestFirst, from: from) { stored in
            guard let block = decode(stored) else { return true }
            return try body(block)
        }
    }

    /// Decodes a block; nil, with a word to `onUnreadable`, when it is damaged.
    package func decode(_ stored: StoredBlock) -> EventBlock? {
        do throws(BlockDamage) {
            return try decoder.decode(stored)
        } catch {
            let files = (try? files()) ?? []
            let path = (files.last { $0.firstBlock <= stored.number } ?? files.first)?.path
            onUnreadable(
                .blocks(
                    path: path ?? "the log", numbers: stored.number..<stored.number &+ 1,
                    events: stored.eventCount, reason: "\(error.label)"))
            return nil
        }
    }

    private func ascend(
        _ received: Range<Int64>, _ from: Int64, _ body: (StoredBlock) throws -> Bool
    ) throws {
        var next = from
        var newest: Int64 = 0
        var previous: File?
        while true {
            let files = try files().filter { $0.endBlock > next }
            // No segment has begun since the last look: everything is read.
            guard let last = files.last, last.firstBlock != newest else { return }
            newest = last.firstBlock
            for (index, file) in files.enumerated() {
                let follower = index + 1 < files.count ? files[index + 1] : nil
                if let follower, begins(follower, before: received) { continue }
                defer { previous = file }
                do throws(LogError) {
                    switch try begin(file) {
                    case .empty: continue
                    case .received(let first): if first > later(received.upperBound) { return }
                    case .unknown: break
                    }
                } catch {
                    report(file, error)
                    next = file.endBlock
                    continue
                }
                if let previous { reportGap(between: previous, and: file) }
                let walk = SegmentWalk(path: file.path, received: received, onUnreadable: onUnreadable)
                defer { walk.close() }
                guard try walk.ascend(max(next, file.firstBlock)..<file.endBlock, body) else { return }
                next = max(next, walk.reached)
            }
        }
    }

    private func descend(
        _ received: Range<Int64>, _ from: Int64, _ body: (StoredBlock) throws -> Bool
    ) throws {
        for file in try files().reversed() where file.firstBlock <= from {
            var firstReceived: Int64?
            do throws(LogError) {
                switch try begin(file) {
                case .empty: continue
                case .received(let first): firstReceived = first
                case .unknown: break
                }
            } catch {
                report(file, error)
                continue
            }
            if let firstReceived, firstReceived > later(received.upperBound) { continue }
            let walk = SegmentWalk(path: file.path, received: received, onUnreadable: onUnreadable)
            defer { walk.close() }
            let end = from == Int64.max ? file.endBlock : min(file.endBlock, from + 1)
            guard try walk.descend(file.firstBlock..<end, body) else { return }
            if let firstReceived, later(firstReceived) < received.lowerBound { return }
        }
    }

    /// Whether all that comes before this file was received before `received`.
    private func begins(_ file: File, before received: Range<Int64>) -> Bool {
        guard received.lowerBound > Int64.min, let extent = try? describe(file).extent else { return false }
        return later(extent.firstReceivedMilliseconds) < received.lowerBound
    }

    private func later(_ milliseconds: Int64) -> Int64 {
        let (sum, overflow) = milliseconds.addingReportingOverflow(LogFolderReader.overlapMilliseconds)
        return overflow ? Int64.max : sum
    }

    private func reportGap(between previous: File, and file: File) {
        // A segment is complete once the next one is there. One that cannot be read was reported before.
        guard previous.firstBlock < file.firstBlock, let segment = try? describe(previous) else { return }
        let end = segment.extent.map { $0.lastBlock + 1 } ?? segment.firstBlock
        if end < file.firstBlock { onUnreadable(.gap(end..<file.firstBlock)) }
    }
}
