import Synchronization

/// Whether the gateway wants traffic, and if not, why.
///
/// Safe from any thread; changes are rare, and only the admin thread reads.
package final class Readiness: Sendable {
    private struct State {
        var phase = GatewayPhase.starting
        var obstacles: [String: String] = [:]
    }

    private let state = Mutex(State())

    package init() {}

    package func enter(_ phase: GatewayPhase) { state.withLock { $0.phase = phase } }

    /// Not ready for `reason` until `clear` is called with the same part.
    ///
    /// - Parameter part: which part of the gateway it is, as in `log`.
    package func obstruct(_ part: String, reason: String) { state.withLock { $0.obstacles[part] = reason } }

    package func clear(_ part: String) {
        state.withLock { state in _ = state.obstacles.removeValue(forKey: part) }
    }

    package var phase: GatewayPhase { state.withLock { $0.phase } }

    /// Why the gateway is not ready; empty when it is.
    package var reasons: [String] {
        state.withLock { state in
            let own: [String] = state.phase == .running ? [] : ["the gateway is \(state.phase.rawValue)"]
            return own + state.obstacles.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }
        }
    }

    package var isReady: Bool { reasons.isEmpty }
}
