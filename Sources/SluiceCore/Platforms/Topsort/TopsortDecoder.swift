/// Topsort's event API, version 2: `POST /v2/events` with up to 50 events in each of four arrays.
///
/// A request is taken whole or not at all, as upstream: the first thing wrong refuses it, and the
/// answer names array, index and field. Impressions and clicks with a `resolvedBidId` were served
/// by Topsort and get the network `topsort`; organic ones name an `entity` and get none.
///
/// Shard thread only.
package final class TopsortDecoder: PlatformDecoder {
    /// Who sees to it that an event sent twice is kept once; nobody when nil.
    package var deduplicator: (any Deduplicator)?

    private let parsers = TopsortKind.allCases.map { EventParser(TopsortSchema.schema(of: $0)) }
    private let json = JSONScratch()
    private var fields = EventFields()
    private var writer: CanonicalWriter

    package init(
        deduplicator: (any Deduplicator)? = nil,
        identifiers: consuming UUIDv7Generator = UUIDv7Generator()
    ) {
        self.deduplicator = deduplicator
        writer = CanonicalWriter(platform: .topsort, identifiers: identifiers)
    }

    package func decode(
        _ request: PlatformRequest, into block: OpenBlock, answer: inout PlatformAnswer
    ) -> DecodeResult {
        answer.reset()
        guard request.path.equals("/v2/events") else { return refused(.notFound, &answer) }
        guard request.method == .post else { return refused(.methodNotAllowed, &answer) }
        // Browsers send a string as text/plain when they cannot ask first.
        guard
            request.contentType.isEmpty || MediaType.matches(request.contentType, "application/json")
                || MediaType.matches(request.contentType, "text/plain")
        else { return refused(.unsupportedMediaType, &answer) }

        let mark = block.mark
        var result = DecodeResult()
        var seen = 0
        var refusal: TopsortRefusal?
        do throws(JSONError) {
            var reader = JSONReader(request.body, scratch: json, depthMax: CoreLimits.jsonDepthMax)
            refusal = try readBody(&reader, request, block, &fields, &result, &seen)
            if refusal == nil {
                try reader.end()
                if seen == 0 { refusal = .emptyRequest }
            }
        } catch {
            refusal = .invalidJSON(error)
        }
        guard let refusal else {
            answer.status = 204
            return result
        }
        TopsortAnswer.write(refusal, fields, to: &answer)
        block.rollback(to: mark, deduplicator: deduplicator)
        return DecodeResult(rejected: max(1, seen))
    }

    package func refuse(_ problem: EdgeProblem, answer: inout PlatformAnswer) {
        answer.reset()
        TopsortAnswer.write(problem, to: &answer)
    }

    private func refused(_ problem: EdgeProblem, _ answer: inout PlatformAnswer) -> DecodeResult {
        refuse(problem, answer: &answer)
        return DecodeResult(rejected: 1)
    }

    private func readBody(
        _ reader: inout JSONReader, _ request: PlatformRequest, _ block: OpenBlock,
        _ fields: inout EventFields, _ result: inout DecodeResult, _ seen: inout Int
    ) throws(JSONError) -> TopsortRefusal? {
        guard !request.body.isBlank else { return .emptyRequest }
        guard try reader.peek() == .object else { return .notAnObject }
        let keys = reader.openKeys()
        try reader.enterObject()
        while let key = try reader.nextKey() {
            try reader.insert(key, into: keys)
            fields.begin(input: request.body)
            let name = fields.textSlot(key)
            guard let kind = TopsortKind(fields.bytes(name)) else {
                // Other members of the body belong to no event. A list of events by an unknown
                // name is not passed over, or its sender would believe them taken.
                if try reader.peek() == .array, try !isEmptyArray(&reader) { return .unknownArray(name) }
                _ = try reader.skipValue()
                continue
            }
            switch try reader.peek() {
            case .null: try reader.null()
            case .array:
                if let refusal = try readArray(kind, &reader, request, block, &fields, &result, &seen) {
                    return refusal
                }
            default: return .notAnArray(kind)
            }
        }
        reader.closeKeys(keys)
        return nil
    }

    /// Whether the array that comes next is empty; it remains to be read.
    private func isEmptyArray(_ reader: inout JSONReader) throws(JSONError) -> Bool {
        let start = reader.checkpoint
        try reader.enterArray()
        let isEmpty = try !reader.nextElement()
        reader.restore(start)
        return isEmpty
    }

    private func readArray(
        _ kind: TopsortKind, _ reader: inout JSONReader, _ request: PlatformRequest, _ block: OpenBlock,
        _ fields: inout EventFields, _ result: inout DecodeResult, _ seen: inout Int
    ) throws(JSONError) -> TopsortRefusal? {
        let parser = parsers[Int(kind.rawValue)]
        var index = 0
        try reader.enterArray()
        while try reader.nextElement() {
            seen += 1
            guard index < CoreLimits.topsortArrayMax else { return .tooMany(kind) }
            fields.begin(input: request.body)
            guard try reader.peek() == .object else { return .notAnEvent(kind, index) }
            try parser.parse(&reader, into: &fields)
            complete(kind, &fields)
            if fields.problem != nil { return .field(kind, index) }
            let written = writer.write(
                &fields, schema: parser.schema, origin: request.origin, into: block,
                deduplicator: deduplicator)
            if written == .accepted { result.count(kind.type) } else { result.duplicates += 1 }
            index += 1
        }
        return nil
    }

    /// Adds what follows from the properties, and checks what concerns several of them.
    private func complete(_ kind: TopsortKind, _ fields: inout EventFields) {
        fields.type = kind.type
        fields.mark(.type)
        guard fields.problem == nil else { return }
        switch kind {
        case .impressions, .clicks:
            if fields.has(.adID) {
                fields.set(.network, fields.copy(Bytes(Platform.topsort.name), form: .verbatim))
            } else if fields.has(.attributionID) {
                fields.note(
                    FieldProblem(
                        .missing, path: "resolvedBidId", words: "is required with additionalAttribution"))
            }
        case .purchases:
            if fields.itemCount == 0 {
                fields.note(FieldProblem(.empty, path: "items", words: "must hold at least one item"))
            }
            if let id = fields.slot(.orderID) { fields.set(.id, id) }
            for row in 0..<fields.itemCount where !fields.hasItem(row, .quantity) {
                fields.setItem(row, .quantity, fields.copy(Bytes("1"), form: .raw))
            }
        case .pageviews: break
        }
    }
}
