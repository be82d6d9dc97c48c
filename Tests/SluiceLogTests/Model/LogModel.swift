import Foundation
import SluiceCore
import Synchronization

@testable import SluiceLog

/// Drives a log through random operations, disk failures, kills and power losses, beside an ideal one.
///
/// Everything runs on one thread: the log writer's own loop runs here, and each time it would sleep the
/// model takes a step in its place. So a seed always takes the same way.
///
///     session: open, compare everything with the ideal log, run steps, end (in order, killed, powerless)
///
/// Owner: one test. Invariant: `out` holds, by shard, what was submitted and has not come back.
final class LogModel {
    struct Options {
        var seed: UInt64
        var steps: Int
        var honesty = TornDisk.Honesty.syncs
        /// Gives up old blocks; returns the oldest one kept. Called between steps.
        var retain: ((EventLog, IdealLog, inout ModelRandom) throws -> Int64)?
    }

    /// What a run met, to see that it met anything.
    struct Figures: Equatable {
        var blocks = 0
        var failedBlocks = 0
        var powerLosses = 0
        var kills = 0
        var cleanEnds = 0
        var failedOpens = 0
        var faults = 0
        var segments = 0
        var doubtfulKept = 0
        var cursorsSaved = 0
    }

    private static let destinations = ["north", "south"]
    /// Text that does not compress away.
    private static let letters: [UInt8] = {
        var random = ModelRandom(seed: 26)
        return (0..<32_768).map { _ in UInt8(97 + random.below(26)) }
    }()

    private(set) var figures = Figures()
    private let options: Options
    private let folder: TemporaryFolder
    private var random: ModelRandom
    private var disk: TornDisk
    private var disks = 0
    private var stepsLeft: Int
    private var ideal = IdealLog()
    private let clock = ModelClock()
    private var nextEvent = 1
    private var out: [[IdealLog.Draft]] = []
    /// Reported as failed, and not known to be gone from the file.
    private var lingering: [IdealLog.Draft] = []
    private var sureCursors: [String: Cursor] = [:]
    private var stateWasMade = false
    private var failure: (any Error)?

    init(_ options: Options) throws {
        self.options = options
        random = ModelRandom(seed: options.seed)
        stepsLeft = options.steps
        folder = TemporaryFolder(inMemory: true)
        disk = TornDisk(root: try Self.makeFolder(folder, 0), seed: options.seed ^ 0xD15C, honesty: options.honesty)
    }

    private static func makeFolder(_ folder: TemporaryFolder, _ number: Int) throws -> String {
        let path = folder.file("disk-\(number)")
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        return path
    }

    /// Runs all steps, then opens the log once more in peace and compares.
    func run() throws {
        while stepsLeft > 0 { try session() }
        disk.fail(0)
        try session()
    }

    // MARK: A session

    private func session() throws {
        let isLast = stepsLeft == 0
        if !isLast { plan(before: true) }
        let log: EventLog
        let state: any DeliveryState
        do {
            log = try EventLog.open(
                folder: disk.root + "/data", configuration: configuration(), clock: clock.clock)
        } catch {
            try failedToOpen(error)
            return
        }
        do {
            state = try log.makeDeliveryState()
        } catch {
            log.close()
            try failedToOpen(error)
            return
        }
        if disk.isOff {
            log.close()
            try restart()
            return
        }
        if disk.isFailing, log.notices.contains(where: \.isUnreadable) {
            // It says so and serves the rest: somebody will start it again.
            log.close()
            return try failedToOpen(ModelFailure("\(log.notices)"))
        }
        disk.fail(0)
        trace("opened, \(log.head) \(log.notices)")
        try compare(log, state)
        stateWasMade = true
        try work(log, state)
        log.close()
        trace("ended")
        figures.segments = max(figures.segments, log.segmentCount)
        if let failure { throw failure }
        if disk.isOff { return try restart() }
        figures.cleanEnds += 1
        // Whoever ends while the disk fails leaves the file as it is.
        ideal.doubt(lingering)
        lingering = []
    }

    private func failedToOpen(_ error: any Error) throws {
        trace("not opened: \(error)")
        figures.failedOpens += 1
        figures.faults += disk.faults
        if disk.isOff { return try restart() }
        guard disk.isFailing else { throw ModelFailure("a sound disk cannot be opened: \(error)") }
        disk.fail(0)
    }

