import SluiceCore
import SluiceIO
import Synchronization

/// What the threads of one stretch share.
final class LoadShared: Sendable {
    /// Threads whose connections are open, or have failed once.
    let ready = Atomic<Int>(0)
    /// When the warm-up begins; `Int64.max` until all are ready. Monotonic nanoseconds, as `stopAt`.
    let beginAt = Atomic<Int64>(.max)
    /// When to send no more, if earlier than planned.
    let stopAt = Atomic<Int64>(.max)
}

/// One thread of load: an epoll loop over its share of the connections.
///
/// Nothing is allocated for a request: its bytes are a template patched in place, its place among those under
/// way is in a ring of the connection's, its answer is read in one buffer that all connections share.
///
/// Invariants: 1. A connection has at most `pipeline` requests under way, the thread at most `outstandingMax`.
/// 2. Answers belong to a connection's flights in their order. 3. `outstanding` is the sum of all `inFlight`.
/// 4. In the queue is each connection at most once.
///
/// Owner: the thread of `run`; the figures belong to whoever has joined it.
// @unchecked: confined to the thread of `run`, read only after it was joined.
final class LoadThread: @unchecked Sendable {
    let plan: LoadPlan
    private let address: PeerAddress
    private let shared: LoadShared
    private let timeline: Timeline
    private let share: Int
    private let seed: UInt64

    var figures = LoadFigures()
    var acknowledged: AcknowledgedRequests

    private var poller: Poller
    private var scanner: AnswerScanner
    private let templates: [RequestTemplate]
    private var nextTemplate = 0
    private var connections: [LoadConnection]
    private var flights: [Flight]
    private let outstandingMax: Int
    private var outstanding = 0
    private var lost: [Int] = []
    private let input = InputBuffer()
    private var output = ByteBuffer(capacity: 4096)

    // Open loop.
    private var arrivals: ArrivalClock
    private var queue: IndexQueue
    private let isOpenLoop: Bool

    // The course of time, monotonic nanoseconds.
    private var begin: Int64 = .max
    private var measureStart: Int64 = .max
    private var measureEnd: Int64 = .max
    private var isDraining = false
    private var second = SecondTally()
    private var nextUpkeep: Int64 = 0
    private var nextTimeOfDay: Int64 = 0

    private struct SecondTally {
        var number = 0
        var end: Int64 = .max
        var latency = Latency(isCoarse: true)
        var requests = 0
        var errors = 0
    }

    private static let upkeepNanoseconds: Int64 = 20_000_000
    private static let reconnectNanoseconds: Int64 = 100_000_000
    /// More 1xx answers to one request mean a server that would go on for ever.
    private static let interimMax = 16

    /// - Parameters:
    ///   - share: which of the plan's threads it is.
    ///   - acknowledged: of this thread, from the stretches before.
    init(
        _ plan: LoadPlan, share: Int, address: PeerAddress, templates: [RequestTemplate], isHead: Bool,
        acknowledged: AcknowledgedRequests, shared: LoadShared, timeline: Timeline, seed: UInt64
    ) throws(SystemError) {
        self.plan = plan
        self.share = share
        self.address = address
        self.templates = templates
        self.acknowledged = acknowledged
        self.shared = shared
        self.timeline = timeline
        self.seed = seed
        poller = try Poller(capacity: 512)
        scanner = AnswerScanner(isHead: isHead)
        let count = plan.connections / plan.threads + (share < plan.connections % plan.threads ? 1 : 0)
        connections = [LoadConnection](repeating: LoadConnection(), count: count)
        flights = [Flight](repeating: Flight(), count: count * plan.pipeline)
        outstandingMax = plan.outstandingMax.map { max(1, $0 / plan.threads) } ?? count * plan.pipeline
        queue = IndexQueue(capacity: count)
        isOpenLoop = plan.rate.isOpenLoop
        arrivals = ArrivalClock(
            plan.rate, arrival: plan.arrival, share: share, of: plan.threads, rampStart: 0, rampEnd: 1, seed: seed)
    }

    // MARK: The course of a stretch

    /// The body of the thread.
    func run() {
        ThreadTimers.makeExact()
        openAll()
        shared.ready.add(1, ordering: .acquiringAndReleasing)
        waitForBegin()
        start()
        while true {
            let now = MonotonicClock.nowNanoseconds
            if !isDraining, now >= min(measureEnd, shared.stopAt.load(ordering: .relaxed)) { drain(now) }
            if isDraining, outstanding == 0 || now >= measureEnd + timeoutNanoseconds { break }
            if now >= nextUpkeep { keepUp(now) }
            if isOpenLoop { sendDue(now) }
            let count = wait(now)
            for index in 0..<count { handle(poller[index]) }
            if !lost.isEmpty { reopenLost() }
        }
        finish()
    }

