import GRDB
import Glibc
import Testing

@testable import SluiceLog

@Suite struct LogErrorTests {
    @Test func aReadOnlyFileSystemIsNotALackOfPermission() {
        let error = LogError.system(EROFS, path: "/data/lock", doing: "opening")
        #expect(error == .readOnly(path: "/data/lock"))
        #expect("\(error)" == "the file system of /data/lock is read-only" && "\(error.label)" == "read_only")
        #expect(LogError.system(EACCES, path: "/x", doing: "opening") == .permissionDenied(path: "/x"))
        let refused = DatabaseError(resultCode: .SQLITE_READONLY)
        #expect(LogError(refused, path: "/tmp/x") == .permissionDenied(path: "/tmp/x"))
    }

    @Test func whatSQLiteSaysIsSaidOnce() {
        let said = DatabaseError(resultCode: .SQLITE_CORRUPT, message: "database disk image is malformed")
        #expect(
            "\(LogError(said, path: "/x"))" == "/x is damaged: database disk image is malformed (SQLite error 11)")
        let silent = "\(LogError(DatabaseError(resultCode: .SQLITE_IOERR), path: "/x"))"
        #expect(silent.components(of: "disk I/O error") == 1, "\(silent)")
    }
}

extension String {
    fileprivate func components(of text: String) -> Int { ranges(of: text).count }
}
