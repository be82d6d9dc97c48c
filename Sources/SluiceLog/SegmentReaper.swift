import Dispatch
import Foundation
import Synchronization

/// Unlinks the files of segments that were given up, on a thread of its own that lives only while there
/// is something to unlink: freeing a file of a gigabyte can take a slow file system longer than a commit
/// may wait. Files are unlinked whole and not cut down before, because somebody may be reading them; what
/// is open stays readable until it is closed.
///
/// What somebody still needed is noted before its file goes (`GivenUp`), and the file stays until that is on disk.
///
/// Invariants: 1. files go in the order in which they were added, each with its folder synced before the
/// next, so that a crash leaves no hole in the log. 2. the thread runs exactly while `isRunning`. 3. a
/// file that cannot be unlinked, or not yet, is kept in `failed` and tried again with the next call of `retry`.
/// 4. after `finish` nothing is unlinked: the folder may be another process's by then. What is left goes after the
/// next start.
final class SegmentReaper: Sendable {
    /// A file to be unlinked. `prepare` is called before, until it answers true: then the file may go. It is called for
    /// all that wait before any of them goes, so that what they wait for can be done for all of them at once.
    struct Item: Sendable {
        var path: String
        var prepare: (@Sendable () -> Bool)?
    }

    private struct State {
        var waiting: [Item] = []
        var failed: [Item] = []
        var isRunning = false
        /// How often `retry` was called.
        var retries = 0
        var isFinished = false
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
    func add(_ path: String, prepare: (@Sendable () -> Bool)? = nil) {
        let item = Item(path: path, prepare: prepare)
        let mustStart = state.withLock { state in
            // Behind those that are to be tried again (invariant 1).
            guard state.failed.isEmpty else {
                state.failed.append(item)
                return false
            }
            state.waiting.append(item)
            return mayStart(&state)
        }
        if mustStart { start() }
    }

    /// Tries again what failed.
    func retry() {
        let mustStart = state.withLock { state in
            state.retries += 1
            state.waiting = state.failed + state.waiting
            state.failed = []
            return mayStart(&state)
        }
        if mustStart { start() }
    }

    /// Whether the caller has to start the thread.
    private func mayStart(_ state: inout State) -> Bool {
        guard !state.waiting.isEmpty, !state.isFinished, !state.isRunning else { return false }
        state.isRunning = true
        running.enter()
        return true
    }

    private func start() {
        Thread.detachNewThread { [self] in
            while let (items, retries) = next() { unlink(items, retries) }
            running.leave()
        }
    }

    /// Returns when nothing is left that could be unlinked.
    func finish() {
        running.wait()
        state.withLock { $0.isFinished = true }
        running.wait()
    }

    private func next() -> (items: [Item], retries: Int)? {
        state.withLock { state in
            guard !state.waiting.isEmpty else {
                state.isRunning = false
                return nil
            }
            defer { state.waiting = [] }
            return (state.waiting, state.retries)
        }
    }

    private func unlink(_ items: [Item], _ retries: Int) {
        for item in items { _ = item.prepare?() }
        for (index, item) in items.enumerated() {
            // Where `retry` was called since, what is waited for may have come just now.
            guard item.prepare?() ?? true else { return putOff(items[index...], unlessRetriedSince: retries) }
            do throws(LogError) {
                try aboutFile(item.path) { try remove(item.path) }
            } catch {
                onFailure(error)
                return putOff(items[index...])
            }
        }
    }

    private func putOff(_ items: ArraySlice<Item>, unlessRetriedSince retries: Int? = nil) {
        state.withLock { state in
            // Those behind them wait with them (invariant 1).
            let all = items + state.failed + state.waiting
            let isRetried = retries.map { $0 != state.retries } ?? false
            state.waiting = isRetried ? Array(all) : []
            state.failed = isRetried ? [] : Array(all)
        }
    }
}
