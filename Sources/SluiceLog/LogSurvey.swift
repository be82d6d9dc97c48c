import Foundation
import SluiceCore

/// What is in a log folder, found out once when it is opened.
struct LogSurvey {
    private(set) var entries: [SegmentCatalog.Entry] = []
    private(set) var notices: [LogNotice] = []
    private(set) var head = LogHead(nextBlock: 1, events: 0)
    private(set) var newest: WriterSegment?
    /// Whether a later version has written to this log.
    private var newestIsNewer = false

    init(
        folder: DataFolder, configuration: LogConfiguration, clock: LogClock, faults: LogFaults
    ) throws(LogError) {
        var notices = try LogSurvey.removeDrafts(folder)
        var segments = try folder.segments()
        // Nothing is committed to a file before it has a header, so an empty one holds nothing.
        while let last = segments.last, try LogSurvey.isEmpty(last.path) {
            try FileCalls.remove(last.path)
            notices.append(.removedIncomplete(path: last.path))
            segments.removeLast()
        }
        self.notices = notices
        newestIsNewer = segments.last.map { LogSurvey.isNewer($0.path) } ?? false
        for segment in segments.dropLast() {
            try addOlder(segment.firstBlock, segment.path, configuration, clock)
        }
        if let last = segments.last {
            do throws(LogError) {
                try takeNewest(last.firstBlock, last.path, folder, configuration, clock, faults)
                return
            } catch {
                guard DamagedSegment.mayBeSetAside(error, path: last.path) else { throw error }
                let damaged = DamagedSegment(folder: folder, firstBlock: last.firstBlock, path: last.path)
                let aside = try damaged.setAside(nowMilliseconds: clock.wallMilliseconds())
                let next = damaged.headBehind(head, aside: aside)
                self.notices.append(
                    .setAside(path: last.path, as: aside, nextBlock: next.nextBlock, reason: error))
                try beginNewest(at: next, folder, configuration, clock, faults)
            }
        } else {
            try beginNewest(at: head, folder, configuration, clock, faults)
        }
    }

    /// Blocks that were committed and cannot be had: gaps between segments, segments that cannot be read, and the end
    /// where it was lost.
    func damage(nowMilliseconds: Int64) -> [QuarantinedBlocks] {
        var damage: [QuarantinedBlocks] = []
        func note(_ numbers: Range<Int64>, _ events: Int64?, _ reason: String, _ path: String?) {
            guard !numbers.isEmpty else { return }
            damage.append(
                QuarantinedBlocks(
                    firstBlock: numbers.lowerBound, lastBlock: numbers.upperBound - 1,
                    events: Int(max(0, events ?? 0)), reason: reason,
                    segment: path.map { FileCalls.name(of: $0) } ?? "", foundMilliseconds: nowMilliseconds))
        }
        for notice in notices {
            switch notice {
            case .gap(let numbers):
                let before = entries.last { $0.firstBlock < numbers.upperBound && $0.firstEvent != nil }
                let after = entries.first { $0.firstBlock >= numbers.upperBound }
                note(numbers, between(before?.endEvent, after?.firstEvent), "in no segment", nil)
            case .unreadable(let path, let reason):
                guard let index = entries.firstIndex(where: { $0.path == path }) else { continue }
                let end = index + 1 < entries.count ? entries[index + 1].firstBlock : head.nextBlock
                let after = index + 1 < entries.count ? entries[index + 1].firstEvent : head.events
                let before = index > 0 ? entries[index - 1].endEvent : nil
                note(entries[index].firstBlock..<end, between(before, after), "\(reason)", path)
            case .setAside(let path, let aside, let next, let reason):
                let first = DataFolder.firstBlock(of: FileCalls.name(of: path)) ?? next
                let before = entries.last { $0.firstBlock < first }
                let after = entries.first { $0.firstBlock >= next }?.firstEvent
                note(first..<next, between(before?.endEvent, after), "\(reason)", aside)
            case .lostEnd(let path, let end, let known, let kept):
                note(
                    end.nextBlock..<known.nextBlock, known.events - end.events, "the end of the log was lost",
                    kept ?? path)
            case .removedIncomplete, .sealedLeftover, .damagedHeader, .stateSetAside, .stateSalvaged: break
            }
        }
        return damage
    }

    private func between(_ first: Int64?, _ end: Int64?) -> Int64? {
        guard let first, let end else { return nil }
        return end - first
    }

