/// Kevel's purchases: `GET` or `POST /c/{network}/purchase`, one line item per call, as the parameters
/// of the query, of a form in the body, or of both.
///
/// The answer is 204 with `kevel-debug: queued`. Each user key goes to `user.keys`, the first also to
/// `user.id`, because most platforms know one id only. Ids are assigned, since the protocol has none.
/// What it does not know is kept in `ext.kevel`: a string, or a list of strings where a parameter is
/// repeated. The network in the path names the source and is not kept.
///
/// Shard thread only.
package final class KevelDecoder: PlatformDecoder {
    private let parser = EventParser(KevelSchema.purchase)
    private let json = JSONScratch()
    private var fields = EventFields()
    private var writer: CanonicalWriter
    /// The user keys so far, as the elements of a JSON list.
    private var keys = ByteBuffer(capacity: 1_024)
    private var key = ByteBuffer(capacity: 512)

    package init(identifiers: consuming UUIDv7Generator = UUIDv7Generator()) {
        writer = CanonicalWriter(platform: .kevel, identifiers: identifiers)
        fields.collectsProblems = true
    }

    package func decode(
        _ request: PlatformRequest, into block: OpenBlock, answer: inout PlatformAnswer
    ) -> DecodeResult {
        answer.reset()
        guard KevelDecoder.isPurchase(request.path) else { return refused(.notFound, &answer) }
        guard request.method == .get || request.method == .post else {
            return refused(.methodNotAllowed, &answer)
        }
        // A browser may load it as an image, and must not take it from its cache.
        answer.noStore = request.method == .get
        let body = request.method == .post ? request.body : .empty
        guard body.isBlank || KevelDecoder.isForm(request.contentType) else {
            return refused(.unsupportedMediaType, &answer)
        }
        if let refusal = read(request.query, body.isBlank ? .empty : body) {
            KevelAnswer.write(refusal, parser.schema, fields, to: &answer)
            return DecodeResult(rejected: 1)
        }
        var result = DecodeResult()
        _ = writer.write(
            &fields, schema: parser.schema, origin: request.origin, into: block, deduplicator: nil)
        result.count(.purchase)
        answer.status = 204
        answer.extraLine = "kevel-debug: queued\r\n"
        return result
    }

    package func refuse(_ problem: EdgeProblem, answer: inout PlatformAnswer) {
        answer.reset()
        KevelAnswer.write(problem, to: &answer)
    }

    private func refused(_ problem: EdgeProblem, _ answer: inout PlatformAnswer) -> DecodeResult {
        refuse(problem, answer: &answer)
        return DecodeResult(rejected: 1)
    }

    /// `/c/{network}/purchase`, where a network is some letters and digits.
    private static func isPurchase(_ path: Bytes) -> Bool {
        guard path.hasPrefix("/c/"), let slash = path.firstIndex(of: 0x2F, from: 3), slash > 3, slash <= 67
        else {
            return false
        }
        for index in 3..<slash {
            let byte = path[index]
            guard byte &- 0x30 < 10 || (byte | 0x20) &- 0x61 < 26 || byte == 0x2D || byte == 0x5F else {
                return false
            }
        }
        return path[slash..<path.count].equals("/purchase")
    }

    private static func isForm(_ type: Bytes) -> Bool {
        // Browsers send a string as text/plain.
        type.isEmpty || MediaType.matches(type, "application/x-www-form-urlencoded")
            || MediaType.matches(type, "text/plain")
    }

    // MARK: parameters

    private func read(_ query: Bytes, _ body: Bytes) -> KevelRefusal? {
        // Most have one of both. What lies in the input needs not be copied.
        fields.begin(input: query.isEmpty ? body : query)
        fields.beginItem()
        fields.type = .purchase
        fields.mark(.type)
        keys.removeAll()
        var count = 0
        var progress = FormProgress()
        readParameters(query, isInput: true, &count, &progress)
        // A body by hand ends with a line feed.
        readParameters(KevelDecoder.withoutLineEnd(body), isInput: query.isEmpty, &count, &progress)
        parser.finishForm(progress, into: &fields)
        if count == 0, !hasUserKeyProblem { return .missing }
        for problem in fields.problems where problem.code == .missing { return .missing }
        if count > CoreLimits.kevelUserKeysMax { return .tooManyUserKeys }
        guard fields.problem == nil else { return .fields }
        settle()
        return nil
    }

    private static func withoutLineEnd(_ body: Bytes) -> Bytes {
        var end = body.count
        while end > 0, body[end - 1] == 0x0A || body[end - 1] == 0x0D { end -= 1 }
        return body[0..<end]
    }

    /// - Parameter isInput: `text` begins the draft's input.
    private func readParameters(
        _ text: Bytes, isInput: Bool, _ count: inout Int, _ progress: inout FormProgress
    ) {
        var parameters = QueryFields(text)
        while let parameter = parameters.nextParameter() {
            // One item per call: what belongs to it is in the first row.
            if isInput, parser.readPlain(parameter, &progress, &fields, item: 0) { continue }
            let name = text[parameter.name]
            let value = text[parameter.value]
            if isUserKey(name, isPlain: parameter.isPlain) {
                readUserKey(value, isPlain: parameter.isPlain, &count)
            } else {
                parser.readParameter(name, value, false, json, &progress, &fields, item: 0)
            }
        }
    }

    private func isUserKey(_ name: Bytes, isPlain: Bool) -> Bool {
        if name.equals("userKey") { return true }
        guard !isPlain, name.firstIndex(of: 0x25) != nil else { return false }
        key.removeAll()
        return QueryFields.decode(name, into: &key) && key.bytes.equals("userKey")
    }

    private func readUserKey(_ value: Bytes, isPlain: Bool, _ count: inout Int) {
        guard !value.isEmpty else { return }
        if isPlain, value.count <= CoreLimits.personIDBytesMax {
            count += 1
            guard count <= CoreLimits.kevelUserKeysMax else { return }
            if count == 1 { fields.set(.userID, fields.copy(value, form: .verbatim)) }
            keys.append(count == 1 ? 0x5B : 0x2C)
            return keys.appendQuoted(value)
        }
        key.removeAll()
        var problem: FieldProblem?
        if !QueryFields.decode(value, into: &key) {
            problem = FieldProblem(.invalidEncoding, path: "userKey", words: "must be percent-encoded UTF-8")
        } else if key.count > CoreLimits.personIDBytesMax {
            problem = FieldProblem(.tooLong, path: "userKey", words: "must be at most 512 bytes long")
        } else if key.bytes.firstIndex(of: 0) != nil {
            problem = FieldProblem(.nulCharacter, path: "userKey", words: "must not contain a NUL character")
        }
        if let problem { return fields.note(problem) }
        count += 1
        guard count <= CoreLimits.kevelUserKeysMax else { return }
        if count == 1 { fields.setText(.userID, copying: key.bytes) }
        keys.append(count == 1 ? 0x5B : 0x2C)
        keys.appendJSONString(key.bytes)
    }

    private var hasUserKeyProblem: Bool {
        for problem in fields.problems where Bytes(problem.path).equals("userKey") { return true }
        return false
    }

    /// Turns what was read into what is stored.
    private func settle() {
        keys.append(0x5D)
        fields.set(.userKeys, fields.copy(keys.bytes, form: .raw))
        // Required, and right, or the request would have been refused.
        guard let index = fields.unknownIndex(property: KevelSchema.timestamp) else { return }
        let timestamp = fields.unknown[index]
        fields.occurredMilliseconds = timestamp.milliseconds
        fields.mark(.occurredAt)
        guard timestamp.value.count == Timestamp.bytes else { return }
        key.removeAll()
        key.appendTimestamp(timestamp.milliseconds)
        if fields.bytes(timestamp.value).equals(key.bytes) { fields.unknown.remove(at: index) }
    }
}
