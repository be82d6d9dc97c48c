import SluiceCore

/// What the engine needs to give events back.
package struct ReplayParts {
    package var store: any ReplayStore
    /// Opens a job's blocks: those of the log that hold events of its time, or those of its archived
    /// segment. Throws in words for people when they can never be read.
    package var open: (ReplayJob) throws(DeliveryStateError) -> any BlockSource
    /// Told from which block on a job needs the log; nil when it needs it no more.
    package var hold: (_ job: Int64, _ from: Int64?) -> Void
    /// Runs this job alone, and no live delivery at all.
    package var only: Int64?

    package init(
        store: any ReplayStore, only: Int64? = nil,
        open: @escaping (ReplayJob) throws(DeliveryStateError) -> any BlockSource,
        hold: @escaping (_ job: Int64, _ from: Int64?) -> Void = { _, _ in }
    ) {
        self.store = store
        self.only = only
        self.open = open
        self.hold = hold
    }
}

/// How many replays there may be.
package enum ReplayLimits {
    /// At the same time; further ones wait for their turn.
    package static let runningMax = 2
    /// Jobs that are not over.
    package static let unfinishedMax = 100
}

/// A destination of the engine; without a runner while its cursor is not known.
struct LiveDestination {
    let configuration: DestinationConfiguration
    let encoder: any PlatformEncoder
    let runner: DestinationRunner?
}

/// All replays of an engine: which there are, which run, and what of them is to be saved.
///
/// Invariants: 1. a job that is running has a runner, and so has one that was paused or cancelled until
/// the last of its requests is answered; no other has one. 2. what was taken from a runner stays in
/// `unsaved` until it is on disk, and until then nothing more is taken. 3. one job of a destination runs at
/// a time, and no more than `ReplayLimits.runningMax` together. Owner: the delivery thread.
final class ReplayBoard {
    private final class Entry {
        var job: ReplayJob
        var runner: ReplayRunner?
        /// Whether the database says something else.
        var needsSave = false
        var unsaved: Unsaved?
        /// Whether it was not told of since it changed.
        var isNews = true
        init(_ job: ReplayJob) { self.job = job }
    }

    private struct Unsaved {
        var job: ReplayJob
        var corrections: [OutcomeCorrection] = []
        var rows: [ExceptionalOutcome] = []
    }

    private let parts: ReplayParts
    private let options: DeliveryOptions
    private let onTrouble: TroubleHandler
    private var entries: [Entry] = []
    /// Numbers of jobs that are not kept any more, and not told of yet.
    private var forgotten: [Int64] = []
    private var isLoaded = false
    private var tryAgainAt: Int64 = 0
    private var seeds: SplitMix64

    init(_ parts: ReplayParts, options: DeliveryOptions, seed: UInt64, onTrouble: @escaping TroubleHandler) {
        self.parts = parts
        self.options = options
        self.onTrouble = onTrouble
        seeds = SplitMix64(seed: seed)
    }

    /// Whether live delivery rests.
    var isAlone: Bool { parts.only != nil }

    // MARK: Jobs

    /// Reads the jobs there are, once. One that ran when the process ended waits for its turn again.
    func load(_ now: Moment) {
        guard !isLoaded, now.monotonic >= tryAgainAt else { return }
        do throws(DeliveryStateError) {
            for var job in try parts.store.replayJobs() {
                if job.phase == .running { job.phase = .queued }
                entries.append(Entry(job))
                hold(job)
            }
            isLoaded = true
        } catch {
            tryAgainAt = now.monotonic + options.saveRetryMilliseconds
            onTrouble(DeliveryTrouble.stateUnavailable, "", "replays cannot be read: \(error.reason)")
        }
    }

    /// - Parameter destinations: names of those there are.
    func carryOut(_ command: ReplayCommand, destinations: [String], now: Moment) -> Result<ReplayJob, ReplayRefusal> {
        guard isLoaded else { return .failure(.unavailable("the state database cannot be read")) }
        do throws(ReplayRefusal) {
            switch command {
            case .create(let job): return .success(try create(job, destinations))
            case .pause(let id): return .success(try change(id) { (job) throws(ReplayRefusal) in try job.pause() })
            case .resume(let id): return .success(try change(id) { (job) throws(ReplayRefusal) in try job.resume() })
            case .cancel(let id):
                return .success(
                    try change(id) { (job) throws(ReplayRefusal) in try job.cancel(now: now.wall) })
            }
        } catch {
            return .failure(error)
        }
    }

