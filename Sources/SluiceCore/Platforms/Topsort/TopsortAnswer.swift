/// Something for which a request in Topsort's protocol is refused as a whole.
enum TopsortRefusal {
    case emptyRequest
    case notAnObject
    case notAnArray(TopsortKind)
    /// A list of events by a name the protocol does not have; its decoded name in the draft.
    case unknownArray(Slot)
    case tooMany(TopsortKind)
    case notAnEvent(TopsortKind, Int)
    /// The draft's problems.
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

    static func write(_ error: JSONError, to answer: inout PlatformAnswer) {
        begin(400, "invalid_json", &answer)
        answer.body.append("the body is not valid JSON: ")
        answer.body.append(error.code.message)
        answer.body.append(", at byte ")
        answer.body.appendDecimal(Int(error.offset))
        end(&answer)
    }

    static func write(_ report: borrowing TopsortReport, to answer: inout PlatformAnswer) {
        begin(report.status, report.code, &answer)
        answer.body.append(report.message.bytes)
        end(&answer)
    }

    static func status(of problem: FieldProblem) -> Int {
        problem.code == .missing || problem.code == .wrongType ? 422 : 400
    }

    static func code(of problem: FieldProblem, _ schema: EventSchema) -> StaticString {
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
