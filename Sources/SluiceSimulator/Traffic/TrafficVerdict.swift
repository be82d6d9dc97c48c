/// What an answer says about its request.
package enum TrafficVerdict: Equatable, Sendable {
    /// The promise was made, in the right form.
    case acknowledged
    /// Refused in whole or in part, as it had to be.
    case refusedRightly
    /// A question was answered; nothing was promised.
    case told
    /// Try again later: nothing was promised.
    case putOff
    /// The promise was made, but the answer's form is wrong.
    case acknowledgedOddly(String)
    /// Neither promised nor expected.
    case unexpected(String)

    /// Whether the request's events must be safe from here on. True of a batch refused in part,
    /// too: its `events` are the good ones.
    package func isPromise(for request: TrafficRequest) -> Bool {
        switch self {
        case .acknowledged, .acknowledgedOddly: true
        case .refusedRightly: !request.events.isEmpty
        case .told, .putOff, .unexpected: false
        }
    }

    package init(_ answer: HTTPClientAnswer, to request: TrafficRequest) {
        if answer.status == 503 || answer.status == 429 {
            self = .putOff
            return
        }
        let isTaken = (200...299).contains(answer.status)
        switch request.expectation {
        case .refused(let statuses):
            guard statuses.contains(answer.status) else {
                self = .unexpected(Self.sample("expected one of \(statuses)", answer))
                return
            }
            let problem = Self.refusalProblem(answer, request.form)
            self = problem.map { .unexpected(Self.sample($0, answer)) } ?? .refusedRightly
        case .told(let order):
            let problem = Self.tellingProblem(answer, order: order)
            self = problem.map { .unexpected(Self.sample($0, answer)) } ?? .told
        case .taken:
            guard isTaken else {
                self = .unexpected(Self.sample("expected 2xx", answer))
                return
            }
            let problem = Self.takenProblem(answer, request, refusedIndexes: [])
            self = problem.map { .acknowledgedOddly(Self.sample($0, answer)) } ?? .acknowledged
        case .partly(let indexes):
            guard isTaken else {
                self = .unexpected(Self.sample("expected 2xx", answer))
                return
            }
            let problem = Self.takenProblem(answer, request, refusedIndexes: indexes)
            self = problem.map { .acknowledgedOddly(Self.sample($0, answer)) } ?? .refusedRightly
        }
    }

    /// What the answer to a request says that was acknowledged before: as good as the first one, and that
    /// nothing was taken twice.
    package init(resend answer: HTTPClientAnswer, of request: TrafficRequest) {
        self.init(answer, to: request)
        guard self == .acknowledged, request.form == .native else { return }
        let duplicates = PlainJSON(answer.body)?["duplicates"]?.integer
        if duplicates != Int64(request.events.count) {
            self = .acknowledgedOddly(Self.sample("expected duplicates only", answer))
        }
    }

    /// What is wrong with the form of a 2xx; nil when it is right.
    private static func takenProblem(
        _ answer: HTTPClientAnswer, _ request: TrafficRequest, refusedIndexes: [Int]
    ) -> String? {
        switch request.form {
        case .topsort, .gowit, .gowitSDK:
            return answer.status == 204 && answer.body.isEmpty ? nil : "expected 204 without a body"
        case .kevel:
            return answer.status == 204 && answer.body.isEmpty && answer.header("kevel-debug") == "queued"
                ? nil : "expected 204 without a body, and kevel-debug: queued"
        case .vtex:
            guard answer.status == 202, let messages = PlainJSON(answer.body)?["messages"]?.elements else {
                return "expected 202 with messages"
            }
            return messages.count == 1 && messages[0].string?.hasSuffix(" will be processed soon") == true
                ? nil : "expected the message that it will be processed soon"
        case .impact:
            guard answer.status == 200, let document = PlainJSON(answer.body) else {
                return "expected 200 with JSON"
            }
            return document["Status"]?.string == "QUEUED"
                && document["QueuedUri"]?.string?.contains("/APISubmissions/A-") == true
                ? nil : "expected QUEUED with a QueuedUri"
        case .pixel:
            guard answer.status == 200, answer.header("content-type") == "image/gif",
                answer.body.starts(with: Array("GIF8".utf8))
            else { return "expected a GIF" }
            return answer.header("cache-control")?.contains("no-store") == true
                ? nil : "expected no-store"
        case .native:
            guard answer.status == 202, let document = PlainJSON(answer.body) else {
                return "expected 202 with JSON"
            }
            let taken = (document["accepted"]?.integer ?? 0) + (document["duplicates"]?.integer ?? 0)
            guard taken == Int64(request.events.count) else {
                return "expected \(request.events.count) events to be accepted"
            }
            let refused = (document["rejected"]?.elements ?? []).compactMap { $0["index"]?.integer }
            return Set(refused) == Set(refusedIndexes.map { Int64($0) })
                ? nil : "expected the events \(refusedIndexes) to be rejected"
        }
    }

    /// What is wrong with impact.com's answer about a submission; nil when it is right.
    private static func tellingProblem(_ answer: HTTPClientAnswer, order: String) -> String? {
        guard answer.status == 200, let report = PlainJSON(answer.body) else { return "expected 200 with JSON" }
        guard report["BatchId"]?.string?.hasPrefix("A-") == true, report["OrderId"]?.string == order else {
            return "expected BatchId and OrderId"
        }
        return ["Queued", "In Progress", "Complete"].contains(report["Status"]?.string)
            ? nil : "expected one of impact.com's statuses"
    }

    /// What is wrong with the form of a refusal; nil when it is right.
    private static func refusalProblem(
        _ answer: HTTPClientAnswer, _ form: TrafficForm
    ) -> String? {
        if form == .kevel {
            return answer.text.hasPrefix("required parameter missing: expected userKey, ")
                || answer.text == "maximum of 100 userKeys exceeded" ? nil : "expected Kevel's words"
        }
        guard let document = PlainJSON(answer.body) else { return "expected a JSON body" }
        switch form {
        case .kevel:
            return nil
        case .gowit, .gowitSDK:
            guard document["message"]?.string != nil else { return "expected a message" }
            if case .object? = document["details"] { return nil }
            // What is no JSON has no field to name.
            return document["details"] == nil ? nil : "expected details by field"
        case .vtex:
            guard let errors = document.elements, !errors.isEmpty else {
                return "expected an array of errors"
            }
            let names = ["instancePath", "keyword", "message", "schemaPath"]
            return errors.allSatisfy { error in
                names.allSatisfy { error[$0]?.string != nil } && error["params"] != nil
            } ? nil : "expected errors as Ajv has them"
        case .impact:
            let fields = (document["Errors"]?.elements ?? []).map { $0["Field"]?.string }
            return document["Status"]?.string == "ERROR" && document["Message"]?.string == "Validation Failed"
                && !fields.isEmpty && !fields.contains(nil) ? nil : "expected Validation Failed with fields"
        case .topsort:
            return document["errCode"]?.string != nil && document["message"]?.string != nil
                ? nil : "expected errCode and message"
        case .native, .pixel:
            return document["rejected"]?.elements?.isEmpty == false || document["code"]?.string != nil
                || document["error"] != nil
                ? nil : "expected a reason"
        }
    }

    private static func sample(_ expectation: String, _ answer: HTTPClientAnswer) -> String {
        "\(expectation), got \(answer.status) \(answer.text.prefix(300))"
    }
}
