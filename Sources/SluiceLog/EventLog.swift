import SluiceCore
import Synchronization

/// What opening a data folder found worth telling. None of it keeps the log from working.
package enum LogNotice: Hashable, Sendable, CustomStringConvertible {
    /// Blocks in this range are in no segment.
    case gap(Range<Int64>)
    /// A file that a crash left half made; it held no events.
    case removedIncomplete(path: String)
    /// A segment was not closed before the last stop; it is now.
    case sealedLeftover(path: String)
    /// A segment that is not the newest cannot be read; the rest is served.
    case unreadable(path: String, reason: LogError)
    /// A segment that is not the newest names a later format in its header only; it is served.
    case damagedHeader(path: String, found: Int)
    /// The newest segment cannot be used; it lies under another name now, and the log goes on behind
    /// every block it may have held.
    case setAside(path: String, as: String, nextBlock: Int64, reason: LogError)
    /// The newest segment ends earlier than cursors and receipts say the log did: events are gone that were
    /// acknowledged. The log goes on behind all numbers that were used.
    case lostEnd(path: String, end: LogHead, known: LogHead, keptLog: String?)

    /// The state file is damaged; it lies under another name now, and a new one is made.
    case stateSetAside(path: String, as: String, reason: LogError)
    /// The state file is damaged; it lies under another name now, and what could be read is in a new one.
    case stateSalvaged(path: String, as: String, reason: LogError, hasCursors: Bool, lost: String)

    /// Whether events are lost, or may be sent again.
    package var isLoud: Bool {
        switch self {
        case .gap, .unreadable, .damagedHeader, .setAside, .lostEnd, .stateSetAside, .stateSalvaged: true
        case .removedIncomplete, .sealedLeftover: false
        }
    }

    package var description: String {
        switch self {
        case .stateSetAside(_, let aside, let reason):
            "cannot use the state file: \(reason). It is kept as \(FileCalls.name(of: aside)); nothing of it can be"
                + " read, so every destination begins again at the oldest block there is"
        case .stateSalvaged(_, let aside, let reason, let hasCursors, let lost):
            "the state file is damaged: \(reason). It is kept as \(FileCalls.name(of: aside)), and what could be read is"
                + " in a new one: "
                + (hasCursors
                    ? "every cursor"
                    : "NOT EVERY CURSOR, and destinations without one begin"
                        + " again at the oldest block there is") + "; \(lost)"
        case .gap(let numbers):
            "blocks \(numbers.lowerBound) to \(numbers.upperBound - 1) are in no segment"
        case .lostEnd(let path, let end, let known, let kept):
            "THE END OF THE LOG IS GONE: \(path) ends before block \(end.nextBlock), after \(end.events) events, but the"
                + " log held \(known.events) before block \(known.nextBlock)."
                + " It goes on with block \(known.nextBlock); what was not delivered of the events between expires"
                + (kept.map { ". Its write-ahead log is kept as \($0) for those who repair it" } ?? "")
        case .removedIncomplete(let path): "removed \(path), left by a crash, which held no events"
        case .sealedLeftover(let path): "closed the segment \(path)"
        case .unreadable(let path, let reason): "cannot read the segment \(path): \(reason)"
        case .damagedHeader(let path, let found):
            "the header of the segment \(path) is damaged: it says format \(found), its content does not. It is served;"
                + " sluice fsck --repair writes it anew"
        case .setAside(let path, let aside, let next, let reason):
            "cannot use the newest segment \(path): \(reason). It is kept as \(aside) for those who repair"
                + " it; its events are not delivered, and the log goes on with block \(next)"
        }
    }
}

