import SluiceCore

// Forming batches, and what comes of their requests.

extension DestinationState {
    /// The batch to encode now, or nil when nothing may start. Waiting batches go first, the oldest
    /// event first; a new one is formed when it is full, when nothing is in flight, or when the
    /// last start is `partialIntervalMilliseconds` ago.
    package mutating func takeBatch(now: Int64) -> BatchID? {
        guard inFlight + borrowed < limits.concurrency, unsavedExceptions.count < limits.unsavedExceptionsMax,
            now >= pausedUntil, breaker.allows(now), limiter.readyAt(now) <= now
        else { return nil }
        let mayForm = mayFormBatch && now >= freshAt(now)
        if let index = nextWaiting(now: now), !(mayForm && yieldsToFresh(batches[index])) {
            batches[index].stage = .encoding
            return batches[index].id
        }
        return mayForm ? formBatch() : nil
    }

    private var mayFormBatch: Bool {
        readyCount > 0 && batches.count - stuckCount < limits.batchesMax && stuckCount < limits.stuckEventsMax
    }

    /// Stuck events get no more than every other request, and none that finds out whether the
    /// upstream is back, while there is anything else to send.
    private func yieldsToFresh(_ batch: Batch) -> Bool {
        batch.isStuck && (lastStartWasStuck || breaker.state != .closed)
    }

    /// Whether a stuck event may be in flight beside those that are.
    private var mayStartStuck: Bool { stuckInFlight < max(1, limits.concurrency / 2) }

    /// When `takeBatch` may have something by time alone; nil when only an answer, a save or new
    /// events can change that.
    package mutating func wakeAt(now: Int64) -> Int64? {
        guard inFlight + borrowed < limits.concurrency, unsavedExceptions.count < limits.unsavedExceptionsMax,
            let allowed = breaker.allowsAt
        else { return nil }
        var earliest: Int64?
        for batch in batches where batch.stage == .waiting && (!batch.isStuck || mayStartStuck) {
            let due = breaker.state == .closed ? batch.notBefore : 0
            earliest = min(earliest ?? due, due)
        }
        if mayFormBatch {
            let due = freshAt(now)
            earliest = min(earliest ?? due, due)
        }
        guard let earliest else { return nil }
        return max(earliest, pausedUntil, allowed, limiter.readyAt(now))
    }

    /// When a new batch may be formed from the events at hand.
    private func freshAt(_ now: Int64) -> Int64 {
        if readyCount >= limits.batchEventsMax { return 0 }
        let lingered = limits.lingerMilliseconds > 0 ? readySince + limits.lingerMilliseconds : 0
        return inFlight == 0 ? lingered : max(lingered, lastStart + limits.partialIntervalMilliseconds)
    }

    /// The waiting batch to send next: those that are not stuck first. Of them the oldest, or, as the
    /// probe of an upstream that fails, each in its turn: one of them may be what it fails on.
    private func nextWaiting(now: Int64) -> Int? {
        var best: Int?
        for index in batches.indices where batches[index].stage == .waiting {
            let batch = batches[index]
            // A probe takes one, due or not: the breaker has its own clock.
            guard breaker.state != .closed || batch.notBefore <= now, !batch.isStuck || mayStartStuck else {
                continue
            }
            if let other = best, !goes(batch, before: batches[other]) { continue }
            best = index
        }
        return best
    }

    private func goes(_ batch: Batch, before other: Batch) -> Bool {
        if batch.isStuck != other.isStuck { return other.isStuck }
        if breaker.state != .closed, batch.lastStart != other.lastStart {
            return batch.lastStart < other.lastStart
        }
        let place = batch.places[0]
        let best = other.places[0]
        return (place.ordinal, place.index) < (best.ordinal, best.index)
    }

    private mutating func formBatch() -> BatchID {
        var places = sparePlaces.popLast() ?? []
        while places.count < limits.batchEventsMax, readyCount > 0 {
            guard let block = window.entry(atOrAfter: scan.ordinal) else {
                preconditionFailure("events are ready, but not in the window")
            }
            if block.ordinal != scan.ordinal { scan = WindowPlace(ordinal: block.ordinal, index: 0) }
            if scan.index >= block.stages.count {
                scan = WindowPlace(ordinal: scan.ordinal + 1, index: 0)
                continue
            }
            if block.stages[scan.index] == .ready, scan.index >= block.passed {
                block.stages[scan.index] = .claimed
                places.append(scan)
                readyCount -= 1
            }
            scan.index += 1
        }
        return addBatch(Batch(id: newID(), stage: .encoding, places: places))
    }

