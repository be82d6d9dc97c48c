import CTornVFS
import Foundation
import Glibc
import Synchronization

@testable import SluiceLog

/// A folder on a disk that can lose its power, run full and fail.
///
/// Files below `root` are real ones, which programs read. What they write goes through here, SQLite's
/// calls by way of `CTornVFS` and those of `FileCalls` by its watcher; from that the disk knows what is
/// synced and what is not. After the end (`isOff`) nothing is written any more, and `survivor` makes a
/// new disk of what may be left.
///
/// Invariants: 1. While `isOff` is false, the real files are what `TornFile.content` says. 2. Once it is
/// true, neither changes.
// @unchecked: everything is guarded by `state`; SQLite's and the log's calls come from any thread.
final class TornDisk: @unchecked Sendable {
    enum End { case powerLoss, kill }

    /// What the disk does with syncs. The broken ones prove that a test would notice.
    enum Honesty { case syncs, ignoresFileSyncs, ignoresFolderSyncs }

    private struct State {
        var folder: TornFolder
        var files: [Int: TornFile]
        var random: ModelRandom
        var failing = 0.0
        /// The end comes after so many calls more; nil: not planned.
        var callsLeft: Int?
        var plannedEnd = End.powerLoss
        var end: End?
        var faults = 0

        func name(_ file: Int) -> String {
            folder.current.first { $0.value == file }?.key ?? "a deleted file"
        }
    }

    let root: String
    private let honesty: Honesty
    private let state: Mutex<State>
    private var watch: CInt = -1  // set in init

    /// An empty disk. `root` must be absolute, free of symbolic links, and empty.
    convenience init(root: String, seed: UInt64, honesty: Honesty = .syncs) {
        self.init(root: root, random: ModelRandom(seed: seed), honesty: honesty, folder: TornFolder(), files: [:])
    }

    private init(root: String, random: ModelRandom, honesty: Honesty, folder: TornFolder, files: [Int: TornFile]) {
        self.root = root
        self.honesty = honesty
        state = Mutex(State(folder: folder, files: files, random: random))
        precondition(ctornvfs_install() == 0)
        // Safety: unretained; `detach`, which deinit calls, ends the calls before the object goes.
        unsafe watch = ctornvfs_watch(
            root, { context, event, done in unsafe TornDisk.hear(context, event, done) },
            Unmanaged.passUnretained(self).toOpaque())
        precondition(watch >= 0, "too many disks")
        TornDisks.add(self)
    }

    deinit { detach() }

    private func detach() {
        TornDisks.remove(root)
        if watch >= 0 { ctornvfs_unwatch(watch) }
        watch = -1
    }

    // MARK: What a test does with it

    /// From now on each call that changes something fails with this probability, with ENOSPC or EIO.
    func fail(_ chance: Double) { state.withLock { $0.failing = chance } }

    var isFailing: Bool { state.withLock { $0.failing > 0 } }

    /// How many calls have failed so.
    var faults: Int { state.withLock { $0.faults } }

    /// The end comes with the call after `calls` more that change something.
    func end(_ end: End, afterCalls calls: Int) {
        state.withLock { state in
            guard state.end == nil else { return }
            state.plannedEnd = end
            if calls == 0 { state.end = end } else { state.callsLeft = calls }
        }
    }

    /// Whether it ended in a power loss.
    var isLossy: Bool { state.withLock { $0.end == .powerLoss } }

    var isOff: Bool { state.withLock { $0.end != nil } }

    /// The disk at the next start, in the new folder `path`. After a kill the kernel lives on: programs
    /// see all that was written, and a power loss later may still take what was not synced.
    func survivor(at path: String) throws -> TornDisk {
        let (folder, files, random) = state.withLock { state in
            let seed = state.random.next()
            if state.end == .kill { return (state.folder, state.files, ModelRandom(seed: seed)) }
            let names = state.folder.survivor(using: &state.random)
            let kept = Set(names.values).sorted().map { file in
                (file, TornFile(durable: state.files[file]?.survivor(using: &state.random) ?? []))
            }
            return (
                TornFolder(durable: names), Dictionary(uniqueKeysWithValues: kept), ModelRandom(seed: seed)
            )
        }
        for part in ["/data", "/data/log"] {
            try FileManager.default.createDirectory(atPath: path + part, withIntermediateDirectories: true)
        }
        for (name, file) in folder.current {
            try Data(files[file]?.content ?? []).write(to: URL(fileURLWithPath: path + name))
        }
        return TornDisk(root: path, random: random, honesty: honesty, folder: folder, files: files)
    }

