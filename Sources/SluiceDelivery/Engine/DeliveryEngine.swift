import SluiceCore
import SluiceIO
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// What the engine needs besides destinations, log and state.
package struct DeliveryOptions: Sendable {
    /// Between two saves while something changes.
    package var saveIntervalMilliseconds: Int64 = 250
    /// After a save or a first look at a cursor that failed.
    package var saveRetryMilliseconds: Int64 = 1000
    package var retryPolicy = RetryPolicy()
    /// The log holds events, but the state file is gone: cursors that are missing were lost with it.
    package var stateWasLost = false
    /// Called on the delivery thread, and where the engine is made, with a destination's name and the block
    /// of its cursor, after that cursor was read from the state or saved to it.
    package var onPositionSaved: @Sendable (String, Int64) -> Void = { _, _ in }
    /// Between two times that the state may tidy up, and between two parts of one time.
    package var stateUpkeepIntervalMilliseconds: Int64 = 60_000
    package var stateUpkeepPauseMilliseconds: Int64 = 250
    /// Between two looks whether the state is still where it was.
    package var stateLookIntervalMilliseconds: Int64 = 2000
    /// Sent with every request.
    package var userAgent = "Sluice"
    /// Seeds the jitter; nil takes one from the system.
    package var seed: UInt64?

    package init() {}
}