    private func create(_ job: ReplayJob, _ destinations: [String]) throws(ReplayRefusal) -> ReplayJob {
        guard destinations.contains(job.spec.destination) else {
            throw .unknownDestination(job.spec.destination)
        }
        guard entries.count(where: { !$0.job.phase.isFinal }) < ReplayLimits.unfinishedMax else {
            throw .tooMany(limit: ReplayLimits.unfinishedMax)
        }
        var job = job
        job.phase = .queued
        do throws(DeliveryStateError) {
            job.id = try parts.store.createReplay(job)
        } catch {
            throw .unavailable(error.reason)
        }
        entries.append(Entry(job))
        forgetOldest()
        hold(job)
        return job
    }

    /// Keeps no more jobs than the store does.
    private func forgetOldest() {
        let surplus = entries.count(where: { $0.job.phase.isFinal }) - ReplayJob.finishedMax
        guard surplus > 0 else { return }
        for _ in 0..<surplus {
            guard let oldest = entries.firstIndex(where: { $0.job.phase.isFinal && $0.runner == nil }) else { return }
            forgotten.append(entries.remove(at: oldest).job.id)
        }
    }

    private func change(
        _ id: Int64, _ body: (inout ReplayJob) throws(ReplayRefusal) -> Void
    ) throws(ReplayRefusal) -> ReplayJob {
        guard let entry = entries.first(where: { $0.job.id == id }) else { throw .unknownReplay(id) }
        try body(&entry.job)
        entry.needsSave = true
        entry.isNews = true
        // Resumed before the last request was answered: it goes on where it is.
        if entry.job.phase == .queued, entry.runner != nil { entry.job.phase = .running }
        entry.runner?.isDraining = entry.job.phase != .running
        hold(entry.job)
        return entry.job
    }

    private func hold(_ job: ReplayJob) {
        guard job.spec.segment == nil else { return }
        parts.hold(job.id, job.phase.isFinal ? nil : job.position.block)
    }

    // MARK: One turn

    /// Lets the jobs go on that may. True when one stopped only to let others have their turn.
    func drive(_ lives: [LiveDestination], head: LogHead, driver: CurlDriver, now: Moment) -> Bool {
        guard isLoaded, !entries.isEmpty else { return false }
        startQueued(lives, now)
        var isHungry = false
        for entry in entries {
            guard let runner = entry.runner,
                let live = lives.first(where: { $0.configuration.name == entry.job.spec.destination })?.runner
            else { continue }
            if runner.drive(beside: live, head: head, isAlone: isAlone, driver: driver, now: now) {
                isHungry = true
            }
            settle(entry, now)
        }
        return isHungry
    }

    private func startQueued(_ lives: [LiveDestination], _ now: Moment) {
        guard now.monotonic >= tryAgainAt else { return }
        var waiting = entries.filter { $0.job.phase == .queued && (parts.only ?? $0.job.id) == $0.job.id }
        guard !waiting.isEmpty else { return }
        // Those that had begun before the process ended go first.
        let isFresh = { (entry: Entry) in entry.job.startedMilliseconds == 0 }
        waiting = waiting.filter { !isFresh($0) } + waiting.filter(isFresh)
        for entry in waiting {
            let running = entries.filter { $0.runner != nil }
            guard running.count < ReplayLimits.runningMax else { return }
            let name = entry.job.spec.destination
            guard let live = lives.first(where: { $0.configuration.name == name }) else {
                fail(entry, "the destination '\(name)' is not in the configuration any more", now)
                continue
            }
            guard live.runner != nil, !running.contains(where: { $0.job.spec.destination == name }) else { continue }
            start(entry, live.configuration, live.encoder, now)
        }
    }

    private func start(
        _ entry: Entry, _ configuration: DestinationConfiguration, _ encoder: any PlatformEncoder, _ now: Moment
    ) {
        entry.needsSave = true
        entry.isNews = true
        do throws(DeliveryStateError) {
            let source = try parts.open(entry.job)
            entry.job.phase = .running
            if entry.job.startedMilliseconds == 0 { entry.job.startedMilliseconds = now.wall }
            entry.runner = ReplayRunner(
                entry.job, configuration: configuration, encoder: encoder, source: source, store: parts.store,
                options: options, seed: seeds.next(), onTrouble: onTrouble)
        } catch {
            fail(entry, error.reason, now)
        }
    }

    private func fail(_ entry: Entry, _ reason: String, _ now: Moment) {
        entry.job.fail(reason, now: now.wall)
        entry.needsSave = true
        entry.isNews = true
        hold(entry.job)
        onTrouble(
            DeliveryTrouble.replayFailed, "",
            "replay \(entry.job.id) to \(entry.job.spec.destination) failed: \(reason)")
    }

