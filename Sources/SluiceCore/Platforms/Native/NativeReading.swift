/// Reads native requests of each form, event by event. Reused from request to request.
struct NativeReading: ~Copyable {
    var deduplicator: (any Deduplicator)?
    private var writer: CanonicalWriter
    private var fields = EventFields()
    private var report = NativeReport()
    private let parser = EventParser(CanonicalSchema.native)
    private let json = JSONScratch()

    init(deduplicator: (any Deduplicator)?, writer: consuming CanonicalWriter) {
        self.deduplicator = deduplicator
        self.writer = writer
    }

    // MARK: one JSON text

    mutating func value(
        _ request: PlatformRequest, into block: OpenBlock, answer: inout PlatformAnswer
    ) -> DecodeResult {
        report.reset()
        fields.addressPolicy = request.origin.addressPolicy
        let mark = block.mark
        var result = DecodeResult()
        do throws(JSONError) {
            var reader = JSONReader(request.body, scratch: json, depthMax: CoreLimits.jsonDepthMax)
            try readBody(&reader, request, block, &result)
            if report.fatal == nil { try reader.end() }
        } catch {
            report.fatal = .invalidJSON(error)
        }
        if let fatal = report.fatal {
            block.rollback(to: mark, deduplicator: deduplicator)
            NativeReport.write(fatal, to: &answer)
            return DecodeResult(rejected: max(1, report.index))
        }
        report.write(result, to: &answer)
        return result
    }

    private mutating func readBody(
        _ reader: inout JSONReader, _ request: PlatformRequest, _ block: OpenBlock,
        _ result: inout DecodeResult
    ) throws(JSONError) {
        guard !request.body.isBlank else {
            report.fatal = .empty
            return
        }
        switch try reader.peek() {
        case .array:
            try readArray(&reader, request, block, &result)
        case .object:
            let start = reader.checkpoint
            guard opensEnvelope(&reader) else {
                reader.restore(start)
                return try readEvent(&reader, request, block, &result)
            }
            try readArray(&reader, request, block, &result)
            if report.fatal == nil, try reader.nextKey() != nil { report.fatal = .envelope }
        default:
            report.fatal = .notEvents
        }
    }

    /// Whether the object that comes next begins with `events` and a list, at which the reader stands
    /// then. What is wrong with any other object comes to light when it is read as an event.
    private func opensEnvelope(_ reader: inout JSONReader) -> Bool {
        do throws(JSONError) {
            try reader.enterObject()
            guard let key = try reader.nextKey(), key.equals("events", in: reader.input) else { return false }
            return try reader.peek() == .array
        } catch {
            return false
        }
    }

    private mutating func readArray(
        _ reader: inout JSONReader, _ request: PlatformRequest, _ block: OpenBlock,
        _ result: inout DecodeResult
    ) throws(JSONError) {
        try reader.enterArray()
        while try reader.nextElement() {
            guard report.index < CoreLimits.eventsPerRequestMax else {
                report.fatal = .tooManyEvents
                return
            }
            try readEvent(&reader, request, block, &result)
        }
        if report.index == 0 { report.fatal = .empty }
    }

    private mutating func readEvent(
        _ reader: inout JSONReader, _ request: PlatformRequest, _ block: OpenBlock,
        _ result: inout DecodeResult
    ) throws(JSONError) {
        try readFields(&reader)
        finish(request.origin, block, &result)
    }

    /// Reads one event into the draft, with what is wrong with it. Throws only when the text is not JSON;
    /// otherwise the reader stands behind the event, so that one event costs no other its place.
    private mutating func readFields(_ reader: inout JSONReader) throws(JSONError) {
        fields.begin(input: reader.input)
        guard try reader.peek() == .object else {
            try reader.passValue()
            fields.note(FieldProblem(.wrongType, path: "event", words: "must be an object"))
            return
        }
        let start = reader.checkpoint
        do throws(JSONError) {
            try parser.parse(&reader, into: &fields)
        } catch {
            guard error.code.isPolicy else { throw error }
            reader.restore(start)
            try reader.passValue()
            let end = reader.checkpoint
            reader.restore(start)
            notePolicy(error, &reader)
            reader.restore(end)
        }
    }

    /// Notes what the gateway does not take of an event, with the path of the member it is in. The
    /// reader stands at the event.
    private mutating func notePolicy(_ error: JSONError, _ reader: inout JSONReader) {
        var problem = FieldProblem(policy: error.code)
        let start = fields.scratch.count
        reader.appendPath(to: Int(error.offset), into: &fields.scratch)
        let count = fields.scratch.count - start
        if count > 0 {
            problem.key = Slot(.plain, .scratch, start: start, count: count)
        } else {
            problem.path = "event"
        }
        fields.note(problem)
    }

    // MARK: one event per line

    mutating func lines(
        _ request: PlatformRequest, into block: OpenBlock, answer: inout PlatformAnswer
    ) -> DecodeResult {
        report.reset()
        fields.addressPolicy = request.origin.addressPolicy
        let mark = block.mark
        var result = DecodeResult()
        var start = 0
        while start < request.body.count {
            let end = request.body.firstIndex(of: 0x0A, from: start) ?? request.body.count
            let line = request.body[start..<end]
            start = end + 1
            guard !line.isBlank else { continue }
            guard report.index < CoreLimits.eventsPerRequestMax else {
                block.rollback(to: mark, deduplicator: deduplicator)
                NativeReport.write(.tooManyEvents, to: &answer)
                return DecodeResult(rejected: report.index)
            }
            do throws(JSONError) {
                var reader = JSONReader(line, scratch: json, depthMax: CoreLimits.jsonDepthMax)
                try readFields(&reader)
                try reader.end()
                finish(request.origin, block, &result)
            } catch {
                report.reject(error)
                result.rejected += 1
            }
        }
        if report.index == 0 {
            NativeReport.write(.empty, to: &answer)
            return DecodeResult(rejected: 1)
        }
        report.write(result, to: &answer)
        return result
    }

    // MARK: one event as parameters

    mutating func pixel(
        _ request: PlatformRequest, into block: OpenBlock, answer: inout PlatformAnswer
    ) -> DecodeResult {
        report.reset()
        fields.addressPolicy = request.origin.addressPolicy
        var result = DecodeResult()
        NativePixel.read(request.query, parser, json, into: &fields)
        let mark = block.mark
        finish(request.origin, block, &result)
        if request.method == .head {
            // HEAD hears what GET would and changes nothing (RFC 9110, section 9.3.2).
            block.rollback(to: mark, deduplicator: deduplicator)
            result.accepted = 0
            result.byType = (0, 0, 0, 0, 0)
        }
        if result.rejected > 0 {
            report.write(result, to: &answer)
        } else {
            NativePixel.write(to: &answer)
        }
        answer.noStore = true
        return result
    }

    // MARK: any event

    /// Checks the draft as a whole and writes it, or reports what is wrong with it.
    private mutating func finish(_ origin: RequestOrigin, _ block: OpenBlock, _ result: inout DecodeResult) {
        NativeRules.check(&fields)
        guard fields.problem == nil else {
            report.reject(fields, parser.schema)
            result.rejected += 1
            return
        }
        NativeRules.complete(&fields, from: origin)
        let type = fields.type
        switch writer.write(
            &fields, schema: parser.schema, origin: origin, into: block, deduplicator: deduplicator)
        {
        case .accepted: result.count(type)
        case .duplicate: result.duplicates += 1
        }
        report.index += 1
    }
}
