import SluiceCore

/// One replay under way: reads its blocks, chooses its events, and has them sent by a `DestinationRunner`
/// with a state of its own, beside that of live delivery.
///
/// Invariants: 1. nothing is read or started unless `mayStart` says that live delivery needs neither the
/// request nor the time. 2. what a replay changes about an event's earlier outcome is handed over when the
/// job's position has passed the event, so that both are saved in one transaction: after a crash the event
/// is sent again, and counted once. 3. memory is bounded by the window of `DestinationState` and
/// `correctionsMax`. Owner: the delivery thread.
final class ReplayRunner {
    /// Blocks and bytes of events read in one turn, so that live delivery has its turn soon.
    static let blocksPerTurnMax = 64
    static let bytesPerTurnMax = 1 << 20
    /// Changed outcomes behind the job's position, before nothing more is read.
    static let correctionsMax = 4096
    /// How long a log or a state that cannot be read is left alone.
    static let pauseMilliseconds: Int64 = 1000

    let carrier: DestinationRunner
    private let job: ReplayJob
    private let selection: ReplaySelection
    private let source: any BlockSource
    private let store: any ReplayStore
    private let onTrouble: TroubleHandler
    private var pace: ReplayPace
    /// Earlier outcomes of events in the window.
    private var priors: [EventSequence: Prior] = [:]
    /// Changes whose events the position has not passed yet.
    private var ahead: [OutcomeCorrection] = []
    /// By the state's own count, which leaves out what is not read.
    private var eventsRead: Int64
    private var readPausedUntil: Int64 = 0
    private var unreadable: Int64 = 0
    private var lastError = ""
    /// Every block of the job was read.
    private(set) var isExhausted = false
    /// Nothing more is started: the job was paused or cancelled.
    var isDraining = false

    private struct Prior {
        var row: ExceptionalOutcome
        var eventNumber: Int64
    }

    /// - Parameters:
    ///   - configuration: of the live destination, whose rate and concurrency both share.
    ///   - source: the job's blocks; passes over those without an event of its time.
    init(
        _ job: ReplayJob, configuration: DestinationConfiguration, encoder: any PlatformEncoder,
        source: any BlockSource, store: any ReplayStore, options: DeliveryOptions, seed: UInt64,
        onTrouble: @escaping TroubleHandler
    ) {
        self.job = job
        self.source = source
        self.store = store
        let id = job.id
        let tell: TroubleHandler = { onTrouble($0, $1, "replay \(id): \($2)") }
        self.onTrouble = tell
        selection = ReplaySelection(
            job.spec, end: job.end, rules: configuration.rules, platform: configuration.platform,
            encoder: encoder)
        pace = ReplayPace(job.spec.rate)
        eventsRead = job.counts.total
        var own = configuration
        own.rate = nil
        own.lingerMilliseconds = 0
        // A request with more events than a second may have would come in bursts.
        if let rate = job.spec.rate { own.batch = max(1, min(own.batch, Int(rate.perSecond))) }
        carrier = DestinationRunner(
            index: -Int(job.id), configuration: own, encoder: encoder,
            cursor: Cursor(
                destination: configuration.name, position: job.position, startEvent: 0, counts: job.counts),
            policy: options.retryPolicy, userAgent: options.userAgent, seed: seed, onTrouble: tell)
        carrier.state.keepsDeliveries = true
    }

    var inFlight: Int { carrier.state.inFlight }
    /// Nothing is left to be sent or to be heard of.
    var isDone: Bool { isExhausted && carrier.state.isSettled }

    // MARK: One turn

    /// Whether live delivery leaves room for a request of a replay.
    ///
    /// - Parameter isAlone: there is no live delivery in this process.
    static func mayStart(beside live: DestinationRunner, head: LogHead, isAlone: Bool, now: Int64) -> Bool {
        let limits = live.state.limits
        // One slot stays free for an event that comes in now, where there is more than one.
        guard live.state.inFlight + live.state.borrowed < limits.concurrency,
            live.state.borrowed < max(1, limits.concurrency - 1)
        else { return false }
        guard now >= live.state.pausedUntil, live.state.limiter.readyAt(now) <= now else { return false }
        guard !isAlone else { return true }
        guard live.state.nextBlock >= head.nextBlock, live.state.readyCount == 0 else { return false }
        if let due = live.state.wakeAt(now: now), due <= now { return false }
        // Without anything of its own to probe with, live delivery would keep its breaker open for ever.
        return live.state.breaker.state == .closed
            || (live.state.isSettled && live.state.breaker.allows(now))
    }

