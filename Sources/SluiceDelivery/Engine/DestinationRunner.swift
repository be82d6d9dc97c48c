import SluiceCore

/// Kinds of trouble, for a rate-limited log line each.
package enum DeliveryTrouble {
    package static let cursorBeyondHead: StaticString = "cursor_beyond_head"
    package static let cursorNew: StaticString = "cursor_new"
    package static let stateLost: StaticString = "state_lost"
    package static let stateUnavailable: StaticString = "state_unavailable"
    package static let logUnavailable: StaticString = "log_unavailable"
    package static let blockDamaged: StaticString = "block_damaged"
    package static let eventsLost: StaticString = "events_lost"
    package static let eventsRenumbered: StaticString = "events_renumbered"
    package static let upstreamFailed: StaticString = "upstream_failed"
    package static let eventsRejected: StaticString = "events_rejected"
    package static let eventsExpired: StaticString = "events_expired"
    package static let replayFailed: StaticString = "replay_failed"
    package static let eventsParked: StaticString = "events_parked"

    package static let all = [
        cursorBeyondHead, cursorNew, stateLost, stateUnavailable, logUnavailable, blockDamaged, eventsLost,
        eventsRenumbered,
        upstreamFailed, eventsRejected, eventsExpired, replayFailed, eventsParked,
    ]
}

/// `kind` is one of `DeliveryTrouble`. Called on the delivery thread.
package typealias TroubleHandler =
    @Sendable (_ kind: StaticString, _ destination: String, _ message: String) -> Void

/// One open destination: carries out what its state says, with its encoder, its transfers and the
/// engine's curl driver.
///
/// Invariants: 1. every transfer is in `idle` or in the driver. 2. each batch in flight has exactly
/// one transfer. Owner: the delivery thread.
final class DestinationRunner {
    /// Blocks one destination may read before the others have their turn.
    static let blocksPerTurnMax = 16
    /// How long a log that cannot be read is left alone.
    static let readPauseMilliseconds: Int64 = 1000

    let index: Int
    let configuration: DestinationConfiguration
    var state: DestinationState
    private let encoder: any PlatformEncoder
    private let matcher: RuleMatcher
    /// Which events are due is decided by their type, source and network alone.
    private var decisions = HeadDecisions()
    private let settings: UpstreamSettings
    private let onTrouble: TroubleHandler
    private var idle: [UpstreamTransfer] = []
    /// Where the last request went: the next one goes there, too, at most platforms.
    private var target = RequestTarget()
    private var readPausedUntil: Int64 = 0
    /// How often in a row the log had nothing where it should have.
    private var misses = 0
    static let missesMax = 3
    private var figures: DestinationStatus

    init(
        index: Int, configuration: DestinationConfiguration, encoder: any PlatformEncoder, cursor: Cursor,
        policy: RetryPolicy, userAgent: String, seed: UInt64, givenUpAtStart: Int64 = 0,
        onTrouble: @escaping TroubleHandler
    ) {
        self.index = index
        self.configuration = configuration
        self.encoder = encoder
        self.onTrouble = onTrouble
        matcher = RuleMatcher(configuration.rules, platform: configuration.platform)
        settings = UpstreamSettings(configuration, userAgent: userAgent)
        state = DestinationState(
            cursor: cursor,
            limits: DestinationLimits(configuration, eventsPerRequestMax: encoder.eventsPerRequestMax),
            policy: policy, rate: configuration.rate, seed: seed)
        figures = DestinationStatus(name: configuration.name, platform: configuration.platform)
        figures.countsAtStart = cursor.counts
        figures.countsAtStart.expired += givenUpAtStart
    }

    // MARK: One turn

    /// Reads blocks and starts requests as far as the state wants. True when it stopped only to let
    /// others have their turn.
    func drive(_ blocks: any BlockSource, head: LogHead, driver: CurlDriver, now: Moment) -> Bool {
        var budget = DestinationRunner.blocksPerTurnMax
        while true {
            while budget > 0, wantsToRead(head, now) {
                budget -= 1
                if !readBlock(blocks, head, now: now) { break }
            }
            if startOne(driver, now: now) == .nothing { break }
        }
        return budget == 0 && wantsToRead(head, now)
    }

    private func wantsToRead(_ head: LogHead, _ now: Moment) -> Bool {
        state.wantsBlocks && state.nextBlock < head.nextBlock && now.monotonic >= readPausedUntil
    }

