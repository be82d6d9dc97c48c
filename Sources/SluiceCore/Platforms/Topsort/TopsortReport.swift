/// All that is wrong with one request, in the order in which it was found: what the answer's `message` holds.
///
/// Status and code are those of the first. Reused from request to request; allocates only for what is wrong.
///
/// Invariant: `message` is empty if and only if `count` is 0, and needs no escape in JSON.
/// Owner: the reading that holds it.
struct TopsortReport: ~Copyable {
    private(set) var status = 0
    private(set) var code: StaticString = ""
    private(set) var message = ByteBuffer(capacity: 256)
    private var count = 0

    var isEmpty: Bool { count == 0 }

    mutating func begin() {
        count = 0
        message.removeAll()
    }

    /// - Parameter fields: the draft that the refusal speaks of.
    mutating func note(_ refusal: TopsortRefusal, _ fields: borrowing EventFields) {
        switch refusal {
        case .emptyRequest:
            guard open(400, "empty_request") else { return }
            message.append("the request holds no event")
        case .notAnObject:
            guard open(422, "bad_request") else { return }
            message.append("the body must be an object")
        case .notAnArray(let kind):
            guard open(422, "bad_request") else { return }
            message.append(kind.name)
            message.append(" must be an array")
        case .unknownArray(let name):
            guard open(400, "invalid_event_type") else { return }
            message.appendEcho(fields.bytes(name))
            message.append(" must be one of impressions, clicks, purchases, pageviews")
        case .tooMany(let kind):
            guard open(400, "bad_request") else { return }
            message.append(kind.name)
            message.append(" must hold at most ")
            message.appendDecimal(CoreLimits.topsortArrayMax)
            message.append(" events")
        case .notAnEvent(let kind, let index):
            guard open(422, "bad_request") else { return }
            appendEvent(kind, index)
            message.append(" must be an object")
        case .field(let kind, let index):
            for problem in fields.problems { note(problem, kind, index, fields) }
        }
    }

    private mutating func note(
        _ problem: FieldProblem, _ kind: TopsortKind, _ index: Int, _ fields: borrowing EventFields
    ) {
        let schema = TopsortSchema.schema(of: kind)
        guard open(TopsortAnswer.status(of: problem), TopsortAnswer.code(of: problem, schema)) else { return }
        appendEvent(kind, index)
        message.append(0x2E)
        schema.appendPath(of: problem, in: fields, into: &message)
        message.append(0x20)
        schema.appendWords(of: problem, into: &message)
    }

    /// Begins one more sentence; false when there are as many as an answer names.
    private mutating func open(_ status: Int, _ code: StaticString) -> Bool {
        guard count < CoreLimits.problemsMax else { return false }
        if count == 0 {
            self.status = status
            self.code = code
        } else {
            message.append("; ")
        }
        count += 1
        return true
    }

    private mutating func appendEvent(_ kind: TopsortKind, _ index: Int) {
        message.append(kind.name)
        message.append(0x5B)
        message.appendDecimal(index)
        message.append(0x5D)
    }
}
