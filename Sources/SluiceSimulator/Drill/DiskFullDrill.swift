import Foundation
import Glibc
import SluiceIO

/// `sluice drill disk-full`: fills the disk under the gateway and frees it again.
///
///     per round: load -> fill -> 503 with Retry-After, again and again -> free -> 2xx by itself
///
/// The disk is a file system in memory that only this process and its children see. Where the kernel does
/// not let us mount one, the gateway's files are kept from growing instead: its writes then fail with EFBIG.
package struct DiskFullDrill {
    /// How the disk runs full.
    private enum Means {
        case memory
        case fileSizeLimit(String)

        var words: String {
            switch self {
            case .memory: "a private file system in memory, filled up: ENOSPC"
            case .fileSizeLimit(let why): "a limit on file sizes: EFBIG (\(why))"
            }
        }

        var name: String {
            switch self {
            case .memory: "private_tmpfs"
            case .fileSizeLimit: "file_size_limit"
            }
        }
    }

    /// Of the file system in memory.
    private static let diskBytes: UInt64 = 64 << 20
    /// Refusals in a row after which the disk counts as full: closing a write-ahead log can free some space,
    /// which must be filled, too.
    private static let refusalsInARow = 20

    private let options: DrillOptions
    private let rounds: Int
    private let secondsPerRound: Double
    private let mayMount: Bool

    /// - Parameters:
    ///   - secondsPerRound: how long load goes on before the disk is full, and how long it stays so.
    ///   - mayMount: false to limit file sizes in any case.
    package init(_ options: DrillOptions, rounds: Int, secondsPerRound: Double, mayMount: Bool = true) {
        self.options = options
        self.rounds = rounds
        self.secondsPerRound = secondsPerRound
        self.mayMount = mayMount
    }

    /// The process's exit code: 0 only when the ledger balances.
    package func run() throws(DrillError) -> Int32 {
        var means = Means.fileSizeLimit("as asked for")
        let session = try DrillSession(options) { folder in
            if mayMount { means = Self.mount(on: folder.data) }
        }
        var isClean = false
        defer {
            session.endChild()
            if case .memory = means { DrillDisk.unmount(session.folder.data) }
            session.close(isClean: isClean)
        }
        session.say("disk-full drill: \(means.words); seed \(options.seed)")
        try session.start()
        session.beginTraffic()
        let process = session.process?.processID
        var recoveries: [Int64] = []
        var refusals = 0
        var problems: [String] = []
        for round in 1...max(rounds, 1) {
            try session.sleep(milliseconds: Int(secondsPerRound * 1000))
            let filler = DiskFiller(path: session.folder.data + "/filler")
            defer { filler.empty() }
            refusals += try fill(session, means, filler, &problems)
            session.say("round \(round): full; every request is answered 503 with Retry-After")
            refusals += try stayFull(session, means, filler, &problems)
            try free(session, means, filler)
            let freed = MonotonicClock.nowMilliseconds
            try session.wait(for: "events are taken again once the disk has room") {
                session.probe() == .taken
            }
            recoveries.append(MonotonicClock.nowMilliseconds - freed)
            session.say(
                "round \(round): freed; events are taken again after "
                    + Readable.duration(microseconds: UInt64(recoveries[recoveries.count - 1]) * 1000))
        }
        if session.process?.processID != process || session.process?.poll() != nil {
            problems.append("the gateway did not live through it")
        }
        var ledger = try session.finish("disk-full")
        let slowest = recoveries.max() ?? 0
        ledger.details = [
            ["disk", "rounds", "refused while full", "slowest recovery"],
            [
                means.name, "\(rounds)", Readable.count(refusals),
                Readable.duration(microseconds: UInt64(slowest) * 1000),
            ],
        ]
        ledger.members = [
            "\"means\":\"\(means.name)\",\"refused_while_full\":\(refusals),\"slowest_recovery_ms\":\(slowest)"
        ]
        ledger.otherProblems += problems
        isClean = ledger.isBalanced
        return session.report(ledger)
    }

    // MARK: The disk

    private static func mount(on path: String) -> Means {
        try? FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        do throws(SystemError) {
            try DrillDisk.mount(on: path, bytes: diskBytes)
            return .memory
        } catch {
            return .fileSizeLimit("no file system can be mounted here, \(error)")
        }
    }

    /// Until requests are refused, `refusalsInARow` times; how many were.
    private func fill(
        _ session: DrillSession, _ means: Means, _ filler: DiskFiller, _ problems: inout [String]
    ) throws(DrillError) -> Int {
        var inARow = 0
        var refusals = 0
        try session.wait(for: "requests are refused while the disk is full") { () throws(DrillError) in
            try makeFull(session, means, filler)
            if judge(session.probe(), &problems) {
                inARow += 1
                refusals += 1
            } else {
                inARow = 0
            }
            return inARow >= Self.refusalsInARow
        }
        return refusals
    }

    /// Asks on while it is full. What is taken then is a promise like any other, and the ledger holds the
    /// gateway to it.
    private func stayFull(
        _ session: DrillSession, _ means: Means, _ filler: DiskFiller, _ problems: inout [String]
    ) throws(DrillError) -> Int {
        var refusals = 0
        let end = MonotonicClock.nowMilliseconds + Int64(secondsPerRound * 1000)
        while MonotonicClock.nowMilliseconds < end {
            try makeFull(session, means, filler)
            if judge(session.probe(), &problems) { refusals += 1 }
            try session.sleep(milliseconds: 50)
        }
        return refusals
    }

    /// True for a refusal in order.
    private func judge(_ answer: DrillProbe.Answer, _ problems: inout [String]) -> Bool {
        func add(_ problem: String) {
            if !problems.contains(problem) { problems.append(problem) }
        }
        switch answer {
        case .taken: return false
        case .putOff(let seconds):
            if (seconds ?? 0) < 1 { add("a 503 came without a Retry-After of at least 1 second") }
            return true
        case .unexpected(let text):
            add("while the disk was full: \(text)")
            return false
        case .none:
            add("while the disk was full a request got no answer")
            return false
        }
    }

    private func makeFull(
        _ session: DrillSession, _ means: Means, _ filler: DiskFiller
    ) throws(DrillError) {
        switch means {
        case .memory: filler.fill()
        case .fileSizeLimit: try limit(session, to: 0)
        }
    }

    private func free(_ session: DrillSession, _ means: Means, _ filler: DiskFiller) throws(DrillError) {
        switch means {
        case .memory: filler.empty()
        case .fileSizeLimit: try limit(session, to: nil)
        }
    }

    private func limit(_ session: DrillSession, to bytes: UInt64?) throws(DrillError) {
        guard let process = session.process, process.poll() == nil else { return }
        do throws(SystemError) {
            try DrillDisk.limitFiles(of: process.processID, bytes: bytes)
        } catch {
            throw .system(error)
        }
    }
}

/// A file that takes all the room a disk has. Owner: one thread.
private final class DiskFiller {
    private let path: String
    private var file: Int32 = -1

    init(path: String) { self.path = path }

    deinit { empty() }

    /// Appends until nothing more fits.
    func fill() {
        // Safety: the path lives as long as the call.
        if file < 0 { file = unsafe open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600) }
        guard file >= 0 else { return }
        var size = 1 << 20
        let bytes = [UInt8](repeating: 0xA5, count: size)
        while size > 0 {
            // Safety: writes at most the array's length from it.
            let count = unsafe bytes.withUnsafeBytes { unsafe write(file, $0.baseAddress, size) }
            // A page may still fit where a megabyte does not.
            if count < size { size /= 2 }
        }
    }

    func empty() {
        guard file >= 0 else { return }
        close(file)
        file = -1
        // Safety: as above.
        _ = unsafe unlink(path)
    }
}
