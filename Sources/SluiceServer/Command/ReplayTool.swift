import SluiceCore
import SluiceDelivery
import SluiceIO
import SluiceLog

/// What `sluice replay` does: through the running gateway, or alone when none runs.
package struct ReplayTool {
    package let configuration: Configuration
    /// An admin address that was named.
    package var admin: Endpoint?
    package var isJSON = false
    /// Whether progress may be drawn.
    package var isTerminal = false
    /// Standard output, without a line end of its own.
    private let print: (String) -> Void
    /// Standard error: progress, and what is said beside JSON.
    private let tell: (String) -> Void
    private static let pollMilliseconds = 500

    package init(
        _ configuration: Configuration, print: @escaping (String) -> Void, tell: @escaping (String) -> Void
    ) {
        self.configuration = configuration
        self.print = print
        self.tell = tell
    }

    // MARK: Starting

    /// - Parameter detaches: leaves the job to the gateway at once.
    /// - Returns: the exit code.
    package func start(_ request: ReplayRequest, detaches: Bool) throws(ReplayFailure) -> Int32 {
        let now = WallTime.nowMilliseconds()
        let spec: ReplaySpec
        do throws(ReplayProblem) {
            spec = try request.spec(configuration, now: now)
        } catch {
            throw ReplayFailure(error.text)
        }
        if let client = try client(changes: !request.dryRun) {
            let answer = try client.start(request, now: now)
            show(answer.plan, answer.replay, isDryRun: request.dryRun)
            guard let replay = answer.replay else { return 0 }
            return detaches ? 0 : try follow(client, replay)
        }
        if request.dryRun {
            show(ReplayPlanDocument(try reckon(spec, now)), nil, isDryRun: true)
            return 0
        }
        let alone = try takeFolder()
        let plan = try reckon(spec, now)
        guard plan.estimate.total.events > 0 else {
            show(ReplayPlanDocument(plan), nil, isDryRun: false)
            return 0
        }
        let job = try alone.create(plan)
        show(ReplayPlanDocument(plan), ReplayDocument(job), isDryRun: false)
        return try run(alone, job.id)
    }

    /// The gateway to ask; nil when the folder alone tells.
    ///
    /// - Parameter changes: a job is to be made or changed, which only the owner of the folder can.
    private func client(changes: Bool) throws(ReplayFailure) -> ReplayClient? {
        switch try ReplayClient.find(admin: admin, configuration) {
        case .found(let client): return client
        case .none: return nil
        case .silent(let reason):
            guard !changes else { throw ReplayFailure("\(reason); name its admin port with --admin") }
            tell("sluice replay: \(reason); this is what lies on the disk, as of the last save\n")
            return nil
        }
    }

    private func reckon(_ spec: ReplaySpec, _ now: Int64) throws(ReplayFailure) -> ReplayPlan {
        do throws(ReplayProblem) {
            return try ReplayPlan.reckon(spec, configuration, now: now)
        } catch {
            throw ReplayFailure(error.text)
        }
    }

    /// With JSON, what a job is in the end is printed in the end.
    private func show(_ plan: ReplayPlanDocument, _ replay: ReplayDocument?, isDryRun: Bool) {
        if isJSON {
            guard replay == nil else { return }
            print(AdminJSON.encode(ReplayAnswer(plan: plan, replay: nil), pretty: true) + "\n")
            return
        }
        print(ReplayText.plan(plan))
        if let replay {
            print("replay \(replay.id) is \(replay.phase)\n")
        } else if isDryRun {
            print("nothing was sent: this was a dry run\n")
        } else {
            print("there is nothing to send\n")
        }
    }

    private func takeFolder() throws(ReplayFailure) -> ReplayAlone {
        do throws(LogError) {
            let alone = try ReplayAlone(configuration)
            for warning in alone.warnings { tell("\(warning)\n") }
            return alone
        } catch {
            throw ReplayFailure(error.description)
        }
    }

    // MARK: Following

    /// Shows a gateway's job until it is over. The end of this process does not touch the job.
    private func follow(_ client: ReplayClient, _ replay: ReplayDocument) throws(ReplayFailure) -> Int32 {
        ProcessSignals.block()
        var progress = ReplayProgress(isTerminal: isTerminal)
        var current = replay
        while !current.isFinal, current.phase != ReplayPhase.paused.rawValue {
            report(&progress, current, isLast: false)
            if ProcessSignals.waitForTermination(milliseconds: ReplayTool.pollMilliseconds) != nil {
                report(&progress, current, isLast: true)
                tell("replay \(current.id) goes on in the gateway; to stop it: sluice replay pause \(current.id)\n")
                if isJSON { print(AdminJSON.encode(current, pretty: true) + "\n") }
                return 1
            }
            current = try client.show(current.id)
        }
        return end(&progress, current)
    }

    private func run(_ alone: ReplayAlone, _ id: Int64) throws(ReplayFailure) -> Int32 {
        ProcessSignals.block()
        var progress = ReplayProgress(isTerminal: isTerminal)
        let job = try alone.run(
            id, isInterrupted: { ProcessSignals.waitForTermination(milliseconds: 0) != nil },
            onProgress: { report(&progress, ReplayDocument($0), isLast: false) })
        return end(&progress, ReplayDocument(job))
    }

    private func report(_ progress: inout ReplayProgress, _ replay: ReplayDocument, isLast: Bool) {
        guard let text = progress.text(replay, now: WallTime.monotonicMilliseconds(), isLast: isLast) else {
            return
        }
        tell(text)
    }

    private func end(_ progress: inout ReplayProgress, _ replay: ReplayDocument) -> Int32 {
        report(&progress, replay, isLast: true)
        if let failure = replay.failure { tell("replay \(replay.id) failed: \(LogLine.printable(failure))\n") }
        if replay.phase == ReplayPhase.paused.rawValue {
            tell("replay \(replay.id) is paused; to go on: sluice replay resume \(replay.id)\n")
        }
        if isJSON { print(AdminJSON.encode(replay, pretty: true) + "\n") }
        return replay.phase == ReplayPhase.done.rawValue ? 0 : 1
    }

    // MARK: Those there are

    package func list() throws(ReplayFailure) -> Int32 {
        let list = try all()
        print(isJSON ? AdminJSON.encode(list, pretty: true) + "\n" : ReplayText.list(list))
        return 0
    }

    package func show(_ id: Int64) throws(ReplayFailure) -> Int32 {
        guard let replay = try all().replays.first(where: { $0.id == id }) else {
            throw ReplayFailure(ReplayRefusal.unknownReplay(id).message)
        }
        print(isJSON ? AdminJSON.encode(replay, pretty: true) + "\n" : ReplayText.show(replay))
        return 0
    }

    private func all() throws(ReplayFailure) -> ReplayList {
        if let client = try client(changes: false) { return try client.list() }
        do throws(LogError) {
            return ReplayList(try DataFolder(configuration.data).makeStateReader().replayJobs())
        } catch {
            // Where no gateway has been yet, there are no replays either.
            if case .missing = error { return ReplayList([]) }
            throw ReplayFailure(error.description)
        }
    }

    /// - Parameter detaches: leaves a resumed job to the gateway at once.
    package func change(_ id: Int64, _ step: ReplayStep, detaches: Bool = true) throws(ReplayFailure) -> Int32 {
        if let client = try client(changes: true) {
            let replay = try client.change(id, step)
            if step == .resume, !detaches { return try follow(client, replay) }
            return changed(replay)
        }
        let alone = try takeFolder()
        // A job whose process was killed is queued or running still: it goes on without being resumed.
        let known = try alone.jobs().first { $0.id == id }
        if step == .resume, let known, known.phase == .queued || known.phase == .running {
            return try run(alone, id)
        }
        let job = try alone.change(id, step)
        return step == .resume ? try run(alone, id) : changed(ReplayDocument(job))
    }

    private func changed(_ replay: ReplayDocument) -> Int32 {
        if isJSON {
            print(AdminJSON.encode(replay, pretty: true) + "\n")
        } else {
            print("replay \(replay.id) is \(replay.phase); \(ReplayText.progress(replay))\n")
        }
        return 0
    }
}
