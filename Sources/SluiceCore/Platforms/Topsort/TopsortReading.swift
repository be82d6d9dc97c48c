/// Reads the bodies of Topsort's requests. Reused from request to request.
struct TopsortReading: ~Copyable {
    var deduplicator: (any Deduplicator)?
    private var writer: CanonicalWriter
    private var fields = EventFields()
    private let parsers = TopsortKind.allCases.map { EventParser(TopsortSchema.schema(of: $0)) }
    /// For events whose `entity` is ignored; impressions and clicks only, by the kind's raw value.
    private let servedParsers = [TopsortSchema.servedImpression, TopsortSchema.servedClick].map {
        EventParser($0)
    }
    private let json = JSONScratch()

    init(deduplicator: (any Deduplicator)?, writer: consuming CanonicalWriter) {
        self.deduplicator = deduplicator
        self.writer = writer
    }

    mutating func request(
        _ request: PlatformRequest, into block: OpenBlock, answer: inout PlatformAnswer
    ) -> DecodeResult {
        let mark = block.mark
        var result = DecodeResult()
        var seen = 0
        var refusal: TopsortRefusal?
        do throws(JSONError) {
            var reader = JSONReader(request.body, scratch: json, depthMax: CoreLimits.jsonDepthMax)
            refusal = try readBody(&reader, request, block, &result, &seen)
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

    private mutating func readBody(
        _ reader: inout JSONReader, _ request: PlatformRequest, _ block: OpenBlock,
        _ result: inout DecodeResult, _ seen: inout Int
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
                if let refusal = try readArray(kind, &reader, request, block, &result, &seen) {
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

    private mutating func readArray(
        _ kind: TopsortKind, _ reader: inout JSONReader, _ request: PlatformRequest, _ block: OpenBlock,
        _ result: inout DecodeResult, _ seen: inout Int
    ) throws(JSONError) -> TopsortRefusal? {
        let parser = parsers[Int(kind.rawValue)]
        var index = 0
        try reader.enterArray()
        while try reader.nextElement() {
            seen += 1
            guard index < CoreLimits.topsortArrayMax else { return .tooMany(kind) }
            fields.begin(input: request.body)
            guard try reader.peek() == .object else { return .notAnEvent(kind, index) }
            try readFields(kind, parser, &reader)
            complete(kind)
            if fields.problem != nil { return .field(kind, index) }
            let written = writer.write(
                &fields, schema: parser.schema, origin: request.origin, into: block,
                deduplicator: deduplicator)
            if written == .accepted { result.count(kind.type) } else { result.duplicates += 1 }
            index += 1
        }
        return nil
    }

    /// Reads one event. Topsort ignores `entity` when `resolvedBidId` has a value, which may stand
    /// behind it: a wrong one is then read again as a property of no meaning.
    private mutating func readFields(
        _ kind: TopsortKind, _ parser: EventParser, _ reader: inout JSONReader
    ) throws(JSONError) {
        let start = reader.checkpoint
        try parser.parse(&reader, into: &fields)
        guard let problem = fields.problem, kind == .impressions || kind == .clicks, fields.has(.adID),
            TopsortSchema.isEntity(problem, of: parser.schema)
        else { return }
        reader.restore(start)
        fields.begin(input: reader.input)
        try servedParsers[Int(kind.rawValue)].parse(&reader, into: &fields)
    }

    /// Adds what follows from the properties, and checks what concerns several of them.
    private mutating func complete(_ kind: TopsortKind) {
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