    /// False when there is nothing to be had at present.
    ///
    /// - Parameter head: read before the blocks are.
    private func readBlock(_ blocks: any BlockSource, _ head: LogHead, now: Moment) -> Bool {
        do throws(BlockSourceError) {
            guard let block = try blocks.block(atOrAfter: state.nextBlock) else {
                return noteMissing(head, now)
            }
            misses = 0
            let continuity = state.append(block, now: now) { decisions.decision($0) ?? decide($0) }
            report(continuity, before: block.number)
            return true
        } catch {
            switch error {
            case .damaged(let number, let eventCount, let reason):
                let first = state.nextBlock
                let end = blocks.endEvent(behind: number)
                let lost = state.appendDamaged(
                    number: number, eventCount: eventCount, endEvent: end, reason: reason, now: now)
                let what = first < number ? "blocks \(first) to \(number)" : "block \(number)"
                trouble(
                    DeliveryTrouble.blockDamaged,
                    "\(what) cannot be read, \(lost) events are expired: \(reason)", now)
                return true
            case .unavailable(let reason):
                trouble(DeliveryTrouble.logUnavailable, reason, now)
                return pauseReading(now)
            }
        }
    }

    /// Whether the event is due here; nil where its line cannot be read.
    private func decide(_ line: Bytes) -> Bool? {
        guard let event = EventSummary(line) else { return nil }
        let isDue = matcher.admits(event) { encoder.takes(type: $0, network: $1) }
        if event.headCount > 0 {
            decisions.remember(isDue, head: line[0..<event.headCount], texts: event.texts(in: line))
        }
        return isDue
    }

    /// Blocks were committed from here on, and none is there any more. Not believed at once: a segment that
    /// somebody moved away may come back.
    private func noteMissing(_ head: LogHead, _ now: Moment) -> Bool {
        misses += 1
        guard misses >= DestinationRunner.missesMax else { return pauseReading(now) }
        misses = 0
        let continuity = state.appendMissing(upTo: head, now: now)
        report(continuity, before: head.nextBlock)
        return true
    }

    private func pauseReading(_ now: Moment) -> Bool {
        readPausedUntil = now.monotonic + DestinationRunner.readPauseMilliseconds
        return false
    }

    private func report(_ continuity: DestinationState.Continuity, before block: Int64) {
        switch continuity {
        case .seamless: break
        case .lost(let events):
            onTrouble(
                DeliveryTrouble.eventsLost, configuration.name,
                "\(events) events before block \(block) are gone from the log and are expired")
        case .renumbered(let difference):
            onTrouble(
                DeliveryTrouble.eventsRenumbered, configuration.name,
                "block \(block) begins \(difference) events off from where the cursor expected it")
        }
    }

    /// What `startOne` did.
    enum Start: Equatable {
        /// No request may start now.
        case nothing
        /// A batch ended without a request.
        case refused
        case sent(events: Int)
    }

    /// Starts the next request.
    func startOne(_ driver: CurlDriver, now: Moment) -> Start {
        guard let batch = state.takeBatch(now: now.monotonic) else { return .nothing }
        let transfer = idle.popLast() ?? UpstreamTransfer(settings)
        transfer.request.reset()
        encoder.begin(now: now.wall)
        let encoder = encoder
        let count = state.encode(batch, now: now) { encoder.add($0) }
        guard count > 0 else {
            idle.append(transfer)
            return .refused
        }
        let part = state.nextPart(of: batch, count: encoder.partCount)
        encoder.finish(part: part, into: &transfer.request)
        state.started(batch, now: now)
        guard target.take(transfer.request.path.bytes, configuration),
            transfer.request.headers.allSatisfy(UpstreamTransfer.isSendable)
        else {
            // An encoder's error, and no reason to trust the bytes: nothing is sent.
            idle.append(transfer)
            let reason = "the request's path or headers hold characters that cannot be sent"
            state.finish(batch, .rejected(status: 0, reason: reason), url: configuration.url, now: now)
            trouble(DeliveryTrouble.eventsRejected, reason, now)
            return .refused
        }
        figures.attempts += 1
        if state.isRepeat(batch) { figures.retries += 1 }
        transfer.destinationIndex = index
        transfer.batch = batch
        transfer.eventCount = count
        driver.start(transfer, url: target.url)
        return .sent(events: count)
    }

    // MARK: Answers

