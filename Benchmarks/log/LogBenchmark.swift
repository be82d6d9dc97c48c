import Foundation
import SluiceCore
import SluiceLog

/// The log alone, without edge and delivery: what commits cost, and what reading costs.
///
///     LogBenchmark lines FILE                                      the events, one to a line, for other programs
///     LogBenchmark fill FOLDER CODEC BLOCK BLOCKS EVENTS SECONDS   commits; a new log or one that is there
///     LogBenchmark read FOLDER READER                              READER: replay, delivery
///
/// `fill` keeps up to BLOCKS blocks of BLOCK events each with the log, as a shard under load does, until it has
/// committed EVENTS or SECONDS have gone by. Each prints one JSON object.
@main
enum LogBenchmark {
    static func main() throws {
        let arguments = Array(CommandLine.arguments.dropFirst())
        switch arguments.first {
        case "lines" where arguments.count == 2:
            try SampleEvents.lines.joined().write(toFile: arguments[1], atomically: false, encoding: .utf8)
        case "fill" where arguments.count == 7:
            guard let codec = BlockCodec(rawValue: arguments[2]), let block = Int(arguments[3]), block > 0,
                let blocks = Int(arguments[4]), blocks > 0, let events = Int(arguments[5]), events > 0,
                let seconds = Double(arguments[6])
            else { usage() }
            var fill = LogFill(codec: codec, eventsPerBlock: block, blocksMax: blocks)
            try fill.run(folder: arguments[1], events: events, seconds: seconds)
        case "read" where arguments.count == 3:
            try LogReading.run(folder: arguments[1], reader: arguments[2])
        default:
            usage()
        }
    }

    static func usage() -> Never {
        print(
            """
            usage: LogBenchmark lines FILE
                   LogBenchmark fill FOLDER none|zlib|zstd BLOCK BLOCKS EVENTS SECONDS
                   LogBenchmark read FOLDER replay|delivery
            """)
        exit(64)
    }
}

/// Clocks and memory of this process.
enum Measure {
    /// Monotonic.
    static func seconds() -> Double { read(CLOCK_MONOTONIC) }

    static func threadSeconds() -> Double { read(CLOCK_THREAD_CPUTIME_ID) }

    static func processSeconds() -> Double { read(CLOCK_PROCESS_CPUTIME_ID) }

    static func peakResidentBytes() -> Int {
        var usage = rusage()
        // Safety: the kernel fills the struct on this frame.
        unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return usage.ru_maxrss * 1024
    }

    private static func read(_ clock: clockid_t) -> Double {
        var time = timespec()
        // Safety: the kernel fills the struct on this frame; these clocks always exist.
        _ = unsafe clock_gettime(clock, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
