import Foundation
import SluiceCore
import SluiceIO
import SluiceLog
import Testing

@testable import SluiceServer

/// What became of a conversion, told from the log and the state file.
@Suite struct SubmissionDeskTests {
    private static func destination(_ name: String, _ platform: Platform = .impact) -> DestinationSettings {
        var settings = DestinationSettings(
            name: name, platform: platform, url: WebAddress(scheme: "https", host: "upstream.example", path: ""))
        (settings.accountSID, settings.campaignID, settings.eventTypeID) = ("IRsid1", 1000, 9876)
        return settings
    }

    /// A log with one conversion in it, and a desk beside it whose state file the test writes.
    private final class Rig {
        let shard: ShardRig
        let state: any DeliveryState
        let id: SubmissionID
        private let desk: SubmissionDesk
        private let port: SubmissionPort
        private let answered: EventFD
        private let thread: JoinableThread

        init(_ destinations: [DestinationSettings], aheadSeconds: Int64 = 0) throws {
            shard = try ShardRig()
            state = try shard.log.makeDeliveryState()
            let example = try #require(PlatformExample.all.first { $0.platform == .impact })
            let answer = try shard.client().ask(
                post(example.target, example.body, ["Content-Type: \(example.contentType)"]))
            let uri = try #require(answer.body.range(of: "APISubmissions/"))
            id = try SubmissionDeskTests.id(String(answer.body[uri.upperBound...].prefix(38)))
            let parker = try EventFD()
            answered = try EventFD()
            port = SubmissionPort(capacity: 4, shard: answered, desk: parker)
            let desk = SubmissionDesk(
                log: shard.log, destinations: destinations, ports: [port], parker: parker,
                now: { WallClock.nowMilliseconds + aheadSeconds * 1000 })
            self.desk = desk
            thread = startThread(name: "test-lookup") { desk.run() }
        }

        func stop() {
            desk.requestStop()
            thread.join()
            shard.stop()
        }

        func ask(_ id: SubmissionID? = nil, source: String = "local", early: Bool = false) throws
            -> SubmissionFinding.Result
        {
            port.ask(SubmissionQuestion(number: 1, source: source, id: id ?? self.id, isAnsweredEarly: early))
            while true {
                if let finding = port.nextFinding() { return finding.result }
                answered.park(milliseconds: 20)
            }
        }

        func report() throws -> SubmissionReport? {
            if case .found(let report) = try ask() { return report }
            return nil
        }

        /// - Parameter position: nil for before the event; its outcome is then still to come.
        func save(_ name: String, isPast: Bool, start: Int64 = 0, _ outcome: Outcome? = nil) throws {
            let event = EventSequence(block: 1, index: 0)
            let exception = outcome.map {
                ExceptionalOutcome(
                    destination: name, sequence: event, eventID: "e", outcome: $0, status: 400,
                    reason: "no \"\(name)\"", attempts: 1, firstAttemptMilliseconds: 1, lastAttemptMilliseconds: 2,
                    url: "https://upstream.example/")
            }
            try state.save(
                DeliveryChange(
                    cursors: [
                        Cursor(
                            destination: name, position: EventSequence(block: 1, index: isPast ? 1 : 0),
                            startEvent: start, counts: OutcomeCounts())
                    ], exceptions: exception.map { [$0] } ?? []))
        }
    }

    private static func id(_ text: String) throws -> SubmissionID {
        try #require(Array(text.utf8).withBytes { SubmissionID($0) })
    }

    @Test func `it is queued, in progress and complete as the destinations settle it`() throws {
        let rig = try Rig([Self.destination("one"), Self.destination("two"), Self.destination("hook", .webhook)])
        defer { rig.stop() }
        #expect(try rig.report()?.status == .queued, "no cursor has been saved yet")
        try rig.save("one", isPast: false)
        try rig.save("two", isPast: false)
        try rig.save("hook", isPast: true)
        #expect(try rig.report()?.status == .queued)
        try rig.save("two", isPast: true)
        #expect(try rig.report()?.status == .inProgress)
        try rig.save("one", isPast: true)
        let report = try #require(try rig.report())
        #expect(report.status == .complete)
        #expect(report.orderID == "impact-1")
        #expect(report.error == nil)
        #expect(report.batchID == "A-" + String(decoding: rig.id.event, as: UTF8.self))
    }

