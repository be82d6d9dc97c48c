import SluiceCore

/// What can be asked of the replays of a running engine.
package enum ReplayCommand: Sendable {
    /// A job as it was reckoned; its number does not matter.
    case create(ReplayJob)
    case pause(Int64)
    case resume(Int64)
    case cancel(Int64)
}

/// Why a replay cannot be made or changed.
package enum ReplayRefusal: Error, Equatable, Sendable {
    case unknownReplay(Int64)
    /// What is asked does not suit the phase the job is in.
    case wrongPhase(id: Int64, phase: ReplayPhase, wanted: String)
    case unknownDestination(String)
    case tooMany(limit: Int)
    /// The state database cannot be used at present, or the gateway is about to stop.
    case unavailable(String)

    package var label: StaticString {
        switch self {
        case .unknownReplay: "unknown_replay"
        case .wrongPhase: "wrong_phase"
        case .unknownDestination: "unknown_destination"
        case .tooMany: "too_many_replays"
        case .unavailable: "unavailable"
        }
    }

    package var message: String {
        switch self {
        case .unknownReplay(let id): "there is no replay \(id)"
        case .wrongPhase(let id, let phase, let wanted):
            "replay \(id) is \(phase.rawValue) and cannot be \(wanted)"
        case .unknownDestination(let name): "there is no destination '\(name)'"
        case .tooMany(let limit):
            "there are \(limit) replays that are not over: cancel some, or wait until they are done"
        case .unavailable(let reason): reason
        }
    }
}

/// Answers a command. Called once, on the delivery thread.
package typealias ReplayReply = @Sendable (Result<ReplayJob, ReplayRefusal>) -> Void

// The steps people bring about, as drawn at `ReplayPhase`.
extension ReplayJob {
    package mutating func pause() throws(ReplayRefusal) {
        guard phase == .queued || phase == .running else {
            throw .wrongPhase(id: id, phase: phase, wanted: "paused")
        }
        phase = .paused
    }

    package mutating func resume() throws(ReplayRefusal) {
        guard phase == .paused else { throw .wrongPhase(id: id, phase: phase, wanted: "resumed") }
        phase = .queued
    }

    /// - Parameter now: milliseconds since 1970.
    package mutating func cancel(now: Int64) throws(ReplayRefusal) {
        guard !phase.isFinal else { throw .wrongPhase(id: id, phase: phase, wanted: "cancelled") }
        phase = .cancelled
        finishedMilliseconds = now
    }

    mutating func fail(_ reason: String, now: Int64) {
        phase = .failed
        failure = reason
        finishedMilliseconds = now
    }
}
