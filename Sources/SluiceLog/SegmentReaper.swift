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
    /// A file to be unlinked. `prepare` is called before, until it answers true: then the file may go.
    struct Item: Sendable {
        var path: String
        var prepare: (@Sendable () -> Bool)?
    }

    private struct State {
        var waiting: [Item] = []
        var failed: [Item] = []
        var isRunning = false
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
        let waits = state.withLock { state in
            // Behind those that are to be tried again (invariant 1).
            if !state.failed.isEmpty { state.failed.append(item) }
            return !state.failed.isEmpty
        }
        if !waits { add([item]) }
    }

    private func add(_ items: [Item]) {
        let isIdle = state.withLock { state in
            guard !items.isEmpty, !state.isFinished else { return false }
            state.waiting += items
            defer { state.isRunning = true }
            if !state.isRunning { running.enter() }
            return !state.isRunning
        }
        guard isIdle else { return }
        Thread.detachNewThread { [self] in
            while let item = next() { unlink(item) }
            running.leave()
        }
    }

    /// Tries again what failed.
    func retry() {
        let again = state.withLock { state in
            defer { state.failed = [] }
            return state.failed
        }
        add(again)
    }

    /// Returns when nothing is left that could be unlinked.
    func finish() {
        running.wait()
        state.withLock { $0.isFinished = true }
        running.wait()
    }

    private func next() -> Item? {
        state.withLock { state in
            guard !state.waiting.isEmpty else {
                state.isRunning = false
                return nil
            }
            return state.waiting.removeFirst()
        }
    }

    private func unlink(_ item: Item) {
        guard item.prepare?() ?? true else {
            putOff(item)
            return
        }
        do throws(LogError) {
            try aboutFile(item.path) { try remove(item.path) }
        } catch {
            onFailure(error)
            putOff(item)
        }
    }

    private func putOff(_ item: Item) {
        state.withLock { state in
            // Those behind it wait with it (invariant 1).
            state.failed.append(item)
            state.failed += state.waiting
            state.waiting = []
        }
    }
}