    @Test(arguments: [Outcome.rejected, .parked, .expired])
    func `what went wrong is told, also before the cursor has passed it`(outcome: Outcome) throws {
        let rig = try Rig([Self.destination("one"), Self.destination("two")])
        defer { rig.stop() }
        try rig.save("one", isPast: false, outcome)
        try rig.save("two", isPast: false)
        var report = try #require(try rig.report())
        #expect(report.status == .inProgress)
        try rig.save("two", isPast: true)
        report = try #require(try rig.report())
        #expect(report.status == .complete)
        #expect(report.error?.type == outcome.rawValue.uppercased())
        #expect(report.error?.reason == "no \"one\"")
        var answer = PlatformAnswer()
        report.write(to: &answer)
        #expect(
            answer.body.bytes.string
                == #"{"BatchId":"\#(report.batchID)","Status":"Complete","Type":"Conversion","OrderId":"impact-1","#
                + #""ErrorType":"\#(outcome.rawValue.uppercased())","ErrorReason":"no \"one\""}"#)
    }

    @Test func `a note about a delivery is no error`() throws {
        let rig = try Rig([Self.destination("one")])
        defer { rig.stop() }
        try rig.save("one", isPast: true, .delivered)
        #expect(try rig.report()?.error == nil)
    }

    @Test func `destinations that it is not for do not keep it`() throws {
        var other = Self.destination("other-source")
        other.sources = ["somebody"]
        let rig = try Rig([other, Self.destination("late")])
        defer { rig.stop() }
        // It was committed before this destination began.
        try rig.save("late", isPast: true, start: 1)
        #expect(try rig.report()?.status == .complete)
    }

    @Test func `only those who sent it are told`() throws {
        let rig = try Rig([Self.destination("one")])
        defer { rig.stop() }
        guard case .unknown = try rig.ask(source: "somebody") else { throw Failure(words: "told to somebody") }
        guard case .unknown = try rig.ask(source: "somebody", early: true) else { throw Failure(words: "told early") }
        // An event of another form has no submission.
        #expect(
            try rig.shard.client().ask(post("/v1/events", click("0198f000-0000-7000-8000-000000000000"))).status == 202)
        guard case .unknown = try rig.ask(Self.id("A-0198f000-0000-7000-8000-000000000000")) else {
            throw Failure(words: "a native event is no submission")
        }
    }

    @Test func `a source that is answered early is told that it is queued for a while`() throws {
        let time = String(UInt64(WallClock.nowMilliseconds), radix: 16)
        let digits = String(repeating: "0", count: 12 - time.count) + time
        let id = try Self.id("A-\(digits.prefix(8))-\(digits.dropFirst(8))-7000-8000-000000000000")
        do {
            let rig = try Rig([Self.destination("one")])
            defer { rig.stop() }
            guard case .found(let report) = try rig.ask(id, early: true) else { throw Failure(words: "not found") }
            #expect(report.status == .queued && report.error == nil)
            guard case .unknown = try rig.ask(id) else { throw Failure(words: "committed is committed") }
        }
        let late = try Rig([Self.destination("one")], aheadSeconds: 3600)
        defer { late.stop() }
        guard case .unknown = try late.ask(id, early: true) else { throw Failure(words: "an hour later") }
    }

    private struct Failure: Error { let words: String }

    @Test(arguments: [
        "A-0198f000-0000-4000-8000-000000000000", "B-0198f000-0000-7000-8000-000000000000",
        "A-0198f000-0000-7000-8000-00000000000", "A-0198f000-0000-7000-8000-0000000000000",
        "A-0198f000x0000-7000-8000-000000000000", "A-0198g000-0000-7000-8000-000000000000",
        "A-0198f000-0000-7000-8000-00000000000%", "",
    ])
    func `only what can have been given out is an id`(text: String) {
        #expect(Array(text.utf8).withBytes { SubmissionID($0) } == nil)
    }

    @Test func `an id tells its time`() throws {
        let id = try Self.id("A-0198F000-ABCD-7000-8000-000000000000")
        #expect(id.milliseconds == 0x0198_F000_ABCD)
        #expect(String(decoding: id.event, as: UTF8.self) == "0198f000-abcd-7000-8000-000000000000")
    }
}
