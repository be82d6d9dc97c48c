import Glibc
import Synchronization

/// The files of a data folder, and the calls on them that SQLite does not make for us.
///
///     <data>/lock                    held by the process that owns the folder; its process id
///     <data>/state.sqlite            cursors and exceptional outcomes
///     <data>/log/000000000001.sqlite segments, named by their first block
package struct DataFolder: Sendable {
    package let path: String
    package var log: String { path + "/log" }
    package var state: String { path + "/state.sqlite" }
    package var lock: String { path + "/lock" }

    package init(_ path: String) { self.path = path }

    /// Tells this folder from every other one of the machine, by whatever path it is reached: device and number
    /// of the folder itself. Nil when there is none.
    package var identity: String? { FileCalls.identity(path).map { "\($0.device)-\($0.number)" } }

    /// Who holds the folder now. Changes nothing.
    package var owner: FolderOwner { FolderLock.owner(of: self) }

    /// Where the segment that begins with block `number` is.
    package func segment(firstBlock number: Int64) -> String {
        let digits = String(number)
        return log + "/" + String(repeating: "0", count: max(0, 12 - digits.utf8.count)) + digits + ".sqlite"
    }

    /// The segment files there are, in the order of their blocks. No file is opened.
    package func segments() throws(LogError) -> [(firstBlock: Int64, path: String)] {
        try names().compactMap { name in
            guard let number = DataFolder.firstBlock(of: name) else { return nil }
            return (number, log + "/" + name)
        }
        .sorted { $0.0 < $1.0 }
    }

    /// The block number a segment's file name stands for; nil for any other file.
    static func firstBlock(of name: String) -> Int64? {
        guard name.hasSuffix(".sqlite") else { return nil }
        let digits = name.dropLast(7)
        guard digits.utf8.count >= 12, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let number = Int64(digits), number > 0
        else { return nil }
        return number
    }

    /// Names of all files in the log folder.
    func names() throws(LogError) -> [String] {
        // Safety: the stream is closed before returning; an entry is copied before the next is read.
        guard let stream = unsafe opendir(log) else {
            throw .system(errno, path: log, doing: "reading the folder")
        }
        defer { _ = unsafe closedir(stream) }
        var names: [String] = []
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { field in
                // Safety: d_name ends with a zero byte within its field.
                unsafe field.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            names.append(name)
        }
        return names
    }

    /// Makes the folder and its log folder where they do not exist.
    func create() throws(LogError) {
        try FileCalls.makeFolders(path)
        try FileCalls.makeFolders(log)
    }
}

/// Who holds a data folder.
package enum FolderOwner: Sendable, Equatable {
    /// No process; whoever asks may read it as it is.
    case nobody
    /// A process, whose id may not be known.
    case process(Int32?)
    /// This user may not look.
    case unknown(reason: String)
}

/// Holds a data folder for this process until it is closed or freed.
///
/// Invariant: `descriptor` is open and locked, or -1 after `close`.
final class FolderLock {
    private var descriptor: CInt
    /// A tool that asks for the owner holds the lock for a moment, which must not keep a gateway from starting.
    private static let tries = 20
    private static let pauseMicroseconds: UInt32 = 10_000

    /// - Throws: `dataFolderInUse` when another process, or another lock of this one, has it.
    init(_ folder: DataFolder) throws(LogError) {
        // O_CLOEXEC: a child that inherits the descriptor would keep the lock beyond our death.
        // Safety: the path lives as long as the call; so in all calls with a path below.
        let file = unsafe open(folder.lock, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw .system(errno, path: folder.lock, doing: "opening the lock file") }
        var code: CInt = 0
        for attempt in 1...FolderLock.tries {
            code = flock(file, LOCK_EX | LOCK_NB) == 0 ? 0 : errno
            if code != EWOULDBLOCK || attempt == FolderLock.tries { break }
            usleep(FolderLock.pauseMicroseconds)
        }
        if code != 0 {
            let owner = FolderLock.owner(file)
            Glibc.close(file)
            guard code == EWOULDBLOCK else {
                throw .system(code, path: folder.lock, doing: "locking")
            }
            throw .dataFolderInUse(path: folder.path, processID: owner)
        }
        descriptor = file
        let text = Array("\(getpid())\n".utf8)
        // The process id only helps people: the lock itself is what counts, so errors are let pass.
        _ = ftruncate(file, 0)
        // Safety: the array's own memory and length.
        _ = unsafe text.withUnsafeBytes { unsafe pwrite(file, $0.baseAddress, $0.count, 0) }
    }