/// The body of the delivery thread: drives every destination over one log with one curl handle.
///
/// A turn: let each destination read and start requests; save what changed, at most every
/// `saveIntervalMilliseconds`; publish a picture for the admin side; sleep until a commit, a socket
/// or a timer; take the answers. No destination waits for another: what one reads or sends in a
/// turn is bounded, and one that cannot send reads nothing.
///
/// Invariants: 1. a destination without a stored cursor sends nothing before its first one is
/// saved, so that a restart cannot skip events; that cursors were lost is forgotten only when every destination
/// has one again. 2. what is saved for a destination is one moment of
/// its state. 3. only `waker`, `statuses`, `progress`, `replays`, `replay`, `save(then:)`, `saveFailures` and `requestStop` may
/// be called from other threads. 4. replays start nothing that live delivery could start instead.
// @unchecked: `slots`, `blocks` and `state` belong to the thread that makes the engine until it
// calls `run` on the delivery thread; everything shared is atomic or behind the mutex.
package final class DeliveryEngine: @unchecked Sendable {
    /// A destination, open or still waiting for its cursor.
    private final class Slot {
        let configuration: DestinationConfiguration
        let encoder: any PlatformEncoder
        var runner: DestinationRunner?

        init(_ configuration: DestinationConfiguration, _ encoder: any PlatformEncoder) {
            self.configuration = configuration
            self.encoder = encoder
        }
    }

    private let slots: [Slot]
    private let blocks: any BlockSource
    private let state: any DeliveryState
    private let options: DeliveryOptions
    private let onTrouble: TroubleHandler
    private let eventFD: EventFD
    private var openAgainAt: Int64?
    private var isSettled = false
    private var saveNotBefore: Int64 = 0
    private var stateUpkeepAt: Int64 = 0
    private var stateLookAt: Int64 = 0
    private var seeds: SplitMix64
    private var firstInTurn = 0

    private let stopDeadline = Atomic<Int64>(Int64.max)  // written by any thread, read by delivery
    private let lastSaveFailed = Atomic<Bool>(false)  // written by delivery, read by all
    private let failedSaves = Atomic<Int64>(0)  // written by delivery, read by all
    private let published: Mutex<[DestinationStatus]>
    private let questions = Mutex<[ProgressQuestion]>([])
    private let board: ReplayBoard?
    private let publishedReplays = Mutex<[Int64: ReplayJob]>([:])
    private let orders = Mutex(Orders())

    /// What is asked of the replays by other threads, until the next turn.
    private struct Orders {
        var open: [(ReplayCommand, ReplayReply)] = []
        var saves: [@Sendable () -> Void] = []
        var isClosed = false
    }

    /// Opens the cursors: from here on every event that is committed is due at each destination.
    ///
    /// - Parameters:
    ///   - replays: without it there are none.
    ///   - onTrouble: called on the delivery thread, and here.
    package init(
        destinations: [(DestinationConfiguration, any PlatformEncoder)], blocks: any BlockSource,
        state: any DeliveryState, options: DeliveryOptions = DeliveryOptions(), replays: ReplayParts? = nil,
        onTrouble: @escaping TroubleHandler
    ) throws(SystemError) {
        slots = destinations.map { Slot($0.0, $0.1) }
        self.blocks = blocks
        self.state = state
        self.options = options
        self.onTrouble = onTrouble
        eventFD = try EventFD()
        var seeds = SplitMix64(seed: options.seed ?? UInt64.random(in: 0...UInt64.max))
        board = replays.map { ReplayBoard($0, options: options, seed: seeds.next(), onTrouble: onTrouble) }
        self.seeds = seeds
        published = Mutex(
            destinations.map { DestinationStatus(name: $0.0.name, platform: $0.0.platform) })
        openSlots(now: DeliveryEngine.now)
        board?.load(DeliveryEngine.now)
        publish(blocks.head)
    }

    // MARK: For other threads

    /// To be woken after each commit.
    package var waker: any Waker { eventFD }

    /// Every destination as of the engine's last turn, in the order given.
    package func statuses() -> [DestinationStatus] { published.withLock { $0 } }

    /// How often cursors could not be saved.
    package var saveFailures: Int64 { failedSaves.load(ordering: .relaxed) }

    /// Whether the last save failed: a crash now would send more events again than it should.
    package var isSaveFailing: Bool { lastSaveFailed.load(ordering: .relaxed) }

    /// What each destination, by its name, knows of an event that its record in the state file does not say
    /// yet. Asks the delivery thread and waits for its next turn; nil when it does not answer in time.
    ///
    /// - Parameter eventNumber: events in the log before it.
    package func progress(
        of sequence: EventSequence, eventNumber: Int64, timeoutMilliseconds: Int = 1000
    ) -> [String: EventProgress]? {
        guard let question = try? ProgressQuestion(sequence, eventNumber) else { return nil }
        questions.withLock { $0.append(question) }
        eventFD.wake()
        let answer = question.wait(milliseconds: timeoutMilliseconds)
        questions.withLock { $0.removeAll { $0 === question } }
        return answer
    }

    /// All replays as of the engine's last turn, by their number.
    package func replays() -> [ReplayJob] {
        publishedReplays.withLock { Array($0.values) }.sorted { $0.id < $1.id }
    }

    /// Has a replay made or changed in the engine's next turn. It is on disk when the answer comes, unless
    /// the state database fails.
    package func replay(_ command: ReplayCommand, reply: @escaping ReplayReply) {
        let isTaken = orders.withLock { orders in
            guard board != nil, !orders.isClosed else { return false }
            orders.open.append((command, reply))
            return true
        }
        guard isTaken else {
            reply(.failure(.unavailable("delivery has stopped")))
            return
        }
        eventFD.wake()
    }

    /// Has everything saved in the engine's next turn, for whoever reads the state file then. `done` is called
    /// on the delivery thread, or here when it has ended.
    package func save(then done: @escaping @Sendable () -> Void) {
        let isTaken = orders.withLock { orders in
            if !orders.isClosed { orders.saves.append(done) }
            return !orders.isClosed
        }
        if isTaken { eventFD.wake() } else { done() }
    }

    /// Asks `run` to return: nothing new is sent, what is on its way may finish.
    ///
    /// - Parameter deadlineMilliseconds: how long to wait for it, from now; what is unanswered then
    ///   is sent again after a restart.
    package func requestStop(deadlineMilliseconds: Int) {
        stopDeadline.store(
            MonotonicClock.nowMilliseconds + Int64(max(0, deadlineMilliseconds)), ordering: .releasing)
        eventFD.wake()
    }

    // MARK: The thread's body

    /// Runs until `requestStop`. Call once, on the delivery thread.
    package func run() {
        blockBrokenPipes()
        let poller: SocketPoller
        do {
            poller = try SocketPoller(waker: eventFD)
        } catch {
            fatalError("the delivery thread cannot start: \(error)")
        }
        let driver = makeDriver(poller)
        while true {
            let now = DeliveryEngine.now
            let deadline = stopDeadline.load(ordering: .acquiring)
            let isStopping = deadline != Int64.max
            if isStopping, driver.activeCount == 0 || now.monotonic >= deadline { break }
            let head = blocks.head
            var isHungry = false
            if !isStopping {
                if let due = openAgainAt, due <= now.monotonic { openSlots(now: now) }
                isHungry = driveAll(head, driver, now)
                isHungry = driveReplays(head, driver, now) || isHungry
            }
            saveIfDue(now)
            if !isStopping {
                lookAfterStateIfDue(now)
                tidyIfDue(now)
            }
            publish(head)
            answerQuestions()
            // What was started goes out before the thread sleeps; what is over by that already may start something.
            driver.tick(now: now.monotonic)
            let mayGoOn = takeAnswers(driver) || isHungry
            let limit = mayGoOn ? 0 : sleepLimit(driver, now: now, deadline: isStopping ? deadline : nil)
            poller.wait(milliseconds: limit, driver)
            driver.tick(now: MonotonicClock.nowMilliseconds)
            takeAnswers(driver)
        }
        let stopped = DeliveryEngine.now
        for transfer in driver.abandonAll() {
            if transfer.destinationIndex < 0 {
                board?.abandoned(transfer, now: stopped)
            } else {
                slots[transfer.destinationIndex].runner?.abandoned(transfer, now: stopped)
            }
        }
        closeOrders()
        // A busy database gets a second chance; after that the cursor is older, and events are
        // sent twice.
        if !save(DeliveryEngine.now) { _ = save(DeliveryEngine.now) }
        do throws(DeliveryStateError) {
            try state.finish()
        } catch {
            onTrouble(DeliveryTrouble.stateUnavailable, "", error.reason)
        }
        publish(blocks.head)
    }

    private static var now: Moment {
        Moment(monotonic: MonotonicClock.nowMilliseconds, wall: WallClock.nowMilliseconds)
    }

    private func makeDriver(_ poller: SocketPoller) -> CurlDriver {
        let configurations = slots.map(\.configuration)
        let total = configurations.reduce(0) { $0 + max(1, $1.concurrency) }
        // Destinations on one host share its connections; each keeps to its own concurrency.
        return CurlDriver(watcher: poller, connectionsMax: total, hostConnectionsMax: total) {
            MonotonicClock.nowMilliseconds
        }
    }

    /// CURLOPT_NOSIGNAL: with it, "libcurl will not ask the system to ignore SIGPIPE signals, which
    /// otherwise are sent by the system when trying to send data to a socket which is closed in the
    /// other end". It goes to the thread that writes: blocked here, it is an error like any other.
    private func blockBrokenPipes() {
        var set = sigset_t()
        // Safety: `set` is ours and initialized by sigemptyset.
        unsafe sigemptyset(&set)
        unsafe sigaddset(&set, SIGPIPE)
        unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
    }

    private func driveAll(_ head: LogHead, _ driver: CurlDriver, _ now: Moment) -> Bool {
        guard !slots.isEmpty, board?.isAlone != true else { return false }
        firstInTurn = (firstInTurn + 1) % slots.count
        var isHungry = false
        for offset in slots.indices {
            let slot = slots[(firstInTurn + offset) % slots.count]
            if slot.runner?.drive(blocks, head: head, driver: driver, now: now) == true { isHungry = true }
        }
        return isHungry
    }

    /// After live delivery had its turn. True when one stopped only to let others have theirs.
    private func driveReplays(_ head: LogHead, _ driver: CurlDriver, _ now: Moment) -> Bool {
        guard let board else { return false }
        board.load(now)
        carryOutOrders(board, now)
        let isHungry = board.drive(lives, head: head, driver: driver, now: now)
        countBorrowed()
        return isHungry
    }

    private var lives: [LiveDestination] {
        slots.map { LiveDestination(configuration: $0.configuration, encoder: $0.encoder, runner: $0.runner) }
    }

    /// Tells live delivery how much of its concurrency is in use.
    private func countBorrowed() {
        guard let board else { return }
        for slot in slots { slot.runner?.state.borrowed = board.inFlight(slot.configuration.name) }
    }

    private func carryOutOrders(_ board: ReplayBoard, _ now: Moment) {
        let (open, saves) = takeOrders()
        guard !open.isEmpty || !saves.isEmpty else { return }
        let names = slots.map(\.configuration.name)
        let results = open.map { board.carryOut($0.0, destinations: names, now: now) }
        _ = save(now)
        publishReplays()
        for (order, result) in zip(open, results) { order.1(result) }
        for done in saves { done() }
    }

    private func takeOrders(
        closing: Bool = false
    ) -> ([(ReplayCommand, ReplayReply)], [@Sendable () -> Void]) {
        orders.withLock { orders in
            if closing { orders.isClosed = true }
            guard !orders.open.isEmpty || !orders.saves.isEmpty else { return ([], []) }
            defer {
                orders.open = []
                orders.saves = []
            }
            return (orders.open, orders.saves)
        }
    }

    private func closeOrders() {
        let (open, saves) = takeOrders(closing: true)
        for order in open { order.1(.failure(.unavailable("delivery has stopped"))) }
        for done in saves { done() }
    }

    private func publishReplays() {
        guard let news = board?.takeNews(), !news.changed.isEmpty || !news.forgotten.isEmpty else { return }
        publishedReplays.withLock { published in
            for job in news.changed { published[job.id] = job }
            for id in news.forgotten { published[id] = nil }
        }
    }

    /// False when there are none.
    @discardableResult
    private func takeAnswers(_ driver: CurlDriver) -> Bool {
        guard var next = driver.nextDone() else { return false }
        let now = DeliveryEngine.now
        while true {
            let (transfer, result) = next
            if transfer.destinationIndex < 0 {
                board?.finished(transfer, result, now: now)
            } else {
                slots[transfer.destinationIndex].runner?.finished(transfer, result, now: now)
            }
            guard let another = driver.nextDone() else { break }
            next = another
        }
        countBorrowed()
        return true
    }

    private func sleepLimit(_ driver: CurlDriver, now: Moment, deadline: Int64?) -> Int? {
        var due = driver.timerAt
        func consider(_ time: Int64?) {
            if let time { due = min(due ?? time, time) }
        }
        consider(deadline)
        if deadline == nil {
            consider(openAgainAt)
            consider(stateUpkeepAt)
            consider(stateLookAt)
            if board?.isAlone != true {
                for slot in slots { consider(slot.runner?.wakeAt(now.monotonic)) }
            }
            if let board { consider(board.wakeAt(now.monotonic, lives)) }
        }
        if slots.contains(where: { $0.runner?.state.needsSave == true }) || board?.needsSave == true || state.hasNews {
            consider(saveNotBefore)
        }
        return due.map { Int(max(0, $0 - now.monotonic)) }
    }

    private func answerQuestions() {
        let open = questions.withLock { questions in
            defer { if !questions.isEmpty { questions = [] } }
            return questions
        }
        for question in open {
            var answer: [String: EventProgress] = [:]
            for slot in slots {
                answer[slot.configuration.name] = slot.runner?.state.progress(
                    of: question.sequence, eventNumber: question.eventNumber)
            }
            question.give(answer)
        }
    }

    // MARK: Cursors

    /// Opens every destination that is not open yet.
    private func openSlots(now: Moment) {
        openAgainAt = nil
        for (index, slot) in slots.enumerated() where slot.runner == nil {
            guard let cursor = openCursor(slot.configuration) else {
                openAgainAt = now.monotonic + options.saveRetryMilliseconds
                continue
            }
            slot.runner = DestinationRunner(
                index: index, configuration: slot.configuration, encoder: slot.encoder, cursor: cursor,
                policy: options.retryPolicy, userAgent: options.userAgent, seed: seeds.next(),
                givenUpAtStart: blocks.givenUpEvents(from: cursor.startEvent + cursor.counts.total),
                onTrouble: onTrouble)
            options.onPositionSaved(cursor.destination, cursor.position.block)
        }
        settleCursors(now)
    }

    /// Who replays alone knows one destination only, and leaves it to the next start to open the others.
    private func settleCursors(_ now: Moment) {
        guard !isSettled, board?.isAlone != true, !slots.isEmpty, slots.allSatisfy({ $0.runner != nil }) else { return }
        do throws(DeliveryStateError) {
            try state.settleCursors()
            isSettled = true
        } catch {
            openAgainAt = now.monotonic + options.saveRetryMilliseconds
            onTrouble(DeliveryTrouble.stateUnavailable, "", error.reason)
        }
    }

    /// Nil when log or state do not let us know yet; the reason has been told.
    private func openCursor(_ configuration: DestinationConfiguration) -> Cursor? {
        let name = configuration.name
        do throws(DeliveryStateError) {
            if let stored = try state.cursor(of: name) {
                let head = blocks.head
                guard CursorOpening.isBeyond(head, stored) else { return stored }
                let cursor = CursorOpening.clamped(stored, to: head)
                var change = DeliveryChange(cursors: [cursor])
                change.restarted = [name]
                try state.save(change)
                onTrouble(
                    DeliveryTrouble.cursorBeyondHead, name,
                    "the cursor stands at \(stored.position), after \(stored.startEvent + stored.counts.total)"
                        + " events, but the log ends at \(cursor.position) after \(head.events): the log was"
                        + " replaced. Delivery begins anew at its end; the old books were: \(stored.counts)")
                return cursor
            }
            let cursor: Cursor
            do throws(BlockSourceError) {
                cursor = try CursorOpening.first(
                    of: configuration, blocks: blocks, stateWasLost: options.stateWasLost)
            } catch {
                onTrouble(DeliveryTrouble.logUnavailable, name, "\(error)")
                return nil
            }
            try state.save(DeliveryChange(cursors: [cursor]))
            if options.stateWasLost {
                onTrouble(
                    DeliveryTrouble.stateLost, name,
                    "its cursor was lost with the state file, beside a log that holds events: delivery begins again at"
                        + " \(cursor.position), the oldest block there is, and what was delivered before is"
                        + " sent twice")
            } else if cursor.startEvent > 0 {
                // Right for a destination that is new; a loss where state.sqlite went astray.
                onTrouble(
                    DeliveryTrouble.cursorNew, name,
                    "there is no cursor yet: delivery begins at \(cursor.position), and the"
                        + " \(cursor.startEvent) events before it are not delivered here")
            }
            return cursor
        } catch {
            failedSaves.add(1, ordering: .relaxed)
            onTrouble(DeliveryTrouble.stateUnavailable, name, error.reason)
            return nil
        }
    }

    private func saveIfDue(_ now: Moment) {
        var isPressing = false
        var isNeeded = false
        for slot in slots {
            guard let runner = slot.runner, runner.state.needsSave else { continue }
            isNeeded = true
            isPressing = isPressing || runner.state.isWaitingForSave
        }
        isNeeded = isNeeded || board?.needsSave == true || state.hasNews
        guard isNeeded, now.monotonic >= saveNotBefore || (isPressing && !isSaveFailing) else { return }
        _ = save(now)
    }

    /// Saves every destination that changed. False when the state could not take it; all of it is
    /// kept for the next time.
    private func save(_ now: Moment) -> Bool {
        var change = DeliveryChange()
        var saved: [DestinationRunner] = []
        // First, because it gives corrections to the destinations.
        board?.collect(into: &change, lives)
        for slot in slots {
            guard let runner = slot.runner, runner.state.needsSave else { continue }
            change.append(runner.state.change)
            saved.append(runner)
        }
        guard !saved.isEmpty || !change.replays.isEmpty || state.hasNews else { return true }
        let applied: [OutcomeCorrection]
        do throws(DeliveryStateError) {
            applied = try state.save(change)
        } catch {
            failedSaves.add(1, ordering: .relaxed)
            lastSaveFailed.store(true, ordering: .relaxed)
            saveNotBefore = now.monotonic + options.saveRetryMilliseconds
            onTrouble(DeliveryTrouble.stateUnavailable, "", "cursors cannot be saved: \(error.reason)")
            return false
        }
        for runner in saved { runner.state.saved(applied) }
        board?.saved()
        for cursor in change.cursors { options.onPositionSaved(cursor.destination, cursor.position.block) }
        lastSaveFailed.store(false, ordering: .relaxed)
        saveNotBefore = now.monotonic + options.saveIntervalMilliseconds
        return true
    }

    private func lookAfterStateIfDue(_ now: Moment) {
        guard now.monotonic >= stateLookAt else { return }
        stateLookAt = now.monotonic + options.stateLookIntervalMilliseconds
        do throws(DeliveryStateError) {
            try state.lookAfterFile()
        } catch {
            failedSaves.add(1, ordering: .relaxed)
            lastSaveFailed.store(true, ordering: .relaxed)
            onTrouble(DeliveryTrouble.stateUnavailable, "", error.reason)
        }
    }

    /// Lets the state forget what the log has given up; a little at a time, because destinations wait.
    private func tidyIfDue(_ now: Moment) {
        guard now.monotonic >= stateUpkeepAt else { return }
        stateUpkeepAt = now.monotonic + options.stateUpkeepIntervalMilliseconds
        do throws(DeliveryStateError) {
            if try state.upkeep() { stateUpkeepAt = now.monotonic + options.stateUpkeepPauseMilliseconds }
        } catch {
            // It is only tidying; a state that cannot be written is told of where cursors are saved.
        }
    }

    private func publish(_ head: LogHead) {
        let picture = slots.map { slot in
            slot.runner?.status(blocks, head: head)
                ?? DestinationStatus(name: slot.configuration.name, platform: slot.configuration.platform)
        }
        published.withLock { $0 = picture }
        publishReplays()
    }
}
