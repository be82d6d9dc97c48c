import GRDB
import Glibc

/// Why the log or the state file cannot be opened, read or written.
package enum LogError: Error, Hashable {
    case notAFolder(path: String)
    case permissionDenied(path: String)
    /// The file system is mounted read-only.
    case readOnly(path: String)
    /// Another process, or another `EventLog` of this one, owns the data folder.
    case dataFolderInUse(path: String, processID: Int32?)
    /// The file was made by a later version, with a format this one does not know.
    case newerFormat(path: String, found: Int, supported: Int)
    /// The file is not one of ours.
    case foreignFile(path: String)
    case missing(path: String)
    case diskFull(path: String)
    case damaged(path: String, reason: String)
    /// Somebody else holds a lock on the file.
    case busy(path: String)
    /// The kernel or SQLite refused an operation for another reason.
    case failed(path: String, reason: String)

    /// For metrics: stable, without values.
    package var label: StaticString {
        switch self {
        case .notAFolder: "not_a_folder"
        case .permissionDenied: "permission_denied"
        case .readOnly: "read_only"
        case .dataFolderInUse: "data_folder_in_use"
        case .newerFormat: "newer_format"
        case .foreignFile: "foreign_file"
        case .missing: "missing"
        case .diskFull: "disk_full"
        case .damaged: "damaged"
        case .busy: "busy"
        case .failed: "failed"
        }
    }
}

extension LogError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .notAFolder(let path):
            "\(path) is not a folder"
        case .permissionDenied(let path):
            "no permission to use \(path)"
        case .readOnly(let path):
            "the file system of \(path) is read-only"
        case .dataFolderInUse(let path, let processID):
            "the data folder \(path) is in use by another process"
                + (processID.map { " (\($0))" } ?? "")
        case .newerFormat(let path, let found, let supported):
            "\(path) has format \(found), made by a later version; this one knows up to \(supported)"
        case .foreignFile(let path):
            "\(path) was not made by Sluice"
        case .missing(let path):
            "\(path) does not exist"
        case .diskFull(let path):
            "no space left for \(path)"
        case .damaged(let path, let reason):
            "\(path) is damaged: \(reason)"
        case .busy(let path):
            "\(path) is locked by another process"
        case .failed(let path, let reason):
            "\(path): \(reason)"
        }
    }
}

extension LogError {
    /// What a failed system call on `path` means.
    static func system(_ code: CInt, path: String, doing operation: StaticString) -> LogError {
        switch code {
        case ENOENT: return .missing(path: path)
        case ENOTDIR: return .notAFolder(path: path)
        case EROFS: return .readOnly(path: path)
        case EACCES, EPERM: return .permissionDenied(path: path)
        case ENOSPC, EDQUOT, EFBIG: return .diskFull(path: path)
        default:
            // Safety: strerror returns constant text, copied at once.
            let text = unsafe String(cString: strerror(code))
            return .failed(path: path, reason: "\(operation): \(text)")
        }
    }

    /// What an SQLite error while using the file at `path` means.
    init(_ error: any Error, path: String) {
        switch error {
        case let error as LogError:
            self = error
        case let error as DatabaseError:
            // A result code's own text says what the message says, often word for word.
            let reason =
                error.message.map { "\($0) (SQLite error \(error.extendedResultCode.rawValue))" }
                ?? "SQLite error \(error.extendedResultCode)"
            switch error.resultCode {
            case .SQLITE_FULL: self = .diskFull(path: path)
            case .SQLITE_CORRUPT, .SQLITE_NOTADB: self = .damaged(path: path, reason: reason)
            // Our statements do not change: an error in one means that the file's schema did.
            case .SQLITE_ERROR: self = .damaged(path: path, reason: reason)
            case .SQLITE_PERM, .SQLITE_READONLY, .SQLITE_AUTH:
                self = FileCalls.isOnReadOnlyFileSystem(path) ? .readOnly(path: path) : .permissionDenied(path: path)
            case .SQLITE_BUSY, .SQLITE_LOCKED: self = .busy(path: path)
            case .SQLITE_CANTOPEN: self = .cannotOpen(path: path, reason: reason)
            default: self = .failed(path: path, reason: reason)
            }
        default:
            self = .failed(path: path, reason: "\(error)")
        }
    }

    /// SQLite says no more than that it cannot open a file; the kernel knows why.
    private static func cannotOpen(path: String, reason: String) -> LogError {
        // Safety: the strings live as long as the calls.
        if unsafe access(path, F_OK) != 0, errno == ENOENT { return .missing(path: path) }
        if unsafe access(path, R_OK | W_OK) != 0 {
            if errno == EROFS { return .readOnly(path: path) }
            if errno == EACCES { return .permissionDenied(path: path) }
        }
        if FileCalls.isOnReadOnlyFileSystem(path) { return .readOnly(path: path) }
        return .failed(path: path, reason: reason)
    }
}

/// Runs `body` and turns whatever it throws into a `LogError` about `path`.
func aboutFile<T>(_ path: String, _ body: () throws -> T) throws(LogError) -> T {
    do {
        return try body()
    } catch {
        throw LogError(error, path: path)
    }
}