    static func owner(of folder: DataFolder) -> FolderOwner {
        // Safety: the path lives as long as the call.
        let file = unsafe open(folder.lock, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else {
            let error = LogError.system(errno, path: folder.lock, doing: "opening the lock file")
            if case .missing = error { return .nobody }
            return .unknown(reason: error.description)
        }
        defer { Glibc.close(file) }
        // Closing gives it up again; a process that starts in this instant tries once more.
        guard flock(file, LOCK_SH | LOCK_NB) != 0 else { return .nobody }
        guard errno == EWOULDBLOCK else {
            return .unknown(reason: LogError.system(errno, path: folder.lock, doing: "locking").description)
        }
        return .process(owner(file))
    }

    /// Whether another process owns the folder now, and its process id where it can be told. Changes nothing.
    static func holder(_ folder: DataFolder) -> (isHeld: Bool, processID: Int32?) {
        guard case .process(let id) = owner(of: folder) else { return (false, nil) }
        return (true, id)
    }

    deinit { close() }

    func close() {
        guard descriptor >= 0 else { return }
        // Closing alone would leave the lock to a child that is between fork and exec just now.
        _ = flock(descriptor, LOCK_UN)
        Glibc.close(descriptor)
        descriptor = -1
    }

    private static func owner(_ file: CInt) -> Int32? {
        var text = [UInt8](repeating: 0, count: 16)
        // Safety: reads at most the array's length into it.
        let count = unsafe text.withUnsafeMutableBytes { unsafe pread(file, $0.baseAddress, $0.count, 0) }
        guard count > 0 else { return nil }
        let digits = text[0..<count].prefix { (0x30...0x39).contains($0) }
        return Int32(String(decoding: digits, as: UTF8.self))
    }
}

/// What the kernel knows a file by, whatever its name.
struct FileIdentity: Hashable, Sendable {
    let device: UInt64
    let number: UInt64
}

/// What `FileCalls` changes, or makes survive a power loss.
enum FileOperation: Hashable, Sendable {
    case rename(from: String, to: String)
    case remove(String)
    case syncFile(String)
    case syncFolder(String)
    /// All of its bytes are written over with themselves, and synced.
    case rewrite(String)

    var path: String {
        switch self {
        case .rename(let path, _), .remove(let path), .syncFile(let path), .syncFolder(let path),
            .rewrite(let path):
            path
        }
    }
}

/// Plain file calls with our errors.
enum FileCalls {
    /// For tests that play the disk: asked before each operation, which then fails with the code it
    /// returns (errno), unless that is 0. Process-wide; never set outside tests.
    static let watcher = Mutex<(@Sendable (FileOperation) -> CInt)?>(nil)

    private static func watch(
        _ operation: FileOperation, doing name: StaticString
    ) throws(LogError) {
        guard let watcher = watcher.withLock({ $0 }) else { return }
        let code = watcher(operation)
        guard code == 0 else { throw .system(code, path: operation.path, doing: name) }
    }

    /// Makes `path` and the folders above it; fine when they exist.
    static func makeFolders(_ path: String) throws(LogError) {
        var built = path.hasPrefix("/") ? "" : "."
        for part in path.split(separator: "/") {
            let parent = built.isEmpty ? "/" : built
            built += "/" + part
            // Safety: the path lives as long as the call; so in all calls below.
            if unsafe mkdir(built, 0o700) == 0 {
                try syncFolder(parent)
            } else if errno == EEXIST {
                guard isFolder(built) else { throw .notAFolder(path: built) }
            } else {
                throw .system(errno, path: built, doing: "making the folder")
            }
        }
        guard isFolder(path) else { throw .notAFolder(path: path) }
        guard unsafe access(path, R_OK | W_OK | X_OK) == 0 else {
            throw .system(errno, path: path, doing: "using the folder")
        }
    }

    static func isFolder(_ path: String) -> Bool {
        status(path).map { $0.st_mode & S_IFMT == S_IFDIR } ?? false
    }

    /// Bytes of the file, or nil when there is none.
    static func size(_ path: String) -> Int64? { status(path).map { Int64($0.st_size) } }

    /// Which file the name leads to now; nil when it leads to none.
    static func identity(_ path: String) -> FileIdentity? {
        status(path).map { FileIdentity(device: UInt64($0.st_dev), number: UInt64($0.st_ino)) }
    }

    /// When the file was written last, milliseconds since 1970.
    static func modifiedMilliseconds(_ path: String) -> Int64? {
        status(path).map { Int64($0.st_mtim.tv_sec) * 1000 + Int64($0.st_mtim.tv_nsec) / 1_000_000 }
    }

    /// Bytes this user may still write to the file system of `path`.
    static func freeBytes(_ path: String) -> Int64? {
        var result = statvfs()
        // Safety: the kernel fills the struct on this frame.
        guard unsafe statvfs(path, &result) == 0 else { return nil }
        let (bytes, overflow) = UInt64(result.f_bavail).multipliedReportingOverflow(by: UInt64(result.f_frsize))
        return overflow ? Int64.max : Int64(clamping: bytes)
    }

