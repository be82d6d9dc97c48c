import Histogram
import SluiceCore
import SluiceIO
import Synchronization

/// How much traffic, to where.
package struct TrafficPlan: Sendable {
    /// Numeric, like `127.0.0.1:8080`.
    package var address: String
    /// Bearer token; nil for an open source.
    package var key: String?
    /// What the source is known by at the platforms; needed by a mix with their requests.
    package var accounts: TrafficAccounts?
    /// Each has one thread and one request under way.
    package var connections = 8
    /// Events a second over all connections; nil: as fast as answers come.
    package var eventsPerSecond: Double?
    package var seconds: Double?
    /// About so many events are sent; a last batch may exceed it.
    package var eventsMax: Int?
    package var mix = TrafficMix()
    /// Which part of the acknowledged requests is sent once more, as by a sender that lost the answer. Of
    /// those whose events all have an id of the sender's: native ones and Topsort's.
    package var resendShare = 0.0
    /// The same seed sends the same ids: choose another one for each run against the same data.
    package var seed: UInt64

    package init(address: String, key: String? = nil, seed: UInt64) {
        self.address = address
        self.key = key
        self.seed = seed
    }
}

/// A bounded generator of realistic traffic that knows what each answer must be.
///
/// A request without an answer is not repeated: it is counted, its connection is opened anew, and
/// the traffic goes on, so that a gateway may be killed and started again under it.
///
/// Threads: `start`, `stop` and `wait` belong to one thread; `totals` and `ledger` to any.
package final class Traffic: Sendable {
    package let plan: TrafficPlan
    package let ledger: TrafficLedger
    private let workers: [TrafficWorker]
    private let threads = Mutex<[JoinableThread]>([])
    private let shared: TrafficShared

    package init(_ plan: TrafficPlan, ledger: TrafficLedger) {
        precondition(plan.connections > 0)
        self.plan = plan
        self.ledger = ledger
        let shared = TrafficShared()
        self.shared = shared
        workers = (0..<plan.connections).map {
            TrafficWorker(plan: plan, index: $0, shared: shared, ledger: ledger)
        }
    }

    /// Begins to send.
    package func start() {
        let started = workers.enumerated().map { index, worker in
            startThread(name: "traffic-\(index)") { worker.run() }
        }
        threads.withLock { $0 += started }
    }

    /// Asks all connections to end with the answer they wait for.
    package func stop() { shared.isStopping.store(true, ordering: .relaxed) }

    /// Sends elsewhere from the next connection on: a gateway that was started again has another port.
    package func redirect(to address: String) { shared.address.withLock { $0 = address } }

    /// Whether every connection has ended by itself or by `stop`.
    package var isOver: Bool { shared.ended.load(ordering: .acquiring) == workers.count }

    /// Waits until every connection has ended.
    package func wait() {
        let joined = threads.withLock { threads in
            defer { threads = [] }
            return threads
        }
        for thread in joined { thread.join() }
    }

    /// All connections' figures so far, added up.
    package var totals: TrafficTotals {
        var sum = TrafficTotals()
        for worker in workers { sum.add(worker.totals.withLock { $0 }) }
        return sum
    }
}

/// What the connections of one generator share.
final class TrafficShared: Sendable {
    let isStopping = Atomic<Bool>(false)
    let issued = Atomic<Int>(0)
    let ended = Atomic<Int>(0)
    /// Where to connect instead of the plan's address; nil until `redirect`.
    let address = Mutex<String?>(nil)
}

/// One connection's loop.
final class TrafficWorker: Sendable {
    private let plan: TrafficPlan
    private let index: Int
    private let shared: TrafficShared
    private let ledger: TrafficLedger
    let totals = Mutex(TrafficTotals())

    init(plan: TrafficPlan, index: Int, shared: TrafficShared, ledger: TrafficLedger) {
        self.plan = plan
        self.index = index
        self.shared = shared
        self.ledger = ledger
    }

    func run() {
        defer { shared.ended.add(1, ordering: .releasing) }
        var seeds = SplitMix64(seed: plan.seed)
        for _ in 0..<index { _ = seeds.next() }
        var mint = TrafficMint(
            target: TrafficMint.Target(
                authority: plan.address, key: plan.key, accounts: plan.accounts),
            mix: plan.mix, seed: seeds.next())
        var address = plan.address
        guard var client = HTTPClient(address: address) else {
            totals.withLock { $0.errors["bad_address", default: 0] += 1 }
            return
        }
        var pace = TrafficPace(plan: plan, index: index, now: MonotonicClock.nowMicroseconds)
        // Apart from the mint's, so that the ids do not depend on it.
        var luck = SplitMix64(seed: plan.seed &+ UInt64(index) &+ 0x5EED)
        while !isOver(pace) {
            if let other = shared.address.withLock({ $0 }), other != address,
                let moved = HTTPClient(address: other)
            {
                address = other
                client = moved
            }
            let request = mint.next(nowMilliseconds: WallClock.nowMilliseconds)
            let size = max(request.events.count, 1)
            shared.issued.add(size, ordering: .relaxed)
            guard let due = waitUntilDue(&pace, events: size) else { return }
            guard let answer = exchange(request, over: client, since: due) else {
                Self.sleep(microseconds: 20_000)
                continue
            }
            if request.asksAfterwards, let uri = PlainJSON(answer.body)?["QueuedUri"]?.string,
                let question = mint.submission(uri, of: request)
            {
                _ = exchange(question, over: client, since: MonotonicClock.nowMicroseconds)
            }
            if Self.isResendable(request, after: answer), luck.nextUnit() < plan.resendShare {
                resend(request, over: client)
            }
        }
    }

