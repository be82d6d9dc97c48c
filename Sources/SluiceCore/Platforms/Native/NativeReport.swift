/// What is said about the events of one request, gathered while they are read. Reused.
struct NativeReport: ~Copyable {
    /// Why a request is refused as a whole.
    enum Fatal {
        case invalidJSON(JSONError)
        case empty
        case notEvents
        case envelope
        case tooManyEvents
    }

    /// Events read so far, good and bad.
    var index = 0
    var fatal: Fatal?
    /// Rejections in the list, and those there was no room for.
    private var listed = 0
    private var omitted = 0
    private var rejections = ByteBuffer(capacity: 1_024)

    mutating func reset() {
        index = 0
        fatal = nil
        listed = 0
        omitted = 0
        rejections.removeAll()
    }

    /// Adds the draft's problem to the list and counts the event.
    mutating func reject(_ fields: borrowing EventFields, _ schema: EventSchema) {
        guard let problem = fields.problem, open() else { return }
        let start = rejections.count
        schema.appendPath(of: problem, in: fields, into: &rejections)
        let end = rejections.count
        rejections.append("\",\"code\":\"")
        rejections.append(problem.code.label)
        rejections.append("\",\"message\":\"")
        rejections.reserve(end - start)
        rejections.append(rejections.bytes[start..<end])
        rejections.append(0x20)
        schema.appendWords(of: problem, into: &rejections)
        rejections.append("\"}")
    }

    /// Adds a line that is not JSON to the list and counts it.
    mutating func reject(_ error: JSONError) {
        guard open() else { return }
        rejections.append("event\",\"code\":\"invalid_json\",\"message\":\"event: ")
        rejections.append(error.code.message)
        rejections.append(", at byte ")
        rejections.appendDecimal(Int(error.offset))
        rejections.append(" of the line\"}")
    }

    /// Counts the event and begins its entry. False when the list is full.
    private mutating func open() -> Bool {
        defer { index += 1 }
        guard listed < CoreLimits.rejectionsListedMax else {
            omitted += 1
            return false
        }
        listed += 1
        if !rejections.isEmpty { rejections.append(0x2C) }
        rejections.append("{\"index\":")
        rejections.appendDecimal(index)
        rejections.append(",\"field\":\"")
        return true
    }

    /// Writes the answer to a request whose events were looked at one by one: 202 if any was
    /// taken, now or before, else 400. The rejections beyond the first `rejectionsListedMax` are
    /// told as `rejected_omitted`.
    func write(_ result: DecodeResult, to answer: inout PlatformAnswer) {
        answer.status = result.accepted + result.duplicates > 0 ? 202 : 400
        answer.contentType = .json
        answer.body.append("{\"accepted\":")
        answer.body.appendDecimal(result.accepted)
        answer.body.append(",\"duplicates\":")
        answer.body.appendDecimal(result.duplicates)
        answer.body.append(",\"rejected\":[")
        answer.body.append(rejections.bytes)
        answer.body.append(0x5D)
        if omitted > 0 {
            answer.body.append(",\"rejected_omitted\":")
            answer.body.appendDecimal(omitted)
        }
        answer.body.append(0x7D)
    }

    /// Writes the answer to a request of which nothing is kept.
    static func write(_ fatal: Fatal, to answer: inout PlatformAnswer) {
        answer.status = 400
        answer.contentType = .json
        answer.body.append("{\"code\":\"")
        switch fatal {
        case .invalidJSON(let error):
            answer.body.append("invalid_json\",\"message\":\"the body is not valid JSON: ")
            answer.body.append(error.code.message)
            answer.body.append(", at byte ")
            answer.body.appendDecimal(Int(error.offset))
        case .empty:
            answer.body.append("empty_request\",\"message\":\"the request holds no event")
        case .notEvents:
            answer.body.append("invalid_json\",\"message\":\"the body must be an object or an array")
        case .envelope:
            answer.body.append("invalid_json\",\"message\":\"the member events must stand alone")
        case .tooManyEvents:
            answer.status = 413
            answer.body.append("too_many_events\",\"message\":\"a request may hold at most ")
            answer.body.appendDecimal(CoreLimits.eventsPerRequestMax)
            answer.body.append(" events")
        }
        answer.body.append("\"}")
    }

    /// Writes the answer to something the gateway refuses before the events are looked at.
    static func write(_ problem: EdgeProblem, to answer: inout PlatformAnswer) {
        answer.status = problem.status
        answer.contentType = .json
        answer.body.append("{\"code\":\"")
        answer.body.append(problem.code)
        answer.body.append("\",\"message\":\"")
        problem.appendMessage(to: &answer.body)
        answer.body.append("\"}")
    }
}
