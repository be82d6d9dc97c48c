import Foundation
import SluiceCore
import SluiceLog

/// Reads a whole log from its first block: fetched from the segments, checked, decompressed, and every line
/// found, as whoever replays or delivers has to.
enum LogReading {
    /// - Parameter reader: `replay`, which reads ahead, or `delivery`, whose blocks several destinations share.
    static func run(folder: String, reader name: String) throws {
        let opening = Measure.seconds()
        let log = try EventLog.open(folder: folder)
        let opened = Measure.seconds() - opening
        let source: any BlockSource
        switch name {
        case "replay": source = try log.makeReplaySource(received: .min ..< .max)
        case "delivery": source = log.makeReader()
        default: LogBenchmark.usage()
        }
        var (events, bytes, lines, next) = (0, 0, 0, Int64(1))
        let started = Measure.seconds()
        let cpu = Measure.processSeconds()
        while let block = try source.block(atOrAfter: next) {
            events += block.eventCount
            bytes += block.payload.count
            lines += lineFeeds(block.payload)
            next = block.number + 1
        }
        let used = Measure.processSeconds() - cpu
        precondition(lines == events && events > 0, "\(lines) lines, \(events) events")
        print(
            """
            {"events":\(events),"bytes":\(bytes),"seconds":\(Measure.seconds() - started),"cpu_seconds":\(used),\
            "open_seconds":\(opened),"peak_resident_bytes":\(Measure.peakResidentBytes())}
            """)
        log.close()
    }

    private static func lineFeeds(_ payload: [UInt8]) -> Int {
        payload.withBytes { bytes in
            var (count, rest) = (0, bytes)
            while let end = rest.firstIndex(of: 0x0A) {
                rest = rest[end + 1..<rest.count]
                count += 1
            }
            return count
        }
    }
}