    /// Reads blocks and starts requests as far as live delivery leaves room. True when it stopped only to
    /// let others have their turn.
    func drive(
        beside live: DestinationRunner, head: LogHead, isAlone: Bool, driver: CurlDriver, now: Moment
    ) -> Bool {
        guard !isDraining else { return false }
        var blocksLeft = ReplayRunner.blocksPerTurnMax
        var bytesLeft = ReplayRunner.bytesPerTurnMax
        while ReplayRunner.mayStart(beside: live, head: head, isAlone: isAlone, now: now.monotonic) {
            while blocksLeft > 0, bytesLeft > 0, wantsToRead(now) {
                blocksLeft -= 1
                bytesLeft -= readBlock(now)
            }
            guard pace.readyAt(now.monotonic) <= now.monotonic else { break }
            let start = carrier.startOne(driver, now: now)
            if start == .nothing { break }
            if case .sent(let events) = start {
                pace.take(events, now.monotonic)
                live.state.limiter.take(now.monotonic)
                live.state.borrowed += 1
            }
        }
        takeDeliveries()
        return (blocksLeft == 0 || bytesLeft <= 0) && wantsToRead(now)
    }

    func finished(_ transfer: UpstreamTransfer, _ result: TransferResult, now: Moment) {
        carrier.finished(transfer, result, now: now)
        takeDeliveries()
    }

    /// When there may be something to do by time alone; nil: not before something happens.
    func wakeAt(beside live: DestinationRunner, _ now: Int64) -> Int64? {
        guard !isDraining else { return nil }
        var due: [Int64] = []
        if !isExhausted, readPausedUntil > now { due.append(readPausedUntil) }
        if let ready = carrier.state.wakeAt(now: now) {
            due.append(
                max(
                    ready, pace.readyAt(now), live.state.limiter.readyAt(now), live.state.pausedUntil,
                    live.state.breaker.allowsAt ?? 0))
        }
        // What is due already waits for live delivery, whose events wake the engine.
        return due.filter { $0 > now }.min()
    }

    // MARK: Reading

    private func wantsToRead(_ now: Moment) -> Bool {
        !isExhausted && carrier.state.wantsBlocks && ahead.count < ReplayRunner.correctionsMax
            && now.monotonic >= readPausedUntil
    }

    /// Takes in the next block. Returns its bytes; 0 when there was none.
    private func readBlock(_ now: Moment) -> Int {
        do throws(DeliveryStateError) {
            guard let number = try nextNumber(), number < job.blocks.upperBound else {
                isExhausted = true
                return 0
            }
            guard let block = try read(number, now) else { return 0 }
            guard block.number < job.blocks.upperBound else {
                isExhausted = true
                return 0
            }
            append(block, rows: try store.exceptions(of: job.spec.destination, inBlock: block.number), now)
            return block.payload.count
        } catch {
            pauseReading(DeliveryTrouble.stateUnavailable, error.reason, now)
            return 0
        }
    }

    /// The block to ask for: where an outcome is wanted, the next with such an event.
    private func nextNumber() throws(DeliveryStateError) -> Int64? {
        let number = carrier.state.nextBlock
        guard let outcome = job.spec.outcome else { return number }
        return try store.exceptionalBlock(
            of: job.spec.destination, atOrAfter: number, outcomes: outcome.outcomes)
    }

    /// Nil when there is none; then either reading is paused or everything was read.
    private func read(_ number: Int64, _ now: Moment) throws(DeliveryStateError) -> EventBlock? {
        var number = number
        while number < job.blocks.upperBound {
            do throws(BlockSourceError) {
                let block = try source.block(atOrAfter: number)
                if block == nil { isExhausted = true }
                return block
            } catch {
                switch error {
                case .damaged(let damaged, let eventCount, let reason):
                    unreadable += Int64(eventCount)
                    lastError = "block \(damaged) cannot be read: \(reason)"
                    onTrouble(DeliveryTrouble.blockDamaged, job.spec.destination, lastError)
                    number = max(damaged, number) + 1
                case .unavailable(let reason):
                    pauseReading(DeliveryTrouble.logUnavailable, reason, now)
                    return nil
                }
            }
        }
        isExhausted = true
        return nil
    }

    private func pauseReading(_ kind: StaticString, _ reason: String, _ now: Moment) {
        lastError = reason
        readPausedUntil = now.monotonic + ReplayRunner.pauseMilliseconds
        onTrouble(kind, job.spec.destination, reason)
    }

