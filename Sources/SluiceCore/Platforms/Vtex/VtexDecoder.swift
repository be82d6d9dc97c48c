/// VTEX Ads' beacons: `POST /v1/beacon/{impression,view,click}/{ad}?…` and `/v1/beacon/conversion`, in
/// JSON or as a form.
///
/// An ad's path and query are signed and opaque: they are kept byte for byte in `ad.url`. A request is
/// taken whole or not at all; the answer to one that is not lists every error at once, as Ajv does.
/// Properties VTEX Ads does not know are kept in `ext.vtex`, as is `publisher_id`, for which the canonical
/// form has no name.
///
/// A conversion's `order_id` is its idempotency key. Ad events have none.
///
/// Shard thread only.
package final class VtexDecoder: PlatformDecoder {
    /// Who sees to it that a conversion sent twice is kept once; nobody when nil.
    package var deduplicator: (any Deduplicator)?

    private let directory: (any SourceDirectory)?
    private let adParser = EventParser(VtexSchema.ad)
    private let conversionParser = EventParser(VtexSchema.conversion)
    private let json = JSONScratch()
    private var fields = EventFields()
    private var form: VtexForm
    private var writer: CanonicalWriter

    /// - Parameter directory: finds the source of requests that name their publisher in the body only.
    package init(
        directory: (any SourceDirectory)?, deduplicator: (any Deduplicator)? = nil,
        identifiers: consuming UUIDv7Generator = UUIDv7Generator()
    ) {
        self.directory = directory
        self.deduplicator = deduplicator
        form = VtexForm(json: JSONScratch())
        writer = CanonicalWriter(platform: .vtex, identifiers: identifiers)
        fields.collectsProblems = true
    }

    package func decode(
        _ request: PlatformRequest, into block: OpenBlock, answer: inout PlatformAnswer
    ) -> DecodeResult {
        answer.reset()
        guard let path = VtexPath(request.path) else { return refused(.notFound, &answer) }
        guard request.method == .post else { return refused(.methodNotAllowed, &answer) }
        guard let bodyKind = BodyKind.of(request.body, contentType: request.contentType) else {
            return refused(.unsupportedMediaType, &answer)
        }
        guard request.path.count + 1 + request.query.count <= CoreLimits.vtexURLBytesMax else {
            return refused(.headTooLarge(limit: CoreLimits.vtexURLBytesMax), &answer)
        }
        let parser = path.kind == .conversion ? conversionParser : adParser
        var body = request.body
        if body.isBlank {
            body = Bytes("{}")
        } else if bodyKind == .form {
            guard form.read(body, parser.schema) else {
                return refused(.badRequest("the form is not percent-encoded UTF-8"), &answer)
            }
            body = form.object
        }
        fields.begin(input: body)
        do throws(JSONError) {
            try read(body, parser, &fields)
        } catch {
            VtexAnswer.write(error, to: &answer)
            return DecodeResult(rejected: 1)
        }
        var origin = request.origin
        let isKnown = findSource(&fields, &origin)
        complete(path, request, origin, parser, &fields)
        if !isKnown {
            VtexDecoder.noteUnknownSource(path.kind, &fields)
        } else if path.kind == .conversion {
            VtexDecoder.checkPublishers(request.query, &fields)
        }
        guard fields.problem == nil else {
            VtexAnswer.write(fields, parser.schema, to: &answer)
            return DecodeResult(rejected: 1)
        }
        let written = writer.write(
            &fields, schema: parser.schema, origin: origin, into: block, deduplicator: deduplicator)
        var result = DecodeResult()
        if written == .accepted { result.count(path.kind.type) } else { result.duplicates = 1 }
        VtexAnswer.writeAccepted(path.kind, to: &answer)
        return result
    }

    package func refuse(_ problem: EdgeProblem, answer: inout PlatformAnswer) {
        answer.reset()
        VtexAnswer.write(problem, to: &answer)
    }

    private func refused(_ problem: EdgeProblem, _ answer: inout PlatformAnswer) -> DecodeResult {
        refuse(problem, answer: &answer)
        return DecodeResult(rejected: 1)
    }

    private func read(
        _ body: Bytes, _ parser: EventParser, _ fields: inout EventFields
    ) throws(JSONError) {
        var reader = JSONReader(body, scratch: json, depthMax: CoreLimits.jsonDepthMax)
        if try reader.peek() == .object {
            try parser.parse(&reader, into: &fields)
        } else {
            _ = try reader.skipValue()
            fields.note(FieldProblem(.wrongType, path: VtexAnswer.root, words: "must be object"))
        }
        try reader.end()
    }

    // MARK: the source

    /// Whether there is a source. The server has looked into the head: a publisher in the body counts where
    /// the query named none, and then counts for more than the page the request came from.
    private func findSource(_ fields: inout EventFields, _ origin: inout RequestOrigin) -> Bool {
        guard origin.sourceName.isEmpty || origin.isSourceAssumed else { return true }
        guard let directory, let publisher = VtexDecoder.publisher(fields) else { return !origin.sourceName.isEmpty }
        return directory.resolve(platform: .vtex, account: fields.bytes(publisher), into: &origin)
    }

    /// The publisher that the body names; `null` and an empty string are none.
    private static func publisher(_ fields: borrowing EventFields) -> Slot? {
        guard let index = fields.unknownIndex(property: VtexSchema.Place.publisherID) else { return nil }
        let value = fields.unknown[index].value
        return value.form == .foreign || value.count == 0 ? nil : value
    }

    /// A conversion without a publisher has been refused for that already.
    private static func noteUnknownSource(_ kind: VtexKind, _ fields: inout EventFields) {
        if kind == .conversion, publisher(fields) == nil, fields.problem != nil { return }
        fields.note(
            FieldProblem(
                .invalidValue, path: VtexAnswer.publisher, words: "must be the publisher id of a known source"))
    }

    /// A conversion is one publisher's: the query must not name another than the body.
    private static func checkPublishers(_ query: Bytes, _ fields: inout EventFields) {
        guard let own = publisher(fields) else { return }
        var parameters = QueryFields(query)
        while let (name, value) = parameters.next() {
            guard name.equals("publisher_id") else { continue }
            guard let named = fields.decodedSlot(value, lenient: true),
                fields.bytes(named).equals(fields.bytes(own))
            else {
                return fields.note(
                    FieldProblem(
                        .conflict, path: VtexAnswer.publisher, words: "must be the publisher id that the query names"))
            }
        }
    }

    // MARK: completing

    /// Adds what follows from the request, and checks what concerns several properties.
    private func complete(
        _ path: VtexPath, _ request: PlatformRequest, _ origin: RequestOrigin, _ parser: EventParser,
        _ fields: inout EventFields
    ) {
        fields.type = path.kind.type
        fields.mark(.type)
        if case .wrongType = fields.problem?.code, fields.problem?.path.utf8CodeUnitCount ?? 0 > 0 { return }
        if path.kind == .conversion {
            completeConversion(origin, parser, &fields)
        } else {
            completeAd(path, request, &fields)
        }
    }

    private func completeAd(_ path: VtexPath, _ request: PlatformRequest, _ fields: inout EventFields) {
        let isWrong = fields.problems.contains { $0.key == nil && $0.property >= 0 && $0.property < 2 }
        if !fields.has(.userID), !fields.has(.sessionID), !isWrong {
            fields.note(FieldProblem(.missing, path: VtexAnswer.anyOf, words: "must match a schema in anyOf"))
        }
        guard VtexPath.isForwardable(request.path), VtexPath.isForwardable(request.query) else {
            return fields.note(
                FieldProblem(
                    .invalidEncoding, path: VtexAnswer.url, words: "must be a path and query as RFC 3986 has them"))
        }
        fields.set(.network, fields.copy(Bytes(Platform.vtex.name), form: .verbatim))
        let start = fields.scratch.count
        fields.scratch.append(request.path)
        if request.hasQuery {
            fields.scratch.append(0x3F)
            fields.scratch.append(request.query)
        }
        fields.set(.adURL, Slot(.plain, .scratch, start: start, count: fields.scratch.count - start))
        setDecoded(.adID, path.ad, CoreLimits.adIDBytesMax, &fields)
        var parameters = QueryFields(request.query)
        while let (name, value) = parameters.next() {
            guard name.equals("campaign_id"), !value.isEmpty else { continue }
            return setDecoded(.adCampaignID, value, CoreLimits.catalogIDBytesMax, &fields)
        }
    }

    /// Sets a field to a part of the URL. One that cannot be decoded is left out: it is in `ad.url` all the
    /// same, and only VTEX Ads can say whether it is wrong.
    private func setDecoded(_ field: EventField, _ text: Bytes, _ max: Int, _ fields: inout EventFields) {
        let isPath = field == .adID
        guard let slot = fields.decodedSlot(text, lenient: isPath), slot.count <= max,
            fields.bytes(slot).firstIndex(of: 0) == nil
        else { return }
        fields.set(field, slot)
    }

    private func completeConversion(
        _ origin: RequestOrigin, _ parser: EventParser, _ fields: inout EventFields
    ) {
        let hasEmail =
            fields.has(.userEmailSHA256)
            || fields.problems.contains { $0.object == 0 && $0.property == VtexSchema.Place.emailHashed }
        if !hasEmail, !origin.lenient { parser.note(.missing, 0, VtexSchema.Place.emailHashed, -1, 0, &fields) }
        let hasItems = fields.problems.contains { $0.object == 0 && $0.property == VtexSchema.Place.items }
        if fields.itemCount == 0, !hasItems {
            parser.note(.empty, 0, VtexSchema.Place.items, -1, 1, &fields)
        }
        for row in 0..<fields.itemCount { completeItem(row, parser, &fields) }
        if let id = fields.slot(.orderID) { fields.set(.id, id) }
    }

    private func completeItem(_ row: Int, _ parser: EventParser, _ fields: inout EventFields) {
        if let sku = fields.itemSlot(row, VtexSchema.alias) {
            if fields.hasItem(row, .sku) {
                let key = fields.copy(Bytes("product_sku"), form: .verbatim)
                parser.addUnknown(key, sku, VtexSchema.items, Int32(row), &fields)
            } else {
                fields.setItem(row, .sku, sku)
            }
            fields.removeItem(row, VtexSchema.alias)
        }
        if !fields.hasItem(row, .sku) {
            let isWrong = fields.problems.contains { problem in
                problem.object == VtexSchema.items && problem.item == Int32(row)
                    && (problem.property == VtexSchema.Place.sku || problem.property == VtexSchema.Place.productSKU)
            }
            if !isWrong, isObject(row, fields) {
                parser.note(.missing, VtexSchema.items, VtexSchema.Place.sku, Int32(row), 0, &fields)
            }
        }
        if !fields.hasItem(row, .unitPrice), let price = fields.itemSlot(row, .listPrice) {
            fields.setItem(row, .unitPrice, price)
        }
    }

    /// Whether the element of `items` was an object at all.
    private func isObject(_ row: Int, _ fields: borrowing EventFields) -> Bool {
        !fields.problems.contains {
            $0.object == 0 && $0.property == VtexSchema.Place.items && $0.item == Int32(row)
        }
    }
}
