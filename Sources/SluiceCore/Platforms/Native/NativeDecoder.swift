/// The gateway's own protocol: canonical events as JSON, and a pixel.
///
/// `POST /events` takes an object, an array, `{"events":[…]}`, or one object per line. The body is
/// JSON whatever a browser or curl calls it: `application/json`, `text/plain` (sendBeacon of a
/// string), `application/x-www-form-urlencoded` (curl's default), or nothing. Good events of a
/// batch are kept when others are bad; a body that is not JSON is refused as a whole, except line
/// by line where there is one event per line.
///
/// `GET /pixel.gif?type=click&user.id=…` takes one event as parameters; see `NativePixel.swift`.
///
/// Shard thread only.
package final class NativeDecoder: PlatformDecoder {
    /// Who sees to it that an event sent twice is kept once; nobody when nil.
    package var deduplicator: (any Deduplicator)?

    let parser = EventParser(CanonicalSchema.native)
    let json = JSONScratch()
    private var fields = EventFields()
    private var writer: CanonicalWriter
    private var report = NativeReport()

    package init(
        deduplicator: (any Deduplicator)? = nil,
        identifiers: consuming UUIDv7Generator = UUIDv7Generator()
    ) {
        self.deduplicator = deduplicator
        writer = CanonicalWriter(platform: .native, identifiers: identifiers)
    }

    package func decode(
        _ request: PlatformRequest, into block: OpenBlock, answer: inout PlatformAnswer
    ) -> DecodeResult {
        answer.reset()
        report.reset()
        if request.path.equals("/pixel.gif") {
            guard request.method == .get || request.method == .head else {
                return refused(.methodNotAllowed, &answer)
            }
            return decodePixel(request, into: block, answer: &answer)
        }
        guard request.path.equals("/events") else { return refused(.notFound, &answer) }
        guard request.method == .post else { return refused(.methodNotAllowed, &answer) }
        let isLines = NativeDecoder.isLineType(request.contentType)
        guard isLines || NativeDecoder.isJSONType(request.contentType) else {
            return refused(.unsupportedMediaType, &answer)
        }
        if isLines || NativeDecoder.looksLikeLines(request.body) {
            return decodeLines(request, into: block, answer: &answer)
        }
        return decodeValue(request, into: block, answer: &answer)
    }

    package func refuse(_ problem: EdgeProblem, answer: inout PlatformAnswer) {
        answer.reset()
        NativeReport.write(problem, to: &answer)
    }

    private func refused(_ problem: EdgeProblem, _ answer: inout PlatformAnswer) -> DecodeResult {
        refuse(problem, answer: &answer)
        return DecodeResult(rejected: 1)
    }

    // MARK: media types

    private static func isJSONType(_ type: Bytes) -> Bool {
        type.isEmpty || MediaType.matches(type, "application/json") || MediaType.matches(type, "text/plain")
            || MediaType.matches(type, "application/x-www-form-urlencoded")
    }

    private static func isLineType(_ type: Bytes) -> Bool {
        MediaType.matches(type, "application/x-ndjson") || MediaType.matches(type, "application/ndjson")
            || MediaType.matches(type, "application/jsonl")
    }

    /// Whether a body of any JSON type holds one event per line: its first line is `{…}`, and what
    /// comes next cannot go on with that object, as it could if it were written over several lines.
    static func looksLikeLines(_ body: Bytes) -> Bool {
        var start = 0
        while start < body.count, Bytes.isJSONSpace(body[start]) { start += 1 }
        guard start < body.count, body[start] == 0x7B,
            let lineFeed = body.firstIndex(of: 0x0A, from: start)
        else { return false }
        var end = lineFeed
        while end > start, Bytes.isJSONSpace(body[end - 1]) { end -= 1 }
        guard body[end - 1] == 0x7D else { return false }
        var next = lineFeed
        while next < body.count, Bytes.isJSONSpace(body[next]) { next += 1 }
        // A bracket ends the list in `{"events":[{…}` of the line before.
        return next < body.count && body[next] != 0x2C && body[next] != 0x7D && body[next] != 0x5D
    }
}

// MARK: one JSON text

extension NativeDecoder {
    private func decodeValue(
        _ request: PlatformRequest, into block: OpenBlock, answer: inout PlatformAnswer
    ) -> DecodeResult {
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

    private func readBody(
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
            try reader.enterObject()
            guard let key = try reader.nextKey(), key.equals("events", in: request.body),
                try reader.peek() == .array
            else {
                reader.restore(start)
                return try readEvent(&reader, request, block, &result)
            }
            try readArray(&reader, request, block, &result)
            if report.fatal == nil, try reader.nextKey() != nil { report.fatal = .envelope }
        default:
            report.fatal = .notEvents
        }
    }

    private func readArray(
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

    private func readEvent(
        _ reader: inout JSONReader, _ request: PlatformRequest, _ block: OpenBlock,
        _ result: inout DecodeResult
    ) throws(JSONError) {
        try readFields(&reader, request.body, &fields)
        finish(request.origin, block, &result)
    }

    private func readFields(
        _ reader: inout JSONReader, _ input: Bytes, _ fields: inout EventFields
    ) throws(JSONError) {
        fields.begin(input: input)
        guard try reader.peek() == .object else {
            _ = try reader.skipValue()
            fields.note(FieldProblem(.wrongType, path: "event", words: "must be an object"))
            return
        }
        try parser.parse(&reader, into: &fields)
    }
}

// MARK: one event per line

extension NativeDecoder {
    private func decodeLines(
        _ request: PlatformRequest, into block: OpenBlock, answer: inout PlatformAnswer
    ) -> DecodeResult {
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
                try readFields(&reader, line, &fields)
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
}

// MARK: any event

extension NativeDecoder {
    /// Checks the draft as a whole and writes it, or reports what is wrong with it.
    func finish(_ origin: RequestOrigin, _ block: OpenBlock, _ result: inout DecodeResult) {
        finish(&fields, origin, block, &result)
    }

    private func finish(
        _ fields: inout EventFields, _ origin: RequestOrigin, _ block: OpenBlock, _ result: inout DecodeResult
    ) {
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

    private func decodePixel(
        _ request: PlatformRequest, into block: OpenBlock, answer: inout PlatformAnswer
    ) -> DecodeResult {
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
}