    private mutating func newID() -> BatchID {
        nextBatchID += 1
        return BatchID(value: nextBatchID)
    }

    private mutating func addBatch(_ batch: Batch) -> BatchID {
        batches.append(batch)
        return batch.id
    }

    private func index(of id: BatchID) -> Int {
        guard let index = batches.firstIndex(where: { $0.id == id }) else {
            preconditionFailure("an answer for a batch that does not exist")
        }
        return index
    }

    mutating func removeBatch(at index: Int) {
        if batches[index].isStuck { stuckCount -= 1 }
        var places = batches[index].places
        let last = batches.removeLast()
        if index < batches.count { batches[index] = last }
        if sparePlaces.count < limits.concurrency {
            places.removeAll(keepingCapacity: true)
            sparePlaces.append(places)
        }
    }

    // MARK: Encoding

    /// Offers the batch's events to the encoder one by one. Events it cannot take are rejected at
    /// once; those that do not fit any more become a batch of their own. Returns how many the
    /// request carries; 0: there is nothing to send and the batch is gone.
    package mutating func encode(_ id: BatchID, now: Moment, add: (Bytes) -> EncodeResult) -> Int {
        let at = index(of: id)
        var batch = batches[at]
        batches[at].places = []  // so that `batch` is the only owner while it is changed
        var kept = 0
        var overflow: [WindowPlace] = []
        offering: for offered in batch.places.indices {
            let place = batch.places[offered]
            switch offer(place, add) {
            case .added:
                batch.places[kept] = place
                kept += 1
            case .full where kept > 0:
                overflow = Array(batch.places[offered...])
                break offering
            case .full:
                reject(place, "the event is too large for one request", batch, now)
            case .missing(let fields):
                reject(place, "missing: " + fields.joined(separator: ", "), batch, now)
            case .unfit(let reason):
                reject(place, reason, batch, now)
            }
        }
        batch.places.removeSubrange(kept...)
        batches[at] = batch
        if !overflow.isEmpty {
            var rest = Batch(id: newID(), stage: .waiting, places: overflow)
            rest.inheritStory(of: batch)
            batches.append(rest)
        }
        if kept == 0 { removeBatch(at: at) }
        advance()
        return kept
    }

    private func offer(_ place: WindowPlace, _ add: (Bytes) -> EncodeResult) -> EncodeResult {
        guard let block = window[ordinal: place.ordinal].block else {
            preconditionFailure("lost events are never in a batch")
        }
        return block.withEvent(place.index, add)
    }

    private mutating func reject(_ place: WindowPlace, _ reason: String, _ batch: Batch, _ now: Moment) {
        let reason = batch.parts.map { $0.account + ": " + reason } ?? reason
        except(place, .rejected, status: 0, reason: reason, batch: batch, url: "", now: now)
    }

    /// Which part of an encoded batch to send now, from 0, when its event takes `count` requests.
    ///
    /// The parts go one after another: a second part does not leave before the first is answered, so
    /// that one large order never takes more than one of the destination's slots.
    package mutating func nextPart(of id: BatchID, count: Int) -> Int {
        let at = index(of: id)
        precondition(batches[at].stage == .encoding)
        if let parts = batches[at].parts {
            precondition(parts.count == count, "an event has the same parts whenever it is encoded")
            return parts.next
        }
        guard count > 1 else { return 0 }
        precondition(batches[at].places.count == 1, "only a single event goes in parts")
        let parts = PartProgress(count: count)
        batches[at].parts = parts
        return parts.next
    }

