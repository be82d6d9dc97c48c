import Synchronization

/// What one stand-in took, for assertions and for the books.
///
/// Invariants: 1. an id is in `counts` exactly when a request that carried it was taken as a whole.
/// 2. `counts` never holds more than `idsMax` ids; events beyond that are counted in `unlisted`, and
/// whoever compares ledgers must then say that it cannot. 3. `requests` are the last ones, in the order
/// of their arrival, as many as `requestsMax` and `requestBytesMax` leave room for.
package final class StandInLedger: Sendable {
    /// Figures about everything that reached the stand-in.
    package struct Totals: Equatable, Sendable {
        package var requests = 0
        /// Requests that met a fault instead of the platform's rules.
        package var faults = 0
        package var requestsTaken = 0
        package var requestsRefused = 0
        /// Events of requests taken, repeats included.
        package var events = 0
        /// Different ids among them, as far as listed.
        package var ids = 0
        /// Events that came with an id seen before.
        package var repeats = 0
        /// Events whose id there was no room for.
        package var unlisted = 0

        package init() {}
    }

    private struct State {
        var counts: [String: Int] = [:]
        var totals = Totals()
        var refusals: [String] = []
        var requests = KeptRequests()
    }

    package let idsMax: Int
    private let refusalsMax = 32
    /// Bounds of what is kept whole, enough for a test's story and small beside the ids.
    package static let requestsMax = 1000
    package static let requestBytesMax = 8 << 20
    private let state = Mutex(State())

    /// - Parameter idsMax: the most ids remembered, at about 150 bytes each.
    package init(idsMax: Int = 2_000_000) { self.idsMax = idsMax }

    package var totals: Totals { state.withLock { $0.totals } }

    /// How often an event with this id was taken.
    package func received(_ id: String) -> Int { state.withLock { $0.counts[id] ?? 0 } }

    /// All ids taken, in no order.
    package var ids: [String] { state.withLock { Array($0.counts.keys) } }

    /// The first refusals, at most 32, for people.
    package var refusals: [String] { state.withLock { $0.refusals } }

    /// The last requests, whole, those that met a fault included.
    package var requests: [KeptRequest] { state.withLock { $0.requests.all } }

    /// Those of `ids` that never came.
    package func missing<IDs: Sequence<String>>(of ids: IDs) -> [String] {
        state.withLock { state in ids.filter { state.counts[$0] == nil } }
    }

    /// Forgets everything.
    package func forget() { state.withLock { $0 = State() } }

    /// - Parameter status: nil where the fault is that there is no answer.
    func countFault(_ request: StandInRequest, status: Int?) {
        state.withLock { state in
            state.requests.add(KeptRequest(request: request, status: status))
            state.totals.requests += 1
            state.totals.faults += 1
        }
    }

    /// - Parameter isAnswered: false where the connection is cut in place of the answer.
    func record(_ judgement: Judgement, of request: StandInRequest, isAnswered: Bool = true) {
        state.withLock { state in
            state.requests.add(
                KeptRequest(request: request, status: isAnswered ? judgement.answer.status : nil))
            state.totals.requests += 1
            if let refusal = judgement.refusal {
                state.totals.requestsRefused += 1
                if state.refusals.count < refusalsMax { state.refusals.append(refusal) }
                return
            }
            state.totals.requestsTaken += 1
            state.totals.events += judgement.recorded.count
            for id in judgement.recorded {
                if let count = state.counts[id] {
                    state.counts[id] = count + 1
                    state.totals.repeats += 1
                } else if state.counts.count < idsMax {
                    state.counts[id] = 1
                    state.totals.ids += 1
                } else {
                    state.totals.unlisted += 1
                }
            }
        }
    }

    /// One line of JSON per id: `{"id":"…","count":n}`.
    package func ndjson() -> [UInt8] {
        let counts = state.withLock { $0.counts }
        var text: [UInt8] = []
        text.reserveCapacity(counts.count * 64)
        for (id, count) in counts {
            text += "{\"id\":\(PlainJSON.quote(id)),\"count\":\(count)}\n".utf8
        }
        return text
    }
}