    private var timeoutNanoseconds: Int64 { Int64(plan.timeoutSeconds * 1e9) }

    /// Opens all connections and waits until that is over, one way or the other.
    private func openAll() {
        for index in connections.indices { open(index) }
        let deadline = MonotonicClock.nowNanoseconds + min(timeoutNanoseconds, 5_000_000_000)
        while MonotonicClock.nowNanoseconds < deadline,
            connections.indices.contains(where: { isConnecting($0) })
        {
            let count = poller.wait(milliseconds: 10)
            for index in 0..<count { handle(poller[index]) }
        }
    }

    private func waitForBegin() {
        while true {
            begin = shared.beginAt.load(ordering: .acquiring)
            if begin <= MonotonicClock.nowNanoseconds { return }
            if shared.stopAt.load(ordering: .relaxed) != .max {
                begin = MonotonicClock.nowNanoseconds
                return
            }
            let count = poller.wait(nanoseconds: min(1_000_000, max(0, begin - MonotonicClock.nowNanoseconds)))
            for index in 0..<count { handle(poller[index]) }
        }
    }

    private func start() {
        measureStart = begin + Int64(plan.warmUpSeconds * 1e9)
        measureEnd = measureStart + Int64(plan.seconds * 1e9)
        second.end = measureStart + 1_000_000_000
        arrivals = ArrivalClock(
            plan.rate, arrival: plan.arrival, share: share, of: plan.threads, rampStart: measureStart - begin,
            rampEnd: measureEnd - begin, seed: seed)
        let now = MonotonicClock.nowNanoseconds
        for index in connections.indices where connections[index].isOpen { becomeFree(index, now) }
    }

    /// Sends no more; what is under way may still be answered.
    private func drain(_ now: Int64) {
        isDraining = true
        measureEnd = min(measureEnd, max(now, measureStart))
        guard isOpenLoop else { return }
        // What was due and found nothing free has waited at least until now.
        while begin + arrivals.next < measureEnd {
            if begin + arrivals.next >= measureStart {
                figures.unsent += 1
                note(latency: now - begin - arrivals.next)
            }
            arrivals.advance()
        }
    }

    private func finish() {
        let now = MonotonicClock.nowNanoseconds
        for index in connections.indices {
            if connections[index].inFlight > 0 { lose(index, .timedOut, now) }
            // One that has been opened again a moment ago has not failed yet.
            if isConnecting(index), now - connections[index].begunAt > 1_000_000_000 {
                lose(index, .cannotConnect, now)
            }
            connections[index].socket?.close()
            connections[index].socket = nil
        }
        endSecond()
    }

    /// Sleeps until something is ready or due.
    private func wait(_ now: Int64) -> Int {
        guard isOpenLoop, !isDraining, outstanding < outstandingMax, !queue.isEmpty else {
            return poller.wait(milliseconds: 10)
        }
        return poller.wait(nanoseconds: min(Self.upkeepNanoseconds, max(0, begin + arrivals.next - now)))
    }

    /// What is due now and then: timeouts, connections to open again, the events' times, the second's figures.
    private func keepUp(_ now: Int64) {
        nextUpkeep = now + Self.upkeepNanoseconds
        if now >= second.end { endSecond(now) }
        if now >= nextTimeOfDay {
            nextTimeOfDay = now + 1_000_000_000
            let time = WallClock.nowMilliseconds
            for template in templates { template.setTime(milliseconds: time) }
        }
        let oldest = now - timeoutNanoseconds
        for index in connections.indices {
            if connections[index].inFlight > 0 {
                if flights[index * plan.pipeline + connections[index].first].sent < oldest {
                    lose(index, .timedOut, now)
                }
            } else if isConnecting(index), connections[index].begunAt < oldest {
                lose(index, .cannotConnect, now)
            } else if connections[index].socket == nil, connections[index].reopenAt <= now, !isDraining {
                figures.reconnects += 1
                open(index)
            }
        }
        if !lost.isEmpty { reopenLost() }
    }

    @inline(__always)
    private func note(latency nanoseconds: Int64) {
        figures.latency.record(nanoseconds: nanoseconds)
        second.latency.record(nanoseconds: nanoseconds)
    }

    private func endSecond(_ now: Int64? = nil) {
        timeline.add(
            second: second.number, latency: second.latency, requests: second.requests, errors: second.errors)
        second.latency.reset()
        second.requests = 0
        second.errors = 0
        second.number += 1
        second.end += 1_000_000_000
        // Seconds without anything are told, too, so that all threads speak of all seconds.
        if let now, now >= second.end { endSecond(now) }
    }

