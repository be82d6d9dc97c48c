import SluiceCore
import Synchronization

/// One way an upstream can fail.
package enum Fault: Equatable, Sendable {
    /// Answers with a status; the body is the platform's error form where none is given.
    case status(Int, body: String? = nil)
    /// 429 with `X-RateLimit-*`, and with `Retry-After` where seconds are given.
    case rateLimit(limit: Int, retryAfterSeconds: Int?)
    /// Closes the connection with RST instead of reading the request's content.
    case reset
    /// Takes the request as the platform would, then closes the connection with RST instead of
    /// answering: the sender cannot know.
    case takeAndReset
    /// Never answers.
    case hang

    /// A stable name, as in the control endpoint.
    package var label: String {
        switch self {
        case .status: "status"
        case .rateLimit: "rate_limit"
        case .reset: "reset"
        case .takeAndReset: "take_and_reset"
        case .hang: "hang"
        }
    }
}

/// One stretch of a script: how requests fare while it lasts.
package struct FaultStep: Equatable, Sendable {
    /// Nil: the platform's own rules decide.
    package var fault: Fault?
    /// Waited before any answer.
    package var latencyMilliseconds: Int
    /// The step ends after so many requests; nil: no limit.
    package var requests: Int?
    /// The step ends so long after its first request; nil: no limit.
    package var milliseconds: Int?
    /// The part of its requests that meets fault and latency, from 0 to 1; the others are healthy.
    package var share: Double

    package init(
        _ fault: Fault?, latencyMilliseconds: Int = 0, requests: Int? = nil, milliseconds: Int? = nil,
        share: Double = 1
    ) {
        self.fault = fault
        self.latencyMilliseconds = latencyMilliseconds
        self.requests = requests
        self.milliseconds = milliseconds
        self.share = share
    }
}

/// What one request meets.
package struct FaultDecision: Equatable, Sendable {
    package var fault: Fault?
    package var latencyMilliseconds = 0

    package static let healthy = FaultDecision(fault: nil)

    package init(fault: Fault?, latencyMilliseconds: Int = 0) {
        self.fault = fault
        self.latencyMilliseconds = latencyMilliseconds
    }
}

/// Decides per request whether and how a stand-in fails. Any thread; may be changed at any time.
///
/// A script is a list of steps, played one after another; when the last has ended the stand-in is
/// healthy. A step without limits lasts until the script is replaced. `decide` takes the clock as a
/// parameter, so that tests need not wait.
///
/// Invariant: the step in play is the first of `steps`; steps that ended are gone.
package final class FaultScript: Sendable {
    package typealias Rule = @Sendable (StandInRequest) -> FaultDecision

    private struct State {
        var steps: [FaultStep] = []
        var rule: Rule?
        var taken = 0
        var startedMilliseconds: Int64?
        var random: SplitMix64
    }

    private let state: Mutex<State>

    /// - Parameter seed: of the draws that steps with a `share` make.
    package init(_ steps: [FaultStep] = [], seed: UInt64 = 1) {
        state = Mutex(State(steps: steps, random: SplitMix64(seed: seed)))
    }

    /// Replaces whatever is in play.
    package func play(_ steps: [FaultStep]) {
        state.withLock { state in
            state.steps = steps
            state.rule = nil
            state.taken = 0
            state.startedMilliseconds = nil
        }
    }

    /// Lets a closure decide, until the script is replaced. It must not call the script.
    package func decide(by rule: @escaping Rule) {
        play([])
        state.withLock { $0.rule = rule }
    }

    /// Makes the stand-in healthy.
    package func clear() { play([]) }

    /// The steps that have not ended, as of the last request.
    package var steps: [FaultStep] { state.withLock { $0.steps } }

    /// What the request now arriving meets.
    package func decide(_ request: StandInRequest, nowMilliseconds: Int64) -> FaultDecision {
        if let rule = state.withLock({ $0.rule }) { return rule(request) }
        return state.withLock { state in
            while let step = state.steps.first {
                let started = state.startedMilliseconds ?? nowMilliseconds
                let isOver =
                    (step.requests.map { state.taken >= $0 } ?? false)
                    || (step.milliseconds.map { nowMilliseconds - started >= Int64($0) } ?? false)
                if isOver {
                    state.steps.removeFirst()
                    state.taken = 0
                    state.startedMilliseconds = nil
                    continue
                }
                state.startedMilliseconds = started
                state.taken += 1
                guard step.share >= 1 || state.random.nextUnit() < step.share else { return .healthy }
                return FaultDecision(fault: step.fault, latencyMilliseconds: step.latencyMilliseconds)
            }
            return .healthy
        }
    }
}
