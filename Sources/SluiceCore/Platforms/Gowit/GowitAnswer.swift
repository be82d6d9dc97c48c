/// Why a request in GoWit's protocol is refused.
enum GowitRefusal {
    case invalidJSON(JSONError)
    case emptyRequest
    case notAnObject
    /// The draft's problems, under the names of this schema.
    case fields(EventSchema)
}

/// GoWit's error answers: `{"message","code","details"}`, the form its clients model. `details` has
/// one member for each failing field, by its path.
enum GowitAnswer {
    static func write(_ problem: EdgeProblem, to answer: inout PlatformAnswer) {
        begin(problem.status, &answer)
        problem.appendMessage(to: &answer.body)
        end(code: problem.code, &answer)
        answer.body.append("{}}")
    }

    static func write(
        _ refusal: GowitRefusal, _ fields: borrowing EventFields, to answer: inout PlatformAnswer
    ) {
        begin(400, &answer)
        switch refusal {
        case .invalidJSON(let error):
            answer.body.append("the body is not valid JSON: ")
            answer.body.append(error.code.message)
            answer.body.append(", at byte ")
            answer.body.appendDecimal(Int(error.offset))
            end(code: "invalid_json", &answer)
            answer.body.append("{}}")
        case .emptyRequest:
            answer.body.append("the request holds no event")
            end(code: "empty_request", &answer)
            answer.body.append("{}}")
        case .notAnObject:
            answer.body.append("the body must be an object")
            end(code: "invalid_request", &answer)
            answer.body.append("{}}")
        case .fields(let schema):
            answer.body.append("the event is invalid")
            if let first = fields.problem {
                answer.body.append(": ")
                schema.appendPath(of: first, in: fields, into: &answer.body)
                answer.body.append(0x20)
                schema.appendWords(of: first, into: &answer.body)
            }
            end(code: "validation_error", &answer)
            writeDetails(schema, fields, &answer.body)
            answer.body.append(0x7D)
        }
    }

    /// One member for each field: of several things wrong with one field, the first.
    private static func writeDetails(
        _ schema: EventSchema, _ fields: borrowing EventFields, _ out: inout ByteBuffer
    ) {
        var named: Set<[UInt8]> = []
        out.append(0x7B)
        for problem in fields.problems {
            let start = out.count
            if !named.isEmpty { out.append(0x2C) }
            let path = out.count
            out.append(0x22)
            schema.appendPath(of: problem, in: fields, into: &out)
            guard named.insert(out.bytes[path..<out.count].array).inserted else {
                out.truncate(to: start)
                continue
            }
            out.append("\":\"")
            schema.appendWords(of: problem, into: &out)
            out.append(0x22)
        }
        out.append(0x7D)
    }

    private static func begin(_ status: Int, _ answer: inout PlatformAnswer) {
        answer.status = status
        answer.contentType = .json
        answer.body.append("{\"message\":\"")
    }

    private static func end(code: StaticString, _ answer: inout PlatformAnswer) {
        answer.body.append("\",\"code\":\"")
        answer.body.append(code)
        answer.body.append("\",\"details\":")
    }
}