    /// The request of an encoded batch is on its way.
    package mutating func started(_ id: BatchID, now: Moment) {
        let at = index(of: id)
        precondition(batches[at].stage == .encoding)
        limiter.take(now.monotonic)
        batches[at].isProbe = breaker.started()
        batches[at].stage = .inFlight
        batches[at].heldByOutage = false
        batches[at].lastStart = now.monotonic
        lastStartWasStuck = batches[at].isStuck
        if batches[at].isStuck { stuckInFlight += 1 }
        if batches[at].attempts == 0 {
            batches[at].firstAttempt = now
            batches[at].verdictsSeen = verdicts
        }
        batches[at].isRepeat = batches[at].parts?.startNext() ?? (batches[at].attempts > 0)
        batches[at].attempts += 1
        batches[at].lastAttemptWall = now.wall
        inFlight += 1
        lastStart = now.monotonic
    }

    // MARK: Answers

    /// Takes what came of a batch's request.
    ///
    /// - Parameters:
    ///   - status: of the answer; 0 when there was none.
    ///   - url: goes into the exceptions.
    package mutating func finish(
        _ id: BatchID, _ result: AttemptResult, status: Int = 0, url: String, now: Moment
    ) {
        let at = index(of: id)
        precondition(batches[at].stage == .inFlight)
        inFlight -= 1
        if batches[at].isStuck { stuckInFlight -= 1 }
        switch result {
        case .retry, .unreachable, .ambiguous: break
        default: verdicts += 1
        }
        if batches[at].parts != nil, endPart(at, result, status: status, url: url, now: now) {
            advance()
            return
        }
        switch result {
        case .delivered:
            upstreamAlive()
            deliver(at, status: status, url: url)
        case .deliveredNoting(let status, let note):
            upstreamAlive()
            end(at, .delivered, status: status, reason: note, url: url, now: now)
        case .rejected(let status, let reason):
            upstreamAlive()
            end(at, .rejected, status: status, reason: reason, url: url, now: now)
        case .split(let status, let reason):
            upstreamAlive()
            if batches[at].places.count == 1 {
                end(at, .rejected, status: status, reason: reason, url: url, now: now)
            } else {
                batches[at].strikes = 0
                bisect(at, now: now)
            }
        case .retry(let status, let afterSeconds, let reason):
            let wait = policy.bounded(retryAfterSeconds: afterSeconds)
            pausedUntil = max(pausedUntil, now.monotonic + wait)
            if status >= 500 {
                failed(at, status: status, wait: wait, reason: reason, url: url, now: now)
            } else {
                upstreamAlive()
                tryLater(at, status: status, wait: wait, reason: reason, url: url, now: now)
            }
        case .unreachable(let reason):
            failed(at, status: 0, wait: 0, reason: reason, url: url, now: now)
        case .ambiguous(let reason):
            park(at, reason: reason, url: url, now: now)
        }
        advance()
    }

    /// Ends a batch whose events need no rows of their own.
    mutating func deliver(_ at: Int, status: Int, url: String) {
        for place in batches[at].places { settle(place, .delivered) }
        if keepsDeliveries {
            let batch = batches[at]
            for place in batch.places { noteDelivery(place, batch, status: status, note: "", url: url) }
        }
        removeBatch(at: at)
    }

    /// The upstream may have taken the events or not, and they must not reach it twice: a person decides.
    private mutating func park(_ at: Int, reason: String, url: String, now: Moment) {
        let wasProbe = batches[at].isProbe
        var account = ""
        if let parts = batches[at].parts {
            account = parts.account + (parts.rejections.isEmpty ? "" : "; " + parts.rejections) + "; one more "
        }
        end(
            at, .parked, status: 0, reason: account + "sent, but not answered: \(reason)", url: url, now: now)
        // Silence says of the upstream what a refused connection says.
        if breaker.failed(wasProbe: wasProbe, now: now.monotonic, using: &random) {
            giveUpOverdue(status: 0, reason: reason, url: url, now: now)
        }
    }

    mutating func upstreamAlive() {
        guard breaker.succeeded() else { return }
        // What waited out the outage need not wait any longer.
        for index in batches.indices where batches[index].heldByOutage && !batches[index].isStuck {
            batches[index].notBefore = 0
            batches[index].heldByOutage = false
        }
    }

