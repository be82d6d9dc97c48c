import Foundation
import SluiceCore
import Testing

@testable import SluiceLog

@Suite struct FingerprintLoaderTests {
    private static let day = 86_400_000

    private func table(_ events: Int = 10_000) throws -> FingerprintTable {
        try #require(FingerprintTable(events: events, ageMilliseconds: Self.day))
    }

    private func isKnown(_ id: String, _ table: FingerprintTable) -> Bool {
        var allowance = FingerprintAllowance()
        let fingerprint = idHash("click " + id)
        if table.insert(fingerprint, &allowance) != nil { return true }
        table.withdraw(fingerprint)
        return false
    }

    @Test(arguments: [1, 3]) func `events of every segment are known after a start`(_ threads: Int) throws {
        var configuration = LogConfiguration()
        configuration.segmentBytes = 1  // a segment for each block
        let rig = try LogRig(configuration: configuration)
        rig.start()
        for number in 0..<20 { rig.commit(["a\(number)", "b\(number)"]) }
        rig.stop()
        let log = try EventLog.open(folder: rig.folder.file("data"))
        defer { log.close() }
        #expect(log.segmentCount > 5)
        let table = try table()
        let load = log.loadFingerprints(into: table, ageMilliseconds: Self.day, threads: threads)
        #expect(load.fingerprints == 40)
        #expect(load.blocks == 20)
        #expect(load.damage == [])
        for number in 0..<20 { #expect(isKnown("a\(number)", table) && isKnown("b\(number)", table)) }
        #expect(!isKnown("c", table))
    }

    @Test func `what is older than the window is left out`() throws {
        let now = LogClock.system.wallMilliseconds()
        let rig = try LogRig()
        rig.start()
        rig.commit(["old"], receivedMilliseconds: now - Int64(Self.day) - 60_000)
        rig.commit(["young"], receivedMilliseconds: now - 60_000)
        rig.stop()
        let log = try EventLog.open(folder: rig.folder.file("data"))
        defer { log.close() }
        let table = try table()
        #expect(log.loadFingerprints(into: table, ageMilliseconds: Self.day, threads: 1).fingerprints == 1)
        #expect(isKnown("young", table))
        #expect(!isKnown("old", table))
    }

    @Test func `what does not fit is what is oldest`() throws {
        let rig = try LogRig()
        rig.start()
        for number in 0..<30 { rig.commit(["a\(number)", "b\(number)"]) }
        rig.stop()
        let log = try EventLog.open(folder: rig.folder.file("data"))
        defer { log.close() }
        let table = try table(10)
        _ = log.loadFingerprints(into: table, ageMilliseconds: Self.day, threads: 1)
        #expect(table.entries == 20)
        var allowance = FingerprintAllowance()
        // The newest ten are the current generation, and looked up without changing it.
        for number in 25..<30 { #expect(table.insert(idHash("click a\(number)"), &allowance) != nil) }
        #expect(table.rotations == 0)
    }

    @Test func `damage is told, and the rest is known`() throws {
        var configuration = LogConfiguration()
        configuration.segmentBytes = 1
        let rig = try LogRig(configuration: configuration)
        rig.start()
        for number in 0..<5 { rig.commit(["a\(number)"]) }
        rig.stop()
        let folder = rig.folder.file("data")
        let segments = try DataFolder(folder).segments()
        let victim = try #require(segments.first?.path)
        let log = try EventLog.open(folder: folder)
        defer { log.close() }
        // Everything behind the header, while the log believes in it.
        let size = try #require(FileCalls.size(victim))
        let file = try #require(FileHandle(forUpdatingAtPath: victim))
        try file.seek(toOffset: 100)
        try file.write(contentsOf: Data(repeating: 0xA5, count: Int(size) - 100))
        try file.close()
        let table = try table()
        let load = log.loadFingerprints(into: table, ageMilliseconds: Self.day, threads: 2)
        #expect(load.damage.count == 1)
        #expect(load.damage.first?.contains(victim) == true)
        #expect(isKnown("a4", table))
        #expect(!isKnown("a0", table))
    }

    /// As the gateway measures itself: `SLUICE_MEASURE_LOAD=10000000 swift test -c release …`.
    @Test(.enabled(if: ProcessInfo.processInfo.environment["SLUICE_MEASURE_LOAD"] != nil))
    func `time to load`() throws {
        let total = Int(ProcessInfo.processInfo.environment["SLUICE_MEASURE_LOAD"] ?? "") ?? 0
        let perBlock = 2000
        let rig = try LogRig()
        rig.start()
        let now = LogClock.system.wallMilliseconds()
        for number in 0..<total / perBlock {
            let block = OpenBlock(capacity: 1 << 20)
            block.reset(ticket: UInt64(number + 1))
            for event in 0..<perBlock {
                let id = number * perBlock + event
                block.payload.append(eventLine("\(id)"))
                block.payload.append(0x0A)
                for key in 0..<3 { block.filterHashes.append(idHash("\(key)-\(id)")) }
                block.fingerprints.append(idHash("click \(id)"))
                block.finishEvent(receivedMilliseconds: now)
            }
            #expect(rig.channels[0].submit(block))
            _ = rig.waitReturned()
        }
        rig.stop()
        let log = try EventLog.open(folder: rig.folder.file("data"))
        defer { log.close() }
        for threads in [1, 2] {
            let table = try #require(FingerprintTable(events: total, ageMilliseconds: Self.day))
            let load = log.loadFingerprints(into: table, ageMilliseconds: Self.day, threads: threads)
            #expect(load.fingerprints == total)
            print("loaded \(load.fingerprints) with \(threads) threads in \(load.milliseconds) ms")
            var allowance = FingerprintAllowance()
            let clock = ContinuousClock()
            var dice = SystemRandomNumberGenerator()
            let hashes = (0..<2_000_000).map { _ in dice.next() as UInt64 }
            let time = clock.measure { for hash in hashes { _ = table.insert(hash, &allowance) } }
            print("inserted 2000000 new ones, both generations in use, in \(time)")
            let again = clock.measure { for hash in hashes { _ = table.insert(hash, &allowance) } }
            print("found them again in \(again)")
        }
    }
}