    private func append(_ block: EventBlock, rows: [ExceptionalOutcome], _ now: Moment) {
        let position = carrier.state.position
        let skipped = block.number == position.block ? min(position.index, block.eventCount) : 0
        // The state expects every event it has not read to follow the last one it has.
        let renumbered = EventBlock(
            number: block.number, firstEvent: eventsRead - Int64(skipped),
            firstReceivedMilliseconds: block.firstReceivedMilliseconds, payload: block.payload,
            lineStarts: block.lineStarts)
        eventsRead += Int64(block.eventCount - skipped)
        var rowsByIndex: [Int: ExceptionalOutcome] = [:]
        for row in rows { rowsByIndex[row.sequence.index] = row }
        _ = carrier.state.appendChosen(
            renumbered, now: now,
            admits: { index in block.withEvent(index) { admits($0, block, index, rowsByIndex[index]) } })
    }

    private func admits(
        _ line: Bytes, _ block: EventBlock, _ index: Int, _ row: ExceptionalOutcome?
    ) -> Bool {
        let sequence = EventSequence(block: block.number, index: index)
        let summary = EventSummary(line)
        // A row may speak of another log's event of the same number, as of an archived segment.
        let prior = row.flatMap { row in summary?.idText == row.eventID ? row : nil }
        guard selection.choose(summary, at: sequence, prior: prior?.outcome) == .selected else { return false }
        if let prior, prior.outcome != .delivered {
            priors[sequence] = Prior(row: prior, eventNumber: block.firstEvent + Int64(index))
        }
        return true
    }

    // MARK: Outcomes

    private func takeDeliveries() {
        for delivery in carrier.state.takeDeliveries() {
            guard let prior = priors.removeValue(forKey: delivery.sequence) else { continue }
            var row = prior.row
            row.outcome = .delivered
            row.status = delivery.status
            let note = delivery.note.isEmpty ? "" : " (\(delivery.note))"
            row.reason = "delivered by replay \(job.id)\(note); before that \(ReplayRunner.account(of: prior.row))"
            row.attempts += delivery.attempts
            if prior.row.attempts == 0 { row.firstAttemptMilliseconds = delivery.firstAttemptMilliseconds }
            row.lastAttemptMilliseconds = delivery.lastAttemptMilliseconds
            row.url = delivery.url
            ahead.append(OutcomeCorrection(from: prior.row.outcome, eventNumber: prior.eventNumber, row: row))
        }
    }

    /// An outcome in words, with what its row says in figures.
    private static func account(of row: ExceptionalOutcome) -> String {
        var figures = row.attempts == 1 ? "1 attempt" : "\(row.attempts) attempts"
        if row.status != 0 { figures = "\(row.status), " + figures }
        return "\(row.outcome.rawValue) (\(figures)): \(row.reason)"
    }

    /// Hands over what the position has passed: earlier outcomes that changed, and rows of those that
    /// did not. From here on they are the caller's to save.
    ///
    /// - Parameter isOver: the job will not go on, so that what is behind the position is handed over, too.
    func takeChanges(isOver: Bool) -> (corrections: [OutcomeCorrection], rows: [ExceptionalOutcome]) {
        let position = carrier.state.position
        var corrections = ahead.filter { isOver || $0.sequence < position }
        ahead.removeAll { isOver || $0.sequence < position }
        var rows: [ExceptionalOutcome] = []
        for exception in carrier.state.unsavedExceptions {
            // What was delivered before stays so, whatever became of it the second time.
            guard let prior = priors.removeValue(forKey: exception.sequence) else { continue }
            var row = exception
            row.reason = "in replay \(job.id): \(exception.reason)"
            row.attempts += prior.row.attempts
            if prior.row.attempts > 0 { row.firstAttemptMilliseconds = prior.row.firstAttemptMilliseconds }
            if row.outcome == prior.row.outcome {
                rows.append(row)
            } else {
                corrections.append(
                    OutcomeCorrection(from: prior.row.outcome, eventNumber: prior.eventNumber, row: row))
            }
        }
        carrier.state.saved()
        return (corrections, rows)
    }

    // MARK: Figures

    /// The job as it stands: up to the position for the database, or with what is ahead for people.
    func current(_ job: ReplayJob, withAhead: Bool) -> ReplayJob {
        var job = job
        let effort = carrier.effort
        job.position = carrier.state.position
        job.counts = withAhead ? carrier.state.allCounts : carrier.state.counts
        job.requests = self.job.requests + effort.requests
        job.bytesSent = self.job.bytesSent + effort.bytesSent
        job.unreadable = self.job.unreadable + unreadable
        if let error = effort.lastError {
            job.lastError = error
        } else if !lastError.isEmpty {
            job.lastError = lastError
        }
        return job
    }
}
