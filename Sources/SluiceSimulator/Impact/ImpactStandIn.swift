import Foundation
import Synchronization

/// impact.com's conversion API: `POST /Advertisers/{AccountSID}/Conversions` as a form (or the same flat
/// keys as JSON), and `GET /Advertisers/{sid}/APISubmissions/{id}`.
///
/// Answers are JSON only when the request says `Accept: application/json`, and XML otherwise, as
/// upstream.
package struct ImpactStandIn: StandInPlatform {
    /// How a good conversion is answered.
    package enum Success: Sendable {
        /// `Status: QUEUED` with a `QueuedUri`.
        case queued
        /// `ActionId` and `ActionUri` at once.
        case action
    }

    /// How a bad conversion is answered.
    package enum ErrorForm: Sendable {
        /// 400 with `Validation Failed` and `Errors: [{Field, Message}]`.
        case validationFailed
        /// 400 with `errors: [{field, level, message}]`.
        case errors
        /// 200 with `Status: ERROR` in the body.
        case insideSuccess
    }

    package let name = "impact"
    package let account: String
    package let token: String
    /// The one campaign that it has; nil: any.
    package let campaign: Int?
    package let success: Success
    package let errorForm: ErrorForm
    private let submissions = ImpactSubmissions()

    package init(
        account: String, token: String, campaign: Int? = nil, success: Success = .queued,
        errorForm: ErrorForm = .validationFailed
    ) {
        self.account = account
        self.token = token
        self.campaign = campaign
        self.success = success
        self.errorForm = errorForm
    }

    package func judge(_ request: StandInRequest, nowMilliseconds: Int64) -> Judgement {
        let isJSON = (request.header("accept") ?? "").lowercased().contains("application/json")
        var judgement = judge(request)
        if !isJSON { judgement.answer = Self.xml(judgement.answer) }
        return judgement
    }

    private func judge(_ request: StandInRequest) -> Judgement {
        guard request.header("authorization") == Self.credential(account: account, token: token) else {
            return refuse(401, "the credentials are not valid")
        }
        let base = "/Advertisers/\(account)/"
        if request.path.hasPrefix(base + "APISubmissions/") {
            guard request.method == "GET" else { return refuse(405, "\(request.method) is not allowed") }
            return submission(String(request.path.dropFirst(base.count + 15)))
        }
        guard request.path == base + "Conversions" else { return refuse(404, "no such path") }
        guard request.method == "POST" else { return refuse(405, "\(request.method) is not allowed") }
        guard let form = Self.form(of: request) else {
            return refuse(400, "the body is neither a form nor flat JSON")
        }
        return conversion(form)
    }

    /// The value of `Authorization`, by Foundation's base64.
    package static func credential(account: String, token: String) -> String {
        "Basic " + Data("\(account):\(token)".utf8).base64EncodedString()
    }

    private static func form(of request: StandInRequest) -> PlainForm? {
        switch request.mediaType {
        case "application/x-www-form-urlencoded":
            return PlainForm(String(decoding: request.body, as: UTF8.self), plusIsSpace: true)
        case "application/json":
            guard case .object(let members)? = PlainJSON(request.body) else { return nil }
            var parameters: [PlainForm.Parameter] = []
            for (name, value) in members {
                guard let text = Self.text(value) else { return nil }
                parameters.append(PlainForm.Parameter(name: name, value: text))
            }
            return PlainForm(parameters)
        default:
            return nil
        }
    }

    private static func text(_ value: PlainJSON) -> String? {
        switch value {
        case .string(let text): text
        case .number(let number, let isInteger):
            isInteger ? Int64(exactly: number).map { String($0) } ?? String(number) : String(number)
        case .bool(let flag): String(flag)
        case .null: ""
        case .array, .object: nil
        }
    }

    private func conversion(_ form: PlainForm) -> Judgement {
        let conversion = ImpactConversion(form)
        var problems = conversion.problems
        if let campaign, let text = form.text("CampaignId"), let sent = Int(text), sent != campaign {
            problems.append(.init(field: "CampaignId", message: "CampaignId \(sent) does not exist"))
        }
        guard problems.isEmpty else { return refuse(problems) }
        let submission = submissions.add(order: conversion.orderID)
        let base = "/Advertisers/\(account)"
        let answer =
            switch success {
            case .queued: "{\"Status\":\"QUEUED\",\"QueuedUri\":\"\(base)/APISubmissions/\(submission)\"}"
            case .action:
                "{\"ActionId\":\"1000.4646.\(submission.suffix(6))\","
                    + "\"ActionUri\":\"\(base)/Actions/1000.4646.\(submission.suffix(6))\"}"
            }
        return .taken([conversion.orderID], answer: .json(status: 200, answer))
    }

    private func submission(_ id: String) -> Judgement {
        guard let order = submissions.order(of: id) else { return refuse(404, "no such submission") }
        return .taken(
            [],
            answer: .json(
                status: 200,
                """
                {"BatchId":\(PlainJSON.quote(id)),"Status":"Complete","Type":"ONLINE",\
                "OrderId":\(PlainJSON.quote(order)),"ErrorType":"","ErrorReason":""}
                """))
    }

    // MARK: Answers

    private func refuse(_ problems: [ImpactConversion.Problem]) -> Judgement {
        let words = problems.map(\.message).joined(separator: "; ")
        let long = problems.map {
            "{\"Field\":\(PlainJSON.quote($0.field)),\"Message\":\(PlainJSON.quote($0.message))}"
        }.joined(separator: ",")
        let short = problems.map {
            "{\"field\":\(PlainJSON.quote($0.field)),\"level\":\"error\",\"message\":\(PlainJSON.quote($0.message))}"
        }.joined(separator: ",")
        let validation = "{\"Status\":\"ERROR\",\"Message\":\"Validation Failed\",\"Errors\":[\(long)]}"
        let answer: StandInAnswer =
            switch errorForm {
            case .validationFailed: .json(status: 400, validation)
            case .errors: .json(status: 400, "{\"Status\":\"ERROR\",\"errors\":[\(short)]}")
            case .insideSuccess: .json(status: 200, validation)
            }
        return .refused("\(answer.status): \(words)", answer: answer)
    }

    private func refuse(_ status: Int, _ message: String) -> Judgement {
        .refused("\(status): \(message)", answer: trouble(status: status, message: message))
    }

    package func trouble(status: Int, message: String) -> StandInAnswer {
        .json(status: status, "{\"Status\":\"ERROR\",\"Message\":\(PlainJSON.quote(message))}")
    }

    private static func xml(_ answer: StandInAnswer) -> StandInAnswer {
        var answer = answer
        let text = String(decoding: answer.body, as: UTF8.self)
            .replacingOccurrences(of: "&", with: "&amp;").replacingOccurrences(of: "<", with: "&lt;")
        answer.headers = answer.headers.map {
            $0.name == "content-type" ? (name: $0.name, value: "text/xml") : $0
        }
        answer.body = Array(
            "<?xml version=\"1.0\"?><ImpactRadiusResponse>\(text)</ImpactRadiusResponse>".utf8)
        return answer
    }
}

/// The submissions that can be asked for, the last ones only. Any thread.
private final class ImpactSubmissions: Sendable {
    private struct State {
        var orders: [String: String] = [:]
        var ids: [String] = []
        var next = 0
    }

    private static let most = 10_000
    private let state = Mutex(State())

    /// Remembers an order under a new id, `A-<uuid>`; the oldest one gives way where there are too many.
    func add(order: String) -> String {
        let id = "A-" + UUID().uuidString.lowercased()
        state.withLock { state in
            if state.ids.count < Self.most {
                state.ids.append(id)
            } else {
                state.orders[state.ids[state.next]] = nil
                state.ids[state.next] = id
                state.next = (state.next + 1) % Self.most
            }
            state.orders[id] = order
        }
        return id
    }

    func order(of id: String) -> String? { state.withLock { $0.orders[id] } }
}