    /// The process died; the machine perhaps, too.
    private func restart() throws {
        trace("restart, doubtful: \((out.flatMap(\.self) + lingering).map(\.payload.count))")
        ideal.doubt(out.flatMap(\.self) + lingering)
        disks += 1
        let isLoss = disk.isLossy
        if isLoss { figures.powerLosses += 1 } else { figures.kills += 1 }
        losses = losses || isLoss
        let old = disk.root
        disk = try disk.survivor(at: try Self.makeFolder(folder, disks))
        try? FileManager.default.removeItem(atPath: old)
        out = []
        lingering = []
    }
    /// Whether power was lost since the log was last compared.
    private var losses = false

    private func configuration() -> LogConfiguration {
        var configuration = LogConfiguration()
        configuration.segmentBytes = random.within(40...200) << 10
        configuration.walBytes = random.within(16...128) << 10
        configuration.groupBytes = random.within(1...40) << 10
        configuration.compression = random.chance(0.5) ? .none : .zstd
        configuration.recentBytes = random.within(1...64) << 10
        configuration.decodedBytes = random.within(1...64) << 10
        return configuration
    }

    /// What is to go wrong.
    private func plan(before opening: Bool) {
        if random.chance(opening ? 0.2 : 0.06) {
            disk.end(random.chance(0.6) ? .powerLoss : .kill, afterCalls: random.below(opening ? 40 : 80))
        }
        if random.chance(opening ? 0.1 : 0.1) {
            disk.fail(random.chance(0.5) ? 1 : random.unit() * 0.3)
        } else if random.chance(0.4) {
            figures.faults += disk.faults
            disk.fail(0)
        }
    }

    // MARK: Comparing

    private func compare(_ log: EventLog, _ state: any DeliveryState) throws {
        for notice in log.notices {
            switch notice {
            case .removedIncomplete, .sealedLeftover: continue
            case .gap, .unreadable, .damagedHeader, .setAside, .stateSetAside, .stateSalvaged, .lostEnd:
                throw ModelFailure("opening found: \(notice)")
            }
        }
        if stateWasMade, log.stateWasLost { throw ModelFailure("the state file is gone") }
        let before = ideal.head.nextBlock
        var found: [EventBlock] = []
        let reader = log.makeReader()
        var next: Int64 = 1
        while let block = try read(reader, next) {
            found.append(block)
            next = block.number + 1
        }
        try ideal.takeUp(found, head: log.head)
        figures.doubtfulKept += Int(ideal.head.nextBlock - before)
        for destination in Self.destinations {
            let cursor = try state.cursor(of: destination)
            try ideal.compare(cursor, of: destination, afterLoss: losses, sure: sureCursors[destination])
            sureCursors[destination] = cursor
        }
        losses = false
    }

    private func read(_ reader: any BlockSource, _ number: Int64) throws -> EventBlock? {
        do {
            return try reader.block(atOrAfter: number)
        } catch {
            throw ModelFailure("block \(number) cannot be read: \(error)")
        }
    }

    // MARK: Steps

    private func work(_ log: EventLog, _ state: any DeliveryState) throws {
        let shards = random.within(1...3)
        let parker = ScriptParker()
        let wakers = (0..<shards).map { _ in ScriptParker() }
        let channels = (0..<shards).map { ShardChannel(shard: $0, wakeShard: wakers[$0], capacity: 8) }
        out = Array(repeating: [], count: shards)
        let writer = log.makeWriter(channels: channels, parker: parker)
        let reader = log.makeReader()
        for shard in 0..<shards { wakers[shard].onWake = { [unowned self] in collect(channels[shard], shard) } }
        parker.onPark = { [unowned self] in
            if disk.isOff || failure != nil || stepsLeft == 0 { return writer.stop() }
            stepsLeft -= 1
            do {
                if try step(log, state, reader, channels) == false { writer.stop() }
            } catch {
                failure = error
                writer.stop()
            }
        }
        writer.run()
        parker.onPark = nil
        for waker in wakers { waker.onWake = nil }
        if failure == nil, !disk.isOff, out.contains(where: { !$0.isEmpty }) {
            failure = ModelFailure("the writer ended and kept blocks")
        }
    }