    /// Takes a transfer back that the driver is done with.
    func finished(_ transfer: UpstreamTransfer, _ result: TransferResult, now: Moment) {
        let measured = transfer.figures
        figures.bytesSent += measured.bytesSent
        if measured.reusedConnection { figures.connectionsReused += 1 }
        if measured.overHTTP2 { figures.http2Requests += 1 }
        let expired = state.expiredCount
        let attempt: AttemptResult
        var status = 0
        switch result {
        case .failed(let reason, let wasSent):
            let isParked = wasSent && configuration.parksAmbiguous
            attempt = isParked ? .ambiguous(reason: reason) : .unreachable(reason: reason)
            trouble(isParked ? DeliveryTrouble.eventsParked : DeliveryTrouble.upstreamFailed, reason, now)
        case .answered(let answer):
            figures.durations.record(microseconds: measured.microseconds)
            status = answer.status
            attempt = judge(answer, eventCount: transfer.eventCount, now: now)
        }
        state.finish(transfer.batch, attempt, status: status, url: transfer.url, now: now)
        let given = state.expiredCount - expired
        if given > 0 {
            onTrouble(
                DeliveryTrouble.eventsExpired, configuration.name,
                "\(given) events were given up; last: \(figures.lastError ?? "")")
        }
        idle.append(transfer)
    }

    /// Takes back a transfer that was on its way when the gateway had to stop. What must not be sent twice is
    /// parked; all else is sent again after the next start.
    func abandoned(_ transfer: UpstreamTransfer, now: Moment) {
        guard configuration.parksAmbiguous else { return }
        let reason = "the gateway stopped before there was an answer"
        state.finish(transfer.batch, .ambiguous(reason: reason), url: transfer.url, now: now)
        trouble(DeliveryTrouble.eventsParked, reason, now)
    }

    private func judge(_ answer: UpstreamAnswer, eventCount: Int, now: Moment) -> AttemptResult {
        switch encoder.classify(answer, eventCount: eventCount) {
        case .delivered:
            return .delivered
        case .deliveredNoting(let note):
            return .deliveredNoting(status: answer.status, note: note)
        case .rejected(let reason):
            trouble(DeliveryTrouble.eventsRejected, "\(answer.status): \(reason)", now)
            return .rejected(status: answer.status, reason: reason)
        case .split(let reason):
            trouble(DeliveryTrouble.eventsRejected, "\(answer.status): \(reason)", now)
            return .split(status: answer.status, reason: reason)
        case .retry(let afterSeconds, let reason):
            trouble(DeliveryTrouble.upstreamFailed, "\(answer.status): \(reason)", now)
            let wait =
                afterSeconds
                ?? answer.header("retry-after").flatMap {
                    RetryAfter.seconds($0, wallMilliseconds: now.wall)
                }
            return .retry(status: answer.status, afterSeconds: wait, reason: reason)
        }
    }

    private func trouble(_ kind: StaticString, _ message: String, _ now: Moment) {
        figures.lastError = message
        figures.lastErrorMilliseconds = now.wall
        onTrouble(kind, configuration.name, message)
    }

    // MARK: Figures

    /// When there may be something to do by time alone; nil: not before something happens.
    func wakeAt(_ now: Int64) -> Int64? {
        let due = state.wakeAt(now: now)
        guard readPausedUntil > now else { return due }
        return min(due ?? readPausedUntil, readPausedUntil)
    }

    /// What it took so far.
    var effort: (requests: Int64, bytesSent: Int64, lastError: String?) {
        (figures.attempts, figures.bytesSent, figures.lastError)
    }

    /// Events that were given up before they were read are expired from then on; the cursor counts them when it
    /// comes to them.
    func status(_ blocks: any BlockSource, head: LogHead) -> DestinationStatus {
        var status = figures
        status.isOpen = true
        status.position = state.position
        status.startEvent = state.startEvent
        status.counts = state.allCounts
        let givenUp = blocks.givenUpEvents(from: state.readEvent)
        status.counts.expired += givenUp
        status.ahead = state.ahead.total + givenUp
        status.settledAhead = state.settledAhead
        status.readEvent = state.readEvent
        status.positionEvent = state.positionEvent(head: head)
        status.waitingSinceMilliseconds = state.waitingSinceMilliseconds
        status.pending = max(0, head.events - status.positionEvent - status.ahead)
        status.inFlight = state.inFlight
        status.waiting = state.waitingCount
        status.breaker = state.breakerState
        return status
    }
}
