import SluiceCore

/// What a shard wants to know: what became of a conversion.
struct SubmissionQuestion: Sendable {
    /// The shard's own; comes back with the finding.
    let number: UInt64
    /// Who asks; only its own conversions are told about.
    let source: String
    let id: SubmissionID
    /// Whether its conversions are answered before they are in the log.
    let isAnsweredEarly: Bool
}

struct SubmissionFinding: Sendable {
    enum Result: Sendable {
        case found(SubmissionReport)
        /// No such conversion of this source, or no longer in the log.
        case unknown
        /// Log or state cannot be read at present.
        case unavailable
    }

    let number: UInt64
    let result: Result
}

/// The way between one shard and the desk: questions there, findings back.
///
/// Invariant: at most `capacity` questions are open, so that neither ring is ever full. The shard counts.
package final class SubmissionPort: Sendable {
    let capacity: Int
    private let questions: SPSCRing<SubmissionQuestion>
    private let findings: SPSCRing<SubmissionFinding>
    private let desk: any Waker
    private let shard: any Waker

    package init(capacity: Int, shard: any Waker, desk: any Waker) {
        self.capacity = capacity
        questions = SPSCRing(capacity: capacity)
        findings = SPSCRing(capacity: capacity)
        self.shard = shard
        self.desk = desk
    }

    /// Shard thread only.
    func ask(_ question: SubmissionQuestion) {
        let taken = questions.push(question)
        precondition(taken, "more questions than the port has room for")
        desk.wake()
    }

    /// Shard thread only.
    func nextFinding() -> SubmissionFinding? { findings.pop() }

    /// Desk thread only.
    func nextQuestion() -> SubmissionQuestion? { questions.pop() }

    /// Desk thread only.
    func give(_ finding: SubmissionFinding) {
        let taken = findings.push(finding)
        precondition(taken, "more findings than questions")
        shard.wake()
    }
}
