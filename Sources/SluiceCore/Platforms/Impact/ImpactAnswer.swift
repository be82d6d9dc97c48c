/// impact.com's answers, in JSON: `QUEUED` with the place where the conversion's fate can be asked for,
/// and errors with one entry for each failing field.
enum ImpactAnswer {
    /// - Parameters:
    ///   - account: of the path: letters, digits, `-` and `_`.
    ///   - id: a UUID.
    static func writeQueued(account: Bytes, id: Bytes, to answer: inout PlatformAnswer) {
        answer.status = 200
        answer.contentType = .json
        answer.body.append("{\"Status\":\"QUEUED\",\"QueuedUri\":\"/Advertisers/")
        answer.body.append(account)
        answer.body.append("/APISubmissions/A-")
        answer.body.append(id)
        answer.body.append("\"}")
    }

    static func write(_ problem: EdgeProblem, to answer: inout PlatformAnswer) {
        begin(problem.status, &answer)
        if case .unsupportedMediaType = problem {
            answer.body.append(
                "this content type is not supported; send application/x-www-form-urlencoded or application/json")
        } else {
            problem.appendMessage(to: &answer.body)
        }
        answer.body.append("\"}")
    }

    static func write(_ error: JSONError, to answer: inout PlatformAnswer) {
        begin(400, &answer)
        answer.body.append("the body is not valid JSON: ")
        answer.body.append(error.code.message)
        answer.body.append(", at byte ")
        answer.body.appendDecimal(Int(error.offset))
        answer.body.append("\"}")
    }

    static func writeNotAnObject(to answer: inout PlatformAnswer) {
        begin(400, &answer)
        answer.body.append("the body must be an object: one conversion\"}")
    }

    static func write(
        _ problems: [ImpactProblem], _ fields: borrowing EventFields, to answer: inout PlatformAnswer
    ) {
        begin(400, &answer)
        answer.body.append("Validation Failed\",\"Errors\":[")
        for (index, problem) in problems.enumerated() {
            if index > 0 { answer.body.append(0x2C) }
            answer.body.append("{\"Field\":\"")
            if let key = problem.key {
                answer.body.appendJSONEscaped(fields.bytes(key))
            } else {
                answer.body.append(problem.field)
                if problem.number > 0 { answer.body.appendDecimal(problem.number) }
            }
            answer.body.append("\",\"Message\":\"")
            appendWords(of: problem, &answer.body)
            answer.body.append("\"}")
        }
        answer.body.append("]}")
    }

    private static func begin(_ status: Int, _ answer: inout PlatformAnswer) {
        answer.status = status
        answer.contentType = .json
        answer.body.append("{\"Status\":\"ERROR\",\"Message\":\"")
    }

    private static func appendWords(of problem: ImpactProblem, _ out: inout ByteBuffer) {
        guard problem.words.utf8CodeUnitCount == 0 else { return out.append(problem.words) }
        switch problem.code {
        case .missing: out.append("is required")
        case .duplicateKey: out.append("is given twice")
        case .nulCharacter: out.append("must not contain a NUL character")
        case .invalidEncoding: out.append("must be percent-encoded UTF-8")
        case .tooLong:
            out.append("must be at most ")
            out.appendDecimal(problem.limit)
            if case .characters = problem.rule { out.append(" characters long") } else { out.append(" bytes long") }
        case .wrongType:
            out.append("must be ")
            out.append(problem.rule?.kindWords ?? "a string or a number")
        default:
            out.append("must be ")
            out.append(problem.rule?.requirementWords ?? "valid")
        }
    }
}
