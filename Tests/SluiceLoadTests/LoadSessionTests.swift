import Foundation
import SluiceLoad
import Testing

/// Runs against scripted servers on loopback.
@Suite struct LoadSessionTests {
    @Test(arguments: [(1, 1), (8, 1), (1, 2), (5, 2)])
    func `a closed loop takes every answer`(pipeline: Int, threads: Int) throws {
        let server = AnsweringServer { _ in .answer(AnsweringServer.noContent) }
        defer { server.stop() }
        var order = try shortOrder(port: server.port)
        order.plan.pipeline = pipeline
        order.plan.threads = threads
        let report = try run(order)
        #expect(report.isGood && report.errors == 0 && report.requests > 0)
        #expect(report.statuses == ["204": report.requests])
        #expect(report.events == report.requests)
        // The last answers come when the measured time is over.
        let late = report.requests - report.intervals.map(\.requests).reduce(0, +)
        #expect((0...order.plan.connections * pipeline).contains(late))
        // Nothing was sent twice, and nothing was forgotten.
        #expect(server.requests >= report.requests)
    }

    @Test func `an open loop keeps its rate`() throws {
        let server = AnsweringServer { _ in .answer(AnsweringServer.noContent) }
        defer { server.stop() }
        for arrival in Arrival.allCases {
            var order = try shortOrder(port: server.port)
            order.plan.rate = .fixed(200)
            order.plan.arrival = arrival
            order.plan.seconds = 0.5
            let report = try run(order)
            #expect(report.isGood)
            // 100 are expected; of Poisson's, their number varies by 10.
            #expect((50...150).contains(report.requests + report.unsent))
            #expect(report.loop == arrival.rawValue)
        }
    }

    @Test func `latency counts from when a request was due, not from when it could be sent`() throws {
        // One connection, 50 a second, and each answer takes 100 ms: the queue grows all the time.
        let server = AnsweringServer { _ in .late(100, AnsweringServer.noContent) }
        defer { server.stop() }
        var order = try shortOrder(port: server.port)
        order.plan.connections = 1
        order.plan.rate = .fixed(50)
        order.plan.arrival = .constant
        order.plan.seconds = 1
        let report = try run(order)
        #expect(report.unsent > 0)
        #expect(!report.isGood)
        #expect(report.uncorrected.p50 >= 99)
        #expect(report.latency.max > 2 * report.uncorrected.p50)
        #expect(report.latency.p50 > report.uncorrected.p50)
    }

    @Test func `a closed loop's stall is corrected`() throws {
        let server = AnsweringServer {
            $0 == 40 ? .late(200, AnsweringServer.noContent) : .answer(AnsweringServer.noContent)
        }
        defer { server.stop() }
        var order = try shortOrder(port: server.port)
        order.plan.connections = 1
        order.plan.seconds = 0.6
        let report = try run(order)
        #expect(report.latency.max >= 199 && report.uncorrected.max >= 199)
        #expect(report.latency.mean > report.uncorrected.mean)
    }

    /// Whatever was sent in the measured time counts, or nobody would see a server that stops at the end of a run.
    @Test func `a stall at the end of a closed loop is seen`() throws {
        let server = AnsweringServer {
            $0 < 100 ? .answer(AnsweringServer.noContent) : .late(1200, AnsweringServer.noContent)
        }
        defer { server.stop() }
        var order = try shortOrder(port: server.port)
        order.plan.connections = 1
        order.plan.seconds = 0.8
        let report = try run(order)
        #expect(report.uncorrected.max >= 1199)
        #expect(report.statuses["204"] == report.requests && report.requests == server.requests)
    }

    @Test func `steps of which none holds are not good`() throws {
        let server = AnsweringServer { _ in .answer("HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n") }
        defer { server.stop() }
        var order = try shortOrder(port: server.port)
        order.steps = KneeSearch(steps: [20, 40], stopsAtFailure: false, p99BoundMilliseconds: 1000)
        #expect(!(try run(order).isGood))
    }

    @Test func `unexpected answers are errors`() throws {
        let server = AnsweringServer { number in
            .answer(number % 2 == 0 ? AnsweringServer.noContent : "HTTP/1.1 503 Busy\r\nContent-Length: 2\r\n\r\nno")
        }
        defer { server.stop() }
        let report = try run(try shortOrder(port: server.port))
        #expect(!report.isGood)
        #expect(report.errorsByKind.keys.sorted() == ["unexpected_status"])
        #expect(report.statuses["503"] ?? 0 > 0 && report.statuses["204"] ?? 0 > 0)
        #expect(report.events == report.statuses["204"])
        var order = try shortOrder(port: server.port)
        order.plan.expected = ExpectedStatus(204)
        #expect(try run(order).errors > 0)
    }

