import Foundation
import Glibc
import Testing

@testable import SluiceLog

@Suite struct DataFolderTests {
    @Test func namesSegmentsByTheirFirstBlock() {
        let folder = DataFolder("/d")
        #expect(folder.segment(firstBlock: 1) == "/d/log/000000000001.sqlite")
        #expect(folder.segment(firstBlock: 1_234_567_890_123) == "/d/log/1234567890123.sqlite")
        #expect(DataFolder.firstBlock(of: "000000004711.sqlite") == 4711)
        #expect(DataFolder.firstBlock(of: "1234567890123.sqlite") == 1_234_567_890_123)
        for name in [
            "1.sqlite", "000000000000.sqlite", "000000004711.sqlite-wal", "000000004711.sqlite.creating",
            "00000000471x.sqlite", "state.sqlite", "99999999999999999999.sqlite",
        ] {
            #expect(DataFolder.firstBlock(of: name) == nil, "\(name)")
        }
    }

    @Test func listsSegmentsInOrder() throws {
        let temporary = TemporaryFolder()
        let folder = DataFolder(temporary.file("data"))
        try folder.create()
        for name in ["000000000010.sqlite", "000000000002.sqlite", "000000000002.sqlite-wal", "notes.txt"] {
            try Data().write(to: URL(fileURLWithPath: folder.log + "/" + name))
        }
        #expect(try folder.segments().map(\.firstBlock) == [2, 10])
    }

    @Test func isHeldByOneOnly() throws {
        let temporary = TemporaryFolder()
        let folder = DataFolder(temporary.file("data"))
        try folder.create()
        let first = try FolderLock(folder)
        #expect(throws: LogError.dataFolderInUse(path: folder.path, processID: getpid())) {
            try FolderLock(folder)
        }
        first.close()
        _ = try FolderLock(folder)
    }

    @Test func itsOwnerCanBeAskedForWithoutGettingInTheWay() throws {
        let temporary = TemporaryFolder()
        let folder = DataFolder(temporary.file("data"))
        #expect(folder.owner == .nobody && folder.identity == nil)
        try folder.create()
        #expect(folder.owner == .nobody)
        let first = try FolderLock(folder)
        #expect(folder.owner == .process(getpid()))
        first.close()
        #expect(folder.owner == .nobody)
        // Whoever asks holds the lock for an instant.
        // Safety: the path lives as long as the call.
        let asking = unsafe open(folder.lock, O_RDONLY)
        #expect(flock(asking, LOCK_SH) == 0)
        Thread.detachNewThread {
            usleep(30_000)
            close(asking)
        }
        _ = try FolderLock(folder)
        let other = DataFolder(temporary.file("other"))
        try other.create()
        #expect(other.identity != nil && other.identity != folder.identity)
        #expect(DataFolder(folder.path + "/../data").identity == folder.identity)
    }

    @Test func refusesAPathThatIsNoFolder() throws {
        let temporary = TemporaryFolder()
        try Data().write(to: URL(fileURLWithPath: temporary.file("file")))
        #expect(throws: LogError.notAFolder(path: temporary.file("file"))) {
            try DataFolder(temporary.file("file")).create()
        }
        #expect(throws: LogError.notAFolder(path: temporary.file("file"))) {
            try DataFolder(temporary.file("file/data")).create()
        }
    }

    // Root may do everything, so there is nothing to see then.
    @Test(.enabled(if: geteuid() != 0))
    func refusesAFolderWithoutPermission() throws {
        let temporary = TemporaryFolder()
        // Safety: the path lives as long as the calls.
        unsafe chmod(temporary.path, 0o500)
        defer { unsafe chmod(temporary.path, 0o700) }
        #expect(throws: LogError.permissionDenied(path: temporary.file("data"))) {
            try DataFolder(temporary.file("data")).create()
        }
    }

    @Test func rewritesAFileAsItIs() throws {
        let folder = TemporaryFolder()
        let path = folder.file("file")
        let bytes = (0..<3 << 20).map { UInt8(truncatingIfNeeded: $0 * 7 >> 3) }
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        try FileCalls.rewrite(path)
        #expect(FileManager.default.contents(atPath: path) == Data(bytes))
        let absent = folder.file("absent")
        #expect(throws: LogError.missing(path: absent)) { try FileCalls.rewrite(absent) }
    }
}