    /// Goes on behind numbers that the state file knows to be used, where the newest segment lost its end: a
    /// cursor may stand there, and a receipt may name them. The segment is closed as it is.
    mutating func continueBehind(
        _ known: LogHead, _ folder: DataFolder, _ configuration: LogConfiguration, _ clock: LogClock,
        _ faults: LogFaults
    ) throws(LogError) {
        guard known.nextBlock > head.nextBlock, known.events >= head.events, let short = newest else { return }
        let end = head
        // SQLite ignores what is behind the damage in it, and writes over it.
        var kept: String?
        let wal = short.path + "-wal"
        if FileCalls.exists(wal) {
            let copy = short.path + ".damaged-\(clock.wallMilliseconds())-wal"
            if (try? FileManager.default.copyItem(atPath: wal, toPath: copy)) != nil { kept = copy }
        }
        newest = nil
        try short.seal(nowMilliseconds: clock.wallMilliseconds())
        if let last = entries.indices.last {
            entries[last].isSealed = true
            entries[last].sealedBytes = FileCalls.size(entries[last].path) ?? 0
            entries[last].newestMilliseconds = short.newestMilliseconds
            entries[last].endEvent = end.events
        }
        head = LogHead(nextBlock: known.nextBlock, events: known.events)
        notices.append(.lostEnd(path: short.path, end: end, known: head, keptLog: kept))
        try beginNewest(at: head, folder, configuration, clock, faults)
    }

    private mutating func beginNewest(
        at head: LogHead, _ folder: DataFolder, _ configuration: LogConfiguration, _ clock: LogClock,
        _ faults: LogFaults
    ) throws(LogError) {
        try WriterSegment.create(
            in: folder, at: head, nowMilliseconds: clock.wallMilliseconds(), configuration: configuration)
        let path = folder.segment(firstBlock: head.nextBlock)
        try takeNewest(head.nextBlock, path, folder, configuration, clock, faults)
    }

    /// Opens the segment that is written to.
    private mutating func takeNewest(
        _ firstBlock: Int64, _ path: String, _ folder: DataFolder, _ configuration: LogConfiguration,
        _ clock: LogClock, _ faults: LogFaults
    ) throws(LogError) {
        _ = try LogSurvey.header(path)
        try FileCalls.makeWALDurable(of: path)
        let newest = try WriterSegment(path: path, configuration: configuration, faults: faults)
        do throws(LogError) {
            try LogSurvey.checkName(newest.description, firstBlock)
            let extent = try newest.extent()
            let description = newest.description
            if extent == nil, wasNotBegun(firstBlock) {
                newest.close()
                try removeNotBegun(path)
                try beginNewest(at: head, folder, configuration, clock, faults)
                return
            }
            try append(
                extent, of: description,
                SegmentCatalog.Entry(
                    firstBlock: firstBlock, path: path, firstEvent: description.firstEvent, isSealed: false))
        } catch {
            newest.close()
            throw error
        }
        self.newest = newest
    }

    /// Takes up a segment that is not the newest, closing it where that was left undone.
    private mutating func addOlder(
        _ firstBlock: Int64, _ path: String, _ configuration: LogConfiguration, _ clock: LogClock
    ) throws(LogError) {
        var isSealed = true
        do throws(LogError) {
            if try LogSurvey.isUnfinished(path) {
                try FileCalls.makeWALDurable(of: path)
                let open = try WriterSegment(path: path, configuration: configuration)
                do throws(LogError) {
                    try open.seal(nowMilliseconds: clock.wallMilliseconds())
                    notices.append(.sealedLeftover(path: path))
                } catch {
                    open.close()
                    // A disk that takes no writes now: it can be read all the same, and closed at another start.
                    switch error {
                    case .diskFull, .failed, .busy: isSealed = false
                    default: throw error
                    }
                }
            }
            let connection = try SegmentConnection(path: path)
            defer { connection.close() }
            let description = try connection.description()
            try LogSurvey.checkName(description, firstBlock)
            if description.isHeaderDamaged {
                notices.append(.damagedHeader(path: path, found: description.headerFormat))
            }
            let extent = try connection.extent()
            if extent == nil, wasNotBegun(firstBlock) {
                connection.close()
                try removeNotBegun(path)
                return
            }
            try append(
                extent, of: description,
                SegmentCatalog.Entry(
                    firstBlock: firstBlock, path: path, firstEvent: description.firstEvent,
                    isSealed: isSealed, sealedBytes: FileCalls.size(path) ?? 0,
                    newestMilliseconds: extent?.lastReceivedMilliseconds ?? description.createdMilliseconds,
                    endEvent: extent?.endEvent ?? description.firstEvent))
        } catch {
            switch error {
            case .diskFull, .permissionDenied, .readOnly, .busy:
                throw error
            case .newerFormat where newestIsNewer:
                throw error
            default:
                notices.append(.unreadable(path: path, reason: error))
                entries.append(
                    SegmentCatalog.Entry(
                        firstBlock: firstBlock, path: path, firstEvent: nil, isSealed: true,
                        sealedBytes: FileCalls.size(path) ?? 0,
                        newestMilliseconds: FileCalls.modifiedMilliseconds(path)))
            }
        }
    }

