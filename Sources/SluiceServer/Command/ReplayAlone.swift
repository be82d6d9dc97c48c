import Glibc
import SluiceCore
import SluiceDelivery
import SluiceIO
import SluiceLog
import Synchronization

/// Replays without a running gateway: takes the data folder for itself, as a gateway would, and runs the
/// delivery engine with one job and no live delivery.
///
/// Owner: one thread.
package final class ReplayAlone {
    private let configuration: Configuration
    private let log: EventLog
    private let state: any DeliveryState & ReplayStore

    /// - Throws: why the data folder cannot be had; another process may own it.
    package init(_ configuration: Configuration) throws(LogError) {
        // Events speak of people: nobody else on the machine reads what is written here.
        umask(0o077)
        self.configuration = configuration
        log = try EventLog.open(folder: configuration.data, configuration: LogConfiguration(configuration))
        state = try log.makeDeliveryState()
    }

    deinit { log.close() }

    /// What opening the folder found that somebody has to know: nobody else will be told.
    package var warnings: [String] {
        var warnings = log.notices.filter(\.isLoud).map(\.description)
        warnings += log.stats.takeIncidents().filter(\.isLoud).map(\.description)
        if log.stateWasLost {
            warnings.append(
                "cursors were lost with the state file: at the next start, destinations without one begin again at the"
                    + " oldest block there is")
        }
        return warnings
    }

    /// Stores a job as it was reckoned.
    package func create(_ plan: ReplayPlan) throws(ReplayFailure) -> ReplayJob {
        var job = plan.job
        do throws(DeliveryStateError) {
            job.id = try state.createReplay(job)
        } catch {
            throw ReplayFailure(error.reason)
        }
        return job
    }

    package func jobs() throws(ReplayFailure) -> [ReplayJob] {
        do throws(DeliveryStateError) {
            return try state.replayJobs()
        } catch {
            throw ReplayFailure(error.reason)
        }
    }

    /// Pauses, resumes or cancels a job that no process runs.
    package func change(_ id: Int64, _ step: ReplayStep) throws(ReplayFailure) -> ReplayJob {
        guard var job = try jobs().first(where: { $0.id == id }) else {
            throw ReplayFailure(ReplayRefusal.unknownReplay(id).message)
        }
        do throws(ReplayRefusal) {
            switch step {
            case .pause: try job.pause()
            case .resume: try job.resume()
            case .cancel: try job.cancel(now: WallTime.nowMilliseconds())
            }
        } catch {
            throw ReplayFailure(error.message)
        }
        var change = DeliveryChange()
        change.replays = [job]
        do throws(DeliveryStateError) {
            try state.save(change)
        } catch {
            throw ReplayFailure(error.reason)
        }
        return job
    }

    /// Runs a queued job until it is over, or until `isInterrupted` says so; then it is paused.
    ///
    /// - Parameter onProgress: called several times a second with the job as it stands.
    package func run(
        _ id: Int64, isInterrupted: () -> Bool, onProgress: (ReplayJob) -> Void
    ) throws(ReplayFailure) -> ReplayJob {
        guard let job = try jobs().first(where: { $0.id == id }) else {
            throw ReplayFailure(ReplayRefusal.unknownReplay(id).message)
        }
        let settings = configuration.destinations.filter { $0.name == job.spec.destination }
        let engine: DeliveryEngine
        do throws(SystemError) {
            engine = try DeliveryEngine(
                destinations: settings.map { (DestinationConfiguration($0), Encoders.make(for: $0)) },
                blocks: log.makeReader(), state: state,
                options: DeliveryOptions.sluice(log),
                // What goes wrong is kept with the job.
                replays: ReplayParts(log: log, store: state, only: id), onTrouble: { _, _, _ in })
        } catch {
            throw ReplayFailure("delivery cannot start: \(error)")
        }
        let thread = startThread(name: "sluice-delivery") { engine.run() }
        var isPausing = false
        var current = job
        while true {
            if let known = engine.replays().first(where: { $0.id == id }) { current = known }
            if current.phase.isFinal || current.phase == .paused { break }
            onProgress(current)
            if !isPausing, isInterrupted() {
                isPausing = true
                // Where not even that works, the job is still queued or running, and goes on when resumed.
                if case .success = ReplayDesk.result(of: .pause(id), { engine.replay($0, reply: $1) }) { continue }
                break
            }
            usleep(100_000)
        }
        // Requests on their way may still be answered.
        engine.requestStop(deadlineMilliseconds: configuration.drainMilliseconds)
        thread.join()
        return engine.replays().first { $0.id == id } ?? current
    }
}
