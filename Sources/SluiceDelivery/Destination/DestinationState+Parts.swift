import SluiceCore

// Events that take several requests: one outcome, once every part has had its answer.

extension DestinationState {
    /// Takes the answer to a part. False when the part must be tried again or its event is parked, which
    /// goes the way of every request.
    mutating func endPart(
        _ at: Int, _ result: AttemptResult, status: Int, url: String, now: Moment
    ) -> Bool {
        switch result {
        case .retry, .unreachable, .ambiguous:
            return false
        case .delivered:
            batches[at].parts?.deliver(note: nil)
        case .deliveredNoting(let status, let note):
            batches[at].parts?.deliver(note: (status, note))
        case .rejected(let status, let reason), .split(let status, let reason):
            batches[at].parts?.reject(status: status, reason: reason, url: url)
        }
        upstreamAlive()
        guard let parts = batches[at].parts else { preconditionFailure("a part of no event") }
        if parts.isOver {
            conclude(at, parts, status: status, url: url, now: now)
        } else {
            batches[at].stage = .waiting
            batches[at].notBefore = now.monotonic
            batches[at].heldByOutage = false
            batches[at].isProbe = false
            batches[at].failures = 0
        }
        return true
    }

    /// Every part is answered: one that was rejected rejects the event.
    private mutating func conclude(
        _ at: Int, _ parts: PartProgress, status: Int, url: String, now: Moment
    ) {
        if parts.rejected > 0 {
            end(
                at, .rejected, status: parts.rejectionStatus,
                reason: "\(parts.account); \(parts.rejections)", url: parts.rejectionURL, now: now)
        } else if !parts.notes.isEmpty {
            end(at, .delivered, status: parts.noteStatus, reason: parts.notes, url: url, now: now)
        } else {
            deliver(at, status: status, url: url)
        }
    }

    /// The time is up before every part was answered. What was rejected stays rejected.
    mutating func giveUpParts(_ at: Int, status: Int, reason: String, url: String, now: Moment) {
        guard let parts = batches[at].parts else { preconditionFailure("a part of no event") }
        if parts.rejected > 0 {
            end(
                at, .rejected, status: parts.rejectionStatus,
                reason: "\(parts.account); \(parts.rejections); \(parts.left.count) \(reason)",
                url: parts.rejectionURL, now: now)
        } else {
            end(
                at, .expired, status: status,
                reason: "\(parts.account), \(parts.left.count) \(reason)", url: url, now: now)
        }
    }
}
