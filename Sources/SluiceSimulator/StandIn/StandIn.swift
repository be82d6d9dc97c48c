import SluiceIO

/// A platform's endpoint on a loopback port of the kernel's choice: checks what it gets as the real
/// one would, fails when its script says so, and keeps the ids of what it took.
///
/// Beside the platform's own paths it answers, never faulted and never counted:
/// `POST /_control` (see ``ControlOrder``), `GET /_ledger` (NDJSON of ids and counts) and
/// `GET /_stats` (JSON). The ledger keeps the last requests whole, for assertions. Requests are handled on the server's threads, several at once.
package final class StandIn: Sendable {
    package let platform: any StandInPlatform
    package let faults: FaultScript
    package let ledger: StandInLedger

    package init(
        _ platform: any StandInPlatform, faults: FaultScript = FaultScript(),
        ledger: StandInLedger = StandInLedger()
    ) {
        self.platform = platform
        self.faults = faults
        self.ledger = ledger
    }

    /// What becomes of a request that arrives at `nowMilliseconds` since 1970.
    package func respond(to request: StandInRequest, nowMilliseconds: Int64) -> StandInReply {
        if request.path.hasPrefix("/_") {
            return .answer(administer(request), afterMilliseconds: 0)
        }
        let decision = faults.decide(request, nowMilliseconds: nowMilliseconds)
        let latency = decision.latencyMilliseconds
        switch decision.fault {
        case nil:
            let judgement = platform.judge(request, nowMilliseconds: nowMilliseconds)
            ledger.record(judgement, of: request)
            return .answer(judgement.answer, afterMilliseconds: latency)
        case .takeAndReset:
            ledger.record(
                platform.judge(request, nowMilliseconds: nowMilliseconds), of: request, isAnswered: false)
            return .reset(afterMilliseconds: latency)
        case .reset:
            ledger.countFault(request, status: nil)
            return .reset(afterMilliseconds: latency)
        case .hang:
            ledger.countFault(request, status: nil)
            return .hang
        case .status(let status, let body):
            ledger.countFault(request, status: status)
            var answer = platform.trouble(status: status, message: "this stand-in was told to fail")
            if let body { answer.body = Array(body.utf8) }
            return .answer(answer, afterMilliseconds: latency)
        case .rateLimit(let limit, let retryAfterSeconds):
            ledger.countFault(request, status: 429)
            var answer = platform.trouble(status: 429, message: "too many requests")
            answer.headers += [
                ("x-ratelimit-limit", String(limit)), ("x-ratelimit-remaining", "0"),
                ("x-ratelimit-reset", String(retryAfterSeconds ?? 1)),
            ]
            if let retryAfterSeconds {
                answer.headers.append(("retry-after", String(retryAfterSeconds)))
            }
            return .answer(answer, afterMilliseconds: latency)
        }
    }

    private func administer(_ request: StandInRequest) -> StandInAnswer {
        switch (request.method, request.path) {
        case ("POST", "/_control"):
            do throws(ControlError) {
                let order = try ControlOrder.parse(request.body)
                if let steps = order.steps { faults.play(steps) }
                if order.forget { ledger.forget() }
                return StandInAnswer(status: 204)
            } catch {
                return .json(status: 400, "{\"message\":\(PlainJSON.quote(error.reason))}")
            }
        case ("GET", "/_ledger"):
            return StandInAnswer(
                status: 200, headers: [("content-type", "application/x-ndjson")], body: ledger.ndjson())
        case ("GET", "/_stats"):
            return .json(status: 200, statsJSON)
        default:
            return .json(status: 404, "{\"message\":\"a stand-in has no such page\"}")
        }
    }

    private var statsJSON: String {
        let totals = ledger.totals
        let refusals = ledger.refusals.map(PlainJSON.quote).joined(separator: ",")
        return """
            {"platform":\(PlainJSON.quote(platform.name)),"requests":\(totals.requests),\
            "faults":\(totals.faults),"requests_taken":\(totals.requestsTaken),\
            "requests_refused":\(totals.requestsRefused),"events":\(totals.events),\
            "ids":\(totals.ids),"repeats":\(totals.repeats),"unlisted":\(totals.unlisted),\
            "steps_left":\(faults.steps.count),"refusals":[\(refusals)]}
            """
    }
}
