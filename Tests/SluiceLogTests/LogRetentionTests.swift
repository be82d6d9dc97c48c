import Testing

@testable import SluiceLog

@Suite struct LogRetentionTests {
    private let retention = LogRetention(
        limits: RetentionLimits(ageSeconds: 100, bytes: 1000, hardBytes: 2000))

    private func verdict(
        newest: Int64?, bytes: Int64, holders: [(name: String, block: Int64)] = []
    ) -> LogRetention.Verdict {
        retention.verdict(
            endBlock: 10, newestMilliseconds: newest, logBytes: bytes, holders: holders,
            nowMilliseconds: 1_000_000)
    }

    @Test func keepsWhatIsYoungAndFits() {
        #expect(verdict(newest: 900_000, bytes: 1000) == .keep)
        #expect(verdict(newest: nil, bytes: 1000) == .keep)
    }

    @Test func removesWhatNobodyNeedsByAgeAndBySize() {
        #expect(verdict(newest: 899_999, bytes: 1) == .remove(.age, neededBy: []))
        #expect(verdict(newest: 1_000_000, bytes: 1001) == .remove(.size, neededBy: []))
        #expect(
            verdict(newest: 0, bytes: 1, holders: [("a", 10), ("b", 11)]) == .remove(.age, neededBy: []),
            "whoever stands right behind it does not need it")
    }

    @Test func keepsWhatIsNeededUntilTheHardLimit() {
        #expect(verdict(newest: 0, bytes: 2000, holders: [("a", 9), ("b", 12)]) == .keep)
        #expect(verdict(newest: 0, bytes: 1, holders: [("new", 0)]) == .keep, "age alone never removes it")
        #expect(
            verdict(newest: 1_000_000, bytes: 2001, holders: [("a", 9), ("b", 12), ("c", 1)])
                == .remove(.hardSize, neededBy: ["a", "c"]))
    }

    @Test func theHardLimitIsAtLeastTheOther() {
        #expect(RetentionLimits(ageSeconds: 1, bytes: 50).hardBytes == 50)
        #expect(RetentionLimits(ageSeconds: 1, bytes: 50, hardBytes: 10).hardBytes == 50)
    }

    @Test func namesWhoNeededWhatWasGivenUp() {
        var removal = SegmentRemoval(
            path: "/d/log/1.sqlite", blocks: 1..<10, events: 42, bytes: 4096, reason: .hardSize,
            neededBy: ["topsort", "warehouse"])
        for part in ["/d/log/1.sqlite", "blocks 1 to 9", "42 events", "topsort, warehouse", "expires"] {
            #expect(removal.description.contains(part))
        }
        #expect(LogIncident.removed(removal).isLoud)
        removal.neededBy = []
        #expect(!LogIncident.removed(removal).isLoud)
    }
}

@Suite struct SegmentHoldsTests {
    @Test func keepsTheLastPlaceOfEach() {
        let holds = SegmentHolds()
        holds.hold("b", from: 0)
        holds.hold("a", from: 7)
        holds.hold("b", from: 7)
        holds.hold("c", from: 3)
        #expect(holds.holders.map(\.name) == ["c", "a", "b"])
        #expect(holds.holders.map(\.block) == [3, 7, 7])
        holds.release("c")
        holds.release("unknown")
        #expect(holds.holders.map(\.name) == ["a", "b"])
    }
}

@Suite struct GrowthMeterTests {
    @Test func measuresOverASlidingWindow() throws {
        let meter = GrowthMeter()
        meter.note(bytes: 100, now: 0)
        #expect(meter.growth == nil)
        meter.note(bytes: 999, now: 9_999_999)
        #expect(meter.growth == nil, "too soon to be a sample")
        meter.note(bytes: 1100, now: 10_000_000)
        let first = try #require(meter.growth)
        #expect(first.measuredSeconds == 10)
        #expect(first.bytesPerHour == 360_000)
        // Nothing more for two hours: the window forgets.
        for second in stride(from: 20, through: 7200, by: 10) {
            meter.note(bytes: 1100, now: Int64(second) * 1_000_000)
        }
        let last = try #require(meter.growth)
        #expect(last.measuredSeconds == 3600)
        #expect(last.bytesPerHour == 0)
    }

    @Test func saysWhichLimitComesFirst() throws {
        var runway = LogRunway(
            bytes: 500, growth: GrowthMeter.Growth(bytesPerHour: 100, measuredSeconds: 60), sizeBytes: 1000,
            hardSizeBytes: 2000, fileSystemFreeBytes: 300)
        #expect(runway.hours(until: .size) == 5)
        #expect(runway.hours(until: .hardSize) == 15)
        #expect(runway.hours(until: .fileSystem) == 3)
        #expect(try #require(runway.first).limit == .fileSystem)
        runway.fileSystemFreeBytes = 10_000
        #expect(try #require(runway.first).limit == .size)
        #expect(try #require(runway.first).hours == 5)
        runway.hardSizeBytes = 1000
        #expect(try #require(runway.first).limit == .hardSize, "of the same, the one that hurts")
        runway.growth = nil
        #expect(runway.first == nil)
        runway.bytes = 1001
        #expect(try #require(runway.first).limit == .hardSize)
        #expect(try #require(runway.first).hours == 0)
    }
}
