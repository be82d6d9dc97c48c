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
/// saved, so that a restart cannot skip events. 2. what is saved for a destination is one moment of
/// its state. 3. only `waker`, `statuses`, `saveFailures` and `requestStop` may be called from
/// other threads.
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
    private var saveNotBefore: Int64 = 0
    private var stateUpkeepAt: Int64 = 0
    private var seeds: SplitMix64
    private var firstInTurn = 0

    private let stopDeadline = Atomic<Int64>(Int64.max)  // written by any thread, read by delivery
    private let lastSaveFailed = Atomic<Bool>(false)  // written by delivery, read by all
    private let failedSaves = Atomic<Int64>(0)  // written by delivery, read by all
    private let published: Mutex<[DestinationStatus]>

    /// Opens the cursors: from here on every event that is committed is due at each destination.
    ///
    /// - Parameter onTrouble: called on the delivery thread, and here.
    package init(
        destinations: [(DestinationConfiguration, any PlatformEncoder)], blocks: any BlockSource,
        state: any DeliveryState, options: DeliveryOptions = DeliveryOptions(),
        onTrouble: @escaping TroubleHandler
    ) throws(SystemError) {
        slots = destinations.map { Slot($0.0, $0.1) }
        self.blocks = blocks
        self.state = state
        self.options = options
        self.onTrouble = onTrouble
        eventFD = try EventFD()
        seeds = SplitMix64(seed: options.seed ?? UInt64.random(in: 0...UInt64.max))
        published = Mutex(
            destinations.map { DestinationStatus(name: $0.0.name, platform: $0.0.platform) })
        openSlots(now: DeliveryEngine.now)
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
            }
            saveIfDue(now)
            if !isStopping { tidyIfDue(now) }
            publish(head)
            let limit = isHungry ? 0 : sleepLimit(driver, now: now, deadline: isStopping ? deadline : nil)
            poller.wait(milliseconds: limit, driver: driver)
            driver.tick(now: MonotonicClock.nowMilliseconds)
            takeAnswers(driver)
        }
        driver.abandonAll()
        // A busy database gets a second chance; after that the cursor is older, and events are
        // sent twice.
        if !save(DeliveryEngine.now) { _ = save(DeliveryEngine.now) }
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
        guard !slots.isEmpty else { return false }
        firstInTurn = (firstInTurn + 1) % slots.count
        var isHungry = false
        for offset in slots.indices {
            let slot = slots[(firstInTurn + offset) % slots.count]
            if slot.runner?.drive(blocks, head: head, driver: driver, now: now) == true { isHungry = true }
        }
        return isHungry
    }

    private func takeAnswers(_ driver: CurlDriver) {
        let now = DeliveryEngine.now
        while let (transfer, result) = driver.nextDone() {
            slots[transfer.destinationIndex].runner?.finished(transfer, result, now: now)
        }
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
            for slot in slots { consider(slot.runner?.wakeAt(now.monotonic)) }
        }
        if slots.contains(where: { $0.runner?.state.needsSave == true }) { consider(saveNotBefore) }
        return due.map { Int(max(0, $0 - now.monotonic)) }
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
                onTrouble: onTrouble)
            options.onPositionSaved(cursor.destination, cursor.position.block)
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
                try state.save(cursors: [cursor], exceptions: [])
                onTrouble(
                    DeliveryTrouble.cursorBeyondHead, name,
                    "the cursor stands at \(stored.position), after \(stored.startEvent + stored.counts.total)"
                        + " events, but the log ends at \(cursor.position) after \(head.events): the log was"
                        + " replaced. Delivery begins anew at its end; the old books were \(stored.counts)")
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
            try state.save(cursors: [cursor], exceptions: [])
            if options.stateWasLost {
                onTrouble(
                    DeliveryTrouble.stateLost, name,
                    "the state file is missing beside a log that holds events: delivery begins again at"
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
        guard isNeeded, now.monotonic >= saveNotBefore || (isPressing && !isSaveFailing) else { return }
        _ = save(now)
    }

    /// Saves every destination that changed. False when the state could not take it; all of it is
    /// kept for the next time.
    private func save(_ now: Moment) -> Bool {
        var cursors: [Cursor] = []
        var exceptions: [ExceptionalOutcome] = []
        var saved: [(DestinationRunner, exceptions: Int)] = []
        for slot in slots {
            guard let runner = slot.runner, runner.state.needsSave else { continue }
            cursors.append(runner.state.cursor)
            exceptions += runner.state.unsavedExceptions
            saved.append((runner, runner.state.unsavedExceptions.count))
        }
        guard !cursors.isEmpty else { return true }
        do throws(DeliveryStateError) {
            try state.save(cursors: cursors, exceptions: exceptions)
        } catch {
            failedSaves.add(1, ordering: .relaxed)
            lastSaveFailed.store(true, ordering: .relaxed)
            saveNotBefore = now.monotonic + options.saveRetryMilliseconds
            onTrouble(DeliveryTrouble.stateUnavailable, "", "cursors cannot be saved: \(error.reason)")
            return false
        }
        for (runner, count) in saved { runner.state.saved(exceptions: count) }
        for cursor in cursors { options.onPositionSaved(cursor.destination, cursor.position.block) }
        lastSaveFailed.store(false, ordering: .relaxed)
        saveNotBefore = now.monotonic + options.saveIntervalMilliseconds
        return true
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
            slot.runner?.status(head: head)
                ?? DestinationStatus(name: slot.configuration.name, platform: slot.configuration.platform)
        }
        published.withLock { $0 = picture }
    }
}