    @Test func `connections that end are opened again`() throws {
        let server = AnsweringServer { number in
            switch number % 10 {
            case 3: .close
            case 6: .answer("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
            default: .answer(AnsweringServer.noContent)
            }
        }
        defer { server.stop() }
        let report = try run(try shortOrder(port: server.port))
        #expect(report.reconnects > 0 && report.requests > 0)
        // Only those that were closed without an answer have failed.
        #expect(report.errorsByKind.keys.allSatisfy { $0 == "closed" || $0 == "broken" })
        #expect(report.errors > 0)
    }

    @Test func `silence ends with the timeout, and its latency counts`() throws {
        let server = AnsweringServer { $0 == 7 ? .silence : .answer(AnsweringServer.noContent) }
        defer { server.stop() }
        var order = try shortOrder(port: server.port)
        order.plan.timeoutSeconds = 0.2
        order.plan.seconds = 0.8
        let report = try run(order)
        #expect(report.errorsByKind == ["timed_out": 1])
        #expect(report.uncorrected.max >= 199)
        #expect(report.requests > 7)
    }

    @Test func `a connection that is never completed is a failure`() throws {
        let server = AnsweringServer(accepts: false) { _ in .silence }
        defer { server.stop() }
        var order = try shortOrder(port: server.port)
        order.plan.timeoutSeconds = 0.2
        order.plan.seconds = 0.8
        let report = try run(order)
        #expect(report.errorsByKind["cannot_connect"] ?? 0 > 0)
        #expect(!report.isGood && report.requests == 0)
    }

    @Test func `interim answers are passed over, but not for ever`() throws {
        let interim = "HTTP/1.1 100 Continue\r\n\r\n"
        for (count, isGood) in [(3, true), (16, true), (17, false), (100_000, false)] {
            let server = AnsweringServer { _ in
                .answer(String(repeating: interim, count: count) + AnsweringServer.noContent)
            }
            defer { server.stop() }
            var order = try shortOrder(port: server.port)
            order.plan.seconds = 0.1
            let report = try run(order)
            #expect(report.isGood == isGood)
            #expect(report.errorsByKind.keys.sorted() == (isGood ? [] : ["malformed_answer"]))
        }
    }

    @Test func `what is no HTTP is called malformed`() throws {
        let server = AnsweringServer { _ in .answer("220 mail.test ESMTP\r\n") }
        defer { server.stop() }
        var order = try shortOrder(port: server.port)
        order.plan.seconds = 0.1
        let report = try run(order)
        #expect(report.errorsByKind.keys.sorted() == ["malformed_answer"] && report.requests == 0)
        #expect(!report.isGood)
    }

    @Test func `an interrupted run reports what it saw`() throws {
        let server = AnsweringServer { _ in .answer(AnsweringServer.noContent) }
        defer { server.stop() }
        var order = try shortOrder(port: server.port)
        order.plan.seconds = 3600
        let report = try run(order, interruptAfter: 4)
        #expect(report.interrupted && report.seconds < 3600 && report.requests > 0)
    }

    @Test func `nobody there is an error before anything is measured`() throws {
        let server = AnsweringServer { _ in .close }
        server.stop()
        let order = try shortOrder(port: server.port)
        #expect(throws: LoadError.self) { try run(order) }
    }

    @Test func `steps are reported one by one, and the knee is named`() throws {
        let server = AnsweringServer { _ in .late(20, AnsweringServer.noContent) }
        defer { server.stop() }
        // Four connections that wait 20 ms each: 200 requests a second at most.
        var order = try shortOrder(port: server.port)
        order.plan.arrival = .constant
        order.steps = KneeSearch(steps: [40, 4000], stopsAtFailure: true, p99BoundMilliseconds: 2000)
        order.findsKnee = true
        order.stepSeconds = 0.5
        let report = try run(order)
        #expect(report.steps?.count == 2)
        #expect(report.steps?.last?.failed != nil)
        #expect(report.knee?.failedAt == 4000)
        #expect(report.isGood)
    }

    @Test func `plans that cannot be carried out are refused`() throws {
        let changes: [(inout LoadPlan) -> Void] = [
            { $0.connections = 0 }, { $0.threads = 5 }, { $0.pipeline = 0 }, { $0.seconds = 0 },
            { $0.rate = .fixed(0) }, { $0.rate = .ramp(from: 1, to: .nan) }, { $0.timeoutSeconds = 0 },
            { $0.outstandingMax = 0 }, { $0.warmUpSeconds = -1 },
        ]
        for change in changes {
            var order = try shortOrder(port: 1)
            change(&order.plan)
            #expect(throws: LoadError.self) { try run(order) }
        }
    }
}
