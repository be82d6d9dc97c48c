import SluiceCore
import SluiceSimulator
import Testing

@Suite struct TrafficVerdictTests {
    private func request(
        _ form: TrafficForm, events: Int, _ expectation: TrafficExpectation = .taken
    ) -> TrafficRequest {
        var random = SplitMix64(seed: 1)
        let list = (0..<events).map { _ in
            TrafficEvent(id: TraceID(using: &random), type: .click, form: form, topsort: .delivered)
        }
        return TrafficRequest(bytes: [], events: list, form: form, expectation: expectation)
    }

    private func answer(
        _ status: Int, _ body: String = "", headers: [(name: String, value: String)] = []
    ) -> HTTPClientAnswer {
        HTTPClientAnswer(status: status, headers: headers, body: Array(body.utf8))
    }

    @Test func `a promise is known by its status and form`() {
        let topsort = request(.topsort, events: 3)
        #expect(TrafficVerdict(answer(204), to: topsort) == .acknowledged)
        let native = request(.native, events: 2)
        #expect(
            TrafficVerdict(answer(202, "{\"accepted\":1,\"duplicates\":1,\"rejected\":[]}"), to: native)
                == .acknowledged)
        let gif = [
            (name: "content-type", value: "image/gif"), (name: "cache-control", value: "no-store"),
        ]
        #expect(
            TrafficVerdict(answer(200, "GIF89a", headers: gif), to: request(.pixel, events: 1))
                == .acknowledged)
    }

    @Test func `each platform's promise has its form`() {
        func acknowledged(_ answer: HTTPClientAnswer, _ form: TrafficForm) -> Bool {
            TrafficVerdict(answer, to: request(form, events: 1)) == .acknowledged
        }
        #expect(acknowledged(answer(204), .gowit) && acknowledged(answer(204), .gowitSDK))
        #expect(!acknowledged(answer(200, "ok"), .gowit))
        #expect(acknowledged(answer(204, headers: [(name: "kevel-debug", value: "queued")]), .kevel))
        #expect(!acknowledged(answer(204), .kevel))
        #expect(acknowledged(answer(202, #"{"messages":["click will be processed soon"]}"#), .vtex))
        #expect(!acknowledged(answer(202, #"{"messages":[]}"#), .vtex))
        #expect(!acknowledged(answer(200, #"{"messages":["click will be processed soon"]}"#), .vtex))
        let queued = #"{"Status":"QUEUED","QueuedUri":"/Advertisers/s/APISubmissions/A-1"}"#
        #expect(acknowledged(answer(200, queued), .impact))
        #expect(!acknowledged(answer(200, #"{"Status":"ERROR"}"#), .impact))
    }

    @Test func `each platform's refusal has its form`() {
        func right(_ status: Int, _ body: String, _ form: TrafficForm) -> Bool {
            TrafficVerdict(answer(status, body), to: request(form, events: 0, .refused(statuses: [status])))
                == .refusedRightly
        }
        #expect(right(400, #"{"message":"x","details":{"ad_id":"y"}}"#, .gowit))
        #expect(
            !right(400, #"{"error":"x"}"#, .gowit) && !right(400, #"{"message":"x","details":[]}"#, .gowit))
        let entry = ##"{"instancePath":"","keyword":"required","message":"m","params":{},"schemaPath":"#"}"##
        #expect(right(422, "[\(entry)]", .vtex) && !right(422, "[]", .vtex) && !right(422, entry, .vtex))
        #expect(right(400, "maximum of 100 userKeys exceeded", .kevel) && !right(400, "no", .kevel))
        let failed =
            #"{"Status":"ERROR","Message":"Validation Failed","Errors":[{"Field":"OrderId","Message":"m"}]}"#
        #expect(right(400, failed, .impact))
        #expect(!right(400, #"{"Status":"ERROR","Message":"Validation Failed","Errors":[]}"#, .impact))
    }

    @Test func `a promise in the wrong form is still a promise`() {
        let cases: [(HTTPClientAnswer, TrafficRequest)] = [
            (answer(200), request(.topsort, events: 1)),
            (answer(202, "{\"accepted\":1}"), request(.native, events: 2)),
            (answer(202, "ok"), request(.native, events: 1)),
            (answer(200, "GIF89a"), request(.pixel, events: 1)),
            (
                answer(202, "{\"accepted\":1,\"rejected\":[{\"index\":2}]}"),
                request(.native, events: 1, .partly(refusedIndexes: [1]))
            ),
        ]
        for (answer, request) in cases {
            let verdict = TrafficVerdict(answer, to: request)
            guard case .acknowledgedOddly = verdict else {
                Issue.record("\(verdict)")
                continue
            }
            #expect(verdict.isPromise(for: request))
        }
    }

    @Test func `a batch refused in part promises the rest`() {
        let partly = request(.native, events: 2, .partly(refusedIndexes: [1]))
        let verdict = TrafficVerdict(
            answer(202, "{\"accepted\":2,\"rejected\":[{\"index\":1,\"code\":\"x\"}]}"), to: partly)
        #expect(verdict == .refusedRightly)
        #expect(verdict.isPromise(for: partly))
    }

    @Test func `a refusal must have a reason, and promises nothing`() {
        let refused = request(.topsort, events: 0, .refused(statuses: [400, 422]))
        let right = TrafficVerdict(answer(422, "{\"errCode\":\"x\",\"message\":\"y\"}"), to: refused)
        #expect(right == .refusedRightly)
        #expect(!right.isPromise(for: refused))
        for wrong in [answer(204), answer(400), answer(400, "{}"), answer(500, "{}")] {
            guard case .unexpected = TrafficVerdict(wrong, to: refused) else {
                Issue.record("\(wrong.status) was taken for a right refusal")
                continue
            }
        }
    }

    @Test func `put off is neither promise nor error`() {
        let topsort = request(.topsort, events: 1)
        for status in [429, 503] {
            let verdict = TrafficVerdict(answer(status), to: topsort)
            #expect(verdict == .putOff)
            #expect(!verdict.isPromise(for: topsort))
        }
        guard case .unexpected = TrafficVerdict(answer(400), to: topsort) else {
            Issue.record("a refusal of a good request was taken for right")
            return
        }
    }
}