    /// Checks that the file is the one its name promises.
    private static func checkName(
        _ description: SegmentDescription, _ firstBlock: Int64
    ) throws(LogError) {
        guard description.firstBlock == firstBlock else {
            throw .damaged(
                path: description.path,
                reason: "its first block is \(description.firstBlock), not \(firstBlock) as its name says")
        }
    }

    /// Checks that a readable segment goes on where the one before it ended.
    private mutating func append(
        _ extent: SegmentExtent?, of description: SegmentDescription, _ entry: SegmentCatalog.Entry
    ) throws(LogError) {
        let first = extent?.firstBlock ?? description.firstBlock
        let follows = entries.last.map { $0.firstEvent != nil } ?? false
        if follows {
            guard first >= head.nextBlock else {
                throw .damaged(
                    path: entry.path,
                    reason: "its block \(first) is also in the segment before it, which ends with block "
                        + "\(head.nextBlock - 1)")
            }
            if first > head.nextBlock { notices.append(.gap(head.nextBlock..<first)) }
        }
        head = LogHead(
            nextBlock: extent.map { $0.lastBlock + 1 } ?? description.firstBlock,
            events: extent?.endEvent ?? description.firstEvent)
        entries.append(entry)
    }

    /// Removes segments that were being made when the process died; they never held a block.
    private static func removeDrafts(_ folder: DataFolder) throws(LogError) -> [LogNotice] {
        var notices: [LogNotice] = []
        for name in try folder.names() where name.contains(".sqlite.creating") {
            let path = folder.log + "/" + name
            try FileCalls.remove(path)
            notices.append(.removedIncomplete(path: path))
        }
        return notices
    }

    /// Whether an empty segment was made and never used: while the disk failed it could not be opened, and the
    /// log went on in the one before.
    private func wasNotBegun(_ firstBlock: Int64) -> Bool {
        entries.last?.firstEvent != nil && firstBlock < head.nextBlock
    }

    private mutating func removeNotBegun(_ path: String) throws(LogError) {
        for suffix in ["-wal", "-shm", "-journal", ""] { try FileCalls.remove(path + suffix) }
        notices.append(.removedIncomplete(path: path))
    }

    /// Whether closing the segment was left undone. A power loss can bring back side files that had been
    /// removed: a journal must be rolled back, which a reader cannot do, and a WAL must not outlive what
    /// is done to the file next.
    private static func isUnfinished(_ path: String) throws(LogError) -> Bool {
        let kind = try SegmentHeader.read(
            path, applicationID: SegmentSchema.applicationID, version: SegmentSchema.formatVersion)
        if case .newer(let found) = kind {
            // What only looks like it can be read as it is, unless something was left to be done to it.
            guard !FileCalls.exists(path + "-wal"), !FileCalls.exists(path + "-journal") else {
                throw .newerFormat(path: path, found: found, supported: SegmentSchema.formatVersion)
            }
            return false
        }
        if case .ours(isWAL: true) = try header(path) { return true }
        return FileCalls.exists(path + "-wal") || FileCalls.exists(path + "-journal")
    }

    private static func isEmpty(_ path: String) throws(LogError) -> Bool {
        FileCalls.size(path) == 0 && (FileCalls.size(path + "-wal") ?? 0) == 0
    }

    private static func isNewer(_ path: String) -> Bool {
        let kind = try? SegmentHeader.read(
            path, applicationID: SegmentSchema.applicationID, version: SegmentSchema.formatVersion)
        if case .newer? = kind { return true }
        return false
    }

    /// The header of one of our segments, or the error that says whose file it is.
    private static func header(_ path: String) throws(LogError) -> SegmentHeader.Kind {
        let kind = try SegmentHeader.read(
            path, applicationID: SegmentSchema.applicationID, version: SegmentSchema.formatVersion)
        switch kind {
        case .empty: throw .damaged(path: path, reason: "it is empty")
        case .foreign: throw .foreignFile(path: path)
        case .newer(let version):
            throw .newerFormat(path: path, found: version, supported: SegmentSchema.formatVersion)
        case .ours: return kind
        }
    }
}
