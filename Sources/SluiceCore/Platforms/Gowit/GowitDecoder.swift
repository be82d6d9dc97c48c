/// GoWit's protocol: server events, and what its SDK sends.
///
/// `POST /events` takes one event as JSON. `GET /server/sdk/events` takes an ad event as the
/// parameters of a query, `POST /server/sdk/sale_events` a sale as JSON; see `GowitDecoder+SDK.swift`.
/// Success is 204 without a body. A request is taken whole or not at all, and the answer to a bad one
/// names every failing field.
///
/// `ad_ids` become one canonical event for each ad. `request_id` is the sender's idempotency key:
/// the event's id for a sale and for a single `ad_id`; for `ad_ids`, `<request_id>:<hash of the ad's
/// id>`, so that the ids of one request differ and a resend finds each of them again.
///
/// Where the gateway could not tell the source by the request's head, the marketplace tells it.
///
/// Shard thread only.
package final class GowitDecoder: PlatformDecoder {
    /// Who sees to it that an event sent twice is kept once; nobody when nil.
    package var deduplicator: (any Deduplicator)?

    let sdkAd = GowitForm(GowitSchema.sdkAd)
    let json = JSONScratch()
    var fields = EventFields()
    private let ad = GowitForm(GowitSchema.ad)
    private let sale = GowitForm(GowitSchema.sale)
    private let sdkSale = GowitForm(GowitSchema.sdkSale)
    private let directory: (any SourceDirectory)?
    private var writer: CanonicalWriter
    private var ads: [Slot] = []
    private var list = ByteBuffer(capacity: 1_024)

    package init(
        deduplicator: (any Deduplicator)? = nil, directory: (any SourceDirectory)? = nil,
        identifiers: consuming UUIDv7Generator = UUIDv7Generator()
    ) {
        self.deduplicator = deduplicator
        self.directory = directory
        writer = CanonicalWriter(platform: .gowit, identifiers: identifiers)
        fields.collectsProblems = true
        ads.reserveCapacity(CoreLimits.listElementsMax + 1)
    }

    package func decode(
        _ request: PlatformRequest, into block: OpenBlock, answer: inout PlatformAnswer
    ) -> DecodeResult {
        answer.reset()
        if request.path.equals("/server/sdk/events") {
            guard request.method == .get else { return refused(.methodNotAllowed, &answer) }
            // A browser may load it as an image, and must not take it from its cache.
            answer.noStore = true
            let type = readQuery(request.query)
            return finish(type, sdkAd, isSDK: true, request, block, &answer)
        }
        let isSDK = request.path.equals("/server/sdk/sale_events")
        guard isSDK || request.path.equals("/events") else { return refused(.notFound, &answer) }
        guard request.method == .post else { return refused(.methodNotAllowed, &answer) }
        // Browsers send a string as text/plain when they cannot ask first.
        guard
            request.contentType.isEmpty || MediaType.matches(request.contentType, "application/json")
                || MediaType.matches(request.contentType, "text/plain")
        else { return refused(.unsupportedMediaType, &answer) }
        return decodeBody(request, isSDK, block, &answer)
    }

    package func refuse(_ problem: EdgeProblem, answer: inout PlatformAnswer) {
        answer.reset()
        GowitAnswer.write(problem, to: &answer)
    }

    private func refused(_ problem: EdgeProblem, _ answer: inout PlatformAnswer) -> DecodeResult {
        let noStore = answer.noStore
        refuse(problem, answer: &answer)
        answer.noStore = noStore
        return DecodeResult(rejected: 1)
    }

    private func refused(_ refusal: GowitRefusal, _ answer: inout PlatformAnswer) -> DecodeResult {
        GowitAnswer.write(refusal, fields, to: &answer)
        return DecodeResult(rejected: 1)
    }

    // MARK: JSON

    private func decodeBody(
        _ request: PlatformRequest, _ isSDK: Bool, _ block: OpenBlock, _ answer: inout PlatformAnswer
    ) -> DecodeResult {
        guard !request.body.isBlank else { return refused(.emptyRequest, &answer) }
        var type: EventType?
        let form: GowitForm
        do throws(JSONError) {
            var reader = JSONReader(request.body, scratch: json, depthMax: CoreLimits.jsonDepthMax)
            guard try reader.peek() == .object else {
                _ = try reader.skipValue()
                try reader.end()
                return refused(.notAnObject, &answer)
            }
            fields.begin(input: request.body)
            type = try GowitDecoder.type(&reader, request.body)
            if isSDK, let given = type, given != .purchase {
                fields.note(
                    FieldProblem(.invalidValue, path: "event_type", words: "must be sale on this path"))
            }
            if isSDK { type = .purchase }
            form = isSDK ? sdkSale : type == .purchase ? sale : ad
            try form.parser.parse(&reader, into: &fields)
            try reader.end()
        } catch {
            return refused(.invalidJSON(error), &answer)
        }
        return finish(type, form, isSDK: isSDK, request, block, &answer)
    }

    /// Looks ahead for `event_type`, on which depends what else the event must hold. Most senders
    /// write it first. Nil when it is missing or none that is known.
    private static func type(_ reader: inout JSONReader, _ body: Bytes) throws(JSONError) -> EventType? {
        let head: StaticString = "{\"event_type\":\""
        if body.hasPrefix(head), let end = body.firstIndex(of: 0x22, from: head.utf8CodeUnitCount),
            let type = type(body[head.utf8CodeUnitCount..<end])
        {
            return type
        }
        let start = reader.checkpoint
        var type: EventType?
        try reader.enterObject()
        while let key = try reader.nextKey() {
            guard key.equals("event_type", in: body) else {
                _ = try reader.skipValue()
                continue
            }
            if try reader.peek() == .string {
                let text = try reader.string()
                type = GowitDecoder.type(reader.decoded(text))
            }
            break
        }
        reader.restore(start)
        return type
    }

    static func type(_ name: Bytes) -> EventType? {
        if name.equals("impression") { return .impression }
        if name.equals("viewable_impression") { return .viewableImpression }
        if name.equals("click") { return .click }
        return name.equals("sale") ? .purchase : nil
    }

    // MARK: the whole event

    private func finish(
        _ type: EventType?, _ form: GowitForm, isSDK: Bool, _ request: PlatformRequest,
        _ block: OpenBlock, _ answer: inout PlatformAnswer
    ) -> DecodeResult {
        let schema = form.parser.schema
        form.rules.check(type, isSDK: isSDK, &fields)
        collectAds()
        guard fields.problem == nil, let type else { return refused(.fields(schema), &answer) }
        var origin = request.origin
        if origin.sourceName.isEmpty {
            guard let account = fields.unknownIndex(property: form.rules.marketplaceID), let directory,
                directory.resolve(
                    platform: .gowit, account: fields.bytes(fields.unknown[account].value), into: &origin)
            else { return refused(.unauthorized, &answer) }
        }
        fields.type = type
        fields.mark(.type)
        var result = DecodeResult()
        let id = form.rules.given(form.rules.requestID, fields).map { fields.unknown[$0].value }
        if type == .purchase {
            if let id { fields.set(.id, id) }
            write(schema, origin, block, &result)
        } else {
            fields.set(.network, fields.copy(Bytes(Platform.gowit.name), form: .verbatim))
            writeAds(id, schema, origin, block, &result)
        }
        answer.status = 204
        return result
    }

    private func write(
        _ schema: EventSchema, _ origin: RequestOrigin, _ block: OpenBlock, _ result: inout DecodeResult
    ) {
        let type = fields.type
        switch writer.write(&fields, schema: schema, origin: origin, into: block, deduplicator: deduplicator)
        {
        case .accepted: result.count(type)
        case .duplicate: result.duplicates += 1
        }
    }

    /// - Parameter request: the sender's id of the request, if there is one.
    private func writeAds(
        _ request: Slot?, _ schema: EventSchema, _ origin: RequestOrigin, _ block: OpenBlock,
        _ result: inout DecodeResult
    ) {
        guard fields.has(.adIDs) else {
            if let request { fields.set(.id, request) }
            return write(schema, origin, block, &result)
        }
        fields.remove(.adIDs)
        for ad in ads {
            fields.set(.adID, ad)
            if let request {
                fields.set(.id, derivedID(request, ad))
            } else {
                fields.remove(.id)
            }
            write(schema, origin, block, &result)
        }
    }

    private func derivedID(_ request: Slot, _ ad: Slot) -> Slot {
        let hash = hash64(fields.bytes(ad), seed: 0)
        fields.scratch.reserve(Int(request.count) + 17)
        let start = fields.scratch.count
        fields.scratch.append(fields.bytes(request))
        fields.scratch.append(0x3A)
        for shift in stride(from: UInt64(60), through: 0, by: -4) {
            fields.scratch.append(ByteBuffer.hexDigit(UInt8(truncatingIfNeeded: hash >> shift & 15)))
        }
        return Slot(.plain, .scratch, start: start, count: fields.scratch.count - start)
    }

    /// Puts the ads of `ad_id` and `ad_ids` together, each once.
    private func collectAds() {
        guard let all = fields.text(.adIDs) else { return }
        ads.removeAll(keepingCapacity: true)
        if let ad = fields.slot(.adID) { ads.append(ad) }
        // Copied, because the draft's memory moves while elements are added to it.
        list.removeAll()
        list.append(all)
        var reader = JSONReader(list.bytes, scratch: json)
        guard (try? reader.enterArray()) != nil else { return }
        while (try? reader.nextElement()) == true, let text = try? reader.string() {
            let start = fields.scratch.count
            text.decode(in: list.bytes, into: &fields.scratch)
            let ad = Slot(.plain, .scratch, start: start, count: fields.scratch.count - start)
            var isKnown = false
            for other in ads where fields.bytes(other).equals(fields.bytes(ad)) { isKnown = true }
            if !isKnown { ads.append(ad) }
        }
        guard ads.count > 1 else { return }
        // Each event carries the whole of `ext`.
        var bytes = 0
        for member in fields.unknown { bytes += Int(member.key.count) + Int(member.value.count) }
        if bytes > CoreLimits.gowitSharedBytesMax {
            fields.note(
                FieldProblem(
                    .tooLong, path: "ad_ids",
                    words: "must not come with more than 8192 bytes of members that have no canonical name"))
        }
    }
}
