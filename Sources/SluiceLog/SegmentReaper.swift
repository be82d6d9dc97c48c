import Dispatch
import Foundation
import Synchronization

/// Unlinks the files of segments that were given up, on a thread of its own that lives only while there
/// is something to unlink: freeing a file of a gigabyte can take a slow file system longer than a commit
/// may wait. Files are unlinked whole and not cut down before, because somebody may be reading them; what
/// is open stays readable until it is closed.
///
/// Invariants: 1. files go in the order in which they were added, each with its folder synced before the
/// next, so that a crash leaves no hole in the log. 2. the thread runs exactly while `isRunning`. 3. a
/// file that cannot be unlinked is kept in `failed` and tried again with the next call of `retry`.
final class SegmentReaper: Sendable {
    private struct State {
        var waiting: [String] = []
        var failed: [String] = []
        var isRunning = false
    }

    private let state = Mutex(State())
    private let running = DispatchGroup()
    private let folder: String
    private let remove: @Sendable (String) throws -> Void
    private let onFailure: @Sendable (LogError) -> Void

    /// - Parameters:
    ///   - folder: of all the files.
    ///   - beforeRemove: where tests make it fail.
    ///   - onFailure: called on the reaper's thread.
    init(
        folder: String, beforeRemove: (@Sendable (String) throws -> Void)?,
        onFailure: @escaping @Sendable (LogError) -> Void
    ) {
        self.folder = folder
        self.onFailure = onFailure
        remove = { path in
            try beforeRemove?(path)
            // The file first: side files without it are orphans, the other way around they would be missed.
            for suffix in ["", "-wal", "-shm", "-journal"] { try FileCalls.remove(path + suffix) }
            try FileCalls.syncFolder(folder)
        }
    }

    /// Never waits for the disk.
    func add(_ path: String) {
        let isIdle = state.withLock { state in
            state.waiting.append(path)
            defer { state.isRunning = true }
            return !state.isRunning
        }
        guard isIdle else { return }
        running.enter()
        Thread.detachNewThread { [self] in
            while let path = next() { unlink(path) }
            running.leave()
        }
    }

    /// Tries again what failed.
    func retry() {
        let again = state.withLock { state in
            defer { state.failed = [] }
            return state.failed
        }
        for path in again { add(path) }
    }

    /// Returns when nothing is left that could be unlinked.
    func finish() { running.wait() }

    private func next() -> String? {
        state.withLock { state in
            guard !state.waiting.isEmpty else {
                state.isRunning = false
                return nil
            }
            return state.waiting.removeFirst()
        }
    }

    private func unlink(_ path: String) {
        do throws(LogError) {
            try aboutFile(path) { try remove(path) }
        } catch {
            onFailure(error)
            state.withLock { state in
                // Those behind it wait with it (invariant 1).
                state.failed.append(path)
                state.failed += state.waiting
                state.waiting = []
            }
        }
    }
}