    /// Takes note of a job's end, and lets go of a runner that is not needed any more.
    private func settle(_ entry: Entry, _ now: Moment) {
        guard let runner = entry.runner else { return }
        if runner.carrier.state.needsSave { entry.needsSave = true }
        if entry.job.phase == .running, runner.isDone {
            entry.job.phase = .done
            entry.job.finishedMilliseconds = now.wall
            entry.needsSave = true
        }
        guard entry.job.phase != .running, runner.inFlight == 0, entry.unsaved == nil else { return }
        take(entry, runner)
        entry.runner = nil
        entry.isNews = true
    }

    /// Takes back a transfer that was given up when the process stopped.
    func abandoned(_ transfer: UpstreamTransfer, now: Moment) {
        entries.first { -Int($0.job.id) == transfer.destinationIndex }?.runner?.carrier
            .abandoned(transfer, now: now)
    }

    func finished(_ transfer: UpstreamTransfer, _ result: TransferResult, now: Moment) {
        guard let entry = entries.first(where: { -Int($0.job.id) == transfer.destinationIndex }),
            let runner = entry.runner
        else { preconditionFailure("invariant 1: an answer for a replay that does not run") }
        runner.finished(transfer, result, now: now)
        settle(entry, now)
    }

    /// Requests in flight for a destination.
    func inFlight(_ destination: String) -> Int {
        entries.reduce(0) { $0 + ($1.job.spec.destination == destination ? $1.runner?.inFlight ?? 0 : 0) }
    }

    /// When there may be something to do by time alone; nil: not before something happens.
    func wakeAt(_ now: Int64, _ lives: [LiveDestination]) -> Int64? {
        guard isLoaded else { return max(now, tryAgainAt) }
        var due: Int64?
        for entry in entries {
            guard let runner = entry.runner,
                let live = lives.first(where: { $0.configuration.name == entry.job.spec.destination })?.runner
            else { continue }
            // Its end is noted in the next turn, unless that waits for a save.
            let isOver = runner.inFlight == 0 && (runner.isDraining || runner.isDone)
            let time = isOver ? (entry.unsaved == nil ? now : nil) : runner.wakeAt(beside: live, now)
            if let time { due = min(due ?? time, time) }
        }
        return due
    }

    // MARK: Saving

    var needsSave: Bool { entries.contains { $0.needsSave || $0.unsaved != nil } }

    /// Adds to `change` what is to be saved of the jobs. Outcomes that changed are given to live delivery,
    /// whose books they are in: it saves them at the same time.
    func collect(into change: inout DeliveryChange, _ lives: [LiveDestination]) {
        for entry in entries where entry.needsSave || entry.unsaved != nil {
            if entry.unsaved == nil, let runner = entry.runner {
                take(entry, runner)
            } else if entry.unsaved == nil {
                entry.unsaved = Unsaved(job: entry.job)
                entry.needsSave = false
            }
            guard var unsaved = entry.unsaved else { continue }
            let live = lives.first { $0.configuration.name == entry.job.spec.destination }?.runner
            for correction in unsaved.corrections {
                // What its books do not hold, as after the log was replaced, cannot be corrected there.
                guard let live, correction.sequence < live.state.position,
                    correction.eventNumber >= live.state.startEvent
                else { continue }
                live.state.correct(correction)
            }
            unsaved.corrections = []
            entry.unsaved = unsaved
            change.replays.append(unsaved.job)
            change.exceptions += unsaved.rows
        }
    }

    private func take(_ entry: Entry, _ runner: ReplayRunner) {
        let isOver = entry.job.phase.isFinal
        entry.job = runner.current(entry.job, withAhead: isOver)
        let changes = runner.takeChanges(isOver: isOver)
        entry.unsaved = Unsaved(job: entry.job, corrections: changes.corrections, rows: changes.rows)
        entry.needsSave = false
    }

    /// What `collect` added is on disk.
    func saved() {
        for entry in entries where entry.unsaved != nil {
            entry.unsaved = nil
            hold(entry.job)
        }
    }

    /// Jobs that changed since the last time, as they stand, and the numbers of those that are not kept.
    func takeNews() -> (changed: [ReplayJob], forgotten: [Int64]) {
        var changed: [ReplayJob] = []
        for entry in entries where entry.isNews || entry.runner != nil {
            changed.append(entry.runner?.current(entry.job, withAhead: true) ?? entry.job)
            entry.isNews = false
        }
        defer { forgotten.removeAll() }
        return (changed, forgotten)
    }
}