    private mutating func failed(
        _ at: Int, status: Int, wait: Int64, reason: String, url: String, now: Moment
    ) {
        // What is known to fail on its own says nothing of the upstream.
        let outage =
            (!batches[at].isStuck || batches[at].isProbe)
            && breaker.failed(wasProbe: batches[at].isProbe, now: now.monotonic, using: &random)
        batches[at].heldByOutage = wait == 0
        tryLater(at, status: status, wait: wait, reason: reason, url: url, now: now)
        if outage { giveUpOverdue(status: status, reason: reason, url: url, now: now) }
    }

    private mutating func giveUpOverdue(status: Int, reason: String, url: String, now: Moment) {
        // One probe speaks for all: whoever's time is up need not be sent once more to fail.
        var index = 0
        while index < batches.count {
            if batches[index].stage == .waiting, batches[index].attempts > 0,
                now.monotonic >= deadline(batches[index])
            {
                giveUp(index, status: status, reason: reason, url: url, now: now)
            } else {
                index += 1
            }
        }
    }

    private func deadline(_ batch: Batch) -> Int64 {
        batch.firstAttempt.monotonic + limits.retryForMilliseconds
    }

    private mutating func tryLater(
        _ at: Int, status: Int, wait: Int64, reason: String, url: String, now: Moment
    ) {
        let end = deadline(batches[at])
        guard now.monotonic < end else {
            giveUp(at, status: status, reason: reason, url: url, now: now)
            return
        }
        batches[at].failures += 1
        batches[at].lastFailure = failure(status, reason, url)
        batches[at].parts?.rotate()
        let delay = policy.delay(attempts: batches[at].failures, using: &random)
        batches[at].stage = .waiting
        // The last attempt is made when the time is up, not long before.
        batches[at].notBefore = max(min(now.monotonic + delay, end), now.monotonic + wait)
        // 425 and 429 speak of the time, not of the events.
        if status != 425, status != 429 { strike(at, now: now) }
    }

    /// Counts a failure that is the batch's own: the upstream dealt with another request since its
    /// last one. When it deals with none, every batch may hold an event it fails on; then the oldest
    /// is taken apart, as long as there are few batches, so that an outage does not leave crumbs.
    private mutating func strike(_ at: Int, now: Moment) {
        let othersPassed = verdicts != batches[at].verdictsSeen
        batches[at].verdictsSeen = verdicts
        guard !batches[at].isStuck, othersPassed || isOldest(at) else { return }
        batches[at].strikes += 1
        guard batches[at].strikes >= limits.suspectStrikes else { return }
        if batches[at].places.count > 1 {
            guard othersPassed || batches.count - stuckCount < limits.batchesMax * 2 else { return }
            batches[at].strikes = limits.suspectStrikes - 1
            bisect(at, now: now)
        } else {
            batches[at].isStuck = true
            stuckCount += 1
        }
    }

    private mutating func giveUp(_ at: Int, status: Int, reason: String, url: String, now: Moment) {
        let why = "given up after \(batches[at].attempts) attempts: \(reason)"
        if batches[at].parts != nil {
            giveUpParts(at, status: status, reason: why, url: url, now: now)
        } else {
            end(at, .expired, status: status, reason: why, url: url, now: now)
        }
    }

    mutating func end(
        _ at: Int, _ outcome: Outcome, status: Int, reason: String, url: String, now: Moment
    ) {
        let batch = batches[at]
        for place in batch.places {
            except(place, outcome, status: status, reason: reason, batch: batch, url: url, now: now)
        }
        removeBatch(at: at)
    }

    /// Whether no other batch that is not stuck begins before this one.
    private func isOldest(_ at: Int) -> Bool {
        let place = batches[at].places[0]
        return !batches.contains { batch in
            guard !batch.isStuck, let other = batch.places.first else { return false }
            return (other.ordinal, other.index) < (place.ordinal, place.index)
        }
    }

    private mutating func bisect(_ at: Int, now: Moment) {
        let batch = batches[at]
        let middle = batch.places.count / 2
        var first = batch
        first.places = Array(batch.places[..<middle])
        first.stage = .waiting
        first.notBefore = now.monotonic
        first.isProbe = false
        var second = Batch(id: newID(), stage: .waiting, places: Array(batch.places[middle...]))
        second.inheritStory(of: batch)
        second.notBefore = now.monotonic
        batches[at] = first
        batches.append(second)
    }
}
