import Foundation
import SluiceCore
import Testing

@testable import SluiceLog

@Suite struct EventFinderTests {
    private static let always = Int64.min..<Int64.max

    private func find(
        _ finder: EventFinder, _ id: String, _ received: Range<Int64> = EventFinderTests.always
    ) throws -> FoundEvent? {
        try Array(id.utf8).withBytes { (id) throws(LogError) in try finder.find(id: id, received: received) }
    }

    @Test func findsAnEventByItsID() throws {
        let rig = try LogRig()
        rig.start()
        defer { rig.stop() }
        rig.commit(["a", "b", "c"])
        rig.commit(["d"])
        rig.commit(["e", "f"])
        let finder = rig.log.makeFinder()
        let found = try #require(try find(finder, "f"))
        #expect(found.sequence == EventSequence(block: 3, index: 1))
        #expect(found.eventNumber == 5)
        #expect(String(decoding: found.line, as: UTF8.self) == eventLine("f"))
        #expect(try find(finder, "a")?.sequence == EventSequence(block: 1, index: 0))
        #expect(try find(finder, "d")?.eventNumber == 3)
        // Parts of an id, and what only looks like one, are none.
        for other in ["", "g", "ab", "a\"", "click"] { #expect(try find(finder, other) == nil) }
        #expect(try find(finder, "u-a") == nil, "an id of a user, which the filter knows, too")
    }

    @Test func theNewestOfSeveralIsFound() throws {
        let rig = try LogRig()
        rig.start()
        defer { rig.stop() }
        rig.commit(["same"], receivedMilliseconds: 1000)
        rig.commit(["other", "same"], receivedMilliseconds: 5000)
        let finder = rig.log.makeFinder()
        #expect(try find(finder, "same")?.sequence == EventSequence(block: 2, index: 1))
        #expect(try find(finder, "same", 0..<2000)?.sequence == EventSequence(block: 1, index: 0))
        #expect(try find(finder, "same", 2000..<5000) == nil)
        #expect(try find(finder, "same", 5001..<9000) == nil)
        #expect(try find(finder, "same", 5000..<5001)?.sequence.block == 2)
    }

    @Test func whatIsCommittedLaterIsFoundByTheSameFinder() throws {
        let rig = try LogRig()
        rig.start()
        defer { rig.stop() }
        let finder = rig.log.makeFinder()
        #expect(try find(finder, "a") == nil)
        rig.commit(["a"])
        #expect(try find(finder, "a") != nil)
    }

    @Test func everySegmentIsLookedAt() throws {
        let clock = TestClock()
        var configuration = LogConfiguration()
        configuration.segmentAgeSeconds = 1
        let rig = try LogRig(configuration: configuration, clock: clock.clock)
        rig.start()
        defer { rig.stop() }
        let start = clock.milliseconds.load(ordering: .relaxed)
        for number in 0..<4 {
            rig.commit(["id-\(number)"], receivedMilliseconds: start + Int64(number) * 10_000)
            clock.advance(seconds: 10)
        }
        #expect(rig.log.segmentCount > 1)
        let finder = rig.log.makeFinder()
        for number in 0..<4 {
            let received = start + Int64(number) * 10_000
            #expect(try find(finder, "id-\(number)")?.eventNumber == Int64(number))
            #expect(try find(finder, "id-\(number)", received - 500..<received + 500) != nil)
            #expect(try find(finder, "id-\(number)", received + 1..<received + 500) == nil)
        }
    }

    @Test func aSegmentThatIsGoneIsPassedOver() throws {
        let clock = TestClock()
        var configuration = LogConfiguration()
        configuration.segmentAgeSeconds = 1
        let rig = try LogRig(configuration: configuration, clock: clock.clock)
        rig.start()
        defer { rig.stop() }
        for number in 0..<3 {
            rig.commit(["id-\(number)"], receivedMilliseconds: clock.milliseconds.load(ordering: .relaxed))
            clock.advance(seconds: 10)
        }
        try FileManager.default.removeItem(atPath: rig.log.folder.segment(firstBlock: 1))
        let finder = rig.log.makeFinder()
        #expect(try find(finder, "id-0") == nil)
        #expect(try find(finder, "id-2") != nil)
    }
}
