import SluiceCore
import SluiceIO

/// Sends single events and keeps what was promised of them. Owner: one thread.
final class DrillProbe {
    enum Answer: Equatable {
        case taken
        /// 503; `retryAfterSeconds` is nil where the header is missing or no number.
        case putOff(retryAfterSeconds: Int?)
        case unexpected(String)
        case none
    }

    private(set) var totals = TrafficTotals()
    private let ledger: TrafficLedger
    private let key: String
    private var random: SplitMix64

    init(ledger: TrafficLedger, key: String, seed: UInt64) {
        self.ledger = ledger
        self.key = key
        random = SplitMix64(seed: seed)
    }

    func send(to address: String) -> Answer {
        guard let client = HTTPClient(address: address, timeoutMilliseconds: 30_000) else { return .none }
        var mint = TrafficMint(
            target: TrafficMint.Target(authority: address, key: key), mix: .valid, seed: random.next())
        let request = mint.native(count: 1, now: WallClock.nowMilliseconds)
        let answer: HTTPClientAnswer
        do throws(HTTPClientError) {
            answer = try client.exchange(request.bytes)
        } catch {
            totals.errors[error.label, default: 0] += 1
            if case .unreachable = error { return .none }
            totals.ambiguous += request.events.count
            return .none
        }
        totals.answered += 1
        totals.byStatus[answer.status, default: 0] += 1
        switch TrafficVerdict(answer, to: request) {
        case .acknowledged:
            ledger.acknowledge(request.events)
            totals.acknowledged += request.events.count
            return .taken
        case .putOff:
            totals.putOff += 1
            return .putOff(retryAfterSeconds: answer.header("retry-after").flatMap { Int($0) })
        case .refusedRightly, .told: return .unexpected("answered with \(answer.status)")
        case .acknowledgedOddly(let text), .unexpected(let text):
            totals.sample(text)
            return .unexpected(text)
        }
    }
}
