import Foundation
import SluiceCore

/// Parse, validate and normalize, one event after another on one thread, and nothing else.
///
///     CoreBenchmark list
///     CoreBenchmark write FOLDER                  the JSON bodies, one to a line, for other parsers
///     CoreBenchmark run REQUEST PASS EVENTS       PASS: sluice, sluice-deduplicated, jsondecoder
///
/// `run` prints a JSON object: the CPU time of this thread for so many events. Instructions are counted from
/// outside, as the difference of two runs under callgrind, so that whatever happens once falls away.
@main
enum CoreBenchmark {
    /// Events before the clock starts: buffers grow, caches and branch predictors warm up.
    private static let warmUp = 1000

    static func main() throws {
        let arguments = Array(CommandLine.arguments.dropFirst())
        switch arguments.first {
        case "list":
            for request in CoreRequest.all {
                print(request.name, request.platform.name, request.isJSON ? "json" : "form")
            }
        case "write" where arguments.count == 2:
            for request in CoreRequest.all {
                let lines = request.jsonBodies.map { $0 + "\n" }.joined()
                try lines.write(toFile: "\(arguments[1])/\(request.name).ndjson", atomically: false, encoding: .utf8)
            }
        case "run" where arguments.count == 4:
            guard let request = CoreRequest.named(arguments[1]), let events = Int(arguments[3]), events > 0 else {
                usage()
            }
            try run(request, pass: arguments[2], events: events)
        default:
            usage()
        }
    }

    private static func run(_ request: CoreRequest, pass: String, events: Int) throws {
        let bytes: Int
        let nanoseconds: Int64
        switch pass {
        case "sluice", "sluice-deduplicated":
            let pass = SluicePass(request, deduplicates: pass != "sluice")
            bytes = request.bodies.reduce(0) { $0 + $1.utf8.count }
            pass.run(events: warmUp)
            nanoseconds = measured { pass.run(events: events) }
        case "jsondecoder":
            let pass = JSONDecoderPass(request)
            bytes = request.jsonBodies.reduce(0) { $0 + $1.utf8.count }
            try pass.run(events: warmUp)
            nanoseconds = try measured { try pass.run(events: events) }
        default:
            usage()
        }
        let perEvent = Double(nanoseconds) / Double(events)
        print(
            #"{"events":\#(events),"ns_per_event":\#(perEvent),"bytes_per_event":\#(bytes / CoreRequest.variants)}"#)
    }

    private static func measured(_ body: () throws -> Void) rethrows -> Int64 {
        let before = threadNanoseconds()
        try body()
        return threadNanoseconds() - before
    }

    private static func threadNanoseconds() -> Int64 {
        var time = timespec()
        // Safety: the kernel fills the struct on this frame; a thread's own clock always exists.
        _ = unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    private static func usage() -> Never {
        print("usage: CoreBenchmark list | write FOLDER | run REQUEST sluice|sluice-deduplicated|jsondecoder EVENTS")
        exit(64)
    }
}