/// An opened data folder: the one owner of its log and its state file.
///
/// Opening takes the folder's lock, lets SQLite take up what a crash left in the newest segment's
/// WAL, closes older segments that were left open, and finds where the log ends. From then on the
/// writer and the readers made here share its parts; the folder stays locked until `close`, or until
/// this object is freed.
// @unchecked: `lock` is guarded by `guarded`; all else is immutable or Sendable.
package final class EventLog: @unchecked Sendable {
    package let folder: DataFolder
    package let configuration: LogConfiguration
    package let stats = LogStats()
    /// Who needs which blocks; retention asks.
    package let holds = SegmentHolds()
    package let growth = GrowthMeter()
    /// Damage that was found; filled from the state file when that is opened.
    package let quarantine: Quarantine
    /// What was given up although somebody needed it; filled from the state file, too.
    package let givenUp: GivenUp
    /// Rings for whoever saves to the state file.
    package let stateBell = StateBell()
    /// What opening found, in the order of segments.
    package let notices: [LogNotice]
    /// Whether the log holds events although there was no usable state file when it was opened. Every
    /// start makes that file, so it was there once.
    ///
    /// Also what `makeDeliveryState` finds lost.
    package var stateWasLost: Bool { stateLoss.load(ordering: .relaxed) }
    private let stateLoss: Atomic<Bool>
    let clock: LogClock
    let faults: LogFaults
    let headCell: LogHeadCell
    let catalog = SegmentCatalog()
    /// Looks closer at segments that readers find damaged.
    let scout: DamageScout
    let readers = RecentReaders()

    private let lock: FolderLock
    private var newest: WriterSegment?  // guarded by `guarded`
    private let guarded = Mutex(())

    /// Opens the data folder at `path` and makes it where there is none.
    package static func open(
        folder path: String, configuration: LogConfiguration = LogConfiguration(),
        clock: LogClock = .system, faults: LogFaults = LogFaults()
    ) throws(LogError) -> EventLog {
        try EventLog(
            folder: DataFolder(path), configuration: configuration, clock: clock, faults: faults)
    }

    private init(
        folder: DataFolder, configuration: LogConfiguration, clock: LogClock, faults: LogFaults
    ) throws(LogError) {
        self.folder = folder
        self.configuration = configuration
        self.clock = clock
        self.faults = faults
        quarantine = Quarantine(bell: stateBell)
        givenUp = GivenUp(bell: stateBell)
        try folder.create()
        lock = try FolderLock(folder)
        let stateFile = StateFile(path: folder.state)
        try stateFile.finishSalvage(nowMilliseconds: clock.wallMilliseconds())
        // Before anybody opens it, and thereby builds upon what its WAL holds.
        try FileCalls.makeWALDurable(of: folder.state)
        var stateNotice: LogNotice?
        var condition = try stateFile.examine()
        if case .damaged(let reason) = condition {
            let result = try StateSalvage(path: folder.state).run(nowMilliseconds: clock.wallMilliseconds())
            condition = result.hasCursors ? .sound : result.isReplaced ? .withoutCursors : .missing
            stateNotice =
                result.isReplaced
                ? .stateSalvaged(
                    path: folder.state, as: result.aside, reason: reason, hasCursors: result.hasCursors,
                    lost: result.summary)
                : .stateSetAside(path: folder.state, as: result.aside, reason: reason)
        }
        var survey = try LogSurvey(
            folder: folder, configuration: configuration, clock: clock, faults: faults)
        if condition == .sound || condition == .withoutCursors, let known = StateStore.furthest(path: folder.state) {
            try survey.continueBehind(known, folder, configuration, clock, faults)
        }
        for entry in survey.entries { catalog.add(entry) }
        notices = survey.notices + (stateNotice.map { [$0] } ?? [])
        headCell = LogHeadCell(survey.head)
        scout = DamageScout(quarantine: quarantine, catalog: catalog, headCell: headCell, clock: clock)
        for blocks in survey.damage(nowMilliseconds: clock.wallMilliseconds()) { quarantine.note(blocks) }
        stateLoss = Atomic(condition != .sound && survey.head.events > 0)
        newest = survey.newest
        stats.currentSegment.store(survey.entries.last?.firstBlock ?? 0, ordering: .relaxed)
    }

    deinit { close() }

    /// Gives the folder up. The writer's thread must have ended; readers must not be used any more.
    package func close() {
        guarded.withLock { _ in
            newest?.close()
            newest = nil
            scout.close()
            catalog.closeIdle()
            lock.close()
        }
    }

    /// Where the log ends. Any thread.
    package var head: LogHead { headCell.load() }

    /// Bytes of all segments and their write-ahead logs, as of now.
    package func diskBytes() -> Int64 { catalog.diskBytes() }

    /// How many segment files there are.
    package var segmentCount: Int { catalog.entries.count }

    /// The log thread's work. Only once for an opened log, and before the shards' threads start.
    ///
    /// - Parameters:
    ///   - fingerprints: the table that the log thread is to tend.
    ///   - onCommit: called on the log thread after each commit, with the new head.
    package func makeWriter(
        channels: [ShardChannel], parker: any Parker, fingerprints: FingerprintTable? = nil,
        onCommit: @escaping @Sendable (LogHead) -> Void = { _ in }
    ) -> LogWriter {
        let segment = guarded.withLock { _ in
            defer { newest = nil }
            return newest
        }
        guard let segment else { preconditionFailure("a log has one writer") }
        return LogWriter(
            log: self, segment: segment, channels: channels, parker: parker, fingerprints: fingerprints,
            onCommit: onCommit)
    }

    /// A reader for one delivery thread. Each holds up to `recentBytes + decodedBytes` and 8 MiB.
    package func makeReader() -> any BlockSource {
        LogReader(
            headCell: headCell, catalog: catalog, readers: readers, quarantine: quarantine, givenUp: givenUp,
            configuration: configuration)
    }

    /// Bytes a light reader holds, apart from what it has just fetched.
    package static let lightReaderBytes = 5 << 20

    /// A reader that keeps little in memory, for a look at what is committed: the log thread hands it
    /// recent blocks, but never waits for it.
    package func makeLightReader() -> any BlockSource {
        var light = configuration
        light.recentBytes = EventLog.lightReaderBytes * 4 / 5
        light.decodedBytes = EventLog.lightReaderBytes / 5
        return LogReader(
            headCell: headCell, catalog: catalog, readers: readers, quarantine: quarantine, givenUp: givenUp,
            configuration: light)
    }

    /// Opens the state file, for the delivery thread. Makes it where there is none.
    package func makeDeliveryState() throws(LogError) -> any DeliveryState & ReplayStore {
        let catalog = catalog
        let stats = stats
        let headCell = headCell
        let store = try StateStore(
            path: folder.state,
            surroundings: StateStore.Surroundings(
                quarantine: quarantine, givenUp: givenUp,
                removedBlocks: { stats.removedBlocks.load(ordering: .relaxed) },
                oldestBlock: { catalog.entries.first?.firstBlock ?? 0 },
                head: { headCell.load() }, clock: clock,
                onIncident: { stats.note($0) }), cursorsWereLost: stateWasLost)
        if store.saysCursorsWereLost, head.events > 0 { stateLoss.store(true, ordering: .relaxed) }
        return store
    }
}