    /// False to end the session in order.
    private func step(
        _ log: EventLog, _ state: any DeliveryState, _ reader: any BlockSource, _ channels: [ShardChannel]
    ) throws -> Bool {
        plan(before: false)
        switch random.below(20) {
        case 0..<11:
            for _ in 0..<random.within(1...5) { submit(channels) }
        case 11: clock.advance(milliseconds: 3_700_000)
        case 12..<15:
            let number = Int64(random.below(Int(ideal.head.nextBlock) + 2))
            let source = random.chance(0.3) ? log.makeReader() : reader
            do {
                try ideal.compare(try source.block(atOrAfter: number), askedFor: number)
            } catch let error as BlockSourceError {
                // Opening a connection may need a write, which may fail just now.
                guard case .unavailable = error, disk.isFailing || disk.isOff else {
                    throw ModelFailure("block \(number) cannot be read: \(error)")
                }
            }
        case 15..<18: save(state)
        case 18 where random.chance(0.4): return false
        default:
            if let retain = options.retain { ideal.oldest = try retain(log, ideal, &random) }
        }
        clock.advance(milliseconds: Int64(random.within(0...6000)))
        return true
    }

    private func submit(_ channels: [ShardChannel]) {
        let shard = random.below(channels.count)
        let block = OpenBlock(capacity: 1024)
        block.reset(ticket: 1)
        for _ in 0..<random.within(1...4) {
            let id = "e\(nextEvent)"
            nextEvent += 1
            let filler = random.chance(0.3) ? random.within(1...9000) : 0
            let start = random.below(Self.letters.count - filler)
            let text = String(decoding: Self.letters[start..<start + filler], as: UTF8.self)
            block.payload.append("{\"id\":\"\(id)\",\"filler\":\"\(text)\"}\n")
            block.filterHashes.append(idHash(id))
            block.fingerprints.append(idHash("click " + id))
            block.finishEvent(receivedMilliseconds: clock.clock.wallMilliseconds())
        }
        let draft = IdealLog.Draft(
            shard: shard, eventCount: block.eventCount, payload: block.payload.bytes.array)
        if channels[shard].submit(block) { out[shard].append(draft) }
    }

    /// Takes back what the writer has settled.
    private func collect(_ channel: ShardChannel, _ shard: Int) {
        while let block = channel.takeReturned() {
            // Nobody is alive to hear of it: it stays in `out`.
            if disk.isOff { continue }
            let draft = out[shard].removeFirst()
            if draft.payload != block.payload.bytes.array { failure = ModelFailure("blocks come back in disorder") }
            switch block.commit {
            case .pending: failure = ModelFailure("a block came back without an answer")
            case .failed:
                trace("failed: \(draft.eventCount) events, \(draft.payload.count) bytes")
                figures.failedBlocks += 1
                lingering.append(draft)
            case .committed(let number):
                trace("committed: \(number), \(draft.payload.count) bytes")
                figures.blocks += 1
                // The file was put right before anything could be committed to it.
                lingering = []
                do { try ideal.commit(draft, number: number) } catch { failure = error }
            }
        }
    }

    private func trace(_ text: @autoclosure () -> String) {
        if TornDisk.isTraced { print(text()) }
    }

    private func save(_ state: any DeliveryState) {
        let destination = Self.destinations[random.below(Self.destinations.count)]
        let last = sureCursors[destination]
        let oldest = last?.position.block ?? 1
        let block = oldest + Int64(random.below(Int(ideal.head.nextBlock - oldest) + 1))
        var counts = OutcomeCounts()
        counts.delivered = Int64(random.below(1 << 30))
        let cursor = Cursor(
            destination: destination, position: EventSequence(block: block, index: 0), startEvent: 0,
            counts: counts)
        ideal.save(cursor)
        trace("save \(destination) \(block) \(counts.delivered)")
        do {
            try state.save(cursors: [cursor], exceptions: [])
            if !disk.isOff {
                sureCursors[destination] = cursor
                figures.cursorsSaved += 1
            }
        } catch {
            trace("not saved, or nobody knows: \(error)")
        }
    }
}

/// Runs a closure in place of sleeping or waking somebody. For one thread only.
// @unchecked: one thread.
private final class ScriptParker: Parker, @unchecked Sendable {
    var onPark: (() -> Void)?
    var onWake: (() -> Void)?

    func wake() { onWake?() }
    func park(milliseconds: Int?) { onPark?() }
}

/// Both clocks, moved by the model alone.
final class ModelClock: Sendable {
    private let milliseconds = Atomic<Int64>(1_767_323_045_678)

    var clock: LogClock {
        LogClock(
            wallMilliseconds: { self.milliseconds.load(ordering: .relaxed) },
            monotonicMicroseconds: { self.milliseconds.load(ordering: .relaxed) * 1000 })
    }

    func advance(milliseconds: Int64) { self.milliseconds.add(milliseconds, ordering: .relaxed) }
}

extension LogNotice {
    fileprivate var isUnreadable: Bool {
        if case .unreadable = self { true } else { false }
    }
}
