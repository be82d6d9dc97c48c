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
    private let kindNames = MemberTexts(TopsortKind.allCases.map(\.name))
    private let json = JSONScratch()
    private var report = TopsortReport()

    init(deduplicator: (any Deduplicator)?, writer: consuming CanonicalWriter) {
        self.deduplicator = deduplicator
        self.writer = writer
        fields.collectsProblems = true
    }

    mutating func request(
        _ request: PlatformRequest, into block: OpenBlock, answer: inout PlatformAnswer
    ) -> DecodeResult {
        let mark = block.mark
        var result = DecodeResult()
        var seen = 0
        var fault: JSONError?
        report.begin()
        do throws(JSONError) {
            var reader = JSONReader(request.body, scratch: json, depthMax: CoreLimits.jsonDepthMax)
            try readBody(&reader, request, block, &result, &seen)
        } catch {
            fault = error
        }
        if fault == nil, report.isEmpty, seen == 0 { report.note(.emptyRequest, fields) }
        guard fault != nil || !report.isEmpty else {
            answer.status = 204
            return result
        }
        if let fault {
            TopsortAnswer.write(fault, to: &answer)
        } else {
            TopsortAnswer.write(report, to: &answer)
        }
        block.rollback(to: mark, deduplicator: deduplicator)
        return DecodeResult(rejected: max(1, seen))
    }

    /// Reads all there is, so that the answer can name everything that is wrong.
    private mutating func readBody(
        _ reader: inout JSONReader, _ request: PlatformRequest, _ block: OpenBlock,
        _ result: inout DecodeResult, _ seen: inout Int
    ) throws(JSONError) {
        guard !request.body.isBlank else { return }
        guard try reader.peek() == .object else {
            _ = try reader.skipValue()
            try reader.end()
            return report.note(.notAnObject, fields)
        }
        let keys = reader.openKeys()
        try reader.enterObject()
        var kinds: UInt8 = 0
        var last = -1
        while !reader.leaveObject() {
            let kind: TopsortKind
            let key: JSONText
            // Most senders name the arrays in the order of the specification, and leave out none between two.
            if let next = TopsortKind(rawValue: UInt8(last + 1)), let known = reader.expectedKey(kindNames[last + 1]) {
                (kind, key) = (next, known)
            } else {
                guard let other = try reader.nextKey() else { break }
                fields.begin(input: request.body)
                let name = fields.textSlot(other)
                guard let found = TopsortKind(fields.bytes(name)) else {
                    try reader.insert(other, into: keys)
                    try passOther(name, &reader)
                    continue
                }
                (kind, key) = (found, other)
            }
            last = Int(kind.rawValue)
            let bit: UInt8 = 1 << kind.rawValue
            guard kinds & bit == 0 else { throw JSONError(.duplicateKey, offset: Int(key.start)) }
            kinds |= bit
            switch try reader.peek() {
            case .null: try reader.null()
            case .array: try readArray(kind, &reader, request, block, &result, &seen)
            default:
                report.note(.notAnArray(kind), fields)
                _ = try reader.skipValue()
            }
        }
        reader.closeKeys(keys)
        try reader.end()
    }

    /// Passes over a member of the body that belongs to no event. A list of events by an unknown name is not
    /// passed over, or its sender would believe them taken.
    private mutating func passOther(_ name: Slot, _ reader: inout JSONReader) throws(JSONError) {
        if try reader.peek() == .array, try !isEmptyArray(&reader) { report.note(.unknownArray(name), fields) }
        _ = try reader.skipValue()
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
    ) throws(JSONError) {
        try reader.enterArray()
        guard try reader.nextElement() else { return }
        let parser = parsers[Int(kind.rawValue)]
        let schema = parser.schema
        var index = 0
        repeat {
            seen += 1
            defer { index += 1 }
            guard index < CoreLimits.topsortArrayMax else {
                if index == CoreLimits.topsortArrayMax { report.note(.tooMany(kind), fields) }
                _ = try reader.skipValue()
                continue
            }
            fields.begin(input: request.body)
            guard try reader.peek() == .object else {
                report.note(.notAnEvent(kind, index), fields)
                _ = try reader.skipValue()
                continue
            }
            try readFields(kind, parser, &reader)
            complete(kind, schema)
            if fields.problem != nil { report.note(.field(kind, index), fields) }
            // What is written with something wrong beside it is only taken back.
            guard report.isEmpty else { continue }
            let written = writer.write(
                &fields, schema: schema, origin: request.origin, into: block,
                deduplicator: deduplicator)
            if written == .accepted { result.count(kind.type) } else { result.duplicates += 1 }
        } while try reader.nextElement()
    }

    /// Reads one event. Topsort ignores `entity` when `resolvedBidId` has a value, which may stand
    /// behind it: a wrong one is then read again as a property of no meaning.
    private mutating func readFields(
        _ kind: TopsortKind, _ parser: EventParser, _ reader: inout JSONReader
    ) throws(JSONError) {
        let start = reader.checkpoint
        try parser.parse(&reader, into: &fields)
        guard fields.problem != nil, kind == .impressions || kind == .clicks, fields.has(.adID),
            fields.problems.contains(where: { TopsortSchema.isEntity($0, of: parser.schema) })
        else { return }
        reader.restore(start)
        fields.begin(input: reader.input)
        try servedParsers[Int(kind.rawValue)].parse(&reader, into: &fields)
    }

    /// Adds what follows from the properties, and checks what concerns several of them.
    private mutating func complete(_ kind: TopsortKind, _ schema: EventSchema) {
        fields.type = kind.type
        fields.mark(.type)
        switch kind {
        case .impressions, .clicks:
            if fields.has(.adID) {
                fields.set(.network, fields.copy(Bytes(Platform.topsort.name), form: .verbatim))
            } else if fields.has(.attributionID), !isNoted("resolvedBidId", schema) {
                fields.note(
                    FieldProblem(
                        .missing, path: "resolvedBidId", words: "is required with additionalAttribution"))
            }
        case .purchases:
            if fields.itemCount == 0, !isNoted("items", schema) {
                fields.note(FieldProblem(.empty, path: "items", words: "must hold at least one item"))
            }
            if let id = fields.slot(.orderID) { fields.set(.id, id) }
            for row in 0..<fields.itemCount where !fields.hasItem(row, .quantity) {
                fields.setItem(row, .quantity, fields.copy(Bytes("1"), form: .raw))
            }
        case .pageviews: break
        }
    }

    /// Whether something was found wrong with a property of the event itself.
    private func isNoted(_ name: StaticString, _ schema: EventSchema) -> Bool {
        guard fields.problem != nil else { return false }
        let place = schema.objects[0].place(of: Bytes(name))
        return fields.problems.contains { $0.object == 0 && $0.property == place }
    }
}