    private func isOver(_ pace: TrafficPace) -> Bool {
        if shared.isStopping.load(ordering: .relaxed) { return true }
        if let most = plan.eventsMax, shared.issued.load(ordering: .relaxed) >= most { return true }
        return pace.isOver(now: MonotonicClock.nowMicroseconds)
    }

    /// When the request is due, once that moment has come; nil when the traffic ends before.
    private func waitUntilDue(_ pace: inout TrafficPace, events: Int) -> Int64? {
        let due = pace.next(events: events, now: MonotonicClock.nowMicroseconds)
        while true {
            let ahead = due - MonotonicClock.nowMicroseconds
            if ahead <= 0 { return due }
            if shared.isStopping.load(ordering: .relaxed) { return nil }
            // In slices, so that a stop is noticed.
            Self.sleep(microseconds: min(ahead, 50_000))
        }
    }

    /// Whether it was acknowledged, and every one of its events will be known when it comes again.
    private static func isResendable(_ request: TrafficRequest, after answer: HTTPClientAnswer) -> Bool {
        guard case .taken = request.expectation, request.form == .native || request.form == .topsort else {
            return false
        }
        return TrafficVerdict(answer, to: request) == .acknowledged
    }

    /// Sends what was acknowledged already. Nothing new may come of it.
    private func resend(_ request: TrafficRequest, over client: HTTPClient) {
        do throws(HTTPClientError) {
            let answer = try client.exchange(request.bytes)
            let verdict = TrafficVerdict(resend: answer, of: request)
            totals.withLock { totals in
                totals.answered += 1
                totals.byStatus[answer.status, default: 0] += 1
                switch verdict {
                case .acknowledged: totals.resent += request.events.count
                case .refusedRightly, .told: break
                case .putOff: totals.putOff += 1
                case .acknowledgedOddly(let text), .unexpected(let text): totals.sample(text)
                }
            }
        } catch {
            totals.withLock { totals in
                totals.errors[error.label, default: 0] += 1
                totals.resentAmbiguous += request.events.count
            }
        }
    }

    /// Nil when there was no answer.
    private func exchange(
        _ request: TrafficRequest, over client: HTTPClient, since due: Int64
    ) -> HTTPClientAnswer? {
        do throws(HTTPClientError) {
            let answer = try client.exchange(request.bytes)
            let elapsed = MonotonicClock.nowMicroseconds - due
            let verdict = TrafficVerdict(answer, to: request)
            let isPromise = verdict.isPromise(for: request)
            // The ledger first: who reads both must never see more acknowledged than listed.
            if isPromise { ledger.acknowledge(request.events) }
            totals.withLock { totals in
                totals.answered += 1
                totals.byStatus[answer.status, default: 0] += 1
                if isPromise {
                    totals.acknowledged += request.events.count
                    totals.acknowledgeMicroseconds.record(UInt64(max(elapsed, 1)))
                }
                switch verdict {
                case .acknowledged: break
                case .refusedRightly: totals.refusedRightly += 1
                case .told: totals.told += 1
                case .putOff: totals.putOff += 1
                case .acknowledgedOddly(let text), .unexpected(let text): totals.sample(text)
                }
            }
            return answer
        } catch {
            totals.withLock { totals in
                totals.errors[error.label, default: 0] += 1
                if case .unreachable = error { return }
                totals.ambiguous += request.events.count
            }
            return nil
        }
    }

    private static func sleep(microseconds: Int64) {
        ThreadSleep.sleep(microseconds: microseconds)
    }
}

/// When one connection's requests are due.
///
/// With a rate, latency counts from the due time, so that a slow answer is charged for the requests
/// it delays. A connection that has fallen behind by more than `behindMicrosecondsMax` starts its
/// schedule anew: after an outage the missed requests are not made up for in a burst.
struct TrafficPace {
    static let behindMicrosecondsMax: Int64 = 1_000_000

    private let microsecondsPerEvent: Double?
    private let end: Int64?
    private var due: Double

    init(plan: TrafficPlan, index: Int, now: Int64) {
        microsecondsPerEvent = plan.eventsPerSecond.map { Double(plan.connections) * 1e6 / $0 }
        end = plan.seconds.map { now + Int64($0 * 1e6) }
        let offset = (microsecondsPerEvent ?? 0) * Double(index) / Double(plan.connections)
        due = Double(now) + offset
    }

    func isOver(now: Int64) -> Bool { end.map { now >= $0 } ?? false }

    /// The moment at which a request of so many events is due.
    mutating func next(events: Int, now: Int64) -> Int64 {
        guard let microsecondsPerEvent else { return now }
        if Double(now) - due > Double(Self.behindMicrosecondsMax) { due = Double(now) }
        defer { due += microsecondsPerEvent * Double(events) }
        return Int64(due)
    }
}
