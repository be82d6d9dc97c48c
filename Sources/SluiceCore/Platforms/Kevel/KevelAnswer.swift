/// Why a purchase in Kevel's protocol is refused.
enum KevelRefusal {
    case missing
    case tooManyUserKeys
    /// The draft's problems.
    case fields
}

/// Kevel's error answers: plain text. The first two are its own words.
enum KevelAnswer {
    static func write(_ problem: EdgeProblem, to answer: inout PlatformAnswer) {
        answer.status = problem.status
        answer.contentType = .text
        if case .unsupportedMediaType = problem {
            answer.body.append("this content type is not supported; send application/x-www-form-urlencoded")
        } else {
            problem.appendMessage(to: &answer.body)
        }
    }

    static func write(
        _ refusal: KevelRefusal, _ schema: EventSchema, _ fields: borrowing EventFields,
        to answer: inout PlatformAnswer
    ) {
        answer.status = 400
        answer.contentType = .text
        switch refusal {
        case .missing:
            answer.body.append(
                "required parameter missing: expected userKey, timestamp, productId, quantity and price")
        case .tooManyUserKeys:
            answer.body.append("maximum of 100 userKeys exceeded")
        case .fields:
            answer.body.append("invalid parameter: ")
            for (index, problem) in fields.problems.enumerated() {
                if index > 0 { answer.body.append("; ") }
                schema.appendPath(of: problem, in: fields, into: &answer.body)
                answer.body.append(0x20)
                schema.appendWords(of: problem, into: &answer.body)
            }
        }
    }
}
