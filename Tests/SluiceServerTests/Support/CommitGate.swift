import Foundation
import SluiceLog

/// Holds the log thread right before its COMMIT, or makes the commit fail.
// @unchecked: every field is guarded by `condition`.
final class CommitGate: @unchecked Sendable {
    private struct Refused: Error {}

    private let condition = NSCondition()
    private var isClosed = false
    private var failsCommits = false
    private var held = 0

    /// To be opened with the log.
    var faults: LogFaults {
        var faults = LogFaults()
        faults.beforeCommit = { [self] _ in try pass() }
        return faults
    }

    private func pass() throws {
        condition.lock()
        defer { condition.unlock() }
        held += 1
        condition.broadcast()
        while isClosed { condition.wait() }
        held -= 1
        if failsCommits { throw Refused() }
    }

    /// Commits wait from now on.
    func close() { condition.withLock { isClosed = true } }

    /// Waits until a commit is held. Close the gate first.
    func waitUntilHeld() {
        condition.withLock {
            while held == 0 { condition.wait() }
        }
    }

    func open() {
        condition.withLock {
            isClosed = false
            condition.broadcast()
        }
    }

    /// Whether commits fail, as on a full disk.
    var isFailing: Bool {
        get { condition.withLock { failsCommits } }
        set { condition.withLock { failsCommits = newValue } }
    }
}
