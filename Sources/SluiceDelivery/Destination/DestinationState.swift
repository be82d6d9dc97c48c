import SluiceCore

/// Everything one destination knows of its deliveries, without I/O: where it stands in the log,
/// which events are out, what has become of the others, and when the next request may go.
///
/// The shell reads blocks while `wantsBlocks`, hands them in, and carries out what `takeBatch`,
/// `encode` and `started` say; each answer comes back through `finish`.
///
///     position ........ scan ......... nextRead ....... head
///     | settled, claimed | ready ...... | not read yet |
///
/// Invariants: 1. an event leaves `ready` or `claimed` for exactly one outcome and never changes
/// again; `settle` traps otherwise. 2. `position` never moves back, and every event before it has
/// its outcome. 3. `counts` covers exactly the events from `startEvent` up to `position`, `ahead`
/// exactly the settled ones behind it; the runs handed over so far cover the same events as `counts`. 4. `claimed` events are in exactly one batch. 5. exceptions
/// are handed to the state database when the position passes their event, not before, so that a
/// restart that sends an event again finds no stale outcome. 6. an event in parts has one request
/// in flight at most, and no part that the upstream has answered for good is sent again.
///
/// What is known of an event's parts is kept in memory only: after a restart an event that was not
/// settled is sent again with all its parts, so each part is delivered at least once.
///
/// An event the upstream always fails on holds the position until it expires, but not the
/// destination: it goes on behind it, in memory that depends on the events without an outcome and
/// not on how far it went. The cursor stays at the stuck event, so a restart sends again what was
/// delivered behind it: at least once. With `stuckEventsMax` such events, or when they and the
/// exceptions behind them fill the window's bounds, reading stops.
///
/// Owner: the delivery thread.
package struct DestinationState: ~Copyable {
    package let destination: String
    package let limits: DestinationLimits
    package let policy: RetryPolicy
    var breaker: Breaker
    var limiter: RateLimiter
    var random: SplitMix64

    package private(set) var position: EventSequence
    package private(set) var startEvent: Int64
    /// Outcomes of the events up to `position`.
    package private(set) var counts: OutcomeCounts
    /// Outcomes of events behind `position`.
    package private(set) var ahead = OutcomeCounts()
    /// The same by hour.
    package private(set) var settledAhead = SettledAhead()
    /// Exceptions whose events the position has passed, until they are saved.
    package private(set) var unsavedExceptions: [ExceptionalOutcome] = []
    /// Outcomes that the position has passed: those not saved yet, and before them the run that was saved
    /// last, which may still grow.
    private var runs = OutcomeRuns()
    /// Events that the first of `runs` had when it was saved; nil when it was not.
    private var savedRunEvents: Int64?
    /// To be applied to what is saved, and to `counts` and `runs` once that is done.
    private var corrections: [OutcomeCorrection] = []
    /// Whether anything that is saved changed since the last save.
    package private(set) var needsSave = false

    var window = BlockWindow()
    /// The block to ask the log for next.
    package private(set) var nextBlock: Int64
    /// How many events of that block the cursor has passed already; 0 after the first block.
    private var skipping: Int
    /// How many events the log should hold before the next one that is read.
    private var eventsRead: Int64

    var scan = WindowPlace(ordinal: 0, index: 0)
    /// Events in stage `ready`.
    package var readyCount = 0
    var readySince: Int64 = 0

    var batches: [Batch] = []
    /// Batches that are stuck, and those of them in flight.
    var stuckCount = 0
    var stuckInFlight = 0
    var lastStartWasStuck = false
    /// Requests that the upstream answered for good.
    var verdicts = 0
    /// Events in the window without an outcome.
    private(set) var unsettledCount = 0
    /// Exceptions of events behind the position.
    private var aheadExceptions = 0
    /// Ordinals of blocks whose last event was settled since the last `advance`.
    private var finishedBlocks: [Int] = []
    /// Whether `deliveries` is filled: for a replay, which changes earlier outcomes.
    var keepsDeliveries = false
    private var deliveries: [Delivery] = []
    var nextBatchID = 0
    package var inFlight = 0
    /// Requests that replays have in flight: they share the destination's concurrency.
    var borrowed = 0
    var lastStart: Int64 = 0
    /// The upstream asked to be left alone until then.
    var pausedUntil: Int64 = 0
    var sparePlaces: [[WindowPlace]] = []

    /// Takes up at `cursor`. - Parameter seed: of the jitter.
    package init(
        cursor: Cursor, limits: DestinationLimits, policy: RetryPolicy = RetryPolicy(),
        rate: DeliveryRate? = nil, seed: UInt64
    ) {
        precondition(limits.batchEventsMax > 0 && limits.concurrency > 0)
        precondition(limits.batchesMax >= limits.concurrency)
        destination = cursor.destination
        self.limits = limits
        self.policy = policy
        breaker = Breaker(policy: policy)
        limiter = RateLimiter(rate)
        random = SplitMix64(seed: seed)
        position = cursor.position
        startEvent = cursor.startEvent
        counts = cursor.counts
        nextBlock = cursor.position.block
        skipping = cursor.position.index
        eventsRead = cursor.startEvent + cursor.counts.total
    }

    // MARK: Reading the log

    /// Whether to read on: there is use for more events, and room.
    package var wantsBlocks: Bool {
        guard readyCount < limits.batchEventsMax, unsavedExceptions.count < limits.unsavedExceptionsMax,
            aheadExceptions < limits.aheadExceptionsMax, stuckCount < limits.stuckEventsMax,
            window.openCount < limits.windowBlocksMax, unsettledCount < limits.windowEventsMax,
            window.bytes < limits.windowBytesMax, window.runBytes + runs.bytes < limits.outcomeBytesMax
        else { return false }
        // Behind an open breaker one batch is enough to probe with; a stuck one proves nothing.
        return breaker.state == .closed || (readyCount == 0 && batches.count == stuckCount)
    }

    /// What the log turned out to hold where the destination expected its next event.
    package enum Continuity: Equatable {
        case seamless
        /// Events that retention or quarantine took; they are expired now.
        case lost(events: Int64)
        /// The log numbers its events otherwise than the cursor did; the books follow the log.
        case renumbered(by: Int64)
    }

    /// Takes in the next block. `admits` says which events are due here; the others are filtered.
    /// A line that `admits` cannot read at all (nil) is rejected.
    package mutating func append(
        _ block: EventBlock, now: Moment, admits: (Bytes) -> Bool?
    ) -> Continuity {
        appendChosen(block, now: now, admits: { block.withEvent($0, admits) })
    }

    /// The same for whoever knows which events are due by their index.
    package mutating func appendChosen(
        _ block: EventBlock, now: Moment, admits: (Int) -> Bool?
    ) -> Continuity {
        precondition(block.number >= nextBlock, "the log went back")
        let isNext = block.number == nextBlock
        let skipped = isNext ? min(skipping, block.eventCount) : 0
        let difference = block.firstEvent + Int64(skipped) - eventsRead
        var continuity = Continuity.seamless
        if difference > 0, !isNext {
            lose(
                Int(difference), number: nextBlock, index: skipping, lastBlock: block.number - 1, now: now,
                reason:
                    "the log no longer has blocks \(nextBlock) to \(block.number - 1) (\(difference) events)")
            continuity = .lost(events: difference)
        } else if difference != 0 {
            startEvent += difference
            eventsRead += difference
            needsSave = true
            continuity = .renumbered(by: difference)
        }
        let entry = WindowBlock(block, skipping: skipped)
        window.append(entry)
        nextBlock = block.number + 1
        skipping = 0
        eventsRead += Int64(block.eventCount - skipped)
        if readyCount == 0 { readySince = now.monotonic }
        let ordinal = window.endOrdinal - 1
        unsettledCount += entry.unsettled
        if entry.unsettled == 0 { finishedBlocks.append(ordinal) }
        for index in skipped..<block.eventCount {
            readyCount += 1
            switch admits(index) {
            case true?: break
            case false?: settle(WindowPlace(ordinal: ordinal, index: index), .filtered)
            case nil:
                except(
                    WindowPlace(ordinal: ordinal, index: index), .rejected, status: 0,
                    reason: "the event cannot be read", batch: nil, url: "", now: now)
            }
        }
        advance()
        return continuity
    }

    /// Takes note that the log cannot read a block, or everything from the next one to that block: the
    /// events are expired, and reading goes on behind it.
    ///
    /// - Parameter endEvent: how many events the log holds before what can be read behind it; without it
    ///   `eventCount` says how many are lost.
    /// - Returns: how many are expired.
    @discardableResult
    package mutating func appendDamaged(
        number: Int64, eventCount: Int, endEvent: Int64? = nil, reason: String, now: Moment
    ) -> Int {
        guard number >= nextBlock else { return 0 }
        let passed = number == nextBlock ? skipping : 0
        var lost = max(0, eventCount - passed)
        if let endEvent { lost = Int(max(0, endEvent - eventsRead)) }
        if lost > 0 {
            lose(
                lost, number: number, index: passed, lastBlock: number, now: now,
                reason: "block \(number) is damaged (\(lost) events): \(reason)")
        }
        nextBlock = number + 1
        skipping = 0
        advance()
        return lost
    }

    /// Takes note that the log has nothing any more from the next block to its end.
    package mutating func appendMissing(upTo head: LogHead, now: Moment) -> Continuity {
        guard head.nextBlock > nextBlock else { return .seamless }
        let lost = max(0, head.events - eventsRead)
        if lost > 0 {
            lose(
                Int(lost), number: nextBlock, index: skipping, lastBlock: head.nextBlock - 1, now: now,
                reason:
                    "the log no longer has blocks \(nextBlock) to \(head.nextBlock - 1) (\(lost) events)")
        }
        nextBlock = head.nextBlock
        skipping = 0
        advance()
        return lost > 0 ? .lost(events: lost) : .seamless
    }

    private mutating func lose(
        _ events: Int, number: Int64, index: Int, lastBlock: Int64, now: Moment, reason: String
    ) {
        let exception = ExceptionalOutcome(
            destination: destination, sequence: EventSequence(block: number, index: index), eventID: "",
            outcome: .expired, status: 0, reason: bounded(reason), attempts: 0,
            firstAttemptMilliseconds: now.wall, lastAttemptMilliseconds: now.wall, url: "")
        var run = BlockOutcome(
            destination: destination, first: EventSequence(block: nextBlock, index: skipping),
            lastBlock: lastBlock, firstEvent: eventsRead, hour: nil)
        run.counts.expired = Int64(events)
        window.append(WindowBlock(lost: run, number: number, exception: exception))
        finishedBlocks.append(window.endOrdinal - 1)
        aheadExceptions += 1
        ahead.expired += Int64(events)
        settledAhead.addLost(run.firstEvent..<run.endEvent)
        eventsRead += Int64(events)
    }

    // MARK: Outcomes

    /// Gives an event its outcome.
    mutating func settle(_ place: WindowPlace, _ outcome: Outcome) {
        let block = window[ordinal: place.ordinal]
        let stage = block.stages[place.index]
        precondition(stage.outcome == nil && place.index >= block.passed, "invariant 1: an event ends once")
        if stage == .ready { readyCount -= 1 }
        block.stages[place.index] = EventStage(outcome)
        block.unsettled -= 1
        unsettledCount -= 1
        // Closed by `advance`: the caller may still look at the event.
        if block.unsettled == 0 { finishedBlocks.append(place.ordinal) }
        ahead[outcome] += 1
        if let hour = block.hour { settledAhead.add(outcome, hour: hour) }
    }

    /// Takes note of the request that delivered an event, for whoever changes its earlier outcome.
    mutating func noteDelivery(_ place: WindowPlace, _ batch: Batch, status: Int, note: String, url: String) {
        guard keepsDeliveries else { return }
        deliveries.append(
            Delivery(
                sequence: EventSequence(block: window[ordinal: place.ordinal].number, index: place.index),
                status: status, note: bounded(note), attempts: batch.attempts,
                firstAttemptMilliseconds: batch.firstAttempt.wall,
                lastAttemptMilliseconds: batch.lastAttemptWall, url: shown(url)))
    }

    /// Hands over which events were delivered since the last time.
    mutating func takeDeliveries() -> [Delivery] {
        defer { deliveries.removeAll(keepingCapacity: true) }
        return deliveries
    }

    /// Gives an event an outcome that gets a row of its own.
    mutating func except(
        _ place: WindowPlace, _ outcome: Outcome, status: Int, reason: String, batch: Batch?, url: String,
        now: Moment
    ) {
        settle(place, outcome)
        if outcome == .delivered, let batch {
            noteDelivery(place, batch, status: status, note: reason, url: url)
        }
        let block = window[ordinal: place.ordinal]
        let attempts = batch?.attempts ?? 0
        let exception = ExceptionalOutcome(
            destination: destination,
            sequence: EventSequence(block: block.number, index: place.index),
            eventID: block.block?.withEvent(place.index) { EventSummary($0)?.idText ?? "" } ?? "",
            outcome: outcome, status: status, reason: bounded(reason), attempts: attempts,
            firstAttemptMilliseconds: attempts > 0 ? batch?.firstAttempt.wall ?? now.wall : now.wall,
            lastAttemptMilliseconds: attempts > 0 ? batch?.lastAttemptWall ?? now.wall : now.wall,
            url: shown(url))
        block.add(exception)
        aheadExceptions += 1
    }

    /// What came of a request that settled nothing, as much of it as is kept.
    func failure(_ status: Int, _ reason: String, _ url: String) -> AttemptFailure {
        AttemptFailure(status: status, reason: bounded(reason), url: shown(url))
    }

    private func bounded(_ reason: String) -> String { cut(reason, limits.reasonBytesMax) }

    /// The query may hold what identifies people, or a key.
    private func shown(_ url: String) -> String { cut(String(url.prefix { $0 != "?" }), limits.urlBytesMax) }

    /// At most so many bytes; a character that the end falls into is left out.
    private func cut(_ text: String, _ bytesMax: Int) -> String {
        guard text.utf8.count > bytesMax else { return text }
        var end = text.utf8.index(text.startIndex, offsetBy: bytesMax)
        while end.samePosition(in: text.unicodeScalars) == nil { end = text.utf8.index(before: end) }
        return String(text[..<end])
    }

    /// Moves the position over every settled event at its front, and keeps no more of settled blocks
    /// behind it than is needed.
    mutating func advance() {
        passSettled()
        for ordinal in finishedBlocks { window.close(ordinal: ordinal, destination: destination) }
        finishedBlocks.removeAll(keepingCapacity: true)
        // Only then is it worth copying what must stay.
        if window.bytes >= limits.windowBytesMax / 2 { window.shrink() }
    }

    private mutating func passSettled() {
        while let front = window.front {
            let before = front.passed
            if let closed = front.closed {
                for outcome in Outcome.allCases { move(outcome, closed[outcome]) }
                for run in front.runs.list { settledAhead.pass(run) }
                runs.add(front.runs)
                front.passed = front.eventCount
            } else {
                while let (outcome, count) = front.settled(from: front.passed) {
                    move(outcome, Int64(count))
                    if let hour = front.hour { settledAhead.pass(outcome, Int64(count), hour: hour) }
                    front.record(outcome, count, from: front.passed, in: &runs, destination: destination)
                    front.passed += count
                }
            }
            if !front.exceptions.isEmpty { collectExceptions(of: front) }
            if front.passed > before { needsSave = true }
            guard front.passed == front.eventCount else {
                position = EventSequence(block: front.number, index: front.passed)
                return
            }
            window.removeFront()
            // A run is followed by a block or by nothing; either says where the position is.
            position = EventSequence(block: window.front?.number ?? nextBlock, index: 0)
        }
    }

    private mutating func move(_ outcome: Outcome, _ events: Int64) {
        counts[outcome] += events
        ahead[outcome] -= events
    }

    private mutating func collectExceptions(of block: WindowBlock) {
        let passed = EventSequence(block: block.number, index: block.passed)
        let due =
            block.closed != nil
            ? block.exceptions.count : block.exceptions.prefix { $0.sequence < passed }.count
        guard due > 0 else { return }
        unsavedExceptions += block.exceptions[..<due]
        block.exceptions.removeFirst(due)
        aheadExceptions -= due
        needsSave = true
    }

    // MARK: Saving

    package var cursor: Cursor {
        Cursor(destination: destination, position: position, startEvent: startEvent, counts: counts)
    }

    /// What to save: one moment of this state.
    package var change: DeliveryChange {
        var change = DeliveryChange(cursors: [cursor], exceptions: unsavedExceptions)
        // A run that grew since is saved again in place of what it was.
        let isFirstSaved = savedRunEvents != nil && runs.list.first?.eventCount == savedRunEvents
        change.blocks = Array(runs.list.dropFirst(isFirstSaved ? 1 : 0))
        change.corrections = corrections
        return change
    }

    /// `change`, taken since the last change of any kind, is on disk.
    ///
    /// - Parameter applied: those of its corrections that found what they correct.
    package mutating func saved(_ applied: [OutcomeCorrection] = []) {
        unsavedExceptions.removeAll(keepingCapacity: true)
        runs.keepLast()
        corrections.removeAll()
        for correction in applied where correction.destination == destination {
            counts[correction.from] -= 1
            counts[correction.to] += 1
            _ = runs.correct(correction.eventNumber, from: correction.from, to: correction.to)
        }
        savedRunEvents = runs.list.first?.eventCount
        needsSave = false
    }

    /// Has an outcome changed with the next save, on disk and here. Only of events before the position.
    package mutating func correct(_ correction: OutcomeCorrection) {
        precondition(correction.destination == destination && correction.sequence < position)
        corrections.append(correction)
        needsSave = true
    }

    /// What became of an event that was passed lately, unless it has a row of its own.
    func passedOutcome(_ eventNumber: Int64) -> Outcome? { runs.outcome(eventNumber) }

    // MARK: Figures

    /// How many events of the log were read or passed: nothing before this one is read again.
    package var readEvent: Int64 { eventsRead }

    /// How many events the log holds before `position`, by the log's own count wherever it is at
    /// hand, so that the books are checked against the log and not against themselves.
    package func positionEvent(head: LogHead) -> Int64 {
        if let front = window.front, let block = front.block {
            return block.firstEvent + Int64(front.passed)
        }
        if position.block >= head.nextBlock { return head.events }
        return startEvent + counts.total
    }

    /// When the first event without an outcome was received; nil when it is not in the window.
    package var waitingSinceMilliseconds: Int64? {
        guard let front = window.front, let block = front.block, front.passed < front.eventCount else {
            return nil
        }
        return block.withEvent(front.passed) { EventSummary($0)?.receivedMilliseconds }
    }

    /// Outcomes of all events so far, those behind the position included.
    package var allCounts: OutcomeCounts {
        var all = counts
        for outcome in Outcome.allCases { all[outcome] += ahead[outcome] }
        return all
    }

    /// How many of them are expired.
    var expiredCount: Int64 { counts.expired + ahead.expired }

    package var breakerState: Breaker.State { breaker.state }

    /// Whether nothing more may start before a save.
    package var isWaitingForSave: Bool {
        unsavedExceptions.count >= limits.unsavedExceptionsMax
    }

    /// Whether every event that was read has its outcome.
    var isSettled: Bool { unsettledCount == 0 && inFlight == 0 }

    /// Batches that wait to be sent again.
    package var waitingCount: Int {
        batches.reduce(0) { $0 + ($1.stage == .waiting ? 1 : 0) }
    }

    /// Whether a batch in flight is not on its first attempt.
    package func isRepeat(_ id: BatchID) -> Bool {
        batches.contains { $0.id == id && $0.isRepeat }
    }

    /// Events that wait alone because the upstream fails on them.
    package var stuckEvents: Int { stuckCount }

    /// Blocks and runs of settled ones that are held in memory.
    package var windowEntries: Int { window.count }

    /// Events in the window that a batch holds, in flight or waiting.
    package var claimedCount: Int { batches.reduce(0) { $0 + $1.places.count } }
}