    // MARK: What it hears

    private static func hear(
        _ context: UnsafeMutableRawPointer?, _ event: UnsafePointer<ctornvfs_event>?,
        _ done: UnsafeMutablePointer<CInt>?
    ) -> CLongLong {
        // Safety: the context is the disk, alive as said in init; the event and its texts and bytes live
        // through the call.
        let disk = unsafe Unmanaged<TornDisk>.fromOpaque(context!).takeUnretainedValue()
        let event = unsafe event!.pointee
        let name = String(unsafe String(cString: event.path).dropFirst(disk.root.utf8.count))
        let file = unsafe Int(event.file)
        let offset = unsafe Int(event.offset)
        let count = unsafe Int(event.count)
        switch unsafe Int(event.operation) {
        case CTORNVFS_OPEN:
            return CLongLong(disk.open(name, creates: count & 0x4 != 0))  // SQLITE_OPEN_CREATE
        case CTORNVFS_WRITE:
            let bytes = unsafe [UInt8](UnsafeRawBufferPointer(start: event.bytes, count: count))
            let (code, part) = disk.write(bytes, to: file, at: offset)
            if let done = unsafe done { unsafe done.pointee = CInt(part) }
            return CLongLong(code)
        case CTORNVFS_TRUNCATE: return CLongLong(disk.truncate(file, to: offset))
        case CTORNVFS_SYNC:
            return CLongLong(disk.sync(file, folderOf: count != 0 ? name : nil))
        default: return CLongLong(disk.delete(name, syncsFolder: count != 0))
        }
    }

    /// SQLite's result codes for what can happen to a call.
    private enum Code {
        static let full = 13  // SQLITE_FULL
        static let write = 10 | 3 << 8  // SQLITE_IOERR_WRITE
        static let sync = 10 | 4 << 8  // SQLITE_IOERR_FSYNC
        static let truncate = 10 | 6 << 8  // SQLITE_IOERR_TRUNCATE
        static let delete = 10 | 10 << 8  // SQLITE_IOERR_DELETE
        static let cannotOpen = 14  // SQLITE_CANTOPEN
    }

    private enum Fate { case happens, fails, isLost }

    /// Set `SLUICE_MODEL_TRACE` to see what happens to the disk.
    static let isTraced = ProcessInfo.processInfo.environment["SLUICE_MODEL_TRACE"] != nil

    /// What becomes of a call that changes something.
    private func fate(_ state: inout State, _ call: String, of file: Int? = nil) -> Fate {
        let fate = fate(&state)
        if Self.isTraced, fate != .isLost {
            let end = state.end.map { ", then \($0)" } ?? ""
            print("  disk: \(call) \(file.map { state.name($0) } ?? "") \(fate)\(end)")
        }
        return fate
    }

    private func fate(_ state: inout State) -> Fate {
        if state.end != nil { return .isLost }
        if let left = state.callsLeft {
            state.callsLeft = left - 1
            if left <= 1 {
                // This one has begun: part of it may be on disk, but nobody hears that it has ended.
                state.callsLeft = nil
                state.end = state.plannedEnd
            }
        }
        if state.failing > 0, state.random.chance(state.failing) {
            state.faults += 1
            return .fails
        }
        return .happens
    }

    private func open(_ name: String, creates: Bool) -> Int {
        state.withLock { state in
            if let file = state.folder.current[name] { return file }
            guard creates, fate(&state, "create \(name)") == .happens else { return -Code.cannotOpen }
            let file = (state.files.keys.max() ?? 0) + 1
            state.files[file] = TornFile()
            state.folder.change(.link(name, file: file))
            return file
        }
    }