    /// Whether the file, or, where there is none, its folder is on a file system that takes no writes.
    static func isOnReadOnlyFileSystem(_ path: String) -> Bool {
        var result = statvfs()
        // Safety: the kernel fills the struct on this frame.
        var code = unsafe statvfs(path, &result)
        if code != 0 { code = unsafe statvfs(folder(of: path), &result) }
        return code == 0 && result.f_flag & UInt(ST_RDONLY) != 0
    }

    static func exists(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }

    /// Whether it is a file with content of its own; nil when there is none.
    static func isRegular(_ path: String) -> Bool? { status(path).map { $0.st_mode & S_IFMT == S_IFREG } }

    static func isWritable(_ folder: String) -> Bool { unsafe access(folder, W_OK | X_OK) == 0 }

    private static func status(_ path: String) -> stat? {
        var result = stat()
        // Lent, because a String given as an argument would be copied, and each commit asks twice.
        // Safety: the kernel fills the struct on this frame; the name lives as long as the call.
        return unsafe path.withCString { unsafe stat($0, &result) } == 0 ? result : nil
    }

    /// The folder a file is in.
    static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// A path's last part.
    static func name(of path: String) -> String {
        path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path
    }

    /// Makes what was created, renamed or unlinked in the folder survive a power loss.
    static func syncFolder(_ path: String) throws(LogError) {
        try watch(.syncFolder(path), doing: "fsync")
        try sync(path, O_DIRECTORY)
    }

    /// Writes the file's content through to the disk.
    ///
    /// Never for a file that an SQLite connection of this process has open: "if a process closes
    /// any file descriptor, all POSIX advisory locks on that file are dropped" (sqlite.org,
    /// How To Corrupt).
    static func syncFile(_ path: String) throws(LogError) {
        try watch(.syncFile(path), doing: "fsync")
        try sync(path, 0)
    }

    private static func sync(_ path: String, _ flags: CInt) throws(LogError) {
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC | flags)
        guard file >= 0 else { throw .system(errno, path: path, doing: "opening") }
        defer { close(file) }
        guard fsync(file) == 0 else { throw .system(errno, path: path, doing: "fsync") }
    }

    /// Makes sure of a file's content whatever happened to it before. After an fsync that failed, the kernel
    /// takes the pages it was about for clean, and later calls succeed without writing them; what is
    /// written again is written. A power loss meanwhile does no harm: each byte stays what it is.
    ///
    /// The warning at `syncFile` holds here too.
    static func rewrite(_ path: String) throws(LogError) {
        try watch(.rewrite(path), doing: "rewriting")
        let file = unsafe open(path, O_RDWR | O_CLOEXEC)
        guard file >= 0 else { throw .system(errno, path: path, doing: "opening") }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        var offset = 0
        while true {
            // Safety: both calls use at most the array's length of it.
            let count = unsafe bytes.withUnsafeMutableBytes { buffer in
                let count = unsafe pread(file, buffer.baseAddress, buffer.count, offset)
                return count <= 0 ? count : unsafe pwrite(file, buffer.baseAddress, count, offset)
            }
            guard count >= 0 else { throw .system(errno, path: path, doing: "rewriting") }
            if count == 0 { break }
            offset += count
        }
        guard fsync(file) == 0 else { throw .system(errno, path: path, doing: "fsync") }
    }

    /// To be called before a database is opened that another connection may have left in the middle of
    /// something: what its WAL holds is about to be served and built upon, and a process that was killed
    /// or whose sync failed may have left it in the kernel only. No connection may write meanwhile. The WAL
    /// itself is locked by nobody (SQLite locks the database and its `-shm`).
    static func makeWALDurable(of path: String) throws(LogError) {
        let wal = path + "-wal"
        guard exists(wal) else { return }
        try rewrite(wal)
        try syncFolder(String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]))
    }

    static func rename(_ from: String, to: String) throws(LogError) {
        try watch(.rename(from: from, to: to), doing: "renaming")
        guard unsafe Glibc.rename(from, to) == 0 else { throw .system(errno, path: from, doing: "renaming") }
    }

    /// Removes the file; fine when there is none.
    static func remove(_ path: String) throws(LogError) {
        try watch(.remove(path), doing: "removing")
        guard unsafe unlink(path) == 0 || errno == ENOENT else {
            throw .system(errno, path: path, doing: "removing")
        }
    }

    /// The first `count` bytes of the file, or fewer where it ends earlier. The warning at
    /// `syncFile` holds here too.
    static func head(_ path: String, count: Int) throws(LogError) -> [UInt8] {
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw .system(errno, path: path, doing: "opening") }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: count)
        // Safety: reads at most the array's length into it.
        let got = unsafe bytes.withUnsafeMutableBytes { unsafe pread(file, $0.baseAddress, $0.count, 0) }
        guard got >= 0 else { throw .system(errno, path: path, doing: "reading") }
        return Array(bytes[0..<got])
    }
}
