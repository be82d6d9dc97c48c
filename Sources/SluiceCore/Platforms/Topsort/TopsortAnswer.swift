/// Why a request in Topsort's protocol is refused as a whole.
enum TopsortRefusal {
    case invalidJSON(JSONError)
    case emptyRequest
    case notAnObject
    case notAnArray(TopsortKind)
    /// A list of events by a name the protocol does not have; its decoded name in the draft.
    case unknownArray(Slot)
    case tooMany(TopsortKind)
    case notAnEvent(TopsortKind, Int)
    /// The draft's problem.
    case field(TopsortKind, Int)
}

/// Topsort's error answers: an object `{"errCode","docUrl","message"}`, as its specification and
/// its typed clients have it. Every answer but 204 has such a body, because its JavaScript client
/// parses one in all of them.
///
/// 422 says that a property is missing or of a wrong type, 400 everything else that is wrong with
/// the events.
enum TopsortAnswer {
    private static let documentation: StaticString = "https://docs.topsort.com/"

    static func write(_ problem: EdgeProblem, to answer: inout PlatformAnswer) {
        begin(problem.status, code(of: problem), &answer)
        problem.appendMessage(to: &answer.body)
        end(&answer)
    }

    private static func code(of problem: EdgeProblem) -> StaticString {
        switch problem {
        case .unauthorized: "invalid_api_key"
        case .unavailable: "internal_server_error"
        default: problem.code
        }
    }

    static func write(
        _ refusal: TopsortRefusal, _ fields: borrowing EventFields, to answer: inout PlatformAnswer
    ) {
        switch refusal {
        case .invalidJSON(let error):
            begin(400, "invalid_json", &answer)
            answer.body.append("the body is not valid JSON: ")
            answer.body.append(error.code.message)
            answer.body.append(", at byte ")
            answer.body.appendDecimal(Int(error.offset))
        case .emptyRequest:
            begin(400, "empty_request", &answer)
            answer.body.append("the request holds no event")
        case .notAnObject:
            begin(422, "bad_request", &answer)
            answer.body.append("the body must be an object")
        case .notAnArray(let kind):
            begin(422, "bad_request", &answer)
            answer.body.append(kind.name)
            answer.body.append(" must be an array")
        case .unknownArray(let name):
            begin(400, "invalid_event_type", &answer)
            answer.body.appendEcho(fields.bytes(name))
            answer.body.append(" must be one of impressions, clicks, purchases, pageviews")
        case .tooMany(let kind):
            begin(400, "bad_request", &answer)
            answer.body.append(kind.name)
            answer.body.append(" must hold at most ")
            answer.body.appendDecimal(CoreLimits.topsortArrayMax)
            answer.body.append(" events")
        case .notAnEvent(let kind, let index):
            begin(422, "bad_request", &answer)
            appendEvent(kind, index, &answer)
            answer.body.append(" must be an object")
        case .field(let kind, let index):
            guard let problem = fields.problem else { return }
            let schema = TopsortSchema.schema(of: kind)
            begin(status(of: problem), code(of: problem, schema), &answer)
            appendEvent(kind, index, &answer)
            answer.body.append(0x2E)
            schema.appendPath(of: problem, in: fields, into: &answer.body)
            answer.body.append(0x20)
            schema.appendWords(of: problem, into: &answer.body)
        }
        end(&answer)
    }

    private static func status(of problem: FieldProblem) -> Int {
        problem.code == .missing || problem.code == .wrongType ? 422 : 400
    }

    private static func code(of problem: FieldProblem, _ schema: EventSchema) -> StaticString {
        if problem.path.utf8CodeUnitCount > 0 {
            return Bytes(problem.path).equals("items") ? "no_purchase_items" : "bad_request"
        }
        guard problem.property >= 0 else { return "bad_request" }
        let name = Bytes(schema.objects[Int(problem.object)].properties[problem.property].name)
        switch problem.code {
        case .missing where name.equals("items"): return "no_purchase_items"
        case .missing where name.equals("productId"): return "missing_product_id"
        case .invalidValue, .empty:
            return name.equals("occurredAt") ? "invalid_event_time" : "bad_request"
        case .outOfRange where name.equals("quantity"):
            return "purchase_item_quantity_less_or_equal_than_zero"
        default: return "bad_request"
        }
    }

    private static func appendEvent(_ kind: TopsortKind, _ index: Int, _ answer: inout PlatformAnswer) {
        answer.body.append(kind.name)
        answer.body.append(0x5B)
        answer.body.appendDecimal(index)
        answer.body.append(0x5D)
    }

    private static func begin(_ status: Int, _ code: StaticString, _ answer: inout PlatformAnswer) {
        answer.status = status
        answer.contentType = .json
        answer.body.append("{\"errCode\":\"")
        answer.body.append(code)
        answer.body.append("\",\"docUrl\":\"")
        answer.body.append(documentation)
        answer.body.append("\",\"message\":\"")
    }

    private static func end(_ answer: inout PlatformAnswer) { answer.body.append("\"}") }
}
