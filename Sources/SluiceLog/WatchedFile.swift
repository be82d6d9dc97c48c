import Glibc

/// The file a name led to when it was opened, to notice that somebody has moved, removed or overwritten it.
///
/// Its descriptor stays open for as long as SQLite has the file: "if a process closes any file descriptor, all POSIX
/// advisory locks on that file are dropped" (sqlite.org, How To Corrupt). Owner: the delivery thread.
final class WatchedFile {
    private let path: String
    private let identity: FileIdentity
    private let descriptor: CInt

    /// Nil where there is none that can be read.
    init?(_ path: String) {
        // Safety: the path lives as long as the call.
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0, let identity = FileCalls.identity(path) else {
            if file >= 0 { close(file) }
            return nil
        }
        self.path = path
        self.identity = identity
        descriptor = file
    }

    deinit { close(descriptor) }

    /// Whether the name still leads to it.
    var isThere: Bool { FileCalls.identity(path) == identity }

    /// The first `count` bytes of the file that was opened, or fewer where it ends earlier.
    func header(_ count: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        // Safety: reads at most the array's length into it.
        let got = unsafe bytes.withUnsafeMutableBytes { unsafe pread(descriptor, $0.baseAddress, $0.count, 0) }
        return Array(bytes[0..<max(0, got)])
    }

    /// What happened to it, for people; nil where it is there as SQLite left it.
    var trouble: String? {
        guard isThere else { return "somebody moved, removed or replaced it while it was in use" }
        let header = header(72)
        let identifier = StateStore.applicationID
        let expected = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: identifier >> $0) }
        guard header.count == 72, header.prefix(16).elementsEqual("SQLite format 3\0".utf8),
            Array(header[68..<72]) == expected
        else { return "somebody wrote over it while it was in use" }
        return nil
    }
}