    // MARK: Connections

    private func isConnecting(_ index: Int) -> Bool {
        connections[index].socket != nil && !connections[index].isOpen
    }

    private func open(_ index: Int) {
        connections[index].begunAt = MonotonicClock.nowNanoseconds
        do throws(SystemError) {
            let socket = try ClientSocket.begin(address)
            connections[index].socket = socket
            connections[index].isOpen = false
            try poller.add(
                socket.descriptor, [.readable, .writable, .peerFinished, .edgeTriggered], token: UInt64(index))
        } catch {
            lose(index, .cannotConnect, MonotonicClock.nowNanoseconds)
        }
    }

    private func handle(_ report: Readiness) {
        let index = Int(report.token)
        guard let socket = connections[index].socket else { return }
        if !connections[index].isOpen {
            let now = MonotonicClock.nowNanoseconds
            guard socket.connectError == 0, !report.flags.contains(.hangup) else {
                return lose(index, .cannotConnect, now)
            }
            guard report.flags.contains(.writable) else { return }
            connections[index].isOpen = true
            if begin != .max { becomeFree(index, now) }
            return
        }
        if report.flags.contains(.writable), !connections[index].unsent.isEmpty { flush(index) }
        if !report.flags.isDisjoint(with: [.readable, .hangup, .error, .peerFinished]) { read(index, socket) }
    }

    /// Ends a connection; its requests have failed.
    private func lose(_ index: Int, _ failure: LoadFailure, _ now: Int64) {
        let count = connections[index].inFlight
        let failed = failure == .cannotConnect ? 1 : count
        figures.failures[failure.rawValue] += failed
        second.errors += failed
        if failure == .timedOut, now >= measureStart {
            // They have taken at least so long.
            for place in 0..<count {
                let ring = (connections[index].first + place) % plan.pipeline
                note(latency: now - flights[index * plan.pipeline + ring].due)
            }
        }
        outstanding -= count
        connections[index].socket?.close()
        connections[index].socket = nil
        connections[index].isOpen = false
        connections[index].inFlight = 0
        connections[index].first = 0
        connections[index].interim = 0
        connections[index].carry.removeAll()
        connections[index].unsent.removeAll()
        connections[index].reopenAt = failure == .cannotConnect ? now + Self.reconnectNanoseconds : now
        if failure != .cannotConnect { lost.append(index) }
    }

    /// Not at once: reports of the same batch may speak of the old socket.
    private func reopenLost() {
        let indexes = lost
        lost.removeAll(keepingCapacity: true)
        guard !isDraining else { return }
        for index in indexes where connections[index].socket == nil {
            figures.reconnects += 1
            open(index)
        }
    }

    // MARK: Sending

    /// The connection has room for requests.
    @inline(__always)
    private func becomeFree(_ index: Int, _ now: Int64) {
        if isOpenLoop {
            if !connections[index].isQueued {
                connections[index].isQueued = true
                queue.push(index)
            }
        } else if !isDraining, begin != .max {
            let room = min(plan.pipeline - connections[index].inFlight, outstandingMax - outstanding)
            if room > 0 { send(room, index, due: now, now) }
        }
    }

    private func sendDue(_ now: Int64) {
        guard !isDraining else { return }
        while begin + arrivals.next <= now, outstanding < outstandingMax, let index = queue.pop() {
            connections[index].isQueued = false
            guard connections[index].isOpen, connections[index].inFlight < plan.pipeline else { continue }
            let due = begin + arrivals.next
            guard due < measureEnd else {
                becomeFree(index, now)
                return
            }
            arrivals.advance()
            send(1, index, due: due, now)
            if connections[index].isOpen, connections[index].inFlight < plan.pipeline { becomeFree(index, now) }
        }
    }

    /// Sends `count` requests in one write.
    private func send(_ count: Int, _ index: Int, due: Int64, _ now: Int64) {
        guard let socket = connections[index].socket else { return }
        if count == 1, connections[index].unsent.isEmpty {
            let bytes = prepare(index, due: due, now)
            let taken = socket.send(bytes)
            if taken < bytes.count { keepRest(bytes, taken, index, now) }
            return
        }
        output.removeAll()
        for _ in 0..<count { output.append(prepare(index, due: due, now)) }
        if !connections[index].unsent.isEmpty {
            for place in 0..<output.count { connections[index].unsent.append(output.bytes[place]) }
            return
        }
        let taken = socket.send(output.bytes)
        if taken < output.count { keepRest(output.bytes, taken, index, now) }
    }

