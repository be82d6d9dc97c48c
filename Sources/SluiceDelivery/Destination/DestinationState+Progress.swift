import SluiceCore

/// What a destination knows of an event beyond what is saved about it.
package struct EventProgress: Equatable, Sendable {
    package enum Stage: Equatable, Sendable {
        /// The destination has not come so far.
        case unread
        /// Read, and not in a request yet.
        case ready
        case inFlight
        /// To be sent again.
        case waiting
        /// It has its outcome, which is saved once the cursor passes it. One that has a row of its own on
        /// record has the outcome that the row says.
        case settled(Outcome)
    }

    package var stage: Stage
    /// Requests that were started for it.
    package var attempts = 0
    /// Milliseconds since 1970; nil before the first attempt.
    package var firstAttemptMilliseconds: Int64?
    package var lastAttemptMilliseconds: Int64?
    /// What came of the last request that settled nothing.
    package var lastFailure: AttemptFailure?
    /// The row that is still to be saved, where the outcome gets one.
    package var exception: ExceptionalOutcome?

    package init(stage: Stage) { self.stage = stage }
}

extension DestinationState {
    /// What is known of an event. Nil when it was passed and only the record knows it.
    package func progress(of place: EventSequence, eventNumber: Int64) -> EventProgress? {
        if place < position { return passed(place, eventNumber) }
        guard let entry = window.entry(holding: place, eventNumber: eventNumber) else {
            return EventProgress(stage: .unread)
        }
        if let exception = entry.exceptions.first(where: { $0.sequence == place }) { return settled(exception) }
        if entry.closed != nil {
            return entry.runs.outcome(eventNumber).map { EventProgress(stage: .settled($0)) }
        }
        guard entry.stages.indices.contains(place.index) else { return nil }
        if let outcome = entry.stages[place.index].outcome { return EventProgress(stage: .settled(outcome)) }
        let windowPlace = WindowPlace(ordinal: entry.ordinal, index: place.index)
        guard let batch = batches.first(where: { $0.places.contains(windowPlace) }) else {
            return EventProgress(stage: .ready)
        }
        var progress = EventProgress(stage: batch.stage == .waiting ? .waiting : .inFlight)
        progress.attempts = batch.attempts
        if batch.attempts > 0 {
            progress.firstAttemptMilliseconds = batch.firstAttempt.wall
            progress.lastAttemptMilliseconds = batch.lastAttemptWall
        }
        progress.lastFailure = batch.lastFailure
        return progress
    }

    private func passed(_ place: EventSequence, _ eventNumber: Int64) -> EventProgress? {
        if let exception = unsavedExceptions.first(where: { $0.sequence == place }) { return settled(exception) }
        return passedOutcome(eventNumber).map { EventProgress(stage: .settled($0)) }
    }

    private func settled(_ exception: ExceptionalOutcome) -> EventProgress {
        var progress = EventProgress(stage: .settled(exception.outcome))
        progress.attempts = exception.attempts
        progress.exception = exception
        return progress
    }
}
