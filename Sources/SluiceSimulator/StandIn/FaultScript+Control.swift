// The control endpoint's language: a script as JSON, so that other processes can drive a stand-in.

/// What a control request asks for.
package struct ControlOrder: Equatable, Sendable {
    /// Nil: the script in play stays.
    package var steps: [FaultStep]?
    /// Forget what was received.
    package var forget: Bool

    /// Reads `{"steps":[{"fault":"status","status":503,"requests":20}],"forget":false}`.
    ///
    /// Of a step: `fault` (`none`, `status`, `rate_limit`, `reset`, `take_and_reset`, `hang`),
    /// `status`, `body`, `limit`, `retry_after`, `latency_ms`, `requests`, `ms`, `share`.
    package static func parse(_ body: [UInt8]) throws(ControlError) -> ControlOrder {
        guard let document = PlainJSON(body), case .object = document else {
            throw ControlError(reason: "the body must be a JSON object")
        }
        if let found = schema.violation(of: document, at: "") { throw ControlError(reason: found.text) }
        var steps: [FaultStep]?
        if let list = document["steps"]?.elements {
            steps = []
            for one in list { steps?.append(try step(one)) }
        }
        return ControlOrder(steps: steps, forget: document["forget"] == .bool(true))
    }

    private static let schema = Schema.object([
        .optional("forget", .bool),
        .optional(
            "steps",
            .array(
                .object([
                    .required(
                        "fault",
                        .oneOf(["none", "status", "rate_limit", "reset", "take_and_reset", "hang"])),
                    .optional("status", .integer(min: 100)),
                    .optional("body", .string(minLength: 0)),
                    .optional("limit", .integer(min: 0)),
                    .optional("retry_after", .integer(min: 0)),
                    .optional("latency_ms", .integer(min: 0)),
                    .optional("requests", .integer(min: 1)),
                    .optional("ms", .integer(min: 1)),
                    .optional("share", .numberAtLeast(0)),
                ]), min: 0, max: 1000)),
    ])

    private static func step(_ document: PlainJSON) throws(ControlError) -> FaultStep {
        let fault: Fault? =
            switch document["fault"]?.string {
            case "status":
                if let status = document["status"]?.integer, status <= 599 {
                    .status(Int(status), body: document["body"]?.string)
                } else {
                    throw ControlError(reason: "a step with fault status needs a status up to 599")
                }
            case "rate_limit":
                .rateLimit(
                    limit: Int(document["limit"]?.integer ?? 1000),
                    retryAfterSeconds: document["retry_after"]?.integer.map { Int($0) })
            case "reset": .reset
            case "take_and_reset": .takeAndReset
            case "hang": .hang
            default: nil
            }
        return FaultStep(
            fault, latencyMilliseconds: Int(document["latency_ms"]?.integer ?? 0),
            requests: document["requests"]?.integer.map { Int($0) },
            milliseconds: document["ms"]?.integer.map { Int($0) }, share: document["share"]?.double ?? 1)
    }
}

/// A control request that makes no sense.
package struct ControlError: Error, Equatable {
    package let reason: String
}