    /// The next request's bytes; from here on it is under way.
    @inline(__always)
    private func prepare(_ index: Int, due: Int64, _ now: Int64) -> Bytes {
        let template = templates[nextTemplate]
        nextTemplate &+= 1
        if nextTemplate == templates.count { nextTemplate = 0 }
        let request = acknowledged.number()
        template.number(from: UInt64(request) &* UInt64(template.events))
        var place = connections[index].first &+ connections[index].inFlight
        if place >= plan.pipeline { place &-= plan.pipeline }
        flights[index &* plan.pipeline &+ place] = Flight(due: due, sent: now, request: request)
        connections[index].inFlight &+= 1
        outstanding &+= 1
        figures.sent &+= 1
        return template.bytes
    }

    private func keepRest(_ bytes: Bytes, _ taken: Int, _ index: Int, _ now: Int64) {
        guard taken >= 0 || taken == Int(ClientSocket.wouldBlock) else { return lose(index, .broken, now) }
        for place in max(0, taken)..<bytes.count { connections[index].unsent.append(bytes[place]) }
    }

    private func flush(_ index: Int) {
        guard let socket = connections[index].socket else { return }
        let bytes = connections[index].unsent
        let taken = bytes.withBytes { socket.send($0) }
        guard taken >= 0 else {
            if taken != Int(ClientSocket.wouldBlock) { lose(index, .broken, MonotonicClock.nowNanoseconds) }
            return
        }
        connections[index].unsent.removeFirst(taken)
    }

    // MARK: Answers

    private func read(_ index: Int, _ socket: ClientSocket) {
        while true {
            let carried = connections[index].carry.count
            if carried > 0 {
                input.put(connections[index].carry)
                connections[index].carry.removeAll(keepingCapacity: true)
            }
            let received = input.receive(from: socket, behind: carried)
            let now = MonotonicClock.nowNanoseconds
            guard received > 0 else {
                if received == Int(ClientSocket.wouldBlock) {
                    if carried > 0 { connections[index].carry = input.bytes(0..<carried).array }
                    return
                }
                return lose(index, received == 0 ? .closed : .broken, now)
            }
            guard take(input.bytes(0..<carried + received), index, now) else { return }
            becomeFree(index, now)
            if isOpenLoop { sendDue(now) }
            // The socket is empty: edge-triggered, it reports when there is more.
            guard received == input.room(behind: carried), connections[index].socket != nil else { return }
        }
    }

    /// Takes the answers out of what was received. False when the connection is lost.
    private func take(_ bytes: Bytes, _ index: Int, _ now: Int64) -> Bool {
        var place = 0
        while place < bytes.count {
            guard connections[index].inFlight > 0 else {
                lose(index, .malformed, now)
                return false
            }
            switch scanner.scan(bytes[place..<bytes.count]) {
            case .whole(let head):
                place += head.bytes
                if head.status < 200 {
                    connections[index].interim += 1
                    if connections[index].interim <= Self.interimMax { continue }
                    lose(index, .malformed, now)
                    return false
                }
                connections[index].interim = 0
                record(index, head.status, now)
                if head.closes {
                    lose(index, .closed, now)
                    return false
                }
            case .partial:
                connections[index].carry = bytes[place..<bytes.count].array
                return true
            case .malformed:
                lose(index, .malformed, now)
                return false
            }
        }
        return true
    }

    @inline(__always)
    private func record(_ index: Int, _ status: Int, _ now: Int64) {
        let first = connections[index].first
        let flight = flights[index &* plan.pipeline &+ first]
        connections[index].first = first &+ 1 == plan.pipeline ? 0 : first &+ 1
        connections[index].inFlight &-= 1
        outstanding &-= 1
        let isGood = plan.expected.accepts(status)
        if isGood {
            acknowledged.acknowledge(flight.request)
        } else {
            figures.failures[LoadFailure.unexpectedStatus.rawValue] += 1
            second.errors += 1
        }
        let isInTime = now < measureEnd
        // What was sent in the measured time counts, however late its answer: a server that stops at the end of a run
        // is to be seen.
        guard now >= measureStart, flight.due < measureEnd else { return }
        if now >= second.end { endSecond(now) }
        figures.requests &+= 1
        figures.statuses[status] &+= 1
        if isGood { figures.events &+= acknowledged.eventsPerRequest }
        if isInTime {
            figures.requestsInTime &+= 1
            if isGood { figures.eventsInTime &+= acknowledged.eventsPerRequest }
            second.requests &+= 1
        }
        note(latency: now &- flight.due)
        if isOpenLoop { figures.latencySinceSent.record(nanoseconds: now &- flight.sent) }
    }
}
