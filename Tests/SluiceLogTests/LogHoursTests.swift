import SluiceCore
import Testing

@testable import SluiceLog

@Suite struct LogHoursTests {
    private let hour: Int64 = 1_767_322_800_000

    @Test func eventsAreCountedInTheHourOfTheirBlock() throws {
        var configuration = LogConfiguration()
        configuration.segmentBytes = 30_000
        let rig = try LogRig(configuration: configuration)
        rig.start()
        defer { rig.stop() }
        let hours = rig.log.makeHours()
        var expected: LogHours.Ranges = [:]
        var events: Int64 = 0
        for number in 0..<40 {
            // Shards do not fill their blocks in step: around the change of the hour they take turns.
            let late = number > 22 || (number > 18 && number % 2 == 0)
            let received = late ? hour + 3_600_000 : hour + Int64(number)
            #expect(isCommitted(rig.commit(["a\(number)", "b\(number)"], receivedMilliseconds: received)))
            let key = BlockOutcome.hour(of: received)
            var ranges = expected[key] ?? []
            if let last = ranges.last, last.upperBound == events {
                ranges[ranges.count - 1] = last.lowerBound..<events + 2
            } else {
                ranges.append(events..<events + 2)
            }
            expected[key] = ranges
            events += 2
            // Asked again and again, it reads on from where it was.
            if number % 7 == 0 { #expect(try merged(hours.events(since: hour).ranges) == expected) }
        }
        #expect(try merged(hours.events(since: hour).ranges) == expected)
        #expect(try merged(rig.log.makeHours().events(since: hour).ranges) == expected)
        // From the files alone the same is read.
        let reader = try LogFolderReader(folder: rig.log.folder.path)
        let files = try reader.hours(since: hour)
        #expect(merged(files.ranges) == expected && files.firstEvent == 0)
        let later = try reader.hours(since: hour + 3_600_000)
        #expect(later.ranges.keys.sorted() == [hour + 3_600_000] && later.firstEvent == 0)
        #expect(try hours.events(since: hour + 3_600_000).ranges.keys.sorted() == [hour + 3_600_000])
        #expect(try hours.events(since: hour).firstEvent == 0)
    }

    /// A range may be cut where a segment ends.
    private func merged(_ ranges: LogHours.Ranges) -> LogHours.Ranges {
        ranges.mapValues { list in
            list.reduce(into: []) { merged, range in
                if let last = merged.last, last.upperBound == range.lowerBound {
                    merged[merged.count - 1] = last.lowerBound..<range.upperBound
                } else {
                    merged.append(range)
                }
            }
        }
    }
}
