import SluiceCore

/// A replay as the admin port and the command line show it. In JSON the names are in snake_case.
package struct ReplayDocument: Sendable, Equatable, Codable {
    package var id: Int64
    /// queued, running, paused, done, cancelled or failed.
    package var phase: String
    /// Why it failed.
    package var failure: String?
    package var destination: String
    /// RFC 3339; `until` is the last moment that is part of it.
    package var from: String
    package var until: String
    package var type: [String]
    package var source: [String]
    package var outcome: String?
    package var rate: String?
    package var fromSegment: String?
    /// What it was reckoned to be when it was made.
    package var events: Int64
    package var bytes: Int64
    /// What became of its events so far.
    package var delivered: Int64
    package var rejected: Int64
    package var parked: Int64
    package var expired: Int64
    /// Of its events, those without an outcome of this replay yet.
    package var pending: Int64
    /// Events of damaged blocks.
    package var unreadable: Int64
    package var requests: Int64
    package var bytesSent: Int64
    /// `block.index` of the first event it is not done with.
    package var position: String
    package var lastError: String?
    /// RFC 3339.
    package var createdAt: String
    package var startedAt: String?
    package var finishedAt: String?

    package init(_ job: ReplayJob) {
        func text(_ value: String) -> String? { value.isEmpty ? nil : value }
        func time(_ milliseconds: Int64) -> String? { milliseconds == 0 ? nil : WallTime.text(milliseconds) }
        id = job.id
        phase = job.phase.rawValue
        failure = text(job.failure)
        destination = job.spec.destination
        from = WallTime.text(job.spec.received.lowerBound)
        until = WallTime.text(job.spec.received.upperBound - 1)
        type = job.spec.types.map { "\($0.name)" }
        source = job.spec.sources
        outcome = job.spec.outcome?.rawValue
        rate = job.spec.rate?.description
        fromSegment = job.spec.segment
        events = job.total.events
        bytes = job.total.bytes
        delivered = job.counts.delivered
        rejected = job.counts.rejected
        parked = job.counts.parked
        expired = job.counts.expired
        pending = job.phase == .done ? 0 : max(0, job.total.events - job.settled)
        unreadable = job.unreadable
        requests = job.requests
        bytesSent = job.bytesSent
        position = job.position.description
        lastError = text(job.lastError)
        createdAt = WallTime.text(job.createdMilliseconds)
        startedAt = time(job.startedMilliseconds)
        finishedAt = time(job.finishedMilliseconds)
    }

    package var isFinal: Bool { ReplayPhase(rawValue: phase)?.isFinal ?? true }
    package var settled: Int64 { delivered + rejected + parked + expired }
}

/// What a replay would be.
package struct ReplayPlanDocument: Sendable, Equatable, Codable {
    package var destination: String
    package var from: String
    package var until: String
    package var events: Int64
    /// As the events lie in the log, uncompressed.
    package var bytes: Int64
    package var rate: String?
    /// At the rate, or at the destination's own where that is slower; absent when neither is limited.
    package var seconds: Double?
    /// Of the events: what is on record about them at the destination.
    package var alreadyDelivered: Int64
    package var rejected: Int64
    package var parked: Int64
    package var expired: Int64
    /// From before the destination's books began.
    package var neverDue: Int64
    /// Absent where the platform documents none.
    package var attributionWindowDays: Int?
    package var olderThanAttributionWindow: Int64?
    /// Not part of it.
    package var pending: Int64
    package var notDue: Int64
    package var unreadable: Int64
    package var notes: [String]

    package init(_ plan: ReplayPlan) {
        let spec = plan.job.spec
        destination = spec.destination
        from = WallTime.text(spec.received.lowerBound)
        until = WallTime.text(spec.received.upperBound - 1)
        events = plan.estimate.total.events
        bytes = plan.estimate.total.bytes
        rate = spec.rate?.description
        seconds = plan.seconds
        alreadyDelivered = plan.estimate.alreadyDelivered
        rejected = plan.estimate.rejected
        parked = plan.estimate.parked
        expired = plan.estimate.expired
        neverDue = plan.estimate.neverDue
        attributionWindowDays = plan.attributionDays
        olderThanAttributionWindow = plan.estimate.beyondAttribution
        pending = plan.estimate.pending
        notDue = plan.estimate.notDue
        unreadable = plan.estimate.unreadable
        notes = plan.notes
    }
}

/// The answer to a replay that was asked for.
package struct ReplayAnswer: Sendable, Equatable, Codable {
    package var plan: ReplayPlanDocument
    /// Absent after a dry run, and when there is nothing to send.
    package var replay: ReplayDocument?

    package init(plan: ReplayPlanDocument, replay: ReplayDocument?) {
        self.plan = plan
        self.replay = replay
    }
}

/// The answer of `GET /api/replays`.
package struct ReplayList: Sendable, Equatable, Codable {
    /// By their number.
    package var replays: [ReplayDocument]

    package init(_ jobs: [ReplayJob]) { replays = jobs.map { ReplayDocument($0) } }
}