    private func write(_ bytes: [UInt8], to file: Int, at offset: Int) -> (code: Int, done: Int) {
        state.withLock { state in
            switch fate(&state, "write \(bytes.count) bytes at \(offset) of", of: file) {
            case .happens:
                state.files[file]?.write(bytes, at: offset)
                return (0, 0)
            case .fails:
                let part = state.random.below(bytes.count + 1)
                state.files[file]?.write(Array(bytes[0..<part]), at: offset)
                return (state.random.chance(0.7) ? Code.full : Code.write, part)
            case .isLost: return (Code.write, 0)
            }
        }
    }

    private func truncate(_ file: Int, to size: Int) -> Int {
        state.withLock { state in
            guard fate(&state, "truncate to \(size)", of: file) == .happens else { return Code.truncate }
            state.files[file]?.truncate(to: size)
            return 0
        }
    }

    private func sync(_ file: Int, folderOf name: String?) -> Int {
        state.withLock { state in
            switch fate(&state, name == nil ? "sync" : "sync with its folder", of: file) {
            // A sync that the end comes in the middle of has promised nothing.
            case .happens where state.end == nil:
                if honesty != .ignoresFileSyncs { state.files[file]?.sync() }
                if let name, honesty != .ignoresFolderSyncs { state.folder.sync(folder: TornFolder.parent(name)) }
                return 0
            case .fails:
                state.files[file]?.failSync()
                return Code.sync
            case .happens, .isLost: return Code.sync
            }
        }
    }

    private func delete(_ name: String, syncsFolder: Bool) -> Int {
        state.withLock { state in
            guard state.folder.current[name] != nil else { return 0 }
            guard fate(&state, "delete \(name)") == .happens else { return Code.delete }
            state.folder.change(.unlink(name))
            if syncsFolder, honesty != .ignoresFolderSyncs { state.folder.sync(folder: TornFolder.parent(name)) }
            return 0
        }
    }

    /// What `FileCalls` does by itself: the errno it fails with, or 0.
    fileprivate func perform(_ operation: FileOperation) -> CInt {
        func name(_ path: String) -> String { String(path.dropFirst(root.utf8.count)) }
        return state.withLock { state in
            if case .remove(let path) = operation, state.folder.current[name(path)] == nil { return 0 }
            switch fate(&state, "\(operation)") {
            case .isLost: return EIO
            case .fails:
                if case .syncFile = operation, let file = state.folder.current[name(operation.path)] {
                    state.files[file]?.failSync()
                }
                if case .rewrite(let path) = operation, let file = state.folder.current[name(path)] {
                    state.files[file]?.failSync()
                }
                return state.random.chance(0.5) ? ENOSPC : EIO
            case .happens: break
            }
            let isOver = state.end != nil
            switch operation {
            case .rename(let from, let to):
                guard let file = state.folder.current[name(from)] else { return ENOENT }
                state.folder.change(.rename(from: name(from), to: name(to), file: file))
            case .remove(let path): state.folder.change(.unlink(name(path)))
            case .syncFile(let path):
                guard let file = state.folder.current[name(path)] else { return ENOENT }
                if isOver { return EIO }
                if honesty != .ignoresFileSyncs { state.files[file]?.sync() }
            case .rewrite(let path):
                guard let file = state.folder.current[name(path)] else { return ENOENT }
                if let bytes = state.files[file]?.content { state.files[file]?.write(bytes, at: 0) }
                if isOver { return EIO }
                if honesty != .ignoresFileSyncs { state.files[file]?.sync() }
            case .syncFolder(let path):
                if isOver { return EIO }
                if honesty != .ignoresFolderSyncs { state.folder.sync(folder: name(path)[...]) }
            }
            return 0
        }
    }
}

/// All disks of the process, for the one watcher `FileCalls` has.
private enum TornDisks {
    private struct Weak { weak var disk: TornDisk? }
    private static let disks = Mutex<[String: Weak]>([:])

    static func add(_ disk: TornDisk) {
        disks.withLock { $0[disk.root] = Weak(disk: disk) }
        FileCalls.watcher.withLock { $0 = { TornDisks.perform($0) } }
    }

    static func remove(_ root: String) { disks.withLock { $0[root] = nil } }

    private static func perform(_ operation: FileOperation) -> CInt {
        let disk = disks.withLock { disks in
            disks.first { operation.path.hasPrefix($0.key + "/") || operation.path == $0.key }?.value.disk
        }
        return disk?.perform(operation) ?? 0
    }
}
