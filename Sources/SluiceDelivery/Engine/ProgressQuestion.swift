import SluiceCore
import SluiceIO
import Synchronization

/// What another thread wants to know of an event, answered by the delivery thread in its next turn.
///
/// Safe from any thread.
final class ProgressQuestion: Sendable {
    let sequence: EventSequence
    let eventNumber: Int64
    private let answer = Mutex<[String: EventProgress]?>(nil)
    private let bell: EventFD

    init(_ sequence: EventSequence, _ eventNumber: Int64) throws(SystemError) {
        self.sequence = sequence
        self.eventNumber = eventNumber
        bell = try EventFD()
    }

    func give(_ known: [String: EventProgress]) {
        answer.withLock { $0 = known }
        bell.wake()
    }

    /// Nil when there is no answer in time.
    func wait(milliseconds: Int) -> [String: EventProgress]? {
        bell.park(milliseconds: milliseconds)
        return answer.withLock { $0 }
    }
}
