import Foundation
import Logging
import SluiceServer
import Synchronization
import Testing

/// Keeps lines for a test to look at.
final class CapturedLines: LogSink {
    private let lines = Mutex<[String]>([])
    func write(_ line: String) { lines.withLock { $0.append(line) } }
    var all: [String] { lines.withLock { $0 } }
}

@Suite struct SluiceLogHandlerTests {
    private let sink = CapturedLines()

    private func logger(_ format: LogFormat, level: Logger.Level = .info) -> Logger {
        let sink = sink
        return Logger(label: "log") { label in
            SluiceLogHandler(
                label: label, level: level, format: format, sink: sink, now: { 1_767_323_045_678 })
        }
    }

    @Test func textIsForPeople() {
        var logger = logger(.text)
        logger[metadataKey: "shard"] = "3"
        logger.warning("commit failed", metadata: ["reason": "disk full", "tries": .stringConvertible(2)])
        #expect(
            sink.all == [
                #"2026-01-02T03:04:05.678Z warning log: commit failed reason="disk full" shard=3 tries=2"#
            ])
    }

    @Test func jsonIsForMachines() throws {
        var logger = logger(.json)
        logger[metadataKey: "shard"] = "3"
        logger.error(
            "a \"quoted\" line\nbreak",
            metadata: [
                "shard": .stringConvertible(4), "list": ["x", .stringConvertible(true)],
                "more": ["b": .stringConvertible(Int64(1)), "a": "\u{2028}"],
            ])
        let line = try #require(sink.all.first)
        #expect(
            line
                == #"{"time":"2026-01-02T03:04:05.678Z","level":"error","logger":"log","message":"a \"quoted\" line\nbreak","fields":{"list":["x",true],"more":{"a":"\u2028","b":1},"shard":4}}"#
        )
        let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
        #expect(object?["message"] as? String == "a \"quoted\" line\nbreak")
    }

    @Test func lowerLevelsAreLeftOut() {
        let logger = logger(.text, level: .warning)
        logger.info("no")
        logger.warning("yes")
        #expect(sink.all.count == 1)
    }

    @Test func aLineCannotBeForged() {
        logger(.text).info(
            "a\n2026 info log: forged \u{1B}[2J", metadata: ["k": "v\nx", "e": "", "q": "a=b"])
        #expect(
            sink.all == [
                #"2026-01-02T03:04:05.678Z info log: a\n2026 info log: forged \u001b[2J e="" k="v\nx" q="a=b""#
            ])
    }

    @Test func metadataOfOneLoggerStaysItsOwn() {
        var first = logger(.text)
        let second = first
        first[metadataKey: "only"] = "first"
        second.info("x")
        #expect(sink.all == ["2026-01-02T03:04:05.678Z info log: x"])
    }
}
