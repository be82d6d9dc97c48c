/// How the moments of sending follow each other in an open loop.
package enum Arrival: String, CaseIterable, Sendable {
    /// Independent senders: exponentially distributed gaps.
    case poisson
    /// Equal gaps.
    case constant
}

/// Requests a second over time.
package enum LoadRate: Equatable, Sendable {
    /// Each connection sends again when it is answered.
    case closedLoop
    case fixed(Double)
    /// From one rate to another over the measured time, in a straight line.
    case ramp(from: Double, to: Double)

    package var isOpenLoop: Bool { self != .closedLoop }

    /// Requests a second, on average over the measured time; nil in a closed loop.
    package var mean: Double? {
        switch self {
        case .closedLoop: nil
        case .fixed(let rate): rate
        case .ramp(let from, let to): (from + to) / 2
        }
    }
}

/// What counts as a good answer.
package struct ExpectedStatus: Equatable, Sendable {
    /// Nil: any from 200 to 299.
    package var status: Int?

    package init(_ status: Int? = nil) { self.status = status }

    package func accepts(_ answered: Int) -> Bool {
        status.map { $0 == answered } ?? (200...299).contains(answered)
    }
}

/// One stretch of load with everything it needs but its requests.
package struct LoadPlan: Sendable {
    package var connections = 64
    /// Requests under way at once on one connection, at most.
    package var pipeline = 1
    package var threads = 1
    package var rate = LoadRate.closedLoop
    package var arrival = Arrival.poisson
    /// What is measured; the warm-up comes before it.
    package var seconds = 10.0
    package var warmUpSeconds = 1.0
    /// Without a whole answer for so long, a request has failed.
    package var timeoutSeconds = 10.0
    /// Requests under way at once over all connections, at most; nil: `connections * pipeline`.
    package var outstandingMax: Int?
    package var expected = ExpectedStatus()

    package init() {}

    /// What is wrong with it; nil when nothing is.
    package var problem: String? {
        if threads < 1 || threads > RunID.threadsMax { return "--threads must be from 1 to \(RunID.threadsMax)" }
        if connections < threads || connections > 100_000 {
            return "--connections must be from the number of threads (\(threads)) to 100000"
        }
        if pipeline < 1 || pipeline > 1000 { return "--pipeline must be from 1 to 1000" }
        if !(seconds > 0 && seconds <= 604_800) { return "--duration must be above 0 and at most a week" }
        if !(warmUpSeconds >= 0 && warmUpSeconds <= 3600) { return "--warm-up must be at most an hour" }
        if !(timeoutSeconds >= 0.01 && timeoutSeconds <= 600) {
            return "--timeout must be from 10ms to 10m"
        }
        if let outstandingMax, outstandingMax < threads {
            return "--max-outstanding must be at least the number of threads (\(threads))"
        }
        let rates: [Double] =
            switch rate {
            case .closedLoop: []
            case .fixed(let rate): [rate]
            case .ramp(let from, let to): [from, to]
            }
        if rates.contains(where: { !($0 >= 0.01 && $0 <= 10_000_000) }) {
            return "a rate must be from 0.01 to 10000000 requests a second"
        }
        return nil
    }
}
